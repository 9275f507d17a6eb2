//! Why a session can't go on; each a sentence a person can act on.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use kode_audit::Digest;
use kode_base::ProjectPath;
use kode_sandbox::FileError;
use thiserror::Error;

use crate::meeting::MeetingShown;
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
    #[error("{path}{}: {conflict}", conflict.lines_now())]
    Conflict {
        /// The file.
        path: ProjectPath,
        /// Where the two changes meet.
        conflict: Conflict,
    },
    /// A later change met one of a turn that was to be taken back.
    #[error("{path}{lines}: {by}")]
    TurnMet {
        /// The file, by the name it has now.
        path: ProjectPath,
        /// Where both changes meet, in the file as it is now.
        lines: LinesNamed,
        /// Whose the later change is.
        by: Later,
        /// What stood there before the turn, after it and now.
        met: Option<Box<MeetingShown>>,
    },
    /// A person edited lines of the agent's: they can't be told apart any more.
    #[error(
        "{path}{lines}: you edited lines there that the agent had changed. They count as yours, \
         so the file can't be rejected as a whole; its other hunks can"
    )]
    Mixed {
        /// The file.
        path: ProjectPath,
        /// Where both changes meet, in the file as it is now.
        lines: LinesNamed,
    },
    /// Such lines came along when a renamed file got its old name back.
    #[error(
        "{path}{lines}: you edited lines there that the agent had changed. They count as yours \
         and came along"
    )]
    Kept {
        /// The file, by the name it had.
        path: ProjectPath,
        /// Where they were.
        lines: LinesNamed,
    },
    /// A file that comes back has no room: something that stays is in its place.
    #[error("{by} stands in the place of {path}; move it away first, or reject it")]
    InTheWay {
        /// The file that was to come back.
        path: ProjectPath,
        /// What stands in its place, or in a folder there.
        by: ProjectPath,
    },
    /// There is nothing to put back.
    #[error("{0} holds no change of the agent: there is nothing to put back")]
    NotTouched(ProjectPath),
    /// The content was recorded by its hash only.
    #[error("the earlier content of {0} was not kept (ignored, too large, or no ordinary file)")]
    NotKept(ProjectPath),
    /// What stands there now was recorded by its hash only.
    #[error(
        "the content of {0} was not kept (too large, or no permission), so it could not be \
         brought back; delete or change it by hand"
    )]
    WouldBeLost(ProjectPath),
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

/// Who changed again what a turn had changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Later {
    /// A person.
    Person,
    /// The agent, in a later turn.
    Agent,
}

impl fmt::Display for Later {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Person => {
                "you changed there what that turn had changed: both changes are kept, take it \
                 back by hand"
            }
            Self::Agent => {
                "the agent changed there again, in a later turn, what that turn had changed; \
                 reject the later turn first"
            }
        })
    }
}

/// `, lines 3–5` or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinesNamed(pub Option<Range<usize>>);

impl fmt::Display for LinesNamed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => Ok(()),
            Some(lines) if lines.is_empty() && lines.start == 0 => {
                formatter.write_str(", at its begin")
            }
            Some(lines) if lines.is_empty() => write!(formatter, ", after line {}", lines.start),
            Some(lines) if lines.len() == 1 => write!(formatter, ", line {}", lines.end),
            Some(lines) => write!(formatter, ", lines {}–{}", lines.start + 1, lines.end),
        }
    }
}

/// Names the file in an input or output error.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> SessionError {
    move |source| SessionError::Io { path: path.to_owned(), source }
}
