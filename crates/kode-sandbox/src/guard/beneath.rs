//! How the guard reaches what it looks at and changes: by descriptors found beneath
//! the project's folder without following any link. It works outside the sandbox, and
//! while it does a command of another sandbox of the same project may exchange folders
//! for links; whatever is named by several components is opened here first.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};

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

/// Gives `path` other permission bits, and takes its capabilities if it is `capable`,
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
    Ok(set_mode(&found, bits(stat.st_mode & 0o7777))?)
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
