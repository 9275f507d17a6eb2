//! Changing one file: written beside, made durable, renamed over.
//!
//! Content goes to the target of a link inside the project; deleting and
//! putting back act on the entry itself. Set-id bits are never written, git's
//! own files never touched.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;

use kode_base::raw_name::bytes_of;
use kode_base::{FileWrite, ProjectPath, WriteMode};
use kode_gate::Permit;
use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, RenameFlags, Stat, Timespec, Timestamps, Uid,
};
use sha2::{Digest, Sha256};

use super::confined::{Links, file_type, open_beneath, real_path, reopen, same_file, stat_of};
use super::stamps::{Stamps, stamp_hash};
use super::{FileError, ProjectFiles};

/// Permission bits of a new file and a new folder, before nothing else: kode
/// does not widen them by the umask of whoever started it.
const NEW_FILE_MODE: u32 = 0o644;
const NEW_FOLDER_MODE: u32 = 0o755;

/// How many files are written beside before they are renamed: each holds two
/// descriptors meanwhile.
const FILES_AT_ONCE: usize = 256;
/// How many flushes run at a time.
const FLUSHES_AT_ONCE: usize = 8;

/// A directory entry to be changed, and what stands there now.
struct Place {
    path: ProjectPath,
    folder: OwnedFd,
    name: Vec<u8>,
    now: Option<Stat>,
}

/// A change that is ready but for the last step, which shows it.
struct Prepared {
    place: Place,
    expected: Option<[u8; 32]>,
    /// What was written beside; `None` for a deletion.
    beside: Option<String>,
    /// Its content, not durable yet; a link has none.
    content: Option<File>,
}

impl ProjectFiles {
    /// Does exactly what the permit holds. The file must still have the
    /// expected SHA-256 (of a link: its text), or not exist where `None` is
    /// expected. An existing file keeps its permission bits and owner; missing
    /// folders are made.
    ///
    /// # Errors
    /// [`FileError::Changed`] when the expectation fails; nothing was changed.
    pub fn write(&self, permit: Permit<FileWrite>) -> Result<(), FileError> {
        self.write_all(vec![permit]).map_err(|(_, error)| error)
    }

    /// [`ProjectFiles::write`] for several files, in order: first all are written
    /// beside and made durable together, then they are renamed into place.
    ///
    /// # Errors
    /// How many were changed, from the first one on, and why the next was not.
    pub fn write_all(&self, permits: Vec<Permit<FileWrite>>) -> Result<(), (usize, FileError)> {
        let mut writes = permits.into_iter().map(Permit::redeem).peekable();
        let mut done = 0;
        while let Some(first) = writes.next() {
            // What a deletion makes room for may come right after it.
            let alone = |write: &FileWrite| matches!(write.mode, WriteMode::Delete);
            let mut batch = vec![first];
            while batch.len() < FILES_AT_ONCE
                && !batch.iter().any(alone)
                && let Some(next) = writes.next_if(|next| !alone(next))
            {
                batch.push(next);
            }
            self.write_batch(batch, &mut done).map_err(|error| (done, error))?;
        }
        Ok(())
    }

    fn write_batch(&self, batch: Vec<FileWrite>, done: &mut usize) -> Result<(), FileError> {
        let prepared: Result<Vec<Prepared>, FileError> =
            batch.into_iter().map(|write| self.prepare(write)).collect();
        let mut prepared = prepared?;
        make_durable(&prepared)?;
        for change in &mut prepared {
            change.commit()?;
            *done += 1;
        }
        sync_folders(&prepared)
    }

    fn prepare(&self, write: FileWrite) -> Result<Prepared, FileError> {
        let FileWrite { path, expected, mode } = write;
        refuse_protected(&path)?;
        let place = match mode {
            WriteMode::Content(_) => self.place_of_content(&path)?,
            _ => self.place_of_entry(&path)?,
        };
        place.check(expected)?;
        let mut prepared = Prepared { place, expected, beside: None, content: None };
        match mode {
            WriteMode::Content(content) => {
                prepared.place.refuse_read_only()?;
                let bits = prepared.place.now.as_ref().map_or(NEW_FILE_MODE, |now| now.st_mode);
                prepared.lay_file(exposed(&content), bits)?;
            }
            WriteMode::Restore { content, mode } => prepared.lay_file(exposed(&content), mode)?,
            WriteMode::RestoreLink { target } => prepared.lay_link(exposed(&target))?,
            WriteMode::Delete if prepared.place.now.is_none() => {
                return Err(FileError::NotFound(path));
            }
            WriteMode::Delete => {}
        }
        Ok(prepared)
    }

    /// The entry that content goes to: a link's target.
    fn place_of_content(&self, path: &ProjectPath) -> Result<Place, FileError> {
        let found = match open_beneath(&self.root, path, Links::Follow) {
            Ok(found) => found,
            Err(FileError::NotFound(_)) => return self.place_of_entry(path),
            Err(error) => return Err(error),
        };
        let stat = stat_of(&found, path)?;
        if file_type(&stat) != FileType::RegularFile {
            return Err(FileError::NotRegular(path.clone()));
        }
        let place = self.place_of_entry(&real_path(&self.root, &found, path)?)?;
        match &place.now {
            Some(now) if same_file(now, &stat) => Ok(place),
            _ => Err(FileError::Changed(path.clone())),
        }
    }

