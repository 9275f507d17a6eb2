//! A session's own kept contents: one append-only file, so that a step costs
//! one flush. Each content follows its SHA-256 and its length (8 bytes, little
//! endian); what a crash left unfinished at the end is cut off.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use kode_audit::Digest;
use kode_audit::private::{open_to_read, open_to_write};

use crate::pack::Place;

const HEADER_BYTES: usize = 40;

/// The open file and where everything lies in it.
#[derive(Debug)]
pub(crate) struct Contents {
    file: File,
    end: u64,
    is_flushed: bool,
    index: BTreeMap<Digest, Place>,
}

impl Contents {
    /// Opens or makes the file to append to it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let contents = Self::scan(open_to_write(path)?)?;
        if contents.end < contents.file.metadata()?.len() {
            contents.file.set_len(contents.end)?;
        }
        Ok(contents)
    }

    /// Opens the file to read it, even while a session appends to it; `None`
    /// when there is none.
    pub(crate) fn open_to_read(path: &Path) -> io::Result<Option<Self>> {
        open_to_read(path)?.map(Self::scan).transpose()
    }

    fn scan(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        let mut contents = Self { file, end: 0, is_flushed: true, index: BTreeMap::new() };
        while contents.end + HEADER_BYTES as u64 <= length {
            let mut header = [0; HEADER_BYTES];
            contents.file.read_exact_at(&mut header, contents.end)?;
            let Some((hash, place)) = parse(&header, contents.end) else { break };
            let Some(end) = place.offset.checked_add(place.length) else { break };
            if end > length {
                break;
            }
            contents.index.insert(hash, place);
            contents.end = end;
        }
        Ok(contents)
    }

    pub(crate) fn has(&self, hash: &Digest, length: u64) -> bool {
        self.index.get(hash).is_some_and(|place| place.length == length)
    }

    /// The content with this hash, unchecked; `None` when it is not in here.
    pub(crate) fn load(&self, hash: &Digest) -> io::Result<Option<Vec<u8>>> {
        self.index.get(hash).map(|place| place.read(&self.file)).transpose()
    }

    /// Appends a content; on failure nothing of it stays.
    pub(crate) fn keep(&mut self, hash: &Digest, content: &[u8]) -> io::Result<()> {
        let length = content.len() as u64;
        let mut header = hash.0.to_vec();
        header.extend_from_slice(&length.to_le_bytes());
        let offset = self.end + HEADER_BYTES as u64;
        let header_written = self.file.write_all_at(&header, self.end);
        let written = header_written.and_then(|()| self.file.write_all_at(content, offset));
        if written.is_err() {
            // Should this fail too, the next opening cuts it off.
            let _ = self.file.set_len(self.end);
            return written;
        }
        self.index.insert(*hash, Place { offset, length });
        self.end = offset + length;
        self.is_flushed = false;
        Ok(())
    }

    /// Makes everything appended so far durable.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if !self.is_flushed {
            self.file.sync_data()?;
            self.is_flushed = true;
        }
        Ok(())
    }
}

fn parse(header: &[u8; HEADER_BYTES], at: u64) -> Option<(Digest, Place)> {
    let (hash, length) = header.split_first_chunk::<32>()?;
    let length = u64::from_le_bytes(*length.first_chunk()?);
    Some((Digest(*hash), Place { offset: at + HEADER_BYTES as u64, length }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests tear files")]

    use super::*;

    #[test]
    fn a_file_torn_anywhere_keeps_its_whole_contents() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("contents");
        let kept = [b"one".to_vec(), vec![], b"three, longer".to_vec()];
        let mut ends = vec![0];
        let mut contents = Contents::open(&path).unwrap();
        for content in &kept {
            contents.keep(&Digest::of(content), content).unwrap();
            ends.push(contents.end);
        }
        contents.flush().unwrap();
        let whole = std::fs::read(&path).unwrap();
        for cut in 0..=whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let complete = ends.iter().filter(|end| **end <= cut as u64).count() - 1;
            let mut again = Contents::open(&path).unwrap();
            assert_eq!(again.index.len(), complete, "cut at {cut}");
            again.keep(&Digest::of(b"next"), b"next").unwrap();
            let read = Contents::open_to_read(&path).unwrap().unwrap();
            for content in kept[..complete].iter().chain([&b"next".to_vec()]) {
                let hash = Digest::of(content);
                assert!(read.has(&hash, content.len() as u64));
                assert_eq!(read.load(&hash).unwrap().as_ref(), Some(content));
            }
        }
        assert!(Contents::open_to_read(&folder.path().join("none")).unwrap().is_none());
    }
}
