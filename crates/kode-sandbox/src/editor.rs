//! Opens a project file in the person's own editor, on the host and with their
//! rights: they asked for it by a key. Only for ordinary files of the project: a
//! link could lead the person's hand outside.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::process::Command;

use kode_base::ProjectPath;
use thiserror::Error;

use crate::{EntryKind, FileError, ProjectFiles, ProjectRoot};

/// Why no editor was opened, or how it failed.
#[derive(Debug, Error)]
pub enum EditorError {
    /// The setting names no program.
    #[error("no editor is set; name one in $VISUAL or $EDITOR")]
    NoEditor,
    /// A link, a device, or gone.
    #[error("{0} is no ordinary file; it can't be opened in an editor")]
    NoFile(ProjectPath),
    /// The file can't be looked at.
    #[error(transparent)]
    File(#[from] FileError),
    /// The program can't be started.
    #[error("the editor {program} could not be started: {source}")]
    Start {
        /// What was tried.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It ended with an error.
    #[error("the editor {program} ended with {status}")]
    Failed {
        /// What ran.
        program: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
}

/// Runs `editor` (a program and its arguments, between spaces; no shell reads it)
/// on the file, in the terminal of this process, and waits for its end.
///
/// # Errors
/// When there is no such ordinary file, or the editor fails.
pub fn open_in_editor(
    editor: &str,
    path: &ProjectPath,
    root: &ProjectRoot,
    files: &ProjectFiles,
) -> Result<(), EditorError> {
    let mut words = editor.split_whitespace();
    let program = words.next().ok_or(EditorError::NoEditor)?;
    let entry = files.snapshot_entry(path)?;
    if !entry.is_some_and(|entry| entry.kind == EntryKind::File) {
        return Err(EditorError::NoFile(path.clone()));
    }
    // Absolute, so that no name is taken for an option.
    let place: PathBuf = root.path().join(OsStr::from_bytes(&path.to_bytes()));
    #[expect(clippy::disallowed_methods, reason = "the person's own editor, by their own key")]
    let status = Command::new(program).args(words).arg(place).status();
    let program = program.to_owned();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(EditorError::Failed { program, status }),
        Err(source) => Err(EditorError::Start { program, source }),
    }
}
