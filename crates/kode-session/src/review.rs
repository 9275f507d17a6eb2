//! What a session changed, for people: files, diffs and hunks, as data. Free
//! of any terminal or page; text from files is untrusted and stays so.

use std::path::Path;

use kode_base::{ProjectPath, TouchedFile, Untrusted};
use kode_edit::FileDiff;
use serde::Serialize;

use crate::SessionError;
use crate::accepted::accepted;
use crate::base::Base;
use crate::blobs::Blobs;
use crate::changes::{History, Step};
use crate::merge::{Hunk, hunks};
use crate::meta::SessionSummary;
use crate::state::FileState;
use crate::tree::{Tree, content};

/// A session's changes as they were last recorded.
#[derive(Debug)]
pub struct Review {
    summary: SessionSummary,
    tree: Tree,
    steps: Vec<Step>,
    blobs: Blobs,
}

/// Before and after of one file.
pub type Sides = (Option<Untrusted<Vec<u8>>>, Option<Untrusted<Vec<u8>>>);

/// One touched file of a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReviewFile {
    /// Path, kind of change and line counts.
    #[serde(flatten)]
    pub file: TouchedFile,
    /// Whether it can be put back.
    pub restorable: bool,
    /// SHA-256 before, hex; `None` when it was not there.
    pub before: Option<String>,
    /// SHA-256 now, hex; `None` when it is gone.
    pub after: Option<String>,
}

/// What `kode review --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReviewReport {
    /// Session identifier.
    pub session: String,
    /// Canonical project root.
    pub project: String,
    /// Every touched file, in byte order of path.
    pub files: Vec<ReviewFile>,
}

impl Review {
    pub(crate) fn load(
        kode_home: &Path,
        folder: &Path,
        summary: SessionSummary,
    ) -> Result<Self, SessionError> {
        let base = Base::load(&folder.join("base.jsonl"))?.ok_or(SessionError::NoBase)?;
        let history = History::load(&folder.join("changes.jsonl"))?;
        let mut blobs = Blobs::to_read(kode_home, folder)?;
        blobs.use_packs(&base.header.packs)?;
        blobs.use_packs(&history.packs)?;
        let steps = history.steps.clone();
        Ok(Self { summary, tree: Tree::new(base, history), steps, blobs })
    }

    /// Every touched file, in byte order of path.
    pub fn files(&mut self) -> Vec<TouchedFile> {
        self.tree.touched(&self.blobs)
    }

    /// Everything but the diffs' text.
    pub fn report(&mut self) -> ReviewReport {
        let files = self.files().into_iter().map(|file| self.file(file)).collect();
        let SessionSummary { id, project, .. } = self.summary.clone();
        ReviewReport { session: id, project, files }
    }

    fn file(&self, file: TouchedFile) -> ReviewFile {
        let (before, after) = (self.tree.base_of(&file.path), self.tree.now_of(&file.path));
        let hash = |state: Option<&FileState>| state.map(|state| state.hash.to_string());
        let restorable = before.is_none_or(|state| state.kept);
        ReviewFile { restorable, before: hash(before), after: hash(after), file }
    }

    /// The diff of one file against the base; show it escaped.
    ///
    /// # Errors
    /// When one side was not kept or is damaged.
    pub fn diff(&self, path: &ProjectPath) -> Result<FileDiff, SessionError> {
        self.tree.diff(path, &self.blobs)
    }

    /// The agent's changes of one file as regions: between [`Review::sides`].
    /// [`crate::Session::reject_hunks`] takes their numbers.
    ///
    /// # Errors
    /// As [`Review::diff`].
    #[expect(clippy::disallowed_methods, reason = "only line numbers come out")]
    pub fn hunks(&self, path: &ProjectPath) -> Result<Vec<Hunk>, SessionError> {
        let (before, after) = self.sides(path)?;
        Ok(hunks(before.unwrap_or_default().expose(), after.unwrap_or_default().expose()))
    }

    /// What is not the agent's (the base with people's later edits), and what
    /// was last seen on the disk; `None` for no file. Show it escaped.
    ///
    /// # Errors
    /// As [`Review::diff`].
    pub fn sides(&self, path: &ProjectPath) -> Result<Sides, SessionError> {
        let accepted = accepted(path, self.tree.base_of(path), &self.steps, &self.blobs)?.state;
        Ok((
            content(path, accepted.as_ref(), &self.blobs)?,
            content(path, self.tree.now_of(path), &self.blobs)?,
        ))
    }
}
