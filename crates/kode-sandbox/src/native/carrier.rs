//! Carries a command's bytes between descriptors of the caller's and pipes or a terminal
//! of the sandbox's.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;
use rustix::pipe::{PIPE_BUF, SpliceFlags};

use super::stream;

const BLOCK_BYTES: usize = 64 * 1024;

/// Taken over between pipes at once, at most; a pipe that carried so much gets room for it.
const SPLICE_BYTES: usize = 1024 * 1024;

/// One direction: bytes from one descriptor to another, one block at a time.
pub(super) struct Carrier<'a> {
    from: Option<End<'a>>,
    to: Option<End<'a>>,
    /// What was read and has not been written. Nobody but a terminal's keys is looked at.
    pub(super) block: Vec<u8>,
    /// The kernel moves the bytes, which never come here.
    is_spliced: bool,
    /// The last time there was no room behind; only of what is spliced.
    is_full: bool,
    /// Bytes that were spliced, until the pipe got more room.
    spliced: Option<usize>,
    /// It carries a terminal's keys, which are looked at before they go on.
    pub(super) is_keys: bool,
    /// Nothing is read meanwhile.
    pub(super) is_paused: bool,
}

/// A descriptor of the caller's, or one made here.
pub(super) enum End<'a> {
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

impl<'a> Carrier<'a> {
    /// Only descriptors made here are made non-blocking: the caller's file
    /// descriptions are shared with others.
    pub(super) fn new(from: End<'a>, to: End<'a>) -> io::Result<Self> {
        if let End::Ours(to) = &to {
            rustix::io::ioctl_fionbio(to, true)?;
        }
        Ok(Self {
            is_spliced: can_splice(&from, &to),
            from: Some(from),
            to: Some(to),
            block: Vec::new(),
            is_full: false,
            spliced: Some(0),
            is_keys: false,
            is_paused: false,
        })
    }

    pub(super) fn is_open(&self) -> bool {
        self.from.is_some() && self.to.is_some()
    }

    pub(super) fn of_keys(self) -> Self {
        Self { is_keys: true, is_spliced: false, ..self }
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.is_open() && !(self.is_paused && self.block.is_empty())
    }

    /// Whether bytes come out of the sandbox.
    pub(super) fn is_from_inside(&self) -> bool {
        matches!(self.from, Some(End::Ours(_)))
    }

