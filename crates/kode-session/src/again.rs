//! Notices when the agent does again what a person rejected. What was rejected
//! is read from the record of changes; it refuses nothing, it only tells.

use std::collections::BTreeMap;

use kode_base::{ProjectPath, Untrusted};

use crate::blobs::Blobs;
use crate::changes::{Change, History, Origin, StepId};
use crate::merge::done_again;
use crate::standing::Standing;
use crate::state::{FileState, Kind};
use crate::tree::{Tree, content};
use crate::{Session, SessionError};

/// Larger files are not looked at.
const SIDE_BYTES_MAX: u64 = 1024 * 1024;

/// A rejected change that stands in the project again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoneAgain {
    /// The file.
    pub path: ProjectPath,
    /// The first line of it, from 1.
    pub line: usize,
}

impl Session {
    /// Rejected changes that `paths` hold again, each told once.
    ///
    /// # Errors
    /// When the record can't be read.
    pub fn done_again(&mut self, paths: &[ProjectPath]) -> Result<Vec<DoneAgain>, SessionError> {
        if !self.has_rejects {
            return Ok(Vec::new());
        }
        let history = self.history()?;
        let (rejected, standing) = (history.rejected(), self.standing()?);
        let mut found = Vec::new();
        for path in paths {
            let again = line_again(path, self.tree()?, (&standing, &rejected), &self.blobs);
            if let Some((reject, line)) = again
                && self.told_again.insert((reject, path.clone()))
            {
                found.push(DoneAgain { path: path.clone(), line: line + 1 });
            }
        }
        Ok(found)
    }
}

/// What rejects took from each file and nobody brought back.
pub(crate) type Rejected<'a> = BTreeMap<&'a ProjectPath, Vec<(StepId, &'a Change)>>;

impl History {
    pub(crate) fn rejected(&self) -> Rejected<'_> {
        let mut rejected = Rejected::new();
        let mut rejects = self.steps.iter().filter(|step| step.origin == Origin::Reject).peekable();
        if rejects.peek().is_none() {
            return rejected;
        }
        let gone = self.taken_back();
        for step in rejects {
            for change in &step.changes {
                if !gone.contains(&(step.id, change.path.clone())) {
                    rejected.entry(&change.path).or_default().push((step.id, change));
                }
            }
        }
        rejected
    }
}

/// The reject, and the first line, from 0, of what it took and `path` holds again.
/// A file that can't be compared holds nothing.
pub(crate) fn line_again(
    path: &ProjectPath,
    tree: &Tree,
    (standing, rejected): (&Standing, &Rejected<'_>),
    blobs: &Blobs,
) -> Option<(StepId, usize)> {
    let rejected = rejected.get(path)?;
    let accepted = standing.of(path, tree).state;
    let under = standing.agents_move(path).map(|(names, _)| &names.under);
    let now = text(path, tree.now_of(path), blobs)?;
    rejected.iter().find_map(|(reject, change)| {
        // The name itself is there again.
        let base = under.filter(|_| change.after.is_none()).unwrap_or(&accepted);
        let base = text(path, base.as_ref(), blobs)?;
        let with = text(path, change.before.as_ref(), blobs)?;
        let without = text(path, change.after.as_ref(), blobs)?;
        Some((*reject, compared([&without, &with, &base, &now])?))
    })
}

#[expect(clippy::disallowed_methods, reason = "compared as bytes, shown to nobody")]
fn compared([without, with, base, now]: [&Untrusted<Vec<u8>>; 4]) -> Option<usize> {
    done_again((without.expose(), with.expose()), (base.expose(), now.expose()))
}

fn text(
    path: &ProjectPath,
    state: Option<&FileState>,
    blobs: &Blobs,
) -> Option<Untrusted<Vec<u8>>> {
    let fits = |state: &FileState| state.kind == Kind::File && state.stamp.size <= SIDE_BYTES_MAX;
    if !state.is_none_or(fits) {
        return None;
    }
    content(path, state, blobs).ok().map(Option::unwrap_or_default)
}
