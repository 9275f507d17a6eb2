//! Which sockets in the file system programs have bound, by their inodes: the kernel
//! tells (sock_diag(7)) whatever they are called by now.

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
    sockopt,
};

/// Message kinds and flags of netlink(7) and sock_diag(7).
const BY_FAMILY: u16 = 20;
const DONE: u16 = 3;
const ERROR: u16 = 2;
const REQUEST_ALL: u16 = 0x301;
const HEADER_BYTES: usize = 16;
/// Of an answer, before its attributes.
const SOCKET_BYTES: usize = 16;
const UNIX_FAMILY: u8 = 1;
const SHOW_INODE: u32 = 2;
const INODE_ATTRIBUTE: u16 = 1;
const BUFFER_BYTES: usize = 256 * 1024;
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// The low 32 bits of the inodes that sockets are bound to, in this network namespace.
///
/// # Errors
/// When the system does not tell.
pub(super) fn bound_inodes() -> io::Result<HashSet<u32>> {
    let kind = SocketType::RAW;
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::NETLINK, kind, flags, Some(netlink::SOCK_DIAG))?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(ANSWER_MAX))?;
    send(&socket, &request(), SendFlags::empty())?;
    let mut found = HashSet::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let (length, whole) = recv(&socket, &mut buffer[..], RecvFlags::TRUNC)?;
        if whole > length {
            return Err(io::Error::other("the list of sockets was cut"));
        }
        if take(&buffer[..length], &mut found)? {
            return Ok(found);
        }
    }
}

fn request() -> Vec<u8> {
    let mut message = Vec::new();
    let body_bytes = 24_u32;
    message.extend((HEADER_BYTES as u32 + body_bytes).to_ne_bytes());
    message.extend(BY_FAMILY.to_ne_bytes());
    message.extend(REQUEST_ALL.to_ne_bytes());
    message.extend([0; 8]);
    // Family, protocol; then all states, any inode, what to show, no cookie.
    message.extend([UNIX_FAMILY, 0, 0, 0]);
    message.extend(u32::MAX.to_ne_bytes());
    message.extend(0_u32.to_ne_bytes());
    message.extend(SHOW_INODE.to_ne_bytes());
    message.extend([0; 8]);
    message
}

/// Takes in the messages of one answer; true when it was the last one.
fn take(mut bytes: &[u8], found: &mut HashSet<u32>) -> io::Result<bool> {
    let broken = || io::Error::other("the list of sockets is broken");
    while bytes.len() >= HEADER_BYTES {
        let length = number(bytes, 0).ok_or_else(broken)? as usize;
        let message = bytes.get(HEADER_BYTES..length).ok_or_else(broken)?;
        match short(bytes, 4).ok_or_else(broken)? {
            DONE => return Ok(true),
            ERROR => return Err(io::Error::other("the system lists no sockets")),
            BY_FAMILY => found.extend(inode(message)),
            _ => {}
        }
        bytes = bytes.get(aligned(length)..).unwrap_or_default();
    }
    Ok(false)
}

fn inode(message: &[u8]) -> Option<u32> {
    let mut attributes = message.get(SOCKET_BYTES..)?;
    while let (Some(length), Some(kind)) = (short(attributes, 0), short(attributes, 2)) {
        if kind == INODE_ATTRIBUTE {
            return number(attributes, 4);
        }
        attributes = attributes.get(aligned(usize::from(length).max(4))..)?;
    }
    None
}

const fn aligned(length: usize) -> usize {
    (length + 3) & !3
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test renames its own socket")]
mod tests {
    use std::os::unix::fs::MetadataExt as _;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_bound_socket_is_known_wherever_it_is_moved_and_a_dead_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("a"), folder.path().join("b"));
        let listener = UnixListener::bind(&old).unwrap();
        std::fs::rename(&old, &new).unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "as the kernel does")]
        let inode = std::fs::symlink_metadata(&new).unwrap().ino() as u32;
        assert!(bound_inodes().unwrap().contains(&inode));
        drop(listener);
        assert!(!bound_inodes().unwrap().contains(&inode));
    }
}
