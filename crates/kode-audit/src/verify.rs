//! Checks a whole log and names the first record that is wrong.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use thiserror::Error;

use crate::checkpoint::Checkpoint;
use crate::line::check;
use crate::lines::{Line, Lines};
use crate::places::{at, checkpoint_path, log_path, quarantine_path};
use crate::private::open_to_read;
use crate::tail::follows;
use crate::{AuditError, Digest};

/// What is wrong with a log; each names the record.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum Problem {
    /// A byte of it changed, or it was cut short.
    #[error("record {sequence} does not match its own hash")]
    Altered {
        /// The record.
        sequence: u64,
    },
    /// It matches its own hash but not what its successor says of it.
    #[error("record {sequence} was rewritten: the next record names another predecessor")]
    Rewritten {
        /// The record.
        sequence: u64,
    },
    /// Removed from the middle or the start.
    #[error("record {sequence} is missing: record {found} stands in its place")]
    Missing {
        /// The record.
        sequence: u64,
        /// What stands there.
        found: u64,
    },
    /// Still in the log, but elsewhere.
    #[error("record {sequence} is out of order: record {found} stands in its place")]
    OutOfOrder {
        /// The record.
        sequence: u64,
        /// What stands there.
        found: u64,
    },
    /// Cut off at the end.
    #[error("records {first} to {last} are missing at the end")]
    Truncated {
        /// The first that is missing.
        first: u64,
        /// The last that was acknowledged.
        last: u64,
    },
    /// The file is shorter than when record `last` was acknowledged.
    #[error("the log is cut short: records up to {last} were acknowledged")]
    Shortened {
        /// The last that was acknowledged.
        last: u64,
    },
    /// The chain is whole, but not the one that was acknowledged.
    #[error("record {sequence} is not the one that was acknowledged: the log was rewritten")]
    NotAcknowledged {
        /// The record.
        sequence: u64,
    },
    /// No readable checkpoint beside a log that has records.
    #[error("the checkpoint is missing or unreadable, so a cut at the end can't be told")]
    NoCheckpoint,
}

/// A log that does not hold, or can't be read.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// The chain does not hold.
    #[error("{problem} (line {line}, byte {offset})")]
    Broken {
        /// What is wrong.
        problem: Problem,
        /// Line of the file, from 1.
        line: u64,
        /// Bytes of the file before that line.
        offset: u64,
    },
    /// The files can't be read.
    #[error(transparent)]
    Unreadable(#[from] AuditError),
}

/// What a log that holds looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// Records in the chain.
    pub records: u64,
    /// Their length in bytes.
    pub bytes: u64,
    /// The last record's hash: noted elsewhere, it proves this log up to here.
    pub last_hash: Digest,
    /// Records the checkpoint vouches for; fewer than `records` after a power cut.
    pub checkpointed: u64,
    /// Bytes of an unfinished line that was never acknowledged; the next open
    /// moves it aside.
    pub torn_bytes: u64,
    /// Unfinished lines that were moved aside in the past.
    pub quarantined: u64,
}

/// Checks every record, their order and the checkpoint.
///
/// Other kodes may append meanwhile: what is checked is the log as it was at
/// the start of the call.
///
/// # Errors
/// [`VerifyError::Broken`] with the first record that is wrong.
pub fn verify(folder: &Path) -> Result<VerifyReport, VerifyError> {
    let path = log_path(folder);
    let quarantined = count_lines(&quarantine_path(folder))?;
    let Some(file) = open_to_read(&path).map_err(at(&path))? else {
        return verify_absent(folder, quarantined);
    };
    let (length, checkpoint) = state(folder, &file)?;
    let Some(checkpoint) = checkpoint.or((length == 0).then_some(Checkpoint::START)) else {
        return Err(VerifyError::Broken { problem: Problem::NoCheckpoint, line: 1, offset: 0 });
    };
    let walk = Walk { folder, length, checkpoint };
    let (end, torn_bytes) = walk.check_all(&file)?;
    Ok(VerifyReport {
        records: end.count,
        bytes: end.length,
        last_hash: end.hash,
        checkpointed: checkpoint.count,
        torn_bytes,
        quarantined,
    })
}

