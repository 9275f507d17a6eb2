//! What an edit tool is about to write, noted before it writes: after a kill
//! between the write and its record, the change is still known as the agent's
//! and can be undone. A command's changes can't be told beforehand.

use kode_audit::Digest;
use kode_base::{FileWrite, ProjectPath, WriteMode};
use kode_sandbox::ProjectFiles;
use serde::{Deserialize, Serialize};

use crate::blobs::Blobs;
use crate::capture::FILE_BYTES_KEPT_MAX;
use crate::changes::{Change, ChangeLine, Circumstance, Origin};
use crate::merge::{hunks, take_back};
use crate::restoration::Restoration;
use crate::state::{FileState, Kind};
use crate::tree::content;
use crate::{Session, SessionError};

/// Writes that were about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Announcement {
    origin: Origin,
    circumstance: Circumstance,
    writes: Vec<AnnouncedWrite>,
    /// These come on top of those announced before, which no step has met yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    more: bool,
    /// All of it is known to be written.
    #[serde(skip)]
    is_written: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct AnnouncedWrite {
    path: ProjectPath,
    /// SHA-256 of the content; `None` for a deletion.
    after: Option<Digest>,
    /// Whether the content is in the blob store.
    #[serde(skip)]
    kept: bool,
}

impl Announcement {
    pub(crate) fn cause(&self) -> (Origin, Circumstance) {
        (self.origin, self.circumstance)
    }

    /// The announcement read after `before`.
    pub(crate) fn after(mut self, before: Option<Self>) -> Self {
        if let Some(before) = before.filter(|_| self.more) {
            self.writes.splice(0..0, before.writes);
            self.more = before.more;
        }
        self
    }

    /// Whether the change is one of the writes, done exactly.
    fn is_of(&self, change: &Change) -> bool {
        let after = change.after.as_ref().map(|after| after.hash);
        self.writes.iter().any(|write| write.path == change.path && write.after == after)
    }

    /// Takes the writes out of `changes`. Where a person changed a file since it was
    /// written, the two are told apart. After a kill nobody knows whether it was: where
    /// all that was to be changed stands in the file, it was.
    pub(crate) fn take(&self, changes: &mut Vec<Change>, blobs: &Blobs) -> Vec<Change> {
        let (mut own, mut rest) = (Vec::new(), Vec::new());
        for change in std::mem::take(changes) {
            let write = self.writes.iter().find(|write| write.path == change.path);
            let is_in = |write: &&AnnouncedWrite| {
                self.is_written || write.stands_in(&change, blobs).unwrap_or(false)
            };
            match write.filter(is_in) {
                _ if self.is_of(&change) => own.push(change),
                Some(write) => {
                    let written = write.state(&change, self.is_written);
                    if is_same(&change.before, &written) {
                        // What was written was there before.
                        rest.push(change);
                        continue;
                    }
                    own.push(Change::new(change.path.clone(), change.before, written.clone()));
                    rest.push(Change::new(change.path, written, change.after));
                }
                None => rest.push(change),
            }
        }
        *changes = rest;
        own
    }
}

fn is_same(one: &Option<FileState>, other: &Option<FileState>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.same(other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

impl AnnouncedWrite {
    /// The file as it was written, where `change` is what was found later. What was
    /// announced before a kill was read, so it is kept.
    fn state(&self, change: &Change, is_known: bool) -> Option<FileState> {
        let like = change.before.as_ref().or(change.after.as_ref())?.clone();
        let (hash, kept) = (self.after?, self.kept || !is_known);
        Some(FileState { kind: Kind::File, hash, kept, read_ns: 0, ..like })
    }

    /// Whether every change that was to be written stands in what was found, with edits
    /// elsewhere; `None` where it can't be told.
    #[expect(clippy::disallowed_methods, reason = "compared, shown to nobody")]
    fn stands_in(&self, change: &Change, blobs: &Blobs) -> Option<bool> {
        let (hash, now) = (self.after?, change.after.as_ref()?);
        let is_file = |state: &FileState| state.kind == Kind::File;
        if !is_file(now) || !change.before.as_ref().is_none_or(is_file) {
            return None;
        }
        let before = content(&change.path, change.before.as_ref(), blobs).ok()?.unwrap_or_default();
        let (written, now) =
            (blobs.load(&hash).ok()?, content(&change.path, Some(now), blobs).ok()??);
        let [before, written, now] = [&before, &written, &now].map(|side| side.expose().as_slice());
        let all: Vec<usize> = (0..hunks(before, written).len()).collect();
        let stands = |old: &[u8], new: &[u8]| take_back(old, new, now, &all).is_ok();
        // Where what was there before stands as well, a person added the same lines.
        Some(!all.is_empty() && stands(before, written) && !stands(written, before))
    }
}

impl Session {
    /// Notes what an edit tool is about to write, with its contents kept. Must precede
    /// the writes, and follow a comparison.
    ///
    /// # Errors
    /// When the note can't be made durable; nothing may be written then.
    pub fn announce(
        &mut self,
        writes: &[FileWrite],
        files: &ProjectFiles,
    ) -> Result<(), SessionError> {
        self.blobs.expect(writes.len())?;
        let mut announced = Vec::new();
        for write in writes {
            let content = content_of(&write.mode);
            let after = content.map(Digest::of);
            let kept = content.is_some_and(|bytes| bytes.len() as u64 <= FILE_BYTES_KEPT_MAX);
            if let (Some(hash), Some(bytes)) = (&after, content.filter(|_| kept)) {
                self.blobs.keep(hash, bytes)?;
            }
            let real = match write.mode {
                WriteMode::Content(_) => files.leads_to(&write.path)?,
                _ => files.leads_to_entry(&write.path)?,
            };
            if real != write.path {
                announced.push(AnnouncedWrite { path: real, after, kept });
            }
            announced.push(AnnouncedWrite { path: write.path.clone(), after, kept });
        }
        if let Some(id) = self.blobs.flush()? {
            self.changes.append(&ChangeLine::Pack { id })?;
        }
        self.circumstance.by_command = false;
        self.note_announced(self.agent, announced, self.announced.is_some())
    }

    fn note_announced(
        &mut self,
        origin: Origin,
        writes: Vec<AnnouncedWrite>,
        more: bool,
    ) -> Result<(), SessionError> {
        let circumstance = self.circumstance_of(origin);
        let announcement = Announcement { origin, circumstance, writes, more, is_written: false };
        self.changes.append(&ChangeLine::Announced(announcement.clone()))?;
        self.announced = Some(announcement.after(self.announced.take()));
        Ok(())
    }

    /// Everything that was announced is written.
    pub fn announced_is_written(&mut self) {
        if let Some(announcement) = &mut self.announced {
            announcement.is_written = true;
        }
    }

    /// Nothing of what was announced is written, or all of it is put back: a change that
    /// looks like it is a person's.
    ///
    /// # Errors
    /// When the note can't be made durable.
    pub fn retract_announced(&mut self) -> Result<(), SessionError> {
        if self.announced.is_some() {
            self.note_announced(self.agent, Vec::new(), false)?;
            self.announced = None;
        }
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
            kept: false,
        };
        self.note_announced(origin, restorations.map(write).collect(), false)
    }
}

#[expect(clippy::disallowed_methods, reason = "hashed and kept, not shown")]
fn content_of(mode: &WriteMode) -> Option<&[u8]> {
    match mode {
        WriteMode::Content(content) | WriteMode::Restore { content, .. } => Some(content.expose()),
        WriteMode::RestoreLink { target } => Some(target.expose()),
        WriteMode::Delete => None,
    }
}
