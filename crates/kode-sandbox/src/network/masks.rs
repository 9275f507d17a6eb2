//! Finds the project's files that look like credentials, or once did, so that no
//! command with hosts open can read them. Looks everywhere, ignored folders too;
//! what it can't look through keeps the network shut.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, DirEntry};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{DirEntryExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use kode_base::ProjectPath;
use kode_gate::{FolderNames, NameKind};

use crate::credentials::{Known, Named, Seen, Stamp, linked_files};
use crate::{ProjectRoot, SandboxError};

/// Names looked at.
const ENTRIES_MAX: usize = 2_000_000;
/// Files masked.
const MASKS_MAX: usize = 2_000;
/// Folders inside each other.
const DEPTH_MAX: usize = 64;
/// Bytes of files that are compared with what credentials held.
const COMPARED_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// What is masked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Masks {
    /// Absolute, in their order.
    pub(crate) paths: Vec<String>,
    /// Those of them whose names don't say why.
    pub(crate) unexpected: Vec<ProjectPath>,
    /// Those whose names do.
    pub(crate) named: Vec<ProjectPath>,
}

/// Every file to mask.
///
/// # Errors
/// When the project is too large or can't be looked through, a secret's name
/// can't be passed on, or what was seen before is not to be had.
pub(crate) fn find(root: &ProjectRoot, seen: &Seen) -> Result<Masks, SandboxError> {
    let mut search = Search::new(root, seen);
    search.folder(root.path(), 0)?;
    let known = seen.known().map_err(|why| shut(&why))?;
    // A secret with other names hides behind none of them.
    if !known.is_empty() {
        (search.known, search.entries) = (Some(known), 0);
        search.folder(root.path(), 0)?;
    }
    for (path, stamp) in std::mem::take(&mut search.matches) {
        seen.keep_match(&path, &stamp).map_err(|why| shut(&why))?;
    }
    search.masks()
}

/// Files whose names credentials have, or perhaps, or that have one of `inodes`,
/// and whether those are all. For where nobody keeps track of the folders.
pub(crate) fn named(root: &ProjectRoot, seen: &Seen, inodes: &HashSet<u64>) -> (Vec<Named>, bool) {
    let mut search = Search::new(root, seen);
    search.inodes = Some(inodes);
    let complete = search.folder(root.path(), 0).is_ok();
    (search.named, complete)
}

struct Search<'a> {
    root: &'a Path,
    entries: usize,
    compared_bytes: u64,
    /// Files to mask, and whether a file's name says why.
    found: BTreeMap<PathBuf, bool>,
    seen: &'a Seen,
    /// Looked for by what is known instead of by name.
    known: Option<Known>,
    /// Known by what they hold alone.
    matches: Vec<(PathBuf, Stamp)>,
    /// Only named, not masked, and these besides.
    inodes: Option<&'a HashSet<u64>>,
    named: Vec<Named>,
}

impl<'a> Search<'a> {
    fn new(root: &'a ProjectRoot, seen: &'a Seen) -> Self {
        Self {
            root: root.path(),
            entries: 0,
            compared_bytes: 0,
            found: BTreeMap::new(),
            seen,
            known: None,
            matches: Vec::new(),
            inodes: None,
            named: Vec::new(),
        }
    }

    fn folder(&mut self, folder: &Path, depth: usize) -> Result<(), SandboxError> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return closed(folder, folder, &error),
        };
        if depth > DEPTH_MAX {
            return Err(shut("its folders are too deep to look through"));
        }
        let below = folder.strip_prefix(self.root).unwrap_or(folder);
        let names = FolderNames::below(&below.to_string_lossy());
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return closed(folder, folder, &error),
            };
            self.entries += 1;
            if self.entries > ENTRIES_MAX {
                return Err(shut("it has too many files to look through"));
            }
            self.entry(&entry, folder, &names, depth)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        entry: &DirEntry,
        folder: &Path,
        names: &FolderNames,
        depth: usize,
    ) -> Result<(), SandboxError> {
        let path = entry.path();
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            Err(error) => return closed(&path, folder, &error),
        };
        if kind.is_dir() {
            let enters = self.known.is_some() || !is_objects(&path, self.root);
            return if enters { self.folder(&path, depth + 1) } else { Ok(()) };
        }
        if self.known.is_some() {
            return if kind.is_file() { self.compare(path, folder) } else { Ok(()) };
        }
        let kind = names.kind(&entry.file_name().to_string_lossy());
        if let Some(inodes) = self.inodes {
            if kind != NameKind::Ordinary || inodes.contains(&entry.ino()) {
                self.named.push(Named { path, kind });
            }
            return Ok(());
        }
        match kind {
            NameKind::Ordinary => Ok(()),
            kind => self.mask(Named { path, kind }, folder),
        }
    }

    /// Masks the file, or the one a link leads to.
    fn mask(&mut self, named: Named, folder: &Path) -> Result<(), SandboxError> {
        let real = match fs::canonicalize(&named.path) {
            Ok(real) => real,
            Err(error) => return closed(&named.path, folder, &error),
        };
        if !real.starts_with(self.root) {
            return Ok(());
        }
        for file in linked_files(&named, &real) {
            let named = Named { path: file.clone(), kind: NameKind::Secret };
            if self.seen.is_credential(&named) {
                self.add(file, true)?;
            }
        }
        if real.is_file() && self.seen.is_credential(&named) {
            self.add(real, named.kind == NameKind::Secret)?;
        }
        Ok(())
    }

    /// Masks the file if it is, or holds, what was seen as a credential.
    fn compare(&mut self, path: PathBuf, folder: &Path) -> Result<(), SandboxError> {
        let Some(known) = &self.known else { return Ok(()) };
        if self.found.contains_key(&path) {
            return Ok(());
        }
        let Some(stamp) = Stamp::of(&path) else {
            let gone = || Error::from(ErrorKind::NotFound);
            let error = fs::symlink_metadata(&path).err().unwrap_or_else(gone);
            return closed(&path, folder, &error);
        };
        if known.contents.contains_key(&stamp.size) {
            self.compared_bytes += stamp.size;
        }
        if self.compared_bytes > COMPARED_BYTES_MAX {
            return Err(shut("too many of its files are as large as a credential"));
        }
        if known.has(&path, &stamp) {
            if !known.identities.contains(&stamp.identity) {
                self.matches.push((path.clone(), stamp));
            }
            self.add(path, false)?;
        }
        Ok(())
    }

    fn add(&mut self, path: PathBuf, named: bool) -> Result<(), SandboxError> {
        self.found.entry(path).or_insert(named);
        if self.found.len() > MASKS_MAX {
            return Err(shut("too many of its files look like credentials"));
        }
        Ok(())
    }

    fn masks(self) -> Result<Masks, SandboxError> {
        let mut masks = Masks::default();
        for (path, named) in self.found {
            let below = path.strip_prefix(self.root).unwrap_or(&path);
            if let Ok(below) = ProjectPath::new(&below.to_string_lossy()) {
                let list = if named { &mut masks.named } else { &mut masks.unexpected };
                list.push(below);
            }
            let text = path.into_os_string().into_string();
            masks.paths.push(text.map_err(|_| {
                shut("a file that looks like a credential has a name that is not UTF-8")
            })?);
        }
        Ok(masks)
    }
}

