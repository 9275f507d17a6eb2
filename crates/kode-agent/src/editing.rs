//! One checked edit operation, from the project's bytes to written files. The
//! agent's edit tools and `kode edit` both go through here.

use std::collections::HashMap;
use std::ops::ControlFlow;

use kode_base::{FileWrite, ProjectPath, Untrusted, WriteMode};
use kode_edit::{
    EditRefusal, FileChange, NewMode, Operation, Project, apply_in_project, in_parallel,
};
use kode_gate::{Decision, Denial, Permit, looks_secret};
use kode_sandbox::{EntryKind, FileError, ProjectFiles, WalkEnd, WriteFailure};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::context::REDACTION_MARK;

/// Permission bits of a new program.
const EXECUTABLE_MODE: u32 = 0o755;

/// The confined files, as the edit crate sees them. Remembers what each file
/// must still be: the bytes the model last read.
pub struct EditedProject<'a> {
    files: &'a ProjectFiles,
    last_read: &'a HashMap<ProjectPath, [u8; 32]>,
}

impl<'a> EditedProject<'a> {
    /// `last_read` holds the SHA-256 of files that were read before; files not
    /// in it count as read now.
    pub fn new(files: &'a ProjectFiles, last_read: &'a HashMap<ProjectPath, [u8; 32]>) -> Self {
        Self { files, last_read }
    }
}

impl Project for EditedProject<'_> {
    #[expect(clippy::disallowed_methods, reason = "the edit crate is pure analysis")]
    fn read(&self, path: &ProjectPath) -> Result<Option<Vec<u8>>, EditRefusal> {
        let bytes = match self.files.planning_read(path, kode_edit::MAX_FILE_BYTES as u64) {
            Ok(bytes) => bytes.expose().clone(),
            Err(FileError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(EditRefusal(error.to_string())),
        };
        match self.last_read.get(path) {
            Some(seen) if *seen != digest(&bytes) => {
                Err(EditRefusal(format!("{path} changed since it was last read; read it again")))
            }
            _ => Ok(Some(bytes)),
        }
    }

    fn files(&self) -> Result<Vec<ProjectPath>, EditRefusal> {
        let mut paths = Vec::new();
        let end = self.files.walk(&ProjectPath::root(), false, &mut |entry| {
            if entry.kind == EntryKind::File && !looks_secret(&entry.path) {
                paths.push(entry.path);
            }
            ControlFlow::Continue(())
        });
        match end.map_err(|error| EditRefusal(error.to_string()))? {
            WalkEnd::Complete => Ok(paths),
            WalkEnd::Truncated => {
                Err(EditRefusal("the project is too large to be looked through whole".to_owned()))
            }
        }
    }
}

