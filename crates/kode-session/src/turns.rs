//! Taking back what the agent did in one turn, whatever came after it: a
//! three-way merge in reverse for every file of the turn.

use std::collections::BTreeMap;

use kode_base::ProjectPath;
use kode_gate::Gate;
use kode_sandbox::ProjectFiles;

use crate::accepted::Accepted;
use crate::changes::{Change, History, Origin, Step, StepId};
use crate::restoration::Restoration;
use crate::standing::Move;
use crate::state::FileState;
use crate::{Restored, Session, SessionError};

/// What a turn changed, oldest first, by path.
type OfTurn = BTreeMap<ProjectPath, Vec<(StepId, Change)>>;

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
        let standing = self.standing()?;
        let of_turn = self.history()?.of_turn(from);
        let mut restorations = Vec::new();
        for (path, changes) in &of_turn {
            match standing.agents_move(path).filter(|(names, _)| is_of_turn(names, &of_turn)) {
                Some((names, _)) if *path == names.new => {}
                Some((names, accepted)) => {
                    restorations.extend(self.renamed_before(names, accepted, &of_turn)?);
                }
                None if standing.was_edited_away(path) => {
                    return Err(SessionError::ChangedSince(path.clone()));
                }
                None => {
                    let now = self.tree()?.now_of(path).cloned();
                    let accepted = standing.of(path, self.tree()?);
                    let shall = Restoration::new(path.clone(), now.clone(), accepted.state);
                    if accepted.mixed.is_none() && shall.is_done() {
                        // Nothing of the agent's is left: what looks like it is someone's.
                        continue;
                    }
                    let target = self.without_changes(changes, now.clone())?;
                    restorations.push(Restoration::new(path.clone(), now, target));
                }
            }
        }
        restorations.retain(|restoration| !restoration.is_done());
        if restorations.is_empty() {
            return Err(SessionError::NothingTo("reject in that turn"));
        }
        self.restore_all(restorations, Origin::Reject, files, gate)
    }

    /// `now` without each of the changes, the newest first: a person's edit may
    /// lie between two of them.
    fn without_changes(
        &mut self,
        changes: &[(StepId, Change)],
        now: Option<FileState>,
    ) -> Result<Option<FileState>, SessionError> {
        changes.iter().rev().try_fold(now, |now, (_, change)| self.without_change(change, now))
    }

    /// What gives a file that was renamed in the turn its old name back.
    fn renamed_before(
        &mut self,
        names: &Move,
        accepted: &Accepted,
        of_turn: &OfTurn,
    ) -> Result<Vec<Restoration>, SessionError> {
        if names.edited_on_the_way {
            return Err(SessionError::ChangedSince(names.new.clone()));
        }
        let of = |path| of_turn.get(path).map_or(&[][..], Vec::as_slice);
        let removal = of(&names.old).iter().rev().find(|(_, change)| change.after.is_none());
        let under_old_name = removal.and_then(|(_, change)| change.before.clone());
        // The content went from the old name to the new one: that is one change.
        let joined = |(id, change): &(StepId, Change)| match (&change.before, &change.after) {
            (_, None) => None,
            (None, _) if change.path == names.new => {
                let before = under_old_name.clone();
                Some((*id, Change { before, ..change.clone() }))
            }
            _ => Some((*id, change.clone())),
        };
        let both = of(&names.old).iter().chain(of(&names.new));
        let mut changes: Vec<(StepId, Change)> = both.filter_map(joined).collect();
        changes.sort_by_key(|(id, _)| *id);
        let now = self.tree()?.now_of(&names.new).cloned();
        let shall = self.without_changes(&changes, now.clone())?;
        if shall.is_none() {
            return Err(SessionError::ChangedSince(names.new.clone()));
        }
        let accepted = accepted.state.clone();
        self.blobs.flush()?;
        Ok(names.taken_back(now, shall, accepted))
    }
}

/// Whether the file lost its old name, and got its new one, in the turn.
fn is_of_turn(names: &Move, of_turn: &OfTurn) -> bool {
    let any = |path, is: fn(&Change) -> bool| {
        of_turn.get(path).is_some_and(|changes| changes.iter().any(|(_, change)| is(change)))
    };
    any(&names.old, |change| change.after.is_none())
        && any(&names.new, |change| change.before.is_none())
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
    fn of_turn(&self, from: StepId) -> OfTurn {
        let mut of_turn = OfTurn::new();
        for step in self.steps.iter().filter(|step| step.turn() == Some(from)) {
            for change in &step.changes {
                of_turn.entry(change.path.clone()).or_default().push((step.id, change.clone()));
            }
        }
        of_turn
    }
}
