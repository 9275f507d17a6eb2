//! How the guard reaches what it looks at and changes: by descriptors found beneath
//! the project's folder without following any link. It works outside the sandbox, and
//! while it does a command of another sandbox of the same project may exchange folders
//! for links; whatever is named by several components is opened here first.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::files::confined::{Links, locate, open_folder_beneath};

/// A file as the guard saw it: which one, and of what kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    device: u64,
    inode: u64,
    kind: FileType,
}

impl Seen {
    pub(super) fn new(stat: &Stat) -> Self {
        let kind = FileType::from_raw_mode(stat.st_mode);
        Self { device: stat.st_dev, inode: stat.st_ino, kind }
    }
}

/// The folder at `path`, which is empty for the project itself, opened for reading.
pub(super) fn folder(root: &OwnedFd, path: &[u8]) -> rustix::io::Result<OwnedFd> {
    open_folder_beneath(root, place(path))
}

/// The same as a location only: it may be closed to its owner.
pub(super) fn location(root: &OwnedFd, path: &[u8]) -> rustix::io::Result<OwnedFd> {
    locate(root, place(path), Links::Refuse)
}

/// The folder that `path` is an entry of, as a location, and its name there.
pub(super) fn parent<'a>(
    root: &OwnedFd,
    path: &'a [u8],
) -> rustix::io::Result<(OwnedFd, &'a [u8])> {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => Ok((location(root, &path[..slash])?, &path[slash + 1..])),
        None => Ok((location(root, b"")?, path)),
    }
}

/// The folder `name` of `folder`, opened for reading; no link is followed.
pub(super) fn subfolder(folder: impl AsFd, name: &[u8]) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(folder, name, flags, Mode::empty())
}

/// The same where there is a folder; `None` where there is none. One that is closed to
/// its owner is opened again if a command may have closed it, which is `after` one:
/// something may hide there. Else it is none.
pub(super) fn enter(
    folder: &OwnedFd,
    name: &[u8],
    after: bool,
) -> rustix::io::Result<Option<OwnedFd>> {
    match subfolder(folder, name) {
        Ok(open) => {
            if after && is_shut(&rustix::fs::fstat(&open)?) {
                open_up(&open)?;
            }
            Ok(Some(open))
        }
        Err(Errno::ACCESS) if after => {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let closed = rustix::fs::openat(folder, name, flags, Mode::empty())?;
            open_up(&closed)?;
            subfolder(&closed, b".").map(Some)
        }
        Err(Errno::NOTDIR | Errno::LOOP | Errno::NOENT) => Ok(None),
        Err(_) if !after => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn stat(folder: impl AsFd, name: &[u8]) -> rustix::io::Result<Stat> {
    rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
}

/// Where capabilities of a program are (capabilities(7)).
const CAPABILITY: &CStr = c"security.capability";

/// Whether a program, found as a location, has capabilities of its own.
pub(super) fn is_capable(found: &OwnedFd) -> bool {
    let mut nothing = [0_u8; 0];
    rustix::fs::getxattr(name_of(found), CAPABILITY, &mut nothing).is_ok()
}

/// Where a folder's default access list is (acl(5)), the kind of its entry for everybody
/// else, and the bit that lets them write (linux/posix_acl.h).
const DEFAULT_LIST: &CStr = c"system.posix_acl_default";
const LIST_BYTES_MAX: usize = 4096;
const LIST_HEAD_BYTES: usize = 4;
const LIST_ENTRY_BYTES: usize = 8;
const OTHERS: u16 = 0x20;
const WRITE: u16 = 2;

/// Whether what is made in a folder, found as a location, can be written by everybody.
pub(super) fn hands_on_to_everybody(found: &OwnedFd) -> bool {
    let mut list = [0_u8; LIST_BYTES_MAX];
    let length = match rustix::fs::getxattr(name_of(found), DEFAULT_LIST, &mut list) {
        Ok(length) => length,
        // Longer than any that a person makes.
        Err(error) => return error == Errno::RANGE,
    };
    let entries = list[..length].get(LIST_HEAD_BYTES..).unwrap_or_default();
    entries.chunks_exact(LIST_ENTRY_BYTES).any(|entry| {
        let number = |at: usize| u16::from_le_bytes([entry[at], entry[at + 1]]);
        number(0) == OTHERS && number(2) & WRITE != 0
    })
}

/// Gives `path` other permission bits, and takes its default access list if that lets
/// everybody write, and takes its capabilities if it is `capable`,
/// if it is still the file that was `seen`.
pub(super) fn tighten(
    root: &OwnedFd,
    path: &[u8],
    seen: Seen,
    capable: bool,
    bits: impl FnOnce(u32) -> u32,
) -> io::Result<()> {
    let (folder, name) = parent(root, path)?;
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let found = rustix::fs::openat(folder, name, flags, Mode::empty())?;
    let stat = rustix::fs::fstat(&found)?;
    if Seen::new(&stat) != seen || seen.kind == FileType::Symlink {
        return Err(io::Error::other("another file stands there by now"));
    }
    if capable {
        rustix::fs::removexattr(name_of(&found), CAPABILITY)?;
    }
    if seen.kind == FileType::Directory && hands_on_to_everybody(&found) {
        rustix::fs::removexattr(name_of(&found), DEFAULT_LIST)?;
    }
    Ok(set_mode(&found, bits(stat.st_mode & 0o7777))?)
}

/// Whether its owner, who asks, can't enter a folder, though perhaps list it.
pub(super) fn is_shut(stat: &Stat) -> bool {
    let user = rustix::process::geteuid();
    !user.is_root() && stat.st_uid == user.as_raw() && stat.st_mode & 0o100 == 0
}

/// Lets the owner into a folder again, and lets them change its entries.
pub(super) fn open_up(folder: &OwnedFd) -> rustix::io::Result<()> {
    let stat = rustix::fs::fstat(folder)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return Err(rustix::io::Errno::NOTDIR);
    }
    set_mode(folder, stat.st_mode & 0o7777 | 0o700)
}

fn set_mode(found: &OwnedFd, bits: u32) -> rustix::io::Result<()> {
    rustix::fs::chmod(name_of(found), Mode::from_raw_mode(bits))
}

/// A location has neither `fchmod` nor `fgetxattr`; its name in /proc does.
fn name_of(found: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", found.as_raw_fd())
}

const fn place(path: &[u8]) -> &[u8] {
    if path.is_empty() { b"." } else { path }
}
