//! One flush of the whole file system in place of one for each of many files, where
//! that is known to be as durable and other programs left little to be written.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

use kode_base::ProjectPath;
use rustix::fs::{FsWord, Mode, OFlags};

use super::confined::stat_of;
use super::{FileError, ProjectFiles};

/// Fewer files are flushed one by one.
const FILES_MIN: usize = 24;
/// More that waits to be written, in KiB, is not waited for.
const WAITING_KIB_MAX: u64 = 64 * 1024;
/// Since Linux 5.8 `syncfs` says what could not be written (syncfs(2)).
const KERNEL_MIN: (u32, u32) = (5, 8);
/// ext2 to ext4, XFS, Btrfs (statfs(2)): `syncfs` makes all their data and names
/// durable, down to the disk's own cache.
const FILE_SYSTEMS: [FsWord; 3] = [0xef53, 0x5846_5342, 0x9123_683e];

/// A file system that can be flushed as a whole.
#[derive(Debug)]
pub(super) struct FileSystem {
    /// Opened before anything was written: what fails to be written from then on is
    /// reported to it.
    folder: OwnedFd,
    device: u64,
}

impl ProjectFiles {
    /// The project's file system, where flushing it as a whole is quicker than flushing
    /// so many files.
    pub(super) fn flushed_together(&self, files: usize) -> Option<FileSystem> {
        if files < FILES_MIN || !reports_errors() || waiting_kib()? > WAITING_KIB_MAX {
            return None;
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::openat(&self.root, ".", flags, Mode::empty()).ok()?;
        let kind = rustix::fs::fstatfs(&folder).ok()?.f_type;
        let device = rustix::fs::fstat(&folder).ok()?.st_dev;
        FILE_SYSTEMS.contains(&kind).then_some(FileSystem { folder, device })
    }
}

impl FileSystem {
    /// Whether what was opened is of this file system.
    pub(super) fn holds(&self, file: impl AsFd, path: &ProjectPath) -> Result<bool, FileError> {
        Ok(stat_of(file, path)?.st_dev == self.device)
    }

    /// Makes all that was written to it durable.
    pub(super) fn flush(&self) -> Result<(), FileError> {
        rustix::fs::syncfs(&self.folder).map_err(|error| FileError::io(&ProjectPath::root(), error))
    }
}

fn reports_errors() -> bool {
    let system = rustix::system::uname();
    let mut numbers = system.release().to_str().unwrap_or_default().split(['.', '-']);
    let mut next = || numbers.next().and_then(|number| number.parse::<u32>().ok());
    matches!((next(), next()), (Some(major), Some(minor)) if (major, minor) >= KERNEL_MIN)
}

/// How much waits to be written to any disk, in KiB.
fn waiting_kib() -> Option<u64> {
    let mut text = String::new();
    let file = File::open("/proc/meminfo").ok()?;
    file.take(64 * 1024).read_to_string(&mut text).ok()?;
    waiting_in(&text)
}

fn waiting_in(meminfo: &str) -> Option<u64> {
    let kib = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_ascii_whitespace().next()?.parse::<u64>().ok()
    };
    kib("Dirty:")?.checked_add(kib("Writeback:")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_what_is_dirty_and_what_is_on_its_way() {
        let text =
            "MemTotal: 9 kB\nDirty:             120 kB\nWriteback:     8 kB\nWritebackTmp: 5 kB\n";
        assert_eq!(waiting_in(text), Some(128));
        assert_eq!(waiting_in("Dirty: many kB\n"), None);
        assert!(waiting_kib().is_some());
    }
}
