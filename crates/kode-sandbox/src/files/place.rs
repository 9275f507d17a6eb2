//! The directory entry a change goes to: found beneath the root, checked for what
//! must stand there, its missing folders made. Git's and kode's own are refused.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::{Mutex, PoisonError};

use kode_base::ProjectPath;
use kode_base::raw_name::bytes_of;
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid};
use sha2::{Digest, Sha256};

use super::confined::{Links, file_type, open_beneath, real_path, reopen, same_file, stat_of};
use super::empty_tree::remove_empty_tree;
use super::stamps::{Stamps, stamp_hash};
use super::{FileError, ProjectFiles};

/// Permission bits of a new folder: kode does not widen them by the umask of whoever
/// started it.
const NEW_FOLDER_MODE: u32 = 0o755;
/// What the owner of a folder may do in it.
const OWNER_ALL: u32 = 0o700;

/// How much of a file is read and hashed at a time.
const HASH_BLOCK_BYTES_MAX: usize = 64 * 1024;

/// A directory entry to be changed, and what stands there now.
pub(super) struct Place {
    pub(super) path: ProjectPath,
    pub(super) folder: OwnedFd,
    pub(super) name: Vec<u8>,
    pub(super) now: Option<Stat>,
}

/// Folders made for files that are about to be written, the outer ones first.
#[derive(Debug, Default)]
pub(super) struct NewFolders(Mutex<Vec<ProjectPath>>);

impl NewFolders {
    fn add(&self, path: ProjectPath) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(path);
    }

    pub(super) fn into_paths(self) -> Vec<ProjectPath> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProjectFiles {
    /// The entry that content goes to: a link's target.
    pub(super) fn place_of_content(
        &self,
        path: &ProjectPath,
        folders: &NewFolders,
    ) -> Result<Place, FileError> {
        refuse_protected(path)?;
        let found = match open_beneath(&self.root, path, Links::Follow) {
            Ok(found) => found,
            Err(FileError::NotFound(_)) => return self.place_of_entry(path, folders),
            Err(error) => return Err(error),
        };
        let stat = stat_of(&found, path)?;
        if file_type(&stat) != FileType::RegularFile {
            return Err(FileError::NotRegular(path.clone()));
        }
        let place = self.place_of_entry(&real_path(&self.root, &found, path)?, folders)?;
        match &place.now {
            Some(now) if same_file(now, &stat) => Ok(place),
            _ => Err(FileError::Changed(path.clone())),
        }
    }

    /// The entry named `path` itself.
    pub(super) fn place_of_entry(
        &self,
        path: &ProjectPath,
        folders: &NewFolders,
    ) -> Result<Place, FileError> {
        if path.is_root() {
            return Err(FileError::NotRegular(path.clone()));
        }
        refuse_protected(path)?;
        let folder = self.folder_for(path, folders)?;
        // Links on the way may lead to git's files as well.
        refuse_protected(&real_path(&self.root, &folder, path)?)?;
        let name = bytes_of(path.file_name()).into_owned();
        let now = match rustix::fs::statat(&folder, &*name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Some(stat),
            Err(rustix::io::Errno::NOENT) => None,
            Err(error) => return Err(FileError::io(path, error)),
        };
        Ok(Place { path: path.clone(), folder, name, now })
    }

    /// The same for what is put back or taken away: a folder that a command locked
    /// is unlocked for its owner to write to. Anything else keeps its bits.
    pub(super) fn place_to_put_back(
        &self,
        path: &ProjectPath,
        folders: &NewFolders,
    ) -> Result<Place, FileError> {
        refuse_protected(path)?;
        let mut nearest = open_beneath(&self.root, &ProjectPath::root(), Links::Follow)?;
        let mut folder_path = ProjectPath::root();
        let names: Vec<&str> = path.components().collect();
        for name in names.iter().take(names.len().saturating_sub(1)) {
            folder_path = folder_path.join(name).map_err(|_| FileError::Outside(path.clone()))?;
            match open_beneath(&self.root, &folder_path, Links::Follow) {
                Ok(folder) => nearest = folder,
                Err(_) => break,
            }
        }
        refuse_protected(&real_path(&self.root, &nearest, path)?)?;
        unlock(&nearest, path)?;
        self.place_of_entry(path, folders)
    }

    /// The folder that holds `path`, made where it is missing.
    fn folder_for(&self, path: &ProjectPath, folders: &NewFolders) -> Result<OwnedFd, FileError> {
        let names: Vec<&str> = path.components().collect();
        let mut folder_path = ProjectPath::root();
        let mut folder = open_beneath(&self.root, &folder_path, Links::Follow)?;
        for name in names.iter().take(names.len().saturating_sub(1)) {
            folder_path = folder_path.join(name).map_err(|_| FileError::Outside(path.clone()))?;
            folder = match open_beneath(&self.root, &folder_path, Links::Follow) {
                Err(FileError::NotFound(_)) => {
                    refuse_protected(&real_path(&self.root, &folder, path)?)?;
                    if make_folder(&folder, &bytes_of(name), path)? {
                        folders.add(folder_path.clone());
                    }
                    open_beneath(&self.root, &folder_path, Links::Refuse)?
                }
                result => result?,
            };
        }
        if file_type(&stat_of(&folder, path)?) != FileType::Directory {
            return Err(FileError::NotRegular(folder_path));
        }
        Ok(folder)
    }
}

