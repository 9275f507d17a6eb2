//! Works off what the person asked for, one after the other: messages for the
//! agent, changes of files, and the rest. While the agent works, changes and
//! messages are handed to it between two steps; all else waits for its end.

use std::collections::{BTreeSet, VecDeque};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};

use kode_agent::{Interjection, Observer, RunEnd, RunReport, StepDesk};
use kode_base::{Event, ExitStatus, Untrusted};
use kode_gate::GateMemory;
use kode_tui::{Answer, Change, Input, UserMessage};

use super::asker::{Answers, Asker};
use super::handed::handed_over;
use super::queued::Waiting;
use super::told::told;
use super::{Shared, lock};
use crate::cli::RunArguments;
use crate::commands::run::prepare;
use crate::container::KeptContainer;
use crate::failure::Failure;
use crate::wiring::{Prepared, RunRequest, Start, agent, run_agent};

/// Something to do.
pub(super) enum Job {
    Message(UserMessage),
    /// By its number, see [`Shared::take_queued`].
    Change(u64),
    Scan,
    Compact,
    Model(String),
    Sessions,
    Open(Option<String>),
    Leave,
}

/// Does the jobs.
pub(super) struct Worker {
    pub(super) shared: Shared,
    pub(super) arguments: RunArguments,
    waiting: Receiver<Job>,
    /// Came while the agent worked, and can't be done between two steps.
    later: VecDeque<Job>,
    answers: Arc<Mutex<Answers>>,
    /// What the model does not know yet: the person took something back.
    pub(super) untold: Vec<String>,
    /// What the gates of the messages before learned.
    pub(super) memory: GateMemory,
    /// Where the commands of all messages run, with `--sandbox`.
    pub(super) container: KeptContainer,
    /// Notices that were shown before.
    noticed: BTreeSet<String>,
}

impl Worker {
    pub(super) fn new(
        shared: Shared,
        arguments: RunArguments,
        waiting: Receiver<Job>,
        given: Receiver<(u64, Answer)>,
    ) -> Self {
        Self {
            shared,
            arguments,
            waiting,
            later: VecDeque::new(),
            answers: Arc::new(Mutex::new(Answers { given, next: 0 })),
            untold: Vec::new(),
            memory: GateMemory::default(),
            container: KeptContainer::default(),
            noticed: BTreeSet::new(),
        }
    }

    pub(super) fn work(&mut self) {
        while let Some(job) = self.later.pop_front().or_else(|| self.waiting.recv().ok()) {
            // Nobody else opens the session meanwhile.
            let busy = Arc::clone(&self.shared.busy);
            let _busy = lock(&busy);
            match job {
                Job::Message(message) => self.message(message),
                Job::Change(number) => {
                    if let Some(Waiting { change, wish }) = self.shared.take_queued(number) {
                        self.change(&change);
                        self.shared.end_wish(wish);
                    }
                }
                Job::Scan => self.say(|worker| worker.scan()),
                Job::Compact => self.say(Self::compact),
                Job::Model(name) => self.say(|worker| worker.choose_model(name)),
                Job::Sessions => self.say(|worker| worker.list_sessions()),
                Job::Open(session) => self.say(|worker| worker.open(session)),
                Job::Leave => break,
            }
        }
        self.container.end();
    }

    /// Does something, and says why it could not be done.
    fn say(&mut self, job: impl FnOnce(&mut Self) -> Result<(), Failure>) {
        if let Err(failure) = job(self) {
            self.notice_of(failure);
        }
    }

    fn notice_of(&self, failure: Failure) {
        let (what, hint) = failure.into_parts();
        let hint = hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        self.shared.inputs.send(Input::Notice(format!("{what}{hint}")));
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
        inputs.send(Input::Taken);
        match self.run(message) {
            Ok(report) => {
                if let Some(why) = ending(&report) {
                    inputs.send(Input::Notice(why));
                }
            }
            Err(failure) => self.notice_of(failure),
        }
        inputs.send(Input::RunEnded);
        if let Some(desk) = self.shared.desk() {
            desk.send_files();
        }
    }

