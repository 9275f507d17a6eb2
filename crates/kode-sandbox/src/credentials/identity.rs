//! Who a file is, whatever it is called: its inode and when that was made, which
//! renames and hard links keep; and what it holds, as a salted hash.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, StatxFlags};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Digest;

/// A file, under all its names. Where the file system tells when an inode was
/// made the device is left out, since that changes between starts of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Identity {
    inode: u64,
    /// Nanoseconds since 1970; `None` where the file system does not tell.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    made_ns: Option<i64>,
    /// Where the file system does not tell when.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    device: Option<u64>,
}

/// A file at one time: any change of it makes another stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Stamp {
    pub(crate) identity: Identity,
    /// Bytes.
    pub(crate) size: u64,
    /// Last change of it or of what is told of it, nanoseconds since 1970.
    pub(super) changed_ns: i64,
}

impl Stamp {
    /// That of the ordinary file at `path`; `None` for anything else.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let mask = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
        let found = rustix::fs::statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, mask).ok()?;
        let kind = rustix::fs::FileType::from_raw_mode(u32::from(found.stx_mode));
        if kind != rustix::fs::FileType::RegularFile {
            return None;
        }
        let nanoseconds = |time: rustix::fs::StatxTimestamp| {
            time.tv_sec.saturating_mul(1_000_000_000) + i64::from(time.tv_nsec)
        };
        let tells = StatxFlags::from_bits_retain(found.stx_mask).contains(StatxFlags::BTIME);
        let device = rustix::fs::makedev(found.stx_dev_major, found.stx_dev_minor);
        let identity = Identity {
            inode: found.stx_ino,
            made_ns: tells.then(|| nanoseconds(found.stx_btime)),
            device: (!tells).then_some(device),
        };
        Some(Self { identity, size: found.stx_size, changed_ns: nanoseconds(found.stx_ctime) })
    }
}

impl Identity {
    /// As folders list it.
    pub(super) fn inode(self) -> u64 {
        self.inode
    }
}

/// The salted hash of the file's first `size` bytes; `None` when it can't be read.
pub(super) fn digest(salt: &[u8], path: &Path, size: u64) -> Option<Digest> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    #[expect(clippy::disallowed_methods, reason = "opened for reading")]
    let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(path).ok()?;
    let mut content = Vec::new();
    file.take(size).read_to_end(&mut content).ok()?;
    Some(Sha256::new_with_prefix(salt).chain_update(content).finalize().into())
}
