//! The controlling terminal: opened for each question, read in bursts that
//! silence tells apart, never blocking for long.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::termios::{QueueSelector, isatty, tcflush, tcgetpgrp, tcgetwinsize};

/// Bytes closer together than this were not pressed one by one: the fastest
/// key repeat is about 30 ms.
const BURST_GAP: Duration = Duration::from_millis(15);

/// A burst is cut off here, however much more comes.
const BURST_MAX: Duration = Duration::from_secs(1);

/// What came in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Bytes that came together.
    Burst(Vec<u8>),
    /// Nothing, for the time asked.
    Silence,
    /// The terminal is gone.
    Closed,
}

/// The controlling terminal.
pub(crate) struct Terminal(File);

impl Terminal {
    /// Opens `/dev/tty`.
    pub(crate) fn open() -> io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let terminal = File::from(rustix::fs::open("/dev/tty", flags, Mode::empty())?);
        if !isatty(&terminal) {
            return Err(io::Error::other("/dev/tty is not a terminal"));
        }
        Ok(Self(terminal))
    }

    /// Fails when another job owns the terminal: asking would stop kode, and
    /// the keys would be meant for someone else.
    pub(crate) fn require_foreground(&self) -> io::Result<()> {
        if tcgetpgrp(&self.0)? != rustix::process::getpgrp() {
            return Err(io::Error::other("kode runs in the background; bring it back with `fg`"));
        }
        Ok(())
    }

    pub(crate) fn file(&self) -> &File {
        &self.0
    }

    /// Columns of the terminal, 80 when it does not say.
    pub(crate) fn columns(&self) -> usize {
        let size = tcgetwinsize(&self.0).map_or(0, |size| usize::from(size.ws_col));
        if size == 0 { 80 } else { size }
    }

    /// Rows of the terminal, 24 when it does not say.
    pub(crate) fn rows(&self) -> usize {
        let size = tcgetwinsize(&self.0).map_or(0, |size| usize::from(size.ws_row));
        if size == 0 { 24 } else { size }
    }

    pub(crate) fn write(&self, text: &str) -> io::Result<()> {
        (&self.0).write_all(text.as_bytes())
    }

    /// Throws away what was typed and not read yet.
    pub(crate) fn flush_input(&self) -> io::Result<()> {
        Ok(tcflush(&self.0, QueueSelector::IFlush)?)
    }

    /// Waits at most `wait` for a first byte, then takes everything that
    /// follows without a pause.
    pub(crate) fn read_burst(&self, wait: Duration) -> io::Result<Input> {
        let started = Instant::now();
        let mut burst = Vec::new();
        let mut patience = wait;
        while started.elapsed() < wait + BURST_MAX {
            if !self.readable(patience)? {
                break;
            }
            let mut chunk = [0_u8; 1024];
            let count = match (&self.0).read(&mut chunk) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // EIO: the other side of a pseudo-terminal hung up.
                Err(error) if error.raw_os_error() == Some(5) => 0,
                Err(error) => return Err(error),
            };
            if count == 0 {
                return Ok(Input::Closed);
            }
            burst.extend_from_slice(&chunk[..count]);
            patience = BURST_GAP;
        }
        Ok(if burst.is_empty() { Input::Silence } else { Input::Burst(burst) })
    }

    fn readable(&self, wait: Duration) -> io::Result<bool> {
        let wait = Timespec::try_from(wait).map_err(io::Error::other)?;
        let mut watched = [PollFd::new(&self.0, PollFlags::IN)];
        match poll(&mut watched, Some(&wait)) {
            Ok(count) => Ok(count > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
