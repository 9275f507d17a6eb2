//! What a session changed, for people: files, diffs and hunks, as data. Free
//! of any terminal or page; text from files is untrusted and stays so.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kode_base::{ChangeKind, Event, ProjectPath, TouchedFile, Untrusted};
pub use kode_edit::FileDiff;
use kode_sandbox::ProjectFiles;
use serde::Serialize;

use crate::SessionError;
use crate::again::line_again;
use crate::authored::Authored;
use crate::base::Base;
use crate::blobs::Blobs;
use crate::changes::{Change, History, Origin, StepId};
use crate::ledger::read_lines;
use crate::meeting::MeetingShown;
use crate::merge::{Hunk, hunks};
use crate::meta::SessionSummary;
use crate::restoration::standing_at;
use crate::reviewed;
use crate::standing::Standing;
use crate::state::{FileState, change_kind};
use crate::tree::{Tree, content};

/// A session's changes as they were last recorded.
#[derive(Debug)]
pub struct Review {
    summary: SessionSummary,
    folder: PathBuf,
    tree: Tree,
    history: History,
    blobs: Blobs,
    authored: Authored,
    /// Found when first asked for.
    standing: OnceCell<Standing>,
}

/// Before and after of one file.
pub type Sides = (Option<Untrusted<Vec<u8>>>, Option<Untrusted<Vec<u8>>>);

/// One touched file of a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReviewFile {
    /// Path, kind of change and line counts.
    #[serde(flatten)]
    pub file: TouchedFile,
    /// Whether it can be put back, and brought back then.
    pub restorable: bool,
    /// Whether it can be put back at all: a pipe that the agent made can be taken away, and
    /// nothing brings it back.
    pub rejectable: bool,
    /// Nothing of it is the agent's: a person alone changed it, or the rest was rejected.
    pub persons: bool,
    /// SHA-256 before, hex; `None` when it was not there.
    pub before: Option<String>,
    /// SHA-256 now, hex; `None` when it is gone.
    pub after: Option<String>,
    /// It changed while a command of the agent's ran, not only by edit tools. Who did
    /// it can't be told.
    pub by_command: bool,
    /// The newest turn of the agent's that changed it, for
    /// [`crate::Session::reject_turn`].
    pub turn: Option<StepId>,
    /// The file it was, with this content or most of it, before it got this name.
    /// Both names are one change; the old one has no row of its own.
    pub renamed_from: Option<ProjectPath>,
    /// A person marked this state of it as reviewed.
    pub reviewed: bool,
    /// The line, from 1, where it holds a rejected change again.
    pub again: Option<usize>,
}

impl ReviewFile {
    /// Names the state that is shown; another content, mode or kind has another.
    pub fn state(&self) -> String {
        let side = |hash: &Option<String>| hash.clone().unwrap_or_else(|| "none".to_owned());
        format!("{} {} {:?}", side(&self.before), side(&self.after), self.file.change)
    }
}

/// One turn of the agent's that changed files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewTurn {
    /// For [`crate::Session::reject_turn`].
    pub id: StepId,
    /// Its number in its run, from 1.
    pub number: u32,
    /// When it first changed something, RFC 3339.
    pub time: String,
    /// What it changed, in byte order.
    pub paths: Vec<ProjectPath>,
}

/// How the agent came to a file.
#[derive(Debug, Clone, Copy, Default)]
struct Doing {
    by_command: bool,
    turn: Option<StepId>,
}

