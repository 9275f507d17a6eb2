//! kode's side of the native sandbox: starts the helper, talks to the
//! sandbox's first process, and ends it.

mod beside;
mod bubblewrap;
mod callers_terminal;
mod carrier;
mod contained;
mod control_group;
mod early;
mod image;
mod interactive;
mod keeper;
mod partial;
mod process;
mod remedy;
mod space;
mod starting;
pub(crate) mod stream;

use std::collections::HashSet;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kode_base::Interrupt;
use rustix::event::{PollFd, PollFlags};
use rustix::fs::{Gid, Uid};

use crate::SandboxError;
use crate::credentials::Named;
use crate::guard::Guard;
use crate::incident::Incident;
use crate::output::{Capture, CommandEnd, CommandOutput};
use crate::plan::{Limits, Wall};
use crate::sandbox::Order;
use crate::wire::{self, Reply, Request, SelfTest};
pub(crate) use contained::Contained;
use control_group::{Bounds, ControlGroup};
pub use early::{BeforeMain, before_main};
pub(crate) use image::{PROGRAM as HELPER_PROGRAM, path as helper_path};
use keeper::Keeper;
use partial::PrivateFolder;
pub use process::launch_early;
use space::Space;
pub(crate) use starting::Starting;
use stream::{Found, Pipe};

/// Killing everything must be confirmed in this time.
const KILL_MAX: Duration = Duration::from_secs(10);

/// A running sandbox.
#[derive(Debug)]
pub(crate) struct Native {
    helper: Keeper,
    /// `None` where the project can't be written.
    guard: Option<Guard>,
    space: Space,
    group: Group,
    memory_kills_before: u64,
    /// Why the last command was killed to keep room on the disk.
    low_space: Option<Incident>,
    memory_bytes_max: u64,
    /// The last command was killed for using too much memory.
    over_memory: bool,
    /// Why the last command on the caller's streams could not be started.
    not_started: Option<i32>,
    /// The project's protections that stood to the last command's end.
    held: Vec<String>,
    /// A command was started and its end not taken in: its caller panicked.
    in_command: bool,
    /// For one command, after which this whole program ends.
    is_brief: bool,
    /// Its command ended and nothing else inside is alive but process 1.
    is_deserted: bool,
    /// A process flushes what was asked for behind this program's end.
    is_flushed_behind: bool,
    /// The first command was asked for while this was still built.
    asked_ahead: bool,
    self_test: SelfTest,
    /// What a networked sandbox of the session takes over.
    heritage: Option<beside::Heritage>,
    standing: Standing,
    /// Home and temporary folder where no namespace hides them. After the
    /// helper: it goes when every process has.
    _private: Option<PrivateFolder>,
}

/// Which wall stands, and why no stronger one does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing {
    pub(crate) wall: Wall,
    pub(crate) because: Option<String>,
}

/// A sandbox that has lived this long joins a control group.
const GROUP_AFTER: Duration = Duration::from_millis(25);

/// The control group around a sandbox.
#[derive(Debug)]
enum Group {
    /// To be made from this time on.
    From(Instant, Limits),
    Joined(ControlGroup),
    /// None can be made here.
    Without(String),
}

impl Drop for Native {
    fn drop(&mut self) {
        if self.can_be_left() && self.helper.leave() {
            return;
        }
        if self.is_brief && self.helper.end_of_talk(KILL_MAX) {
            return;
        }
        if self.helper.end_within(KILL_MAX) {
            return;
        }
        if let Group::Joined(group) = &self.group {
            group.kill();
        }
        self.helper.end();
        // The group is empty now, and goes with this.
    }
}

impl Native {
    pub(crate) fn self_test(&self) -> &SelfTest {
        &self.self_test
    }

    pub(crate) fn standing(&self) -> &Standing {
        &self.standing
    }

    pub(crate) fn is_flushed_behind(&self) -> bool {
        self.is_flushed_behind
    }

    /// Whether process 1 has nothing more to do and may end with this program: nothing
    /// is to be cleared away after it.
    fn can_be_left(&self) -> bool {
        self.is_brief && self.is_deserted && !matches!(self.group, Group::Joined(_))
    }

    /// Runs one command to its end, and the end of everything it started.
    pub(crate) fn run(
        &mut self,
        order: &Order,
        interrupt: &Interrupt,
        on_output: &mut dyn FnMut(&[u8]),
    ) -> Result<CommandOutput, SandboxError> {
        self.settle()?;
        self.before_command();
        let started = Instant::now();
        let mut pipe = Pipe::new()?;
        self.give_to_commands(&[pipe.reader().as_fd()]);
        self.send_run(order, pipe.take_writer()?)?;
        self.in_command = true;
        let mut capture = Capture::default();
        let mut sink = |bytes: &[u8]| {
            capture.push(bytes);
            on_output(bytes);
        };
        let watched = self.watch(&pipe, stream::deadline(order.timeout), interrupt, &mut sink);
        self.in_command = false;
        let end = match watched {
            // The command may still run: nothing more in this sandbox.
            Err(SandboxError::Io(error)) => return Err(self.give_up(&error.to_string())),
            watched => watched?,
        };
        // Every writer is dead, so this ends at once.
        stream::drain(&pipe, KILL_MAX, &mut sink);
        let mut output = capture.finish(end, started.elapsed());
        output.incidents = self.after_command();
        Ok(output)
    }

