//! All sessions of this user: making, finding, listing and deleting them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kode_audit::private::{private_folder, sync_folder};
use kode_base::{ProjectPath, TouchedFile};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::base::Base;
use crate::blobs::Blobs;
use crate::changes::History;
use crate::error::at;
use crate::ledger::read_lines;
use crate::meta::{LAYOUT_VERSION, MetaLine, SessionSummary, now, summary};
use crate::review::Review;
use crate::reviewed;
use crate::wishes::{self, WishId};
use crate::{Session, SessionError, lock};

/// Begins the names of folders that are on their way out.
const DELETED: &str = ".deleted-";

/// All sessions under `$KODE_HOME/sessions` (0700).
#[derive(Debug)]
pub struct SessionStore {
    kode_home: PathBuf,
    folder: PathBuf,
}

/// Everything `kode session show` tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionDetail {
    /// Identifier, project, task, begin and end.
    #[serde(flatten)]
    pub summary: SessionSummary,
    /// The process that has it open.
    pub open_in: Option<u32>,
    /// Entries of the agent's journal.
    pub journal_entries: usize,
    /// Steps that changed files.
    pub steps: usize,
    /// What differs from the base, as far as was recorded.
    pub files: Vec<TouchedFile>,
}

impl SessionStore {
    /// Opens (or makes) the store below `kode_home`.
    ///
    /// # Errors
    /// When the folders can't be made private.
    pub fn open(kode_home: &Path) -> Result<Self, SessionError> {
        let folder = kode_home.join("sessions");
        private_folder(kode_home).map_err(at(kode_home))?;
        private_folder(&folder).map_err(at(&folder))?;
        Ok(Self { kode_home: kode_home.to_owned(), folder })
    }

    /// A new session (uuid v7), locked by this process; durable on return.
    ///
    /// # Errors
    /// When it can't be written, or the project's path is not UTF-8.
    pub fn create(&self, root: &Path, task: &str) -> Result<Session, SessionError> {
        let id = Uuid::now_v7().to_string();
        let folder = self.folder.join(&id);
        let project = text_of(root)?;
        private_folder(&folder).map_err(at(&folder))?;
        let mut session = Session::open(&self.kode_home, &folder, &id)?;
        let version = LAYOUT_VERSION;
        session.note(&MetaLine::Started {
            version,
            id,
            project,
            task: task.into(),
            time: now(),
        })?;
        sync_folder(&self.folder).map_err(at(&self.folder))?;
        Ok(session)
    }

    /// Opens and locks; `None` = the newest one of this project. An identifier
    /// may be shortened as long as only one session fits.
    ///
    /// # Errors
    /// When there is no such session, it belongs to another project, or another
    /// kode has it open.
    pub fn resume(&self, id: Option<&str>, root: &Path) -> Result<Session, SessionError> {
        let project = text_of(root)?;
        let found = match id {
            Some(id) => self.find(id)?,
            None => {
                let here = self.list()?.into_iter().find(|session| session.project == project);
                here.ok_or_else(|| SessionError::NoneHere(root.to_owned()))?
            }
        };
        if found.project != project {
            let shown = kode_base::escape::escape_line(&found.project);
            return Err(SessionError::Other(format!(
                "session {} belongs to {shown}; go on with it there",
                found.id
            )));
        }
        let mut session = Session::open(&self.kode_home, &self.folder.join(&found.id), &found.id)?;
        session.is_resumed = true;
        Ok(session)
    }

