//! Which files of a session the agent answers for: those that any step of it touched,
//! and those that a person made of what it had written. Everything else that changed is
//! a person's alone: no row and no count; the gate scans it for new fatal flaws all the
//! same. What can't be told is the agent's.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use kode_audit::Digest;
use kode_base::{ProjectPath, Untrusted};

use crate::blobs::Blobs;
use crate::changes::{Change, ChangeLine, History, Origin, Step};
use crate::renames;
use crate::state::{FileState, Kind};
use crate::tree::content;
use crate::{Session, SessionError};

/// Bytes of the agent's own that are looked into; with more, nothing is a person's alone.
const WRITTEN_BYTES_MAX: usize = 64 << 20;
/// Shorter lines (without spaces) stand in every file.
const LINE_BYTES_MIN: usize = 8;
/// Percent of what a person added to a file: when so much of it are lines that the agent
/// wrote, it came from there.
const SHARED_PERCENT_MIN: usize = 30;

/// The files that the agent answers for.
#[derive(Debug, Default)]
pub(crate) struct Authored {
    paths: BTreeSet<ProjectPath>,
    /// It can't be told: the record is of an earlier kode, which did not look for it, not
    /// all of the project was seen, or git holds what nobody saw being written.
    all: bool,
}

impl Authored {
    /// As the record tells it; `is_told` when it does at all.
    pub(crate) fn of(history: &History, is_told: bool) -> Self {
        let all = !is_told || history.authors_unknown;
        let mut authored = Self { paths: BTreeSet::new(), all };
        history.steps.iter().for_each(|step| authored.note(step.origin, &step.changes));
        authored
    }

    /// A step was recorded.
    pub(crate) fn note(&mut self, origin: Origin, changes: &[Change]) {
        let is_persons = origin == Origin::Person;
        let own = changes.iter().filter(|change| !is_persons || change.derived);
        self.paths.extend(own.map(|change| change.path.clone()));
    }

    pub(crate) fn holds(&self, path: &ProjectPath) -> bool {
        self.all || self.paths.contains(path)
    }
}

/// What the agent wrote so far: whole contents, and the lines it added.
#[derive(Debug, Default)]
pub(crate) struct Written {
    contents: HashSet<Digest>,
    lines: HashSet<u64>,
    bytes: usize,
    /// Something of it could not be looked into.
    is_cut: bool,
}

impl Written {
    pub(crate) fn of(steps: &[Step], blobs: &Blobs) -> Self {
        let mut written = Self::default();
        let own = steps.iter().filter(|step| step.origin != Origin::Person);
        own.for_each(|step| written.note(&step.changes, blobs));
        written
    }

    /// A step of the agent's.
    pub(crate) fn note(&mut self, changes: &[Change], blobs: &Blobs) {
        let renames = renames::of_changes(changes, blobs);
        for Change { path, before, after, .. } in changes {
            let Some(after) = after.as_ref().filter(|after| self.contents.insert(after.hash))
            else {
                continue;
            };
            let old = renames.get(path).and_then(|old| changes.iter().find(|it| it.path == *old));
            let before = before.as_ref().or(old.and_then(|old| old.before.as_ref()));
            self.take_lines(path, before, after, blobs);
        }
    }

    fn take_lines(
        &mut self,
        path: &ProjectPath,
        before: Option<&FileState>,
        after: &FileState,
        blobs: &Blobs,
    ) {
        if self.is_cut || after.kind != Kind::File {
            return;
        }
        let added = added_lines(path, before, after, blobs);
        self.bytes += usize::try_from(after.stamp.size).unwrap_or(usize::MAX);
        match added {
            Some(added) if self.bytes <= WRITTEN_BYTES_MAX => {
                self.lines.extend(added.into_iter().map(|(line, _)| line));
            }
            _ => self.is_cut = true,
        }
    }

    /// Whether what a person made of a file came from what the agent had written. `base`
    /// is the file before the session.
    pub(crate) fn is_source_of(
        &self,
        change: &Change,
        base: Option<&FileState>,
        blobs: &Blobs,
    ) -> bool {
        let Some(after) = &change.after else { return false };
        if self.contents.contains(&after.hash) {
            return true;
        }
        if self.contents.is_empty() || after.kind != Kind::File {
            return false;
        }
        // What neither side kept can't be compared.
        let Some(added) = added_lines(&change.path, base, after, blobs) else {
            return self.is_cut;
        };
        let all: usize = added.iter().map(|(_, bytes)| bytes).sum();
        let own = added.iter().filter(|(line, _)| self.lines.contains(line));
        let own: usize = own.map(|(_, bytes)| bytes).sum();
        all > 0 && (self.is_cut || own * 100 / all >= SHARED_PERCENT_MIN)
    }
}

/// The lines of `after` that are not in `before`: a hash and the length of each without
/// its spaces. `None` when it can't be read.
#[expect(clippy::disallowed_methods, reason = "compared by hash, shown to nobody")]
fn added_lines(
    path: &ProjectPath,
    before: Option<&FileState>,
    after: &FileState,
    blobs: &Blobs,
) -> Option<Vec<(u64, usize)>> {
    let after = content(path, Some(after), blobs).ok()??;
    let before = before.filter(|before| before.kind == Kind::File);
    // Without its earlier lines all of them count as new.
    let before = content(path, before, blobs).ok().flatten().unwrap_or_default();
    let known: HashSet<u64> = lines(before.expose()).map(|(line, _)| line).collect();
    Some(lines(after.expose()).filter(|(line, _)| !known.contains(line)).collect())
}

/// A line that a patch adds is the line.
fn lines(text: &[u8]) -> impl Iterator<Item = (u64, usize)> {
    let measured = text.split(|byte| *byte == b'\n').map(|line| {
        let line = line.strip_prefix(b"+").unwrap_or(line);
        let mut hasher = DefaultHasher::new();
        let mut bytes = 0;
        for byte in line.iter().filter(|byte| !byte.is_ascii_whitespace()) {
            byte.hash(&mut hasher);
            bytes += 1;
        }
        (hasher.finish(), bytes)
    });
    measured.filter(|(_, bytes)| *bytes >= LINE_BYTES_MIN)
}

impl Session {
    /// Contents that git holds and the project does not: one that no step is known to have
    /// written can come out of git as if a person had made it, so from then on nothing is
    /// a person's alone.
    ///
    /// # Errors
    /// When the session's record can't be read or written.
    #[expect(clippy::disallowed_methods, reason = "compared by hash")]
    pub fn meet_in_git<'a>(
        &mut self,
        contents: impl IntoIterator<Item = &'a Untrusted<Vec<u8>>>,
    ) -> Result<(), SessionError> {
        let known = &self.written()?.contents;
        let unknown = contents.into_iter().any(|it| !known.contains(&Digest::of(it.expose())));
        if unknown { self.doubt_authors() } else { Ok(()) }
    }

    /// Every file that changes is listed and scanned from now on, whoever seems to have
    /// changed it.
    pub(crate) fn doubt_authors(&mut self) -> Result<(), SessionError> {
        if !self.authored.all {
            self.changes.append(&ChangeLine::AuthorsUnknown)?;
            self.authored.all = true;
        }
        Ok(())
    }

    /// What the agent wrote, found when first asked for.
    pub(crate) fn written(&mut self) -> Result<&Written, SessionError> {
        let written = match self.written.take() {
            Some(written) => written,
            None => Written::of(&self.history()?.steps, &self.blobs),
        };
        Ok(self.written.insert(written))
    }
}
