//! The base snapshot: the project as it was before the session's first effect.
//!
//! What the ignore files of that moment name is counted by its metadata, not
//! kept. The same file format caches the newest snapshot of each project, so
//! that the next session reads only what changed.

use std::io::{BufWriter, Write as _};
use std::ops::ControlFlow;
use std::path::Path;

use kode_audit::private::{open_to_write, sync_folder};
use kode_base::ProjectPath;
use kode_gate::is_watched_place;
use kode_sandbox::{IgnoreRules, ProjectFiles, Reach, RuleSource, WalkEnd, WalkEntry};
use serde::{Deserialize, Serialize};

use crate::SessionError;
use crate::blobs::Blobs;
use crate::capture::complete;
use crate::error::at;
use crate::ledger::read_lines;
use crate::meta::now;
use crate::pack::PackId;
use crate::state::{FileState, Stamp};
use crate::watched::walk_large;

/// With more ignored files than this, changes among them are not counted:
/// looking at each after every command would cost too much.
const IGNORED_COUNTED_MAX: usize = 20_000;

/// Packs that one snapshot takes over from the one before.
const PACKS_MAX: usize = 8;

/// A project at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Base {
    pub(crate) header: Header,
    /// In byte order of path.
    pub(crate) files: Vec<(ProjectPath, FileState)>,
    /// Ignored files, in byte order of path.
    pub(crate) ignored: Vec<(ProjectPath, Stamp)>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Header {
    /// RFC 3339.
    pub(crate) taken: String,
    /// Whether the walk saw everything.
    pub(crate) complete: bool,
    /// Whether ignored files are few enough to be counted.
    pub(crate) ignored_counted: bool,
    /// The ignore files of that moment: what is added later hides nothing.
    pub(crate) rules: IgnoreRules,
    /// Whether ignored programs that a person's next command finds first are
    /// compared like other files.
    #[serde(default)]
    pub(crate) watched: bool,
    /// Whether ignored places whose content runs later are too.
    #[serde(default)]
    pub(crate) places: bool,
    /// Whether the session notes of each command that it begins.
    #[serde(default)]
    pub(crate) commands: bool,
    /// Packs that hold the contents which are no single blobs.
    #[serde(default)]
    pub(crate) packs: Vec<PackId>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Header(Header),
    File(ProjectPath, FileState),
    Ignored(ProjectPath, Stamp),
}

impl Base {
    /// Walks and reads the project. What `cache` knows and its metadata proves
    /// unchanged is not read again. Contents are durable on return.
    pub(crate) fn take(
        files: &ProjectFiles,
        blobs: &mut Blobs,
        cache: &Self,
    ) -> Result<Self, SessionError> {
        let mut base = Self::default();
        let entries = base.walk(files)?;
        // Too many packs are one read of everything into a new pack.
        let packs = &cache.header.packs;
        blobs.use_packs(if packs.len() < PACKS_MAX { packs } else { &[] })?;
        blobs.begin_pack()?;
        let known = |entry: &WalkEntry| {
            let known = cache.file(&entry.path).filter(|known| known.still(entry))?;
            (!known.kept || blobs.is_packed(&known.hash, known.stamp.size)).then(|| known.clone())
        };
        let states = entries.iter().map(known).collect();
        let states = complete(files, blobs, &entries, states)?;
        let named = entries.into_iter().zip(states);
        base.files = named.filter_map(|(entry, state)| Some((entry.path, state?))).collect();
        blobs.flush()?;
        base.header.packs = blobs.pack_ids();
        Ok(base)
    }

    fn walk(&mut self, files: &ProjectFiles) -> Result<Vec<WalkEntry>, SessionError> {
        self.header = Header {
            taken: now(),
            ignored_counted: true,
            watched: true,
            places: true,
            commands: true,
            ..Header::default()
        };
        let mut entries = Vec::new();
        let (ignored, counted) = (&mut self.ignored, &mut self.header.ignored_counted);
        let rules = RuleSource::Record(&mut self.header.rules);
        let mut end = files.walk_with(&ProjectPath::root(), Reach::All, rules, &mut |entry| {
            if !entry.ignored || is_watched_place(&entry.path) {
                entries.push(entry);
            } else if ignored.len() < IGNORED_COUNTED_MAX {
                ignored.push((entry.path.clone(), Stamp::of(&entry)));
            } else {
                *counted = false;
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        if !self.header.ignored_counted {
            entries.clear();
            self.ignored.clear();
            let rules = RuleSource::Record(&mut self.header.rules);
            end = walk_large(files, rules, &mut |entry| {
                if !entry.ignored || is_watched_place(&entry.path) {
                    entries.push(entry);
                }
            })?;
        }
        self.header.complete = end == WalkEnd::Complete;
        Ok(entries)
    }

    pub(crate) fn file(&self, path: &ProjectPath) -> Option<&FileState> {
        let index = self.files.binary_search_by(|(known, _)| known.cmp(path)).ok()?;
        self.files.get(index).map(|(_, state)| state)
    }

    /// Writes the snapshot beside, makes it durable and renames it into place.
    pub(crate) fn save(&self, path: &Path) -> Result<(), SessionError> {
        // Two kodes may save one project's cache at the same time.
        let beside = path.with_extension(format!("{}.new", std::process::id()));
        self.write(&beside).map_err(at(&beside))?;
        rename(&beside, path).map_err(at(path))?;
        let folder = path.parent().unwrap_or(path);
        sync_folder(folder).map_err(at(folder))
    }

    fn write(&self, path: &Path) -> std::io::Result<()> {
        let file = open_to_write(path)?;
        file.set_len(0)?;
        let mut writer = BufWriter::with_capacity(1 << 18, file);
        let mut line = |line: &Line| {
            serde_json::to_writer(&mut writer, line)?;
            writer.write_all(b"\n")
        };
        line(&Line::Header(self.header.clone()))?;
        for (path, state) in &self.files {
            line(&Line::File(path.clone(), state.clone()))?;
        }
        for (path, stamp) in &self.ignored {
            line(&Line::Ignored(path.clone(), *stamp))?;
        }
        writer.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()
    }

    /// Reads a saved snapshot; `None` when there is none.
    pub(crate) fn load(path: &Path) -> Result<Option<Self>, SessionError> {
        let mut base = Self::default();
        let mut lines = read_lines(path)?.into_iter();
        match lines.next() {
            None => return Ok(None),
            Some(Line::Header(header)) => base.header = header,
            Some(_) => return Err(SessionError::Unreadable { path: path.to_owned(), line: 1 }),
        }
        for line in lines {
            match line {
                Line::Header(header) => base.header = header,
                Line::File(path, state) => base.files.push((path, state)),
                Line::Ignored(path, stamp) => base.ignored.push((path, stamp)),
            }
        }
        Ok(Some(base))
    }
}

#[expect(clippy::disallowed_methods, reason = "kode's own session files")]
fn rename(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::rename(from, to)
}
