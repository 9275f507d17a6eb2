//! Taking back what the agent did in one turn, whatever came after it: a
//! three-way merge in reverse for every file of the turn.

use std::collections::BTreeMap;

use kode_base::ProjectPath;
use kode_gate::Gate;
use kode_sandbox::ProjectFiles;

use crate::changes::{Change, History, Origin, Step, StepId};
use crate::restore::Restoration;
use crate::{Restored, Session, SessionError};

impl Session {
    /// Takes back what the agent did in the turn that `from` names (see
    /// [`crate::review::ReviewFile::turn`]). All or nothing: where a later edit
    /// meets one of its changes, nothing is written.
    ///
    /// # Errors
    /// [`SessionError::Conflict`] where a later edit meets a change of the turn;
    /// otherwise as [`Session::reject`].
    pub fn reject_turn(
        &mut self,
        from: StepId,
        files: &ProjectFiles,
        gate: &mut Gate,
    ) -> Result<Restored, SessionError> {
        self.note_persons_edits(files)?;
        let mut restorations = Vec::new();
        for change in self.history()?.of_turn(from) {
            let target = self.without_change(&change)?;
            let path = change.path;
            let expected = self.tree()?.now_of(&path).cloned();
            restorations.push(Restoration { path, expected, target });
        }
        restorations.retain(|restoration| !restoration.is_done());
        if restorations.is_empty() {
            return Err(SessionError::NothingTo("reject in that turn"));
        }
        self.restore_all(&restorations, Origin::Reject, files, gate)?;
        Ok(Restored { paths: restorations.into_iter().map(|each| each.path).collect() })
    }
}

impl Step {
    /// The agent's turn, named by its first step; none for a person's step.
    pub(crate) fn turn(&self) -> Option<StepId> {
        match self.origin {
            Origin::Agent { .. } => Some(self.circumstance.turn_from.unwrap_or(self.id)),
            _ => None,
        }
    }
}

impl History {
    /// What the turn changed, each file from before its first change to after
    /// its last one.
    fn of_turn(&self, from: StepId) -> Vec<Change> {
        let mut changes: BTreeMap<ProjectPath, Change> = BTreeMap::new();
        let steps = self.steps.iter().filter(|step| step.turn() == Some(from));
        for change in steps.flat_map(|step| &step.changes) {
            match changes.get_mut(&change.path) {
                Some(known) => known.after = change.after.clone(),
                None => drop(changes.insert(change.path.clone(), change.clone())),
            }
        }
        changes.into_values().collect()
    }
}