    /// What to wait for: something to read, or room for the rest of a block.
    pub(super) fn interest(&self) -> Option<PollFd<'_>> {
        if !self.is_waiting() {
            return None;
        }
        let (from, to) = (self.from.as_ref()?, self.to.as_ref()?);
        Some(if self.block.is_empty() && !self.is_full {
            PollFd::from_borrowed_fd(from.as_fd(), PollFlags::IN)
        } else {
            PollFd::from_borrowed_fd(to.as_fd(), PollFlags::OUT)
        })
    }

    /// Moves one block or a part of it; says whether output got moved.
    pub(super) fn step(&mut self) -> bool {
        let outcome = match (self.is_spliced, self.block.is_empty()) {
            (true, _) => self.splice(),
            (false, true) => self.read(),
            (false, false) => self.write(),
        };
        if !outcome.unwrap_or(false) {
            // The end, or the other side is gone: both descriptors of ours
            // close, and the command sees it.
            self.from = None;
            self.to = None;
            return false;
        }
        self.is_from_inside()
    }

    /// Neither end is waited for, whoever else reads or writes there.
    fn splice(&mut self) -> io::Result<bool> {
        let (Some(from), Some(to)) = (&self.from, &self.to) else { return Ok(false) };
        match rustix::pipe::splice(from, None, to, None, SPLICE_BYTES, SpliceFlags::NONBLOCK) {
            Ok(0) => return Ok(false),
            Ok(count) => {
                self.is_full = false;
                self.make_room(count);
            }
            Err(Errno::INTR) => {}
            // What was waited for is there, so it is the other one.
            Err(Errno::AGAIN) => self.is_full = !self.is_full,
            Err(Errno::PIPE) => return Ok(false),
            // Files that say so only now: as ever, then.
            Err(_) => (self.is_spliced, self.is_full) = (false, false),
        }
        Ok(true)
    }

    /// Whoever carries much does so with fewer turns. Where it is refused, with more.
    fn make_room(&mut self, count: usize) {
        let Some(spliced) = self.spliced else { return };
        self.spliced = Some(spliced + count);
        if spliced + count < SPLICE_BYTES {
            return;
        }
        for end in [&self.from, &self.to] {
            if let Some(End::Ours(pipe)) = end {
                let _ = rustix::pipe::fcntl_setpipe_size(pipe, SPLICE_BYTES);
            }
        }
        self.spliced = None;
    }

    fn read(&mut self) -> io::Result<bool> {
        let Some(from) = &self.from else { return Ok(false) };
        let mut block = vec![0; BLOCK_BYTES];
        let count = match rustix::io::read(from, &mut block) {
            Err(Errno::AGAIN | Errno::INTR) => return Ok(true),
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
    /// much at once (pipe(7)).
    fn write(&mut self) -> io::Result<bool> {
        let Some(to) = &self.to else { return Ok(false) };
        let mut written = 0;
        loop {
            let part = self.block.len().min(written + PIPE_BUF);
            match rustix::io::write(to, &self.block[written..part]) {
                Ok(count) => written += count,
                Err(Errno::AGAIN | Errno::INTR) => break,
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

/// Whether the kernel moves bytes between these: one is a pipe, the other one, too, or a
/// plain file that is not appended to.
fn can_splice(from: &End<'_>, to: &End<'_>) -> bool {
    let kind = |end: &End<'_>| {
        let status = rustix::fs::fstat(end)?;
        let appends = rustix::fs::fcntl_getfl(end)?.contains(OFlags::APPEND);
        Ok::<_, Errno>((FileType::from_raw_mode(status.st_mode), appends))
    };
    match (kind(from), kind(to)) {
        (Ok((FileType::Fifo, _)), Ok((FileType::RegularFile, appends))) => !appends,
        (Ok((FileType::Fifo | FileType::RegularFile, _)), Ok((FileType::Fifo, _))) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read as _, Seek as _, Write as _};

    use super::*;

    /// A carrier from a pipe that was written `count` bytes to and closed.
    fn carrier<'a>(count: usize, to: &'a File) -> Carrier<'a> {
        let (from, inside) = rustix::pipe::pipe().unwrap();
        File::from(inside).write_all(&vec![7; count]).unwrap();
        Carrier::new(End::Ours(from), End::Callers(to.as_fd())).unwrap()
    }

    fn pipe_with_room_for(room: usize) -> (File, File) {
        let (taken_by_nobody, to) = rustix::pipe::pipe().unwrap();
        let size = rustix::pipe::fcntl_getpipe_size(&to).unwrap();
        let mut to = File::from(to);
        to.write_all(&vec![0; size - room]).unwrap();
        (File::from(taken_by_nobody), to)
    }

    fn step_while_ready(carrier: &mut Carrier<'_>) {
        for _ in 0..64 {
            let mut sources: Vec<_> = carrier.interest().into_iter().collect();
            stream::poll(&mut sources, Duration::ZERO).unwrap();
            if sources.iter().any(|source| !source.revents().is_empty()) {
                drop(sources);
                carrier.step();
            }
        }
    }

    #[test]
    fn output_that_nobody_takes_does_not_hold_anything_up() {
        for is_spliced in [true, false] {
            let (mut other_end, to) = pipe_with_room_for(PIPE_BUF);
            let mut carrier = carrier(4 * PIPE_BUF, &to);
            assert!(carrier.is_spliced);
            carrier.is_spliced = is_spliced;
            // Waited for ever where it wrote all at once.
            step_while_ready(&mut carrier);
            assert!(carrier.is_open());
            let before = rustix::pipe::fcntl_getpipe_size(&to).unwrap() - PIPE_BUF;
            other_end.read_exact(&mut vec![0; before]).unwrap();
            let mut taken = vec![0; PIPE_BUF];
            other_end.read_exact(&mut taken).unwrap();
            assert_eq!(taken, vec![7; PIPE_BUF]);
            // And goes on once somebody does.
            step_while_ready(&mut carrier);
            assert!(!carrier.is_open());
            drop(carrier);
            drop(to);
            other_end.read_to_end(&mut taken).unwrap();
            assert_eq!(taken, vec![7; 4 * PIPE_BUF]);
        }
    }

    #[test]
    fn files_get_every_byte_appended_to_or_not() {
        for append in [false, true] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(b"before").unwrap();
            if append {
                rustix::fs::fcntl_setfl(&file, OFlags::APPEND).unwrap();
            }
            let mut carrier = carrier(60_000, &file);
            assert_eq!(carrier.is_spliced, !append);
            while carrier.is_open() {
                carrier.step();
            }
            drop(carrier);
            let mut text = Vec::new();
            file.rewind().unwrap();
            file.read_to_end(&mut text).unwrap();
            assert!(text.starts_with(b"before\x07") && text.len() == 60_006, "{}", text.len());
        }
    }

    #[test]
    fn a_reader_that_is_gone_ends_it() {
        let (reader, to) = rustix::pipe::pipe().unwrap();
        drop(reader);
        let to = File::from(to);
        let mut carrier = carrier(10, &to);
        while carrier.is_open() {
            carrier.step();
        }
    }
}
