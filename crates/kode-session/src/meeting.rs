//! Where a person's edit met lines of the agent's: they can't be told apart any
//! more. Says where that is in the file as it is now, and what stood there.

use std::ops::Range;

use kode_base::{ProjectPath, Untrusted};

use crate::blobs::Blobs;
use crate::error::LinesNamed;
use crate::merge::{MetLines, carried};
use crate::state::FileState;
use crate::tree::content;

/// One meeting.
#[derive(Debug, Clone)]
pub(crate) struct Meeting {
    /// The file without the agent's change, with it, and after the edit.
    pub(crate) without: Option<FileState>,
    pub(crate) agents: Option<FileState>,
    pub(crate) edited: Option<FileState>,
    /// None where the files can't be merged at all.
    pub(crate) lines: Option<MetLines>,
}

/// A meeting for people; show the texts escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeetingShown {
    /// Where it is in the file as it is now.
    pub lines: LinesNamed,
    /// The lines before the agent changed them.
    pub before: Untrusted<String>,
    /// What the agent made of them.
    pub agents: Untrusted<String>,
    /// What the person made of that.
    pub edited: Untrusted<String>,
}

impl Meeting {
    /// The lines of the file as it is now; none where they can't be told.
    #[expect(clippy::disallowed_methods, reason = "only line numbers come out")]
    pub(crate) fn lines_now(
        &self,
        path: &ProjectPath,
        now: &FileState,
        blobs: &Blobs,
    ) -> Option<Range<usize>> {
        let met = self.lines.as_ref()?;
        let load = |state| content(path, state, blobs).map(Option::unwrap_or_default).ok();
        let (edited, now) = (load(self.edited.as_ref())?, load(Some(now))?);
        Some(carried(edited.expose(), now.expose(), &met.now))
    }

    /// Whether the lines that the person made stand in `now` as they were.
    #[expect(clippy::disallowed_methods, reason = "only compared")]
    pub(crate) fn stands_in(&self, path: &ProjectPath, now: &FileState, blobs: &Blobs) -> bool {
        let (Some(met), Some(there)) = (&self.lines, self.lines_now(path, now, blobs)) else {
            return false;
        };
        let part = |state, lines| {
            let text = content(path, state, blobs).ok()??;
            Some(chosen(text, lines).expose().clone())
        };
        part(self.edited.as_ref(), &met.now) == part(Some(now), &there)
    }

    pub(crate) fn shown(
        &self,
        path: &ProjectPath,
        now: &FileState,
        blobs: &Blobs,
    ) -> Option<MeetingShown> {
        let met = self.lines.as_ref()?;
        let part = |state: &Option<FileState>, lines: &Range<usize>| {
            let text = content(path, state.as_ref(), blobs).ok()?;
            Some(chosen(text.unwrap_or_default(), lines))
        };
        Some(MeetingShown {
            lines: LinesNamed(self.lines_now(path, now, blobs)),
            before: part(&self.without, &met.hunk.before)?,
            agents: part(&self.agents, &met.hunk.after)?,
            edited: part(&self.edited, &met.now)?,
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "lines are chosen; they stay untrusted")]
fn chosen(text: Untrusted<Vec<u8>>, lines: &Range<usize>) -> Untrusted<String> {
    let text = String::from_utf8_lossy(text.expose());
    let chosen = text.split_inclusive('\n').skip(lines.start).take(lines.len());
    Untrusted::new(chosen.collect())
}
