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
        match (&self.state, before, after) {
            (Some(accepted), Some(before), Some(after))
                if [accepted, before, after].iter().all(|each| is_kept_file(each)) =>
            {
                let mixed_before = self.mixed;
                let (state, mixed) = merge(path, accepted, before, after, blobs)?;
                Ok(Self { state: Some(state), mixed: mixed || mixed_before })
            }
            _ => Ok(Self { state: after.cloned(), mixed: true }),
        }
    }
}

fn is_kept_file(state: &FileState) -> bool {
    state.kind == Kind::File && state.kept
}

/// `after` without the agent's hunks between `accepted` and `before`.
#[expect(clippy::disallowed_methods, reason = "merged as bytes, shown to nobody")]
fn merge(
    path: &ProjectPath,
    accepted: &FileState,
    before: &FileState,
    after: &FileState,
    blobs: &Blobs,
) -> Result<(FileState, bool), SessionError> {
    let bytes = |state| content(path, Some(state), blobs).map(Option::unwrap_or_default);
    let sides = [bytes(accepted)?, bytes(before)?, bytes(after)?];
    let [one, two, three] = sides.each_ref().map(|side| side.expose().as_slice());
    let (merged, mixed) = without_hunks(one, two, three);
    let hash = Digest::of(&merged);
    blobs.keep(&hash, &merged)?;
    let mode = if after.mode == before.mode { accepted.mode } else { after.mode };
    Ok((FileState { mode, hash, ..after.clone() }, mixed))
}
