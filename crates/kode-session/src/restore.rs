//! Rejecting the agent's changes: of a file, single hunks of it, or all. It decides
//! what shall stand where; `restoration.rs` writes it.

use kode_audit::Digest;
use kode_base::{ProjectPath, Untrusted};
use kode_gate::Gate;
use kode_sandbox::ProjectFiles;

use crate::accepted::Accepted;
use crate::changes::{Change, Origin};
use crate::error::LinesNamed;
use crate::meeting::Meeting;
use crate::merge::{hunks, take_back};
use crate::restoration::Restoration;
use crate::standing::Standing;
use crate::state::{FileState, Kind};
use crate::tree::content;
use crate::{Restored, Session, SessionError};

/// A file, and what takes the agent's changes of it back, or why they can't be.
type Rejection = (ProjectPath, Result<Vec<Restoration>, SessionError>);

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
        let path = &standing.followed(path, self.tree()?);
        let unit = self.rejection_of(path, &standing)?;
        if unit.iter().all(Restoration::is_done) {
            return Err(SessionError::NotTouched(path.clone()));
        }
        let kept = self.kept_lines(path, &standing)?;
        let unit = self.with_room(unit, &standing)?;
        let mut restored = self.restore_all(unit, Origin::Reject, files, gate)?;
        restored.not_done.extend(kept.map(|kept| kept.to_string()));
        Ok(restored)
    }

    /// The same for several files, all or nothing: each is checked before the first is
    /// written.
    ///
    /// # Errors
    /// Why each of those can't be rejected that can't, the first of them first; nothing
    /// was written then.
    pub fn reject_each(
        &mut self,
        paths: &[ProjectPath],
        files: &ProjectFiles,
        gate: &mut Gate,
    ) -> Result<Restored, Vec<SessionError>> {
        let one = |error: SessionError| vec![error];
        let standing = self.standing().map_err(one)?;
        let (mut unit, mut kept, mut wrong) = (Vec::<Restoration>::new(), Vec::new(), Vec::new());
        for path in paths {
            let path = standing.followed(path, self.tree().map_err(one)?);
            match self.rejection_of(&path, &standing) {
                Ok(more) if more.iter().all(Restoration::is_done) => {
                    wrong.push(SessionError::NotTouched(path));
                }
                Ok(more) => {
                    kept.extend(self.kept_lines(&path, &standing).map_err(one)?);
                    let is_known =
                        |path: &ProjectPath| unit.iter().any(|known| known.path == *path);
                    let new: Vec<_> =
                        more.into_iter().filter(|each| !is_known(&each.path)).collect();
                    unit.extend(new);
                }
                Err(error) => wrong.push(error),
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let unit = self.with_room(unit, &standing).map_err(one)?;
        let mut restored = self.restore_all(unit, Origin::Reject, files, gate).map_err(one)?;
        restored.not_done.extend(kept.iter().map(ToString::to_string));
        Ok(restored)
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
        let standing = self.standing()?;
        let units: Result<Vec<_>, _> =
            self.rejections(&standing)?.into_iter().map(|(_, unit)| unit).collect();
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
        let standing = self.standing()?;
        for (path, unit) in self.rejections(&standing)? {
            match unit {
                Ok(unit) => {
                    units.push(unit);
                    not_done.extend(self.kept_lines(&path, &standing)?);
                }
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
    fn rejections(&mut self, standing: &Standing) -> Result<Vec<Rejection>, SessionError> {
        let known: Vec<ProjectPath> = self.tree()?.now.keys().cloned().collect();
        let mut units = Vec::new();
        for path in known.iter().filter(|path| !standing.is_old_name(path)) {
            match self.rejection_of(path, standing) {
                Ok(unit) if unit.iter().all(Restoration::is_done) => {}
                unit => units.push((path.clone(), unit)),
            }
        }
        Ok(units)
    }

    pub(crate) fn standing(&self) -> Result<Standing, SessionError> {
        Ok(Standing::find(self.tree()?, &self.history()?.steps, &self.blobs))
    }

    /// What takes the agent's changes of one file back.
    pub(crate) fn rejection_of(
        &mut self,
        path: &ProjectPath,
        standing: &Standing,
    ) -> Result<Vec<Restoration>, SessionError> {
        let accepted = standing.of(path, self.tree()?);
        let names = standing.agents_move(path).map(|(names, _)| names);
        self.blobs.flush()?;
        let path = names.map_or(path, |names| &names.new);
        let expected = self.tree()?.now_of(path).cloned();
        // A name can go back whoever wrote the lines: they come along.
        if let (None, Some(meeting), Some(now)) = (names, &accepted.mixed, &expected) {
            return Err(self.meeting_error(path, meeting, now));
        }
        Ok(match names {
            Some(names) => names.taken_back(expected, accepted.state.clone(), accepted.state),
            None => vec![Restoration::new(path.clone(), expected, accepted.state)],
        })
    }

    /// Takes single hunks back, numbered as [`crate::review::Review::hunks`]
    /// numbers them. The file may have been edited since: those edits stay, and
    /// where one changed lines of a hunk nothing is written.
    ///
    /// # Errors
    /// [`SessionError::Conflict`] when an edit meets a hunk or there is no such
    /// hunk; otherwise as [`Session::reject`].
    pub fn reject_hunks(
        &mut self,
        path: &ProjectPath,
        hunks: &[usize],
        files: &ProjectFiles,
        gate: &mut Gate,
    ) -> Result<Restored, SessionError> {
        let standing = self.standing()?;
        let path = &standing.followed(path, self.tree()?);
        let accepted = standing.of(path, self.tree()?).state;
        let path = standing.agents_move(path).map_or(path, |(names, _)| &names.new);
        let last = self.tree()?.now_of(path).cloned();
        let now = self.stands(path, files)?;
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

    /// Records an edit that no comparison has seen yet as a person's, unless a command
    /// of the agent's may have made it.
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
        let (origin, circumstance) = self.cause_of_rest(Origin::Person);
        self.record_step_of(origin, circumstance, &changes)?;
        if let Some(tree) = self.tree.as_mut() {
            tree.apply(changes);
        }
        Ok(())
    }

    /// Which lines come along as a person's when the rename of `path` is taken back.
    fn kept_lines(
        &self,
        path: &ProjectPath,
        standing: &Standing,
    ) -> Result<Option<SessionError>, SessionError> {
        let Some((names, Accepted { mixed: Some(meeting), .. })) = standing.agents_move(path)
        else {
            return Ok(None);
        };
        let Some(now) = self.tree()?.now_of(&names.new) else { return Ok(None) };
        let lines = LinesNamed(meeting.lines_now(&names.new, now, &self.blobs));
        Ok(Some(SessionError::Kept { path: names.new.clone(), lines }))
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
