//! The checkpoint beside the log: how many records were acknowledged, the
//! last one's hash, and where it ends. It gives a shortened log away.
//!
//! Two slots are written in turn, each with a hash of its own, so a torn write
//! leaves the other one. It is written after the log is durable, so it may lag
//! behind the log after a power cut, but is never ahead of an intact one.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use serde::{Deserialize, Serialize};

use crate::Digest;

/// Slots lie in different disk sectors.
const SLOT_BYTES: usize = 512;
/// Written to disk for certain once in this many records.
const SYNC_EVERY: u64 = 64;

/// What was acknowledged so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// Records in the log.
    pub(crate) count: u64,
    /// The last record's hash.
    pub(crate) hash: Digest,
    /// Bytes up to the end of that record.
    pub(crate) length: u64,
}

impl Checkpoint {
    /// The empty log's.
    pub(crate) const START: Self = Self { count: 0, hash: Digest::ZERO, length: 0 };

    /// The newest intact slot; `None` when neither is.
    pub(crate) fn load(file: &File) -> io::Result<Option<Self>> {
        let mut bytes = [0; 2 * SLOT_BYTES];
        let filled = read_up_to(file, &mut bytes)?;
        let slots = bytes[..filled].chunks(SLOT_BYTES).filter_map(parse_slot);
        Ok(slots.max_by_key(|checkpoint| checkpoint.count))
    }

    /// Writes this checkpoint into the slot whose turn it is.
    pub(crate) fn store(&self, file: &File) -> io::Result<()> {
        let slot = self.render()?;
        file.write_all_at(&slot, (self.count % 2) * SLOT_BYTES as u64)?;
        if self.count.is_multiple_of(SYNC_EVERY) { file.sync_data() } else { Ok(()) }
    }

    fn render(&self) -> io::Result<Vec<u8>> {
        let json = serde_json::to_vec(self)?;
        let mut slot = Digest::of(&json).to_string().into_bytes();
        slot.push(b' ');
        slot.extend_from_slice(&json);
        slot.resize(SLOT_BYTES - 1, b' ');
        slot.push(b'\n');
        Ok(slot)
    }
}

fn read_up_to(file: &File, bytes: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn parse_slot(slot: &[u8]) -> Option<Checkpoint> {
    let text = std::str::from_utf8(slot).ok()?.strip_suffix('\n')?;
    let (hash, json) = text.split_once(' ')?;
    let json = json.trim_end_matches(' ');
    let expected: Digest = hash.parse().ok()?;
    (Digest::of(json.as_bytes()) == expected).then(|| serde_json::from_str(json).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_slot_leaves_the_one_before() {
        let file = tempfile::tempfile().unwrap();
        let older = Checkpoint { count: 4, hash: Digest::of(b"4"), length: 400 };
        let newer = Checkpoint { count: 5, hash: Digest::of(b"5"), length: 500 };
        older.store(&file).unwrap();
        newer.store(&file).unwrap();
        assert_eq!(Checkpoint::load(&file).unwrap(), Some(newer));
        file.write_all_at(b"####", SLOT_BYTES as u64 + 80).unwrap();
        assert_eq!(Checkpoint::load(&file).unwrap(), Some(older));
    }

    #[test]
    fn nothing_intact_is_nothing() {
        let file = tempfile::tempfile().unwrap();
        assert_eq!(Checkpoint::load(&file).unwrap(), None);
        file.write_all_at(&[b' '; 1024], 0).unwrap();
        assert_eq!(Checkpoint::load(&file).unwrap(), None);
    }
}
