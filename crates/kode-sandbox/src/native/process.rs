//! The helper as a process of kode's: started from a thread that lives as long
//! as it does, ended by closing the socket, and killed when it does not end.

use std::io::{self, Read};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions};

use super::bubblewrap::Arguments;
use super::{KILL_MAX, image, remedy, stream};
use crate::SandboxError;
use crate::helper::{self, HELPER_NAME};
use crate::plan::{self, Identity, Plan, Step, Wall};
use crate::settings::HelperImage;
use crate::wire::{self, Hello, Reply};

/// A helper, and who waits for it.
#[derive(Debug)]
pub(super) struct HelperProcess {
    /// `None` once the sandbox is given up.
    pub(super) socket: Option<UnixStream>,
    /// The talk after its last word.
    ending: Option<UnixStream>,
    /// It ends by itself, and nobody waits.
    is_left: bool,
    identity: Identity,
    keeper: Keeper,
    /// Where the plan goes when this process is the helper itself.
    handover: Option<UnixStream>,
    /// How many of the plan's steps went there ahead of it.
    ahead: usize,
    /// What failed on this side then.
    failed: Option<Reply>,
    /// Processes of this side's that have ended or will at once.
    ended: Vec<Pid>,
}

/// The death signal follows the thread that forked, not the process.
#[derive(Debug)]
enum Keeper {
    /// A thread that lives as long as the helper.
    Thread {
        started: Receiver<io::Result<(OwnedFd, Pid)>>,
        process: Option<(OwnedFd, Pid)>,
        thread: Option<JoinHandle<()>>,
        ended: Receiver<()>,
    },
    /// The program's first thread, which ends with it and has no helper: this is the
    /// sandbox's first process.
    FirstThread { process: Option<(OwnedFd, Pid)> },
}

/// A first process that was started before anybody asked for a sandbox.
static EARLY: Mutex<Option<HelperProcess>> = Mutex::new(None);

/// Starts a first process ahead of the next sandbox, while the program still reads its
/// arguments and settings, unless one runs already; called first thing in `main`,
/// before any thread exists. Without a next sandbox it ends with this process.
pub fn launch_early() {
    let mut early = EARLY.lock().unwrap_or_else(PoisonError::into_inner);
    if early.is_none() {
        // Should this fail, starting the sandbox says why.
        *early = plan::identity().and_then(|identity| Ok(HelperProcess::without(identity)?)).ok();
    }
}

impl HelperProcess {
    /// What runs already, if anything does.
    pub(super) fn early(image: &HelperImage) -> Option<Self> {
        if *image != HelperImage::Embedded {
            return None;
        }
        EARLY.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// None: the sandbox's first process is a copy of this process, in a fraction of
    /// the time another program takes to load, and this process is its helper.
    fn without(identity: Identity) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let (pid, handover) = helper::start_first(OwnedFd::from(theirs), &identity)?;
        let handle = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
        let keeper = Keeper::FirstThread { process: Some((handle, pid)) };
        Ok(Self::kept_by(keeper, ours, identity, Some(handover)))
    }

    fn kept_by(
        keeper: Keeper,
        socket: UnixStream,
        identity: Identity,
        handover: Option<UnixStream>,
    ) -> Self {
        Self {
            socket: Some(socket),
            ending: None,
            is_left: false,
            identity,
            keeper,
            handover,
            ahead: 0,
            failed: None,
            ended: Vec::new(),
        }
    }

    /// Begins to start the helper for this wall. Returns at once.
    pub(super) fn launch(
        image: &HelperImage,
        identity: Identity,
        wall: Wall,
    ) -> Result<Self, SandboxError> {
        let image = image.clone();
        Self::launch_with(identity, wall, move |socket| spawn(&image, socket))
    }

    /// The same through bubblewrap.
    pub(super) fn launch_in_bubblewrap(
        arguments: Arguments,
        identity: Identity,
    ) -> Result<Self, SandboxError> {
        let start = move |socket| arguments.start(OwnedFd::from(socket));
        Self::launch_with(identity, Wall::Bubblewrap, start)
    }

