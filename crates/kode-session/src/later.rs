//! Why a turn can't be taken back: which later change met one of its changes, and
//! whose that was.

use std::ops::Range;

use kode_base::ProjectPath;

use crate::changes::{Change, History, Origin, StepId};
use crate::error::{Later, LinesNamed};
use crate::meeting::Meeting;
use crate::merge::{Conflict, Hunk, MetLines, hunks, take_back};
use crate::state::{FileState, Kind};
use crate::tree::content;
use crate::{Session, SessionError};

impl Session {
    /// The error that says who changed `change`, of the turn `from`, again. `names` are
    /// those that the file had since; `now` is what stands under the last of them.
    pub(crate) fn met_later(
        &self,
        error: SessionError,
        (from, names): (StepId, &[&ProjectPath]),
        (id, change): (StepId, &Change),
        now: Option<&FileState>,
    ) -> SessionError {
        let conflict = match &error {
            SessionError::Conflict { conflict: Conflict::Edited { hunk, now }, .. } => {
                Some((*hunk, now.clone()))
            }
            SessionError::ChangedSince(_) => None,
            _ => return error,
        };
        let Ok(history) = self.history() else { return error };
        let by = self.changed_by(&history, (from, names), (id, change));
        let met = conflict.and_then(|(hunk, lines)| self.meeting_with(change, hunk, lines, now));
        let path = names.last().map_or(&change.path, |name| *name).clone();
        let lines =
            met.as_ref().zip(now).and_then(|(met, now)| met.lines_now(&path, now, &self.blobs));
        let met = met.zip(now).and_then(|(met, now)| met.shown(&path, now, &self.blobs));
        SessionError::TurnMet { lines: LinesNamed(lines), path, by, met: met.map(Box::new) }
    }

    /// Whose later change it is: the first one after which the turn's can't be taken out
    /// any more.
    fn changed_by(
        &self,
        history: &History,
        (from, names): (StepId, &[&ProjectPath]),
        (id, change): (StepId, &Change),
    ) -> Later {
        let gone = history.taken_back();
        let later = history.steps.iter().filter(|step| step.id > id && step.turn() != Some(from));
        for step in later {
            let of_file = step.changes.iter().filter(|other| names.contains(&&other.path));
            for other in of_file {
                let is_gone = gone.contains(&(step.id, other.path.clone()));
                if !is_gone && !self.leaves_room(change, other.after.as_ref()) {
                    return match step.origin {
                        Origin::Agent { .. } => Later::Agent,
                        _ => Later::Person,
                    };
                }
            }
        }
        Later::Person
    }

    /// Whether `change` can be taken out of `later`.
    #[expect(clippy::disallowed_methods, reason = "merged as bytes, shown to nobody")]
    fn leaves_room(&self, change: &Change, later: Option<&FileState>) -> bool {
        let Some(sides) = self.texts([change.before.as_ref(), change.after.as_ref(), later]) else {
            return false;
        };
        let [before, after, now] = sides.each_ref().map(|side| side.expose().as_slice());
        let all: Vec<usize> = (0..hunks(before, after).len()).collect();
        later.is_some() == change.after.is_some() && take_back(before, after, now, &all).is_ok()
    }

    #[expect(clippy::disallowed_methods, reason = "only line numbers come out")]
    fn meeting_with(
        &self,
        change: &Change,
        hunk: usize,
        lines: Range<usize>,
        now: Option<&FileState>,
    ) -> Option<Meeting> {
        let sides = self.texts([change.before.as_ref(), change.after.as_ref(), None])?;
        let [before, after, _] = sides.each_ref().map(|side| side.expose().as_slice());
        let hunk: Hunk = hunks(before, after).get(hunk)?.clone();
        Some(Meeting {
            without: change.before.clone(),
            agents: change.after.clone(),
            edited: now.cloned(),
            lines: Some(MetLines { hunk, now: lines }),
        })
    }

    fn texts(&self, states: [Option<&FileState>; 3]) -> Option<[kode_base::Untrusted<Vec<u8>>; 3]> {
        let load = |state: Option<&FileState>| {
            let is_file = state.is_none_or(|state| state.kind == Kind::File);
            let path = ProjectPath::root();
            is_file.then(|| content(&path, state, &self.blobs).ok())?.map(Option::unwrap_or_default)
        };
        let [one, two, three] = states.map(load);
        Some([one?, two?, three?])
    }
}
