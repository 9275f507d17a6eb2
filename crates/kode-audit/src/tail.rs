//! Follows the chain from a known place to the log's end, checking each link.
//! Opening starts at the checkpoint, so a long log opens as fast as a short one.

use std::fs::File;
use std::io::{self, BufReader, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;

use crate::checkpoint::Checkpoint;
use crate::line::{Link, check};
use crate::lines::{Line, Lines};
use crate::{Problem, RECORD_BYTES_MAX};

/// Where the chain ends, and what lies behind it.
pub(crate) struct Tail {
    /// The end of the last whole record.
    pub(crate) end: Checkpoint,
    /// Bytes of a write that never finished; empty when there are none.
    pub(crate) torn: Vec<u8>,
}

/// Why the chain could not be followed.
pub(crate) enum Broken {
    Io(io::Error),
    Chain(Problem),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Whether `link` may come after `end`.
pub(crate) fn follows(link: &Link, end: &Checkpoint) -> Result<(), Problem> {
    let sequence = end.count + 1;
    if link.sequence != sequence {
        return Err(Problem::Missing { sequence, found: link.sequence });
    }
    if link.previous != end.hash {
        return Err(Problem::Rewritten { sequence: end.count });
    }
    Ok(())
}

/// Follows the chain from `start` to the end of `file`.
pub(crate) fn follow(file: &File, start: Checkpoint) -> Result<Tail, Broken> {
    let mut reader = BufReader::new(file);
    reader.seek(SeekFrom::Start(start.length))?;
    let mut lines = Lines::new(reader, start.length);
    let mut end = start;
    loop {
        let sequence = end.count + 1;
        let link = match lines.next_line()? {
            Line::Whole(line) => check(line),
            Line::Torn(torn) => return Ok(Tail { end, torn: torn.to_vec() }),
            Line::End => return Ok(Tail { end, torn: Vec::new() }),
            Line::Oversized => None,
        };
        let link = link.ok_or(Broken::Chain(Problem::Altered { sequence }))?;
        follows(&link, &end).map_err(Broken::Chain)?;
        end = Checkpoint { count: link.sequence, hash: link.hash, length: lines.offset() };
    }
}

/// Checks that the record which `checkpoint` names ends where it says.
pub(crate) fn anchored(file: &File, checkpoint: &Checkpoint) -> Result<(), Broken> {
    if checkpoint.count == 0 {
        return Ok(());
    }
    let sequence = checkpoint.count;
    let altered = Broken::Chain(Problem::Altered { sequence });
    let Some(line) = line_ending_at(file, checkpoint.length)? else { return Err(altered) };
    let link = check(&line).ok_or(altered)?;
    if (link.sequence, link.hash) == (checkpoint.count, checkpoint.hash) {
        return Ok(());
    }
    Err(Broken::Chain(Problem::NotAcknowledged { sequence }))
}

/// The finished line whose newline is the last byte before `end`.
fn line_ending_at(file: &File, end: u64) -> io::Result<Option<Vec<u8>>> {
    for window in [4096, RECORD_BYTES_MAX as u64 + 1] {
        let start = end.saturating_sub(window);
        let length = usize::try_from(end - start).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, start)?;
        if bytes.pop() != Some(b'\n') {
            return Ok(None);
        }
        match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(before) => return Ok(Some(bytes.split_off(before + 1))),
            None if start == 0 => return Ok(Some(bytes)),
            None => {}
        }
    }
    Ok(None)
}
