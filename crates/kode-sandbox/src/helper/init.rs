//! Process 1 of the sandbox: starts one command at a time, reaps everything,
//! and kills whatever is left when a command ends. When kode's end of the
//! socket closes it exits, and the kernel kills the rest.

use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, WaitOptions, WaitStatus};
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;

use super::partial::{self, Confinement};
use super::{first_process, kernel, launch, memory, new_root};
use crate::plan::{PROXY_PORT, Plan};
use crate::wire::{self, Reply, Request};
use crate::{landlock_wall, seccomp};

/// How often orphans are reaped while a command runs.
const REAP_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// What commands are given and held to.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) environment: Vec<(String, String)>,
    /// Folders that live in memory, and what all memory together may be.
    pub(super) in_memory: Vec<String>,
    pub(super) memory_bytes_max: u64,
    /// In a container the walls go around each command and not around the
    /// process that serves it: the folders that stay writable.
    pub(super) confined_to: Option<Vec<String>>,
    /// Inside paths of what is read-only in a writable project.
    pub(super) protected: Vec<String>,
}

impl Service {
    /// As the plan of a native sandbox says.
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            environment: plan.environment.clone(),
            in_memory: plan.folders_in_memory().map(str::to_owned).collect(),
            memory_bytes_max: plan.limits.memory_bytes_max,
            confined_to: None,
            protected: plan.protected_in_project().map(str::to_owned).collect(),
        }
    }

    /// Small images have no bash; their `sh` takes its place.
    fn shell_of<'a>(&self, program: &'a str) -> &'a str {
        const BASH: &str = "/bin/bash";
        let missing = program == BASH && self.confined_to.is_some() && !Path::new(BASH).exists();
        if missing { "/bin/sh" } else { program }
    }
}

struct Running {
    pid: Pid,
    handle: OwnedFd,
    /// It was killed for using too much memory.
    over_memory: bool,
    /// kode asked to kill everything and waits for the word.
    confirm: bool,
}

impl Running {
    fn new(pid: Pid) -> io::Result<Self> {
        let handle = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
        Ok(Self { pid, handle, over_memory: false, confirm: false })
    }
}

/// What holds commands together, and how far killing them reaches.
#[derive(Debug)]
pub(super) enum Reach {
    /// This is process 1 of a namespace: everything else in it.
    Namespace,
    /// This is an ordinary process that orphans fall back to: everything below
    /// it. Commands are confined as they start.
    Below(Confinement),
}

impl Reach {
    fn kill_all_others(&self) {
        match self {
            Self::Namespace => kernel::kill_all_others(),
            Self::Below(_) => partial::kill_all_below(),
        }
    }

    /// Whether commands take more memory than they may.
    fn is_over_memory(&self, service: &Service) -> bool {
        let (in_memory, bytes_max) = (&service.in_memory, service.memory_bytes_max);
        let (processes, segments) = match self {
            Self::Namespace => (memory::others(), memory::segment_bytes()),
            Self::Below(_) => (Ok(partial::below().collect()), 0),
        };
        memory::is_over(processes, in_memory, segments, bytes_max)
    }

    /// Kills every other process and waits until all are gone.
    fn end_everything(&self) {
        match self {
            Self::Namespace => {
                end_namespace();
                memory::remove_segments();
            }
            Self::Below(_) => partial::end_all_below(),
        }
    }

    /// The project's read-only mounts that stand. A file renamed over one on the
    /// host takes the mount away.
    fn held(&self, service: &Service) -> Vec<String> {
        let Self::Namespace = self else { return Vec::new() };
        let protected = service.protected.iter();
        protected.filter(|path| new_root::is_mount(path)).cloned().collect()
    }

    /// Ends with this process what would outlive it.
    fn leave(&self, code: i32) -> ! {
        if let Self::Below(_) = self {
            self.end_everything();
        }
        kernel::leave(code)
    }
}

/// Tells kode that the sandbox stands, and serves it until it is gone. A command that was
/// asked for meanwhile starts first: whom the word wakes takes the processor that it needs.
pub(super) fn stand(
    socket: &UnixStream,
    ready: &Reply,
    handed: Vec<OwnedFd>,
    service: &Service,
) -> ! {
    let (mut running, reach) = (None, &Reach::Namespace);
    let mut init = Init { socket, service, reach, running: &mut running };
    if init.greet(ready, handed).is_err() {
        reach.leave(1);
    }
    serve_on(socket, service, reach, running)
}

/// Serves kode until it is gone.
pub(super) fn serve(socket: &UnixStream, service: &Service, reach: &Reach) -> ! {
    serve_on(socket, service, reach, None)
}