    /// Every session, newest first.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn list(&self) -> Result<Vec<SessionSummary>, SessionError> {
        let mut ids = self.ids()?;
        ids.sort_unstable_by(|one, other| other.cmp(one));
        // A folder whose first line was never written is no session yet.
        Ok(ids.iter().filter_map(|id| summary(&self.folder.join(id)).ok()).collect())
    }

    /// The sessions of this project that other processes have open, with the
    /// process number.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn open_elsewhere(&self, root: &Path) -> Result<Vec<(String, u32)>, SessionError> {
        let project = text_of(root)?;
        let here = self.list()?.into_iter().filter(|session| session.project == project);
        let held = here.filter_map(|session| Some((self.holder(&session.id)?, session.id)));
        let others = held.filter(|(holder, _)| *holder != std::process::id());
        Ok(others.map(|(holder, id)| (id, holder)).collect())
    }

    /// Everything about one session.
    ///
    /// # Errors
    /// When there is no such session or its files can't be read.
    pub fn show(&self, id: &str) -> Result<SessionDetail, SessionError> {
        let summary = self.find(id)?;
        let folder = self.folder.join(&summary.id);
        let files = match self.review(&summary.id) {
            Ok(mut review) => review.files(),
            Err(SessionError::NoBase) => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(SessionDetail {
            open_in: self.holder(&summary.id),
            journal_entries: read_lines::<Value>(&folder.join("journal.jsonl"))?.len(),
            steps: History::load(&folder.join("changes.jsonl"))?.steps.len(),
            files,
            summary,
        })
    }

    /// What a session changed, without taking its lock; `id` may be shortened.
    ///
    /// # Errors
    /// When there is no such session or it has no base snapshot yet.
    pub fn review(&self, id: &str) -> Result<Review, SessionError> {
        let found = self.find(id)?;
        Review::load(&self.kode_home, &self.folder.join(&found.id), found)
    }

    /// Marks a state of a file as reviewed, or takes the mark; `state` as
    /// [`crate::review::ReviewFile::state`] names it.
    ///
    /// # Errors
    /// When there is no such session or the mark can't be made durable.
    pub fn mark_reviewed(
        &self,
        id: &str,
        path: &ProjectPath,
        state: &str,
        reviewed: bool,
    ) -> Result<(), SessionError> {
        reviewed::mark(&self.folder.join(self.full_id(id)?), path, state, reviewed)
    }

    /// Notes a change that a person asked for and that has to wait.
    ///
    /// # Errors
    /// When there is no such session or the note can't be made durable.
    pub fn note_wish(&self, id: &str, what: &str) -> Result<WishId, SessionError> {
        wishes::note(&self.folder.join(self.full_id(id)?), what)
    }

    /// Notes that a wish was done or refused, and the person told.
    ///
    /// # Errors
    /// As [`SessionStore::note_wish`].
    pub fn end_wish(&self, id: &str, wish: WishId) -> Result<(), SessionError> {
        wishes::end(&self.folder.join(self.full_id(id)?), wish)
    }

    /// Wishes that a killed kode left undone, oldest first; each is told once.
    ///
    /// # Errors
    /// When there is no such session or its file can't be read.
    pub fn take_wishes_left(&self, id: &str) -> Result<Vec<String>, SessionError> {
        wishes::take_left(&self.folder.join(self.full_id(id)?))
    }

    /// Deletes a session, even a damaged one, and the contents only it kept.
    ///
    /// # Errors
    /// When there is no such session, or it is in use.
    pub fn delete(&self, id: &str) -> Result<(), SessionError> {
        let id = self.full_id(id)?;
        let folder = self.folder.join(&id);
        let lock = lock::acquire(&folder.join("lock"), &id)?;
        // Renamed first, so that a crash leaves no half session behind.
        let aside = self.folder.join(format!("{DELETED}{id}"));
        rename(&folder, &aside).map_err(at(&folder))?;
        drop(lock);
        self.remove_deleted().map_err(at(&self.folder))?;
        self.collect_packs()
    }

    /// Removes what was deleted just now, or by a kode that was killed then.
    fn remove_deleted(&self) -> std::io::Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(DELETED) {
                remove_folder(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Removes the packs no session refers to, unless one is open.
    fn collect_packs(&self) -> Result<(), SessionError> {
        let blobs = Blobs::open(&self.kode_home)?;
        let Some(_nobody_writes) = blobs.hold_alone()? else { return Ok(()) };
        let mut wanted = BTreeSet::new();
        for id in self.ids()? {
            let folder = self.folder.join(id);
            let base = Base::load(&folder.join("base.jsonl"))?.unwrap_or_default();
            wanted.extend(base.header.packs);
            wanted.extend(History::load(&folder.join("changes.jsonl"))?.packs);
        }
        blobs.collect(&wanted)
    }

    fn holder(&self, id: &str) -> Option<u32> {
        lock::holder(&self.folder.join(id).join("lock"))
    }

    fn ids(&self) -> Result<Vec<String>, SessionError> {
        let entries = std::fs::read_dir(&self.folder).map_err(at(&self.folder))?;
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        Ok(names.filter(|name| Uuid::parse_str(name).is_ok()).collect())
    }

    fn find(&self, id: &str) -> Result<SessionSummary, SessionError> {
        let id = self.full_id(id)?;
        summary(&self.folder.join(&id)).map_err(|_| SessionError::Unknown(id))
    }

    /// The identifier of the one session that begins with `id`.
    fn full_id(&self, id: &str) -> Result<String, SessionError> {
        let shown = kode_base::escape::escape_line(id);
        let mut fitting = self.ids()?.into_iter().filter(|known| known.starts_with(id));
        match (fitting.next(), fitting.next()) {
            (Some(found), None) if !id.is_empty() => Ok(found),
            (Some(_), Some(_)) if !id.is_empty() => Err(SessionError::Other(format!(
                "several sessions begin with {shown}; give more of it"
            ))),
            _ => Err(SessionError::Unknown(shown)),
        }
    }
}

fn text_of(root: &Path) -> Result<String, SessionError> {
    root.to_str().map(str::to_owned).ok_or_else(|| {
        SessionError::Other(format!("the project's path {} is not UTF-8", root.display()))
    })
}

#[expect(clippy::disallowed_methods, reason = "kode's own session folders")]
fn rename(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::rename(from, to)
}

#[expect(clippy::disallowed_methods, reason = "kode's own session folders")]
fn remove_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::remove_dir_all(folder)
}
