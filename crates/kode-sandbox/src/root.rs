//! Finds the project root by kode's own reading of the file system, never by
//! asking git, and refuses places where a project would give away too much.

use std::fs;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use thiserror::Error;

/// Folders that belong to the system; neither they nor anything directly
/// standing for the whole system may be a project.
const SYSTEM_FOLDERS: &[&str] = &[
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run",
    "/sbin", "/sys", "/usr",
];

/// Folders that hold other people's things; the folder itself is refused,
/// folders below it are not.
const SHARED_FOLDERS: &[&str] =
    &["/home", "/media", "/mnt", "/opt", "/root", "/srv", "/tmp", "/var", "/var/tmp"];

/// What is said when another folder stands where the project was found.
pub(crate) const EXCHANGED: &str = "another folder stands there by now";

/// How many ancestors are looked at.
const ANCESTORS_MAX: usize = 128;

/// A project root that passed the checks of design §3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRoot {
    path: PathBuf,
    /// The project that this is a copy of.
    original: Option<PathBuf>,
    /// Device and inode of the folder that was found; none where kode chose it.
    identity: Option<(u64, u64)>,
}

impl ProjectRoot {
    /// Finds the root for `given`, which is best `.`, because what another path leads to
    /// can change: the nearest ancestor with a `.git` of the
    /// same owner on the same file system, else `given` itself.
    ///
    /// # Errors
    /// When `given` can't be read or is no folder, or the root would be `/`,
    /// `home`, `kode_home`, an ancestor of either, inside `kode_home`, a
    /// system folder or a shared sticky folder.
    pub fn find(given: &Path, home: &Path, kode_home: &Path) -> Result<Self, RootError> {
        let start = canonical(given)?;
        let metadata = fs::metadata(&start).map_err(|error| RootError::Io(start.clone(), error))?;
        if !metadata.is_dir() {
            return Err(RootError::NotAFolder(start));
        }
        let path = nearest_repository(&start, &metadata).unwrap_or_else(|| start.clone());
        if let Some(reason) = refusal(&path, home, kode_home)? {
            return Err(RootError::Refused(path, reason));
        }
        let identity = Some(identity_above(given, &start, &path)?);
        Ok(Self { path, original: None, identity })
    }

    /// `folder` itself, without looking for a repository above it.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn exactly(folder: &Path, home: &Path, kode_home: &Path) -> Result<Self, RootError> {
        let path = canonical(folder)?;
        if !path.is_dir() {
            return Err(RootError::NotAFolder(path));
        }
        match refusal(&path, home, kode_home)? {
            Some(reason) => Err(RootError::Refused(path, reason)),
            None => {
                let identity = Some(identity_above(folder, &path, &path)?);
                Ok(Self { path, original: None, identity })
            }
        }
    }

    /// A folder that kode chose itself, no project of its own.
    pub(crate) fn throwaway(path: PathBuf) -> Self {
        Self { path, original: None, identity: None }
    }

    /// The root of a copy that kode made of this project.
    pub(crate) fn copied_to(&self, path: PathBuf) -> Self {
        Self { path, original: Some(self.stands_for().to_owned()), identity: None }
    }

    /// The project that this is, or is a copy of.
    pub(crate) fn stands_for(&self) -> &Path {
        self.original.as_deref().unwrap_or(&self.path)
    }

    /// The canonical, absolute path; always UTF-8.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the folder, which must be the one that was found: a command of a project
    /// around this one may exchange what leads here.
    ///
    /// # Errors
    /// When it is another one, or can't be opened.
    pub(crate) fn open(&self, access: OFlags) -> std::io::Result<OwnedFd> {
        let flags = access | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = rustix::fs::open(&self.path, flags, Mode::empty())?;
        let stat = rustix::fs::fstat(&folder)?;
        match self.is(stat.st_dev, stat.st_ino) {
            true => Ok(folder),
            false => Err(std::io::Error::other(EXCHANGED)),
        }
    }

    /// Whether this is the folder that was found.
    pub(crate) fn is(&self, device: u64, inode: u64) -> bool {
        self.identity.is_none_or(|identity| identity == (device, inode))
    }

    pub(crate) fn text(&self) -> &str {
        self.path.to_str().unwrap_or_default()
    }
}

