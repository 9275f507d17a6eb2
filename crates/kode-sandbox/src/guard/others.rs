//! Other sandboxes that can write where this one's commands can: of the same project, of
//! one around or within it, of another worktree of its repository. What one command planted must not count as
//! there before the next one, whose sandbox could hide it while the first one's guard
//! looks and put it back for its own. So each says in a file in kode's home, which
//! commands can't see, since when it runs and which repositories it knew; the file is
//! locked for as long. One that nobody locks was left by a kode that was killed.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use crate::{ProjectRoot, plan};

/// The folder below kode's home.
const FOLDER: &str = "running-commands";
/// Of one file.
const BYTES_MAX: u64 = 1024 * 1024;

/// A repository by its absolute path and inode.
pub(super) type Known = HashSet<(Vec<u8>, u64)>;

/// What another command's sandbox said.
#[derive(Debug, Default)]
pub(super) struct Other {
    /// When it began, in nanoseconds since 1970.
    pub(super) since_ns: i128,
    /// Repositories that were there before.
    pub(super) known: Known,
    /// Whether its kode is gone: nobody looked at what it left.
    pub(super) killed: bool,
}

/// Where the commands of all projects are told of.
#[derive(Debug, Default)]
pub(super) struct Others {
    /// `None` where kode has no home.
    folder: Option<PathBuf>,
    /// Folders that this project's commands can write in; absolute.
    areas: Vec<Vec<u8>>,
    own: Option<(PathBuf, File)>,
    /// Files of commands whose kode was killed, until that is told.
    stale: Vec<PathBuf>,
}

impl Others {
    pub(super) fn of(root: &ProjectRoot, kode_home: &Path) -> Self {
        let folder = kode_home.is_absolute().then(|| kode_home.join(FOLDER));
        let common = plan::linked(root).map(|linked| linked.common);
        let areas = std::iter::once(root.path().to_owned()).chain(common);
        let areas = areas.map(|area| area.into_os_string().into_vec()).collect();
        Self { folder, areas, own: None, stale: Vec::new() }
    }

    /// The same without a command of its own.
    pub(super) fn anew(&self) -> Self {
        let (folder, areas) = (self.folder.clone(), self.areas.clone());
        Self { folder, areas, ..Self::default() }
    }

    /// Says that a command begins at `since_ns`; what others said, if all is readable.
    pub(super) fn begin(&mut self, since_ns: i128) -> Option<Vec<Other>> {
        self.end();
        let Some(folder) = &self.folder else { return Some(Vec::new()) };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).ok()?;
        let name = format!("{}-{:08x}", std::process::id(), getrandom::u32().ok()?);
        let unlocked = folder.join(format!(".{name}"));
        let mut file = open(&unlocked, true).ok()?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
        let areas: Vec<String> = self.areas.iter().map(|area| hexadecimal(area)).collect();
        file.write_all(format!("{since_ns}\n{}\n", areas.join(" ")).as_bytes()).ok()?;
        rustix::fs::rename(&unlocked, folder.join(&name)).ok()?;
        self.own = Some((folder.join(&name), file));
        let mut others = Vec::new();
        for entry in fs::read_dir(folder).ok()? {
            let entry = entry.ok()?;
            let is_hidden = entry.file_name().as_bytes().starts_with(b".");
            let is_own = entry.file_name().as_bytes() == name.as_bytes();
            if !is_hidden && !is_own && entry.file_type().is_ok_and(|kind| kind.is_file()) {
                let other = read(&entry.path(), &self.areas)?;
                self.stale.extend(other.iter().filter(|it| it.killed).map(|_| entry.path()));
                others.extend(other);
            }
        }
        Some(others)
    }

    /// Whether another command runs that can write in the same places; what can't be
    /// read may be one.
    pub(super) fn run(&self) -> bool {
        let listed = self.folder.as_ref().map(fs::read_dir);
        let Some(Ok(mut entries)) = listed else {
            return listed.is_some_and(|it| it.is_err_and(|it| it.kind() != ErrorKind::NotFound));
        };
        entries.any(|entry| {
            let Ok(entry) = entry else { return true };
            let is_own = self.own.as_ref().is_some_and(|(own, _)| *own == entry.path());
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            let others = || read(&entry.path(), &self.areas);
            is_file && !is_own && others().is_none_or(|it| it.is_some_and(|it| !it.killed))
        })
    }

    /// Says which repositories were there before.
    pub(super) fn knows(&mut self, known: &Known) {
        let Some((_, file)) = &mut self.own else { return };
        let mut text = String::new();
        for (path, inode) in known {
            text.push_str(&format!("{inode} {}\n", hexadecimal(path)));
        }
        // Without it others trust less.
        let _ = file.write_all(text.as_bytes());
    }

    /// The command ended, and what it left was looked at.
    pub(super) fn end(&mut self) {
        if let Some((path, _locked)) = self.own.take() {
            let _ = rustix::fs::unlink(&path);
        }
        for path in self.stale.drain(..) {
            let _ = rustix::fs::unlink(&path);
        }
    }
}

