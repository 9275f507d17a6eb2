//! The keeper of a container, outside: asks Docker to start it, and when kode
//! is gone, whatever way, removes it and its folder. It is a process of its own
//! in a session of its own, so that nothing that ends kode ends it too.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::MemfdFlags;

use super::kernel;
use super::mapped::Mapped;
use crate::container_plan::{KeeperPlan, KeeperReply};
use crate::wire;

/// How long a start that nobody waits for any more may go on; then Docker is
/// told to remove what there is.
const START_AFTER_END_MAX: Duration = Duration::from_secs(30);
/// How long removing is tried.
const REMOVE_MAX: Duration = Duration::from_secs(120);
/// Between two tries.
const REMOVE_AGAIN: Duration = Duration::from_millis(100);
/// How often the start is looked at.
const LOOK_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
/// Bytes kept of what Docker printed.
const PRINTED_BYTES_MAX: u64 = 16 * 1024;

/// The keeper's life.
pub(super) fn run() -> io::Result<()> {
    // Neither the terminal's signals nor a shell's job control reach it.
    let _ = rustix::process::setsid();
    kernel::ignore_end_signals();
    kernel::close_descriptors_from(3)?;
    let socket = UnixStream::from(super::move_away_from_standard_input()?);
    let mut arguments = std::env::args().skip(1);
    let (Some(name), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    // kode may die before it says what to start: then there is a folder at most.
    if let Ok(Some((plan, _))) = wire::receive::<KeeperPlan>(&socket) {
        keep(&plan, &socket)?;
        remove(&plan, &name);
    }
    remove_folder(&folder);
    Ok(())
}

/// Has the container started, and waits until kode is gone.
fn keep(plan: &KeeperPlan, socket: &UnixStream) -> io::Result<()> {
    let mapped = match plan.mapped.as_ref().map(Mapped::make).transpose() {
        Ok(mapped) => mapped,
        Err(failed) => {
            let said = format!("{}: {}", failed.step, failed.error);
            return wire::send(socket, &KeeperReply::NotMapped(said), &[]);
        }
    };
    let printed = File::from(rustix::fs::memfd_create(c"printed", MemfdFlags::CLOEXEC)?);
    let started = docker(plan, &plan.create, Some(printed.try_clone()?));
    match started {
        Ok(mut child) => {
            let success = wait(&mut child, socket);
            // The container has mounts of its own now.
            drop(mapped);
            if let Some(success) = success {
                // kode may be gone; the next look at the socket says so.
                let _ = wire::send(socket, &outcome(success, printed), &[]);
                wait_for_end(socket);
            }
        }
        Err(error) => {
            let _ = wire::send(socket, &KeeperReply::Failed(error.to_string()), &[]);
        }
    }
    Ok(())
}

fn outcome(success: bool, printed: File) -> KeeperReply {
    if success { KeeperReply::Started } else { KeeperReply::Failed(text(printed)) }
}

fn docker(plan: &KeeperPlan, arguments: &[String], printed: Option<File>) -> io::Result<Child> {
    #[expect(clippy::disallowed_methods, reason = "the docker command is the container's wall")]
    let mut command = Command::new(&plan.program);
    command
        .args(arguments)
        .env_clear()
        .envs(plan.environment.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(printed.map_or_else(Stdio::null, Stdio::from));
    command.spawn()
}

/// Waits until Docker has answered; `None` when kode is gone before.
fn wait(child: &mut Child, socket: &UnixStream) -> Option<bool> {
    let mut gone_since: Option<Instant> = None;
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return gone_since.is_none().then(|| status.success());
        }
        if gone_since.is_none() && is_gone(socket) {
            gone_since = Some(Instant::now());
        }
        // Killed at once, Docker might still make the container afterwards.
        if gone_since.is_some_and(|since| since.elapsed() > START_AFTER_END_MAX) {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
    }
}

/// Waits a moment for kode's end to close; it sends nothing more.
fn is_gone(socket: &UnixStream) -> bool {
    let mut sources = [PollFd::new(socket, PollFlags::IN)];
    let _ = rustix::event::poll(&mut sources, Some(&LOOK_EVERY));
    let gone = !sources[0].revents().is_empty();
    if gone {
        // Always ready from now on.
        std::thread::sleep(Duration::from_millis(5));
    }
    gone
}

fn wait_for_end(mut socket: &UnixStream) {
    let mut byte = [0];
    while let Err(error) = socket.read(&mut byte) {
        if error.kind() != io::ErrorKind::Interrupted {
            return;
        }
    }
}

/// Tells Docker to remove the container until it says that there is none.
fn remove(plan: &KeeperPlan, name: &str) {
    let orders = ["rm", "--force", "--volumes", name].map(str::to_owned);
    let until = Instant::now() + REMOVE_MAX;
    while Instant::now() < until {
        let Ok(printed) = rustix::fs::memfd_create(c"printed", MemfdFlags::CLOEXEC) else { return };
        let printed = File::from(printed);
        let Ok(copy) = printed.try_clone() else { return };
        let Ok(mut child) = docker(plan, &orders, Some(copy)) else { return };
        let ended = child.wait().is_ok_and(|status| status.success());
        // It is told to remove itself at its end, too.
        if ended || text(printed).contains("No such container") {
            return;
        }
        std::thread::sleep(REMOVE_AGAIN);
    }
}

fn text(mut printed: File) -> String {
    let mut bytes = Vec::new();
    let _ = printed.rewind();
    let _ = printed.take(PRINTED_BYTES_MAX).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[expect(clippy::disallowed_methods, reason = "the folder kode made for this one container")]
fn remove_folder(folder: &str) {
    let _ = std::fs::remove_dir_all(folder);
}
