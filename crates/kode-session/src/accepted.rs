//! What is not the agent's: the base snapshot with the edits that people made
//! since. Rejecting the agent's changes leads back to this, never behind it.

use kode_audit::Digest;
use kode_base::ProjectPath;

use crate::SessionError;
use crate::blobs::Blobs;
use crate::changes::{Origin, Step};
use crate::merge::without_hunks;
use crate::state::{FileState, Kind};
use crate::tree::content;

/// The accepted state of one file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Accepted {
    pub(crate) state: Option<FileState>,
    /// Someone edited the agent's own lines: they can't be told apart any more
    /// and count as that person's.
    pub(crate) mixed: bool,
}

/// Follows `path` through the steps. Contents that this makes are kept.
pub(crate) fn accepted(
    path: &ProjectPath,
    base: Option<&FileState>,
    steps: &[Step],
    blobs: &Blobs,
) -> Result<Accepted, SessionError> {
    let mut accepted = Accepted { state: base.cloned(), mixed: false };
    for step in steps.iter().filter(|step| step.origin == Origin::Person) {
        for change in step.changes.iter().filter(|change| change.path == *path) {
            let (before, after) = (change.before.as_ref(), change.after.as_ref());
            accepted = accepted.with_edit(path, before, after, blobs)?;
        }
    }
    Ok(accepted)
}

impl Accepted {
    /// Someone changed the file from `before` to `after`.
    fn with_edit(
        self,
        path: &ProjectPath,
        before: Option<&FileState>,
        after: Option<&FileState>,
        blobs: &Blobs,
    ) -> Result<Self, SessionError> {
        let untouched_by_the_agent = match (&self.state, before) {
            (Some(accepted), Some(before)) => accepted.same(before),
            (None, None) => true,
            _ => false,
        };
        if untouched_by_the_agent || after.is_none() {
            return Ok(Self { state: after.cloned(), mixed: false });
        }
        match (before, after) {
            (Some(before), Some(after))
                if [before, after].into_iter().chain(&self.state).all(is_kept_file) =>
            {
                let mixed_before = self.mixed;
                let (state, mixed) = merge(path, self.state.as_ref(), before, after, blobs)?;
                Ok(Self { state, mixed: mixed || mixed_before })
            }
            _ => Ok(Self { state: after.cloned(), mixed: true }),
        }
    }
}

fn is_kept_file(state: &FileState) -> bool {
    state.kind == Kind::File && state.kept
}

/// `after` without the agent's hunks between `accepted` and `before`; no file where
/// there was none and nothing else is in it.
#[expect(clippy::disallowed_methods, reason = "merged as bytes, shown to nobody")]
fn merge(
    path: &ProjectPath,
    accepted: Option<&FileState>,
    before: &FileState,
    after: &FileState,
    blobs: &Blobs,
) -> Result<(Option<FileState>, bool), SessionError> {
    let bytes = |state| content(path, state, blobs).map(Option::unwrap_or_default);
    let sides = [bytes(accepted)?, bytes(Some(before))?, bytes(Some(after))?];
    let [one, two, three] = sides.each_ref().map(|side| side.expose().as_slice());
    let (merged, mixed) = without_hunks(one, two, three);
    if accepted.is_none() && merged.is_empty() {
        return Ok((None, mixed));
    }
    let hash = Digest::of(&merged);
    blobs.keep(&hash, &merged)?;
    let mode = match accepted {
        Some(accepted) if after.mode == before.mode => accepted.mode,
        _ => after.mode,
    };
    Ok((Some(FileState { mode, hash, ..after.clone() }), mixed))
}
