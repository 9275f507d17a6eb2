//! What the interactive review asks for, done with the session's own record:
//! lists, sides of files, rejects and their undo. Every change goes through
//! the gate as a person's action.

mod conflict;

use kode_agent::StepDesk;
use kode_audit::Digest;
use kode_base::{ChangeKind, Event, ProjectPath, Untrusted};
use kode_sandbox::ProjectFiles;
use kode_session::merge::hunks;
use kode_session::review::{Review, ReviewFile, ReviewTurn};
use kode_session::{MeetingShown, SessionError, SessionStore, StepId, UndoTarget};
use kode_tui::{Change, Done, FileContents, FileEntry, Hunk, Input, Inputs, Met, TurnEntry};

use self::conflict::{explained, explained_by_itself};
use super::reviewing::{Reviewing, wishes_left};
use crate::failure::Failure;
use crate::places::Places;

/// One session's changes, as the interface asks for them.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) places: Places,
    pub(super) session: String,
    pub(super) inputs: Inputs,
}

impl Desk {
    /// Sends the whole list of touched files.
    pub(super) fn send_files(&self) {
        match self.files() {
            Ok(Listed { files, rejected, turns }) => {
                self.inputs.send(Input::Turns(turns));
                self.inputs.send(Input::Rejected(rejected));
                self.inputs.send(Input::Files(files));
            }
            Err(failure) => self.inputs.send(Input::Notice(failure.into_parts().0)),
        }
    }

    /// Sends both sides of a file. `is_idle`: no run holds the session, so that
    /// a person's edit since can be recorded first.
    pub(super) fn send_contents(&self, path: ProjectPath, is_idle: bool) {
        let contents = self.shown(&path, is_idle).map_err(|failure| failure.into_parts().0);
        self.inputs.send(Input::Contents { path, contents });
    }

    /// What is shown is what is on the disk, by its hash, or the screen says so.
    fn shown(&self, path: &ProjectPath, is_idle: bool) -> Result<FileContents, Failure> {
        let files = ProjectFiles::open(&self.places.project_root()?)?;
        let mut review = self.review()?;
        let mut is_on_disk = review.is_on_disk(path, &files)?;
        if !is_on_disk && is_idle {
            self.note_edits()?;
            review = self.review()?;
            is_on_disk = review.is_on_disk(path, &files)?;
            self.send_files();
        }
        let mut shown = contents(&review, path)?;
        shown.note = match is_on_disk {
            true => about(&mut review, path).or_else(|| by_command(&review, path)),
            false => Some(NEWER.to_owned()),
        };
        Ok(shown)
    }

    /// The session, when no run holds it.
    fn opened(&self) -> Result<Reviewing, Failure> {
        let mut reviewing = Reviewing::open(Some(&self.session))?;
        if let Some(text) = reviewing.notice.take() {
            self.inputs.send(Input::Notice(text));
        }
        Ok(reviewing)
    }

    /// Records what a person edited since the last look.
    fn note_edits(&self) -> Result<(), Failure> {
        let mut reviewing = self.opened()?;
        match reviewing.session.note_persons_edits(&reviewing.files) {
            // Nothing was changed yet.
            Err(SessionError::NoBase) => Ok(()),
            noted => Ok(noted?),
        }
    }

    /// Tells what a person had asked for and a killed kode did not do.
    pub(super) fn tell_wishes_left(&self) {
        let store = SessionStore::open(&self.places.kode_home).ok();
        if let Some(text) = store.and_then(|store| wishes_left(&store, &self.session)) {
            self.inputs.send(Input::Done(Err(text)));
        }
    }

    /// Looks at the disk, then sends the list.
    pub(super) fn refresh(&self, is_idle: bool) {
        if is_idle && let Err(failure) = self.note_edits() {
            self.inputs.send(Input::Notice(failure.into_parts().0));
        }
        self.send_files();
    }

    /// Sends what happened in the session so far.
    pub(super) fn send_past(&self) {
        match self.review().and_then(|review| Ok(review.events()?)) {
            Ok(events) => self.inputs.send(Input::Past(events)),
            Err(failure) => self.inputs.send(Input::Notice(failure.into_parts().0)),
        }
    }

    /// Sends what the newest round of the gate found.
    pub(super) fn send_findings(&self) {
        let events = self.review().and_then(|review| Ok(review.events()?)).unwrap_or_default();
        let gate = events.into_iter().rev().find(|event| matches!(event, Event::Gate { .. }));
        if let Some(gate) = gate {
            self.inputs.send(Input::Event(Box::new(gate)));
        }
    }

