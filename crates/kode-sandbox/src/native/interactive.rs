//! `kode sandbox -- CMD…`: a command with the caller's own streams.
//!
//! No descriptor of the caller's gets inside: bytes are carried over pipes, or
//! over a terminal of the sandbox's own when the caller sits at one. Signals
//! are passed on.

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::pipe::PipeFlags;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};
use signal_hook::iterator::Signals;

use super::callers_terminal::Terminals;
use super::{KILL_MAX, Native, stream};
use crate::SandboxError;
use crate::incident::Incident;
use crate::output::CommandEnd;
use crate::sandbox::Order;
use crate::wire::{self, Reply, Request};

/// Signals passed on to the command.
const PASSED_ON: &[i32] = &[SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH];

/// How often signals are looked for.
const TICK: Duration = Duration::from_millis(20);

const BLOCK_BYTES: usize = 64 * 1024;

/// A pipe that has room for anything has it for so much (`PIPE_BUF`, pipe(7)).
const ATOMIC_BYTES: usize = 4096;

/// One direction: bytes from one descriptor to another, one block at a time.
struct Carrier<'a> {
    from: Option<End<'a>>,
    to: Option<End<'a>>,
    block: Vec<u8>,
    /// It carries a terminal's keys, which are looked at before they go on.
    is_keys: bool,
    /// Nothing is read meanwhile.
    is_paused: bool,
}

/// A descriptor of the caller's, or one made here.
enum End<'a> {
    Callers(BorrowedFd<'a>),
    Ours(OwnedFd),
}

impl AsFd for End<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Callers(descriptor) => *descriptor,
            Self::Ours(descriptor) => descriptor.as_fd(),
        }
    }
}

/// A command that was asked for before the sandbox stands, over pipes.
pub(super) struct Ahead<'a>(Vec<Carrier<'a>>);

/// Whether commands get a terminal of their own, because the caller has one.
pub(super) fn at_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

impl Native {
    /// Runs `order` on this process's own standard streams, to its end.
    pub(crate) fn run_interactive(
        &mut self,
        order: &Order,
    ) -> Result<(CommandEnd, Vec<Incident>), SandboxError> {
        self.settle()?;
        self.before_command();
        let end = self.relay(order)?;
        Ok((end, self.after_command()))
    }

