//! What the project's protected files held before a command, to put back where
//! nobody can tell whether a person or the command replaced one. Never what another
//! sandbox's command may have written: of that, what stood before that one.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

use kode_base::raw_name::{bytes_of, text_of};
use rustix::fs::{FileType, Gid, Mode, OFlags, Stat, Uid};
use serde::{Deserialize, Serialize};

use super::beneath::parent;
use super::modes;
use super::others::Other;
use super::sensitive::Stamp;
use crate::ProjectRoot;

/// Larger files are not kept.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Of what is kept, so much is told to other sandboxes, which else keep nothing.
const TOLD_BYTES_MAX: usize = 256 * 1024;

/// A file as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Before {
    mode: u32,
    user: u32,
    group: u32,
    /// Bytes as [`text_of`] has them.
    content: String,
}

impl Before {
    pub(super) fn new(stat: &Stat, content: &[u8]) -> Self {
        let (mode, user, group) = (stat.st_mode & 0o777, stat.st_uid, stat.st_gid);
        Self { mode, user, group, content: text_of(content) }
    }
}

/// Protected files of one project.
#[derive(Debug)]
pub(super) struct Kept {
    /// Absolute, with a `/` at the end.
    root: Vec<u8>,
    /// Relative to it.
    protected: Vec<Vec<u8>>,
    files: BTreeMap<Vec<u8>, File>,
}

/// What is kept of one.
#[derive(Debug)]
struct File {
    before: Before,
    /// What it looked like, where this sandbox has seen it itself.
    stamp: Option<Stamp>,
    /// Whether anything stood there when the command began.
    stood: bool,
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
        paths.iter().filter_map(|path| self.below(path.as_bytes())).collect()
    }

    fn below(&self, path: &[u8]) -> Option<Vec<u8>> {
        path.strip_prefix(&*self.root).map(<[u8]>::to_vec)
    }

    /// Takes in what stands `now`; what did not change is not read again. Of all else,
    /// what is `doubted` among it, what the first of the `others` by their time has kept.
    pub(super) fn take(
        &mut self,
        root: &OwnedFd,
        now: &BTreeMap<Vec<u8>, Stamp>,
        (doubted, others): (&[Vec<u8>], &[Other]),
    ) {
        let mut files = BTreeMap::new();
        for path in &self.protected {
            let Some(stamp) = now.get(path) else { continue };
            let same = self.files.remove(path).filter(|file| file.stamp.as_ref() == Some(stamp));
            let before = same.map(|file| file.before).or_else(|| read_as(root, path, stamp));
            if let Some(before) = before {
                files.insert(path.clone(), File { before, stamp: Some(*stamp), stood: true });
            }
        }
        for (path, before) in others.iter().flat_map(|other| &other.kept) {
            let Some(path) = self.below(&bytes_of(path)) else { continue };
            if !now.contains_key(&path) && !files.contains_key(&path) {
                let stood = doubted.contains(&path);
                files.insert(path, File { before: before.clone(), stamp: None, stood });
            }
        }
        self.files = files;
    }

    /// All of it for other sandboxes, by absolute paths.
    pub(super) fn told(&self) -> BTreeMap<String, Before> {
        let mut bytes_left = TOLD_BYTES_MAX;
        let mut fits = |before: &Before| {
            let left = bytes_left.checked_sub(before.content.len());
            bytes_left = left.unwrap_or(bytes_left);
            left.is_some()
        };
        let files = self.files.iter().filter(|(_, file)| fits(&file.before));
        let absolute = |path: &Vec<u8>| text_of(&[&*self.root, path].concat());
        files.map(|(path, file)| (absolute(path), file.before.clone())).collect()
    }

    /// Whether what is kept of `path` stands there, whoever wrote it.
    pub(super) fn is_back(&self, root: &OwnedFd, path: &[u8]) -> bool {
        let Some(file) = self.files.get(path) else { return false };
        read(root, path).is_some_and(|(stat, content)| {
            stat.st_nlink == 1 && content == *bytes_of(&file.before.content)
        })
    }

    /// Makes files again that are not among those that stand `now`, and whose mounts are
    /// not among the `held`; their paths.
    pub(super) fn put_back_missing(
        &self,
        root: &OwnedFd,
        now: &BTreeMap<Vec<u8>, Stamp>,
        held: &[Vec<u8>],
    ) -> Vec<Vec<u8>> {
        let stood = self.files.iter().filter(|(_, file)| file.stood).map(|(path, _)| path);
        let missing = stood.filter(|path| !now.contains_key(*path) && !held.contains(path));
        let put_back = missing.filter(|path| {
            parent(root, path).is_ok_and(|(folder, _)| self.put_back(&folder, path))
        });
        put_back.cloned().collect()
    }

    /// Makes a file again that was moved away within `folder`; whether it is there.
    pub(super) fn put_back(&self, folder: &OwnedFd, path: &[u8]) -> bool {
        self.files.get(path).is_some_and(|file| write(folder, path, &file.before).is_some())
    }
}

/// The file as it is, if it still is what it looked like before that was found beyond
/// doubt.
fn read_as(root: &OwnedFd, path: &[u8], stamp: &Stamp) -> Option<Before> {
    let (stat, content) = read(root, path)?;
    (modes::changed_ns(&stat) == stamp.changed_ns()).then(|| Before::new(&stat, &content))
}

/// What a file holds, and what it looked like after that was read.
fn read(root: &OwnedFd, path: &[u8]) -> Option<(Stat, Vec<u8>)> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let (folder, name) = parent(root, path).ok()?;
    let mut file = fs::File::from(rustix::fs::openat(folder, name, flags, Mode::empty()).ok()?);
    let stat = rustix::fs::fstat(&file).ok()?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return None;
    }
    let mut content = Vec::new();
    let read = (&mut file).take(FILE_BYTES_MAX + 1).read_to_end(&mut content).ok()?;
    (read as u64 <= FILE_BYTES_MAX).then_some((rustix::fs::fstat(&file).ok()?, content))
}

/// Makes the file `path` anew in `folder`, which holds it.
pub(super) fn write(folder: &OwnedFd, path: &[u8], before: &Before) -> Option<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let made = rustix::fs::openat(folder, name(path)?, flags, Mode::from_raw_mode(0o600)).ok()?;
    let mut file = fs::File::from(made);
    file.write_all(&bytes_of(&before.content)).ok()?;
    if rustix::process::geteuid().is_root() {
        let (user, group) = (Uid::from_raw(before.user), Gid::from_raw(before.group));
        rustix::fs::fchown(&file, Some(user), Some(group)).ok()?;
    }
    rustix::fs::fchmod(&file, Mode::from_raw_mode(before.mode)).ok()
}

fn name(path: &[u8]) -> Option<&[u8]> {
    path.rsplit(|byte| *byte == b'/').next()
}