    /// Remembers a mark; one that is lost costs a look.
    pub(super) fn mark(&self, path: &ProjectPath, state: &str, reviewed: bool) {
        let store = SessionStore::open(&self.places.kode_home);
        let marked =
            store.and_then(|store| store.mark_reviewed(&self.session, path, state, reviewed));
        if let Err(error) = marked {
            self.inputs.send(Input::Notice(format!("the mark was not kept: {error}")));
        }
    }

    /// Makes a change, then sends what there is afterwards; returns the files
    /// that were written. Nobody else may hold the session.
    pub(super) fn apply(&self, change: &Change) -> Vec<ProjectPath> {
        let outcome = self.opened().and_then(|mut reviewing| {
            let mut gate = reviewing.gate()?;
            let Reviewing { session, files, .. } = &mut reviewing;
            self.changed(change, StepDesk { session, files, gate: &mut gate })
        });
        self.conclude(change, outcome)
    }

    /// The same between two steps of a run, which holds the session.
    pub(super) fn apply_within(&self, change: &Change, desk: StepDesk<'_>) -> Vec<ProjectPath> {
        let outcome = self.changed(change, desk);
        self.conclude(change, outcome)
    }

    fn conclude(&self, change: &Change, outcome: Result<Outcome, Failure>) -> Vec<ProjectPath> {
        let (paths, not_done) = match outcome {
            Ok(outcome) => outcome,
            Err(failure) => (Vec::new(), vec![failure.into_parts().0]),
        };
        let (change, written) = (change.clone(), paths.clone());
        self.inputs.send(Input::Done(Ok(Done { change, paths: written, not_done })));
        self.send_files();
        paths
    }

    fn review(&self) -> Result<Review, Failure> {
        Ok(SessionStore::open(&self.places.kode_home)?.review(&self.session)?)
    }

    fn files(&self) -> Result<Listed, Failure> {
        let mut review = self.review()?;
        let mut files = review.report().files;
        for ReviewFile { file, .. } in &mut files {
            if let Some((added, removed)) = review.agents_lines(file) {
                (file.added, file.removed) = (added, removed);
            }
        }
        let files = files.into_iter().map(entry).collect();
        let rejected = review.rejected().into_iter().map(entry).collect();
        Ok(Listed { files, rejected, turns: review.turns().into_iter().map(turn).collect() })
    }

    /// Does what the person wants, with the session and gate of `desk`.
    fn changed(&self, change: &Change, desk: StepDesk<'_>) -> Result<Outcome, Failure> {
        let StepDesk { session, files, gate } = desk;
        let restored = match change {
            Change::RejectFile(path) => {
                session.note_persons_edits(files)?;
                session
                    .reject(path, files, gate)
                    .map_err(|error| self.explained_by_review(error, path))?
            }
            Change::RejectTurn { turn, .. } => {
                session.reject_turn(StepId(*turn), files, gate).map_err(explained_by_itself)?
            }
            Change::RejectHunk { path, hunk, version } => {
                let review = self.review()?;
                let path = &review.followed(path);
                let shown = contents(&review, path)?;
                if shown.version != *version {
                    let text = format!("{path} changed since it was shown; look at it again");
                    return Err(Failure::error(text));
                }
                session
                    .reject_hunks(path, &[*hunk], files, gate)
                    .map_err(|error| explained(error, &shown, *hunk, files))?
            }
            Change::RejectRun => {
                session.note_persons_edits(files)?;
                session.reject_possible(files, gate)?
            }
            Change::UndoReject(path) => {
                session.undo(&UndoTarget::Reject(path.clone()), files, gate)?
            }
            Change::UndoNewestReject => session.undo(&UndoTarget::NewestReject, files, gate)?,
            Change::Undo => session.undo(&UndoTarget::Last, files, gate)?,
            Change::Redo => session.redo(files, gate)?,
        };
        Ok((restored.paths, restored.not_done))
    }

    /// The failure, with the three texts where a person edited the agent's lines.
    fn explained_by_review(&self, error: SessionError, path: &ProjectPath) -> Failure {
        let met = match &error {
            SessionError::Mixed { .. } => self.review().ok().and_then(|review| met(&review, path)),
            _ => None,
        };
        match met {
            Some(met) => conflict::told(&error, &met),
            None => error.into(),
        }
    }
}

/// What the sidebar is told.
struct Listed {
    files: Vec<FileEntry>,
    rejected: Vec<FileEntry>,
    turns: Vec<TurnEntry>,
}

