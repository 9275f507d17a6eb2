//! Why a session can't go on; each a sentence a person can act on.

use std::io;
use std::path::{Path, PathBuf};

use kode_audit::Digest;
use kode_base::ProjectPath;
use kode_sandbox::FileError;
use thiserror::Error;

use crate::merge::Conflict;

/// Why something about a session failed.
#[derive(Debug, Error)]
pub enum SessionError {
    /// One of kode's own files can't be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No session has this identifier.
    #[error("no session {0}; `kode session list` shows them")]
    Unknown(String),
    /// The project has no session yet.
    #[error("no session in {0} yet; begin one with `kode run`")]
    NoneHere(PathBuf),
    /// Another kode has it open.
    #[error("session {0} is in use by process {1}")]
    Busy(String, u32),
    /// One of the session's files holds something kode did not write.
    #[error("{path}, line {line}: not a record of kode's; the session can't be used")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// The file is not as it was when it was last looked at.
    #[error("{0} changed since kode's last snapshot; look at it and reject by hand")]
    ChangedSince(ProjectPath),
    /// A person edited the lines that were to be taken back.
    #[error("{path}: {conflict}")]
    Conflict {
        /// The file.
        path: ProjectPath,
        /// Where the two changes meet.
        conflict: Conflict,
    },
    /// There is nothing to put back.
    #[error("{0} is as it was: there is nothing to put back")]
    NotTouched(ProjectPath),
    /// The content was recorded by its hash only.
    #[error("the earlier content of {0} was not kept (too large, or no ordinary file)")]
    NotKept(ProjectPath),
    /// A kept content does not match its hash.
    #[error("the kept content {0} is damaged or gone; it can't be put back")]
    BlobDamaged(Digest),
    /// There is no base snapshot yet.
    #[error("the session has no snapshot of the project yet")]
    NoBase,
    /// There is nothing to undo or redo.
    #[error("there is nothing to {0}")]
    NothingTo(&'static str),
    /// The gate did not permit it.
    #[error("not done: {0}")]
    Denied(String),
    /// A project file can't be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Names the file in an input or output error.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> SessionError {
    move |source| SessionError::Io { path: path.to_owned(), source }
}
