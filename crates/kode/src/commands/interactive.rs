//! `kode` alone: the interactive session. The screen runs on this thread; one
//! thread works off messages and changes in the order they came, so that a
//! change asked for while the agent works is made when its run ends; one looks
//! files up meanwhile.

mod asker;
mod worker;

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use kode_base::{ExitStatus, Interrupt, ProjectPath};
use kode_tui::{Answer, App, Command, Input, Inputs, Mode};

use self::worker::{Job, Worker};
use super::desk::Desk;
use super::review_screen::{is_possible, leave_on_signals, theme};
use super::run::prepare;
use crate::cli::{InteractiveArguments, RunArguments};
use crate::failure::Failure;
use crate::places::Places;

/// A second interrupt within this time ends the run.
const TWICE: Duration = Duration::from_secs(2);
/// How long a run may take to end when the person leaves. What it did is on the
/// disk in any case.
const FAREWELL: Duration = Duration::from_secs(5);

/// What the threads share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) places: Places,
    pub(super) inputs: Inputs,
    /// The session, once the first message has begun one.
    session: Arc<Mutex<Option<String>>>,
    /// The interrupt of the run that goes on.
    interrupt: Arc<Mutex<Interrupt>>,
}

impl Shared {
    /// The desk of the session, once there is one.
    pub(super) fn desk(&self) -> Option<Desk> {
        let session = lock(&self.session).clone()?;
        Some(Desk { places: self.places.clone(), session, inputs: self.inputs.clone() })
    }

    pub(super) fn session(&self) -> Option<String> {
        lock(&self.session).clone()
    }

    pub(super) fn set_session(&self, session: &str) {
        *lock(&self.session) = Some(session.to_owned());
    }

    /// A fresh interrupt for the next run.
    pub(super) fn next_interrupt(&self) -> Interrupt {
        let interrupt = Interrupt::new();
        *lock(&self.interrupt) = interrupt.clone();
        interrupt
    }
}

/// What another thread left behind when it panicked is still the newest state.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens the session and runs it until the person leaves.
pub(super) fn run(arguments: InteractiveArguments) -> Result<ExitStatus, Failure> {
    if !is_possible() {
        let failure = Failure::new(ExitStatus::Usage, "the interactive session needs a terminal");
        return Err(failure.hint("`kode run TASK` works without one; `kode --help` shows the rest"));
    }
    let arguments = RunArguments::from(arguments);
    let places = Places::from_environment()?;
    // What is missing is said before the screen opens.
    let (_, settings, _) = prepare(&arguments, &places)?;
    let (inputs, wakes) = kode_tui::channel();
    if settings.no_sandbox {
        let text = "the sandbox is off: commands run on the bare host with your rights";
        inputs.send(Input::Notice(text.to_owned()));
    }
    leave_on_signals(&inputs)?;
    let shared = Shared {
        places,
        inputs: inputs.clone(),
        session: Arc::default(),
        interrupt: Arc::new(Mutex::new(Interrupt::new())),
    };
    let mut ends = Ends::start(&shared, arguments)?;
    let app = App::new(Mode::Session, theme());
    let shown = kode_tui::run(app, &inputs, &wakes, |command| ends.handle(&shared, command));
    let was_whole = ends.leave(&shared);
    if let Some(session) = shared.session() {
        tell!("session {session}");
        tell!("go on with it: kode continue --id {session} TASK");
    }
    shown?;
    match was_whole {
        true => Ok(ExitStatus::Success),
        false => Err(Failure::error("the agent's thread failed; what it did is saved")),
    }
}

/// The screen's ends of the channels to the threads.
struct Ends {
    jobs: Sender<Job>,
    loads: Sender<ProjectPath>,
    answers: Sender<(u64, Answer)>,
    /// Says that the worker has ended; hangs up when it panicked.
    worker: Receiver<()>,
    interrupted: Option<Instant>,
}

impl Ends {
    fn start(shared: &Shared, arguments: RunArguments) -> Result<Self, Failure> {
        let (jobs, waiting) = channel();
        let (loads, wanted) = channel();
        let (answers, given) = channel();
        let (alive, worker) = channel();
        let mut work = Worker::new(shared.clone(), arguments, given);
        let watch = LeaveOnPanic(shared.inputs.clone());
        let run = move || {
            let _watch = watch;
            work.work(&waiting);
            // Nobody waits where the screen gave up waiting.
            let _ = alive.send(());
        };
        thread::Builder::new().name("agent".to_owned()).spawn(run)?;
        let desk = shared.clone();
        thread::Builder::new().name("desk".to_owned()).spawn(move || look_up(&desk, &wanted))?;
        Ok(Self { jobs, loads, answers, worker, interrupted: None })
    }

    fn handle(&mut self, shared: &Shared, command: Command) {
        // Each thread lives as long as this end of its channel.
        let _ = match command {
            Command::Send(message) => self.jobs.send(Job::Message(message)).is_ok(),
            Command::Change(change) => self.jobs.send(Job::Change(change)).is_ok(),
            Command::Load(path) => self.loads.send(path).is_ok(),
            Command::Answer { question, answer } => self.answers.send((question, answer)).is_ok(),
            Command::Interrupt => self.interrupt(shared),
            Command::Quit => true,
        };
    }

    fn interrupt(&mut self, shared: &Shared) -> bool {
        let interrupt = lock(&shared.interrupt).clone();
        interrupt.raise();
        if self.interrupted.is_some_and(|before| before.elapsed() < TWICE) {
            interrupt.raise();
        }
        self.interrupted = Some(Instant::now());
        true
    }

    /// Ends the run that goes on, and waits a little for it. Whether the worker
    /// was still there.
    fn leave(self, shared: &Shared) -> bool {
        let Self { jobs, worker, .. } = self;
        let interrupt = lock(&shared.interrupt).clone();
        interrupt.raise();
        interrupt.raise();
        let _ = jobs.send(Job::Leave);
        worker.recv_timeout(FAREWELL) != Err(RecvTimeoutError::Disconnected)
    }
}

/// Closes the screen when the thread that holds it panics: nobody would answer
/// any more.
struct LeaveOnPanic(Inputs);

impl Drop for LeaveOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.send(Input::Quit);
        }
    }
}

/// Looks up what the screen wants to show, the newest wish only.
fn look_up(shared: &Shared, wanted: &Receiver<ProjectPath>) {
    while let Ok(path) = wanted.recv() {
        let newest = wanted.try_iter().last().unwrap_or(path);
        if let Some(desk) = shared.desk() {
            desk.send_contents(newest);
        }
    }
}
