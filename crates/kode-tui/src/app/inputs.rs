//! What the interface learns from the binary.

use kode_base::Event;

use super::{App, Refused, Shown};
use crate::approval::Dialog;
use crate::diff::Diff;
use crate::exchange::{Change, Command, Done, FileContents, FileEntry, Input};
use crate::files::FileList;
use crate::transcript::{Kind, Transcript};

/// How the agent's notice of an interrupted step begins.
const STEP_INTERRUPTED: &str = "step interrupted";

/// How a model is named on the screen: one that follows a script is told from others.
pub fn model_name(model: &str, is_scripted: bool) -> String {
    match is_scripted && model != "scripted" {
        true => format!("{model} (scripted)"),
        false => model.to_owned(),
    }
}

impl App {
    /// Takes an input.
    pub fn input(&mut self, input: Input) {
        match input {
            Input::Event(event) => self.event(&event),
            Input::Files(entries) => {
                self.is_listed = true;
                self.files.replace(entries);
                self.load();
            }
            Input::Contents { path, contents } => self.contents(path, contents),
            Input::Question(question) => self.dialog = Some(Dialog::new(*question)),
            Input::Newer(paths) => self.files.set_newer(paths),
            Input::QuestionOver(id) => {
                if self.dialog.as_ref().is_some_and(|dialog| dialog.question.id == id) {
                    self.dialog = None;
                }
            }
            Input::Done(Ok(done)) => self.done(&done),
            Input::Done(Err(why)) => {
                self.files.nothing_queued();
                self.refused = Some(Refused::wholly(why));
                self.load();
            }
            Input::Rejected(entries) => self.files.set_rejected(entries),
            Input::Turns(turns) => self.set_turns(turns),
            Input::Taken => {
                if let Some(text) = self.pending.pop_front() {
                    self.transcript.user(&text);
                }
                self.is_working = true;
            }
            Input::RunEnded => {
                self.interrupted();
                self.is_working = !self.pending.is_empty();
                self.status.turn = 0;
                self.completion.forget_files();
            }
            Input::Past(events) => self.past(&events),
            Input::Opened(session) => self.opened(session),
            Input::Model(name) => {
                self.transcript
                    .note(format!("model: {name}, from the next message on"), Kind::Plain);
                self.status.model = name;
            }
            Input::ProjectFiles(files) => {
                self.completion.set_files(&files);
                self.complete();
            }
            Input::Scanned { findings, files, unscanned } => {
                self.files.set_findings(findings.iter().map(|finding| finding.path.clone()));
                self.transcript.scanned(&findings, files, unscanned);
            }
            Input::Notice(text) => self.transcript.note(text, Kind::Plain),
            Input::Quit => self.command(Command::Quit),
        }
    }

    /// Another session, or none yet.
    fn opened(&mut self, session: String) {
        self.transcript = Transcript::default();
        self.files = FileList::default();
        (self.turns, self.chosen_turn, self.is_listed) = (Vec::new(), None, session.is_empty());
        (self.status.gate, self.status.tokens, self.shown) = (None, None, Shown::Nothing);
        self.status.session = session;
        self.show_transcript();
    }

    /// What happened before, as if it had been watched.
    fn past(&mut self, events: &[Event]) {
        for event in events {
            match event {
                Event::UserMessage { text } => {
                    self.transcript.user(text);
                    self.prompt.remember(text);
                }
                // What there is now comes with the list.
                Event::FileTouched { .. } => {}
                event => self.event(event),
            }
        }
        self.status.turn = 0;
        if !events.is_empty() {
            self.transcript.note("what follows is new", Kind::Plain);
        }
    }

    fn contents(&mut self, path: kode_base::ProjectPath, contents: Result<FileContents, String>) {
        let wanted = self.files.current().map(|row| row.entry.file.path.clone());
        if wanted.as_ref() != Some(&path) {
            return;
        }
        let place = match &self.shown {
            Shown::Diff(diff) if diff.path == path => Some((diff.top, diff.skip, diff.hunk)),
            _ => None,
        };
        self.shown = match contents {
            Err(why) => Shown::Failed { path, why },
            Ok(contents) => {
                let mut diff = Diff::new(path, contents);
                if let Some((top, skip, hunk)) = place {
                    diff.set_layout(self.layout(self.areas.main.width));
                    diff.hunk = hunk.min(diff.hunks().saturating_sub(1));
                    (diff.top, diff.skip) = (top.min(diff.rows().len().saturating_sub(1)), skip);
                }
                Shown::Diff(Box::new(diff))
            }
        };
    }

    fn done(&mut self, done: &Done) {
        self.files.done(done);
        if done.paths.is_empty() {
            self.refused = Some(Refused::wholly(done.not_done.join("\n")));
            return self.load();
        }
        let files = match done.paths.as_slice() {
            [path] => path.to_string(),
            [one, other] => format!("{one} and {other}"),
            paths => format!("{} files", paths.len()),
        };
        let text = match &done.change {
            Change::RejectFile(_) | Change::RejectTurn { .. } | Change::RejectRun => {
                format!("rejected {files}; u brings it back")
            }
            Change::RejectHunk { hunk, .. } => {
                format!("rejected hunk {} of {files}; u brings it back", hunk + 1)
            }
            Change::UndoReject(_) | Change::UndoNewestReject => format!("brought back {files}"),
            Change::Undo => format!("took the agent's newest step back: {files}"),
            Change::Redo => format!("brought the step back: {files}"),
        };
        self.transcript.note(text.clone(), Kind::Plain);
        if !done.not_done.is_empty() {
            let why = done.not_done.join("\n");
            self.transcript.note(why.clone(), Kind::Plain);
            self.refused = Some(Refused { headline: format!("{text}, but:"), why });
        }
        self.say(text);
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::RunStarted { session, model, sandbox, scripted, .. } => {
                session.clone_into(&mut self.status.session);
                sandbox.clone_into(&mut self.status.sandbox);
                self.status.model = model_name(model, *scripted);
                self.transcript.set_sandbox(sandbox);
            }
            Event::TurnStarted { turn } => {
                self.status.turn = *turn;
                self.interrupted();
            }
            Event::Notice { text } if text.starts_with(STEP_INTERRUPTED) => {
                self.interrupted();
                // The notice names the one key that `kode run` knows.
                let text = format!("{STEP_INTERRUPTED}; Esc or Ctrl-C twice ends the run");
                return self.transcript.note(text, Kind::Plain);
            }
            Event::Findings { findings } => {
                self.files.set_findings(findings.iter().map(|finding| finding.path.clone()));
            }
            Event::Gate { colour, findings, .. } => {
                self.status.gate = Some(*colour);
                self.files.set_findings(findings.iter().map(|finding| finding.path.clone()));
            }
            Event::FileTouched { file } => {
                // What is there now is looked up when it is shown.
                let state = format!("{:?} +{} -{}", file.change, file.added, file.removed);
                let path = file.path.clone();
                self.files.touch(FileEntry::new(file.clone(), true, state));
                if self.files.current().is_some_and(|row| row.entry.file.path == path) {
                    self.load();
                }
            }
            Event::RunFinished { usage, .. } => {
                self.interrupted();
                let (input, output) = self.status.tokens.unwrap_or_default();
                let add = |one: kode_base::TokenCount, two: kode_base::TokenCount| {
                    kode_base::TokenCount(one.0.saturating_add(two.0))
                };
                self.status.tokens = Some((add(input, usage.input), add(output, usage.output)));
            }
            _ => {}
        }
        self.transcript.event(event);
    }
}
