//! Carries bytes both ways between two sockets until both sides are done, one
//! is gone, or nothing passes for too long.

use std::io;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

use super::stream::Stream;
use crate::native::stream::poll;

/// Bytes carried at once, each way.
const BLOCK_BYTES: usize = 64 * 1024;

/// A tunnel that carries nothing for this long is closed.
const IDLE_MAX: Duration = Duration::from_secs(300);

/// How often the clock is looked at.
const TICK: Duration = Duration::from_secs(1);

/// One direction.
#[derive(Debug)]
struct Flow {
    block: Vec<u8>,
    start: usize,
    end: usize,
    /// The source is at its end.
    ended: bool,
    /// The sink was told.
    closed: bool,
}

/// What one look at a direction did.
enum Moved {
    Something,
    Nothing,
    /// The sink is gone.
    Broken,
}

/// Carries until the end. Errors of either side end it quietly: to the other
/// side it looks like the closing that it is.
pub(crate) fn carry(inside: &mut Stream, outside: &mut Stream) {
    let ready = rustix::io::ioctl_fionbio(inside.socket(), true)
        .and_then(|()| rustix::io::ioctl_fionbio(outside.socket(), true));
    if ready.is_err() {
        return;
    }
    let mut up = Flow::new(inside.take_ahead());
    let mut down = Flow::new(outside.take_ahead());
    let mut last = Instant::now();
    while !(up.closed && down.closed) {
        let one = up.step(inside, outside, |outside, count| outside.count_sent(count));
        let other = down.step(outside, inside, |_, _| {});
        match (one, other) {
            (Moved::Broken, _) | (_, Moved::Broken) => break,
            (Moved::Nothing, Moved::Nothing) => {
                if last.elapsed() > IDLE_MAX || wait(inside, outside, &up, &down).is_err() {
                    break;
                }
            }
            _ => last = Instant::now(),
        }
    }
    inside.socket().shutdown(Shutdown::Both);
    outside.socket().shutdown(Shutdown::Both);
}

/// Waits until one side can be read or written, or a moment has passed.
fn wait(inside: &Stream, outside: &Stream, up: &Flow, down: &Flow) -> io::Result<()> {
    let interest = |reads: &Flow, writes: &Flow| {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, reads.is_empty() && !reads.ended);
        flags.set(PollFlags::OUT, !writes.is_empty());
        flags
    };
    let sides = [(inside, interest(up, down)), (outside, interest(down, up))];
    // A side nobody waits on would report its hang-up over and over.
    let mut sources: Vec<PollFd<'_>> = sides
        .iter()
        .filter(|(_, flags)| !flags.is_empty())
        .map(|(side, flags)| PollFd::from_borrowed_fd(side.socket().as_fd(), *flags))
        .collect();
    poll(&mut sources, TICK)
}

impl Flow {
    fn new(first: Vec<u8>) -> Self {
        let end = first.len();
        let mut block = first;
        block.resize(BLOCK_BYTES.max(end), 0);
        Self { block, start: 0, end, ended: false, closed: false }
    }

    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Reads when empty, then writes what it can.
    fn step(&mut self, from: &Stream, to: &Stream, count: fn(&Stream, usize)) -> Moved {
        let mut moved = Moved::Nothing;
        if self.is_empty() && !self.ended {
            match rustix::io::read(from.socket(), &mut self.block[..]) {
                Ok(0) => self.ended = true,
                Ok(read) => {
                    (self.start, self.end) = (0, read);
                    from.count_received(read);
                    moved = Moved::Something;
                }
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
                Err(_) => self.ended = true,
            }
        }
        if !self.is_empty() {
            if !to.may_leave() {
                return Moved::Broken;
            }
            match rustix::net::send(
                to.socket(),
                &self.block[self.start..self.end],
                rustix::net::SendFlags::NOSIGNAL,
            ) {
                Ok(written) => {
                    self.start += written;
                    count(to, written);
                    moved = Moved::Something;
                }
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
                Err(_) => return Moved::Broken,
            }
        }
        if self.ended && self.is_empty() && !self.closed {
            to.socket().shutdown(Shutdown::Write);
            self.closed = true;
            moved = Moved::Something;
        }
        moved
    }
}
