//! Many contents in one file: a first snapshot of a large project makes two
//! files and two flushes instead of ten thousand.
//!
//! `ID.pack` holds the contents one after the other, `ID.index` tells where:
//! 48 bytes each, sorted by hash, and a SHA-256 over them at the end. A pack
//! without a whole index is not there.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use kode_audit::Digest;
use kode_audit::private::{open_to_read, open_to_write, sync_folder};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const ENTRY_BYTES: usize = 48;
const WRITE_BUFFER_BYTES: usize = 1 << 20;

/// A pack's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct PackId(Uuid);

impl PackId {
    /// The name of the file's pack, if it belongs to one.
    pub(crate) fn of_file(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(".pack").or_else(|| name.strip_suffix(".index"))?;
        Uuid::parse_str(stem).ok().map(Self)
    }

    fn file(self, folder: &Path, kind: &str) -> PathBuf {
        folder.join(format!("{}.{kind}", self.0))
    }
}

/// Where a content lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

impl Place {
    pub(crate) fn read(&self, file: &File) -> io::Result<Vec<u8>> {
        let mut content = vec![0; usize::try_from(self.length).map_err(io::Error::other)?];
        file.read_exact_at(&mut content, self.offset)?;
        Ok(content)
    }
}

/// A finished pack.
#[derive(Debug)]
pub(crate) struct Pack {
    pub(crate) id: PackId,
    file: File,
    /// Sorted by hash.
    index: Vec<(Digest, Place)>,
}

impl Pack {
    /// Opens a pack; `None` when it is not there or its index is not whole.
    pub(crate) fn open(folder: &Path, id: PackId) -> io::Result<Option<Self>> {
        let Some(mut index_file) = open_to_read(&id.file(folder, "index"))? else {
            return Ok(None);
        };
        let Some(file) = open_to_read(&id.file(folder, "pack"))? else { return Ok(None) };
        let mut bytes = Vec::new();
        index_file.read_to_end(&mut bytes)?;
        let Some((entries, hash)) = bytes.split_last_chunk::<32>() else { return Ok(None) };
        if Digest::of(entries) != Digest(*hash) {
            return Ok(None);
        }
        let index = entries.chunks_exact(ENTRY_BYTES).filter_map(parse_entry).collect();
        Ok(Some(Self { id, file, index }))
    }

    pub(crate) fn has(&self, hash: &Digest, length: u64) -> bool {
        self.place(hash).is_some_and(|place| place.length == length)
    }

    /// The content with this hash, unchecked; `None` when it is not in here.
    pub(crate) fn load(&self, hash: &Digest) -> io::Result<Option<Vec<u8>>> {
        self.place(hash).map(|place| place.read(&self.file)).transpose()
    }

    fn place(&self, hash: &Digest) -> Option<Place> {
        let found = self.index.binary_search_by(|(known, _)| known.cmp(hash)).ok()?;
        self.index.get(found).map(|(_, place)| *place)
    }
}

fn parse_entry(entry: &[u8]) -> Option<(Digest, Place)> {
    let (hash, rest) = entry.split_first_chunk::<32>()?;
    let (offset, rest) = rest.split_first_chunk::<8>()?;
    let (length, _) = rest.split_first_chunk::<8>()?;
    let place = Place { offset: u64::from_le_bytes(*offset), length: u64::from_le_bytes(*length) };
    Some((Digest(*hash), place))
}

/// A pack that is being filled.
#[derive(Debug)]
pub(crate) struct PackWriter {
    id: PackId,
    file: BufWriter<File>,
    end: u64,
    index: BTreeMap<Digest, Place>,
}

impl PackWriter {
    pub(crate) fn begin(folder: &Path) -> io::Result<Self> {
        let id = PackId(Uuid::now_v7());
        let file = open_to_write(&id.file(folder, "pack"))?;
        let file = BufWriter::with_capacity(WRITE_BUFFER_BYTES, file);
        Ok(Self { id, file, end: 0, index: BTreeMap::new() })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    pub(crate) fn path(&self, folder: &Path) -> PathBuf {
        self.id.file(folder, "pack")
    }

    pub(crate) fn add(&mut self, hash: &Digest, content: &[u8]) -> io::Result<()> {
        if self.index.contains_key(hash) {
            return Ok(());
        }
        self.file.write_all(content)?;
        let place = Place { offset: self.end, length: content.len() as u64 };
        self.end += place.length;
        self.index.insert(*hash, place);
        Ok(())
    }

    /// Makes the pack durable and opens it. The index comes last.
    pub(crate) fn finish(self, folder: &Path) -> io::Result<Pack> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        let mut bytes = Vec::with_capacity(self.index.len() * ENTRY_BYTES + 32);
        for (hash, place) in &self.index {
            bytes.extend_from_slice(&hash.0);
            bytes.extend_from_slice(&place.offset.to_le_bytes());
            bytes.extend_from_slice(&place.length.to_le_bytes());
        }
        let hash = Digest::of(&bytes);
        bytes.extend_from_slice(&hash.0);
        let index_file = open_to_write(&self.id.file(folder, "index"))?;
        index_file.write_all_at(&bytes, 0)?;
        index_file.sync_all()?;
        sync_folder(folder)?;
        Ok(Pack { id: self.id, file, index: self.index.into_iter().collect() })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests damage packs")]

    use super::*;

    #[test]
    fn what_was_packed_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = PackWriter::begin(folder.path()).unwrap();
        let contents: Vec<Vec<u8>> = (0..100_u8).map(|n| vec![n; usize::from(n)]).collect();
        for content in contents.iter().chain(&contents) {
            writer.add(&Digest::of(content), content).unwrap();
        }
        let id = writer.finish(folder.path()).unwrap().id;
        let pack = Pack::open(folder.path(), id).unwrap().unwrap();
        for content in &contents {
            let hash = Digest::of(content);
            assert!(pack.has(&hash, content.len() as u64));
            assert_eq!(pack.load(&hash).unwrap().as_ref(), Some(content));
        }
        assert_eq!(pack.load(&Digest::of(b"other")).unwrap(), None);
    }

    #[test]
    fn a_pack_with_a_damaged_index_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = PackWriter::begin(folder.path()).unwrap();
        writer.add(&Digest::of(b"x"), b"x").unwrap();
        let id = writer.finish(folder.path()).unwrap().id;
        let index = id.file(folder.path(), "index");
        let whole = std::fs::read(&index).unwrap();
        for damaged in [&whole[..whole.len() - 1], &[&[1], &whole[1..]].concat(), b""] {
            std::fs::write(&index, damaged).unwrap();
            assert!(Pack::open(folder.path(), id).unwrap().is_none());
        }
        std::fs::remove_file(&index).unwrap();
        assert!(Pack::open(folder.path(), id).unwrap().is_none());
    }
}
