//! Confined file access below the project root.
//!
//! Every path is resolved by the kernel beneath an open descriptor of the root
//! (`openat2` with `RESOLVE_BENEATH`), so a link swapped in during the call
//! can't lead out; where that call is missing, component by component, see
//! `stepwise`. Special files are refused; sizes are bounded.

pub(crate) mod confined;
mod empty_tree;
mod error;
mod exchange;
mod ignore_rules;
mod leftover;
mod place;
mod prepared;
mod rule_source;
mod stamps;
mod stepwise;
mod together;
mod walk;
mod write;

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;

use kode_base::raw_name::bytes_of;
use kode_base::{FileRead, ProjectPath, Untrusted};
use kode_gate::Permit;
use rustix::fs::{AtFlags, FileType, OFlags};
use rustix::io::Errno;

use crate::ProjectRoot;
use confined::{Links, file_type, is_regular, open_beneath, reopen, stat_of};
use place::is_writable;

pub use error::FileError;
pub use rule_source::{IgnoreRules, RuleSource, is_ignore_file};
pub use stamps::{Stamps, stamp_hash};
pub use walk::{EntryKind, Reach, WalkEnd, WalkEntry};
pub use write::WriteFailure;

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
        let root =
            root.open(OFlags::PATH).map_err(|error| FileError::io(&ProjectPath::root(), error))?;
        Ok(Self { root })
    }

    /// Opens any folder, for a scan that only reads. No agent works there, so
    /// it need not be fit for a project root.
    ///
    /// # Errors
    /// When the folder can't be opened.
    pub fn open_to_read(folder: &Path) -> Result<Self, FileError> {
        Self::open(&ProjectRoot::throwaway(folder.to_owned()))
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

    /// Reads for an edit that is being planned, without a permit: the bytes go
    /// into pure analysis, and the write that follows needs a permit and this
    /// very content. Links are followed, as that write follows them.
    ///
    /// # Errors
    /// As [`ProjectFiles::read`].
    pub fn planning_read(
        &self,
        path: &ProjectPath,
        bytes_max: u64,
    ) -> Result<Untrusted<Vec<u8>>, FileError> {
        self.read_bytes(path, bytes_max, Links::Follow).map(Untrusted::new)
    }

    /// Opens a regular file to be read in blocks by kode's own bookkeeping; as
    /// [`ProjectFiles::snapshot_read`] otherwise.
    ///
    /// # Errors
    /// When it doesn't exist, leads outside or is no regular file.
    pub fn snapshot_open(&self, path: &ProjectPath) -> Result<File, FileError> {
        self.open_regular(path, Links::FollowFolders)
    }

    /// What stands at `path` itself, as a walk reports it (but for `ignored`,
    /// which is false); `None` when nothing or a folder does.
    ///
    /// # Errors
    /// When it leads outside or can't be looked at.
    pub fn snapshot_entry(&self, path: &ProjectPath) -> Result<Option<WalkEntry>, FileError> {
        let parent = path.as_str().rsplit_once('/').map_or(".", |(parent, _)| parent);
        let Ok(parent) = ProjectPath::new(parent) else { return Ok(None) };
        let folder = match open_beneath(&self.root, &parent, Links::Follow) {
            Ok(folder) => folder,
            Err(error) if error.is_absence() => return Ok(None),
            Err(error) => return Err(error),
        };
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        match rustix::fs::statat(&folder, &*bytes_of(path.file_name()), flags) {
            Ok(stat) if file_type(&stat) == FileType::Directory => Ok(None),
            Ok(stat) => Ok(walk::entry_of(&folder, path.file_name(), path, &stat, false)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(error) => Err(FileError::io(path, error)),
        }
    }

    /// Refuses a regular file at `path` that this user may not write to, for an edit that
    /// takes it away: the folder alone would permit that.
    ///
    /// # Errors
    /// [`FileError::ReadOnly`], or when it leads outside or can't be looked at.
    pub fn refuse_read_only(&self, path: &ProjectPath) -> Result<(), FileError> {
        let parent = path.as_str().rsplit_once('/').map_or(".", |(parent, _)| parent);
        let outside = |_| FileError::Outside(path.clone());
        let parent = ProjectPath::new(parent).map_err(outside)?;
        let folder = open_beneath(&self.root, &parent, Links::Follow)?;
        let (name, flags) = (bytes_of(path.file_name()), AtFlags::SYMLINK_NOFOLLOW);
        let stat = rustix::fs::statat(&folder, &*name, flags)
            .map_err(|error| FileError::io(path, error))?;
        if file_type(&stat) == FileType::RegularFile && !is_writable(&folder, &name, &stat) {
            return Err(FileError::ReadOnly(path.clone()));
        }
        Ok(())
    }

    /// Whether a symbolic link stands among the folders on the way to `path`: what is
    /// found there then has another name.
    ///
    /// # Errors
    /// When the folders can't be looked at.
    pub fn is_behind_link(&self, path: &ProjectPath) -> Result<bool, FileError> {
        let Some((parent, _)) = path.as_str().rsplit_once('/') else { return Ok(false) };
        let Ok(parent) = ProjectPath::new(parent) else { return Ok(false) };
        match open_beneath(&self.root, &parent, Links::Refuse) {
            // A link that is the last folder itself is opened as that.
            Ok(found) => Ok(file_type(&stat_of(&found, path)?) == FileType::Symlink),
            Err(FileError::NotRegular(_)) => Ok(true),
            Err(error) if error.is_absence() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The place of the file that content written to `path` goes to: where links lead,
    /// the last one too. What is not there yet is where its folder leads.
    ///
    /// # Errors
    /// When a link leads out of the project or a folder can't be searched.
    pub fn leads_to(&self, path: &ProjectPath) -> Result<ProjectPath, FileError> {
        match open_beneath(&self.root, path, Links::Follow) {
            Ok(found) => confined::real_path(&self.root, &found, path),
            Err(error) if error.is_absence() => self.leads_to_entry(path),
            Err(error) => Err(error),
        }
    }

    /// The place of the entry `path` itself, where links on the way lead.
    ///
    /// # Errors
    /// As [`ProjectFiles::leads_to`].
    pub fn leads_to_entry(&self, path: &ProjectPath) -> Result<ProjectPath, FileError> {
        let Some((parent, name)) = path.as_str().rsplit_once('/') else { return Ok(path.clone()) };
        let outside = |_| FileError::Outside(path.clone());
        let parent = self.leads_to(&ProjectPath::new(parent).map_err(outside)?)?;
        parent.join(name).map_err(outside)
    }

    fn open_regular(&self, path: &ProjectPath, links: Links) -> Result<File, FileError> {
        let found = open_beneath(&self.root, path, links)?;
        if !is_regular(&found, path)? {
            return Err(FileError::NotRegular(path.clone()));
        }
        reopen(&found, path)
    }

    fn read_bytes(
        &self,
        path: &ProjectPath,
        bytes_max: u64,
        links: Links,
    ) -> Result<Vec<u8>, FileError> {
        read_bounded(self.open_regular(path, links)?, path, bytes_max)
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
