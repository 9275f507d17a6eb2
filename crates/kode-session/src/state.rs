//! What kode knows of one file at one moment, and when a look at its metadata
//! is enough to know that it is still so.

use kode_audit::Digest;
use kode_base::ChangeKind;
use kode_sandbox::{EntryKind, Stamps, WalkEntry, stamp_hash};
use serde::{Deserialize, Serialize};

/// A file whose time stamps are this close to the moment it was read could
/// have been written again under the same stamps: kernels stamp with a clock
/// that ticks every 1 to 10 ms. It is read again ("racily clean" in git's
/// words).
const STAMP_GRAIN_NS: i64 = 100_000_000;
/// File systems that keep whole seconds only (FAT even keeps two).
const COARSE_STAMP_GRAIN_NS: i64 = 2_000_000_000;
const SECOND_NS: i64 = 1_000_000_000;

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A regular file.
    File,
    /// A symbolic link; its content is its text.
    Symlink,
    /// A device, pipe or socket; it has no content.
    Special,
}

impl Kind {
    pub(crate) fn of(entry: &WalkEntry) -> Self {
        match entry.kind {
            EntryKind::File => Self::File,
            EntryKind::Symlink { .. } => Self::Symlink,
            EntryKind::Special => Self::Special,
        }
    }
}

/// Metadata that changes whenever the content does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    /// Size in bytes.
    pub(crate) size: u64,
    /// Nanoseconds since 1970.
    pub(crate) modified_ns: i64,
    /// Nanoseconds since 1970; no program can set it back.
    pub(crate) changed_ns: i64,
    /// Inode number.
    pub(crate) inode: u64,
}

impl Stamp {
    pub(crate) fn of(entry: &WalkEntry) -> Self {
        Self {
            size: entry.size,
            modified_ns: i64::try_from(entry.modified_ns).unwrap_or(i64::MAX),
            changed_ns: i64::try_from(entry.changed_ns).unwrap_or(i64::MAX),
            inode: entry.inode,
        }
    }

    /// Stands for a content that is not read.
    pub(crate) fn hash(&self) -> Digest {
        let Self { size, modified_ns, changed_ns, inode } = *self;
        Digest(stamp_hash(&Stamps { size, modified_ns, changed_ns, inode }))
    }

    /// Whether a write after `read_ns` must have left another stamp.
    fn settled_before(&self, read_ns: i64) -> bool {
        let coarse = self.changed_ns % SECOND_NS == 0 && self.modified_ns % SECOND_NS == 0;
        let grain = if coarse { COARSE_STAMP_GRAIN_NS } else { STAMP_GRAIN_NS };
        let latest = self.changed_ns.max(self.modified_ns);
        latest.saturating_add(grain) < read_ns
    }
}

/// One file at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileState {
    pub(crate) kind: Kind,
    /// Permission and set-id bits.
    pub(crate) mode: u32,
    /// SHA-256 of the content.
    pub(crate) hash: Digest,
    /// Whether the content is in the blob store.
    pub(crate) kept: bool,
    pub(crate) stamp: Stamp,
    /// When the content was read, nanoseconds since 1970; 0 when it changed
    /// during the reading.
    pub(crate) read_ns: i64,
}

impl FileState {
    /// Whether kind, mode and content are the same.
    pub(crate) fn same(&self, other: &Self) -> bool {
        (self.kind, self.mode, self.hash) == (other.kind, other.mode, other.hash)
    }

    /// A file of which only the metadata was seen: it is the same as nothing that was read.
    pub(crate) fn unknown(stamp: &Stamp) -> Self {
        let (kind, hash) = (Kind::File, stamp.hash());
        Self { kind, mode: 0, hash, kept: false, stamp: *stamp, read_ns: 0 }
    }

    /// Whether nothing could bring the content back.
    pub(crate) fn is_lost_when_gone(&self) -> bool {
        !self.kept && self.kind == Kind::File
    }

    /// Whether `entry`'s metadata alone proves that nothing changed.
    pub(crate) fn still(&self, entry: &WalkEntry) -> bool {
        self.kind == Kind::of(entry)
            && self.mode == entry.mode
            && self.stamp == Stamp::of(entry)
            && self.stamp.settled_before(self.read_ns)
    }
}

/// How `after` differs from `before`; `None` when it does not.
pub(crate) fn change_kind(
    before: Option<&FileState>,
    after: Option<&FileState>,
) -> Option<ChangeKind> {
    let is_link = |state: Option<&FileState>| state.is_some_and(|s| s.kind == Kind::Symlink);
    match (before, after) {
        (None, None) => None,
        (Some(before), Some(after)) if before.same(after) => None,
        _ if is_link(before) || is_link(after) => Some(ChangeKind::Symlink),
        (None, Some(_)) => Some(ChangeKind::New),
        (Some(_), None) => Some(ChangeKind::Deleted),
        (Some(before), Some(after)) if (before.kind, before.hash) == (after.kind, after.hash) => {
            Some(ChangeKind::Mode)
        }
        (Some(_), Some(_)) => Some(ChangeKind::Changed),
    }
}

/// Nanoseconds since 1970, by the clock that stamps files.
pub(crate) fn now_ns() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(changed_ns: i64) -> Stamp {
        Stamp { size: 1, modified_ns: changed_ns, changed_ns, inode: 1 }
    }

    #[test]
    fn a_stamp_close_to_the_reading_proves_nothing() {
        let time = 1_700_000_000_123_456_789;
        assert!(!stamp(time).settled_before(time + 1_000_000));
        assert!(stamp(time).settled_before(time + 200_000_000));
        assert!(!stamp(time + 5).settled_before(0), "a clock set back proves nothing");
    }

    #[test]
    fn whole_second_stamps_need_longer() {
        let time = 1_700_000_000 * SECOND_NS;
        assert!(!stamp(time).settled_before(time + SECOND_NS));
        assert!(stamp(time).settled_before(time + 3 * SECOND_NS));
    }
}
