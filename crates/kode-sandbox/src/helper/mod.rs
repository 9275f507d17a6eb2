//! The helper: this program once more, single-threaded, with an empty
//! environment. It makes the namespaces, builds the new root and becomes the
//! sandbox's first process. It decides nothing; the plan comes from kode.

mod grafts;
mod init;
mod keeper;
mod kernel;
mod memory;
mod new_root;
mod privileges;
mod self_test;
mod supervisor;

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::process::{Pid, Signal, WaitOptions};

use crate::container_plan::{KEEPER_NAME, SUPERVISOR_NAME};
use crate::plan::Plan;
use crate::wire::{self, Reply, SelfTest};

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
    if name == KEEPER_NAME {
        return Some(u8::from(keeper::run().is_err()));
    }
    if name != HELPER_NAME || std::env::args_os().len() != 1 {
        return None;
    }
    Some(match helper() {
        Ok(()) => 0,
        Err(_) => 1,
    })
}

fn helper() -> io::Result<()> {
    kernel::close_descriptors_from(3)?;
    let socket = UnixStream::from(move_away_from_standard_input()?);
    // Root will need one; it forks while kode still plans.
    let donor = match rustix::process::geteuid().is_root() {
        true => grafts::Donor::fork().map(Some),
        false => Ok(None),
    };
    let Some((plan, inherited)) = wire::receive::<Plan>(&socket)? else { return Ok(()) };
    let outcome = donor.and_then(|donor| supervise(&socket, &plan, donor, inherited));
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

/// Starts the first process and waits for its end.
fn supervise(
    socket: &UnixStream,
    plan: &Plan,
    donor: Option<grafts::Donor>,
    inherited: Vec<OwnedFd>,
) -> Result<(), StepError> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(at("lifeline"))?;
    let parent = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get());
    if parent.and_then(|pid| u32::try_from(pid).ok()) != Some(plan.parent) {
        return Err(at("lifeline")(io::Error::other("kode is gone")));
    }
    let grafts = grafts::prepare(plan, donor)?;
    if plan.identity.started_as_root {
        rustix::thread::set_thread_groups(&[]).map_err(at("supplementary groups"))?;
    }
    let (gate, opener) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(at("pipe"))?;
    let Some(first) = kernel::clone_into_namespaces().map_err(at("namespaces"))? else {
        drop(opener);
        first_process(socket, plan, grafts, inherited, gate);
    };
    drop(gate);
    let mapped = map_identity(first, plan);
    if mapped.is_ok() {
        File::from(opener).write_all(b"!").map_err(at("start"))?;
    } else {
        drop(opener);
    }
    drop((grafts, inherited));
    mapped?;
    wait_for(first, socket)
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
fn map_identity(first: Pid, plan: &Plan) -> Result<(), StepError> {
    let identity = &plan.identity;
    let write = |name: &str, text: String| {
        kernel::write_file(&format!("/proc/{}/{name}", first.as_raw_nonzero()), text.as_bytes())
            .map_err(at(format!("user namespace ({name})")))
    };
    write("setgroups", "deny".to_owned())?;
    write("uid_map", format!("{} {} 1", identity.inside_user, identity.host_user))?;
    write("gid_map", format!("{} {} 1", identity.inside_group, identity.host_group))
}

/// The life of process 1.
fn first_process(
    socket: &UnixStream,
    plan: &Plan,
    grafts: grafts::Grafts,
    inherited: Vec<OwnedFd>,
    gate: OwnedFd,
) -> ! {
    let mut byte = [0];
    // No byte: the helper could not map us, and has said why.
    if !matches!(File::from(gate).read(&mut byte), Ok(1)) {
        kernel::leave(1);
    }
    let outcome = enter(plan, grafts, inherited);
    let sent = match &outcome {
        Ok((test, handed)) => {
            let handed: Vec<_> = handed.iter().map(AsFd::as_fd).collect();
            wire::send(socket, &Reply::Ready(test.clone()), &handed)
        }
        Err(failed) => report(socket, failed),
    };
    if outcome.is_err() || sent.is_err() {
        kernel::leave(1);
    }
    drop(outcome);
    init::serve(socket, &init::Service::of(plan));
}

/// Returns what the self-test found, and the descriptors that go to kode.
fn enter(
    plan: &Plan,
    grafts: grafts::Grafts,
    inherited: Vec<OwnedFd>,
) -> Result<(SelfTest, Vec<OwnedFd>), StepError> {
    // Short of memory, the kernel should end commands before the user's own
    // programs; where it can't be asked to, nothing else is lost.
    let _ = kernel::write_file("/proc/self/oom_score_adj", b"500");
    privileges::take_identity(&plan.identity)?;
    // Cleared by the change of identity, so set again; should the helper be
    // gone already, the socket's end says so.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(at("lifeline"))?;
    rustix::process::setsid().map_err(at("session"))?;
    kernel::bring_loopback_up().map_err(at("loopback"))?;
    kernel::set_host_name("kode").map_err(at("host name"))?;
    let mut handed = Vec::new();
    if let Some(port) = plan.proxy_port {
        handed.push(door(port).map_err(at("the proxy's door"))?);
    }
    let built = new_root::build(&plan.steps, grafts, inherited)?;
    handed.extend(built.kept);
    let (landlock_abi, landlock_complete) = privileges::drop_all(plan)?;
    self_test::run()?;
    let caches_read_only = built.caches_read_only;
    Ok((SelfTest { landlock_abi, landlock_complete, caches_read_only }, handed))
}

/// A socket that listens on the inside's own loopback. Whoever holds it accepts
/// from inside, wherever it is itself.
fn door(port: u16) -> io::Result<OwnedFd> {
    Ok(std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, port))?.into())
}
