//! Process 1 of the sandbox: starts one command at a time, reaps everything,
//! and kills whatever is left when a command ends. When kode's end of the
//! socket closes it exits, and the kernel kills the rest.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, WaitOptions, WaitStatus};

use super::kernel;
use crate::wire::{self, Reply, Request};

/// How often orphans are reaped while a command runs.
const REAP_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

struct Running {
    pid: Pid,
    handle: OwnedFd,
}

/// Serves kode until it is gone.
pub(super) fn serve(socket: &UnixStream, environment: &[(String, String)]) -> ! {
    let mut running: Option<Running> = None;
    loop {
        if wait(socket, running.as_ref()).is_ok_and(|ready| ready) {
            match wire::receive::<Request>(socket) {
                Ok(Some((request, descriptors))) => {
                    let answered = obey(socket, environment, &mut running, request, descriptors);
                    if answered.is_err() {
                        std::process::exit(1);
                    }
                }
                _ => std::process::exit(0),
            }
        }
        if let Some(status) = reap(running.as_ref()) {
            running = None;
            end_everything();
            let ended = Reply::Ended {
                exit_code: status.exit_status(),
                signal: status.terminating_signal(),
            };
            if wire::send(socket, &ended, &[]).is_err() {
                std::process::exit(1);
            }
        }
    }
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

fn obey(
    socket: &UnixStream,
    environment: &[(String, String)],
    running: &mut Option<Running>,
    request: Request,
    descriptors: Vec<OwnedFd>,
) -> io::Result<()> {
    match request {
        Request::Run { arguments, directory } if running.is_none() => {
            match start(&arguments, &directory, environment, descriptors) {
                Ok(started) => *running = Some(started),
                Err(error) => {
                    let code = error.raw_os_error().unwrap_or_default();
                    let reply = Reply::NotStarted { error: error.to_string(), code };
                    wire::send(socket, &reply, &[])?;
                }
            }
        }
        Request::Run { .. } => return Err(io::Error::other("a command is running")),
        Request::Signal(signal) => {
            if let Some(running) = running {
                kernel::signal_group(running.pid, signal);
            }
        }
        // With a command running, its end is noticed and answered as usual.
        Request::Kill if running.is_some() => kernel::kill_all_others(),
        Request::Kill => {
            end_everything();
            wire::send(socket, &Reply::Killed, &[])?;
        }
    }
    Ok(())
}

fn start(
    arguments: &[String],
    directory: &str,
    environment: &[(String, String)],
    descriptors: Vec<OwnedFd>,
) -> io::Result<Running> {
    let (program, rest) =
        arguments.split_first().ok_or_else(|| io::Error::other("no program was named"))?;
    let mut streams = descriptors.into_iter();
    let mut next = || streams.next().ok_or_else(|| io::Error::other("a stream is missing"));
    #[expect(clippy::disallowed_methods, reason = "runs exactly what a permit or a person said")]
    let mut command = Command::new(program);
    command
        .args(rest)
        .current_dir(directory)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::from(next()?))
        .stdout(Stdio::from(next()?))
        .stderr(Stdio::from(next()?));
    // SAFETY: between fork and exec only setsid is called, which is
    // async-signal-safe.
    unsafe { command.pre_exec(kernel::new_session) };
    let child = command.spawn()?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::other("no process id"))?;
    let handle = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
    Ok(Running { pid, handle })
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

/// Kills every other process of the namespace and waits until all are gone.
/// Processes forked meanwhile die too: fork fails with a signal pending.
fn end_everything() {
    loop {
        kernel::kill_all_others();
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            // No child is left, and orphans are children of process 1.
            Err(_) => return,
        }
    }
}
