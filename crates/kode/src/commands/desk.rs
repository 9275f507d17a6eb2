//! What the interactive review asks for, done with the session's own record:
//! lists, sides of files, rejects and their undo. Every change goes through
//! the gate as a person's action.

mod conflict;

use kode_audit::Digest;
use kode_base::{ProjectPath, Untrusted};
use kode_session::review::Review;
use kode_session::{SessionError, SessionStore, UndoTarget};
use kode_tui::{Change, Done, FileContents, FileEntry, Hunk, Input, Inputs};

use self::conflict::explained;
use super::reviewing::Reviewing;
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
            Ok(files) => self.inputs.send(Input::Files(files)),
            Err(failure) => self.inputs.send(Input::Notice(failure.into_parts().0)),
        }
    }

    /// Sends both sides of a file.
    pub(super) fn send_contents(&self, path: ProjectPath) {
        let contents = self.review().and_then(|review| Ok(contents(&review, &path)?));
        let contents = contents.map_err(|failure| failure.into_parts().0);
        self.inputs.send(Input::Contents { path, contents });
    }

    /// Makes a change, then sends what there is afterwards; returns the files
    /// that were written.
    pub(super) fn apply(&self, change: &Change) -> Vec<ProjectPath> {
        let (paths, wrong) = match self.changed(change) {
            Ok(outcome) => outcome,
            Err(failure) => (Vec::new(), vec![failure.into_parts().0]),
        };
        if !paths.is_empty() {
            self.inputs
                .send(Input::Done(Ok(Done { change: change.clone(), paths: paths.clone() })));
        }
        if !wrong.is_empty() {
            self.inputs.send(Input::Done(Err(wrong.join("\n"))));
        }
        self.send_files();
        paths
    }

    fn review(&self) -> Result<Review, Failure> {
        Ok(SessionStore::open(&self.places.kode_home)?.review(&self.session)?)
    }

    fn files(&self) -> Result<Vec<FileEntry>, Failure> {
        let report = self.review()?.report();
        let entries = report.files.into_iter().map(|file| {
            let state = format!("{:?}", (&file.before, &file.after));
            FileEntry { file: file.file, restorable: file.restorable, state }
        });
        Ok(entries.collect())
    }

    /// The files that were written, and what could not be done.
    fn changed(&self, change: &Change) -> Result<(Vec<ProjectPath>, Vec<String>), Failure> {
        let mut reviewing = Reviewing::open(Some(&self.session))?;
        let mut gate = reviewing.gate()?;
        let Reviewing { session, files, .. } = &mut reviewing;
        let one = |path: &ProjectPath| (vec![path.clone()], Vec::new());
        match change {
            Change::RejectFile(path) => {
                session.note_persons_edits(files)?;
                session.reject(path, files, &mut gate)?;
                Ok(one(path))
            }
            Change::RejectHunk { path, hunk, version } => {
                let shown = contents(&self.review()?, path)?;
                if shown.version != *version {
                    let text = format!("{path} changed since it was shown; look at it again");
                    return Err(Failure::error(text));
                }
                session
                    .reject_hunks(path, &[*hunk], files, &mut gate)
                    .map_err(|error| explained(error, &shown, *hunk, files))?;
                Ok(one(path))
            }
            Change::RejectRun => {
                session.note_persons_edits(files)?;
                let (mut done, mut wrong) = (Vec::new(), Vec::new());
                for file in self.review()?.files() {
                    match session.reject(&file.path, files, &mut gate) {
                        Ok(()) => done.push(file.path),
                        // What is a person's alone stays.
                        Err(SessionError::NotTouched(_)) => {}
                        Err(error) => wrong.push(error.to_string()),
                    }
                }
                Ok((done, wrong))
            }
            Change::UndoReject(path) => {
                let target = UndoTarget::Reject(path.clone());
                Ok((session.undo(&target, files, &mut gate)?.paths, Vec::new()))
            }
            Change::Undo => {
                Ok((session.undo(&UndoTarget::Last, files, &mut gate)?.paths, Vec::new()))
            }
            Change::Redo => Ok((session.redo(files, &mut gate)?.paths, Vec::new())),
        }
    }
}

fn contents(review: &Review, path: &ProjectPath) -> Result<FileContents, SessionError> {
    let (before, after) = review.sides(path)?;
    let hunks = review.hunks(path)?;
    let hunks = hunks.into_iter().map(|hunk| Hunk { before: hunk.before, after: hunk.after });
    let version = format!("{} {}", hash(before.as_ref()), hash(after.as_ref()));
    Ok(FileContents { version, hunks: hunks.collect(), before, after })
}

#[expect(clippy::disallowed_methods, reason = "only its hash comes out")]
fn hash(side: Option<&Untrusted<Vec<u8>>>) -> String {
    side.map_or_else(|| "none".to_owned(), |side| Digest::of(side.expose()).to_string())
}
