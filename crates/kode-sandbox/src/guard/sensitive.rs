//! Which files are sensitive, and when one counts as changed.

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{FileType, RawDir, Stat};

use super::beneath;
use super::modes;
use super::runs::{Named, Role};

/// A file as it was. Folders change with every commit, so only being the same
/// folder counts for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    kind: FileType,
    /// Names of a file; a second one may stand where commands write.
    links: u64,
    device: u64,
    inode: u64,
    size: i64,
    changed_ns: i128,
    written_ns: i128,
}

impl Stamp {
    pub(super) fn of(stat: &Stat) -> Self {
        let whole = Self::with_times(stat);
        match whole.kind {
            FileType::Directory => {
                Self { links: 0, size: 0, changed_ns: 0, written_ns: 0, ..whole }
            }
            _ => whole,
        }
    }

    /// The same of a folder of which counts when its entries changed.
    pub(super) fn with_times(stat: &Stat) -> Self {
        let written_ns = i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec);
        #[allow(clippy::useless_conversion, reason = "the field's width differs between targets")]
        let links = u64::from(stat.st_nlink);
        Self {
            kind: FileType::from_raw_mode(stat.st_mode),
            links,
            device: stat.st_dev,
            inode: stat.st_ino,
            size: stat.st_size,
            changed_ns: modes::changed_ns(stat),
            written_ns,
        }
    }

    pub(super) const fn changed_ns(&self) -> i128 {
        self.changed_ns
    }

    pub(super) const fn inode(&self) -> u64 {
        self.inode
    }

    /// Whether a file may have changed since a command began though it looks the same:
    /// its file system counts whole seconds, and it is of the same one.
    pub(super) fn is_unclear(&self, since_ns: i128) -> bool {
        self.kind == FileType::RegularFile
            && *self != HEAD_STAMP
            && modes::is_unclear(self.changed_ns, since_ns)
    }

    /// Whether it stands for a repository, of which only that it is there counts.
    pub(super) fn is_repository(&self) -> bool {
        *self == HEAD_STAMP || self.kind == FileType::Directory
    }

    pub(super) fn is_file(&self) -> bool {
        self.kind == FileType::RegularFile
    }

    /// Whether it can be written by this name only.
    pub(super) fn has_one_name(&self) -> bool {
        self.kind != FileType::RegularFile || self.links == 1
    }
}

/// The repository that `path` stands for, itself or by its `HEAD`, and the folder's inode
/// and when that changed.
pub(super) fn repository(
    root: &OwnedFd,
    path: &[u8],
    stamp: Stamp,
) -> Option<((Vec<u8>, u64), i128)> {
    let folder = match stamp == HEAD_STAMP {
        true => path.iter().rposition(|byte| *byte == b'/').map_or(&b"."[..], |at| &path[..at]),
        false => path,
    };
    let location = beneath::location(root, folder).ok()?;
    let stat = rustix::fs::fstat(location).ok()?;
    Some(((folder.to_vec(), stat.st_ino), modes::changed_ns(&stat)))
}

/// That a folder is a repository itself. Its `HEAD` changes with every switch
/// of branches, so only that it is there counts.
pub(super) const HEAD_STAMP: Stamp = Stamp {
    kind: FileType::RegularFile,
    links: 1,
    device: 0,
    inode: 0,
    size: 0,
    changed_ns: 0,
    written_ns: 0,
};

/// What of `named` is configuration, besides, or a link on the way to one: by that git may
/// find another file than anybody else.
pub(super) fn find_named(root: &OwnedFd, named: &[Named], all: &mut BTreeMap<Vec<u8>, Stamp>) {
    let files = named.iter().filter(|named| named.role == Role::Configuration);
    for Named { path, .. } in files {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        for end in ends.chain([path.len()]) {
            let found = beneath::parent(root, &path[..end]).ok();
            let stamp = found.and_then(|(folder, name)| stamp(&folder, name));
            let Some(stamp) = stamp else { break };
            let is_link = stamp.kind == FileType::Symlink;
            if is_link || end == path.len() {
                all.insert(path[..end].to_vec(), stamp);
            }
            if is_link {
                break;
            }
        }
    }
}

/// What the file `name` of `folder` is like now.
pub(super) fn stamp(folder: &OwnedFd, name: &[u8]) -> Option<Stamp> {
    beneath::stat(folder, name).ok().map(|stat| Stamp::of(&stat))
}

pub(super) fn entries(folder: &OwnedFd) -> Vec<(Vec<u8>, FileType)> {
    let mut entries = Vec::new();
    let mut space = [MaybeUninit::uninit(); 8 * 1024];
    let mut listing = RawDir::new(folder, &mut space);
    while let Some(Ok(entry)) = listing.next() {
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            entries.push((name.to_vec(), entry.file_type()));
        }
    }
    entries
}
