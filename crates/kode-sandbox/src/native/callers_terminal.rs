//! The caller's terminal while a command has one of its own: every key goes to the
//! command as long as kode is in the foreground, and nothing is touched otherwise.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::process::{Pid, Signal};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios};

/// The caller's terminal and the sandbox's own.
pub(super) struct Terminals<'a> {
    callers: BorrowedFd<'a>,
    /// As it was before keys were passed on; `None` while they are not.
    before: Option<Termios>,
    /// The controlling end of the command's.
    pub(super) inside: OwnedFd,
}

impl<'a> Terminals<'a> {
    pub(super) fn new(callers: BorrowedFd<'a>, inside: OwnedFd) -> io::Result<Self> {
        let mut terminals = Self { callers, before: None, inside };
        terminals.attend()?;
        Ok(terminals)
    }

    /// Passes keys on if this is in the foreground; says whether it is. Elsewhere the
    /// terminal is the shell's, which stops whoever sets or reads it.
    pub(super) fn attend(&mut self) -> io::Result<bool> {
        if !self.is_in_foreground() {
            self.before = None;
            return Ok(false);
        }
        if self.before.is_none() {
            self.before = Some(rustix::termios::tcgetattr(self.callers)?);
            self.set_raw()?;
        }
        Ok(true)
    }

    /// A terminal that is not this program's own to control stops nobody.
    fn is_in_foreground(&self) -> bool {
        let group = rustix::process::getpgrp();
        !rustix::termios::tcgetpgrp(self.callers).is_ok_and(|foreground| foreground != group)
    }

    /// After a stop: whoever stopped this program may have set the terminal anew.
    pub(super) fn continued(&mut self) {
        if self.attend().unwrap_or(false) {
            let _ = self.set_raw();
        }
    }

    fn set_raw(&self) -> io::Result<()> {
        let Some(before) = &self.before else { return Ok(()) };
        let mut raw = before.clone();
        raw.make_raw();
        Ok(rustix::termios::tcsetattr(self.callers, OptionalActions::Now, &raw)?)
    }

    /// Gives the terminal back as it was.
    fn restore(&mut self) {
        if let Some(before) = self.before.take()
            && self.is_in_foreground()
        {
            let _ = rustix::termios::tcsetattr(self.callers, OptionalActions::Now, &before);
        }
    }

    /// Where in these keys the one stands that stops the command: nobody inside could
    /// continue it, since the shell that does is outside. `None` where the command
    /// takes that key itself, or runs programs of its own in the foreground.
    pub(super) fn stop_key(&self, keys: &[u8]) -> Option<usize> {
        let modes = rustix::termios::tcgetattr(&self.inside).ok()?;
        let key = modes.special_codes[SpecialCodeIndex::VSUSP];
        let place = keys.iter().position(|byte| *byte == key && key != 0)?;
        let session = rustix::termios::tcgetsid(&self.inside).ok()?;
        let group = rustix::termios::tcgetpgrp(&self.inside).ok()?;
        let stops = modes.local_modes.contains(LocalModes::ISIG);
        (stops && session == group && !handles_stops(group)).then_some(place)
    }

    /// Stops this program, as its shell expects, until it is continued.
    pub(super) fn stop(&mut self) {
        self.restore();
        let _ = rustix::process::kill_process(rustix::process::getpid(), Signal::TSTP);
        self.continued();
    }
}

impl Drop for Terminals<'_> {
    fn drop(&mut self) {
        self.restore();
    }
}

/// Whether a process ignores or catches the key's signal, as shells do.
fn handles_stops(process: Pid) -> bool {
    let status = format!("/proc/{}/status", process.as_raw_nonzero());
    let status = std::fs::read_to_string(status).unwrap_or_default();
    let set = |name: &str| {
        let mask = status.lines().find_map(|line| line.strip_prefix(name));
        u64::from_str_radix(mask.unwrap_or("0").trim(), 16).unwrap_or_default()
    };
    (set("SigIgn:") | set("SigCgt:")) & (1 << (libc::SIGTSTP - 1)) != 0
}
