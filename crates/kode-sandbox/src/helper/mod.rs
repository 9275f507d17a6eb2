//! The helper: single-threaded, with an empty environment. It makes the
//! namespaces and what only the host's side can, and waits for the sandbox's
//! first process, which builds the new root. It decides nothing; the plan comes
//! from kode.
//!
//! Most often it is a program of its own, executed from sealed memory. For
//! `kode sandbox` it is a copy of kode, forked before anything else happened.

mod container_init;
mod first_process;
mod grafts;
mod init;
mod keeper;
mod kernel;
mod mapped;
mod memory;
mod new_root;
mod partial;
mod privileges;
mod self_test;
mod supervisor;
mod trace;

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::process::{Pid, Signal, WaitOptions};
use rustix::thread::LinkNameSpaceType;

use crate::container_plan::{INIT_NAME, KEEPER_NAME, SUPERVISOR_NAME};
use crate::plan::{Identity, Plan, Wall};
use crate::wire::{self, Handover, Hello, Reply};

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

/// Forks a helper off this process, which must have a single thread and must
/// not have read anything yet. What it was started with (arguments and the
/// environment) is wiped in the copy.
pub(crate) fn fork(socket: OwnedFd) -> io::Result<Pid> {
    if kernel::count_threads()? != 1 {
        return Err(io::Error::other("other threads run"));
    }
    if let Some(child) = kernel::fork()? {
        beside(child, || ());
        return Ok(child);
    }
    // Before `main` the standard library has not seen to that yet.
    kernel::ignore_broken_pipes();
    let became = trace::wipe(HELPER_NAME).and_then(|()| stand_alone(socket));
    kernel::leave(i32::from(became.and_then(|()| helper()).is_err()));
}

/// Does what wakes `other` or has just started it, so that it runs beside this process
/// at once: the kernel often queues it behind, a millisecond and a half with another
/// processor idle. Only a hint, so nothing is lost where it fails.
fn beside<T>(other: Pid, wake: impl FnOnce() -> T) -> T {
    let allowed = rustix::thread::sched_getaffinity(None).unwrap_or_default();
    let mut elsewhere = allowed;
    elsewhere.unset(rustix::thread::sched_getcpu());
    let is_hinted =
        elsewhere.count() > 0 && rustix::thread::sched_setaffinity(Some(other), &elsewhere).is_ok();
    let woken = wake();
    if is_hinted {
        let _ = rustix::thread::sched_setaffinity(Some(other), &allowed);
    }
    woken
}

/// Lays the socket where an executed helper has it, and nothing besides.
fn stand_alone(socket: OwnedFd) -> io::Result<()> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    kernel::place_descriptor(&socket, 0)?;
    kernel::place_descriptor(&null, 1)?;
    kernel::place_descriptor(&null, 2)?;
    std::mem::forget((socket, null));
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
    let reply = Reply::SetupFailed {
        step: failed.step.clone(),
        error: failed.error.to_string(),
        code: failed.error.raw_os_error().unwrap_or_default(),
    };
    wire::send(socket, &reply, &[])
}

/// Starts the first process, gives it the plan and waits for its end.
fn supervise(socket: &UnixStream, hello: &Hello) -> Result<(), StepError> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(at("lifeline"))?;
    let parent = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get());
    if parent.and_then(|pid| u32::try_from(pid).ok()) != Some(hello.parent) {
        return Err(at("lifeline")(io::Error::other("kode is gone")));
    }
    // Keys of the caller's terminal are kode's to pass on, not the helper's end.
    rustix::process::setsid().map_err(at("session"))?;
    let identity = &hello.identity;
    if identity.started_as_root {
        rustix::thread::set_thread_groups(&[]).map_err(at("supplementary groups"))?;
    }
    let (ours, theirs) = UnixStream::pair().map_err(at("hand-over"))?;
    let (gate, opener) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(at("pipe"))?;
    let Some(first) = kernel::clone_into_namespaces().map_err(at("namespaces"))? else {
        drop((opener, ours));
        first_process::live(socket, &theirs, identity, gate);
    };
    drop((gate, theirs));
    map_identity(first, identity)?;
    File::from(opener).write_all(b"!").map_err(at("start"))?;
    // The first process is at work; this takes as long, and root may do it.
    let mut donor = None;
    if identity.started_as_root {
        donor = Some(grafts::Donor::fork()?);
        bring_loopback_up(first).map_err(at("loopback"))?;
    }
    // kode is gone where no plan comes; so is everything else, then.
    if let Some((plan, inherited)) = wire::receive_bytes(socket).map_err(at("plan"))? {
        hand_over((&ours, first), identity, donor, &plan, inherited)?;
        drop(ours);
        wait_for(first, socket)?;
    }
    Ok(())
}

/// Enters the first process's network namespace, where this one has nothing else to
/// do, and brings its loopback interface up.
fn bring_loopback_up(first: Pid) -> io::Result<()> {
    let namespace = File::open(format!("/proc/{}/ns/net", first.as_raw_nonzero()))?;
    let kind = Some(LinkNameSpaceType::Network);
    rustix::thread::move_into_link_name_space(namespace.as_fd(), kind)?;
    kernel::bring_loopback_up()
}

fn hand_over(
    (talk, first): (&UnixStream, Pid),
    identity: &Identity,
    donor: Option<grafts::Donor>,
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
    // What needs none of the grafts is built meanwhile.
    let plan: Plan =
        serde_json::from_slice(body).map_err(|error| at("plan")(io::Error::from(error)))?;
    let (grafted, mounts): (Vec<_>, Vec<_>) =
        grafts::prepare(&plan, identity, donor)?.into_iter().unzip();
    let mounts: Vec<_> = mounts.iter().map(AsFd::as_fd).collect();
    wire::send(talk, &Handover { grafted }, &mounts).or_else(is_gone)
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
    use std::os::fd::AsRawFd;
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
