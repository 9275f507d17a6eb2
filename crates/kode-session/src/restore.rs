//! Putting files back. Every write is a person's action: it goes through the
//! gate, is recorded, and the sandbox checks once more that the file still is
//! what the person saw.

use kode_audit::{Digest, Outcome};
use kode_base::{FileWrite, ProjectPath, Untrusted, WriteMode};
use kode_gate::Gate;
use kode_sandbox::{FileError, ProjectFiles};

use crate::accepted::accepted;
use crate::blobs::Blobs;
use crate::capture::capture;
use crate::changes::{Change, Origin, Step};
use crate::merge::{hunks, take_back};
use crate::state::{FileState, Kind};
use crate::tree::content;
use crate::{Restored, Session, SessionError};

/// One file to put back.
pub(crate) struct Restoration {
    pub(crate) path: ProjectPath,
    /// What must stand there still.
    pub(crate) expected: Option<FileState>,
    /// What shall stand there.
    pub(crate) target: Option<FileState>,
}

impl Session {
    /// Takes the agent's changes of one file back; refused when it changed since
    /// the last comparison. What a person edited meanwhile stays. The write
    /// goes through the gate as a person's action.
    ///
    /// # Errors
    /// When there is nothing to put back, the file changed since, a person
    /// edited the agent's own lines, or the earlier content was not kept; the
    /// file is as it was then.
    pub fn reject(
        &mut self,
        path: &ProjectPath,
        files: &ProjectFiles,
        gate: &mut Gate,
    ) -> Result<(), SessionError> {
        let steps = self.history()?.steps;
        let restoration = self.rejection_of(path, &steps)?;
        if restoration.is_done() {
            return Err(SessionError::NotTouched(path.clone()));
        }
        self.restore_all(&[restoration], Origin::Reject, files, gate)
    }

    /// Takes everything the agent changed back, as [`Session::reject`] does for
    /// one file. All or nothing: all files are checked before the first write.
    ///
    /// # Errors
    /// As [`Session::reject`].
    pub fn reject_all(
        &mut self,
        files: &ProjectFiles,
        gate: &mut Gate,
    ) -> Result<Restored, SessionError> {
        let steps = self.history()?.steps;
        let known: Vec<ProjectPath> = self.tree()?.now.keys().cloned().collect();
        let mut restorations = Vec::new();
        for path in known {
            restorations.push(self.rejection_of(&path, &steps)?);
        }
        restorations.retain(|restoration| !restoration.is_done());
        if restorations.is_empty() {
            return Err(SessionError::NothingTo("reject"));
        }
        self.restore_all(&restorations, Origin::Reject, files, gate)?;
        Ok(Restored { paths: restorations.into_iter().map(|each| each.path).collect() })
    }

    /// What takes the agent's changes of one file back.
    fn rejection_of(
        &mut self,
        path: &ProjectPath,
        steps: &[Step],
    ) -> Result<Restoration, SessionError> {
        let accepted = accepted(path, self.tree()?.base_of(path), steps, &self.blobs)?;
        self.blobs.flush()?;
        let expected = self.tree()?.now_of(path).cloned();
        if accepted.mixed && expected.is_some() {
            return Err(SessionError::ChangedSince(path.clone()));
        }
        Ok(Restoration { path: path.clone(), expected, target: accepted.state })
    }

    /// Takes single hunks back, numbered as [`crate::review::Review::hunks`]
    /// numbers them. The file may have been edited since: those edits stay, and
    /// where one touches a hunk nothing is written.
    ///
    /// # Errors
    /// [`SessionError::Conflict`] when an edit touches a hunk or there is no such
    /// hunk; otherwise as [`Session::reject`].
    pub fn reject_hunks(
        &mut self,
        path: &ProjectPath,
        hunks: &[usize],
        files: &ProjectFiles,
        gate: &mut Gate,
    ) -> Result<(), SessionError> {
        let steps = self.history()?.steps;
        let base = self.tree()?.base_of(path);
        let accepted = accepted(path, base, &steps, &self.blobs)?.state;
        let last = self.tree()?.now_of(path).cloned();
        let now = current(path, files, &self.blobs)?;
        if last.is_some() != now.is_some() {
            return Err(SessionError::ChangedSince(path.clone()));
        }
        let target = self.without_hunks(path, [&accepted, &last, &now], hunks)?;
        self.note_edit(path, last, now.clone())?;
        let restoration = Restoration { path: path.clone(), expected: now, target };
        if restoration.is_done() {
            return Err(SessionError::NotTouched(path.clone()));
        }
        self.restore_all(&[restoration], Origin::Reject, files, gate)
    }