    /// From a thread that lives as long as the helper does.
    fn launch_with(
        identity: Identity,
        wall: Wall,
        start: impl FnOnce(UnixStream) -> io::Result<Child> + Send + 'static,
    ) -> Result<Self, SandboxError> {
        let (ours, theirs) = greeted(&identity, wall)?;
        let (report, started) = mpsc::sync_channel::<io::Result<(OwnedFd, Pid)>>(1);
        let (end, ended) = mpsc::sync_channel::<()>(1);
        let keeper = std::thread::Builder::new().name("kode-sandbox".to_owned());
        let thread = keeper.spawn(move || {
            let begun = start(theirs).and_then(|child| Ok((handle_of(&child)?, child)));
            let mut child = match begun {
                Ok((process, child)) => {
                    let _ = report.send(Ok(process));
                    child
                }
                Err(error) => {
                    let _ = report.send(Err(error));
                    return;
                }
            };
            let _ = child.wait();
            let _ = end.send(());
        })?;
        let keeper = Keeper::Thread { started, process: None, thread: Some(thread), ended };
        Ok(Self::kept_by(keeper, ours, identity, None))
    }

    /// Who its sandbox's commands are.
    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Waits until the helper runs.
    pub(super) fn started(&mut self) -> Result<(), SandboxError> {
        let Keeper::Thread { started, process, .. } = &mut self.keeper else { return Ok(()) };
        let outcome = started.recv().unwrap_or_else(|_| Err(io::Error::other("no thread")));
        let cannot = |error: io::Error| {
            SandboxError::unavailable(
                format!("the helper did not start: {error}"),
                remedy::START_DIRECTLY,
            )
        };
        *process = Some(outcome.map_err(cannot)?);
        Ok(())
    }

    /// Gives the first process the steps that its plan will begin with, where it waits
    /// for them: it carries them out while kode decides about the rest.
    pub(super) fn send_ahead(&mut self, steps: &[Step]) {
        let (Some(handover), Some((_, first))) = (&self.handover, self.keeper.process()) else {
            return;
        };
        match helper::send_ahead((handover, *first), steps) {
            Ok(()) => self.ahead = steps.len(),
            Err(failed) => self.failed = Some(failed.told()),
        }
    }

