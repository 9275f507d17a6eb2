//! Changes of sensitive places are held: the file is put back as it was, the
//! change waits with its contents kept, and is made when a person approves it.
//!
//! The note of a held change is on the disk before the file is put back, and
//! stays until its end is noted: a kill at any moment loses neither.

use kode_audit::Outcome;
use kode_base::{ChangeKind, FileWrite, ProjectPath, Untrusted};
use kode_gate::{FileChange, Gate, Permit};
use kode_sandbox::ProjectFiles;
use serde::{Deserialize, Serialize};

use crate::booking::Booked;
use crate::changes::{Change, ChangeLine, Origin};
use crate::compare::since_last;
use crate::restoration::{Restoration, current};
use crate::state::{FileState, Kind};
use crate::tree::content;
use crate::{Session, SessionError};

/// The number of a held change in its session, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HeldId(pub u64);

/// A change that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Its number.
    pub id: HeldId,
    /// The file.
    pub path: ProjectPath,
    /// What about it matters; one sentence.
    pub why: String,
    pub(crate) before: Option<FileState>,
    pub(crate) after: Option<FileState>,
}

/// What changed, and how.
pub type Changed = Vec<(ProjectPath, ChangeKind)>;

/// A held change that could not be put back, and why.
pub type Stuck = (Held, String);

/// What one comparison found.
#[derive(Debug, Default)]
pub struct Holding {
    /// What changed otherwise since the last comparison.
    pub changed: Changed,
    /// What is put back and waits.
    pub held: Vec<Held>,
    /// What must be put back and can't be: it waits too, and stands meanwhile.
    pub stuck: Vec<Stuck>,
}

/// Says why a change must be held; `None` lets it be.
pub type Holds<'a> = dyn Fn(FileChange<'_>) -> Option<String> + 'a;

impl Session {
    /// Looks as [`Session::compare`] does, and puts back what `holds` names.
    /// A file that can't be put back keeps no other from it. Putting back goes through the gate as the policy's own act.
    ///
    /// # Errors
    /// When the project can't be compared or a note not be made durable; nothing is
    /// part of the record then.
    pub fn compare_and_hold(
        &mut self,
        files: &ProjectFiles,
        gate: &mut Gate,
        holds: &Holds<'_>,
    ) -> Result<Holding, SessionError> {
        let (changes, pack) = self.look_without_record(files)?;
        let mut booked = self.book(changes);
        let held = self.take_held(&mut booked, holds)?;
        let tree = self.tree.as_mut().ok_or(SessionError::NoBase)?;
        tree.revert(held.iter().map(|(change, _)| change.clone()).collect());
        let changed = since_last(booked.agents());
        // Until what is held is noted, a kill must leave the command unfinished.
        let ending = self.ending().filter(|_| held.is_empty());
        self.record_changes(pack, booked, ending)?;
        let mut noted = Vec::new();
        for (change, why) in held {
            noted.push(self.note_held(change, why)?);
        }
        self.end_command()?;
        let stuck = self.put_back_held(&noted, files, gate);
        noted.retain(|held| !stuck.iter().any(|(other, _)| other.id == held.id));
        Ok(Holding { changed, held: noted, stuck })
    }

    /// Takes what must be held out of the agent's changes. A person's own are theirs.
    fn take_held(
        &self,
        booked: &mut Booked,
        holds: &Holds<'_>,
    ) -> Result<Vec<(Change, String)>, SessionError> {
        let mut held = Vec::new();
        for booking in booked.0.iter_mut().filter(|booking| booking.is_agents()) {
            for change in std::mem::take(&mut booking.changes) {
                match self.why_held(&change, holds)? {
                    Some(why) => held.push((change, why)),
                    None => booking.changes.push(change),
                }
            }
        }
        // What a person made of such a file meanwhile is found again by the next look.
        let is_held = |change: &Change| held.iter().any(|(held, _)| held.path == change.path);
        for booking in &mut booked.0 {
            booking.changes.retain(|change| !is_held(change));
        }
        Ok(held)
    }

    #[expect(clippy::disallowed_methods, reason = "judged, not shown")]
    fn why_held(&self, change: &Change, holds: &Holds<'_>) -> Result<Option<String>, SessionError> {
        let load =
            |state: &Option<FileState>| match content(&change.path, state.as_ref(), &self.blobs) {
                Err(SessionError::NotKept(_)) => Ok(Some(Untrusted::new(Vec::new()))),
                other => other,
            };
        let (before, after) = (load(&change.before)?, load(&change.after)?);
        let is_link = [&change.before, &change.after]
            .iter()
            .any(|state| state.as_ref().is_some_and(|state| state.kind != Kind::File));
        Ok(holds(FileChange {
            path: &change.path,
            before: before.as_ref().map(|bytes| bytes.expose().as_slice()),
            after: after.as_ref().map(|bytes| bytes.expose().as_slice()),
            is_link,
        }))
    }

