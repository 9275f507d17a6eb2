//! What the project's protected files held before a command, to put back where
//! nobody can tell whether a person or the command replaced one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{FileType, Gid, Mode, OFlags, Stat, Uid};

use super::beneath::parent;
use super::sensitive::Stamp;
use crate::ProjectRoot;

/// Larger files are not kept.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Protected files of one project.
#[derive(Debug)]
pub(super) struct Kept {
    /// Absolute, with a `/` at the end.
    root: Vec<u8>,
    /// Relative to it.
    protected: Vec<Vec<u8>>,
    files: BTreeMap<Vec<u8>, (Stamp, Stat, Vec<u8>)>,
}

impl Kept {
    /// `protected` are absolute paths.
    pub(super) fn new(root: &ProjectRoot, protected: Vec<String>) -> Self {
        let root = [root.path().as_os_str().as_bytes(), b"/"].concat();
        let mut kept = Self { root, protected: Vec::new(), files: BTreeMap::new() };
        kept.protected = kept.below_root(&protected);
        kept
    }

    /// These absolute paths as the guard names them.
    pub(super) fn below_root(&self, paths: &[String]) -> Vec<Vec<u8>> {
        let below = paths.iter().filter_map(|path| path.as_bytes().strip_prefix(&*self.root));
        below.map(<[u8]>::to_vec).collect()
    }

    /// Takes in what stands now; what did not change is not read again.
    pub(super) fn take(&mut self, root: &OwnedFd, now: &BTreeMap<Vec<u8>, Stamp>) {
        for path in &self.protected {
            let Some(stamp) = now.get(path) else {
                self.files.remove(path);
                continue;
            };
            if self.files.get(path).is_some_and(|(kept, ..)| kept == stamp) {
                continue;
            }
            match read(root, path) {
                Some((stat, content)) => {
                    self.files.insert(path.clone(), (*stamp, stat, content));
                }
                None => drop(self.files.remove(path)),
            }
        }
    }

    /// Makes files again that are not among those that stand `now`, and whose mounts are
    /// not among the `held`; their paths.
    pub(super) fn put_back_missing(
        &self,
        root: &OwnedFd,
        now: &BTreeMap<Vec<u8>, Stamp>,
        held: &[Vec<u8>],
    ) -> Vec<Vec<u8>> {
        let missing = self.files.keys().filter(|path| !now.contains_key(*path));
        let missing = missing.filter(|path| !held.contains(path));
        let put_back = missing.filter(|path| {
            parent(root, path).is_ok_and(|(folder, _)| self.put_back(&folder, path))
        });
        put_back.cloned().collect()
    }

    /// Makes a file again that was moved away within `folder`; whether it is there.
    pub(super) fn put_back(&self, folder: &OwnedFd, path: &[u8]) -> bool {
        let Some((_, stat, content)) = self.files.get(path) else { return false };
        write(folder, path, stat, content).is_some()
    }
}

fn read(root: &OwnedFd, path: &[u8]) -> Option<(Stat, Vec<u8>)> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let (folder, name) = parent(root, path).ok()?;
    let file = rustix::fs::openat(folder, name, flags, Mode::empty()).ok()?;
    let stat = rustix::fs::fstat(&file).ok()?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return None;
    }
    let mut content = Vec::new();
    let read = File::from(file).take(FILE_BYTES_MAX + 1).read_to_end(&mut content).ok()?;
    (read as u64 <= FILE_BYTES_MAX).then_some((stat, content))
}

/// Makes the file `path` anew in `folder`, which holds it, with owner and bits of `stat`.
pub(super) fn write(folder: &OwnedFd, path: &[u8], stat: &Stat, content: &[u8]) -> Option<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let made = rustix::fs::openat(folder, name(path)?, flags, Mode::from_raw_mode(0o600)).ok()?;
    let mut file = File::from(made);
    file.write_all(content).ok()?;
    if rustix::process::geteuid().is_root() {
        let (user, group) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
        rustix::fs::fchown(&file, Some(user), Some(group)).ok()?;
    }
    rustix::fs::fchmod(&file, Mode::from_raw_mode(stat.st_mode & 0o777)).ok()
}

fn name(path: &[u8]) -> Option<&[u8]> {
    path.rsplit(|byte| *byte == b'/').next()
}