    /// Asks for `order` while the sandbox is still built, so that its process 1
    /// finds the request there when it is done. It runs only then.
    pub(super) fn ask_ahead<'a>(
        &mut self,
        order: &Order,
        streams: [BorrowedFd<'a>; 3],
    ) -> Result<Ahead<'a>, SandboxError> {
        self.before_command();
        self.asked_ahead = true;
        self.start_on_pipes(order, streams).map(Ahead)
    }

    /// Carries what was asked for ahead to its end, once the sandbox stands.
    pub(super) fn run_ahead(
        &mut self,
        Ahead(mut carriers): Ahead<'_>,
        signals: &mut Signals,
    ) -> Result<(CommandEnd, Vec<Incident>), SandboxError> {
        let end = self.attend(&mut carriers, signals, None)?;
        Ok((end, self.after_command()))
    }

    fn relay(&mut self, order: &Order) -> Result<CommandEnd, SandboxError> {
        let mut signals = passed_on()?;
        let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
        let caller = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()];
        let (mut carriers, mut terminals) = if at_terminal() {
            let inside = self.start_on_terminal(order, stdout.as_fd())?;
            let carriers = on_terminal(caller, &inside)?;
            (carriers, Some(Terminals::new(stdin.as_fd(), inside)?))
        } else {
            let started = self.start_on_pipes(order, caller);
            (started.map_err(|error| self.give_up(&error.to_string()))?, None)
        };
        self.attend(&mut carriers, &mut signals, terminals.as_mut())
    }

    fn attend(
        &mut self,
        carriers: &mut [Carrier<'_>],
        signals: &mut Signals,
        mut terminals: Option<&mut Terminals<'_>>,
    ) -> Result<CommandEnd, SandboxError> {
        loop {
            self.join_group(std::time::Instant::now());
            if self.out_of_bounds().is_some() {
                self.send(&Request::Kill, &[])?;
            }
            for signal in signals.pending() {
                self.pass_on(signal, terminals.as_deref_mut())?;
            }
            if let Some(terminals) = terminals.as_deref_mut() {
                self.attend_terminal(carriers, terminals)?;
            }
            let replied = self.carry(carriers)?;
            if replied {
                let end = self.interactive_end();
                finish(carriers, &*signals_end()?)?;
                return end;
            }
        }
    }

    /// A program that can't be started ends as shells let it: 127 when there
    /// is none, 126 otherwise.
    fn interactive_end(&mut self) -> Result<CommandEnd, SandboxError> {
        match self.reply_within(KILL_MAX)? {
            Some(Reply::NotStarted { code, .. }) => {
                self.not_started = Some(code);
                Ok(CommandEnd::Exited(if code == libc::ENOENT { 127 } else { 126 }))
            }
            reply => self.command_end(reply),
        }
    }

    fn start_on_pipes<'a>(
        &mut self,
        order: &Order,
        [input, output, errors]: [BorrowedFd<'a>; 3],
    ) -> Result<Vec<Carrier<'a>>, SandboxError> {
        let pipe = || rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(io::Error::from);
        let (inside_input, to_input) = pipe()?;
        let (from_output, inside_output) = pipe()?;
        let (from_errors, inside_errors) = pipe()?;
        let inside = [inside_input.as_fd(), inside_output.as_fd(), inside_errors.as_fd()];
        self.give_to_commands(&inside);
        // The talk is kept where this fails: the helper may have left word why.
        wire::send(self.socket()?, &run_request(order, None), &inside)?;
        Ok(vec![
            Carrier::new(End::Ours(from_output), End::Callers(output))?,
            Carrier::new(End::Ours(from_errors), End::Callers(errors))?,
            Carrier::new(End::Callers(input), End::Ours(to_input))?,
        ])
    }

    fn start_on_terminal(
        &mut self,
        order: &Order,
        callers: BorrowedFd<'_>,
    ) -> Result<OwnedFd, SandboxError> {
        let size = rustix::termios::tcgetwinsize(callers).map_err(io::Error::from)?;
        self.send(&run_request(order, Some((size.ws_row, size.ws_col))), &[])?;
        match self.receive_within(KILL_MAX)? {
            Some((Reply::Terminal, descriptors)) => descriptors
                .into_iter()
                .next()
                .ok_or_else(|| SandboxError::Command("no terminal came back".to_owned())),
            Some((Reply::NotStarted { error, .. }, _)) => Err(SandboxError::Command(error)),
            _ => Err(self.give_up("its first process is gone")),
        }
    }

    fn pass_on(
        &mut self,
        signal: i32,
        terminals: Option<&mut Terminals<'_>>,
    ) -> Result<(), SandboxError> {
        match (signal, terminals) {
            (SIGWINCH, Some(terminals)) => {
                if let Ok(size) = rustix::termios::tcgetwinsize(io::stdout()) {
                    let _ = rustix::termios::tcsetwinsize(&terminals.inside, size);
                }
                return Ok(());
            }
            (SIGWINCH, None) => return Ok(()),
            (SIGCONT, Some(terminals)) => terminals.continued(),
            _ => {}
        }
        self.send(&Request::Signal(signal), &[])
    }

    /// Reads keys in the foreground only, and stops the command and this program at the
    /// key that does so.
    fn attend_terminal(
        &mut self,
        carriers: &mut [Carrier<'_>],
        terminals: &mut Terminals<'_>,
    ) -> Result<(), SandboxError> {
        let in_foreground = terminals.attend()?;
        for keys in carriers.iter_mut().filter(|carrier| carrier.is_keys) {
            keys.is_paused = !in_foreground;
            if let Some(place) = terminals.stop_key(&keys.block) {
                keys.block.remove(place);
                self.send(&Request::Signal(libc::SIGSTOP), &[])?;
                terminals.stop();
                self.send(&Request::Signal(SIGCONT), &[])?;
            }
        }
        Ok(())
    }

    /// Waits a moment and moves what is ready; true once the command ended.
    fn carry(&mut self, carriers: &mut [Carrier<'_>]) -> Result<bool, SandboxError> {
        let (replied, ready) = {
            let mut sources = vec![PollFd::new(self.socket()?, PollFlags::IN)];
            for carrier in carriers.iter() {
                sources.extend(carrier.interest());
            }
            stream::poll(&mut sources, TICK)?;
            let ready: Vec<bool> =
                sources.iter().map(|source| !source.revents().is_empty()).collect();
            (ready[0], ready)
        };
        let mut ready = ready.into_iter().skip(1);
        let mut moved = false;
        for carrier in carriers.iter_mut() {
            if carrier.is_waiting() && ready.next().unwrap_or(false) {
                moved |= carrier.step();
            }
        }
        // Input alone does not hold up the end.
        Ok(replied && !moved)
    }
}

/// Takes in the signals that are passed on to the command.
pub(super) fn passed_on() -> Result<Signals, SandboxError> {
    Ok(Signals::new(PASSED_ON)?)
}

fn run_request(order: &Order, terminal: Option<(u16, u16)>) -> Request {
    let (arguments, directory) = (order.arguments.clone(), order.directory.clone());
    Request::Run { arguments, directory, terminal }
}

fn on_terminal<'a>(
    [input, output, _]: [BorrowedFd<'a>; 3],
    terminal: &OwnedFd,
) -> Result<Vec<Carrier<'a>>, SandboxError> {
    Ok(vec![
        Carrier::new(End::Ours(terminal.try_clone()?), End::Callers(output))?,
        Carrier::new(End::Callers(input), End::Ours(terminal.try_clone()?))?.of_keys(),
    ])
}

