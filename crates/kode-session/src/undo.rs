//! Taking the agent's steps back, and bringing them back again, from the
//! record of changes. No git is needed.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use kode_base::ProjectPath;
use kode_gate::Gate;
use kode_sandbox::ProjectFiles;

use crate::blobs::Blobs;
use crate::changes::{Change, History, Origin, Step, StepId};
use crate::renames;
use crate::restoration::Restoration;
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
    /// The newest reject of this file, with everything else that it took.
    Reject(ProjectPath),
    /// The newest reject that was not taken back yet, whatever it took.
    NewestReject,
}

impl UndoTarget {
    const fn is_reject(&self) -> bool {
        matches!(self, Self::Reject(_) | Self::NewestReject)
    }
}

/// What a reject, undo or redo did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    /// The files that were put back.
    pub paths: Vec<ProjectPath>,
    /// Why others were not: a sentence each.
    pub not_done: Vec<String>,
}

impl Session {
    /// Takes back what `target` names. All or nothing: when one of the files
    /// changed since, none is touched. Only of a reject of several files the
    /// others are brought back all the same.
    ///
    /// # Errors
    /// When there is nothing to undo, a file changed since or was not kept.
    pub fn undo(
        &mut self,
        target: &UndoTarget,
        files: &ProjectFiles,
        gate: &mut Gate,
    ) -> Result<Restored, SessionError> {
        // What was written before a kill is a step like any other, and what a person
        // did since is theirs, even where it made the same of a file.
        self.note_persons_edits(files)?;
        let history = self.history()?;
        let undone = history.taken_back();
        let chosen = history.chosen(target, &undone, &self.blobs);
        let chosen = chosen.ok_or(SessionError::NothingTo("undo"))?;
        let of = chosen.first().map_or(StepId(1), |(id, _)| *id);
        let overtaken = history.overtaken(&chosen, &undone);
        let changes: Vec<Change> = chosen.into_iter().map(|(_, change)| change).collect();
        if target.is_reject() {
            return self.reverse_reject(of, changes, &overtaken, files, gate);
        }
        match overtaken.into_iter().next() {
            Some(path) => Err(SessionError::ChangedSince(path)),
            None => self.reverse(changes, Origin::Undo { of }, files, gate),
        }
    }

    /// Brings back what one reject took, as far as its files still are as it left
    /// them; both names of a renamed file or none.
    fn reverse_reject(
        &mut self,
        of: StepId,
        changes: Vec<Change>,
        overtaken: &BTreeSet<ProjectPath>,
        files: &ProjectFiles,
        gate: &mut Gate,
    ) -> Result<Restored, SessionError> {
        let pairs: BTreeMap<ProjectPath, ProjectPath> = changes
            .iter()
            .filter_map(|change| Some((change.back.as_ref()?.name.clone(), change.path.clone())))
            .collect();
        let mut units: BTreeMap<ProjectPath, Vec<Restoration>> = BTreeMap::new();
        for Change { path, before, after, .. } in changes {
            let of_unit = pairs.get(&path).unwrap_or(&path).clone();
            let restoration = Restoration::new(path, after, before);
            units.entry(of_unit).or_default().push(restoration);
        }
        let overtaken = |unit: &[Restoration]| {
            unit.iter().find(|each| overtaken.contains(&each.path)).map(|each| each.path.clone())
        };
        let (mut ready, mut left) = (Vec::new(), Vec::new());
        for unit in units.into_values() {
            match overtaken(&unit) {
                Some(path) => left.push(SessionError::ChangedSince(path)),
                None => ready.push(unit),
            }
        }
        if ready.is_empty() {
            return Err(left.into_iter().next().unwrap_or(SessionError::NothingTo("undo")));
        }
        let mut restored = self.restore_possible(ready, Origin::Undo { of }, files, gate)?;
        restored.not_done.extend(left.iter().map(ToString::to_string));
        Ok(restored)
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
                    place.insert(Restoration::new(change.path, expected, target));
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
        self.restore_all(restorations, origin, files, gate)
    }
}