/// What `kode review --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReviewReport {
    /// Session identifier.
    pub session: String,
    /// Canonical project root.
    pub project: String,
    /// Every touched file that something of the agent's is in, in byte order of path, and
    /// those in which people made something else of it.
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
        let folder = folder.to_owned();
        let authored = Authored::of(&history, base.header.commands);
        let (tree, standing) = (Tree::new(base, history.clone()), OnceCell::new());
        Ok(Self { summary, folder, tree, history, blobs, authored, standing })
    }

    /// What happened in the session, oldest first, as far as it was kept.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn events(&self) -> Result<Vec<Event>, SessionError> {
        read_lines(&self.folder.join("events.jsonl"))
    }

    /// Whether the file on the disk is, by its hash, what this review shows.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn is_on_disk(
        &self,
        path: &ProjectPath,
        files: &ProjectFiles,
    ) -> Result<bool, SessionError> {
        let now = standing_at(path, &self.tree, files, &self.blobs)?;
        Ok(match (now, self.tree.now_of(path)) {
            (Some(now), Some(known)) => now.same(known),
            (None, None) => true,
            _ => false,
        })
    }

    /// Every touched file that the agent answers for, in byte order of path: what a
    /// person alone changed is not among them.
    pub fn files(&mut self) -> Vec<TouchedFile> {
        let mut files = self.tree.touched(&self.blobs);
        files.retain(|file| self.authored.holds(&file.path) || self.is_renamed_by_agent(file));
        files
    }

    fn is_renamed_by_agent(&self, file: &TouchedFile) -> bool {
        self.standing().move_of(&file.path).is_some_and(|found| self.authored.holds(&found.old))
    }

    /// How one file changed, without a look at the others; `None` when it did not.
    pub fn change_of(&self, path: &ProjectPath) -> Option<ChangeKind> {
        change_kind(self.tree.base_of(path), self.tree.now_of(path))
    }

    /// Whether a command of the agent's changed the file, or anyone while one ran.
    pub fn is_by_command(&self, path: &ProjectPath) -> bool {
        let steps = self.history.steps.iter().filter(|step| step.circumstance.by_command);
        steps.flat_map(|step| &step.changes).any(|change| change.path == *path)
    }

    /// Whether a command began whose changes nobody has looked for yet: it runs, or kode
    /// was killed while it did.
    pub fn has_unfinished_command(&self) -> bool {
        self.history.running.is_some()
    }

    /// Whether a person rejected anything.
    pub fn has_rejects(&self) -> bool {
        self.history.steps.iter().any(|step| step.origin == Origin::Reject)
    }

    /// Where a person edited the agent's own lines, which count as theirs since.
    ///
    /// # Errors
    /// As [`Review::diff`].
    pub fn meeting(&self, path: &ProjectPath) -> Result<Option<MeetingShown>, SessionError> {
        let accepted = self.standing().of(path, &self.tree);
        let (Some(meeting), Some(now)) = (accepted.mixed, self.tree.now_of(path)) else {
            return Ok(None);
        };
        Ok(meeting.shown(path, now, &self.blobs))
    }

    /// Everything but the diffs' text. Marks that can't be read are no marks.
    pub fn report(&mut self) -> ReviewReport {
        let doings = self.doings();
        let reviewed = reviewed::load(&self.folder).unwrap_or_default();
        let files = self.files();
        let rejected = self.history.rejected();
        let mut shown = Vec::with_capacity(files.len());
        for file in files {
            if self.standing().is_old_name(&file.path) {
                continue;
            }
            let doing = doings.get(&file.path).copied().unwrap_or_default();
            let mut file = self.file(file, doing);
            if file.persons && rejected.contains_key(&file.file.path) {
                // What is left of it after the reject is a person's.
                continue;
            }
            file.reviewed = reviewed.contains(&(file.file.path.clone(), file.state()));
            let known = (self.standing(), &rejected);
            let again = line_again(&file.file.path, &self.tree, known, &self.blobs);
            file.again = again.map(|(_, line)| line + 1);
            shown.push(file);
        }
        let SessionSummary { id, project, .. } = self.summary.clone();
        ReviewReport { session: id, project, files: shown }
    }

    /// Files of which all was rejected, and that nobody brought back: as they were then.
    pub fn rejected(&self) -> Vec<ReviewFile> {
        let rejected = self.history.rejected();
        let olds: BTreeMap<&ProjectPath, &ProjectPath> = rejected
            .iter()
            .flat_map(|(old, changes)| changes.iter().map(move |(_, change)| (*old, change)))
            .filter_map(|(old, change)| Some((&change.back.as_ref()?.name, old)))
            .collect();
        let doings = self.doings();
        let gone = rejected.iter().filter_map(|(path, changes)| {
            let (_, change) = changes.last().filter(|(_, change)| change.back.is_none())?;
            let is_open = self.change_of(path).is_some() && !self.is_persons(path);
            let renamed_from = olds.get(*path).map(|old| (*old).clone());
            let kind = change_kind(change.after.as_ref(), change.before.as_ref())?;
            let by_command = doings.get(*path).is_some_and(|doing| doing.by_command);
            let file = || rejected_file(path, kind, change, renamed_from);
            (!is_open).then(|| ReviewFile { by_command, ..file() })
        });
        gone.collect()
    }

    /// The turns of the agent's that changed files and were neither taken back nor
    /// rejected as a whole, newest first.
    pub fn turns(&self) -> Vec<ReviewTurn> {
        let gone = self.history.taken_back();
        let rejected = self.history.rejected_turns();
        let mut turns: BTreeMap<StepId, ReviewTurn> = BTreeMap::new();
        for step in &self.history.steps {
            let (Origin::Agent { turn: number }, Some(id)) = (step.origin, step.turn()) else {
                continue;
            };
            let open = step.changes.iter().map(|change| &change.path);
            for path in open.filter(|path| !gone.contains(&(step.id, (*path).clone()))) {
                let time = || step.time.clone();
                let new = || ReviewTurn { id, number, time: time(), paths: Vec::new() };
                let turn = turns.entry(id).or_insert_with(new);
                if let Err(place) = turn.paths.binary_search(path) {
                    turn.paths.insert(place, path.clone());
                }
            }
        }
        turns.into_values().rev().filter(|turn| !rejected.contains(&turn.id)).collect()
    }

    fn standing(&self) -> &Standing {
        self.standing.get_or_init(|| Standing::find(&self.tree, &self.history.steps, &self.blobs))
    }

    /// The name in the base of what is at `path` now, where the agent renamed it.
    pub fn renamed_from(&self, path: &ProjectPath) -> Option<&ProjectPath> {
        let found = self.standing().move_of(path)?;
        (found.new == *path).then_some(&found.old)
    }

    /// The name that the file `path` has now, where the agent gave it another one since
    /// it was shown; its old name, where a person took the agent's away.
    pub fn followed(&self, path: &ProjectPath) -> ProjectPath {
        self.standing().followed(path, &self.tree)
    }

    fn file(&self, mut file: TouchedFile, doing: Doing) -> ReviewFile {
        let renamed_from = self.renamed_from(&file.path).cloned();
        let before = match self.standing().agents_move(&file.path) {
            Some((_, accepted)) => accepted.state.as_ref(),
            None => self.tree.base_of(&file.path),
        };
        let after = self.tree.now_of(&file.path);
        if renamed_from.is_some()
            && let Ok(hunks) = self.hunks(&file.path)
            && !file.binary
        {
            file.added = hunks.iter().map(|hunk| hunk.after.len()).sum();
            file.removed = hunks.iter().map(|hunk| hunk.before.len()).sum();
        }
        let hash = |state: Option<&FileState>| state.map(|state| state.hash.to_string());
        let can_go = before.is_none_or(|state| state.kept)
            && !after.is_some_and(FileState::is_lost_when_gone);
        let persons = self.is_persons(&file.path);
        ReviewFile {
            rejectable: can_go && !persons,
            persons,
            restorable: can_go && after.is_none_or(|state| state.kept),
            before: hash(before),
            after: hash(after),
            by_command: doing.by_command,
            turn: doing.turn,
            renamed_from,
            reviewed: false,
            again: None,
            file,
        }
    }

    /// Whether nothing of a touched file's change is the agent's.
    pub fn is_persons(&self, path: &ProjectPath) -> bool {
        let accepted = self.standing().of(path, &self.tree);
        let same = match (&accepted.state, self.tree.now_of(path)) {
            (Some(accepted), Some(now)) => accepted.same(now),
            (accepted, now) => accepted.is_none() && now.is_none(),
        };
        same && accepted.mixed.is_none() && self.standing().move_of(path).is_none()
    }

    /// Lines that the agent added and removed, where people edited the file too: the
    /// row of it is about the agent's part.
    pub fn agents_lines(&self, file: &TouchedFile) -> Option<(usize, usize)> {
        let accepted = self.standing().of(&file.path, &self.tree).state;
        let is_base = match (&accepted, self.tree.base_of(&file.path)) {
            (Some(accepted), Some(base)) => accepted.same(base),
            (accepted, base) => accepted.is_none() && base.is_none(),
        };
        if is_base || file.binary {
            return None;
        }
        let hunks = self.hunks(&file.path).ok()?;
        let added = hunks.iter().map(|hunk| hunk.after.len()).sum();
        Some((added, hunks.iter().map(|hunk| hunk.before.len()).sum()))
    }

    fn doings(&self) -> BTreeMap<ProjectPath, Doing> {
        let mut doings: BTreeMap<ProjectPath, Doing> = BTreeMap::new();
        for step in self.history.steps.iter().filter(|step| step.turn().is_some()) {
            for change in &step.changes {
                let doing = doings.entry(change.path.clone()).or_default();
                doing.by_command |= step.circumstance.by_command;
                doing.turn = step.turn();
            }
        }
        doings
    }

    /// The diff of one file against the base; show it escaped.
    ///
    /// # Errors
    /// When one side was not kept or is damaged.
    pub fn diff(&self, path: &ProjectPath) -> Result<FileDiff, SessionError> {
        match self.renamed_from(path) {
            Some(old) => {
                let diff = diff_of(path, self.sides(path)?);
                Ok(FileDiff { unified: with_old_name(diff.unified, old), ..diff })
            }
            None => self.tree.diff(path, &self.blobs),
        }
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
        let accepted = self.standing().of(path, &self.tree).state;
        Ok((
            content(path, accepted.as_ref(), &self.blobs)?,
            content(path, self.tree.now_of(path), &self.blobs)?,
        ))
    }
}

