//! Taking the agent's steps back, and bringing them back again, from the
//! record of changes. No git is needed.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use kode_base::ProjectPath;
use kode_gate::Gate;
use kode_sandbox::ProjectFiles;

use crate::changes::{Change, History, Origin, Step, StepId};
use crate::restore::Restoration;
use crate::{Session, SessionError};

/// What is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UndoTarget {
    /// The agent's newest step that was not taken back yet.
    Last,
    /// Everything the agent did in this model turn.
    Turn(u32),
    /// The agent's newest change of this file.
    Path(ProjectPath),
    /// The newest reject of this file.
    Reject(ProjectPath),
}

/// What an undo or redo did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The files that were put back.
    pub paths: Vec<ProjectPath>,
}

impl Session {
    /// Takes back what `target` names. All or nothing: when one of the files
    /// changed since, none is touched.
    ///
    /// # Errors
    /// When there is nothing to undo, a file changed since or was not kept.
    pub fn undo(
        &mut self,
        target: &UndoTarget,
        files: &ProjectFiles,
        gate: &mut Gate,
    ) -> Result<Restored, SessionError> {
        if self.announced.is_some() {
            // Killed in mid-step: what was written then is a step like any other.
            self.note_persons_edits(files)?;
        }
        let history = self.history()?;
        let undone = history.taken_back();
        let (of, changes) =
            history.chosen(target, &undone).ok_or(SessionError::NothingTo("undo"))?;
        self.reverse(changes, Origin::Undo { of }, files, gate)
    }

    /// Brings back what the newest undo took, unless the agent has changed
    /// something since.
    ///
    /// # Errors
    /// When there is nothing to redo, a file changed since or was not kept.
    pub fn redo(
        &mut self,
        files: &ProjectFiles,
        gate: &mut Gate,
    ) -> Result<Restored, SessionError> {
        let step = self.history()?.redoable().ok_or(SessionError::NothingTo("redo"))?;
        self.reverse(step.changes, Origin::Redo { of: step.id }, files, gate)
    }

    /// Puts every file of `changes` (oldest first) back to before them.
    fn reverse(
        &mut self,
        changes: Vec<Change>,
        origin: Origin,
        files: &ProjectFiles,
        gate: &mut Gate,
    ) -> Result<Restored, SessionError> {
        let mut by_path: BTreeMap<ProjectPath, Restoration> = BTreeMap::new();
        for change in changes {
            let path = change.path.clone();
            let (expected, target) = (change.after.clone(), change.before);
            match by_path.entry(path) {
                Entry::Vacant(place) => {
                    place.insert(Restoration { path: change.path, expected, target });
                }
                // Someone else's change lies between the two.
                Entry::Occupied(known) if !known.get().leaves(target.as_ref()) => {
                    return Err(SessionError::ChangedSince(change.path));
                }
                Entry::Occupied(mut known) => known.get_mut().expected = expected,
            }
        }
        by_path.retain(|_, restoration| !restoration.is_done());
        if by_path.is_empty() {
            return Err(SessionError::NothingTo("undo"));
        }
        let restorations: Vec<Restoration> = by_path.into_values().collect();
        self.restore_all(&restorations, origin, files, gate)?;
        Ok(Restored { paths: restorations.into_iter().map(|each| each.path).collect() })
    }
}

impl History {
    /// Steps whose changes are taken back at present: an undo takes back, its
    /// redo brings back.
    pub(crate) fn taken_back(&self) -> BTreeSet<(StepId, ProjectPath)> {
        let mut gone = BTreeSet::new();
        let mut undos: BTreeMap<StepId, Vec<(StepId, ProjectPath)>> = BTreeMap::new();
        for (index, step) in self.steps.iter().enumerate() {
            match step.origin {
                Origin::Undo { of } => {
                    let paths: BTreeSet<_> = step.changes.iter().map(|c| &c.path).collect();
                    let earlier = self.steps[..index].iter().filter(|other| other.id >= of);
                    let taken: Vec<_> = earlier
                        .filter(|other| other.can_be_undone())
                        .flat_map(|other| other.changes.iter().map(|c| (other.id, c.path.clone())))
                        .filter(|(_, path)| paths.contains(path))
                        .filter(|each| !gone.contains(each))
                        .collect();
                    gone.extend(taken.iter().cloned());
                    undos.insert(step.id, taken);
                }
                Origin::Redo { of } => {
                    for each in undos.remove(&of).unwrap_or_default() {
                        gone.remove(&each);
                    }
                }
                Origin::Agent { .. } | Origin::Person | Origin::Reject => {}
            }
        }
        gone
    }

    /// The changes `target` names, oldest first, and the earliest step's number.
    fn chosen(
        &self,
        target: &UndoTarget,
        gone: &BTreeSet<(StepId, ProjectPath)>,
    ) -> Option<(StepId, Vec<Change>)> {
        let open = |step: &Step| -> Vec<Change> {
            let there = step.changes.iter().filter(|c| !gone.contains(&(step.id, c.path.clone())));
            there.cloned().collect()
        };
        let rejects = matches!(target, UndoTarget::Reject(_));
        let of_kind =
            |step: &&Step| step.can_be_undone() && (step.origin == Origin::Reject) == rejects;
        let with_changes = self.steps.iter().filter(of_kind).map(|step| (step, open(step)));
        let mut steps: Vec<_> = with_changes.filter(|(_, changes)| !changes.is_empty()).collect();
        match target {
            UndoTarget::Last => steps = steps.split_off(steps.len().checked_sub(1)?),
            UndoTarget::Turn(turn) => {
                steps.retain(|(step, _)| step.origin == Origin::Agent { turn: *turn });
            }
            UndoTarget::Path(path) | UndoTarget::Reject(path) => {
                let newest = steps.into_iter().rev().find_map(|(step, mut changes)| {
                    changes.retain(|change| change.path == *path);
                    (!changes.is_empty()).then_some((step, changes))
                });
                steps = newest.into_iter().collect();
            }
        }
        let first = steps.first()?.0.id;
        Some((first, steps.into_iter().flat_map(|(_, changes)| changes).collect()))
    }

    /// The newest undo, if no agent's step came after it and it was not
    /// brought back yet.
    fn redoable(self) -> Option<Step> {
        let mut redone = BTreeSet::new();
        for step in self.steps.into_iter().rev() {
            match step.origin {
                Origin::Undo { .. } if !redone.contains(&step.id) => return Some(step),
                Origin::Redo { of } => {
                    redone.insert(of);
                }
                Origin::Agent { .. } => return None,
                Origin::Undo { .. } | Origin::Person | Origin::Reject => {}
            }
        }
        None
    }
}

impl Step {
    pub(crate) fn can_be_undone(&self) -> bool {
        matches!(self.origin, Origin::Agent { .. } | Origin::Reject)
    }
}
