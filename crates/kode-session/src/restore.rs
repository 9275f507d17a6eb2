//! Putting files back. Every write is a person's action: it goes through the
//! gate, is recorded, and the sandbox checks once more that the file still is
//! what the person saw.

use kode_audit::{Digest, Outcome};
use kode_base::{FileWrite, ProjectPath, Untrusted, WriteMode};
use kode_gate::Gate;
use kode_sandbox::{FileError, ProjectFiles};

use crate::blobs::Blobs;
use crate::capture::capture;
use crate::changes::{BackFrom, Change, Origin};
use crate::error::LinesNamed;
use crate::meeting::Meeting;
use crate::merge::{hunks, take_back};
use crate::standing::{Move, Standing};
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
    /// The rename that this takes back.
    back: Option<BackFrom>,
}

impl Session {
    /// Takes the agent's changes of one file back, of a renamed one those of both
    /// names; refused when it changed since the last comparison. What a person
    /// edited meanwhile stays. The write goes through the gate as a person's action.
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
    ) -> Result<Restored, SessionError> {
        let standing = self.standing()?;
        let unit = self.rejection_of(path, &standing)?;
        if unit.iter().all(Restoration::is_done) {
            return Err(SessionError::NotTouched(path.clone()));
        }
        self.restore_all(unit, Origin::Reject, files, gate)
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
        let units: Result<Vec<_>, _> = self.rejections()?.into_iter().collect();
        let restorations: Vec<Restoration> = units?.into_iter().flatten().collect();
        if restorations.is_empty() {
            return Err(SessionError::NothingTo("reject"));
        }
        self.restore_all(restorations, Origin::Reject, files, gate)
    }

    /// The same as far as it can be done, as one step: what can't be put back is
    /// told and stays.
    ///
    /// # Errors
    /// When nothing can be put back: why the first file can't.
    pub fn reject_possible(
        &mut self,
        files: &ProjectFiles,
        gate: &mut Gate,
    ) -> Result<Restored, SessionError> {
        let (mut units, mut not_done) = (Vec::new(), Vec::new());
        for unit in self.rejections()? {
            match unit {
                Ok(unit) => units.push(unit),
                Err(error) => not_done.push(error),
            }
        }
        if units.is_empty() {
            return Err(not_done.into_iter().next().unwrap_or(SessionError::NothingTo("reject")));
        }
        let mut restored = self.restore_possible(units, Origin::Reject, files, gate)?;
        restored.not_done.splice(0..0, not_done.iter().map(ToString::to_string));
        Ok(restored)
    }

    /// What takes back each file that the agent changed, or why it can't be.
    fn rejections(&mut self) -> Result<Vec<Result<Vec<Restoration>, SessionError>>, SessionError> {
        let standing = self.standing()?;
        let known: Vec<ProjectPath> = self.tree()?.now.keys().cloned().collect();
        let mut units = Vec::new();
        for path in known.iter().filter(|path| !standing.is_old_name(path)) {
            match self.rejection_of(path, &standing) {
                Ok(unit) if unit.iter().all(Restoration::is_done) => {}
                unit => units.push(unit),
            }
        }
        Ok(units)
    }

    pub(crate) fn standing(&self) -> Result<Standing, SessionError> {
        Ok(Standing::find(self.tree()?, &self.history()?.steps, &self.blobs))
    }

    /// What takes the agent's changes of one file back.
    fn rejection_of(
        &mut self,
        path: &ProjectPath,
        standing: &Standing,
    ) -> Result<Vec<Restoration>, SessionError> {
        let accepted = standing.of(path, self.tree()?);
        let names = standing.agents_move(path).map(|(names, _)| names);
        self.blobs.flush()?;
        let path = names.map_or(path, |names| &names.new);
        let expected = self.tree()?.now_of(path).cloned();
        if let (Some(meeting), Some(now)) = (&accepted.mixed, &expected) {
            return Err(self.meeting_error(path, meeting, now));
        }
        Ok(match names {
            Some(names) => names.taken_back(expected, accepted.state.clone(), accepted.state),
            None => vec![Restoration::new(path.clone(), expected, accepted.state)],
        })
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
    ) -> Result<Restored, SessionError> {
        let standing = self.standing()?;
        let accepted = standing.of(path, self.tree()?).state;
        let path = standing.agents_move(path).map_or(path, |(names, _)| &names.new);
        let last = self.tree()?.now_of(path).cloned();
        let now = current(path, files, &self.blobs)?;
        if last.is_some() != now.is_some() {
            return Err(SessionError::ChangedSince(path.clone()));
        }
        let target = self.without_hunks(path, [&accepted, &last, &now], hunks)?;
        self.note_edit(path, last, now.clone())?;
        let restoration = Restoration::new(path.clone(), now, target);
        if restoration.is_done() {
            return Err(SessionError::NotTouched(path.clone()));
        }
        self.restore_all(vec![restoration], Origin::Reject, files, gate)
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

    /// The file as it shall be: `now`, without `change`, whatever came after it.
    pub(crate) fn without_change(
        &mut self,
        change: &Change,
        now: Option<FileState>,
    ) -> Result<Option<FileState>, SessionError> {
        let (path, before, after) = (&change.path, &change.before, &change.after);
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
        let mut merged = self.without_hunks(path, [before, after, &now], &all)?;
        if let (Some(merged), Some(before), Some(after)) = (&mut merged, before, after)
            && merged.mode == after.mode
        {
            merged.mode = before.mode;
        }
        Ok(merged)
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
        let changes = vec![Change::new(path.clone(), before, after)];
        self.record_step(Origin::Person, &changes)?;
        if let Some(tree) = self.tree.as_mut() {
            tree.apply(changes);
        }
        Ok(())
    }

    /// Puts several files back. All are checked before the first is written.
    pub(crate) fn restore_all(
        &mut self,
        unit: Vec<Restoration>,
        origin: Origin,
        files: &ProjectFiles,
        gate: &mut Gate,
    ) -> Result<Restored, SessionError> {
        self.restore_possible(vec![unit], origin, files, gate)
    }

    /// Puts back those units that can be: each wholly checked before it is written.
    /// All that is done is one step, announced before, so that it is known as that
    /// after a kill too.
    pub(crate) fn restore_possible(
        &mut self,
        units: Vec<Vec<Restoration>>,
        origin: Origin,
        files: &ProjectFiles,
        gate: &mut Gate,
    ) -> Result<Restored, SessionError> {
        let (mut ready, mut failed) = (Vec::new(), Vec::new());
        for unit in units {
            let is_ready = |each: &Restoration| {
                each.check(files, &self.blobs)?.loses_nothing()?.write(&self.blobs).map(drop)
            };
            match unit.iter().try_for_each(is_ready) {
                Ok(()) => ready.push(unit),
                Err(error) => failed.push(error),
            }
        }
        make_room(&mut ready);
        self.announce_restoring(origin, ready.iter().flatten())?;
        let mut changes = Vec::new();
        for unit in ready {
            if let Err(error) = self.restore_unit(unit, &mut changes, files, gate) {
                failed.push(error);
            }
        }
        let paths: Vec<ProjectPath> = changes.iter().map(|change| change.path.clone()).collect();
        // What was put back is recorded even when a later one failed.
        self.record_step(origin, &changes)?;
        self.announced = None;
        if let Some(tree) = self.tree.as_mut() {
            tree.apply(changes);
        }
        match failed.into_iter() {
            mut failed if paths.is_empty() && failed.len() > 0 => {
                Err(failed.next().unwrap_or(SessionError::NothingTo("reject")))
            }
            failed => {
                Ok(Restored { paths, not_done: failed.map(|error| error.to_string()).collect() })
            }
        }
    }

    /// What comes back is there before what goes is gone.
    fn restore_unit(
        &mut self,
        mut unit: Vec<Restoration>,
        changes: &mut Vec<Change>,
        files: &ProjectFiles,
        gate: &mut Gate,
    ) -> Result<(), SessionError> {
        unit.sort_by_key(|restoration| restoration.target.is_none());
        for restoration in unit {
            put_back(restoration.write(&self.blobs)?, files, gate)?;
            let after = current(&restoration.path, files, &self.blobs)?;
            let mut change = Change::new(restoration.path, restoration.expected, after);
            change.back = restoration.back.map(Box::new);
            changes.push(change);
        }
        Ok(())
    }

    /// The error that tells where a person's edit met the agent's lines.
    fn meeting_error(
        &self,
        path: &ProjectPath,
        meeting: &Meeting,
        now: &FileState,
    ) -> SessionError {
        let lines = meeting.lines_now(path, now, &self.blobs);
        SessionError::Mixed { path: path.clone(), lines: LinesNamed(lines) }
    }
}

