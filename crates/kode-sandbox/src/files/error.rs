//! Why a file of the project can't be read or changed.

use std::io;

use kode_base::ProjectPath;
use thiserror::Error;

/// Every way file access can fail; nothing was changed then.
#[derive(Debug, Error)]
pub enum FileError {
    /// No such file or folder.
    #[error("{0} does not exist")]
    NotFound(ProjectPath),
    /// A link on the way leads out of the project.
    #[error("{0} leads outside the project through a link")]
    Outside(ProjectPath),
    /// A folder, device, pipe or socket.
    #[error("{0} is not a regular file")]
    NotRegular(ProjectPath),
    /// More bytes than the caller takes.
    #[error("{path} is {size} bytes; the limit is {limit}")]
    TooLarge {
        /// The file.
        path: ProjectPath,
        /// Its size in bytes.
        size: u64,
        /// The caller's limit in bytes.
        limit: u64,
    },
    /// The content is not what the caller last saw.
    #[error("{0} changed since it was read; read it again")]
    Changed(ProjectPath),
    /// Nobody may write to it, so nothing replaces it either.
    #[error("{0} is read-only; make it writable first if it is meant to change")]
    ReadOnly(ProjectPath),
    /// Git's own files, whose content is code that runs on the host, and kode's.
    #[error("{0} belongs to git or to kode; file tools don't write there")]
    Protected(ProjectPath),
    /// The file system said no.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: ProjectPath,
        /// What it said.
        source: io::Error,
    },
}

impl FileError {
    /// Whether nothing can stand there: it is missing, or a file is in a folder's place.
    pub(crate) fn is_absence(&self) -> bool {
        match self {
            Self::NotFound(_) => true,
            Self::Io { source, .. } => source.raw_os_error() == Some(libc::ENOTDIR),
            _ => false,
        }
    }

    /// Names the common cases of a system error.
    pub(crate) fn io(path: &ProjectPath, error: impl Into<io::Error>) -> Self {
        let source: io::Error = error.into();
        match source.raw_os_error() {
            Some(libc::ENOENT) => Self::NotFound(path.clone()),
            Some(libc::EXDEV) => Self::Outside(path.clone()),
            Some(libc::ELOOP) => Self::NotRegular(path.clone()),
            _ => Self::Io { path: path.clone(), source },
        }
    }
}