    /// The entry named `path` itself.
    fn place_of_entry(&self, path: &ProjectPath) -> Result<Place, FileError> {
        if path.is_root() {
            return Err(FileError::NotRegular(path.clone()));
        }
        refuse_protected(path)?;
        let folder = self.folder_for(path)?;
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

    /// The folder that holds `path`, made where it is missing.
    fn folder_for(&self, path: &ProjectPath) -> Result<OwnedFd, FileError> {
        let names: Vec<&str> = path.components().collect();
        let mut folder_path = ProjectPath::root();
        let mut folder = open_beneath(&self.root, &folder_path, Links::Follow)?;
        for name in names.iter().take(names.len().saturating_sub(1)) {
            folder_path = folder_path.join(name).map_err(|_| FileError::Outside(path.clone()))?;
            folder = match open_beneath(&self.root, &folder_path, Links::Follow) {
                Err(FileError::NotFound(_)) => {
                    refuse_protected(&real_path(&self.root, &folder, path)?)?;
                    make_folder(&folder, &bytes_of(name), path)?;
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
    fn check(&self, expected: Option<[u8; 32]>) -> Result<(), FileError> {
        let changed = || FileError::Changed(self.path.clone());
        match (&self.now, expected) {
            (None, None) => Ok(()),
            (Some(now), Some(expected)) => {
                (self.hash(now)? == expected).then_some(()).ok_or_else(changed)
            }
            _ => Err(changed()),
        }
    }

    /// A rename needs no leave to write to what it replaces, so it is asked for
    /// here; root as well heeds a file that nobody may write to.
    fn refuse_read_only(&self) -> Result<(), FileError> {
        let Some(now) = &self.now else { return Ok(()) };
        let (access, flags) = (rustix::fs::Access::WRITE_OK, AtFlags::EACCESS);
        let writable = now.st_mode & 0o222 != 0
            && rustix::fs::accessat(&self.folder, &*self.name, access, flags).is_ok();
        if writable { Ok(()) } else { Err(FileError::ReadOnly(self.path.clone())) }
    }

    fn hash(&self, now: &Stat) -> Result<[u8; 32], FileError> {
        match file_type(now) {
            FileType::RegularFile => self.hash_file(now),
            FileType::Symlink => {
                let text = rustix::fs::readlinkat(&self.folder, &*self.name, Vec::new())
                    .map_err(|error| FileError::io(&self.path, error))?;
                Ok(Sha256::digest(text.as_bytes()).into())
            }
            FileType::Directory => Err(FileError::NotRegular(self.path.clone())),
            // A pipe or socket: nothing to read, and reading could wait for ever.
            _ => Ok(stamp_hash(&Stamps::of(now))),
        }
    }

    fn hash_file(&self, now: &Stat) -> Result<[u8; 32], FileError> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let found = rustix::fs::openat(&self.folder, &*self.name, flags, Mode::empty())
            .map_err(|error| FileError::io(&self.path, error))?;
        if !same_file(&stat_of(&found, &self.path)?, now) {
            return Err(FileError::Changed(self.path.clone()));
        }
        let mut file = reopen(&found, &self.path)?;
        let mut hash = Sha256::new();
        let mut block = vec![0; 64 * 1024];
        loop {
            let count = file.read(&mut block).map_err(|error| FileError::io(&self.path, error))?;
            if count == 0 {
                return Ok(hash.finalize().into());
            }
            hash.update(&block[..count]);
        }
    }

    fn fill(&self, file: &mut File, content: &[u8], mode: u32) -> Result<(), FileError> {
        let io = |error: std::io::Error| FileError::io(&self.path, error);
        file.write_all(content).map_err(io)?;
        self.take_owner(file)?;
        rustix::fs::fchmod(&*file, Mode::from_raw_mode(mode & 0o777))
            .map_err(|error| io(error.into()))?;
        self.move_time_forward(file).map_err(|error| io(error.into()))
    }

    /// The new content is newer than the old one, whatever the clock's grain and
    /// wherever the old time was set: builds go by it.
    fn move_time_forward(&self, file: &File) -> Result<(), rustix::io::Errno> {
        let Some(old) = &self.now else { return Ok(()) };
        let new = rustix::fs::fstat(file)?;
        let time = |stat: &Stat| (stat.st_mtime, stat.st_mtime_nsec);
        if time(&new) > time(old) {
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
    fn take_owner(&self, file: &File) -> Result<(), FileError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        let owner = match &self.now {
            Some(now) => *now,
            None => stat_of(&self.folder, &self.path)?,
        };
        let (user, group) = (Uid::from_raw(owner.st_uid), Gid::from_raw(owner.st_gid));
        rustix::fs::fchown(file, Some(user), Some(group))
            .map_err(|error| FileError::io(&self.path, error))
    }

    fn check_again(&self, expected: Option<[u8; 32]>) -> Result<(), FileError> {
        let now = rustix::fs::statat(&self.folder, &*self.name, AtFlags::SYMLINK_NOFOLLOW).ok();
        let same = match (&self.now, &now) {
            (None, None) => true,
            (Some(before), Some(now)) => same_file(before, now),
            _ => false,
        };
        if same { self.check(expected) } else { Err(FileError::Changed(self.path.clone())) }
    }
}

impl Prepared {
    fn lay_file(&mut self, content: &[u8], mode: u32) -> Result<(), FileError> {
        let beside = beside_name(&self.place.path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.place.folder, &beside, flags, Mode::from_raw_mode(0o600))
            .map_err(|error| FileError::io(&self.place.path, error))?;
        self.beside = Some(beside);
        let mut file = File::from(fd);
        self.place.fill(&mut file, content, mode)?;
        self.content = Some(file);
        Ok(())
    }

    fn lay_link(&mut self, target: &[u8]) -> Result<(), FileError> {
        let beside = beside_name(&self.place.path)?;
        rustix::fs::symlinkat(target, &self.place.folder, &beside)
            .map_err(|error| FileError::io(&self.place.path, error))?;
        self.beside = Some(beside);
        Ok(())
    }

    /// Renames what was written beside over the entry, once more checked.
    fn commit(&mut self) -> Result<(), FileError> {
        let Place { path, folder, name, now } = &self.place;
        let Some(beside) = &self.beside else {
            return rustix::fs::unlinkat(folder, &**name, AtFlags::empty())
                .map_err(|error| FileError::io(path, error));
        };
        self.place.check_again(self.expected)?;
        let flags = if now.is_none() { RenameFlags::NOREPLACE } else { RenameFlags::empty() };
        rustix::fs::renameat_with(folder, beside, folder, &**name, flags).map_err(|error| {
            match error {
                rustix::io::Errno::EXIST => FileError::Changed(path.clone()),
                error => FileError::io(path, error),
            }
        })?;
        self.beside = None;
        self.content = None;
        Ok(())
    }

    fn sync(&self) -> Result<(), FileError> {
        match &self.content {
            Some(file) => file.sync_all().map_err(|error| FileError::io(&self.place.path, error)),
            None => Ok(()),
        }
    }
}

impl Drop for Prepared {
    /// What did not get into its place is taken away.
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            let _ = rustix::fs::unlinkat(&self.place.folder, beside, AtFlags::empty());
        }
    }
}

/// Several flushes at a time share one write of the file system's own journal.
fn make_durable(batch: &[Prepared]) -> Result<(), FileError> {
    let share = batch.len().div_ceil(FLUSHES_AT_ONCE).max(1);
    if batch.len() == 1 {
        return batch.iter().try_for_each(Prepared::sync);
    }
    std::thread::scope(|scope| {
        let flushes: Vec<_> = batch
            .chunks(share)
            .map(|files| scope.spawn(|| files.iter().try_for_each(Prepared::sync)))
            .collect();
        flushes.into_iter().try_for_each(|flush| match flush.join() {
            Ok(result) => result,
            Err(_) => Err(FileError::io(
                &ProjectPath::root(),
                std::io::Error::other("a thread that flushes files stopped"),
            )),
        })
    })
}

/// Makes the new entries durable, each folder once.
fn sync_folders(changed: &[Prepared]) -> Result<(), FileError> {
    let mut synced = std::collections::HashSet::new();
    for Prepared { place, .. } in changed {
        let stat = stat_of(&place.folder, &place.path)?;
        if synced.insert((stat.st_dev, stat.st_ino)) {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            rustix::fs::openat(&place.folder, ".", flags, Mode::empty())
                .and_then(rustix::fs::fsync)
                .map_err(|error| FileError::io(&place.path, error))?;
        }
    }
    Ok(())
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

fn make_folder(folder: &OwnedFd, name: &[u8], path: &ProjectPath) -> Result<(), FileError> {
    let io = |error: rustix::io::Errno| FileError::io(path, error);
    match rustix::fs::mkdirat(folder, name, Mode::from_raw_mode(NEW_FOLDER_MODE)) {
        Err(rustix::io::Errno::EXIST) => return Ok(()),
        result => result.map_err(io)?,
    }
    if rustix::process::geteuid().is_root() {
        let owner = rustix::fs::fstat(folder).map_err(io)?;
        let (user, group) = (Uid::from_raw(owner.st_uid), Gid::from_raw(owner.st_gid));
        rustix::fs::chownat(folder, name, Some(user), Some(group), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(io)?;
    }
    Ok(())
}

/// A name nobody can guess, so that nothing can be laid in its way.
fn beside_name(path: &ProjectPath) -> Result<String, FileError> {
    let number = getrandom::u64().map_err(|error| {
        FileError::io(path, std::io::Error::other(format!("no random numbers: {error}")))
    })?;
    Ok(format!(".kode-{number:016x}.tmp"))
}

#[expect(clippy::disallowed_methods, reason = "writes exactly the bytes of the permit")]
fn exposed(bytes: &kode_base::Untrusted<Vec<u8>>) -> &[u8] {
    bytes.expose()
}
