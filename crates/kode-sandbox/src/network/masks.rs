//! Finds the project's files that look like credentials, so that no command
//! with hosts open can read them. Looks everywhere, ignored folders too; what
//! it can't look through keeps the network shut.

use std::collections::HashSet;
use std::fs::{self, DirEntry};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use kode_base::ProjectPath;
use kode_gate::looks_secret;

use crate::{ProjectRoot, SandboxError};

/// Names looked at.
const ENTRIES_MAX: usize = 2_000_000;
/// Files masked.
const MASKS_MAX: usize = 2_000;
/// Folders inside each other.
const DEPTH_MAX: usize = 64;

/// Absolute paths of every file to mask.
///
/// # Errors
/// When the project is too large, or a secret's name can't be passed on.
pub(crate) fn find(root: &ProjectRoot) -> Result<Vec<String>, SandboxError> {
    let mut search = Search {
        root: root.path(),
        entries: 0,
        found: Vec::new(),
        linked: HashSet::new(),
        by_inode: false,
    };
    search.folder(root.path(), 0)?;
    // A secret with further names hides behind none of them.
    if !search.linked.is_empty() {
        search.by_inode = true;
        search.entries = 0;
        search.folder(root.path(), 0)?;
    }
    search.found.sort();
    search.found.dedup();
    Ok(search.found)
}

struct Search<'a> {
    root: &'a Path,
    entries: usize,
    found: Vec<String>,
    /// Devices and inodes of secrets that have several names.
    linked: HashSet<(u64, u64)>,
    /// Looks for those names instead.
    by_inode: bool,
}

impl Search<'_> {
    fn folder(&mut self, folder: &Path, depth: usize) -> Result<(), SandboxError> {
        // What kode itself can't list, running as the same user, commands can't
        // either.
        let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
        if depth > DEPTH_MAX {
            return Err(shut("its folders are too deep to look through"));
        }
        for entry in entries.flatten() {
            self.entries += 1;
            if self.entries > ENTRIES_MAX {
                return Err(shut("it has too many files to look through"));
            }
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                if !is_objects(&entry.path(), self.root) {
                    self.folder(&entry.path(), depth + 1)?;
                }
            } else if self.by_inode {
                self.same_file(&entry)?;
            } else if self.is_secret(&entry.path()) {
                self.mask(&entry.path())?;
            }
        }
        Ok(())
    }

    fn is_secret(&self, path: &Path) -> bool {
        let Ok(below) = path.strip_prefix(self.root) else { return true };
        // A name that is no path of a project is judged by what it looks like.
        ProjectPath::new(&below.to_string_lossy()).is_ok_and(|path| looks_secret(&path))
    }

    /// Masks the file, or the one a link leads to.
    fn mask(&mut self, path: &Path) -> Result<(), SandboxError> {
        let Ok(real) = fs::canonicalize(path) else { return Ok(()) };
        let Ok(metadata) = fs::metadata(&real) else { return Ok(()) };
        if !real.starts_with(self.root) || !metadata.is_file() {
            return Ok(());
        }
        if metadata.nlink() > 1 {
            self.linked.insert((metadata.dev(), metadata.ino()));
        }
        self.add(real)
    }

    fn same_file(&mut self, entry: &DirEntry) -> Result<(), SandboxError> {
        let Ok(metadata) = entry.metadata() else { return Ok(()) };
        if metadata.is_file() && self.linked.contains(&(metadata.dev(), metadata.ino())) {
            self.add(entry.path())?;
        }
        Ok(())
    }

    fn add(&mut self, path: PathBuf) -> Result<(), SandboxError> {
        if self.found.len() >= MASKS_MAX {
            return Err(shut("too many of its files look like credentials"));
        }
        let text = path.into_os_string().into_string();
        self.found.push(text.map_err(|_| {
            shut("a file that looks like a credential has a name that is not UTF-8")
        })?);
        Ok(())
    }
}

/// Git's objects have no names of their own, and there are many.
fn is_objects(path: &Path, root: &Path) -> bool {
    path.strip_prefix(root).is_ok_and(|below| below == Path::new(".git/objects"))
}

fn shut(why: &str) -> SandboxError {
    SandboxError::Command(format!(
        "with hosts open, the project's secrets must be masked, but {why}; run it without network"
    ))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests lay out projects")]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn found(lay_out: impl Fn(&Path)) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(folder.path()).unwrap();
        let project = home.join("project");
        fs::create_dir_all(project.join(".git/objects")).unwrap();
        fs::create_dir_all(home.join("kode")).unwrap();
        lay_out(&project);
        let root = ProjectRoot::find(&project, &home, &home.join("kode")).unwrap();
        let found = find(&root).unwrap();
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
        assert!(find(&root).is_err());
    }
}