/// Signals that would end this program.
const ENDING: &[i32] = &[SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// From now on there is no command that signals could be meant for: the second of them
/// ends this program, whatever it is at. The first is noted.
fn signals_end() -> io::Result<Arc<AtomicBool>> {
    let noted = Arc::new(AtomicBool::new(false));
    for signal in ENDING {
        signal_hook::flag::register_conditional_default(*signal, Arc::clone(&noted))?;
        signal_hook::flag::register(*signal, Arc::clone(&noted))?;
    }
    Ok(noted)
}

/// Carries what the dead processes left in pipes and terminal, unless somebody takes it
/// for too long.
fn finish(carriers: &mut [Carrier<'_>], noted: &AtomicBool) -> Result<(), SandboxError> {
    for carrier in carriers {
        let from_inside = matches!(carrier.from, Some(End::Ours(_)));
        while from_inside && carrier.is_open() && !noted.load(Ordering::Relaxed) {
            let mut sources: Vec<_> = carrier.interest().into_iter().collect();
            stream::poll(&mut sources, TICK)?;
            if sources.iter().any(|source| !source.revents().is_empty()) {
                drop(sources);
                carrier.step();
            }
        }
    }
    Ok(())
}

impl<'a> Carrier<'a> {
    /// Only descriptors made here are made non-blocking: the caller's file
    /// descriptions are shared with others.
    fn new(from: End<'a>, to: End<'a>) -> io::Result<Self> {
        if let End::Ours(to) = &to {
            rustix::io::ioctl_fionbio(to, true)?;
        }
        Ok(Self {
            from: Some(from),
            to: Some(to),
            block: Vec::new(),
            is_keys: false,
            is_paused: false,
        })
    }

    fn is_open(&self) -> bool {
        self.from.is_some() && self.to.is_some()
    }

    fn of_keys(self) -> Self {
        Self { is_keys: true, ..self }
    }

    fn is_waiting(&self) -> bool {
        self.is_open() && !(self.is_paused && self.block.is_empty())
    }

    /// What to wait for: something to read, or room for the rest of a block.
    fn interest(&self) -> Option<PollFd<'_>> {
        if !self.is_waiting() {
            return None;
        }
        let (from, to) = (self.from.as_ref()?, self.to.as_ref()?);
        Some(if self.block.is_empty() {
            PollFd::from_borrowed_fd(from.as_fd(), PollFlags::IN)
        } else {
            PollFd::from_borrowed_fd(to.as_fd(), PollFlags::OUT)
        })
    }

    /// Moves one block or a part of it; says whether output got moved.
    fn step(&mut self) -> bool {
        let outcome = if self.block.is_empty() { self.read() } else { self.write() };
        if !outcome.unwrap_or(false) {
            // The end, or the other side is gone: both descriptors of ours
            // close, and the command sees it.
            self.from = None;
            self.to = None;
            return false;
        }
        matches!(self.from, Some(End::Ours(_)))
    }

    fn read(&mut self) -> io::Result<bool> {
        let Some(from) = &self.from else { return Ok(false) };
        let mut block = vec![0; BLOCK_BYTES];
        let count = match rustix::io::read(from, &mut block) {
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => return Ok(true),
            result => result?,
        };
        if count == 0 {
            return Ok(false);
        }
        block.truncate(count);
        self.block = block;
        Ok(true)
    }

    /// Writes what there is room for. The caller's descriptors wait where there is none,
    /// and meanwhile nobody would look at the command: a pipe that can be written takes so
    /// much at once.
    fn write(&mut self) -> io::Result<bool> {
        let Some(to) = &self.to else { return Ok(false) };
        let mut written = 0;
        loop {
            let part = self.block.len().min(written + ATOMIC_BYTES);
            match rustix::io::write(to, &self.block[written..part]) {
                Ok(count) => written += count,
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => break,
                Err(error) => return Err(error.into()),
            }
            let mut sources = [PollFd::from_borrowed_fd(to.as_fd(), PollFlags::OUT)];
            if written == self.block.len() {
                break;
            }
            stream::poll(&mut sources, Duration::ZERO)?;
            if !sources[0].revents().contains(PollFlags::OUT) {
                break;
            }
        }
        self.block.drain(..written);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn output_that_nobody_takes_does_not_hold_anything_up() {
        let (from, inside) = rustix::pipe::pipe().unwrap();
        let (taken_by_nobody, to) = rustix::pipe::pipe().unwrap();
        let mut full = std::fs::File::from(to.try_clone().unwrap());
        let room = rustix::pipe::fcntl_getpipe_size(&to).unwrap();
        full.write_all(&vec![0; room - ATOMIC_BYTES]).unwrap();
        let mut inside = std::fs::File::from(inside);
        inside.write_all(&[0; 4 * ATOMIC_BYTES]).unwrap();
        let mut carrier = Carrier::new(End::Ours(from), End::Callers(to.as_fd())).unwrap();
        // Waited for ever where it wrote all at once.
        assert!(carrier.step() && carrier.step());
        assert_eq!(carrier.block.len(), 3 * ATOMIC_BYTES);
        drop(taken_by_nobody);
    }
}
