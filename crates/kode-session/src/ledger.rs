//! Append-only files of one JSON value a line. An append is on the disk before
//! it returns; what a crash left unfinished is moved aside when opened again.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use kode_audit::private::{open_to_read, open_to_write};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::SessionError;
use crate::error::at;

/// The longest line, in bytes: a step with its file contents fits.
const LINE_BYTES_MAX: usize = 64 << 20;

/// One open file. The session's lock keeps other writers away.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    file: File,
    end: u64,
    torn_bytes: usize,
}

impl Ledger {
    /// Opens or makes the file; an unfinished last line goes to `NAME.torn`.
    /// Whoever makes files makes their names durable.
    pub(crate) fn open(path: &Path) -> Result<Self, SessionError> {
        let file = open_to_write(path).map_err(at(path))?;
        let length = file.metadata().map_err(at(path))?.len();
        let mut ledger = Self { path: path.to_owned(), file, end: length, torn_bytes: 0 };
        ledger.end = ledger.whole_lines_end(length).map_err(at(path))?;
        if ledger.end < length {
            ledger.set_aside(length - ledger.end).map_err(at(path))?;
        }
        Ok(ledger)
    }

    /// Length of the unfinished line that was found at opening; 0 for none.
    pub(crate) fn torn_bytes(&self) -> usize {
        self.torn_bytes
    }

    /// Appends and makes durable. On failure nothing of it stays.
    pub(crate) fn append<T: Serialize>(&mut self, value: &T) -> Result<(), SessionError> {
        self.append_all(std::slice::from_ref(value))
    }

    /// Appends all of them in one write and makes them durable. On failure nothing of
    /// them stays.
    pub(crate) fn append_all<T: Serialize>(&mut self, values: &[T]) -> Result<(), SessionError> {
        self.write(values)?;
        if let Err(error) = self.file.sync_data() {
            // Should this fail too, the next opening finds a torn line or one
            // that was not acknowledged.
            let _ = self.file.set_len(self.end);
            return Err(at(&self.path)(error));
        }
        self.end = self.file.metadata().map_err(at(&self.path))?.len();
        Ok(())
    }

    /// Appends without waiting for the disk.
    pub(crate) fn append_lazily<T: Serialize>(&mut self, value: &T) -> Result<(), SessionError> {
        self.end += self.write(std::slice::from_ref(value))?;
        Ok(())
    }

    fn write<T: Serialize>(&mut self, values: &[T]) -> Result<u64, SessionError> {
        let mut lines = Vec::new();
        for value in values {
            let begin = lines.len();
            serde_json::to_writer(&mut lines, value)
                .map_err(|error| at(&self.path)(error.into()))?;
            lines.push(b'\n');
            let bytes = lines.len() - begin;
            if bytes > LINE_BYTES_MAX {
                return Err(SessionError::Other(format!(
                    "a session record of {bytes} bytes is over the limit of {LINE_BYTES_MAX}"
                )));
            }
        }
        if let Err(error) = self.file.write_all_at(&lines, self.end) {
            let _ = self.file.set_len(self.end);
            return Err(at(&self.path)(error));
        }
        Ok(lines.len() as u64)
    }

    /// The end of the last finished line.
    fn whole_lines_end(&self, length: u64) -> io::Result<u64> {
        let mut end = length;
        let mut block = vec![0; 64 * 1024];
        while end > 0 {
            let start = end.saturating_sub(block.len() as u64);
            let size = usize::try_from(end - start).map_err(io::Error::other)?;
            self.file.read_exact_at(&mut block[..size], start)?;
            if let Some(newline) = block[..size].iter().rposition(|byte| *byte == b'\n') {
                return Ok(start + newline as u64 + 1);
            }
            end = start;
        }
        Ok(0)
    }

    fn set_aside(&mut self, length: u64) -> io::Result<()> {
        let mut torn = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut torn, self.end)?;
        torn.push(b'\n');
        let mut name = self.path.clone().into_os_string();
        name.push(".torn");
        let aside = open_to_write(Path::new(&name))?;
        aside.write_all_at(&torn, aside.metadata()?.len())?;
        aside.sync_all()?;
        self.file.set_len(self.end)?;
        self.file.sync_all()?;
        self.torn_bytes = torn.len() - 1;
        Ok(())
    }
}

/// Every finished line of the file; none when there is no file.
pub(crate) fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, SessionError> {
    let Some(mut file) = open_to_read(path).map_err(at(path))? else { return Ok(Vec::new()) };
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(at(path))?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let lines = bytes[..whole].split_inclusive(|byte| *byte == b'\n');
    let parse = |(index, line)| {
        serde_json::from_slice(line)
            .map_err(|_| SessionError::Unreadable { path: path.to_owned(), line: index + 1 })
    };
    lines.enumerate().map(parse).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests tear files")]

    use super::*;

    #[test]
    fn what_was_appended_reads_back_after_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        Ledger::open(&path).unwrap().append(&1).unwrap();
        let mut again = Ledger::open(&path).unwrap();
        again.append_lazily(&2).unwrap();
        again.append(&3).unwrap();
        assert_eq!(again.torn_bytes(), 0);
        assert_eq!(read_lines::<u8>(&path).unwrap(), [1, 2, 3]);
    }

    #[test]
    fn a_file_torn_anywhere_keeps_its_whole_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let whole = b"\"one\"\n\"two\"\n\"three\"\n";
        for cut in 0..=whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let lines = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(read_lines::<String>(&path).unwrap().len(), lines);
            let mut ledger = Ledger::open(&path).unwrap();
            assert_eq!(ledger.torn_bytes() == 0, cut == 0 || whole[cut - 1] == b'\n');
            ledger.append(&"next").unwrap();
            let read = read_lines::<String>(&path).unwrap();
            assert_eq!((read.len(), read.last().unwrap().as_str()), (lines + 1, "next"));
        }
    }

    #[test]
    fn a_line_of_something_else_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        std::fs::write(&path, "1\nx\n").unwrap();
        let error = read_lines::<u8>(&path).unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
    }
}
