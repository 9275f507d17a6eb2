//! Putting files back. Every write is a person's action: it goes through the
//! gate, is recorded, and the sandbox checks once more that the file still is
//! what the person saw.

use kode_audit::Outcome;
use kode_base::{FileWrite, ProjectPath, WriteMode};
use kode_gate::Gate;
use kode_sandbox::{FileError, ProjectFiles};

use crate::blobs::Blobs;
use crate::capture::capture;
use crate::changes::{Change, Origin};
use crate::state::{FileState, Kind};
use crate::{Session, SessionError};

/// One file to put back.
pub(crate) struct Restoration {
    pub(crate) path: ProjectPath,
    /// What must stand there still.
    pub(crate) expected: Option<FileState>,
    /// What shall stand there.
    pub(crate) target: Option<FileState>,
}

impl Session {
    /// Puts one file back to its base; refused when it changed since the last
    /// comparison. The write goes through the gate as a person's action.
    ///
    /// # Errors
    /// When there is nothing to put back, the file changed since, or its
    /// earlier content was not kept; the file is as it was then.
    pub fn reject(
        &mut self,
        path: &ProjectPath,
        files: &ProjectFiles,
        gate: &mut Gate,
    ) -> Result<(), SessionError> {
        let tree = self.tree()?;
        let restoration = Restoration {
            path: path.clone(),
            expected: tree.now_of(path).cloned(),
            target: tree.base_of(path).cloned(),
        };
        if restoration.is_done() {
            return Err(SessionError::NotTouched(path.clone()));
        }
        self.restore_all(&[restoration], Origin::Reject, files, gate)
    }

    /// Puts several files back. All are checked before the first is written.
    pub(crate) fn restore_all(
        &mut self,
        restorations: &[Restoration],
        origin: Origin,
        files: &ProjectFiles,
        gate: &mut Gate,
    ) -> Result<(), SessionError> {
        let mut writes = Vec::new();
        for restoration in restorations {
            restoration.check(files, &self.blobs)?;
            writes.push(restoration.write(&self.blobs)?);
        }
        let mut changes = Vec::new();
        let mut result = Ok(());
        for (restoration, write) in restorations.iter().zip(writes) {
            result = put_back(write, files, gate);
            if result.is_err() {
                break;
            }
            let after = current(&restoration.path, files, &self.blobs)?;
            let (path, before) = (restoration.path.clone(), restoration.expected.clone());
            changes.push(Change { path, before, after });
        }
        // What was put back is recorded even when a later one failed.
        self.record_step(origin, &changes)?;
        if let Some(tree) = self.tree.as_mut() {
            tree.apply(changes);
        }
        result
    }
}

impl Restoration {
    /// Whether the target stands there already.
    pub(crate) fn is_done(&self) -> bool {
        match (&self.expected, &self.target) {
            (Some(expected), Some(target)) => expected.same(target),
            (None, None) => true,
            _ => false,
        }
    }

    fn check(&self, files: &ProjectFiles, blobs: &Blobs) -> Result<(), SessionError> {
        let now = current(&self.path, files, blobs)?;
        let unchanged = match (&now, &self.expected) {
            (Some(now), Some(expected)) => now.same(expected),
            (None, None) => true,
            _ => false,
        };
        if unchanged { Ok(()) } else { Err(SessionError::ChangedSince(self.path.clone())) }
    }

    fn write(&self, blobs: &Blobs) -> Result<FileWrite, SessionError> {
        let not_kept = || SessionError::NotKept(self.path.clone());
        let mode = match &self.target {
            None => WriteMode::Delete,
            Some(target) if !target.kept => return Err(not_kept()),
            Some(target) => match target.kind {
                Kind::File => {
                    WriteMode::Restore { content: blobs.load(&target.hash)?, mode: target.mode }
                }
                Kind::Symlink => WriteMode::RestoreLink { target: blobs.load(&target.hash)? },
                Kind::Special => return Err(not_kept()),
            },
        };
        let expected = self.expected.as_ref().map(|state| state.hash.0);
        Ok(FileWrite { path: self.path.clone(), expected, mode })
    }
}

/// What stands at `path` at this moment.
fn current(
    path: &ProjectPath,
    files: &ProjectFiles,
    blobs: &Blobs,
) -> Result<Option<FileState>, SessionError> {
    match files.snapshot_entry(path)? {
        Some(entry) => capture(files, blobs, &entry),
        None => Ok(None),
    }
}

fn put_back(write: FileWrite, files: &ProjectFiles, gate: &mut Gate) -> Result<(), SessionError> {
    let (permit, _) = gate
        .authorize_person(write)
        .map_err(|denial| SessionError::Denied(denial.decision.reason.text))?;
    let intent = permit.intent();
    let result = files.write(permit).map_err(|error| match error {
        FileError::Changed(path) => SessionError::ChangedSince(path),
        error => error.into(),
    });
    let outcome = if result.is_ok() { "done" } else { "failed" };
    let recorded =
        gate.record_outcome(Outcome { intent, exit_code: None, result: outcome.to_owned() });
    result.and(recorded.map(drop).map_err(|error| SessionError::Other(error.to_string())))
}
