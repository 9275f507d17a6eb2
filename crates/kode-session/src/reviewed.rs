//! Which states of files a person marked as reviewed. The marks outlive the
//! screen; a mark holds for the very state it was given to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kode_base::ProjectPath;
use serde::{Deserialize, Serialize};

use crate::SessionError;
use crate::ledger::{Ledger, read_lines};

/// One line of `reviewed.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    path: ProjectPath,
    /// As [`crate::review::ReviewFile::state`] names it.
    state: String,
    reviewed: bool,
}

fn place(folder: &Path) -> PathBuf {
    folder.join("reviewed.jsonl")
}

/// Every mark that stands.
pub(crate) fn load(folder: &Path) -> Result<BTreeSet<(ProjectPath, String)>, SessionError> {
    let mut marks = BTreeSet::new();
    for mark in read_lines::<Mark>(&place(folder))? {
        let key = (mark.path, mark.state);
        if mark.reviewed {
            marks.insert(key)
        } else {
            marks.remove(&key)
        };
    }
    Ok(marks)
}

/// Sets or takes a mark. Only people's screens write this file, so it needs no
/// lock of the session.
pub(crate) fn mark(
    folder: &Path,
    path: &ProjectPath,
    state: &str,
    reviewed: bool,
) -> Result<(), SessionError> {
    let mark = Mark { path: path.clone(), state: state.to_owned(), reviewed };
    Ledger::open(&place(folder))?.append(&mark)
}