impl Place {
    /// Whether what stands here is what the caller expects.
    pub(super) fn check(&self, expected: Option<[u8; 32]>) -> Result<(), FileError> {
        let changed = || FileError::Changed(self.path.clone());
        match (&self.now, expected) {
            (None, None) => Ok(()),
            (Some(now), Some(expected)) => {
                (self.hash(now)? == expected).then_some(()).ok_or_else(changed)
            }
            _ => Err(changed()),
        }
    }

    /// A folder that stands where a file was, and whose files are gone again, makes
    /// room for it, with the empty folders in it. One that holds anything else stays
    /// as it is, and the check says so.
    pub(super) fn clear_empty_folder(&mut self) {
        let is_folder = self.now.as_ref().map(file_type) == Some(FileType::Directory);
        if is_folder && remove_empty_tree(&self.folder, &self.name) {
            self.now = None;
        }
    }

    /// A rename needs no leave to write to what it replaces, so it is asked for
    /// here; root as well heeds a file that nobody may write to.
    pub(super) fn refuse_read_only(&self) -> Result<(), FileError> {
        let Some(now) = &self.now else { return Ok(()) };
        let writable = is_writable(&self.folder, &self.name, now);
        if writable { Ok(()) } else { Err(FileError::ReadOnly(self.path.clone())) }
    }

    /// Whether `name` beside this place holds `expected`.
    pub(super) fn holds(&self, name: &str, now: &Stat, expected: Option<[u8; 32]>) -> bool {
        let hash = self.hash_of(name.as_bytes(), now);
        expected.is_some_and(|expected| hash.is_ok_and(|hash| hash == expected))
    }

    fn hash(&self, now: &Stat) -> Result<[u8; 32], FileError> {
        self.hash_of(&self.name, now)
    }

    fn hash_of(&self, name: &[u8], now: &Stat) -> Result<[u8; 32], FileError> {
        match file_type(now) {
            FileType::RegularFile => self.hash_file(name, now),
            FileType::Symlink => {
                let text = rustix::fs::readlinkat(&self.folder, name, Vec::new())
                    .map_err(|error| FileError::io(&self.path, error))?;
                Ok(Sha256::digest(text.as_bytes()).into())
            }
            FileType::Directory => Err(FileError::NotRegular(self.path.clone())),
            // A pipe or socket: nothing to read, and reading could wait for ever.
            _ => Ok(stamp_hash(&Stamps::of(now))),
        }
    }

