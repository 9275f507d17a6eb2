//! The helper: single-threaded, with an empty environment. It makes the
//! namespaces and what only the host's side can, and waits for the sandbox's
//! first process, which builds the new root. It decides nothing; the plan comes
//! from kode.
//!
//! Most often it is a program of its own, executed from sealed memory. For
//! `kode sandbox` there is none: kode starts the first process, a copy of itself, before
//! anything else happened, and does the rest of this itself.

mod afterwards;
mod beside;
mod container_init;
mod first_process;
mod grafts;
mod init;
mod keeper;
mod kernel;
mod launch;
mod mapped;
mod memory;
mod network;
mod new_root;
mod partial;
mod privileges;
mod self_test;
mod supervisor;
mod trace;

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::process::{Pid, Signal, WaitOptions};

use self::beside::{Apart, beside};
use self::first_process::{Begun, Planned};
use crate::container_plan::{INIT_NAME, KEEPER_NAME, SUPERVISOR_NAME};
use crate::plan::{Identity, Plan, Step, Wall};
use crate::wire::{self, Handover, Hello, Reply};

pub(crate) use afterwards::clear_up_afterwards;
pub(crate) use mapped::release as release_mapped_mounts;
pub(crate) use trace::remember as remember_start;

/// The name the helper is called by; nothing else starts it.
pub(crate) const HELPER_NAME: &str = "kode-sandbox-helper";

/// What the step of mapping the project's owner is called.
pub(crate) const ID_MAP_STEP: &str = "id-mapped mount";

/// A step that failed, with what the system said.
#[derive(Debug)]
pub(crate) struct StepError {
    step: String,
    error: io::Error,
}

impl StepError {
    fn is_of(&self, step: &str) -> bool {
        self.step == step
    }

    fn is_no_access(&self) -> bool {
        self.error.kind() == io::ErrorKind::PermissionDenied
    }

    /// As kode is told.
    pub(crate) fn told(&self) -> Reply {
        Reply::SetupFailed {
            step: self.step.clone(),
            error: self.error.to_string(),
            code: self.error.raw_os_error().unwrap_or_default(),
        }
    }
}

/// Names the step an error belongs to.
pub(crate) fn at<E: Into<io::Error>>(step: impl Into<String>) -> impl FnOnce(E) -> StepError {
    move |error| StepError { step: step.into(), error: error.into() }
}

/// Does the helper's work when this process was started as the helper, and
/// returns its exit code; otherwise returns `None` at once. Call it first
/// thing in `main`, before any thread exists.
pub fn run_helper_if_requested() -> Option<u8> {
    let called = std::env::args_os().next()?;
    let name = Path::new(&called).file_name()?;
    if name == SUPERVISOR_NAME {
        return Some(supervisor::run());
    }
    if name == INIT_NAME {
        return Some(container_init::run());
    }
    if name == KEEPER_NAME {
        return Some(u8::from(keeper::run().is_err()));
    }
    if name != HELPER_NAME || std::env::args_os().len() != 1 {
        return None;
    }
    Some(u8::from(helper().is_err()))
}

/// Starts the first process of a sandbox as a copy of this process, which must have a
/// single thread and must not have read anything yet, and is its helper itself. What it
/// was started with (arguments and the environment) is wiped in the copy. The plan goes
/// over the socket that is returned, see [`hand_over`].
pub(crate) fn start_first(talk: OwnedFd, identity: &Identity) -> io::Result<(Pid, UnixStream)> {
    if kernel::count_threads()? != 1 {
        return Err(io::Error::other("other threads run"));
    }
    let (ours, theirs) = UnixStream::pair()?;
    let (gate, opener) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    let groups = match identity.started_as_root {
        true => Some(rustix::process::getgroups()?),
        false => None,
    };
    if groups.is_some() {
        rustix::thread::set_thread_groups(&[])?;
    }
    let apart = Apart::from_this();
    let cloned = kernel::clone_into_namespaces();
    if let Ok(None) = cloned {
        apart.enter();
        // Before `main` the standard library has not seen to that yet.
        kernel::ignore_broken_pipes();
        let kept = [talk.as_raw_fd(), theirs.as_raw_fd(), gate.as_raw_fd()];
        if trace::wipe(HELPER_NAME).and_then(|()| stand_alone(kept)).is_err() {
            kernel::leave(1);
        }
        let begun = Begun { identity, gate, apart, planned: Planned::InTwoParts };
        first_process::live(&UnixStream::from(talk), &theirs, begun);
    }
    if let Ok(Some(first)) = cloned {
        apart.send(first);
    }
    // Only the copy is without them.
    if let Some(groups) = groups {
        rustix::thread::set_thread_groups(&groups)?;
    }
    let first = cloned?.ok_or(io::ErrorKind::Other)?;
    drop((gate, theirs, talk));
    map_identity(first, identity).map_err(|failed| failed.error)?;
    File::from(opener).write_all(b"!")?;
    Ok((first, ours))
}

