//! Why a sandbox could not be set up or a command not run.

use thiserror::Error;

/// What went wrong. Neither case ever leads to a run without the sandbox.
#[derive(Debug, Error)]
pub enum SandboxError {
    /// A layer can't be set up here (exit 7; 125 from `kode sandbox`).
    #[error("the sandbox can't be set up: {cause}; {remedy}")]
    Unavailable {
        /// Which step failed and what the system said.
        cause: String,
        /// What a person can do about it.
        remedy: String,
    },
    /// The command itself can't be started as asked.
    #[error("the command can't be run: {0}")]
    Command(String),
    /// Talking to the sandbox failed.
    #[error("running a command in the sandbox failed: {0}")]
    Io(#[from] std::io::Error),
}

impl SandboxError {
    pub(crate) fn unavailable(cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Unavailable { cause: cause.into(), remedy: remedy.into() }
    }
}