    fn hash_file(&self, name: &[u8], now: &Stat) -> Result<[u8; 32], FileError> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let found = rustix::fs::openat(&self.folder, name, flags, Mode::empty())
            .map_err(|error| FileError::io(&self.path, error))?;
        if !same_file(&stat_of(&found, &self.path)?, now) {
            return Err(FileError::Changed(self.path.clone()));
        }
        let mut file = reopen(&found, &self.path)?;
        let mut hash = Sha256::new();
        let size = usize::try_from(now.st_size).unwrap_or(HASH_BLOCK_BYTES_MAX);
        // One byte more, so that the end of a small file is seen with one read.
        let mut block = vec![0; size.saturating_add(1).min(HASH_BLOCK_BYTES_MAX)];
        loop {
            let count = file.read(&mut block).map_err(|error| FileError::io(&self.path, error))?;
            if count == 0 {
                return Ok(hash.finalize().into());
            }
            hash.update(&block[..count]);
        }
    }

    pub(super) fn fill(&self, file: &mut File, content: &[u8], mode: u32) -> Result<(), FileError> {
        let io = |error: std::io::Error| FileError::io(&self.path, error);
        file.write_all(content).map_err(io)?;
        let new = stat_of(&*file, &self.path)?;
        self.take_owner(file, &new)?;
        rustix::fs::fchmod(&*file, Mode::from_raw_mode(mode & 0o777))
            .map_err(|error| io(error.into()))?;
        self.move_time_forward(file, &new).map_err(|error| io(error.into()))
    }

    /// The new content is newer than the old one, whatever the clock's grain and
    /// wherever the old time was set: builds go by it.
    fn move_time_forward(&self, file: &File, new: &Stat) -> Result<(), rustix::io::Errno> {
        let Some(old) = &self.now else { return Ok(()) };
        let time = |stat: &Stat| (stat.st_mtime, stat.st_mtime_nsec);
        if time(new) > time(old) {
            return Ok(());
        }
        let (seconds, nanoseconds) = match i64::try_from(old.st_mtime_nsec) {
            Ok(nanoseconds @ 0..999_999_999) => (old.st_mtime, nanoseconds + 1),
            _ => (old.st_mtime.saturating_add(1), 0),
        };
        let modified = Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
        rustix::fs::futimens(
            file,
            &Timestamps { last_access: modified, last_modification: modified },
        )
    }

    /// Run by root, kode leaves files to who owns them already, or to the
    /// owner of the folder. Others can't and need not.
    fn take_owner(&self, file: &File, new: &Stat) -> Result<(), FileError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        let owner = match &self.now {
            Some(now) => *now,
            None => stat_of(&self.folder, &self.path)?,
        };
        if (new.st_uid, new.st_gid) == (owner.st_uid, owner.st_gid) {
            return Ok(());
        }
        let (user, group) = (Uid::from_raw(owner.st_uid), Gid::from_raw(owner.st_gid));
        rustix::fs::fchown(file, Some(user), Some(group))
            .map_err(|error| FileError::io(&self.path, error))
    }

    pub(super) fn check_again(&self, expected: Option<[u8; 32]>) -> Result<(), FileError> {
        let now = rustix::fs::statat(&self.folder, &*self.name, AtFlags::SYMLINK_NOFOLLOW).ok();
        let same = match (&self.now, &now) {
            (None, None) => true,
            (Some(before), Some(now)) => same_file(before, now),
            _ => false,
        };
        if same { self.check(expected) } else { Err(FileError::Changed(self.path.clone())) }
    }
}

/// Whether this user may write to the file, and not only to its folder.
pub(super) fn is_writable(folder: &OwnedFd, name: &[u8], stat: &Stat) -> bool {
    let (access, flags) = (rustix::fs::Access::WRITE_OK, AtFlags::EACCESS);
    stat.st_mode & 0o222 != 0 && rustix::fs::accessat(folder, name, access, flags).is_ok()
}

/// Git's own files, and kode's at the top of the project, however a link leads
/// there. Compared without case: some file systems fold it.
fn refuse_protected(path: &ProjectPath) -> Result<(), FileError> {
    let top = path.components().next().unwrap_or_default();
    let kodes = ["kode.json", ".kode"].iter().any(|own| top.eq_ignore_ascii_case(own));
    if kodes || path.components().any(|name| name.eq_ignore_ascii_case(".git")) {
        return Err(FileError::Protected(path.clone()));
    }
    Ok(())
}

fn unlock(folder: &OwnedFd, path: &ProjectPath) -> Result<(), FileError> {
    let user = rustix::process::geteuid();
    let stat = stat_of(folder, path)?;
    let is_locked = stat.st_mode & OWNER_ALL != OWNER_ALL;
    if user.is_root() || stat.st_uid != user.as_raw() || !is_locked {
        return Ok(());
    }
    if file_type(&stat) != FileType::Directory {
        return Ok(());
    }
    // A path descriptor has no `fchmod`; its name in /proc does.
    let link = format!("/proc/self/fd/{}", folder.as_raw_fd());
    let mode = Mode::from_raw_mode(stat.st_mode & 0o7777 | OWNER_ALL);
    rustix::fs::chmod(link, mode).map_err(|error| FileError::io(path, error))
}

/// Whether the folder was not there before.
fn make_folder(folder: &OwnedFd, name: &[u8], path: &ProjectPath) -> Result<bool, FileError> {
    let io = |error: rustix::io::Errno| FileError::io(path, error);
    match rustix::fs::mkdirat(folder, name, Mode::from_raw_mode(NEW_FOLDER_MODE)) {
        Err(rustix::io::Errno::EXIST) => return Ok(false),
        result => result.map_err(io)?,
    }
    if rustix::process::geteuid().is_root() {
        let owner = rustix::fs::fstat(folder).map_err(io)?;
        let (user, group) = (Uid::from_raw(owner.st_uid), Gid::from_raw(owner.st_gid));
        rustix::fs::chownat(folder, name, Some(user), Some(group), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(io)?;
    }
    Ok(true)
}
