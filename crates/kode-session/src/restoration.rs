//! Putting files back. Every write is a person's action: it goes through the
//! gate, is recorded, and the sandbox checks once more that the file still is
//! what the person saw. What stands in another one's place goes first.

use std::collections::BTreeSet;

use kode_audit::Outcome;
use kode_base::{FileWrite, ProjectPath, WriteMode};
use kode_gate::Gate;
use kode_sandbox::{FileError, ProjectFiles};

use crate::blobs::Blobs;
use crate::capture::capture;
use crate::changes::{BackFrom, Change, Origin};
use crate::room::{is_in_the_way_of, with_room_on_the_disk};
use crate::standing::Move;
use crate::state::{FileState, Kind};
use crate::tree::Tree;
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
        let (ready, mut failed) = self.checked(units, files)?;
        let mut changes = Vec::new();
        if !ready.is_empty() {
            self.announce_restoring(origin, ready.iter().flatten())?;
            failed.extend(self.carry_out(ready, &mut changes, files, gate));
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

    /// Those units that can be put back as the disk is now, and why the others can't.
    fn checked(
        &self,
        units: Vec<Vec<Restoration>>,
        files: &ProjectFiles,
    ) -> Result<(Vec<Vec<Restoration>>, Vec<SessionError>), SessionError> {
        let (mut ready, mut failed) = (Vec::new(), Vec::new());
        for unit in units {
            let is_ready = |each: &Restoration| {
                let now = self.stands(&each.path, files)?;
                each.check(now.as_ref())?.loses_nothing()?.write(&self.blobs).map(drop)
            };
            match unit.iter().try_for_each(is_ready) {
                Ok(()) => ready.push(unit),
                Err(error) => failed.push(error),
            }
        }
        let (ready, blocked) = with_room_on_the_disk(ready, self.tree()?, files)?;
        failed.extend(blocked);
        Ok((ready, failed))
    }

    /// First goes what stands in another one's place. Within a unit, what comes back
    /// is there before the rest is gone.
    fn carry_out(
        &self,
        units: Vec<Vec<Restoration>>,
        changes: &mut Vec<Change>,
        files: &ProjectFiles,
        gate: &mut Gate,
    ) -> Vec<SessionError> {
        let comes: BTreeSet<ProjectPath> = units
            .iter()
            .flatten()
            .filter(|each| each.target.is_some())
            .map(|each| each.path.clone())
            .collect();
        let is_in_the_way =
            |each: &Restoration| each.target.is_none() && is_in_the_way_of(&each.path, &comes);
        let (mut failed, mut left) = (Vec::new(), Vec::new());
        for unit in units {
            let (first, mut rest): (Vec<_>, Vec<_>) = unit.into_iter().partition(is_in_the_way);
            rest.sort_by_key(|restoration| restoration.target.is_none());
            match self.put_back_each(first, changes, files, gate) {
                Ok(()) => left.push(rest),
                Err(error) => failed.push(error),
            }
        }
        for rest in left {
            failed.extend(self.put_back_each(rest, changes, files, gate).err());
        }
        failed
    }

    fn put_back_each(
        &self,
        restorations: Vec<Restoration>,
        changes: &mut Vec<Change>,
        files: &ProjectFiles,
        gate: &mut Gate,
    ) -> Result<(), SessionError> {
        for restoration in restorations {
            let path = &restoration.path;
            // A link that came meanwhile must not lead the write elsewhere.
            if !self.tree()?.is_alias(path) && files.is_behind_link(path)? {
                return Err(SessionError::ChangedSince(path.clone()));
            }
            put_back(restoration.write(&self.blobs)?, files, gate)?;
            let found = self.stands(path, files)?;
            // What a person saved since is found by the next look, and theirs.
            let is_done = match (&found, &restoration.target) {
                (Some(found), Some(target)) => {
                    (found.kind, found.hash) == (target.kind, target.hash)
                }
                (found, target) => found.is_none() && target.is_none(),
            };
            let after = if is_done { found } else { restoration.target };
            let mut change = Change::new(restoration.path, restoration.expected, after);
            change.back = restoration.back.map(Box::new);
            changes.push(change);
        }
        Ok(())
    }

    /// What stands at `path` at this moment; nothing does behind a link.
    pub(crate) fn stands(
        &self,
        path: &ProjectPath,
        files: &ProjectFiles,
    ) -> Result<Option<FileState>, SessionError> {
        standing_at(path, self.tree()?, files, &self.blobs)
    }
}

/// As [`Session::stands`], for those who only look.
pub(crate) fn standing_at(
    path: &ProjectPath,
    tree: &Tree,
    files: &ProjectFiles,
    blobs: &Blobs,
) -> Result<Option<FileState>, SessionError> {
    match !tree.is_alias(path) && files.is_behind_link(path)? {
        true => Ok(None),
        false => current(path, files, blobs),
    }
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

    fn check(&self, now: Option<&FileState>) -> Result<&Self, SessionError> {
        let unchanged = self.leaves(now);
        if unchanged { Ok(self) } else { Err(SessionError::ChangedSince(self.path.clone())) }
    }

    /// What is deleted can be brought back; a pipe holds nothing. Where an earlier content
    /// was kept it is what counts, although what the agent made of it (too large to be
    /// kept) does not come back.
    fn loses_nothing(&self) -> Result<&Self, SessionError> {
        let comes_back = self.target.as_ref().is_some_and(|target| target.kept);
        match &self.expected {
            Some(now) if now.is_lost_when_gone() && !comes_back => {
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

/// What stands at `path` at this moment, wherever links on the way lead.
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
