//! Appending. A record is on the disk before its number is handed out; what
//! can't be made durable is taken back and reported, never acknowledged.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kode_base::AuditSequence;
use serde::Serialize;
use thiserror::Error;

use crate::checkpoint::Checkpoint;
use crate::line::{Unsealed, seal};
use crate::places::{at, checkpoint_path, log_path, quarantine_path};
use crate::private::{open_to_write, private_folder, still_in_place, sync_folder};
use crate::tail::{Broken, Tail, anchored, follow};
use crate::{Problem, RECORD_BYTES_MAX, Record};

/// How long an append waits for other kodes that append.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(10);

/// Why the log can't be used. No audit, no effect: callers deny.
#[derive(Debug, Error)]
pub enum AuditError {
    /// The file can't be read or written.
    #[error("audit log {path}: {source}; check the folder's owner and free space")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The chain does not hold, so nothing may be appended to it.
    #[error(
        "audit log {path} is damaged: {problem}; look at it with `kode audit verify`, \
         then move its folder away to begin a new log"
    )]
    Damaged {
        /// The log.
        path: PathBuf,
        /// What is wrong with it.
        problem: Problem,
    },
    /// A record past [`RECORD_BYTES_MAX`].
    #[error("an audit record of {bytes} bytes is over the limit of {RECORD_BYTES_MAX}")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// Another process held the log too long.
    #[error("audit log {path} stayed locked by another kode for 10 s; is one stopped?")]
    Locked {
        /// The log.
        path: PathBuf,
    },
    /// The log was deleted or moved while it was open.
    #[error("audit log {path} was removed while kode had it open; nothing more is recorded there")]
    Removed {
        /// The log.
        path: PathBuf,
    },
    /// An earlier write may not be on the disk.
    #[error("audit log {path} could not be flushed earlier; start kode again")]
    Unflushed {
        /// The log.
        path: PathBuf,
    },
}

/// Who makes a record durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flush {
    Now,
    BySomebodyElse,
}

/// An open log. Several processes may hold one open on the same folder.
#[derive(Debug)]
pub struct AuditLog {
    path: PathBuf,
    quarantine: PathBuf,
    session: String,
    file: File,
    checkpoint: File,
    /// The end of the log as this process knows it.
    end: Checkpoint,
    flush_failed: bool,
}

impl AuditLog {
    /// Opens (or creates) the log in `folder` for `session`. A line that a
    /// crash left unfinished is moved aside and recorded.
    ///
    /// # Errors
    /// When the folder can't be used, or the end of the log was altered or cut.
    pub fn open(folder: &Path, session: &str) -> Result<Self, AuditError> {
        private_folder(folder).map_err(at(folder))?;
        let path = log_path(folder);
        let file = open_to_write(&path).map_err(at(&path))?;
        let checkpoint_file = checkpoint_path(folder);
        let checkpoint = open_to_write(&checkpoint_file).map_err(at(&checkpoint_file))?;
        let mut log = Self {
            path,
            quarantine: quarantine_path(folder),
            session: session.to_owned(),
            file,
            checkpoint,
            end: Checkpoint::START,
            flush_failed: false,
        };
        log.locked(|log| {
            log.end = log.acknowledged(folder)?;
            log.catch_up()
        })?;
        Ok(log)
    }

    /// Appends one record and makes it durable before returning.
    ///
    /// # Errors
    /// When it could not be made durable; nothing may run then.
    pub fn append(&mut self, record: &Record) -> Result<AuditSequence, AuditError> {
        self.append_all(std::slice::from_ref(record))
    }

    /// Appends several records with one flush: all are durable when this returns.
    /// They are numbered from the one returned.
    ///
    /// # Errors
    /// As [`AuditLog::append`].
    pub fn append_all(&mut self, records: &[Record]) -> Result<AuditSequence, AuditError> {
        self.append_as(records, Flush::Now)
    }

    /// Appends one record for the end of a program: nothing that this process or another
    /// does can lose it any more, but a power cut until somebody flushes the
    /// [`file`](AuditLog::file). Nothing may come of it before that.
    ///
    /// # Errors
    /// As [`AuditLog::append`].
    pub fn append_unflushed(&mut self, record: &Record) -> Result<AuditSequence, AuditError> {
        self.append_as(std::slice::from_ref(record), Flush::BySomebodyElse)
    }

    /// The open file, for whoever flushes it.
    ///
    /// # Errors
    /// When this process has too many open.
    pub fn file(&self) -> Result<File, AuditError> {
        self.file.try_clone().map_err(at(&self.path))
    }

    fn append_as(&mut self, records: &[Record], flush: Flush) -> Result<AuditSequence, AuditError> {
        self.locked(|log| {
            if !still_in_place(&log.path, &log.file).map_err(at(&log.path))? {
                return Err(AuditError::Removed { path: log.path.clone() });
            }
            log.catch_up()?;
            log.write(records, flush)
        })
    }

