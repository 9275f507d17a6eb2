//! Which file is executed as the helper, and how it is kept from being
//! overwritten from inside (the way of CVE-2019-5736): root executes it from a
//! detached read-only mount of that one file, so that even a process that got
//! hold of `/proc/PID/exe` could not open it for writing. See
//! `docs/sandbox.md` for why this is no copy in a sealed memfd.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::mount::OpenTreeFlags;

use crate::helper::make_read_only;
use crate::settings::HelperImage;

/// What to execute. The mount lives while this does, and while it is executed.
#[derive(Debug)]
pub(super) struct Image {
    path: PathBuf,
    _mount: Option<OwnedFd>,
}

impl Image {
    /// Opens the program. Without the right to mount it is executed as it
    /// stands: an ordinary user's helper is kept out of reach by not being
    /// dumpable and by Landlock.
    pub(super) fn open(image: &HelperImage) -> Self {
        let program = match image {
            HelperImage::CurrentProgram => Path::new("/proc/self/exe"),
            HelperImage::Program(path) => path,
        };
        match read_only_mount(program) {
            Ok(mount) => Self {
                path: PathBuf::from(format!("/proc/self/fd/{}", mount.as_raw_fd())),
                _mount: Some(mount),
            },
            Err(_) => Self { path: program.to_owned(), _mount: None },
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn read_only_mount(program: &Path) -> std::io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let mount = rustix::mount::open_tree(CWD, program, flags)?;
    make_read_only(&mount)?;
    Ok(mount)
}
