//! Taking back what the agent did in one turn, whatever came after it: a
//! three-way merge in reverse for every file of the turn.

use std::collections::{BTreeMap, BTreeSet};

use kode_base::ProjectPath;
use kode_gate::Gate;
use kode_sandbox::ProjectFiles;

use crate::accepted::Accepted;
use crate::changes::{Change, History, Origin, Step, StepId};
use crate::error::{Later, LinesNamed};
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
        let history = self.history()?;
        if history.rejected_turns().contains(&from) {
            return Err(SessionError::NothingTo("reject in that turn any more"));
        }
        let of_turn = history.of_turn(from);
        let mut restorations = Vec::new();
        for (path, changes) in &of_turn {
            match standing.agents_move(path).filter(|(names, _)| is_of_turn(names, &of_turn)) {
                Some((names, _)) if *path == names.new => {}
                Some((names, accepted)) => {
                    restorations.extend(self.renamed_before(from, names, accepted, &of_turn)?);
                }
                None if standing.was_edited_away(path) => {
                    return Err(by_person(path));
                }
                None => {
                    let now = self.tree()?.now_of(path).cloned();
                    let accepted = standing.of(path, self.tree()?);
                    let shall = Restoration::new(path.clone(), now.clone(), accepted.state);
                    if accepted.mixed.is_none() && shall.is_done() {
                        // Nothing of the agent's is left: what looks like it is someone's.
                        continue;
                    }
                    let target = self.without_changes((from, &[path]), changes, now.clone())?;
                    restorations.push(Restoration::new(path.clone(), now, target));
                }
            }
        }
        restorations.retain(|restoration| !restoration.is_done());
        if restorations.is_empty() {
            return Err(SessionError::NothingTo("reject in that turn"));
        }
        self.rejected_turn = Some(from);
        let restored = self.restore_all(restorations, Origin::Reject, files, gate);
        self.rejected_turn = None;
        restored
    }

    /// `now` without each of the changes, the newest first: a person's edit may
    /// lie between two of them.
    fn without_changes(
        &mut self,
        turn: (StepId, &[&ProjectPath]),
        changes: &[(StepId, Change)],
        now: Option<FileState>,
    ) -> Result<Option<FileState>, SessionError> {
        changes.iter().rev().try_fold(now, |now, (id, change)| {
            let without = self.without_change(change, now.clone());
            without.map_err(|error| self.met_later(error, turn, (*id, change), now.as_ref()))
        })
    }

    /// What gives a file that was renamed in the turn its old name back.
    fn renamed_before(
        &mut self,
        from: StepId,
        names: &Move,
        accepted: &Accepted,
        of_turn: &OfTurn,
    ) -> Result<Vec<Restoration>, SessionError> {
        if names.edited_on_the_way {
            return Err(by_person(&names.new));
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
        let both = [&names.old, &names.new];
        let shall = self.without_changes((from, &both), &changes, now.clone())?;
        if shall.is_none() {
            return Err(SessionError::ChangedSince(names.new.clone()));
        }
        let accepted = accepted.state.clone();
        self.blobs.flush()?;
        Ok(names.taken_back(now, shall, accepted))
    }
}

/// Someone edited the file under a name that it has no longer.
fn by_person(path: &ProjectPath) -> SessionError {
    let (path, lines) = (path.clone(), LinesNamed(None));
    SessionError::TurnMet { path, lines, by: Later::Person, met: None }
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
    /// The turns that were rejected as a whole, as far as nobody brought any of it back.
    pub(crate) fn rejected_turns(&self) -> BTreeSet<StepId> {
        let gone = self.taken_back();
        let rejects = self.steps.iter().filter(|step| step.origin == Origin::Reject);
        rejects
            .filter(|step| {
                !step.changes.iter().any(|change| gone.contains(&(step.id, change.path.clone())))
            })
            .filter_map(|step| step.circumstance.turn_from)
            .collect()
    }

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
