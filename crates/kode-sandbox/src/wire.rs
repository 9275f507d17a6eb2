//! The messages between kode and the sandbox's first process: JSON behind a
//! length, over a socket pair, with descriptors beside them. Sizes are bounded
//! on both ends; anything unexpected ends the conversation.

use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::plan::{Identity, Wall};

/// Bytes one message may have: a plan with long environment and mount lists.
const MESSAGE_BYTES_MAX: u32 = 4 * 1024 * 1024;

/// Descriptors one message may carry: standard streams, private folders on
/// their way to a networked sandbox, or id-mapped mounts. The kernel takes 253.
pub(crate) const DESCRIPTORS_MAX: usize = 240;

/// The first word to the helper, there before it starts: with it the namespaces
/// are made and mapped while kode still plans.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hello {
    /// Process id of kode, to notice that it died before the helper looked.
    pub(crate) parent: u32,
    pub(crate) identity: Identity,
    pub(crate) wall: Wall,
}

/// What the helper hands to the sandbox's first process before the plan, with
/// the descriptors beside it: mounts by the number of their step, then what
/// came with the plan.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Handover {
    pub(crate) grafted: Vec<usize>,
}

/// What kode tells the sandbox's first process.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Run a program. Its standard streams come beside the message, or it
    /// gets a terminal of its own with these rows and columns; then standard error may
    /// come beside, and is not the terminal.
    Run { arguments: Vec<String>, directory: String, terminal: Option<(u16, u16)> },
    /// Open the proxy's door on the inside's loopback (containers; a native
    /// sandbox opens it once, as its plan says).
    Door,
    /// Pass a signal to the running command's process group.
    Signal(i32),
    /// Kill everything.
    Kill,
}

/// What may differ between kernels without failing the set-up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SelfTest {
    /// Version of Landlock, 0 for none.
    pub(crate) landlock_abi: i32,
    /// Everything asked of Landlock is in force.
    pub(crate) landlock_complete: bool,
    /// Toolchain caches that could not be layered.
    pub(crate) caches_read_only: usize,
}

/// What the sandbox's first process tells kode.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// Namespaces, mounts and filters stand. Beside it come the proxy's door,
    /// where the plan has one, and the folders it keeps, in its order.
    Ready(SelfTest),
    /// A step of the set-up failed.
    SetupFailed { step: String, error: String, code: i32 },
    /// The door is open and comes beside.
    Door,
    /// The command runs; its terminal's controlling end comes beside.
    Terminal,
    /// The command could not be started.
    NotStarted { error: String, code: i32 },
    /// The command ended with this wait status, and nothing else is alive.
    /// `held` are the project's read-only mounts that still stand: none that
    /// went comes back, so whatever changed there, the command did not.
    Ended { exit_code: Option<i32>, signal: Option<i32>, over_memory: bool, held: Vec<String> },
    /// Everything was killed as asked; the answer to every `Kill`.
    Killed,
}

/// Sends one message.
pub(crate) fn send(
    socket: &UnixStream,
    message: &impl Serialize,
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    send_bytes(socket, &serde_json::to_vec(message)?, descriptors)
}

/// Sends one message that is JSON already.
pub(crate) fn send_bytes(
    mut socket: &UnixStream,
    body: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let length = u32::try_from(body.len()).ok().filter(|length| *length <= MESSAGE_BYTES_MAX);
    let length = length.ok_or_else(|| io::Error::other("the message is too long"))?;
    let header = length.to_le_bytes();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::other("too many descriptors"));
    }
    // In one piece, so that the other end wakes once.
    let slices = [io::IoSlice::new(&header), io::IoSlice::new(body)];
    let sent = sendmsg(socket.as_fd(), &slices, &mut ancillary, SendFlags::NOSIGNAL)?;
    // Four bytes into an open stream socket are never split; a long body may be.
    let sent = sent.checked_sub(header.len()).ok_or(io::ErrorKind::WriteZero)?;
    socket.write_all(&body[sent..])
}

/// Receives one message; `None` when the other end is gone.
pub(crate) fn receive<M: DeserializeOwned>(
    socket: &UnixStream,
) -> io::Result<Option<(M, Vec<OwnedFd>)>> {
    match receive_bytes(socket)? {
        Some((body, descriptors)) => Ok(Some((serde_json::from_slice(&body)?, descriptors))),
        None => Ok(None),
    }
}

/// Receives one message as the JSON it is.
pub(crate) fn receive_bytes(
    mut socket: &UnixStream,
) -> io::Result<Option<(Vec<u8>, Vec<OwnedFd>)>> {
    let mut header = [0; 4];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut slices = [io::IoSliceMut::new(&mut header)];
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::WAITALL;
    let received = match recvmsg(socket.as_fd(), &mut slices, &mut ancillary, flags) {
        Err(rustix::io::Errno::CONNRESET) => return Ok(None),
        result => result?.bytes,
    };
    if received == 0 {
        return Ok(None);
    }
    if received != header.len() {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
    }
    let mut descriptors = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            descriptors.extend(received);
        }
    }
    let length = u32::from_le_bytes(header);
    if length > MESSAGE_BYTES_MAX {
        return Err(io::Error::other("the message is too long"));
    }
    let mut body = vec![0; length as usize];
    socket.read_exact(&mut body)?;
    Ok(Some((body, descriptors)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_arrives_with_its_descriptors() {
        let (one, other) = UnixStream::pair().unwrap();
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        send(&one, &Request::Signal(15), &[writer.as_fd()]).unwrap();
        drop(writer);
        let (request, descriptors) = receive::<Request>(&other).unwrap().unwrap();
        assert!(matches!(request, Request::Signal(15)));
        assert_eq!(rustix::io::write(&descriptors[0], b"x").unwrap(), 1);
        let mut byte = [0];
        assert_eq!(rustix::io::read(&reader, &mut byte).unwrap(), 1);
    }

    #[test]
    fn a_closed_end_and_an_absurd_length_are_noticed() {
        let (one, other) = UnixStream::pair().unwrap();
        (&one).write_all(&u32::MAX.to_le_bytes()).unwrap();
        assert!(receive::<Request>(&other).is_err());
        drop(one);
        assert!(receive::<Request>(&other).unwrap().is_none());
    }
}
