//! Id-mapped mounts of root's project for a container: made where Docker can
//! find them, while the container starts, and taken away again. Nothing here
//! removes anything but empty folders and empty files of kode's own: what is
//! below a mount point may be the project.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::CWD;
use rustix::mount::{MoveMountFlags, UnmountFlags};
use rustix::process::WaitOptions;

use super::{StepError, at, grafts};
use crate::container_plan::MappedMounts;

/// Mounts of one container, gone when dropped.
#[derive(Debug)]
pub(super) struct Mapped<'a>(&'a MappedMounts);

impl<'a> Mapped<'a> {
    /// Makes them all, or none.
    pub(super) fn make(mounts: &'a MappedMounts) -> Result<Self, StepError> {
        let trees = grafts::map(&mounts.binds, mounts.user);
        // Who lent the namespace has ended; there are no other children yet.
        while rustix::process::wait(WaitOptions::empty()).is_ok() {}
        let trees = trees?;
        make_folder(&mounts.folder).map_err(at(format!("making {}", mounts.folder)))?;
        let mapped = Self(mounts);
        for (tree, bind) in trees.iter().zip(&mounts.binds) {
            place(tree, &bind.target).map_err(at(format!("mounting on {}", bind.target)))?;
        }
        Ok(mapped)
    }
}

impl Drop for Mapped<'_> {
    fn drop(&mut self) {
        release(Path::new(&self.0.folder));
    }
}

fn make_folder(path: &str) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(path)
}

/// Mounts the tree on a mount point made for it, of its own kind.
#[expect(clippy::disallowed_methods, reason = "kode's own mount point, outside every project")]
fn place(tree: &OwnedFd, target: &str) -> io::Result<()> {
    let kind = rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(tree)?.st_mode);
    match kind {
        rustix::fs::FileType::Directory => make_folder(target)?,
        _ => drop(fs::OpenOptions::new().write(true).create_new(true).open(target)?),
    }
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    Ok(rustix::mount::move_mount(tree, "", CWD, target, flags)?)
}

/// Takes away the mounts in `folder`, then their mount points and the folder.
/// What can't be unmounted stays whole.
#[expect(clippy::disallowed_methods, reason = "kode's own empty mount points")]
pub(crate) fn release(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let flags = UnmountFlags::DETACH | UnmountFlags::NOFOLLOW;
        while rustix::mount::unmount(&path, flags).is_ok() {}
        // Never what is in them: a folder that is not empty stays, and so does a
        // mount point, or a file with something in it.
        let is_empty_file =
            fs::symlink_metadata(&path).is_ok_and(|it| it.is_file() && it.len() == 0);
        let _ = if is_empty_file { fs::remove_file(&path) } else { fs::remove_dir(&path) };
    }
    let _ = fs::remove_dir(folder);
}
