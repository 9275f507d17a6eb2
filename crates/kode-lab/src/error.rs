//! What can go wrong with the lab itself. A lab that fails is never green.

use std::path::PathBuf;

use thiserror::Error;

/// The lab could not be set up or judged.
#[derive(Debug, Error)]
pub enum LabError {
    /// A scenario or task file is wrong.
    #[error("{}:{line}: {why}", file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// Counts from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// A folder without scenarios.
    #[error("{} holds no scenario; it needs attacks.jsonl, benign.jsonl or both", .0.display())]
    Empty(PathBuf),
    /// A file could not be read or planted.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The sink could not be opened.
    #[error("the loopback sink could not be opened: {0}")]
    Sink(std::io::Error),
    /// The sandbox could not be started.
    #[error(transparent)]
    Sandbox(#[from] kode_sandbox::SandboxError),
    /// The workspace is no project.
    #[error(transparent)]
    Root(#[from] kode_sandbox::RootError),
    /// Project files could not be opened.
    #[error(transparent)]
    Files(#[from] kode_sandbox::FileError),
    /// The session store failed.
    #[error(transparent)]
    Session(#[from] kode_session::SessionError),
    /// The audit log failed.
    #[error(transparent)]
    Audit(#[from] kode_audit::AuditError),
    /// The model could not be connected.
    #[error(transparent)]
    Model(#[from] kode_model::ProviderError),
    /// The system's random generator failed.
    #[error("the system's random generator failed: {0}")]
    Random(getrandom::Error),
    /// A workspace could not be prepared, or the agent could not work in it.
    #[error("the lab could not play: {0}")]
    Prepare(String),
}
