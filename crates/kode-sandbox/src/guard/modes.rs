//! Permission bits that a command must not leave on the host: set-user-id and
//! set-group-id programs, and anything everybody may write. They are taken
//! away from what the command made or changed, and only from that. And one that
//! it must not take: the owner's own to read a file, or nobody could look at the
//! change and put it back.

use std::collections::HashSet;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, Stat};

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
}

/// What has such bits anyway, the user's own doing.
#[derive(Debug)]
pub(super) struct Modes {
    known: HashSet<Vec<u8>>,
    since_ns: i128,
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

    /// Looks at every file once; false when there are too many.
    pub(super) fn look(&mut self, root: &OwnedFd, tree: &Tree, found: &mut Vec<Loose>) -> bool {
        let mut files_left = FILES_MAX;
        let mut known = HashSet::new();
        let mut take = |path: Vec<u8>, stat: &Stat| match (loose_bits(stat), missing_bits(stat)) {
            (0, 0) => {}
            (bits, missing) if self.is_new(&path, stat) => {
                found.push(Loose { path, bits, missing });
            }
            _ => {
                known.insert(path);
            }
        };
        if let Ok(stat) = rustix::fs::fstat(root) {
            take(b".".to_vec(), &stat);
        }
        for path in tree.folders.keys() {
            let place = if path.is_empty() { &b"."[..] } else { path };
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let Ok(folder) = rustix::fs::openat(root, place, flags, Mode::empty()) else {
                continue;
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
        true
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
    /// Takes the bits away, and gives the missing ones back. Every process of the sandbox is dead by now.
    pub(super) fn strip(&self, root: &OwnedFd) -> rustix::io::Result<()> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(root, self.path.as_slice(), flags, Mode::empty())?;
        let stat = rustix::fs::fstat(&file)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
            return Err(rustix::io::Errno::LOOP);
        }
        // A path descriptor has no `fchmod`; its name in /proc does.
        let name = format!("/proc/self/fd/{}", file.as_raw_fd());
        rustix::fs::chmod(
            name,
            Mode::from_raw_mode(stat.st_mode & 0o7777 & !self.bits | self.missing),
        )
    }
}