/// Why a folder is no project root.
#[derive(Debug, Error)]
pub enum RootError {
    /// Not a folder at all.
    #[error("{0} is not a folder; start kode in the project's folder")]
    NotAFolder(PathBuf),
    /// A place that must not be opened to an agent.
    #[error("{0} can't be a project root: {1}; start kode in a folder made for the project")]
    Refused(PathBuf, String),
    /// The file system said no.
    #[error("{0}: {1}")]
    Io(PathBuf, std::io::Error),
}

fn canonical(path: &Path) -> Result<PathBuf, RootError> {
    fs::canonicalize(path).map_err(|error| RootError::Io(path.to_owned(), error))
}

/// Device and inode of `path`, an ancestor of `start` or itself, found from the folder
/// that was `given` upwards: whatever else a path leads to by now does not count.
fn identity_above(given: &Path, start: &Path, path: &Path) -> Result<(u64, u64), RootError> {
    let failed = |error: std::io::Error| RootError::Io(path.to_owned(), error);
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let open = |at: BorrowedFd<'_>, name: &Path| {
        rustix::fs::openat(at, name, flags, Mode::empty()).map_err(|error| failed(error.into()))
    };
    let mut folder = open(rustix::fs::CWD, given)?;
    for _ in start.strip_prefix(path).into_iter().flat_map(Path::components) {
        folder = open(folder.as_fd(), Path::new(".."))?;
    }
    let stat = rustix::fs::fstat(&folder).map_err(|error| failed(error.into()))?;
    let found = fs::symlink_metadata(path).map_err(failed)?;
    if (found.dev(), found.ino()) != (stat.st_dev, stat.st_ino) {
        return Err(failed(std::io::Error::other("something exchanges the folders above it")));
    }
    Ok((stat.st_dev, stat.st_ino))
}

fn nearest_repository(start: &Path, start_metadata: &fs::Metadata) -> Option<PathBuf> {
    let belongs = |metadata: &fs::Metadata| {
        metadata.uid() == start_metadata.uid() && metadata.dev() == start_metadata.dev()
    };
    for ancestor in start.ancestors().take(ANCESTORS_MAX) {
        if !fs::symlink_metadata(ancestor).is_ok_and(|metadata| belongs(&metadata)) {
            return None;
        }
        let Ok(marker) = fs::symlink_metadata(ancestor.join(".git")) else { continue };
        if (marker.is_dir() || marker.is_file()) && belongs(&marker) {
            return Some(ancestor.to_owned());
        }
    }
    None
}

fn refusal(path: &Path, home: &Path, kode_home: &Path) -> Result<Option<String>, RootError> {
    let Some(text) = path.to_str() else {
        return Ok(Some("its name is not UTF-8".to_owned()));
    };
    if text == "/" {
        return Ok(Some("it is the root of the file system".to_owned()));
    }
    if text.contains([':', ',', '\\', '\n']) {
        return Ok(Some("its name has a colon, comma, backslash or line break".to_owned()));
    }
    if SYSTEM_FOLDERS.iter().any(|folder| path.starts_with(folder)) {
        return Ok(Some("it is a system folder".to_owned()));
    }
    if SHARED_FOLDERS.contains(&text) {
        return Ok(Some("it is shared by several projects or users".to_owned()));
    }
    if let Some(reason) = private_folder_refusal(path, home, kode_home) {
        return Ok(Some(reason));
    }
    let metadata = fs::metadata(path).map_err(|error| RootError::Io(path.to_owned(), error))?;
    // Sticky and writable by all: `/tmp` and its like.
    if metadata.mode() & 0o1002 == 0o1002 {
        return Ok(Some("it is a shared sticky folder that everyone can write to".to_owned()));
    }
    Ok(None)
}

fn private_folder_refusal(path: &Path, home: &Path, kode_home: &Path) -> Option<String> {
    let resolved = |folder: &Path| fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let is_set = |folder: &Path| !folder.as_os_str().is_empty();
    if is_set(home) && resolved(home).starts_with(path) {
        return Some("it is your home folder or holds it".to_owned());
    }
    let kode_home = is_set(kode_home).then(|| resolved(kode_home))?;
    if kode_home.starts_with(path) || path.starts_with(&kode_home) {
        return Some("kode keeps its own configuration and sessions there".to_owned());
    }
    None
}

#[cfg(test)]
mod tests;
