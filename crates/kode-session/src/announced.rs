//! What an edit tool is about to write, noted before it writes: after a kill
//! between the write and its record, the change is still known as the agent's
//! and can be undone. A command's changes can't be told beforehand.

use kode_audit::Digest;
use kode_base::{FileWrite, ProjectPath, WriteMode};
use serde::{Deserialize, Serialize};

use crate::changes::{Change, ChangeLine, Circumstance, Origin};
use crate::restoration::Restoration;
use crate::{Session, SessionError};

/// Writes that were about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Announcement {
    origin: Origin,
    circumstance: Circumstance,
    writes: Vec<AnnouncedWrite>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct AnnouncedWrite {
    path: ProjectPath,
    /// SHA-256 of the content; `None` for a deletion.
    after: Option<Digest>,
}

impl Announcement {
    /// Whether the change is one of the writes, done exactly.
    fn is_of(&self, change: &Change) -> bool {
        let after = change.after.as_ref().map(|after| after.hash);
        self.writes.iter().any(|write| write.path == change.path && write.after == after)
    }
}

impl Session {
    /// Notes what an edit tool is about to write. Must precede the writes.
    ///
    /// # Errors
    /// When the note can't be made durable; nothing may be written then.
    pub fn announce(&mut self, writes: &[FileWrite]) -> Result<(), SessionError> {
        let writes = writes.iter().map(|write| AnnouncedWrite {
            path: write.path.clone(),
            after: content_of(&write.mode).map(Digest::of),
        });
        let announcement = Announcement {
            origin: self.origin,
            circumstance: self.circumstance,
            writes: writes.collect(),
        };
        self.changes.append(&ChangeLine::Announced(announcement.clone()))?;
        self.announced = Some(announcement);
        Ok(())
    }

    /// The same for what is about to be put back.
    pub(crate) fn announce_restoring<'a>(
        &mut self,
        origin: Origin,
        restorations: impl Iterator<Item = &'a Restoration>,
    ) -> Result<(), SessionError> {
        let write = |restoration: &Restoration| AnnouncedWrite {
            path: restoration.path.clone(),
            after: restoration.target.as_ref().map(|target| target.hash),
        };
        let writes = restorations.map(write).collect();
        let circumstance = self.circumstance_of(origin);
        let announcement = Announcement { origin, circumstance, writes };
        self.changes.append(&ChangeLine::Announced(announcement.clone()))?;
        self.announced = Some(announcement);
        Ok(())
    }

    /// Takes out of `changes`, which are found to be a person's, what the agent
    /// had announced and done before it was stopped.
    pub(crate) fn take_announced(
        &mut self,
        changes: &mut Vec<Change>,
    ) -> Option<(Origin, Circumstance, Vec<Change>)> {
        let announcement = self.announced.take()?;
        if self.origin != Origin::Person {
            return None;
        }
        let (agents, persons) =
            std::mem::take(changes).into_iter().partition(|change| announcement.is_of(change));
        *changes = persons;
        Some((announcement.origin, announcement.circumstance, agents))
    }
}

#[expect(clippy::disallowed_methods, reason = "only its hash comes out")]
fn content_of(mode: &WriteMode) -> Option<&[u8]> {
    match mode {
        WriteMode::Content(content) | WriteMode::Restore { content, .. } => Some(content.expose()),
        WriteMode::RestoreLink { target } => Some(target.expose()),
        WriteMode::Delete => None,
    }
}