    /// Ends a command that nobody waits for any more.
    fn settle(&mut self) -> Result<(), SandboxError> {
        if !std::mem::take(&mut self.in_command) {
            return Ok(());
        }
        self.send(&Request::Kill, &[])?;
        self.await_killed()
    }

    /// Takes in replies up to the word that everything was killed.
    fn await_killed(&mut self) -> Result<(), SandboxError> {
        loop {
            match self.reply_within(KILL_MAX)? {
                Some(Reply::Killed) => return Ok(()),
                Some(Reply::Ended { .. } | Reply::NotStarted { .. }) => {}
                _ => return Err(self.give_up("it did not confirm that everything was killed")),
            }
        }
    }

    /// Files below `root` with names that credentials have, or perhaps, or one of
    /// `inodes`, and whether those are all; `None` where commands can't rename any.
    pub(crate) fn named(
        &mut self,
        root: &Path,
        inodes: &Arc<HashSet<u64>>,
    ) -> Option<(Vec<Named>, bool)> {
        self.guard.as_mut().map(|guard| guard.named(root, inodes))
    }

    fn before_command(&mut self) {
        self.space.begin();
        self.memory_kills_before = self.memory_kills();
        if let Some(guard) = &mut self.guard {
            guard.before_command();
        }
    }

    pub(crate) fn after_command(&mut self) -> Vec<Incident> {
        let held = std::mem::take(&mut self.held);
        let guard = self.guard.as_mut();
        let mut incidents = guard.map(|guard| guard.after_command(&held)).unwrap_or_default();
        incidents.extend(self.low_space.take());
        incidents.extend(self.not_started.take().map(|code| Incident::NotStarted { code }));
        let killed = self.memory_kills() > self.memory_kills_before;
        if std::mem::take(&mut self.over_memory) || killed {
            incidents.push(Incident::MemoryLimit { bytes_max: self.memory_bytes_max });
        }
        incidents
    }

