//! A change that is laid beside its place and needs but a rename to be seen.
//!
//! Set-id bits are never written. What does not get into its place is taken away.

use std::fs::File;
use std::os::fd::OwnedFd;

use kode_base::{FileWrite, ProjectPath, WriteMode};
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};

use super::leftover::{beside_name, hold};
use super::place::{NewFolders, Place};
use super::{FileError, ProjectFiles};

/// Permission bits of a new file, before nothing else: kode does not widen them by the
/// umask of whoever started it.
const NEW_FILE_MODE: u32 = 0o644;

/// Names tried for the file beside.
const TRIES_MAX: usize = 8;

/// A change that is ready but for the last step, which shows it.
pub(super) struct Prepared {
    place: Place,
    expected: Option<[u8; 32]>,
    /// What was written beside; `None` for a deletion.
    beside: Option<String>,
    /// Its content, not durable yet; a link has none. Locked, so that nobody takes it for
    /// a dead writer's.
    content: Option<File>,
    /// The link's text: it is laid beside at the very end, as it can't be locked.
    link: Option<Vec<u8>>,
}

impl ProjectFiles {
    /// Checks the place and lays the new content beside it.
    pub(super) fn prepare(
        &self,
        write: FileWrite,
        folders: &NewFolders,
    ) -> Result<Prepared, FileError> {
        let FileWrite { path, expected, mode } = write;
        let mut place = match mode {
            WriteMode::Content(_) => self.place_of_content(&path, folders)?,
            _ => self.place_to_put_back(&path, folders)?,
        };
        if matches!(mode, WriteMode::Restore { .. } | WriteMode::RestoreLink { .. }) {
            place.clear_empty_folder();
        }
        place.check(expected)?;
        let mut prepared = Prepared { place, expected, beside: None, content: None, link: None };
        match mode {
            WriteMode::Content(content) => {
                prepared.place.refuse_read_only()?;
                let bits = prepared.place.now.as_ref().map_or(NEW_FILE_MODE, |now| now.st_mode);
                prepared.lay_file(exposed(&content), bits)?;
            }
            WriteMode::Restore { content, mode } => prepared.lay_file(exposed(&content), mode)?,
            WriteMode::RestoreLink { target } => prepared.link = Some(exposed(&target).to_vec()),
            WriteMode::Delete if prepared.place.now.is_none() => {
                return Err(FileError::NotFound(path));
            }
            WriteMode::Delete => {}
        }
        Ok(prepared)
    }
}

impl Prepared {
    pub(super) const fn path(&self) -> &ProjectPath {
        &self.place.path
    }

    /// The folder the place is in.
    pub(super) const fn folder(&self) -> &OwnedFd {
        &self.place.folder
    }

    fn lay_file(&mut self, content: &[u8], mode: u32) -> Result<(), FileError> {
        let mut file = self.new_file()?;
        self.place.fill(&mut file, content, mode)?;
        self.content = Some(file);
        Ok(())
    }

    /// An empty file beside, held. Another kode may take one away before it is held.
    fn new_file(&mut self) -> Result<File, FileError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        for _ in 0..TRIES_MAX {
            let beside = beside_name(&self.place.path)?;
            let mode = Mode::from_raw_mode(0o600);
            let fd = rustix::fs::openat(&self.place.folder, &beside, flags, mode)
                .map_err(|error| FileError::io(&self.place.path, error))?;
            self.beside = Some(beside);
            let file = File::from(fd);
            if hold(&file) {
                return Ok(file);
            }
        }
        Err(FileError::io(&self.place.path, rustix::io::Errno::AGAIN))
    }

    fn lay_link(&mut self) -> Result<(), FileError> {
        let Some(target) = self.link.take() else { return Ok(()) };
        let beside = beside_name(&self.place.path)?;
        rustix::fs::symlinkat(target, &self.place.folder, &beside)
            .map_err(|error| FileError::io(&self.place.path, error))?;
        self.beside = Some(beside);
        Ok(())
    }

    /// Exchanges what was written beside for the entry, once more checked.
    pub(super) fn commit(&mut self) -> Result<(), FileError> {
        self.place.check_again(self.expected)?;
        self.lay_link()?;
        let Place { path, folder, name, now } = &self.place;
        match &self.beside {
            None => self.place.take_away(self.expected)?,
            Some(beside) if now.is_some() => self.place.exchange(beside, self.expected)?,
            Some(beside) => {
                let flags = RenameFlags::NOREPLACE;
                rustix::fs::renameat_with(folder, beside, folder, &**name, flags).map_err(
                    |error| match error {
                        rustix::io::Errno::EXIST => FileError::Changed(path.clone()),
                        error => FileError::io(path, error),
                    },
                )?;
            }
        }
        self.beside = None;
        self.content = None;
        Ok(())
    }

    /// Makes the content durable; the entry is not yet.
    pub(super) fn sync(&self) -> Result<(), FileError> {
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

#[expect(clippy::disallowed_methods, reason = "writes exactly the bytes of the permit")]
fn exposed(bytes: &kode_base::Untrusted<Vec<u8>>) -> &[u8] {
    bytes.expose()
}
