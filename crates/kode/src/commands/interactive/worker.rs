//! Works off what the person asked for, one after the other: messages for the
//! agent, and changes of files. Between two messages nobody else has the
//! session.

use std::collections::BTreeSet;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};

use kode_agent::{Observer, RunEnd, RunReport};
use kode_base::{Event, ProjectPath, Untrusted};
use kode_gate::GateMemory;
use kode_tui::{Answer, Change, Input, UserMessage};

use super::Shared;
use super::asker::{Answers, Asker};
use crate::cli::RunArguments;
use crate::commands::run::prepare;
use crate::failure::Failure;
use crate::wiring::{Prepared, RunRequest, Start, run_agent};

/// Something to do.
pub(super) enum Job {
    Message(UserMessage),
    Change(Change),
    Leave,
}

/// Does the jobs.
pub(super) struct Worker {
    shared: Shared,
    arguments: RunArguments,
    answers: Arc<Mutex<Answers>>,
    /// What the model does not know yet: the person took something back.
    untold: Vec<String>,
    /// What the gates of the messages before learned.
    memory: GateMemory,
    /// Notices that were shown before.
    noticed: BTreeSet<String>,
}

impl Worker {
    pub(super) fn new(
        shared: Shared,
        arguments: RunArguments,
        given: Receiver<(u64, Answer)>,
    ) -> Self {
        let answers = Arc::new(Mutex::new(Answers { given, next: 0 }));
        Self {
            shared,
            arguments,
            answers,
            untold: Vec::new(),
            memory: GateMemory::default(),
            noticed: BTreeSet::new(),
        }
    }

    pub(super) fn work(&mut self, waiting: &Receiver<Job>) {
        while let Ok(job) = waiting.recv() {
            match job {
                Job::Message(message) => self.message(message),
                Job::Change(change) => self.change(&change),
                Job::Leave => return,
            }
        }
    }

    fn change(&mut self, change: &Change) {
        match self.shared.desk() {
            Some(desk) => {
                let paths = desk.apply(change);
                self.untold.extend(told(change, &paths));
            }
            None => {
                let why = "nothing was changed in this session yet".to_owned();
                self.shared.inputs.send(Input::Done(Err(why)));
            }
        }
    }

    fn message(&mut self, message: UserMessage) {
        let inputs = self.shared.inputs.clone();
        match self.run(message) {
            Ok(report) => {
                if let Some(why) = ending(&report) {
                    inputs.send(Input::Notice(why));
                }
            }
            Err(failure) => {
                let (what, hint) = failure.into_parts();
                let hint = hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
                inputs.send(Input::Notice(format!("{what}{hint}")));
            }
        }
        inputs.send(Input::RunEnded);
        if let Some(desk) = self.shared.desk() {
            desk.send_files();
        }
    }

    fn run(&mut self, message: UserMessage) -> Result<RunReport, Failure> {
        let interrupt = self.shared.next_interrupt();
        let places = self.shared.places.clone();
        let (root, settings, provider) = prepare(&self.arguments, &places)?;
        let mut data = message.pasted;
        if !self.untold.is_empty() {
            let text = self.untold.join("\n");
            data.insert(0, ("the user's review".to_owned(), Untrusted::from(text)));
        }
        let start = match self.shared.session() {
            Some(session) => Start::Saved(Some(session)),
            None => Start::Fresh,
        };
        let request = RunRequest {
            start,
            task: message.text,
            data,
            role: self.arguments.system.clone(),
            read_agents_md: !self.arguments.no_agents,
        };
        let asker = Asker {
            inputs: self.shared.inputs.clone(),
            answers: Arc::clone(&self.answers),
            interrupt: interrupt.clone(),
        };
        let approver = Box::new(asker);
        let memory = self.memory.clone();
        let prepared = Prepared { places, root, settings, provider, interrupt, approver, memory };
        let mut forward = Forward { shared: &self.shared, noticed: &mut self.noticed };
        let report = run_agent(prepared, request, &mut forward)?;
        self.untold.clear();
        Ok(report)
    }
}

/// Hands events to the screen.
struct Forward<'a> {
    shared: &'a Shared,
    noticed: &'a mut BTreeSet<String>,
}

impl Observer for Forward<'_> {
    fn observe(&mut self, event: &Event) {
        match event {
            Event::RunStarted { session, .. } => self.shared.set_session(session),
            // Each message begins a run, and each run says the same again.
            Event::Notice { text } if !self.noticed.insert(text.clone()) => return,
            _ => {}
        }
        self.shared.inputs.send(Input::Event(Box::new(event.clone())));
    }
}

/// What the model is told of a change that the person made.
fn told(change: &Change, paths: &[ProjectPath]) -> Option<String> {
    let names: Vec<&str> = paths.iter().map(|path| path.as_str()).collect();
    let files = names.join(", ");
    let text = match change {
        _ if paths.is_empty() => return None,
        Change::RejectFile(_) | Change::RejectRun => {
            format!("The user rejected your changes in: {files}. They are not there any more.")
        }
        Change::RejectHunk { hunk, .. } => {
            format!(
                "The user rejected your change number {} in {files}. It is not there any more.",
                hunk + 1
            )
        }
        Change::UndoReject(_) => {
            format!("The user brought your rejected changes back in: {files}.")
        }
        Change::Undo => format!("The user took your newest step back in: {files}."),
        Change::Redo => format!("The user brought your newest step back in: {files}."),
    };
    Some(text + " Do not repeat or revert this unless the user asks for it.")
}

/// Why a run did not end green, where its events do not say it.
fn ending(report: &RunReport) -> Option<String> {
    match &report.end {
        RunEnd::Provider(error) => {
            let hint = error.hint.as_ref().map(|hint| format!("\nhint: {hint}"));
            Some(format!("{}{}", error.message, hint.unwrap_or_default()))
        }
        RunEnd::Failed(why) | RunEnd::Denied { why } => Some(why.clone()),
        _ => None,
    }
}
