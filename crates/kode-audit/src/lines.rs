//! Reads the log line by line with a bound on memory, knowing where each line
//! lies and whether the last one was finished.

use std::io::{self, BufRead, Read as _};

use crate::RECORD_BYTES_MAX;

/// What stands at the reader's place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// A finished line, without its newline.
    Whole(&'a [u8]),
    /// Bytes at the end without a newline: a write that never finished.
    Torn(&'a [u8]),
    /// Longer than any record kode writes.
    Oversized,
    /// Nothing more.
    End,
}

/// The lines from `offset` on.
pub(crate) struct Lines<R> {
    reader: R,
    offset: u64,
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// `reader` already stands at `offset`.
    pub(crate) fn new(reader: R, offset: u64) -> Self {
        Self { reader, offset, buffer: Vec::new() }
    }

    /// Bytes of the file before the line that comes next.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next line; its bytes stay until the next call.
    pub(crate) fn next_line(&mut self) -> io::Result<Line<'_>> {
        self.buffer.clear();
        let mut bounded = self.reader.by_ref().take(RECORD_BYTES_MAX as u64);
        let count = bounded.read_until(b'\n', &mut self.buffer)?;
        match self.buffer.strip_suffix(b"\n") {
            Some(line) => {
                self.offset += count as u64;
                Ok(Line::Whole(line))
            }
            None if count == 0 => Ok(Line::End),
            None if count == RECORD_BYTES_MAX => Ok(Line::Oversized),
            None => Ok(Line::Torn(&self.buffer)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_lines_then_the_torn_one_then_nothing() {
        let mut lines = Lines::new(&b"a\nbc\nd"[..], 10);
        assert_eq!(lines.next_line().unwrap(), Line::Whole(b"a"));
        assert_eq!(lines.next_line().unwrap(), Line::Whole(b"bc"));
        assert_eq!(lines.offset(), 15);
        assert_eq!(lines.next_line().unwrap(), Line::Torn(b"d"));
        assert_eq!(lines.offset(), 15);
        assert_eq!(lines.next_line().unwrap(), Line::End);
    }

    #[test]
    fn a_line_without_end_is_not_read_into_memory() {
        let endless = io::BufReader::new(io::repeat(b'x'));
        assert_eq!(Lines::new(endless, 0).next_line().unwrap(), Line::Oversized);
    }
}
