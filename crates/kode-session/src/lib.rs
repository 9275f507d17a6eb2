//! Sessions, snapshots, touched files, review and reject.

#![allow(missing_docs, clippy::todo, reason = "interface sketch, being built")]

use std::path::{Path, PathBuf};

use kode_base::{ChangeKind, Event, ProjectPath, TouchedFile, Untrusted};
use kode_gate::Gate;
use kode_sandbox::{ProjectFiles, ProjectRoot};
use serde::{Serialize, de::DeserializeOwned};

#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("no session {0}; `kode session list` shows them")]
    Unknown(String),
    #[error("session {0} is in use by process {1}")]
    Busy(String, u32),
    #[error("{0} changed since kode's last snapshot; look at it and reject by hand")]
    ChangedSince(ProjectPath),
    #[error("{0}")]
    Other(String),
}

/// All sessions under `$KODE_HOME/sessions` (0700).
#[derive(Debug)]
pub struct SessionStore {
    folder: PathBuf,
}
impl SessionStore {
    pub fn open(kode_home: &Path) -> Result<Self, SessionError> {
        let _ = kode_home;
        todo!()
    }
    /// A new session (uuid v7), locked by this process; meta written durably.
    pub fn create(&self, root: &Path, task: &str) -> Result<Session, SessionError> {
        let _ = (root, task, &self.folder);
        todo!()
    }
    /// Opens and locks; `None` = the newest one of this project.
    pub fn resume(&self, id: Option<&str>, root: &Path) -> Result<Session, SessionError> {
        let _ = (id, root);
        todo!()
    }
    pub fn list(&self) -> Result<Vec<SessionSummary>, SessionError> {
        todo!()
    }
}
#[derive(Debug, Clone, Serialize)]
pub struct SessionSummary {
    pub id: String,
    pub project: String,
    pub task: Untrusted<String>,
    pub started: String,
    pub ended: Option<u8>,
}

/// One session's folder: append-only journal, events, base snapshot, blobs.
#[derive(Debug)]
pub struct Session {}
impl Session {
    pub fn id(&self) -> &str {
        todo!()
    }
    /// Appends one journal entry (any serialisable step of the agent) and fsyncs before returning.
    pub fn append<T: Serialize>(&mut self, entry: &T) -> Result<(), SessionError> {
        let _ = entry;
        todo!()
    }
    /// Reads the journal back; a torn last line is quarantined and reported, never an error.
    pub fn journal<T: DeserializeOwned>(&self) -> Result<Vec<T>, SessionError> {
        todo!()
    }
    /// Keeps an event for later display; not fsynced.
    pub fn keep_event(&mut self, event: &Event) -> Result<(), SessionError> {
        let _ = event;
        todo!()
    }
    /// Takes the base snapshot if there is none yet (contents kept as blobs, durable on return). Must precede the first effect.
    pub fn ensure_base(
        &mut self,
        root: &ProjectRoot,
        files: &ProjectFiles,
    ) -> Result<(), SessionError> {
        let _ = (root, files);
        todo!()
    }
    /// Compares the tree with the base: the touched files now, and a hash of the whole compared tree. New contents are kept as blobs.
    pub fn compare(&mut self, files: &ProjectFiles) -> Result<Comparison, SessionError> {
        let _ = files;
        todo!()
    }
    /// Base content; `None` when the file was not there.
    pub fn base_content(
        &self,
        path: &ProjectPath,
    ) -> Result<Option<Untrusted<Vec<u8>>>, SessionError> {
        let _ = path;
        todo!()
    }
    /// Content at the last comparison.
    pub fn last_content(
        &self,
        path: &ProjectPath,
    ) -> Result<Option<Untrusted<Vec<u8>>>, SessionError> {
        let _ = path;
        todo!()
    }
    /// Puts one file back to its base; refused when it changed since the last comparison. The write goes through the gate as a person's action.
    pub fn reject(
        &mut self,
        path: &ProjectPath,
        files: &ProjectFiles,
        gate: &mut Gate,
    ) -> Result<(), SessionError> {
        let _ = (path, files, gate);
        todo!()
    }
    pub fn finish(&mut self, exit_code: u8) -> Result<(), SessionError> {
        let _ = exit_code;
        todo!()
    }
}
/// What differs from the base now.
#[derive(Debug, Clone)]
pub struct Comparison {
    pub files: Vec<TouchedFile>,
    /** SHA-256 over (path, kind, mode, content hash) of every compared file. */
    pub hash: [u8; 32],
    /** Ignored paths that changed: counted, not kept. */
    pub ignored_changed: usize,
    /** Changed since the previous comparison. */
    pub since_last: Vec<(ProjectPath, ChangeKind)>,
}
