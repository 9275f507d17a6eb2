//! Private files of kode's own records (the audit log, sessions): mode 0600 in
//! folders of mode 0700, never opened through a link. Project files are not
//! written here: only the sandbox does that.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

/// Makes `folder` (0700) with its parents, or tightens an existing one.
///
/// # Errors
/// When it can't be made, opened or tightened.
pub fn private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let handle = File::open(folder)?;
    if handle.metadata()?.mode() & 0o077 != 0 {
        handle.set_permissions(Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Makes the names in `folder` durable.
///
/// # Errors
/// When the folder can't be opened or flushed.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Opens for reading and writing (0600), made when missing.
///
/// # Errors
/// When it can't be opened, or is a link.
#[expect(clippy::disallowed_methods, reason = "kode writes its own records")]
pub fn open_to_write(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(flags())
        .open(path)
}

/// Opens for reading; `None` when there is no such file.
///
/// # Errors
/// When it can't be opened, or is a link.
#[expect(clippy::disallowed_methods, reason = "opens for reading only, never through a link")]
pub fn open_to_read(path: &Path) -> io::Result<Option<File>> {
    match OpenOptions::new().read(true).custom_flags(flags()).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether `path` still names the file that `file` has open.
///
/// # Errors
/// When either can't be looked at.
pub fn still_in_place(path: &Path, file: &File) -> io::Result<bool> {
    let open = file.metadata()?;
    match std::fs::symlink_metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn flags() -> i32 {
    OFlags::NOFOLLOW.union(OFlags::CLOEXEC).bits().cast_signed()
}
