//! What is not the agent's of one file: the base with the edits that people made
//! since. Rejecting the agent's changes leads back to this, never behind it.

use kode_audit::Digest;
use kode_base::ProjectPath;

use crate::SessionError;
use crate::blobs::Blobs;
use crate::changes::Change;
use crate::meeting::Meeting;
use crate::merge::{MetLines, without_hunks};
use crate::state::{FileState, Kind};
use crate::tree::content;

/// The accepted state of one file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Accepted {
    pub(crate) state: Option<FileState>,
    /// Someone edited the agent's own lines: they can't be told apart any more
    /// and count as that person's.
    pub(crate) mixed: Option<Meeting>,
}

impl Accepted {
    pub(crate) fn of(state: Option<FileState>) -> Self {
        Self { state, mixed: None }
    }

    /// Someone changed the file. Contents that this makes are kept. What can't be
    /// told apart, for whatever reason, is that person's.
    pub(crate) fn with_edit(self, path: &ProjectPath, change: &Change, blobs: &Blobs) -> Self {
        let (before, after) = (change.before.as_ref(), change.after.as_ref());
        let untouched_by_the_agent = match (&self.state, before) {
            (Some(accepted), Some(before)) => accepted.same(before),
            (None, None) => true,
            _ => false,
        };
        if untouched_by_the_agent && let Some(now) = after {
            // An edit elsewhere leaves a meeting as it is.
            let mixed = self.mixed.filter(|meeting| meeting.stands_in(path, now, blobs));
            return Self { state: after.cloned(), mixed };
        }
        // Where nothing stood, all that stands now is that person's.
        if untouched_by_the_agent || before.is_none() || after.is_none() {
            return Self::of(after.cloned());
        }
        let meeting = |lines| Meeting {
            without: self.state.clone(),
            agents: before.cloned(),
            edited: after.cloned(),
            lines,
        };
        if let (Some(before), Some(after)) = (before, after)
            && [before, after].into_iter().chain(&self.state).all(is_kept_file)
            && let Ok((state, met)) = merge(path, self.state.as_ref(), before, after, blobs)
        {
            let mixed = met.map(|lines| meeting(Some(lines)));
            return Self { state, mixed: mixed.or(self.mixed) };
        }
        Self { state: after.cloned(), mixed: Some(meeting(None)) }
    }
}

fn is_kept_file(state: &FileState) -> bool {
    state.kind == Kind::File && state.kept
}

/// `after` without the agent's hunks between `accepted` and `before`, and where
/// some of them could not be told apart; no file where there was none and nothing
/// else is in it.
#[expect(clippy::disallowed_methods, reason = "merged as bytes, shown to nobody")]
fn merge(
    path: &ProjectPath,
    accepted: Option<&FileState>,
    before: &FileState,
    after: &FileState,
    blobs: &Blobs,
) -> Result<(Option<FileState>, Option<MetLines>), SessionError> {
    let bytes = |state| content(path, state, blobs).map(Option::unwrap_or_default);
    let sides = [bytes(accepted)?, bytes(Some(before))?, bytes(Some(after))?];
    let [one, two, three] = sides.each_ref().map(|side| side.expose().as_slice());
    let (merged, met) = without_hunks(one, two, three);
    if accepted.is_none() && merged.is_empty() {
        return Ok((None, met));
    }
    let hash = Digest::of(&merged);
    blobs.keep(&hash, &merged)?;
    let mode = match accepted {
        Some(accepted) if after.mode == before.mode => accepted.mode,
        _ => after.mode,
    };
    Ok((Some(FileState { mode, hash, ..after.clone() }), met))
}