    /// Gives the first process its plan, by way of the helper where there is one.
    pub(super) fn hand_over(
        &mut self,
        plan: &mut Plan,
        inherited: &[BorrowedFd<'_>],
    ) -> io::Result<()> {
        match (self.handover.take(), self.keeper.process(), &self.socket) {
            (Some(_), ..) if self.failed.is_some() => Ok(()),
            (Some(handover), Some((_, first)), _) => {
                let talk = (&handover, *first);
                match helper::hand_over(talk, plan, self.ahead, inherited) {
                    Ok(ended) => self.ended = ended,
                    Err(failed) => self.failed = Some(failed.told()),
                }
                Ok(())
            }
            (_, _, Some(socket)) => wire::send(socket, plan, inherited),
            (_, _, None) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Waits for the processes of this side's that have ended, so that nobody sees them
    /// in a list.
    pub(super) fn reap(&mut self) {
        for process in self.ended.drain(..) {
            let _ = rustix::process::waitpid(Some(process), WaitOptions::empty());
        }
    }

    /// What failed on this side, where no helper tells of it.
    pub(super) fn failure(&mut self) -> Option<Reply> {
        self.failed.take()
    }

    /// Closes the lifeline: the helper and everything below it begins to end.
    /// The other direction stays open: its end tells of process 1's.
    pub(super) fn close(&mut self) {
        if let Some(socket) = self.socket.take() {
            let _ = socket.shutdown(Shutdown::Write);
            self.ending = Some(socket);
        }
    }

    /// Leaves the helper and process 1 to end with this program, which nothing of the
    /// sandbox outlives: both are killed when their parent dies, and process 1 sees the
    /// end of the talk. Its end is closed by the kernel then, and not before: process 1
    /// would wake on this processor, and the kernel's work on its namespaces hold this
    /// program up.
    pub(super) fn leave(&mut self) -> bool {
        let Some(socket) = self.socket.take() else { return false };
        std::mem::forget(socket);
        self.is_left = true;
        true
    }

    /// Whether process 1 ends within `limit`. Its side of the talk closes when it
    /// can do nothing more and everything it started is gone; what is left is
    /// the kernel's work on its namespaces, in which the helper waits for it.
    /// Then nobody waits for that any more.
    pub(super) fn end_of_talk(&mut self, limit: Duration) -> bool {
        self.close();
        let Some(socket) = self.ending.take() else { return false };
        let deadline = Instant::now() + limit;
        let mut rest = [0; 256];
        loop {
            let wait = deadline.saturating_duration_since(Instant::now());
            if wait.is_zero() || socket.set_read_timeout(Some(wait)).is_err() {
                return false;
            }
            match (&socket).read(&mut rest) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        self.is_left = true;
        true
    }

    /// The helper's process id, while it is waited for.
    pub(super) fn id(&self) -> Option<Pid> {
        self.socket.as_ref()?;
        self.keeper.process().map(|(_, pid)| *pid)
    }

    /// Lets everything end by itself; false when that takes longer.
    pub(super) fn end_within(&mut self, limit: Duration) -> bool {
        self.close();
        self.ending = None;
        self.keeper.wait(limit)
    }

    /// Waits until every process is gone, and helps along where that takes too
    /// long.
    pub(super) fn end(&mut self) {
        if !self.end_within(KILL_MAX)
            && let Some((handle, _)) = self.keeper.process()
        {
            let _ = rustix::process::pidfd_send_signal(handle, Signal::KILL);
        }
        self.keeper.finish();
    }
}

impl Drop for HelperProcess {
    fn drop(&mut self) {
        if !self.is_left {
            self.end();
        }
    }
}

impl Keeper {
    fn process(&self) -> Option<&(OwnedFd, Pid)> {
        match self {
            Self::Thread { process, .. } | Self::FirstThread { process } => process.as_ref(),
        }
    }

    /// Whether the helper ends within `limit`.
    fn wait(&self, limit: Duration) -> bool {
        match self {
            Self::Thread { ended, .. } => {
                !matches!(ended.recv_timeout(limit), Err(RecvTimeoutError::Timeout))
            }
            Self::FirstThread { process: None } => true,
            Self::FirstThread { process: Some((handle, _)) } => ends(handle, limit),
        }
    }

    /// Waits for the end that comes for certain, and leaves no zombie.
    fn finish(&mut self) {
        match self {
            Self::Thread { thread, .. } => {
                if let Some(thread) = thread.take() {
                    let _ = thread.join();
                }
            }
            Self::FirstThread { process } => {
                let Some((_, pid)) = process.take() else { return };
                while let Err(rustix::io::Errno::INTR) =
                    rustix::process::waitpid(Some(pid), WaitOptions::empty())
                {}
            }
        }
    }
}

/// Whether the process behind `handle` ends within `limit`.
fn ends(handle: &OwnedFd, limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        let mut sources = [PollFd::from_borrowed_fd(handle.as_fd(), PollFlags::IN)];
        let wait = deadline.saturating_duration_since(Instant::now());
        match stream::poll(&mut sources, wait) {
            Ok(()) if !sources[0].revents().is_empty() => return true,
            Ok(()) if Instant::now() < deadline => {}
            _ => return false,
        }
    }
}

/// A talk with a helper whose first word was said.
fn greeted(identity: &Identity, wall: Wall) -> io::Result<(UnixStream, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    let hello = Hello { parent: std::process::id(), identity: identity.clone(), wall };
    wire::send(&ours, &hello, &[])?;
    Ok((ours, theirs))
}

fn spawn(image: &HelperImage, socket: UnixStream) -> io::Result<Child> {
    let socket = OwnedFd::from(socket);
    match execute(image, socket.try_clone()?) {
        // Some systems execute nothing from memory (`vm.memfd_noexec`).
        Err(_) if *image == HelperImage::Embedded => execute(&HelperImage::CurrentProgram, socket),
        child => child,
    }
}

fn handle_of(child: &Child) -> io::Result<(OwnedFd, Pid)> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::other("no process id"))?;
    Ok((rustix::process::pidfd_open(pid, PidfdFlags::empty())?, pid))
}

fn execute(image: &HelperImage, socket: OwnedFd) -> io::Result<Child> {
    let program = image::path(image)?;
    #[expect(clippy::disallowed_methods, reason = "starts kode's own helper")]
    let mut command = Command::new(program);
    command
        .arg0(HELPER_NAME)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(socket))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // The helper's end of the socket is only the helper's: `command` goes here.
    command.spawn()
}