/// What the file says; nothing when it is gone meanwhile or is of a command elsewhere,
/// `None` when it is unreadable.
fn read(path: &Path, areas: &[Vec<u8>]) -> Option<Option<Other>> {
    let mut file = match open(path, false) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Some(None),
        file => file.ok()?,
    };
    let killed = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
    let mut text = String::new();
    (&mut file).take(BYTES_MAX).read_to_string(&mut text).ok()?;
    let mut lines = text.lines();
    let since_ns: Option<i128> = lines.next().and_then(|line| line.parse().ok());
    let its = lines.next().unwrap_or_default().split(' ').filter_map(bytes);
    let its: Vec<Vec<u8>> = its.filter(|area| !area.is_empty()).collect();
    let is_gone = |area: &Vec<u8>| fs::symlink_metadata(OsStr::from_bytes(area)).is_err();
    let meets = its.iter().any(|one| areas.iter().any(|other| overlap(one, other)));
    if killed && (since_ns.is_none() || !meets && its.iter().all(is_gone)) {
        rustix::fs::unlink(path).ok()?;
    }
    // Elsewhere; or killed, or not done, before it said when.
    let Some(since_ns) = since_ns.filter(|_| meets) else { return Some(None) };
    let known = lines.filter_map(|line| {
        let (inode, path) = line.split_once(' ')?;
        Some((bytes(path)?, inode.parse().ok()?))
    });
    Some(Some(Other { since_ns, known: known.collect(), killed }))
}

/// Whether one folder is the other, or lies in it.
fn overlap(one: &[u8], other: &[u8]) -> bool {
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let pairs = (0..text.len()).step_by(2);
    pairs.map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

fn open(path: &Path, new: bool) -> std::io::Result<File> {
    #[expect(clippy::disallowed_methods, reason = "kode's own file in kode's home")]
    fs::OpenOptions::new()
        .read(true)
        .append(new)
        .create_new(new)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn others(folder: &Path) -> Others {
        others_of(folder, &["/a/b"])
    }

    fn others_of(folder: &Path, areas: &[&str]) -> Others {
        let areas = areas.iter().map(|area| area.as_bytes().to_vec()).collect();
        Others { folder: Some(folder.join("x")), areas, own: None, stale: Vec::new() }
    }

    #[test]
    fn commands_that_can_write_in_the_same_places_know_of_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let mut one = others_of(folder.path(), &["/a/b/w", "/a/b/.git"]);
        one.begin(5).unwrap();
        for (areas, knows) in [
            ("/a/b", true),
            ("/a/b/.git/modules/x", true),
            ("/a/bc", false),
            ("/a/b/.github", false),
        ] {
            let mut other = others_of(folder.path(), &[areas]);
            assert_eq!(other.run(), knows, "{areas}");
            assert_eq!(other.begin(6).unwrap().len(), usize::from(knows), "{areas}");
            other.end();
        }
    }

    #[test]
    fn commands_know_of_each_other_until_they_end() {
        let folder = tempfile::tempdir().unwrap();
        let (mut one, mut other) = (others(folder.path()), others(folder.path()));
        assert!(one.begin(5).unwrap().is_empty());
        one.knows(&HashSet::from([(b"a\xff b".to_vec(), 7)]));
        let said = other.begin(6).unwrap();
        assert_eq!((said[0].since_ns, said[0].killed), (5, false));
        assert_eq!(said[0].known, HashSet::from([(b"a\xff b".to_vec(), 7)]));
        one.end();
        other.end();
        assert!(one.begin(8).unwrap().is_empty());
    }

    #[test]
    fn one_that_was_killed_is_told_of_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut one = others(folder.path());
        one.begin(5).unwrap();
        // As the system does with what a killed process had open.
        one.own = None;
        let said = one.begin(6).unwrap();
        assert_eq!((said[0].since_ns, said[0].killed), (5, true));
        // That is not forgotten when it is killed as well before it tells.
        one.own = None;
        one.stale.clear();
        assert_eq!(one.begin(7).unwrap().len(), 2);
        one.end();
        assert!(one.begin(8).unwrap().is_empty());
    }
}
