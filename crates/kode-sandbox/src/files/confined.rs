//! The few system calls that turn a project path into a descriptor without
//! ever leaving the project.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use kode_base::ProjectPath;
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat, StatxAttributes, StatxFlags,
};
use rustix::io::Errno;

use super::{FileError, stepwise};

/// What happens to symbolic links on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// All are followed, inside the project.
    Follow,
    /// The last component is taken as it is.
    FollowFolders,
    /// Any link is an error.
    Refuse,
}

/// How often a lookup is tried again when a rename elsewhere raced with it
/// (`EAGAIN`, see openat2(2)).
const ATTEMPTS_MAX: usize = 16;

/// Opens `path` as a location only (`O_PATH`); nothing is read or triggered.
pub(super) fn open_beneath(
    root: &OwnedFd,
    path: &ProjectPath,
    links: Links,
) -> Result<OwnedFd, FileError> {
    locate(root, &path.to_bytes(), links).map_err(|error| match error {
        Errno::AGAIN => FileError::io(path, io::Error::from(io::ErrorKind::ResourceBusy)),
        error => FileError::io(path, error),
    })
}

/// The same for a path as the file system has it, and the same errors as `openat2`.
pub(crate) fn locate(root: &OwnedFd, path: &[u8], links: Links) -> rustix::io::Result<OwnedFd> {
    let mut flags = OFlags::PATH | OFlags::CLOEXEC;
    if links != Links::Follow {
        flags |= OFlags::NOFOLLOW;
    }
    match open_resolved(root, path, flags, links) {
        Err(Errno::NOSYS | Errno::PERM) => stepwise::open(root, path, links),
        result => result,
    }
}

/// Opens the folder at `path` for reading; a link on the way or at the end is an error.
pub(crate) fn open_folder_beneath(root: &OwnedFd, path: &[u8]) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match open_resolved(root, path, flags, Links::Refuse) {
        Err(Errno::NOSYS | Errno::PERM) => {
            let found = stepwise::open(root, path, Links::Refuse)?;
            rustix::fs::openat(found, c".", flags, Mode::empty())
        }
        result => result,
    }
}

/// `openat2` beneath `root`. Kernels before 5.6 don't have it (`ENOSYS`), and some
/// sandboxes hide it (`EPERM`).
fn open_resolved(
    root: &OwnedFd,
    path: &[u8],
    flags: OFlags,
    links: Links,
) -> rustix::io::Result<OwnedFd> {
    let mut resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    if links == Links::Refuse {
        resolve |= ResolveFlags::NO_SYMLINKS;
    }
    for _ in 0..ATTEMPTS_MAX {
        match rustix::fs::openat2(root, path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN) => {}
            result => return result,
        }
    }
    Err(Errno::AGAIN)
}

/// Whether something is mounted on `name` of `folder`, which is on another device than the
/// project: a subvolume is as well, and everybody can make those. Before Linux 5.8 nobody
/// tells, and it counts as mounted.
pub(crate) fn is_mounted(folder: impl AsFd, name: &[u8]) -> bool {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT | AtFlags::EMPTY_PATH;
    let mount = StatxAttributes::MOUNT_ROOT;
    rustix::fs::statx(folder, name, flags, StatxFlags::TYPE).map_or(true, |found| {
        found.stx_attributes.contains(mount) || !found.stx_attributes_mask.contains(mount)
    })
}

pub(super) fn stat_of(found: impl AsFd, path: &ProjectPath) -> Result<Stat, FileError> {
    rustix::fs::fstat(found).map_err(|error| FileError::io(path, error))
}

pub(super) fn is_regular(found: impl AsFd, path: &ProjectPath) -> Result<bool, FileError> {
    Ok(file_type(&stat_of(found, path)?) == FileType::RegularFile)
}

pub(super) fn file_type(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

pub(super) fn same_file(one: &Stat, other: &Stat) -> bool {
    one.st_dev == other.st_dev && one.st_ino == other.st_ino
}

/// Opens a regular file found as `O_PATH` for reading: through its descriptor,
/// so that it is the very file that was checked.
pub(super) fn reopen(found: &OwnedFd, path: &ProjectPath) -> Result<File, FileError> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
    let link = format!("/proc/self/fd/{}", found.as_raw_fd());
    rustix::fs::open(link, flags, Mode::empty())
        .map(File::from)
        .map_err(|error| FileError::io(path, error))
}

/// Where an open descriptor really is, relative to the root's real place.
/// Only a hint: callers check what they find there against the descriptor.
pub(super) fn real_path(
    root: &OwnedFd,
    found: &OwnedFd,
    path: &ProjectPath,
) -> Result<ProjectPath, FileError> {
    let place = |fd: &OwnedFd| -> Result<PathBuf, FileError> {
        std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()))
            .map_err(|error| FileError::io(path, error))
    };
    let (root, found) = (place(root)?, place(found)?);
    let below = found.strip_prefix(&root).map_err(|_| FileError::Outside(path.clone()))?;
    let below = below.as_os_str().as_bytes();
    if below.is_empty() {
        return Ok(ProjectPath::root());
    }
    ProjectPath::from_bytes(below).map_err(|_| FileError::Outside(path.clone()))
}