/// A row of what a reject took away: from what it left to what was there.
fn rejected_file(
    path: &ProjectPath,
    change: ChangeKind,
    taken: &Change,
    renamed_from: Option<ProjectPath>,
) -> ReviewFile {
    let hash = |state: &Option<FileState>| state.as_ref().map(|state| state.hash.to_string());
    let (added, removed, binary) = (0, 0, false);
    ReviewFile {
        file: TouchedFile { path: path.clone(), change, added, removed, binary },
        restorable: true,
        rejectable: true,
        persons: false,
        before: hash(&taken.after),
        after: hash(&taken.before),
        by_command: false,
        turn: None,
        renamed_from,
        reviewed: false,
        again: None,
    }
}

#[expect(clippy::disallowed_methods, reason = "compared; the diff is untrusted again")]
fn diff_of(path: &ProjectPath, (before, after): Sides) -> FileDiff {
    let side = |side: &Option<Untrusted<Vec<u8>>>| side.as_ref().map(|side| side.expose().clone());
    kode_edit::diff(path, side(&before).as_deref(), side(&after).as_deref())
}

/// The diff of a renamed file names both in its head.
#[expect(clippy::disallowed_methods, reason = "its head is exchanged; it stays untrusted")]
fn with_old_name(unified: Untrusted<String>, old: &ProjectPath) -> Untrusted<String> {
    let of_old = kode_edit::diff(old, Some(b"x\n"), None).unified;
    let heads = (of_old.expose().split_once('\n'), unified.expose().split_once('\n'));
    match heads {
        (Some((head, _)), Some((_, rest))) => Untrusted::new(format!("{head}\n{rest}")),
        _ => unified,
    }
}
