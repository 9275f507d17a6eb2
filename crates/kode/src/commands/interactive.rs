//! `kode` alone, or `kode continue` without a task: the interactive session. The
//! screen runs on this thread; one thread works off messages and changes, those
//! that come while the agent works between two of its steps; one looks files up
//! meanwhile.

mod asker;
mod handed;
mod lookups;
mod newer;
mod queued;
mod sessions;
mod told;
mod worker;

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use kode_base::{ExitStatus, Interrupt, ProjectPath};
use kode_session::{SessionStore, WishId};
use kode_tui::{Answer, App, Change, Command, Input, Inputs, Mode};

use self::lookups::{Lookup, look_up};
use self::queued::{Queue, Waiting};
use self::worker::{Job, Worker};
use super::desk::{Desk, wished};
use super::editor::edit;
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
    /// Held while the worker may have the session open.
    pub(super) busy: Arc<Mutex<()>>,
    /// Changes that wait to be done.
    queued: Arc<Mutex<Queue>>,
    /// Where lookups are asked for.
    lookups: Sender<Lookup>,
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

    pub(super) fn set_session(&self, session: Option<String>) {
        *lock(&self.session) = session;
    }

    /// Notes a change that has to wait for the agent: a kill must not swallow it.
    fn note_wish(&self, change: &Change) -> Option<WishId> {
        if self.busy.try_lock().is_ok() {
            return None;
        }
        let store = SessionStore::open(&self.places.kode_home).ok()?;
        // Not noted, it is done all the same, unless kode is killed.
        store.note_wish(&self.session()?, &wished(change)).ok()
    }

    /// Notes that a change that waited was done or refused.
    pub(super) fn end_wish(&self, wish: Option<WishId>) {
        let (Some(wish), Some(session)) = (wish, self.session()) else { return };
        if let Ok(store) = SessionStore::open(&self.places.kode_home) {
            // At worst it is told once more.
            let _ = store.end_wish(&session, wish);
        }
    }

    /// Takes a change in that is to be done; its number.
    fn queue(&self, change: Change) -> u64 {
        let wish = self.note_wish(&change);
        lock(&self.queued).add(change, wish)
    }

    /// A change that is to be done now; none when the person does not want it any more.
    fn take_queued(&self, number: u64) -> Option<Waiting> {
        lock(&self.queued).take(number)
    }

    /// The person does not want what waits for this file any more.
    fn cancel(&self, path: &ProjectPath) {
        let cancelled = lock(&self.queued).cancel(path);
        cancelled.into_iter().for_each(|waiting| self.end_wish(waiting.wish));
    }

    /// Asks for the list of files, soon.
    pub(super) fn want_files(&self) {
        // The thread lives as long as the screen.
        let _ = self.lookups.send(Lookup::Files);
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

/// Which session the screen opens with.
pub(super) enum Opening {
    /// One that the first message begins.
    New,
    /// A saved one; without an identifier the project's newest.
    Saved(Option<String>),
}

/// Opens the session and runs it until the person leaves.
pub(super) fn run(arguments: InteractiveArguments) -> Result<ExitStatus, Failure> {
    open(RunArguments::from(arguments), Opening::New)
}

/// The same with everything that `kode run` can be told.
pub(super) fn open(arguments: RunArguments, opening: Opening) -> Result<ExitStatus, Failure> {
    if !is_possible() {
        let failure = Failure::new(ExitStatus::Usage, "the interactive session needs a terminal");
        return Err(failure.hint("`kode run TASK` works without one; `kode --help` shows the rest"));
    }
    let places = Places::from_environment()?;
    // What is missing is said before the screen opens.
    let (root, settings, provider) = prepare(&arguments, &places)?;
    let saved = match opening {
        Opening::New => None,
        Opening::Saved(id) => {
            let store = SessionStore::open(&places.kode_home)?;
            Some(store.resume(id.as_deref(), root.path())?.id().to_owned())
        }
    };
    let model = kode_tui::model_name(provider.model(), provider.scripted());
    let (inputs, wakes) = kode_tui::channel();
    if settings.no_sandbox {
        let text = "the sandbox is off: commands run on the bare host with your rights";
        inputs.send(Input::Notice(text.to_owned()));
    }
    leave_on_signals(&inputs)?;
    let (lookups, wanted) = channel();
    let shared = Shared {
        places,
        inputs: inputs.clone(),
        session: Arc::default(),
        interrupt: Arc::new(Mutex::new(Interrupt::new())),
        busy: Arc::default(),
        queued: Arc::default(),
        lookups,
    };
    let mut ends = Ends::start(&shared, arguments, wanted)?;
    let mut app = App::new(Mode::Session, theme()).with_model(&model);
    if let Some(session) = saved {
        app = app.with_session(&session);
        ends.send(Job::Open(Some(session)));
    }
    let shown = kode_tui::run(app, &inputs, &wakes, |command| ends.handle(&shared, command));
    let was_whole = ends.leave(&shared);
    if let Some(session) = shared.session() {
        tell!("session {session}");
        tell!("go on with it: kode continue --id {session}");
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
    answers: Sender<(u64, Answer)>,
    /// Says that the worker has ended; hangs up when it panicked.
    worker: Receiver<()>,
    interrupted: Option<Instant>,
}

impl Ends {
    fn start(
        shared: &Shared,
        arguments: RunArguments,
        wanted: Receiver<Lookup>,
    ) -> Result<Self, Failure> {
        let (jobs, waiting) = channel();
        let (answers, given) = channel();
        let (alive, worker) = channel();
        let mut work = Worker::new(shared.clone(), arguments, waiting, given);
        let watch = LeaveOnPanic(shared.inputs.clone());
        let run = move || {
            let _watch = watch;
            work.work();
            // Nobody waits where the screen gave up waiting.
            let _ = alive.send(());
        };
        thread::Builder::new().name("agent".to_owned()).spawn(run)?;
        let desk = shared.clone();
        thread::Builder::new().name("desk".to_owned()).spawn(move || look_up(&desk, &wanted))?;
        Ok(Self { jobs, answers, worker, interrupted: None })
    }

    fn send(&self, job: Job) {
        // The worker lives as long as this end of its channel.
        let _ = self.jobs.send(job);
    }

    fn handle(&mut self, shared: &Shared, command: Command) {
        let lookup = match command {
            Command::Send(message) => return self.send(Job::Message(message)),
            Command::Change(change) => {
                return self.send(Job::Change(shared.queue(change)));
            }
            Command::Cancel(path) => return shared.cancel(&path),
            Command::Scan => return self.send(Job::Scan),
            Command::Compact => return self.send(Job::Compact),
            Command::Model(name) => return self.send(Job::Model(name)),
            Command::Sessions => return self.send(Job::Sessions),
            Command::Open(session) => return self.send(Job::Open(session)),
            Command::Answer { question, answer } => {
                // As above.
                let _ = self.answers.send((question, answer));
                return;
            }
            Command::Interrupt => return self.interrupt(shared),
            Command::Quit | Command::Suspend => return,
            Command::Edit(path) => {
                if let Err(failure) = edit(&shared.places, &path) {
                    shared.inputs.send(Input::Done(Err(failure.into_parts().0)));
                }
                Lookup::Refresh
            }
            Command::Load(path) => Lookup::Contents(path),
            Command::Refresh => Lookup::Refresh,
            Command::ListFiles => Lookup::ProjectFiles,
            Command::Mark { path, state, reviewed } => Lookup::Mark { path, state, reviewed },
        };
        let _ = shared.lookups.send(lookup);
    }

    fn interrupt(&mut self, shared: &Shared) {
        let interrupt = lock(&shared.interrupt).clone();
        interrupt.raise();
        if self.interrupted.is_some_and(|before| before.elapsed() < TWICE) {
            interrupt.raise();
        }
        self.interrupted = Some(Instant::now());
    }

    /// Ends the run that goes on, and waits a little for it. Whether the worker
    /// was still there.
    fn leave(self, shared: &Shared) -> bool {
        let Self { jobs, worker, .. } = self;
        let interrupt = lock(&shared.interrupt).clone();
        interrupt.raise();
        interrupt.raise();
        // A worker that is gone needs no word.
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