/// Steps whose changes are taken back at present: an undo takes back, its redo
/// brings back.
pub(crate) fn taken_back(steps: &[Step]) -> BTreeSet<(StepId, ProjectPath)> {
    let mut gone = BTreeSet::new();
    let mut undos: BTreeMap<StepId, Vec<(StepId, ProjectPath)>> = BTreeMap::new();
    for (index, step) in steps.iter().enumerate() {
        match step.origin {
            Origin::Undo { of } => {
                let paths: BTreeSet<_> = step.changes.iter().map(|c| &c.path).collect();
                let earlier = steps[..index].iter().filter(|other| other.id >= of);
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

impl History {
    /// As [`taken_back`].
    pub(crate) fn taken_back(&self) -> BTreeSet<(StepId, ProjectPath)> {
        taken_back(&self.steps)
    }

    /// Paths of `chosen` that someone else changed later, whatever they made of them.
    fn overtaken(
        &self,
        chosen: &[(StepId, Change)],
        gone: &BTreeSet<(StepId, ProjectPath)>,
    ) -> BTreeSet<ProjectPath> {
        let mut newest: BTreeMap<&ProjectPath, StepId> = BTreeMap::new();
        for (id, change) in chosen {
            newest.insert(&change.path, *id);
        }
        let mut overtaken = BTreeSet::new();
        for step in &self.steps {
            let counts = step.origin == Origin::Person || step.can_be_undone();
            for change in step.changes.iter().filter(|_| counts) {
                let is_later = newest.get(&change.path).is_some_and(|id| step.id > *id);
                if is_later && !gone.contains(&(step.id, change.path.clone())) {
                    overtaken.insert(change.path.clone());
                }
            }
        }
        overtaken
    }

    /// The changes `target` names, oldest first, with their steps' numbers.
    fn chosen(
        &self,
        target: &UndoTarget,
        gone: &BTreeSet<(StepId, ProjectPath)>,
        blobs: &Blobs,
    ) -> Option<Vec<(StepId, Change)>> {
        let open = |step: &Step| -> Vec<Change> {
            let there = step.changes.iter().filter(|c| !gone.contains(&(step.id, c.path.clone())));
            there.cloned().collect()
        };
        let rejects = target.is_reject();
        let of_kind =
            |step: &&Step| step.can_be_undone() && (step.origin == Origin::Reject) == rejects;
        let with_changes = self.steps.iter().filter(of_kind).map(|step| (step, open(step)));
        let mut steps: Vec<_> = with_changes.filter(|(_, changes)| !changes.is_empty()).collect();
        match target {
            UndoTarget::Last | UndoTarget::NewestReject => {
                steps = steps.split_off(steps.len().checked_sub(1)?);
            }
            UndoTarget::Turn(turn) => {
                steps.retain(|(step, _)| step.origin == Origin::Agent { turn: *turn });
            }
            UndoTarget::Path(path) | UndoTarget::Reject(path) => {
                steps.retain(|(_, changes)| changes.iter().any(|change| change.path == *path));
                steps = steps.pop().into_iter().collect();
                if let (UndoTarget::Path(path), Some((_, changes))) = (target, steps.first_mut()) {
                    retain_names_of(path, changes, blobs);
                }
            }
        }
        steps.first()?;
        let numbered = |(step, changes): (&Step, Vec<Change>)| {
            changes.into_iter().map(|change| (step.id, change)).collect::<Vec<_>>()
        };
        Some(steps.into_iter().flat_map(numbered).collect())
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

/// Keeps the changes of `path`, and of the name it had or got in this step.
fn retain_names_of(path: &ProjectPath, changes: &mut Vec<Change>, blobs: &Blobs) {
    let renames = renames::of_changes(changes, blobs);
    let is_of_it = |change: &Change| {
        let other = |one, two| renames.get(one) == Some(two);
        change.path == *path || other(path, &change.path) || other(&change.path, path)
    };
    changes.retain(is_of_it);
}

impl Step {
    pub(crate) fn can_be_undone(&self) -> bool {
        matches!(self.origin, Origin::Agent { .. } | Origin::Reject)
    }
}
