//! Reading a command's output through a pipe without ever blocking longer than
//! it takes to notice an interrupt.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::pipe::PipeFlags;

/// Interrupts are noticed within this time.
const POLL_MAX: Duration = Duration::from_millis(40);

/// Bytes read at once.
const BLOCK_BYTES: usize = 64 * 1024;

/// Both ends of a pipe; the reading end never blocks.
#[derive(Debug)]
pub(crate) struct Pipe {
    reader: OwnedFd,
    writer: Option<OwnedFd>,
}

impl Pipe {
    pub(crate) fn new() -> io::Result<Self> {
        let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        rustix::io::ioctl_fionbio(&reader, true)?;
        Ok(Self { reader, writer: Some(writer) })
    }

    /// The writing end, once; only the command may keep it open.
    pub(crate) fn take_writer(&mut self) -> io::Result<OwnedFd> {
        self.writer.take().ok_or_else(|| io::Error::other("the pipe's end was taken already"))
    }

    pub(crate) fn reader(&self) -> &OwnedFd {
        &self.reader
    }
}

/// What reading found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Bytes,
    Nothing,
    End,
}

/// When a time limit that starts now is over; absurd limits count as a year.
pub(crate) fn deadline(timeout: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    Instant::now() + timeout.min(YEAR)
}

/// How long to wait at most before looking around again.
pub(crate) fn tick(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).min(POLL_MAX)
}

/// Waits up to `wait` and hands on one block.
pub(crate) fn pump(pipe: &Pipe, wait: Duration, sink: &mut dyn FnMut(&[u8])) -> io::Result<Found> {
    let mut sources = [PollFd::new(&pipe.reader, PollFlags::IN)];
    poll(&mut sources, wait)?;
    if sources[0].revents().is_empty() {
        return Ok(Found::Nothing);
    }
    read_block(pipe, sink)
}

/// Reads one block if there is one.
pub(crate) fn read_block(pipe: &Pipe, sink: &mut dyn FnMut(&[u8])) -> io::Result<Found> {
    let mut block = vec![0; BLOCK_BYTES];
    match rustix::io::read(&pipe.reader, &mut block) {
        Ok(0) => Ok(Found::End),
        Ok(count) => {
            sink(&block[..count]);
            Ok(Found::Bytes)
        }
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(Found::Nothing),
        Err(error) => Err(error.into()),
    }
}

/// Reads what is left, up to the end or `wait`.
pub(crate) fn drain(pipe: &Pipe, wait: Duration, sink: &mut dyn FnMut(&[u8])) {
    let deadline = Instant::now() + wait;
    while Instant::now() < deadline {
        match pump(pipe, tick(deadline), sink) {
            Ok(Found::Bytes | Found::Nothing) => {}
            Ok(Found::End) | Err(_) => return,
        }
    }
}

/// `poll` with a time limit; an interrupted call counts as nothing ready.
pub(crate) fn poll(sources: &mut [PollFd<'_>], wait: Duration) -> io::Result<()> {
    let timeout = Timespec {
        tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(wait.subsec_nanos()),
    };
    match rustix::event::poll(sources, Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