/// Keeps nothing open but these, and nothing in the way of the host's folders.
fn stand_alone(kept: [RawFd; 3]) -> io::Result<()> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    for number in 0..3 {
        kernel::place_descriptor(&null, number)?;
    }
    // Closed with the rest.
    std::mem::forget(null);
    kernel::close_all_but_streams_and(kept)?;
    Ok(rustix::process::chdir("/")?)
}

fn helper() -> io::Result<()> {
    kernel::close_descriptors_from(3)?;
    let socket = UnixStream::from(move_away_from_standard_input()?);
    let Some((hello, _)) = wire::receive::<Hello>(&socket)? else { return Ok(()) };
    let outcome = match hello.wall {
        Wall::Full => supervise(&socket, &hello),
        Wall::Bubblewrap => first_process::live_in_bubblewrap(&socket),
        Wall::Partial => partial::live(&socket),
    };
    if let Err(failed) = &outcome {
        report(&socket, failed)?;
    }
    outcome.map_err(|failed| failed.error)
}

/// The socket comes as standard input; commands must never see it there.
fn move_away_from_standard_input() -> io::Result<OwnedFd> {
    // SAFETY: descriptor 0 is open (kode passes the socket there) and nothing
    // else in this process owns it.
    let input = unsafe { OwnedFd::from_raw_fd(0) };
    let socket = rustix::io::fcntl_dupfd_cloexec(&input, 10)?;
    let null = File::open("/dev/null")?;
    // `dup2` puts `/dev/null` at 0; the descriptor is then left open for good.
    let mut zero = input;
    rustix::io::dup2(&null, &mut zero)?;
    std::mem::forget(zero);
    Ok(socket)
}

fn report(socket: &UnixStream, failed: &StepError) -> io::Result<()> {
    wire::send(socket, &failed.told(), &[])
}

/// Starts the first process, gives it the plan and waits for its end.
fn supervise(socket: &UnixStream, hello: &Hello) -> Result<(), StepError> {
    let identity = &hello.identity;
    if identity.started_as_root {
        rustix::thread::set_thread_groups(&[]).map_err(at("supplementary groups"))?;
    }
    let (ours, theirs) = UnixStream::pair().map_err(at("hand-over"))?;
    let (gate, opener) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(at("pipe"))?;
    let apart = Apart::from_this();
    let Some(first) = kernel::clone_into_namespaces().map_err(at("namespaces"))? else {
        apart.enter();
        drop((opener, ours));
        let begun = Begun { identity, gate, apart, planned: Planned::AtOnce };
        first_process::live(socket, &theirs, begun);
    };
    apart.send(first);
    drop((gate, theirs));
    // Until the gate opens the first process waits, and ends with this one.
    hold_to(hello.parent)?;
    map_identity(first, identity)?;
    File::from(opener).write_all(b"!").map_err(at("start"))?;
    // kode is gone where no plan comes; so is everything else, then.
    if let Some((plan, inherited)) = wire::receive_bytes(socket).map_err(at("plan"))? {
        forward((&ours, first), identity, &plan, inherited)?;
        drop(ours);
        wait_for(first, socket)?;
    }
    Ok(())
}

