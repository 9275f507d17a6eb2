//! Opening the log's files: private, never through a link. The log's own
//! writes are one of the two exceptions to "only the sandbox writes".

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::AuditError;

pub(crate) fn log_path(folder: &Path) -> PathBuf {
    folder.join("log.jsonl")
}

pub(crate) fn checkpoint_path(folder: &Path) -> PathBuf {
    folder.join("checkpoint")
}

pub(crate) fn quarantine_path(folder: &Path) -> PathBuf {
    folder.join("quarantine.jsonl")
}

/// Names the file in an input or output error.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> AuditError {
    move |source| AuditError::Io { path: path.to_owned(), source }
}

/// Makes `folder` (0700) with its parents, or tightens an existing one.
pub(crate) fn private_folder(folder: &Path) -> Result<(), AuditError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at(folder))?;
    let handle = File::open(folder).map_err(at(folder))?;
    let metadata = handle.metadata().map_err(at(folder))?;
    if metadata.mode() & 0o077 != 0 {
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        handle.set_permissions(private).map_err(at(folder))?;
    }
    Ok(())
}

/// Makes names in `folder` durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), AuditError> {
    File::open(folder).and_then(|handle| handle.sync_all()).map_err(at(folder))
}

/// Opens for reading and writing (0600), made when missing.
#[expect(clippy::disallowed_methods, reason = "the audit log writes its own files")]
pub(crate) fn open_to_write(path: &Path) -> Result<File, AuditError> {
    let flags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC).bits().cast_signed();
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .mode(0o600)
        .custom_flags(flags)
        .open(path)
        .map_err(at(path))
}

/// Opens for reading; `None` when there is no such file.
#[expect(clippy::disallowed_methods, reason = "opens for reading only, never through a link")]
pub(crate) fn open_to_read(path: &Path) -> Result<Option<File>, AuditError> {
    let flags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC).bits().cast_signed();
    match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(path)(error)),
    }
}

/// Whether `path` still names the file that `file` has open.
pub(crate) fn still_in_place(path: &Path, file: &File) -> io::Result<bool> {
    let open = file.metadata()?;
    match std::fs::symlink_metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
