//! Patches over several files, all or nothing: the V4A envelope and unified diffs.
//!
//! Context must be there exactly (line endings aside) and in one place; nothing
//! is matched approximately. Context lines keep the file's bytes.

use kode_base::ProjectPath;

use crate::guard::{Change, Declared, check};
use crate::operation::{FileChange, NewMode, Project};
use crate::refusal::{EditRefusal, refuse};
use crate::wide::{self, Wide};

mod hunk;
mod place;
mod unified;
mod v4a;

use hunk::Hunk;

/// The longest patch read, in bytes.
const MAX_PATCH_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of files that later sections of one patch change again, in all.
const MAX_BYTES_AGAIN: usize = 64 * 1024 * 1024;

/// What a patch does to one file.
#[derive(Debug, PartialEq, Eq)]
enum FilePatch {
    Add {
        path: ProjectPath,
        content: String,
        executable: bool,
    },
    /// With `hunks`, only a file that is what they remove.
    Delete {
        path: ProjectPath,
        hunks: Option<Vec<Hunk>>,
    },
    Copy {
        from: ProjectPath,
        to: ProjectPath,
        hunks: Vec<Hunk>,
    },
    Update {
        path: ProjectPath,
        move_to: Option<ProjectPath>,
        hunks: Vec<Hunk>,
    },
}

/// Works out every change of `patch`; all of them belong together.
pub(crate) fn apply(patch: &str, project: &dyn Project) -> Result<Vec<FileChange>, EditRefusal> {
    if patch.len() > MAX_PATCH_BYTES {
        return refuse!("the patch is longer than {MAX_PATCH_BYTES} bytes");
    }
    let patch = patch.replace("\r\n", "\n");
    let files = if patch.lines().any(|line| line.trim_end() == v4a::BEGIN) {
        v4a::read(&patch)?
    } else {
        unified::read(&patch)?
    };
    if files.is_empty() {
        return refuse!("the patch changes no file");
    }
    let mut changes: Vec<FileChange> = Vec::new();
    let mut again = 0;
    for file in &files {
        again += bytes_changed_before(file, &changes);
        if again > MAX_BYTES_AGAIN {
            return refuse!(
                "the patch changes the same files too many times: put the hunks of a file into \
                 one section"
            );
        }
        apply_file(file, project, &mut changes)?;
    }
    changes.retain(|change| change.before != change.after);
    if changes.is_empty() {
        return refuse!("the patch leaves every file as it is");
    }
    Ok(changes)
}

/// How large the file is that an earlier section of the patch changed: all of it is gone
/// through once more.
fn bytes_changed_before(file: &FilePatch, changes: &[FileChange]) -> usize {
    let FilePatch::Update { path, .. } = file else { return 0 };
    let earlier = changes.iter().find(|change| change.path == *path);
    earlier.and_then(|change| change.after.as_ref()).map_or(0, Vec::len)
}

fn apply_file(
    file: &FilePatch,
    project: &dyn Project,
    changes: &mut Vec<FileChange>,
) -> Result<(), EditRefusal> {
    match file {
        FilePatch::Add { path, content, executable } => {
            let current = current(path, project, changes)?;
            if current.is_some() {
                return refuse!("the patch adds {path}, which is already there");
            }
            let after = content.as_bytes();
            let change = Change { path, before: None, after, written: content };
            check(&change, &Declared::default())?;
            record(changes, path, None, Some(after.to_vec()));
            if *executable {
                set_mode(changes, path, NewMode::Executable);
            }
        }
        FilePatch::Delete { path, hunks } => {
            let before = present(path, project, changes)?;
            if let Some(hunks) = hunks
                && !hunk::apply_all(path, &wide::shown(&before), hunks)?.is_empty()
            {
                return refuse!(
                    "the patch deletes {path}, which holds more than the patch removes: read it \
                     again"
                );
            }
            record(changes, path, Some(before), None);
        }
        FilePatch::Copy { from, to, hunks } => {
            let before = present(from, project, changes)?;
            if current(to, project, changes)?.is_some() {
                return refuse!("the patch copies {from} to {to}, which is already there");
            }
            let after = update(from, &before, hunks)?;
            record(changes, to, None, Some(after));
            take_mode(changes, to, from);
        }
        FilePatch::Update { path, move_to, hunks } => {
            let before = present(path, project, changes)?;
            let after = update(path, &before, hunks)?;
            match move_to {
                Some(target) if target != path => {
                    if current(target, project, changes)?.is_some() {
                        return refuse!(
                            "the patch moves {path} to {target}, which is already there"
                        );
                    }
                    record(changes, path, Some(before), None);
                    record(changes, target, None, Some(after));
                    take_mode(changes, target, path);
                }
                _ => record(changes, path, Some(before), Some(after)),
            }
        }
    }
    Ok(())
}

fn update(path: &ProjectPath, before: &[u8], hunks: &[Hunk]) -> Result<Vec<u8>, EditRefusal> {
    crate::exact::check_size(path, before.len())?;
    if hunks.is_empty() {
        return Ok(before.to_vec());
    }
    if let Some(wide) = Wide::of(path, before)? {
        return Ok(wide.encode(&update(path, wide.text.as_bytes(), hunks)?));
    }
    let after = hunk::apply_all(path, before, hunks)?;
    let written: String = hunks.iter().map(Hunk::added_text).collect();
    if std::str::from_utf8(before).is_err() && !written.is_ascii() {
        return refuse!("{path} is not UTF-8: only ASCII text can be put into it");
    }
    let quoted: String = hunks.iter().map(Hunk::removed_text).collect();
    let change = Change { path, before: Some(before), after: &after, written: &written };
    check(&change, &Declared { quoted: Some(&quoted), ..Declared::default() })?;
    Ok(after)
}

/// The file's bytes, with what the patch did to it so far.
fn current(
    path: &ProjectPath,
    project: &dyn Project,
    changes: &[FileChange],
) -> Result<Option<Vec<u8>>, EditRefusal> {
    match changes.iter().find(|change| change.path == *path) {
        Some(change) => Ok(change.after.clone()),
        None => project.read(path),
    }
}

fn present(
    path: &ProjectPath,
    project: &dyn Project,
    changes: &[FileChange],
) -> Result<Vec<u8>, EditRefusal> {
    current(path, project, changes)?
        .ok_or_else(|| EditRefusal::new(format!("the patch changes {path}, which is not there")))
}

/// Notes a change; a second one to the same file keeps its first `before`.
fn record(
    changes: &mut Vec<FileChange>,
    path: &ProjectPath,
    before: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
) {
    match changes.iter_mut().find(|change| change.path == *path) {
        Some(change) => change.after = after,
        None => changes.push(FileChange::of(path, before, after)),
    }
}

/// Notes that the new file `path` has the permission bits of `source`, or those that
/// the patch gave to that.
fn take_mode(changes: &mut [FileChange], path: &ProjectPath, source: &ProjectPath) {
    let made = changes.iter().find(|change| change.path == *source && change.before.is_none());
    let mode = made.map_or(NewMode::Of(source.clone()), |change| change.new_mode.clone());
    set_mode(changes, path, mode);
}

fn set_mode(changes: &mut [FileChange], path: &ProjectPath, mode: NewMode) {
    if let Some(change) = changes.iter_mut().find(|change| change.path == *path) {
        change.new_mode = mode;
    }
}

/// A path as a patch names it.
fn named_path(text: &str) -> Result<ProjectPath, EditRefusal> {
    ProjectPath::new(text.trim())
        .map_err(|error| EditRefusal::new(format!("the patch names a bad path: {error}")))
}

#[cfg(test)]
mod tests;
