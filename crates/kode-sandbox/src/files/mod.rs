//! Confined file access below the project root.
//!
//! Every path is resolved by the kernel beneath an open descriptor of the root
//! (`openat2` with `RESOLVE_BENEATH`), so a link swapped in during the call
//! can't lead out. Special files are refused; sizes are bounded.

mod confined;
mod error;
mod ignore_rules;
mod walk;
mod write;

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

use kode_base::{FileRead, ProjectPath, Untrusted};
use kode_gate::Permit;
use rustix::fs::{Mode, OFlags};

use crate::ProjectRoot;
use confined::{Links, is_regular, open_beneath, reopen};

pub use error::FileError;
pub use walk::{EntryKind, WalkEnd, WalkEntry};

/// Access to one project's files. Cheap to open; holds one descriptor.
#[derive(Debug)]
pub struct ProjectFiles {
    root: OwnedFd,
}

impl ProjectFiles {
    /// Opens the project folder.
    ///
    /// # Errors
    /// When the folder can't be opened.
    pub fn open(root: &ProjectRoot) -> Result<Self, FileError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let root = rustix::fs::open(root.path(), flags, Mode::empty())
            .map_err(|error| FileError::io(&ProjectPath::root(), error))?;
        Ok(Self { root })
    }

    /// Reads a whole regular file of at most `bytes_max` bytes; links are
    /// followed as long as they stay inside the project.
    ///
    /// # Errors
    /// When it doesn't exist, leads outside, is no regular file or is larger.
    pub fn read(
        &self,
        permit: Permit<FileRead>,
        bytes_max: u64,
    ) -> Result<Untrusted<Vec<u8>>, FileError> {
        self.read_bytes(&permit.redeem().path, bytes_max, Links::Follow).map(Untrusted::new)
    }

    /// Reads for kode's own bookkeeping (snapshots, review), without a permit:
    /// the bytes are never shown raw nor sent to a model as they are. The last
    /// component is not followed when it is a link.
    ///
    /// # Errors
    /// As [`ProjectFiles::read`].
    pub fn snapshot_read(
        &self,
        path: &ProjectPath,
        bytes_max: u64,
    ) -> Result<Untrusted<Vec<u8>>, FileError> {
        self.read_bytes(path, bytes_max, Links::FollowFolders).map(Untrusted::new)
    }

    fn read_bytes(
        &self,
        path: &ProjectPath,
        bytes_max: u64,
        links: Links,
    ) -> Result<Vec<u8>, FileError> {
        let found = open_beneath(&self.root, path, links)?;
        if !is_regular(&found, path)? {
            return Err(FileError::NotRegular(path.clone()));
        }
        read_bounded(reopen(&found, path)?, path, bytes_max)
    }
}

/// Reads at most `bytes_max` bytes even of a file that grows meanwhile.
fn read_bounded(file: File, path: &ProjectPath, bytes_max: u64) -> Result<Vec<u8>, FileError> {
    let size = file.metadata().map_err(|error| FileError::io(path, error))?.len();
    let too_large = |size| FileError::TooLarge { path: path.clone(), size, limit: bytes_max };
    if size > bytes_max {
        return Err(too_large(size));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    let mut bounded = file.take(bytes_max.saturating_add(1));
    bounded.read_to_end(&mut bytes).map_err(|error| FileError::io(path, error))?;
    if bytes.len() as u64 > bytes_max {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