/// Git's objects have no names of their own, and there are many.
fn is_objects(path: &Path, root: &Path) -> bool {
    path.strip_prefix(root).is_ok_and(|below| below == Path::new(".git/objects"))
}

/// What kode can't look into, running as the same user, commands can't either,
/// unless it is theirs to open.
fn closed(path: &Path, folder: &Path, error: &Error) -> Result<(), SandboxError> {
    let leads_nowhere = [libc::ENOENT, libc::ELOOP, libc::ENOTDIR];
    if error.raw_os_error().is_some_and(|code| leads_nowhere.contains(&code))
        || error.kind() == ErrorKind::NotFound
    {
        return Ok(());
    }
    let own = |folder: &Path| {
        let user = rustix::process::geteuid().as_raw();
        fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.uid() == user)
    };
    if error.kind() == ErrorKind::PermissionDenied && !own(folder) {
        return Ok(());
    }
    Err(shut(&format!("{} can't be looked at ({error})", path.display())))
}

pub(super) fn shut(why: &str) -> SandboxError {
    SandboxError::Command(format!(
        "with hosts open, the project's secrets must be masked, but {why}; run it without network"
    ))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests lay out projects")]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::{Host, SandboxSettings};

    fn settings(home: &Path) -> SandboxSettings {
        let host = Host { kode_home: home.join("kode"), ..Host::default() };
        SandboxSettings { host, ..SandboxSettings::default() }
    }

    fn found(lay_out: impl Fn(&Path)) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(folder.path()).unwrap();
        let project = home.join("project");
        fs::create_dir_all(project.join(".git/objects")).unwrap();
        fs::create_dir_all(home.join("kode")).unwrap();
        lay_out(&project);
        let root = ProjectRoot::find(&project, &home, &home.join("kode")).unwrap();
        let seen = Seen::of(&root, &settings(&home));
        let found = find(&root, &seen).unwrap().paths;
        let prefix = format!("{}/", project.display());
        found.iter().map(|path| path.strip_prefix(&prefix).unwrap().to_owned()).collect()
    }

    #[test]
    fn secrets_are_found_wherever_they_lie() {
        let found = found(|project| {
            fs::create_dir_all(project.join("node_modules/a/.ssh")).unwrap();
            fs::write(project.join(".gitignore"), "*").unwrap();
            for name in [
                ".env",
                "node_modules/a/.env.local",
                "node_modules/a/.ssh/x",
                "server.pem",
                ".env.example",
                "main.rs",
            ] {
                fs::write(project.join(name), "x").unwrap();
            }
        });
        assert_eq!(
            found,
            [".env", "node_modules/a/.env.local", "node_modules/a/.ssh/x", "server.pem"]
        );
    }

    #[test]
    fn a_secret_is_found_by_its_other_names() {
        let found = found(|project| {
            fs::write(project.join(".env"), "x").unwrap();
            fs::hard_link(project.join(".env"), project.join("notes.txt")).unwrap();
            fs::write(project.join("real"), "x").unwrap();
            symlink("real", project.join("id_rsa")).unwrap();
            symlink("/etc/passwd", project.join("server.key")).unwrap();
        });
        assert_eq!(found, [".env", "notes.txt", "real"]);
    }

    #[test]
    fn a_secret_with_a_strange_name_keeps_the_network_shut() {
        use std::os::unix::ffi::OsStrExt as _;
        let folder = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir_all(home.join("project/.git")).unwrap();
        fs::create_dir_all(home.join("kode")).unwrap();
        fs::write(home.join("project").join(std::ffi::OsStr::from_bytes(b"\xff.pem")), "x")
            .unwrap();
        let root = ProjectRoot::find(&home.join("project"), &home, &home.join("kode")).unwrap();
        assert!(find(&root, &Seen::of(&root, &settings(&home))).is_err());
    }
}