    /// The file as it shall be: `now` without the hunks of `accepted` → `last`.
    #[expect(clippy::disallowed_methods, reason = "merged as bytes, shown to nobody")]
    fn without_hunks(
        &mut self,
        path: &ProjectPath,
        states: [&Option<FileState>; 3],
        hunks: &[usize],
    ) -> Result<Option<FileState>, SessionError> {
        let load = |state: &Option<FileState>| -> Result<Untrusted<Vec<u8>>, SessionError> {
            let is_file = state.as_ref().is_none_or(|state| state.kind == Kind::File);
            let kept = if is_file { content(path, state.as_ref(), &self.blobs)? } else { None };
            let missing = || SessionError::NotKept(path.clone());
            if is_file { Ok(kept.unwrap_or_default()) } else { Err(missing()) }
        };
        let [accepted, last, now] = states;
        let (before, after, present) = (load(accepted)?, load(last)?, load(now)?);
        let result = take_back(before.expose(), after.expose(), present.expose(), hunks)
            .map_err(|conflict| SessionError::Conflict { path: path.clone(), conflict })?;
        if accepted.is_none() && result.is_empty() {
            return Ok(None);
        }
        let Some(like) = now.as_ref().or(accepted.as_ref()) else { return Ok(None) };
        let hash = Digest::of(&result);
        self.blobs.keep(&hash, &result)?;
        self.blobs.flush()?;
        Ok(Some(FileState { hash, kept: true, ..like.clone() }))
    }

    /// The file as it shall be: as it is now, without `change`, whatever came
    /// after it.
    pub(crate) fn without_change(
        &mut self,
        change: &Change,
    ) -> Result<Option<FileState>, SessionError> {
        let (path, before, after) = (&change.path, &change.before, &change.after);
        let now = self.tree()?.now_of(path).cloned();
        let same = |one: &Option<FileState>, two: &Option<FileState>| match (one, two) {
            (Some(one), Some(two)) => one.same(two),
            (None, None) => true,
            _ => false,
        };
        if same(&now, after) || same(&now, before) {
            return Ok(before.clone());
        }
        if after.is_none() || now.is_none() {
            return Err(SessionError::ChangedSince(path.clone()));
        }
        let count = self.hunk_count(path, before, after)?;
        let all: Vec<usize> = (0..count).collect();
        self.without_hunks(path, [before, after, &now], &all)
    }

    #[expect(clippy::disallowed_methods, reason = "only a number comes out")]
    fn hunk_count(
        &self,
        path: &ProjectPath,
        before: &Option<FileState>,
        after: &Option<FileState>,
    ) -> Result<usize, SessionError> {
        let load = |state: &Option<FileState>| {
            content(path, state.as_ref(), &self.blobs).map(Option::unwrap_or_default)
        };
        Ok(hunks(load(before)?.expose(), load(after)?.expose()).len())
    }

    /// Records an edit that no comparison has seen yet as a person's.
    fn note_edit(
        &mut self,
        path: &ProjectPath,
        before: Option<FileState>,
        after: Option<FileState>,
    ) -> Result<(), SessionError> {
        let same = match (&before, &after) {
            (Some(before), Some(after)) => before.same(after),
            _ => true,
        };
        if same {
            return Ok(());
        }
        let changes = vec![Change { path: path.clone(), before, after, lines: None }];
        self.record_step(Origin::Person, &changes)?;
        if let Some(tree) = self.tree.as_mut() {
            tree.apply(changes);
        }
        Ok(())
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
            changes.push(Change { path, before, after, lines: None });
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
        self.leaves(self.target.as_ref())
    }

    /// Whether what is expected to stand there is `state`.
    pub(crate) fn leaves(&self, state: Option<&FileState>) -> bool {
        match (&self.expected, state) {
            (Some(expected), Some(state)) => expected.same(state),
            (None, None) => true,
            _ => false,
        }
    }

    fn check(&self, files: &ProjectFiles, blobs: &Blobs) -> Result<(), SessionError> {
        let now = current(&self.path, files, blobs)?;
        let unchanged = self.leaves(now.as_ref());
        if unchanged { Ok(()) } else { Err(SessionError::ChangedSince(self.path.clone())) }
    }

    pub(crate) fn write(&self, blobs: &Blobs) -> Result<FileWrite, SessionError> {
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
pub(crate) fn current(
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