fn serve_on(
    socket: &UnixStream,
    service: &Service,
    reach: &Reach,
    mut running: Option<Running>,
) -> ! {
    loop {
        if wait(socket, running.as_ref()).is_ok_and(|ready| ready) {
            match wire::receive::<Request>(socket) {
                Ok(Some((request, descriptors))) => {
                    let mut init = Init { socket, service, reach, running: &mut running };
                    if init.obey(request, descriptors).is_err() {
                        reach.leave(1);
                    }
                }
                _ => say_goodbye(socket, reach),
            }
        }
        if let Some(status) = reap(running.as_ref()) {
            let ended = running.take();
            reach.end_everything();
            let held = reach.held(service);
            if tell_end(socket, status, ended.as_ref(), held).is_err() {
                reach.leave(1);
            }
        }
        if let Some(running) = &mut running
            && reach.is_over_memory(service)
        {
            running.over_memory = true;
            reach.kill_all_others();
        }
    }
}

/// kode has hung up. Once nothing else lives, this end of the talk closes too:
/// the kernel would do that only behind its work on the namespaces, which takes
/// it a millisecond or more that nobody need wait for.
fn say_goodbye(socket: &UnixStream, reach: &Reach) -> ! {
    reach.end_everything();
    let _ = socket.shutdown(Shutdown::Both);
    kernel::leave(0)
}

fn tell_end(
    socket: &UnixStream,
    status: WaitStatus,
    ended: Option<&Running>,
    held: Vec<String>,
) -> io::Result<()> {
    let reply = Reply::Ended {
        exit_code: status.exit_status(),
        signal: status.terminating_signal(),
        over_memory: ended.is_some_and(|ended| ended.over_memory),
        held,
    };
    wire::send(socket, &reply, &[])?;
    if ended.is_some_and(|ended| ended.confirm) {
        wire::send(socket, &Reply::Killed, &[])?;
    }
    Ok(())
}

/// Whether kode has spoken, or is gone.
fn is_asked(socket: &UnixStream) -> rustix::io::Result<bool> {
    let mut sources = [PollFd::new(socket, PollFlags::IN)];
    Ok(rustix::event::poll(&mut sources, Some(&Timespec::default()))? > 0)
}

/// Waits until kode speaks (true) or something may have ended (false).
fn wait(socket: &UnixStream, running: Option<&Running>) -> rustix::io::Result<bool> {
    let mut sources = vec![PollFd::new(socket, PollFlags::IN)];
    if let Some(running) = running {
        sources.push(PollFd::new(&running.handle, PollFlags::IN));
    }
    let timeout = running.map(|_| &REAP_EVERY);
    rustix::event::poll(&mut sources, timeout)?;
    Ok(!sources[0].revents().is_empty())
}

/// What a request is carried out with.
struct Init<'a> {
    socket: &'a UnixStream,
    service: &'a Service,
    reach: &'a Reach,
    running: &'a mut Option<Running>,
}

impl Init<'_> {
    /// Says that the sandbox stands, before any other word.
    fn greet(&mut self, ready: &Reply, handed: Vec<OwnedFd>) -> io::Result<()> {
        let asked = match is_asked(self.socket)? {
            true => wire::receive::<Request>(self.socket)?,
            false => None,
        };
        let mut started = None;
        let rest = match asked {
            Some((Request::Run { arguments, directory, terminal: None }, descriptors)) => {
                let streams = from_kode(descriptors);
                started =
                    Some(streams.and_then(|streams| self.start(&arguments, &directory, streams)));
                None
            }
            other => other,
        };
        let handed: Vec<_> = handed.iter().map(AsFd::as_fd).collect();
        wire::send(self.socket, ready, &handed)?;
        match (started, rest) {
            (Some(started), _) => self.watch(started),
            (None, Some((request, descriptors))) => self.obey(request, descriptors),
            (None, None) => Ok(()),
        }
    }

    fn obey(&mut self, request: Request, descriptors: Vec<OwnedFd>) -> io::Result<()> {
        match request {
            Request::Run { arguments, directory, terminal } if self.running.is_none() => {
                let streams = match terminal {
                    Some(size) => on_terminal(self.socket, size, descriptors),
                    None => from_kode(descriptors),
                };
                let started =
                    streams.and_then(|streams| self.start(&arguments, &directory, streams));
                self.watch(started)?;
            }
            Request::Door => {
                let door = first_process::door(PROXY_PORT)?;
                wire::send(self.socket, &Reply::Door, &[door.as_fd()])?;
            }
            Request::Run { .. } => return Err(io::Error::other("a command is running")),
            Request::Signal(signal) => {
                if let Some(running) = &self.running {
                    kernel::signal_group(running.pid, signal);
                }
            }
            // Always answered by `Killed`, after the command's own end if one
            // runs: the request may cross with that end on its way.
            Request::Kill => match self.running {
                Some(running) => {
                    running.confirm = true;
                    self.reach.kill_all_others();
                }
                None => {
                    self.reach.end_everything();
                    wire::send(self.socket, &Reply::Killed, &[])?;
                }
            },
        }
        Ok(())
    }

    /// Looks after a command from now on, or says why none runs.
    fn watch(&mut self, started: io::Result<Running>) -> io::Result<()> {
        match started {
            Ok(started) => *self.running = Some(started),
            Err(error) => {
                let code = error.raw_os_error().unwrap_or_default();
                let reply = Reply::NotStarted { error: error.to_string(), code };
                wire::send(self.socket, &reply, &[])?;
            }
        }
        Ok(())
    }

    fn start(
        &self,
        arguments: &[String],
        directory: &str,
        streams: Streams,
    ) -> io::Result<Running> {
        let (program, rest) =
            arguments.split_first().ok_or_else(|| io::Error::other("no program was named"))?;
        let environment = &self.service.environment;
        let program = self.service.shell_of(program);
        let is_plain = !streams.are_terminal && self.service.confined_to.is_none();
        if is_plain && matches!(self.reach, Reach::Namespace) {
            let place = search(program, environment);
            let Streams { input, output, errors, .. } = &streams;
            let streams = [input.as_fd(), output.as_fd(), errors.as_fd()];
            let pid = launch::start(&place, arguments, directory, environment, streams)?;
            return Running::new(pid);
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "runs exactly what a permit or a person said"
        )]
        let mut command = Command::new(search(program, environment));
        command
            .arg0(program)
            .args(rest)
            .current_dir(directory)
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::from(streams.input))
            .stdout(Stdio::from(streams.output))
            .stderr(Stdio::from(streams.errors));
        if streams.are_terminal {
            // SAFETY: between fork and exec only setsid and an ioctl are called,
            // both async-signal-safe.
            unsafe { command.pre_exec(kernel::take_terminal) };
        } else {
            // The session is process 1's, which has no terminal; a group is
            // enough, and much cheaper than a full fork.
            command.process_group(0);
        }
        if let Some(writable) = self.service.confined_to.clone() {
            // SAFETY: this process has a single thread, so the child may
            // allocate between fork and exec.
            unsafe { command.pre_exec(move || confine(&writable)) };
        }
        if let Reach::Below(confinement) = self.reach {
            confinement.of(&mut command)?;
        }
        let child = command.spawn()?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("no process id"))?;
        Running::new(pid)
    }
}