/// What stands in the way of another file goes first: a file where a folder must
/// be, or the files of a folder where a file must be.
fn make_room(units: &mut [Vec<Restoration>]) {
    units.sort_by_key(|unit| unit.iter().any(|restoration| restoration.target.is_some()));
}

impl Restoration {
    pub(crate) fn new(
        path: ProjectPath,
        expected: Option<FileState>,
        target: Option<FileState>,
    ) -> Self {
        Self { path, expected, target, back: None }
    }

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

    fn check(&self, files: &ProjectFiles, blobs: &Blobs) -> Result<&Self, SessionError> {
        let now = current(&self.path, files, blobs)?;
        let unchanged = self.leaves(now.as_ref());
        if unchanged { Ok(self) } else { Err(SessionError::ChangedSince(self.path.clone())) }
    }

    /// What is overwritten or deleted can be brought back; a pipe holds nothing.
    fn loses_nothing(&self) -> Result<&Self, SessionError> {
        match &self.expected {
            Some(now) if now.is_lost_when_gone() => {
                Err(SessionError::WouldBeLost(self.path.clone()))
            }
            _ => Ok(self),
        }
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

impl Move {
    /// What takes the rename back: `shall` stands under the old name; under the new
    /// one, where `now` stands, mostly nothing. `accepted` is not the agent's.
    pub(crate) fn taken_back(
        &self,
        now: Option<FileState>,
        shall: Option<FileState>,
        accepted: Option<FileState>,
    ) -> Vec<Restoration> {
        let name = self.new.clone();
        let back = accepted.map(|accepted| BackFrom { name, accepted });
        let old = Restoration { back, ..Restoration::new(self.old.clone(), None, shall) };
        vec![old, Restoration::new(self.new.clone(), now, self.under.clone())]
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