/// Why an operation changed nothing.
#[derive(Debug, Error)]
pub enum EditError {
    /// A guard objected.
    #[error(transparent)]
    Refused(#[from] EditRefusal),
    /// The gate said no.
    #[error("{}", .0.decision.reason.text)]
    Denied(Box<Denial>),
    /// The change could not be recorded before it was made.
    #[error("{0}")]
    NotRecorded(String),
    /// A file could not be written; what was written before is put back.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file could not be written and an earlier one not be put back.
    #[error("{failed}; {path} was already written and could not be put back: {why}")]
    HalfDone {
        /// What failed first.
        failed: FileError,
        /// The file that stays changed.
        path: ProjectPath,
        /// Why.
        why: String,
    },
}

/// What an operation did, or would do.
#[derive(Debug)]
pub struct Edited {
    /// Every changed file.
    pub changes: Vec<FileChange>,
    /// The gate's decisions, one a file; none for a dry run.
    pub decisions: Vec<Decision>,
}

impl From<Denial> for EditError {
    fn from(denial: Denial) -> Self {
        Self::Denied(Box::new(denial))
    }
}

/// Records that files are about to be written and gets the permits for them, in
/// order; all or none.
pub type Authorize<'a> =
    dyn FnMut(Vec<FileWrite>) -> Result<Vec<(Permit<FileWrite>, Decision)>, EditError> + 'a;

/// Plans `operation`, gets a permit for every file, then writes. Either all
/// files are changed or none.
///
/// # Errors
/// See [`EditError`]; but for `HalfDone` every byte is as before.
pub fn carry_out(
    operation: &Operation,
    project: &EditedProject<'_>,
    authorize: &mut Authorize<'_>,
) -> Result<Edited, EditError> {
    let changes = plan(operation, project)?;
    let modes = modes(&changes, project.files);
    let Some((permits, decisions)) = permitted(operation, &changes, &modes, authorize)? else {
        return Ok(Edited { changes, decisions: Vec::new() });
    };
    let result = project.files.write_all(permits);
    finish(Edited { changes, decisions }, &modes, result, project.files, authorize)
}

/// [`carry_out`], and what `show` makes of each change: worked out while the disk is
/// waited for.
///
/// # Errors
/// As [`carry_out`].
pub fn carry_out_and_show<R: Send>(
    operation: &Operation,
    project: &EditedProject<'_>,
    authorize: &mut Authorize<'_>,
    show: impl Fn(&FileChange) -> R + Sync,
) -> Result<(Edited, Vec<R>), EditError> {
    let changes = plan(operation, project)?;
    let modes = modes(&changes, project.files);
    let Some((permits, decisions)) = permitted(operation, &changes, &modes, authorize)? else {
        let shown = in_parallel(&changes, show);
        return Ok((Edited { changes, decisions: Vec::new() }, shown));
    };
    let show_all = || in_parallel(&changes, &show);
    let (result, shown) = std::thread::scope(|scope| {
        let shown = std::thread::Builder::new().spawn_scoped(scope, show_all);
        let result = project.files.write_all(permits);
        // Without a thread this one does it afterwards.
        (result, shown.ok().and_then(|thread| thread.join().ok()))
    });
    let shown = shown.unwrap_or_else(show_all);
    let edited = Edited { changes, decisions };
    Ok((finish(edited, &modes, result, project.files, authorize)?, shown))
}

fn plan(
    operation: &Operation,
    project: &EditedProject<'_>,
) -> Result<Vec<FileChange>, EditRefusal> {
    let mut changes = apply_in_project(operation, project)?;
    changes.retain(|change| change.before != change.after);
    changes.iter().try_for_each(refuse_redaction_mark)?;
    for gone in changes.iter().filter(|change| change.after.is_none()) {
        let writable = project.files.refuse_read_only(&gone.path);
        writable.map_err(|error| EditRefusal(error.to_string()))?;
    }
    Ok(changes)
}

type Permitted = (Vec<Permit<FileWrite>>, Vec<Decision>);

/// The permits for all changes; `None` for a dry run.
fn permitted(
    operation: &Operation,
    changes: &[FileChange],
    modes: &[Option<u32>],
    authorize: &mut Authorize<'_>,
) -> Result<Option<Permitted>, EditError> {
    if matches!(operation, Operation::Rewrite { dry_run: true, .. }) {
        return Ok(None);
    }
    let changes: Vec<(&FileChange, Option<u32>)> =
        changes.iter().zip(modes.iter().copied()).collect();
    let authorized = authorize(in_parallel(&changes, |(change, mode)| forward(change, *mode)))?;
    Ok(Some(authorized.into_iter().unzip()))
}

/// The permission bits to give where a change makes a file that takes another's, and
/// to give back where it deletes one.
fn modes(changes: &[FileChange], files: &ProjectFiles) -> Vec<Option<u32>> {
    let mode = |change: &FileChange| {
        let like = match &change.new_mode {
            _ if change.after.is_none() => &change.path,
            NewMode::Usual => return None,
            NewMode::Executable => return Some(EXECUTABLE_MODE),
            NewMode::Of(path) => path,
        };
        let entry = files.snapshot_entry(like).ok()??;
        (entry.kind == EntryKind::File).then_some(entry.mode)
    };
    changes.iter().map(mode).collect()
}

fn finish(
    edited: Edited,
    modes: &[Option<u32>],
    result: Result<(), WriteFailure>,
    files: &ProjectFiles,
    authorize: &mut Authorize<'_>,
) -> Result<Edited, EditError> {
    match result {
        Ok(()) => Ok(edited),
        Err(failure) => Err(put_back(&edited.changes, modes, files, authorize, failure)),
    }
}

/// A file read with secrets cut must not be written back with the marks.
fn refuse_redaction_mark(change: &FileChange) -> Result<(), EditRefusal> {
    let holds = |bytes: &Option<Vec<u8>>| {
        let found = |bytes| memchr::memmem::find(bytes, REDACTION_MARK.as_bytes()).is_some();
        bytes.as_deref().is_some_and(found)
    };
    if holds(&change.after) && !holds(&change.before) {
        return Err(EditRefusal(format!(
            "the new content of {} holds `{REDACTION_MARK}`, which stands for a secret kode did \
             not show; change the file without touching that line",
            change.path
        )));
    }
    Ok(())
}

fn forward(change: &FileChange, mode: Option<u32>) -> FileWrite {
    write(&change.path, change.before.as_deref(), change.after.clone(), mode)
}

/// `mode` is for a file that is not there: others keep theirs.
fn write(
    path: &ProjectPath,
    before: Option<&[u8]>,
    after: Option<Vec<u8>>,
    mode: Option<u32>,
) -> FileWrite {
    let mode = mode.filter(|_| before.is_none());
    let mode = match (after.map(Untrusted::new), mode) {
        (None, _) => WriteMode::Delete,
        (Some(content), None) => WriteMode::Content(content),
        (Some(content), Some(mode)) => WriteMode::Restore { content, mode },
    };
    FileWrite { path: path.clone(), expected: before.map(digest), mode }
}

fn put_back(
    changes: &[FileChange],
    modes: &[Option<u32>],
    files: &ProjectFiles,
    authorize: &mut Authorize<'_>,
    failure: WriteFailure,
) -> EditError {
    let WriteFailure { written, error: failed, new_folders } = failure;
    for index in written.into_iter().rev() {
        let (Some(change), Some(mode)) = (changes.get(index), modes.get(index)) else { continue };
        let backward = write(&change.path, change.after.as_deref(), change.before.clone(), *mode);
        let restored = match authorize(vec![backward]) {
            Ok(permits) => {
                let permits = permits.into_iter().map(|(permit, _)| permit).collect();
                files.write_all(permits).map_err(|failure| failure.error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        if let Err(why) = restored {
            return EditError::HalfDone { failed, path: change.path.clone(), why };
        }
    }
    files.remove_empty_folders(&new_folders);
    EditError::File(failed)
}

/// SHA-256 of a file's bytes.
pub(crate) fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
