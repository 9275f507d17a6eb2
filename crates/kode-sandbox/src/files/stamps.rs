//! What stands for the content of what has none that can be read: a pipe, a
//! socket, a file without permission or beyond all sizes.

use rustix::fs::Stat;
use sha2::{Digest as _, Sha256};

/// Metadata that changes whenever something is written or replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamps {
    /// Size in bytes.
    pub size: u64,
    /// Last change of the content, nanoseconds since 1970.
    pub modified_ns: i64,
    /// Last change of the inode, nanoseconds since 1970.
    pub changed_ns: i64,
    /// Inode number.
    pub inode: u64,
}

impl Stamps {
    pub(super) fn of(stat: &Stat) -> Self {
        let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000) + rest;
        let rest = |nanoseconds| i64::try_from(nanoseconds).unwrap_or_default();
        Self {
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            modified_ns: nanoseconds(stat.st_mtime, rest(stat.st_mtime_nsec)),
            changed_ns: nanoseconds(stat.st_ctime, rest(stat.st_ctime_nsec)),
            inode: stat.st_ino,
        }
    }
}

/// SHA-256 in place of the content's.
pub fn stamp_hash(stamps: &Stamps) -> [u8; 32] {
    let Stamps { size, modified_ns, changed_ns, inode } = stamps;
    let text = format!("{size} {modified_ns} {changed_ns} {inode}");
    Sha256::new_with_prefix(b"kode-stamp-1\n").chain_update(text).finalize().into()
}