/// The files that were written, and what could not be done.
type Outcome = (Vec<ProjectPath>, Vec<String>);

/// A change in words, for the note of one that waits.
pub(super) fn wished(change: &Change) -> String {
    match change {
        Change::RejectFile(path) => format!("reject {path}"),
        Change::RejectHunk { path, hunk, .. } => format!("reject hunk {} of {path}", hunk + 1),
        Change::RejectTurn { number, .. } => format!("reject the agent's turn {number}"),
        Change::RejectRun => "reject every file".to_owned(),
        Change::UndoReject(path) => format!("bring back {path}"),
        Change::UndoNewestReject => "bring back what was rejected last".to_owned(),
        Change::Undo => "take the agent's newest step back".to_owned(),
        Change::Redo => "bring the newest step back".to_owned(),
    }
}

/// The file is newer than what is shown: an edit that no step has met yet.
const NEWER: &str = "edited on the disk since the agent's last step";

fn turn(turn: ReviewTurn) -> TurnEntry {
    let ReviewTurn { id, number, time, paths } = turn;
    let time = time.get(11..16).map_or(String::new(), |time| format!("{time} UTC"));
    TurnEntry { id: id.0, number, time, paths }
}

fn entry(file: ReviewFile) -> FileEntry {
    let state = file.state();
    FileEntry {
        by_command: file.by_command,
        renamed: file.renamed_from,
        reviewed: file.reviewed,
        again: file.again,
        // Of a person's own file the reject itself says that there is nothing to put back.
        ..FileEntry::new(file.file, file.rejectable || file.persons, state)
    }
}

/// The file's change is a person's from one end to the other.
const PERSONS: &str = "yours alone: the agent changed nothing in it";

/// What the two sides don't show.
fn about(review: &mut Review, path: &ProjectPath) -> Option<String> {
    let kind = review.change_of(path)?;
    if review.is_persons(path) {
        return Some(PERSONS.to_owned());
    }
    let may_be_renamed = matches!(kind, ChangeKind::New | ChangeKind::Deleted);
    if !may_be_renamed && !review.has_rejects() {
        return about_kind(kind);
    }
    let report = review.report();
    let file = report.files.into_iter().find(|file| file.file.path == *path)?;
    match (file.renamed_from, file.again) {
        (Some(old), _) if file.before == file.after => {
            Some(format!("was {old}: renamed, nothing else; x gives the old name back"))
        }
        (Some(old), _) => Some(format!("was {old}: renamed, with edits")),
        (None, Some(line)) => Some(format!("holds what you rejected again, line {line}")),
        (None, None) => about_kind(file.file.change),
    }
}

/// Nothing tells a command's writes from those of others at the same time.
fn by_command(review: &Review, path: &ProjectPath) -> Option<String> {
    let text = "changed while a command ran";
    review.is_by_command(path).then(|| text.to_owned())
}

fn about_kind(kind: ChangeKind) -> Option<String> {
    match kind {
        ChangeKind::Mode => Some("only its permissions changed".to_owned()),
        ChangeKind::Symlink => Some("a symbolic link; its text is what it leads to".to_owned()),
        _ => None,
    }
}

#[expect(clippy::disallowed_methods, reason = "only line numbers come out")]
fn contents(review: &Review, path: &ProjectPath) -> Result<FileContents, SessionError> {
    let (before, after) = review.sides(path)?;
    let [old, new] = [&before, &after]
        .map(|side| side.as_ref().map(|side| side.expose().as_slice()).unwrap_or_default());
    let hunks = hunks(old, new);
    let hunks = hunks.into_iter().map(|hunk| Hunk { before: hunk.before, after: hunk.after });
    let version = format!("{} {}", hash(before.as_ref()), hash(after.as_ref()));
    let met = met(review, path).map(Box::new);
    Ok(FileContents { version, hunks: hunks.collect(), before, after, note: None, met })
}

/// Where the person's edit met the agent's lines, if it did.
fn met(review: &Review, path: &ProjectPath) -> Option<Met> {
    Some(met_of(path, review.meeting(path).ok()??))
}

fn met_of(path: &ProjectPath, meeting: MeetingShown) -> Met {
    let place = format!("{path}{}", meeting.lines);
    let parts = [meeting.before, meeting.agents, meeting.edited];
    Met { place, parts }
}

#[expect(clippy::disallowed_methods, reason = "only its hash comes out")]
fn hash(side: Option<&Untrusted<Vec<u8>>>) -> String {
    side.map_or_else(|| "none".to_owned(), |side| Digest::of(side.expose()).to_string())
}
