//! Compares the project with its base: walks the metadata, reads what it does
//! not prove unchanged, and tells what is new since the last look.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use kode_base::{ChangeKind, ProjectPath, TouchedFile};
use kode_gate::{is_watched, is_watched_place};
use kode_sandbox::{ProjectFiles, Reach, RuleSource, WalkEnd, WalkEntry};
use sha2::{Digest as _, Sha256};

use crate::SessionError;
use crate::blobs::Blobs;
use crate::capture::complete;
use crate::changes::Change;
use crate::pack::PackId;
use crate::state::{FileState, Stamp, change_kind};
use crate::tree::{Now, Tree};
use crate::watched::walk_large;

/// What differs from the base now.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// Every file that differs and that the agent answers for: a step of it touched the
    /// file, or a person made it of what the agent wrote. In byte order of path.
    pub files: Vec<TouchedFile>,
    /// Every other file that differs: a person alone changed it.
    pub persons: Vec<TouchedFile>,
    /// SHA-256 over path, kind, mode and content of every compared file.
    pub hash: [u8; 32],
    /// Ignored paths that changed, came or went: counted, not kept.
    pub ignored_changed: usize,
    /// Ignored files that changed or came, the first [`IGNORED_NAMED_MAX`] of them.
    pub ignored_new: Vec<ProjectPath>,
    /// Whether ignored paths were counted; beyond 20,000 of them they are not.
    pub ignored_counted: bool,
    /// What the agent changed since the previous comparison.
    pub since_last: Vec<(ProjectPath, ChangeKind)>,
    /// Whether everything was seen; a cap or an unreadable folder makes it
    /// false.
    pub complete: bool,
}

/// What one look at the project found.
pub(crate) struct Look {
    /// The pack that holds the new contents, if they were many.
    pub(crate) pack: Option<PackId>,
    pub(crate) changes: Vec<Change>,
    pub(crate) hash: [u8; 32],
    pub(crate) ignored_changed: usize,
    pub(crate) ignored_new: Vec<ProjectPath>,
    pub(crate) complete: bool,
}

/// Ignored files that a comparison names.
pub const IGNORED_NAMED_MAX: usize = 2_000;

/// What the walk met.
struct Met {
    entries: Vec<WalkEntry>,
    ignored: Vec<(ProjectPath, Stamp)>,
    complete: bool,
}

impl Tree {
    /// Looks at the project and brings `now` up to date. New contents are
    /// kept, and durable on return.
    pub(crate) fn look(
        &mut self,
        files: &ProjectFiles,
        blobs: &mut Blobs,
    ) -> Result<Look, SessionError> {
        let met = self.walk(files)?;
        let known = |entry: &WalkEntry| {
            self.now_of(&entry.path).filter(|known| known.still(entry)).cloned()
        };
        let states = met.entries.iter().map(known).collect();
        let states = complete(files, blobs, &met.entries, states)?;
        let pack = blobs.flush()?;
        let mut hasher = TreeHasher::new();
        let mut seen = BTreeSet::new();
        let mut changes = Vec::new();
        for (entry, state) in met.entries.iter().zip(states) {
            let Some(state) = state else { continue };
            hasher.add(&entry.path, &state);
            seen.insert(&entry.path);
            changes.extend(self.meet(&entry.path, state));
        }
        if met.complete {
            changes.extend(self.miss(&seen));
        }
        changes.sort_by(|one, other| one.path.cmp(&other.path));
        let (ignored_changed, ignored_new) = self.ignored_changed(&met.ignored);
        self.uncompared = met.ignored.into_iter().collect();
        let (hash, complete) = (hasher.finish(), met.complete);
        Ok(Look { pack, changes, hash, ignored_changed, ignored_new, complete })
    }

    /// Entries to compare, with ignored ones apart. The base's ignore rules
    /// hold: a rule that is added later hides nothing.
    fn walk(&self, files: &ProjectFiles) -> Result<Met, SessionError> {
        let mut met = Met { entries: Vec::new(), ignored: Vec::new(), complete: false };
        let header = &self.base.header;
        let rules = RuleSource::Fixed(&header.rules);
        let mut take = |entry: WalkEntry| {
            if !entry.ignored || self.is_watched(&entry) {
                met.entries.push(entry);
            } else if !self.marked.contains_key(&entry.path) {
                met.ignored.push((entry.path.clone(), Stamp::of(&entry)));
            }
        };
        let end = if header.ignored_counted {
            files.walk_with(&ProjectPath::root(), Reach::All, rules, &mut |entry| {
                take(entry);
                ControlFlow::Continue(())
            })?
        } else {
            walk_large(files, rules, &mut take)?
        };
        met.complete = end == WalkEnd::Complete;
        for path in self.marked.keys() {
            let place = met.entries.binary_search_by(|entry| entry.path.cmp(path));
            let Err(place) = place else { continue };
            if !self.is_alias(path) && files.is_behind_link(path)? {
                continue;
            }
            if let Some(entry) = files.snapshot_entry(path)? {
                met.entries.insert(place, entry);
            }
        }
        Ok(met)
    }