/// Ends this process with kode, which started it.
fn hold_to(kode: u32) -> Result<(), StepError> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(at("lifeline"))?;
    let parent = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get());
    if parent.and_then(|pid| u32::try_from(pid).ok()) != Some(kode) {
        return Err(at("lifeline")(io::Error::other("kode is gone")));
    }
    // Keys of the caller's terminal are kode's to pass on, not the helper's end.
    rustix::process::setsid().map_err(at("session"))?;
    Ok(())
}

fn forward(
    (talk, first): (&UnixStream, Pid),
    identity: &Identity,
    body: &[u8],
    inherited: Vec<OwnedFd>,
) -> Result<(), StepError> {
    let inherited: Vec<_> = inherited.iter().map(AsFd::as_fd).collect();
    if let Err(error) = beside(first, || wire::send_bytes(talk, body, &inherited)) {
        return is_gone(error);
    }
    if !identity.started_as_root {
        return Ok(());
    }
    let plan: Plan =
        serde_json::from_slice(body).map_err(|error| at("plan")(io::Error::from(error)))?;
    graft(talk, identity, &plan).map(|_| ())
}

/// Gives a first process that was started by [`start_first`] the steps that its plan will
/// begin with.
pub(crate) fn send_ahead(
    (talk, first): (&UnixStream, Pid),
    steps: &[Step],
) -> Result<(), StepError> {
    beside(first, || wire::send(talk, &steps, &[])).or_else(is_gone)
}

/// Gives the first process the rest of its plan behind the steps that went `ahead`, and
/// what only the host's side can bring in. Returns processes that lent namespaces for
/// that: they end by themselves and are to be waited for, some time.
pub(crate) fn hand_over(
    (talk, first): (&UnixStream, Pid),
    plan: &mut Plan,
    ahead: usize,
    inherited: &[BorrowedFd<'_>],
) -> Result<Vec<Pid>, StepError> {
    let there: Vec<Step> = plan.steps.drain(..ahead).collect();
    let sent = beside(first, || wire::send(talk, plan, inherited));
    plan.steps.splice(..0, there);
    if let Err(error) = sent {
        return is_gone(error).map(|()| Vec::new());
    }
    match plan.identity.started_as_root {
        true => graft(talk, &plan.identity, plan),
        false => Ok(Vec::new()),
    }
}

/// What needs none of the grafts is built meanwhile.
fn graft(talk: &UnixStream, identity: &Identity, plan: &Plan) -> Result<Vec<Pid>, StepError> {
    let (grafts, donors) = grafts::prepare(plan, identity)?;
    let (grafted, mounts): (Vec<_>, Vec<_>) = grafts.into_iter().unzip();
    let mounts: Vec<_> = mounts.iter().map(AsFd::as_fd).collect();
    wire::send(talk, &Handover { grafted }, &mounts).or_else(is_gone)?;
    Ok(donors)
}

/// The first process failed already, and has said why; any other error counts.
fn is_gone(error: io::Error) -> Result<(), StepError> {
    match error.kind() {
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Ok(()),
        _ => Err(at(grafts::HAND_OVER)(error)),
    }
}

fn wait_for(first: Pid, socket: &UnixStream) -> Result<(), StepError> {
    // Only the first process may keep the conversation open.
    kernel::close_descriptors_from(socket_number(socket)).map_err(at("descriptors"))?;
    loop {
        match rustix::process::waitpid(Some(first), WaitOptions::empty()) {
            Err(rustix::io::Errno::INTR) => {}
            _ => kernel::leave(0),
        }
    }
}

fn socket_number(socket: &UnixStream) -> u32 {
    u32::try_from(socket.as_fd().as_raw_fd()).unwrap_or(3)
}

/// Writes the maps of the first process's user namespace.
fn map_identity(first: Pid, identity: &Identity) -> Result<(), StepError> {
    let write = |name: &str, text: String| {
        kernel::write_file(&format!("/proc/{}/{name}", first.as_raw_nonzero()), text.as_bytes())
            .map_err(at(format!("user namespace ({name})")))
    };
    write("setgroups", "deny".to_owned())?;
    write("uid_map", format!("{} {} 1", identity.inside_user, identity.host_user))?;
    write("gid_map", format!("{} {} 1", identity.inside_group, identity.host_group))
}

#[cfg(test)]
mod tests;