    /// Has pipes belong to who commands are, so that they can open them by name
    /// (`/dev/stdin`), as any pipe of one's own.
    fn give_to_commands(&self, pipes: &[BorrowedFd<'_>]) {
        let Some((user, group)) = self.helper.commands_owner() else { return };
        let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
        for pipe in pipes {
            // Where this fails only those names don't work.
            let _ = rustix::fs::fchown(pipe, Some(user), Some(group));
        }
    }

    fn send_run(&mut self, order: &Order, writer: OwnedFd) -> Result<(), SandboxError> {
        let null = File::open("/dev/null")?;
        let request = Request::Run {
            arguments: order.arguments.clone(),
            directory: order.directory.clone(),
            terminal: None,
        };
        self.send(&request, &[null.as_fd(), writer.as_fd(), writer.as_fd()])
    }

    fn watch(
        &mut self,
        pipe: &Pipe,
        deadline: Instant,
        interrupt: &Interrupt,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<CommandEnd, SandboxError> {
        let mut forced: Option<(CommandEnd, Instant)> = None;
        let mut closed = false;
        loop {
            self.join_group(Instant::now());
            if forced.is_none() {
                let end = must_end(deadline, interrupt).or_else(|| self.out_of_bounds());
                forced = end.map(|end| (end, Instant::now() + KILL_MAX));
                if forced.is_some() {
                    self.send(&Request::Kill, &[])?;
                }
            }
            let (output, reply) = self.ready(pipe, closed, deadline)?;
            if output {
                closed = stream::read_block(pipe, sink)? == Found::End;
            }
            if reply {
                let reply = self.reply_within(KILL_MAX)?;
                let end = self.command_end(reply);
                let Some((forced, _)) = forced else { return end };
                self.await_killed()?;
                return end.map(|_| forced);
            }
            if forced.is_some_and(|(_, limit)| Instant::now() > limit) {
                return Err(self.give_up("it did not confirm that everything was killed"));
            }
        }
    }

    /// Joins a control group when it is time.
    fn join_group(&mut self, now: Instant) {
        let Group::From(time, limits) = &self.group else { return };
        let Some(helper) = self.helper.id().filter(|_| now >= *time) else { return };
        let bounds = Bounds {
            // The helper and process 1 are inside as well.
            processes_max: limits.processes_max.saturating_add(2),
            memory_bytes_max: limits.memory_bytes_max,
            // What a person runs is theirs like any other program.
            half_share: !self.is_brief,
        };
        self.group = match ControlGroup::around(helper, bounds) {
            Ok(group) => Group::Joined(group),
            Err(error) => Group::Without(error.to_string()),
        };
    }

    /// The control group's description, or why there is none.
    pub(crate) fn control_group(&mut self) -> Result<String, String> {
        self.join_group(Instant::now() + GROUP_AFTER);
        match &self.group {
            Group::Joined(group) => Ok(group.describe()),
            Group::Without(reason) => Err(reason.clone()),
            Group::From(..) => Err("the sandbox has ended".to_owned()),
        }
    }

    fn memory_kills(&self) -> u64 {
        if let Group::Joined(group) = &self.group { group.memory_kills() } else { 0 }
    }

    /// How a command ends that leads git on the host elsewhere, fills the disk, or of which the kernel had to
    /// kill a part for want of memory.
    fn out_of_bounds(&mut self) -> Option<CommandEnd> {
        if self.guard.as_mut().is_some_and(Guard::is_led_away) {
            return Some(CommandEnd::Signalled(libc::SIGKILL));
        }
        if !self.space.is_time() {
            return None;
        }
        self.low_space = self.space.is_low();
        self.over_memory |= self.memory_kills() > self.memory_kills_before;
        let ends = self.low_space.is_some() || self.over_memory;
        ends.then_some(CommandEnd::Signalled(libc::SIGKILL))
    }

    /// Waits a moment; says whether there is output, and whether a reply.
    fn ready(
        &self,
        pipe: &Pipe,
        closed: bool,
        deadline: Instant,
    ) -> Result<(bool, bool), SandboxError> {
        let socket = self.socket()?;
        let wait = stream::tick(deadline).max(Duration::from_millis(10));
        let mut sources = vec![PollFd::new(socket, PollFlags::IN)];
        if !closed {
            sources.push(PollFd::new(pipe.reader(), PollFlags::IN));
        }
        stream::poll(&mut sources, wait)?;
        let is_ready = |source: &PollFd<'_>| !source.revents().is_empty();
        let reply = is_ready(&sources[0]);
        let output = sources.get(1).is_some_and(is_ready);
        // Output that is there comes before the word that the command ended.
        Ok((output, reply && !output))
    }

    fn command_end(&mut self, reply: Option<Reply>) -> Result<CommandEnd, SandboxError> {
        let mut reply = reply;
        if let Some(Reply::Ended { held, .. }) = &mut reply {
            self.held = std::mem::take(held);
            self.is_deserted = true;
        }
        match reply {
            Some(Reply::Ended { over_memory: true, .. }) => {
                self.over_memory = true;
                Ok(CommandEnd::Signalled(libc::SIGKILL))
            }
            Some(Reply::Ended { exit_code: Some(code), .. }) => Ok(CommandEnd::Exited(code)),
            Some(Reply::Ended { signal: Some(signal), .. }) => Ok(CommandEnd::Signalled(signal)),
            Some(Reply::NotStarted { error, code }) if code == libc::ENOENT => {
                Err(SandboxError::Command(format!("program or directory not found ({error})")))
            }
            Some(Reply::NotStarted { error, .. }) => Err(SandboxError::Command(error)),
            _ => Err(self.give_up("its first process is gone")),
        }
    }

    pub(crate) fn end_processes(&mut self) -> Result<(), SandboxError> {
        if self.helper.socket().is_none() {
            return Ok(());
        }
        self.settle()?;
        self.send(&Request::Kill, &[])?;
        self.await_killed()
    }

    fn send(
        &mut self,
        message: &impl serde::Serialize,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), SandboxError> {
        let sent = wire::send(self.socket()?, message, descriptors);
        sent.map_err(|error| self.give_up(&error.to_string()))
    }

    /// The next reply; `None` when the other end is gone.
    fn reply_within(&mut self, limit: Duration) -> Result<Option<Reply>, SandboxError> {
        Ok(self.receive_within(limit)?.map(|(reply, _)| reply))
    }

    fn receive_within(
        &mut self,
        limit: Duration,
    ) -> Result<Option<(Reply, Vec<OwnedFd>)>, SandboxError> {
        let socket = self.socket()?;
        socket.set_read_timeout(Some(limit))?;
        let received = wire::receive::<Reply>(socket);
        received.map_err(|error| self.give_up(&error.to_string()))
    }

    fn socket(&self) -> Result<&UnixStream, SandboxError> {
        self.helper.socket().ok_or_else(|| {
            SandboxError::unavailable("it ended earlier in this session", remedy::START_AGAIN)
        })
    }

    /// Ends a sandbox that does not behave; nothing more runs in it.
    fn give_up(&mut self, cause: &str) -> SandboxError {
        self.helper.end();
        SandboxError::unavailable(cause, remedy::START_AGAIN)
    }

    /// Lets every process begin to end; dropping this waits for it, unless all are gone
    /// that matter.
    pub(crate) fn begin_end(&mut self) {
        if !self.can_be_left() {
            self.helper.close();
        }
    }
}

fn must_end(deadline: Instant, interrupt: &Interrupt) -> Option<CommandEnd> {
    if interrupt.step_ended() {
        return Some(CommandEnd::Interrupted);
    }
    (Instant::now() >= deadline).then_some(CommandEnd::TimedOut)
}
