//! A socket with a clock: every read and write ends at a deadline, bytes read
//! too far are given back, and what passes is counted.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustls::{ClientConnection, ServerConnection, StreamOwned};

use super::Refusal;
use super::head::end_of_head;
use super::tripwire::Tripwire;

/// A client's or a server's connection.
#[derive(Debug)]
pub(crate) struct Socket(pub(crate) TcpStream);

impl Socket {
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        Ok(Self(self.0.try_clone()?))
    }

    pub(crate) fn shutdown(&self, how: Shutdown) {
        let _ = self.0.shutdown(how);
    }

    fn set_timeout(&self, limit: Duration) -> io::Result<()> {
        self.0.set_read_timeout(Some(limit))?;
        self.0.set_write_timeout(Some(limit))
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Bytes that passed, seen from inside the sandbox.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) sent: AtomicU64,
    pub(crate) received: AtomicU64,
}

/// A socket that never waits past its deadline.
#[derive(Debug)]
pub(crate) struct Stream {
    socket: Socket,
    deadline: Instant,
    /// Read, and given back.
    ahead: Vec<u8>,
    /// Set on the side that leads outside.
    counters: Option<Arc<Counters>>,
    /// The same side.
    tripwire: Option<Arc<Tripwire>>,
}

impl Stream {
    pub(crate) fn new(socket: Socket, limit: Duration) -> Self {
        let deadline = Instant::now() + limit;
        Self { socket, deadline, ahead: Vec::new(), counters: None, tripwire: None }
    }

    /// Lets nothing leave once the tripwire is touched.
    pub(crate) fn watched_by(self, tripwire: Option<Arc<Tripwire>>) -> Self {
        Self { tripwire, ..self }
    }

    /// Whether bytes that were read may leave here.
    pub(crate) fn may_leave(&self) -> bool {
        self.tripwire.as_ref().is_none_or(|tripwire| tripwire.check().is_ok())
    }

    /// Counts what passes, for the side that leads outside.
    pub(crate) fn counted(mut self, counters: Arc<Counters>) -> Self {
        self.counters = Some(counters);
        self
    }

    /// Moves the deadline.
    pub(crate) fn within(&mut self, limit: Duration) {
        self.deadline = Instant::now() + limit;
    }

    pub(crate) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Gives bytes back, to be read again first.
    pub(crate) fn give_back(&mut self, mut bytes: Vec<u8>) {
        bytes.append(&mut self.ahead);
        self.ahead = bytes;
    }

    /// Takes what was given back and not read since.
    pub(crate) fn take_ahead(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.ahead)
    }

    pub(crate) fn read_exactly(&mut self, bytes: &mut [u8]) -> Result<(), Refusal> {
        Ok(Read::read_exact(self, bytes)?)
    }

    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        Ok(Write::write_all(self, bytes)?)
    }

    fn tick(&mut self) -> io::Result<()> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.socket.set_timeout(left)
    }

    pub(crate) fn count_sent(&self, count: usize) {
        if let Some(counters) = &self.counters {
            counters.sent.fetch_add(count as u64, Ordering::Relaxed);
        }
    }

    pub(crate) fn count_received(&self, count: usize) {
        if let Some(counters) = &self.counters {
            counters.received.fetch_add(count as u64, Ordering::Relaxed);
        }
    }
}

/// A connection whose deadline can be moved.
pub(crate) trait Conversation: Read + Write {
    fn within(&mut self, limit: Duration);
}

impl Conversation for Stream {
    fn within(&mut self, limit: Duration) {
        Stream::within(self, limit);
    }
}

impl Conversation for StreamOwned<ServerConnection, Stream> {
    fn within(&mut self, limit: Duration) {
        self.sock.within(limit);
    }
}

impl Conversation for StreamOwned<ClientConnection, Stream> {
    fn within(&mut self, limit: Duration) {
        self.sock.within(limit);
    }
}

/// Reads up to the blank line; what comes after it is left in `rest`.
pub(crate) fn read_head(
    from: &mut dyn Read,
    rest: &mut Vec<u8>,
    bytes_max: usize,
) -> Result<Vec<u8>, Refusal> {
    let mut searched = 0;
    loop {
        if let Some(end) = end_of_head(&rest[searched..]) {
            let after = rest.split_off(searched + end);
            return Ok(std::mem::replace(rest, after));
        }
        if rest.len() >= bytes_max {
            return Err(Refusal::Malformed("its head is too long"));
        }
        searched = rest.len().saturating_sub(3);
        let mut block = [0; 4096];
        let count = from.read(&mut block)?;
        if count == 0 {
            return Err(Refusal::BrokeOff);
        }
        rest.extend_from_slice(&block[..count]);
    }
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if !self.ahead.is_empty() {
            let count = self.ahead.len().min(bytes.len());
            bytes[..count].copy_from_slice(&self.ahead[..count]);
            self.ahead.drain(..count);
            return Ok(count);
        }
        self.tick()?;
        let count = self.socket.0.read(bytes)?;
        self.count_received(count);
        Ok(count)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tick()?;
        if !self.may_leave() {
            return Err(ErrorKind::ConnectionAborted.into());
        }
        let count = self.socket.0.write(bytes)?;
        self.count_sent(count);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Self::TooSlow,
            _ => Self::BrokeOff,
        }
    }
}
