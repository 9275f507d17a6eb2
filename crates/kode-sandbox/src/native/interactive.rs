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
use super::carrier::{Carrier, End};
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
            // Errors that the caller takes elsewhere stay out of the terminal.
            let errors = (!stderr.is_terminal()).then(pipe).transpose()?;
            let (from_errors, inside_errors) = errors.unzip();
            let inside = self.start_on_terminal(order, stdout.as_fd(), inside_errors)?;
            let mut carriers = on_terminal(caller, &inside)?;
            if let Some(from) = from_errors {
                carriers.push(Carrier::new(End::Ours(from), End::Callers(stderr.as_fd()))?);
            }
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
        errors: Option<OwnedFd>,
    ) -> Result<OwnedFd, SandboxError> {
        let size = rustix::termios::tcgetwinsize(callers).map_err(io::Error::from)?;
        let errors: Vec<_> = errors.iter().map(AsFd::as_fd).collect();
        self.give_to_commands(&errors);
        self.send(&run_request(order, Some((size.ws_row, size.ws_col))), &errors)?;
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

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?)
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
        let from_inside = carrier.is_from_inside();
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