    fn note_held(&mut self, change: Change, why: String) -> Result<Held, SessionError> {
        let id = HeldId(self.next_held);
        let Change { path, before, after, .. } = change;
        // One that is stuck is found again by each comparison.
        let same = |held: &&Held| (&held.path, &held.after) == (&path, &after);
        if let Some(known) = self.pending.iter().find(same) {
            return Ok(known.clone());
        }
        let held = Held { id, path, why, before, after };
        self.changes.append(&ChangeLine::Held(held.clone()))?;
        self.next_held += 1;
        self.pending.push(held.clone());
        Ok(held)
    }

    /// Links first: one may stand in the place of a folder.
    fn put_back_held(&self, held: &[Held], files: &ProjectFiles, gate: &mut Gate) -> Vec<Stuck> {
        let is_link =
            |held: &&Held| held.after.as_ref().is_some_and(|state| state.kind != Kind::File);
        let (links, others): (Vec<&Held>, Vec<&Held>) = held.iter().partition(is_link);
        let mut stuck = Vec::new();
        for held in links.into_iter().chain(others) {
            if let Err(error) = self.put_back_one(held, files, gate) {
                stuck.push((held.clone(), error.to_string()));
            }
        }
        stuck
    }

    fn put_back_one(
        &self,
        held: &Held,
        files: &ProjectFiles,
        gate: &mut Gate,
    ) -> Result<(), SessionError> {
        let now = current(&held.path, files, &self.blobs)?;
        let restoration =
            Restoration::new(held.path.clone(), held.after.clone(), held.before.clone());
        // A kill between note and putting back, or a person was faster.
        if !restoration.leaves(now.as_ref()) || restoration.is_done() {
            return Ok(());
        }
        let write = restoration.write(&self.blobs)?;
        let (permit, _) = gate
            .authorize_configured(write)
            .map_err(|denial| SessionError::Denied(denial.decision.reason.text))?;
        carry_out(permit, files, gate)
    }

    /// Changes that still wait, oldest first.
    pub fn pending(&self) -> &[Held] {
        &self.pending
    }

    /// Puts back what a kill left between a note and its file; returns what can't
    /// be.
    pub fn restore_pending(&mut self, files: &ProjectFiles, gate: &mut Gate) -> Vec<Stuck> {
        self.put_back_held(&self.pending, files, gate)
    }

    /// The write that makes a held change, and its exact difference.
    ///
    /// # Errors
    /// When its content was not kept.
    #[expect(clippy::disallowed_methods, reason = "compared; the difference is untrusted again")]
    pub fn held_write(&self, held: &Held) -> Result<(FileWrite, Untrusted<String>), SessionError> {
        let now = Restoration::new(held.path.clone(), held.before.clone(), held.after.clone());
        let before = content(&held.path, held.before.as_ref(), &self.blobs)?;
        let after = content(&held.path, held.after.as_ref(), &self.blobs)?;
        let side =
            |bytes: &Option<Untrusted<Vec<u8>>>| bytes.as_ref().map(|it| it.expose().clone());
        let diff = kode_edit::diff(&held.path, side(&before).as_deref(), side(&after).as_deref());
        Ok((now.write(&self.blobs)?, diff.unified))
    }

    /// Makes an approved change and notes its end.
    ///
    /// # Errors
    /// When the file changed meanwhile or can't be written; it still waits then.
    pub fn make_held(
        &mut self,
        held: &Held,
        permit: Permit<FileWrite>,
        files: &ProjectFiles,
        gate: &mut Gate,
    ) -> Result<(), SessionError> {
        carry_out(permit, files, gate)?;
        let after = current(&held.path, files, &self.blobs)?;
        let before = self.tree()?.now_of(&held.path).cloned();
        let changes = vec![Change::new(held.path.clone(), before, after)];
        self.record_step(self.agent, &changes)?;
        if let Some(tree) = self.tree.as_mut() {
            tree.apply(changes);
        }
        self.end_held(held.id, true)
    }

    /// Notes that a person said no: the change is given up.
    ///
    /// # Errors
    /// When the note can't be made durable.
    pub fn give_up_held(&mut self, id: HeldId) -> Result<(), SessionError> {
        self.end_held(id, false)
    }

    fn end_held(&mut self, id: HeldId, made: bool) -> Result<(), SessionError> {
        self.changes.append(&ChangeLine::HeldEnded { id, made })?;
        self.pending.retain(|held| held.id != id);
        Ok(())
    }

    /// Which step's author the next changes have.
    pub fn origin(&self) -> Origin {
        self.origin
    }
}

fn carry_out(
    permit: Permit<FileWrite>,
    files: &ProjectFiles,
    gate: &mut Gate,
) -> Result<(), SessionError> {
    let intent = permit.intent();
    let result = files.write(permit);
    let outcome = if result.is_ok() { "done" } else { "failed" };
    let recorded =
        gate.record_outcome(Outcome { intent, exit_code: None, result: outcome.to_owned() });
    result?;
    recorded.map(drop).map_err(|error| SessionError::Other(error.to_string()))
}