/// No log at all is fine only if none was ever acknowledged.
fn verify_absent(folder: &Path, quarantined: u64) -> Result<VerifyReport, VerifyError> {
    let path = checkpoint_path(folder);
    let stored = match open_to_read(&path).map_err(at(&path))? {
        Some(file) => Checkpoint::load(&file).map_err(at(&path))?,
        None => None,
    };
    let checkpoint = stored.unwrap_or(Checkpoint::START);
    if checkpoint.count > 0 {
        let problem = Problem::Truncated { first: 1, last: checkpoint.count };
        return Err(VerifyError::Broken { problem, line: 1, offset: 0 });
    }
    let (records, bytes, last_hash) = (0, 0, Digest::ZERO);
    Ok(VerifyReport { records, bytes, last_hash, checkpointed: 0, torn_bytes: 0, quarantined })
}

/// Length and checkpoint at one moment, when no append is under way.
fn state(folder: &Path, file: &File) -> Result<(u64, Option<Checkpoint>), AuditError> {
    let path = log_path(folder);
    file.lock_shared().map_err(at(&path))?;
    let length = file.metadata().map_err(at(&path))?.len();
    let checkpoint_file = checkpoint_path(folder);
    let checkpoint = match open_to_read(&checkpoint_file).map_err(at(&checkpoint_file))? {
        Some(stored) => Checkpoint::load(&stored).map_err(at(&checkpoint_file))?,
        None => None,
    };
    file.unlock().map_err(at(&path))?;
    Ok((length, checkpoint))
}

/// One pass over the log.
struct Walk<'a> {
    folder: &'a Path,
    length: u64,
    checkpoint: Checkpoint,
}

impl Walk<'_> {
    fn check_all(&self, file: &File) -> Result<(Checkpoint, u64), VerifyError> {
        let path = log_path(self.folder);
        let mut lines = Lines::new(BufReader::new(file).take(self.length), 0);
        let mut end = Checkpoint::START;
        loop {
            let sequence = end.count + 1;
            let link = match lines.next_line().map_err(at(&path))? {
                Line::Whole(line) => check(line),
                Line::Torn(torn) => return self.finish(end, torn.len() as u64),
                Line::End => return self.finish(end, 0),
                Line::Oversized => None,
            };
            let Some(link) = link else {
                return Err(broken(Problem::Altered { sequence }, &end));
            };
            if let Err(problem) = follows(&link, &end) {
                return Err(broken(self.elsewhere(problem, &mut lines), &end));
            }
            end = Checkpoint { count: sequence, hash: link.hash, length: lines.offset() };
            if sequence == self.checkpoint.count && link.hash != self.checkpoint.hash {
                return Err(broken(Problem::NotAcknowledged { sequence }, &end));
            }
        }
    }

    fn finish(&self, end: Checkpoint, torn_bytes: u64) -> Result<(Checkpoint, u64), VerifyError> {
        let (first, last) = (end.count + 1, self.checkpoint.count);
        if last < first {
            return Ok((end, torn_bytes));
        }
        // The last record lost its newline or its end: it is there, but wrong.
        if last == first && torn_bytes > 0 {
            return Err(broken(Problem::Altered { sequence: first }, &end));
        }
        Err(broken(Problem::Truncated { first, last }, &end))
    }

    /// Tells a record that was moved from one that was removed.
    fn elsewhere<R: BufRead>(&self, problem: Problem, lines: &mut Lines<R>) -> Problem {
        let Problem::Missing { sequence, found } = problem else { return problem };
        while let Ok(Line::Whole(line)) = lines.next_line() {
            if check(line).is_some_and(|link| link.sequence == sequence) {
                return Problem::OutOfOrder { sequence, found };
            }
        }
        problem
    }
}

/// Every line before the broken one holds a record, so the count tells the line.
fn broken(problem: Problem, end: &Checkpoint) -> VerifyError {
    VerifyError::Broken { problem, line: end.count + 1, offset: end.length }
}

fn count_lines(path: &Path) -> Result<u64, AuditError> {
    let Some(file) = open_to_read(path).map_err(at(path))? else { return Ok(0) };
    let mut count = 0;
    let mut reader = BufReader::new(file);
    loop {
        let chunk = reader.fill_buf().map_err(at(path))?;
        if chunk.is_empty() {
            return Ok(count);
        }
        count += chunk.iter().filter(|byte| **byte == b'\n').count() as u64;
        let used = chunk.len();
        reader.consume(used);
    }
}
