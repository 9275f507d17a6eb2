//! Permission bits that a command must not leave on the host: set-user-id and
//! set-group-id programs, and anything everybody may write. They are taken
//! away from what the command made or changed, and only from that. And one that
//! it must not take: the owner's own to read a file, or nobody could look at the
//! change and put it back.

use std::collections::HashSet;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, RawDir, Stat};
use rustix::io::Errno;

use super::beneath::{self, Seen};
use super::tree::{Tree, join};

/// Files looked at after a command; further ones are reported as unchecked.
const FILES_MAX: usize = 400_000;

const SET_ID: u32 = 0o6000;
const WORLD_WRITABLE: u32 = 0o002;
const OWNER_READS: u32 = 0o400;

/// A file whose bits the command should not have left.
#[derive(Debug)]
pub(super) struct Loose {
    pub(super) path: Vec<u8>,
    /// The bits that go.
    pub(super) bits: u32,
    /// The bits that come back.
    missing: u32,
    seen: Seen,
}

/// What has such bits anyway, the user's own doing.
#[derive(Debug)]
pub(super) struct Modes {
    known: HashSet<Vec<u8>>,
    pub(super) since_ns: i128,
}

impl Modes {
    /// Until a command begins, nothing is a command's doing.
    pub(super) fn new() -> Self {
        Self { known: HashSet::new(), since_ns: i128::MAX }
    }

    /// What changes from now on is a command's doing.
    pub(super) fn begin(&mut self) {
        // The clock that file systems take their times from.
        let now = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
        self.since_ns = i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec);
    }

    /// Looks at every file once; false when there are too many, or a folder was exchanged.
    pub(super) fn look(&mut self, root: &OwnedFd, tree: &Tree, found: &mut Vec<Loose>) -> bool {
        let mut files_left = FILES_MAX;
        let mut known = HashSet::new();
        let mut complete = true;
        let mut take = |path: Vec<u8>, stat: &Stat| match (loose_bits(stat), missing_bits(stat)) {
            (0, 0) => {}
            (bits, missing) if self.is_new(&path, stat) => {
                found.push(Loose { path, bits, missing, seen: Seen::new(stat) });
            }
            _ => {
                known.insert(path);
            }
        };
        if let Ok(stat) = rustix::fs::fstat(root) {
            take(b".".to_vec(), &stat);
        }
        for path in tree.folders.keys() {
            let folder = match beneath::folder(root, path) {
                Ok(folder) => folder,
                Err(error) => {
                    complete &= error == Errno::NOENT;
                    continue;
                }
            };
            let mut space = [MaybeUninit::uninit(); 16 * 1024];
            let mut listing = RawDir::new(&folder, &mut space);
            while let Some(Ok(entry)) = listing.next() {
                let name = entry.file_name();
                if matches!(name.to_bytes(), b"." | b"..") || entry.file_type() == FileType::Symlink
                {
                    continue;
                }
                if files_left == 0 {
                    return false;
                }
                files_left -= 1;
                let stat = rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW);
                if let Ok(stat) = stat {
                    take(join(path, name.to_bytes()), &stat);
                }
            }
        }
        self.known = known;
        complete
    }

    fn is_new(&self, path: &[u8], stat: &Stat) -> bool {
        let changed_ns = i128::from(stat.st_ctime) * 1_000_000_000 + i128::from(stat.st_ctime_nsec);
        changed_ns >= self.since_ns && !self.known.contains(path)
    }
}

/// Folders may inherit a group from the one above: harmless, and the user's.
fn loose_bits(stat: &Stat) -> u32 {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Symlink => 0,
        FileType::RegularFile => stat.st_mode & (SET_ID | WORLD_WRITABLE),
        _ => stat.st_mode & WORLD_WRITABLE,
    }
}

/// A file of the owner's that they can't read; root can read any.
fn missing_bits(stat: &Stat) -> u32 {
    let user = rustix::process::geteuid();
    let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    let is_ours = is_file && stat.st_uid == user.as_raw() && !user.is_root();
    if is_ours { !stat.st_mode & OWNER_READS } else { 0 }
}

impl Loose {
    /// Takes the bits away, and gives the missing ones back, if the file is still the
    /// one that was looked at.
    pub(super) fn strip(&self, root: &OwnedFd) -> io::Result<()> {
        beneath::change_mode(root, &self.path, self.seen, |mode| mode & !self.bits | self.missing)
    }
}
