//! The names of the log's files.

use std::io;
use std::path::{Path, PathBuf};

use crate::AuditError;

pub(crate) fn log_path(folder: &Path) -> PathBuf {
    folder.join("log.jsonl")
}

pub(crate) fn checkpoint_path(folder: &Path) -> PathBuf {
    folder.join("checkpoint")
}

pub(crate) fn quarantine_path(folder: &Path) -> PathBuf {
    folder.join("quarantine.jsonl")
}

/// Names the file in an input or output error.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> AuditError {
    move |source| AuditError::Io { path: path.to_owned(), source }
}
