//! The project as the session knows it: the base snapshot, and what is known
//! to be different since.

use std::collections::{BTreeMap, BTreeSet};

use kode_base::{ProjectPath, TouchedFile, Untrusted};

use crate::SessionError;
use crate::base::Base;
use crate::blobs::Blobs;
use crate::changes::{Change, History, Lines};
use crate::merge::{Hunk, hunks};
use crate::state::{FileState, Stamp, change_kind};

/// What stands at a path now; the state is `None` when the file is gone.
#[derive(Debug, Clone)]
pub(crate) struct Now {
    pub(crate) state: Option<FileState>,
    /// Lines against the base, once counted.
    pub(crate) lines: Option<Lines>,
}

/// Base and present.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) base: Base,
    /// Ignored paths that an edit tool wrote, as they were before.
    pub(crate) marked: BTreeMap<ProjectPath, Option<FileState>>,
    /// Those of them that are reached through a link.
    pub(crate) aliases: BTreeSet<ProjectPath>,
    /// Paths whose state or metadata is not the base's.
    pub(crate) now: BTreeMap<ProjectPath, Now>,
    /// Ignored files that were not compared, as the newest look met them.
    pub(crate) uncompared: BTreeMap<ProjectPath, Stamp>,
    /// The same of the look before the agent's newest step.
    pub(crate) uncompared_earlier: BTreeMap<ProjectPath, Stamp>,
}

impl Tree {
    /// The tree after everything that was recorded.
    pub(crate) fn new(base: Base, history: History) -> Self {
        let (marked, aliases) = (history.marked, history.aliases);
        let mut tree = Self {
            base,
            marked,
            aliases,
            now: BTreeMap::new(),
            uncompared: BTreeMap::new(),
            uncompared_earlier: BTreeMap::new(),
        };
        for step in history.steps {
            tree.apply(step.changes);
        }
        tree
    }

    pub(crate) fn apply(&mut self, changes: Vec<Change>) {
        for change in changes {
            self.now.insert(change.path, Now { state: change.after, lines: change.lines });
        }
    }

    pub(crate) fn revert(&mut self, changes: Vec<Change>) {
        for change in changes {
            self.now.insert(change.path, Now { state: change.before, lines: None });
        }
    }

    /// What stood at an ignored path that was not compared, before the agent's newest step:
    /// its content is not known. `None` where nothing stood there.
    pub(crate) fn uncompared_before(&self, path: &ProjectPath) -> Option<FileState> {
        let in_base = || {
            let ignored = &self.base.ignored;
            let index = ignored.binary_search_by(|(known, _)| known.cmp(path)).ok()?;
            ignored.get(index).map(|(_, stamp)| stamp)
        };
        self.uncompared_earlier.get(path).or_else(in_base).map(FileState::unknown)
    }

    /// Whether `path` leads through a link to another file, as an edit tool wrote it.
    pub(crate) fn is_alias(&self, path: &ProjectPath) -> bool {
        self.aliases.contains(path)
    }

    pub(crate) fn base_of(&self, path: &ProjectPath) -> Option<&FileState> {
        match self.marked.get(path) {
            Some(marked) => marked.as_ref(),
            None => self.base.file(path),
        }
    }

    pub(crate) fn now_of(&self, path: &ProjectPath) -> Option<&FileState> {
        match self.now.get(path) {
            Some(now) => now.state.as_ref(),
            None => self.base_of(path),
        }
    }

    /// Every file that differs from the base, in byte order of path.
    pub(crate) fn touched(&mut self, blobs: &Blobs) -> Vec<TouchedFile> {
        let paths: Vec<ProjectPath> = self.now.keys().cloned().collect();
        paths.into_iter().filter_map(|path| self.touched_file(path, blobs)).collect()
    }

    fn touched_file(&mut self, path: ProjectPath, blobs: &Blobs) -> Option<TouchedFile> {
        let change = change_kind(self.base_of(&path), self.now_of(&path))?;
        let known = self.now.get(&path).and_then(|now| now.lines);
        let lines = known.unwrap_or_else(|| self.count_lines(&path, blobs));
        if let Some(now) = self.now.get_mut(&path) {
            now.lines = Some(lines);
        }
        let Lines { added, removed, binary } = lines;
        Some(TouchedFile { path, change, added, removed, binary })
    }

    /// A side that was not kept counts as binary.
    #[expect(clippy::disallowed_methods, reason = "only line counts come out")]
    fn count_lines(&self, path: &ProjectPath, blobs: &Blobs) -> Lines {
        let binary = Lines { added: 0, removed: 0, binary: true };
        let side = |state| content(path, state, blobs).map(Option::unwrap_or_default);
        let (Ok(before), Ok(after)) = (side(self.base_of(path)), side(self.now_of(path))) else {
            return binary;
        };
        let (before, after) = (before.expose(), after.expose());
        if kode_edit::is_binary(before) || kode_edit::is_binary(after) {
            return binary;
        }
        let count = |lines: Lines, hunk: Hunk| Lines {
            added: lines.added + hunk.after.len(),
            removed: lines.removed + hunk.before.len(),
            ..lines
        };
        hunks(before, after).into_iter().fold(Lines { binary: false, ..binary }, count)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "compared, not shown; the diff is untrusted again"
    )]
    pub(crate) fn diff(
        &self,
        path: &ProjectPath,
        blobs: &Blobs,
    ) -> Result<kode_edit::FileDiff, SessionError> {
        let before = content(path, self.base_of(path), blobs)?;
        let after = content(path, self.now_of(path), blobs)?;
        let side = |content: &Option<Untrusted<Vec<u8>>>| {
            content.as_ref().map(|bytes| bytes.expose().clone())
        };
        Ok(kode_edit::diff(path, side(&before).as_deref(), side(&after).as_deref()))
    }
}

/// The kept content of a state (a link's is its text); `None` for no file.
pub(crate) fn content(
    path: &ProjectPath,
    state: Option<&FileState>,
    blobs: &Blobs,
) -> Result<Option<Untrusted<Vec<u8>>>, SessionError> {
    match state {
        None => Ok(None),
        Some(state) if state.kept => blobs.load(&state.hash).map(Some),
        Some(_) => Err(SessionError::NotKept(path.clone())),
    }
}