/// A command's standard streams; on a terminal all three are its, or all but the last.
struct Streams {
    input: OwnedFd,
    output: OwnedFd,
    errors: OwnedFd,
    are_terminal: bool,
}

fn from_kode(descriptors: Vec<OwnedFd>) -> io::Result<Streams> {
    let [input, output, errors] = <[OwnedFd; 3]>::try_from(descriptors)
        .map_err(|_| io::Error::other("a standard stream is missing"))?;
    Ok(Streams { input, output, errors, are_terminal: false })
}

/// A new terminal of the sandbox's own; kode gets the controlling end. Errors go to what
/// kode sent for them, if it did.
fn on_terminal(
    socket: &UnixStream,
    (rows, columns): (u16, u16),
    errors: Vec<OwnedFd>,
) -> io::Result<Streams> {
    let controller = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    rustix::io::fcntl_setfd(&controller, rustix::io::FdFlags::CLOEXEC)?;
    rustix::pty::unlockpt(&controller)?;
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(&controller, size)?;
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let input = rustix::pty::ioctl_tiocgptpeer(&controller, flags)?;
    let output = input.try_clone()?;
    let errors = errors.into_iter().next().map_or_else(|| input.try_clone(), Ok)?;
    wire::send(socket, &Reply::Terminal, &[controller.as_fd()])?;
    Ok(Streams { input, output, errors, are_terminal: true })
}

/// Landlock and the native system-call filter around one command, for good.
pub(super) fn confine(writable: &[String]) -> io::Result<()> {
    landlock_wall::confine(writable).map_err(io::Error::other)?;
    seccomp::install()
}

/// Where a program is on the inside `PATH`; itself when it has a `/` or is
/// nowhere.
fn search(program: &str, environment: &[(String, String)]) -> PathBuf {
    let path = environment.iter().find(|(name, _)| name == "PATH");
    let folders = path.map_or("", |(_, value)| value.as_str()).split(':');
    let is_program = |place: &PathBuf| {
        std::fs::metadata(place)
            .is_ok_and(|metadata| metadata.is_file() && metadata.mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return PathBuf::from(program);
    }
    let mut places = folders.map(|folder| Path::new(folder).join(program));
    // Not the bare name: the standard library would search again.
    places.find(is_program).unwrap_or_else(|| Path::new("/nonexistent").join(program))
}

/// Reaps whatever has ended; the running command's status if it is among it.
fn reap(running: Option<&Running>) -> Option<WaitStatus> {
    let mut ended = None;
    while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
        if running.is_some_and(|running| running.pid == pid) {
            ended = Some(status);
        }
    }
    ended
}

/// Processes forked meanwhile die too: fork fails with a signal pending.
fn end_namespace() {
    loop {
        kernel::kill_all_others();
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            // No child is left, and orphans are children of process 1.
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests;