    /// Whether an ignored file is compared. A base of an earlier kode knows fewer of
    /// them: what it does not know would seem new.
    fn is_watched(&self, entry: &WalkEntry) -> bool {
        let header = &self.base.header;
        if header.places {
            return is_watched_place(&entry.path);
        }
        header.watched
            && is_watched(&entry.path)
            && (header.ignored_counted || self.base.file(&entry.path).is_some())
    }

    /// Notes the state at `path`; the change when it is not the known one.
    fn meet(&mut self, path: &ProjectPath, state: FileState) -> Option<Change> {
        let known = self.now_of(path);
        if known == Some(&state) {
            return None;
        }
        if known.is_some_and(|known| known.same(&state)) {
            // Only the metadata is new.
            let lines = self.now.get(path).and_then(|now| now.lines);
            self.now.insert(path.clone(), Now { state: Some(state), lines });
            return None;
        }
        let before = known.cloned();
        self.now.insert(path.clone(), Now { state: Some(state.clone()), lines: None });
        Some(Change::new(path.clone(), before, Some(state)))
    }

    /// Notes which known files were not met.
    fn miss(&mut self, seen: &BTreeSet<&ProjectPath>) -> Vec<Change> {
        let marked = self.marked.iter().filter(|(_, base)| base.is_some()).map(|(path, _)| path);
        let known =
            self.base.files.iter().map(|(path, _)| path).chain(marked).chain(self.now.keys());
        let gone: BTreeSet<&ProjectPath> =
            known.filter(|path| !seen.contains(path) && self.now_of(path).is_some()).collect();
        let gone: Vec<ProjectPath> = gone.into_iter().cloned().collect();
        let change = |path: ProjectPath| {
            let before = self.now_of(&path).cloned();
            self.now.insert(path.clone(), Now { state: None, lines: None });
            Change::new(path, before, None)
        };
        gone.into_iter().map(change).collect()
    }

    fn ignored_changed(&self, now: &[(ProjectPath, Stamp)]) -> (usize, Vec<ProjectPath>) {
        if !self.base.header.ignored_counted {
            return (0, Vec::new());
        }
        let base: BTreeMap<&ProjectPath, &Stamp> = self
            .base
            .ignored
            .iter()
            .map(|(path, stamp)| (path, stamp))
            .filter(|(path, _)| !self.marked.contains_key(path))
            .collect();
        let same = now.iter().filter(|(path, _)| base.contains_key(path)).count();
        let altered = || now.iter().filter(|(path, stamp)| base.get(path) != Some(&stamp));
        let named = altered().take(IGNORED_NAMED_MAX).map(|(path, _)| path.clone()).collect();
        (altered().count() + (base.len() - same), named)
    }
}

/// What is told of a look.
pub(crate) fn since_last<'a>(
    changes: impl Iterator<Item = &'a Change>,
) -> Vec<(ProjectPath, ChangeKind)> {
    let told = |change: &Change| {
        let kind = change_kind(change.before.as_ref(), change.after.as_ref())?;
        Some((change.path.clone(), kind))
    };
    changes.filter_map(told).collect()
}

/// The hash of a whole tree: files in byte order of path, each field with its
/// length or of fixed length, so that no two trees give the same bytes.
struct TreeHasher(Sha256);

impl TreeHasher {
    fn new() -> Self {
        Self(Sha256::new_with_prefix(b"kode-tree-1\n"))
    }

    fn add(&mut self, path: &ProjectPath, state: &FileState) {
        let path = path.as_str().as_bytes();
        self.0.update((path.len() as u64).to_le_bytes());
        self.0.update(path);
        self.0.update([state.kind as u8]);
        self.0.update(state.mode.to_le_bytes());
        self.0.update(state.hash.0);
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