    fn run(&mut self, message: UserMessage) -> Result<RunReport, Failure> {
        let (prepared, places) = self.prepared()?;
        let mut data = handed_over(message.pasted, &message.files, &places, &self.shared.inputs)?;
        if !self.untold.is_empty() {
            let text = self.untold.join("\n");
            data.insert(0, ("the user's review".to_owned(), Untrusted::from(text)));
        }
        let request = self.request(message.text, data);
        let mut forward = Forward {
            shared: &self.shared,
            waiting: &self.waiting,
            later: &mut self.later,
            noticed: &mut self.noticed,
        };
        let report = run_agent(prepared, request, &mut forward)?;
        self.untold.clear();
        Ok(report)
    }

    fn prepared(&self) -> Result<(Prepared, crate::places::Places), Failure> {
        let interrupt = self.shared.next_interrupt();
        let places = self.shared.places.clone();
        let (root, settings, provider) = prepare(&self.arguments, &places)?;
        let asker = Asker {
            shared: self.shared.clone(),
            answers: Arc::clone(&self.answers),
            interrupt: interrupt.clone(),
        };
        let (approver, memory) = (Box::new(asker), self.memory.clone());
        let known = places.clone();
        let prepared = Prepared {
            places,
            root,
            settings,
            provider,
            interrupt,
            approver,
            memory,
            container: self.arguments.container.clone(),
            context: self.arguments.context.clone(),
            kept: self.container.clone(),
        };
        Ok((prepared, known))
    }

    fn request(&self, task: String, data: Vec<(String, Untrusted<String>)>) -> RunRequest {
        let start = match self.shared.session() {
            Some(session) => Start::Saved(Some(session)),
            None => Start::Fresh,
        };
        let (role, read_agents_md) = (self.arguments.system.clone(), !self.arguments.no_agents);
        let may_change = self.arguments.may_change.clone();
        RunRequest { start, task, data, role, read_agents_md, may_change }
    }

    /// Shortens the saved conversation.
    fn compact(&mut self) -> Result<(), Failure> {
        if self.shared.session().is_none() {
            return Err(Failure::error("there is no conversation to shorten yet"));
        }
        let (prepared, _) = self.prepared()?;
        let request = self.request(String::new(), Vec::new());
        let mut forward = Forward {
            shared: &self.shared,
            waiting: &self.waiting,
            later: &mut self.later,
            noticed: &mut BTreeSet::new(),
        };
        agent(prepared, request, &mut forward)?
            .compact()
            .map_err(|why| Failure::new(ExitStatus::Error, why))
    }
}

/// Hands events to the screen, and the person's wishes to the agent.
struct Forward<'a> {
    shared: &'a Shared,
    waiting: &'a Receiver<Job>,
    later: &'a mut VecDeque<Job>,
    noticed: &'a mut BTreeSet<String>,
}

impl Observer for Forward<'_> {
    fn observe(&mut self, event: &Event) {
        match event {
            Event::RunStarted { session, .. } => self.shared.set_session(Some(session.clone())),
            // The screen shows them when they are taken.
            Event::UserMessage { .. } => return,
            // Each message begins a run, and each run says the same again.
            Event::Notice { text } if !self.noticed.insert(text.clone()) => return,
            Event::FileTouched { .. } => self.shared.want_files(),
            _ => {}
        }
        self.shared.inputs.send(Input::Event(Box::new(event.clone())));
    }

    fn between_steps(&mut self, desk: StepDesk<'_>) -> Vec<Interjection> {
        let StepDesk { session, files, gate } = desk;
        let mut heard = Vec::new();
        for job in self.waiting.try_iter() {
            match job {
                Job::Change(number) => {
                    let Some(desk) = self.shared.desk() else { continue };
                    let waiting = self.shared.take_queued(number);
                    let Some(Waiting { change, wish }) = waiting else { continue };
                    let step = StepDesk { session: &mut *session, files, gate: &mut *gate };
                    let paths = desk.apply_within(&change, step);
                    heard.extend(told(&change, &paths).map(Interjection::Note));
                    self.shared.end_wish(wish);
                }
                Job::Message(message) => {
                    self.shared.inputs.send(Input::Taken);
                    heard.push(self.heard(message));
                }
                other => self.later.push_back(other),
            }
        }
        heard
    }
}

impl Forward<'_> {
    fn heard(&self, message: UserMessage) -> Interjection {
        let UserMessage { text, pasted, files } = message;
        let (places, inputs) = (&self.shared.places, &self.shared.inputs);
        let data = handed_over(pasted, &files, places, inputs).unwrap_or_else(|failure| {
            inputs.send(Input::Notice(failure.into_parts().0));
            Vec::new()
        });
        Interjection::Message { text, data }
    }
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