    fn locked<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, AuditError>,
    ) -> Result<T, AuditError> {
        lock(&self.file, &self.path)?;
        let result = work(self);
        self.file.unlock().map_err(at(&self.path))?;
        result
    }

    /// Where the checkpoint says the log ends, checked against the log.
    fn acknowledged(&self, folder: &Path) -> Result<Checkpoint, AuditError> {
        let length = self.file.metadata().map_err(at(&self.path))?.len();
        let stored = Checkpoint::load(&self.checkpoint).map_err(at(&self.path))?;
        let checkpoint = match stored {
            Some(checkpoint) => checkpoint,
            None if length == 0 => self.begin(folder)?,
            None => return Err(self.damaged(Problem::NoCheckpoint)),
        };
        if checkpoint.length > length {
            return Err(self.damaged(Problem::Shortened { last: checkpoint.count }));
        }
        anchored(&self.file, &checkpoint).map_err(|broken| self.broken(broken))?;
        Ok(checkpoint)
    }

    /// Writes both slots, so that later checkpoints need no new disk blocks, and
    /// makes the files' names survive a power cut.
    fn begin(&self, folder: &Path) -> Result<Checkpoint, AuditError> {
        let start = Checkpoint::START;
        let filler = vec![b' '; 1024];
        self.checkpoint.write_all_at(&filler, 0).map_err(at(&self.path))?;
        start.store(&self.checkpoint).map_err(at(&self.path))?;
        self.checkpoint.sync_all().map_err(at(&self.path))?;
        sync_folder(folder).map_err(at(folder))?;
        Ok(start)
    }

    /// Follows what other processes appended, and clears a torn line away.
    fn catch_up(&mut self) -> Result<(), AuditError> {
        let length = self.file.metadata().map_err(at(&self.path))?.len();
        if length == self.end.length {
            return Ok(());
        }
        if length < self.end.length {
            return Err(self.damaged(Problem::Shortened { last: self.end.count }));
        }
        let Tail { end, torn } = follow(&self.file, self.end).map_err(|b| self.broken(b))?;
        self.end = end;
        if torn.is_empty() { Ok(()) } else { self.set_aside(&torn) }
    }

    /// Moves an unfinished line, which nobody was told of, out of the log.
    fn set_aside(&mut self, torn: &[u8]) -> Result<(), AuditError> {
        quarantine(&self.quarantine, self.end.length, torn)?;
        self.file.set_len(self.end.length).map_err(at(&self.path))?;
        let notice = Record::Notice {
            name: "audit.torn_line".to_owned(),
            text: format!(
                "an unfinished line of {} bytes, never acknowledged, was moved to quarantine.jsonl",
                torn.len()
            ),
        };
        self.write(&[notice], Flush::Now)?;
        Ok(())
    }

    /// Writes the records at once; returns the first one's number.
    fn write(&mut self, records: &[Record], flush: Flush) -> Result<AuditSequence, AuditError> {
        if self.flush_failed {
            return Err(AuditError::Unflushed { path: self.path.clone() });
        }
        let (mut lines, mut end) = (Vec::new(), self.end);
        for record in records {
            let unsealed = Unsealed {
                sequence: end.count + 1,
                time: &jiff::Timestamp::now().to_string(),
                session: &self.session,
                record,
                previous: end.hash,
            };
            let (line, hash) = seal(&unsealed).map_err(|error| at(&self.path)(error.into()))?;
            if line.len() > RECORD_BYTES_MAX {
                return Err(AuditError::TooLarge { bytes: line.len() });
            }
            let length = end.length + line.len() as u64;
            end = Checkpoint { count: end.count + 1, hash, length };
            lines.extend_from_slice(&line);
        }
        self.write_lines(&lines, flush)?;
        let first = AuditSequence(self.end.count + 1);
        self.end = end;
        self.end.store(&self.checkpoint).map_err(at(&self.path))?;
        Ok(first)
    }

    /// Writes and flushes; on failure takes back what was written.
    fn write_lines(&mut self, lines: &[u8], flush: Flush) -> Result<(), AuditError> {
        let mut result = self.file.write_all_at(lines, self.end.length);
        if result.is_ok() && flush == Flush::Now {
            result = self.file.sync_data();
            // After a failed flush the kernel may claim that lost pages are clean.
            self.flush_failed = result.is_err();
        }
        if result.is_err() {
            // Should this fail too, the rest is a torn line that the next
            // append clears away.
            let _ = self.file.set_len(self.end.length);
        }
        result.map_err(at(&self.path))
    }

    fn damaged(&self, problem: Problem) -> AuditError {
        AuditError::Damaged { path: self.path.clone(), problem }
    }

    fn broken(&self, broken: Broken) -> AuditError {
        match broken {
            Broken::Io(source) => at(&self.path)(source),
            Broken::Chain(problem) => self.damaged(problem),
        }
    }
}

/// Waits for the exclusive lock, but not for ever.
fn lock(file: &File, path: &Path) -> Result<(), AuditError> {
    let deadline = Instant::now() + LOCK_WAIT_MAX;
    let mut pause = Duration::from_micros(50);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(at(path)(error)),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                return Err(AuditError::Locked { path: path.to_owned() });
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(pause),
        }
        pause = (pause * 2).min(Duration::from_millis(5));
    }
}

/// Keeps the torn bytes as evidence, in hex, one JSON object a line.
fn quarantine(path: &Path, offset: u64, torn: &[u8]) -> Result<(), AuditError> {
    #[derive(Serialize)]
    struct Torn {
        time: String,
        offset: u64,
        bytes: String,
    }
    let bytes = torn.iter().map(|byte| format!("{byte:02x}")).collect();
    let kept = Torn { time: jiff::Timestamp::now().to_string(), offset, bytes };
    let mut line = serde_json::to_vec(&kept).map_err(|error| at(path)(error.into()))?;
    line.push(b'\n');
    let file = open_to_write(path).map_err(at(path))?;
    let end = file.metadata().map_err(at(path))?.len();
    file.write_all_at(&line, end).map_err(at(path))?;
    file.sync_all().map_err(at(path))
}
