//! Changes that a person asked for while the agent worked, until they are done or
//! refused. What is left when kode was killed before is told at the next opening,
//! and never done late: the files may be others by then.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::SessionError;
use crate::ledger::{Ledger, read_lines};
use crate::state::now_ns;

/// Names a wish in its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WishId(i64);

/// One line of `wishes.jsonl`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
enum Line {
    Wished { id: WishId, what: String },
    Ended { id: WishId },
}

fn place(folder: &Path) -> PathBuf {
    folder.join("wishes.jsonl")
}

/// Only people's screens write this file, so it needs no lock of the session.
pub(crate) fn note(folder: &Path, what: &str) -> Result<WishId, SessionError> {
    let id = WishId(now_ns());
    Ledger::open(&place(folder))?.append(&Line::Wished { id, what: what.to_owned() })?;
    Ok(id)
}

pub(crate) fn end(folder: &Path, id: WishId) -> Result<(), SessionError> {
    Ledger::open(&place(folder))?.append(&Line::Ended { id })
}

/// What was never done, oldest first; it is given up by this.
pub(crate) fn take_left(folder: &Path) -> Result<Vec<String>, SessionError> {
    let mut left: Vec<(WishId, String)> = Vec::new();
    for line in read_lines(&place(folder))? {
        match line {
            Line::Wished { id, what } => left.push((id, what)),
            Line::Ended { id } => left.retain(|(other, _)| *other != id),
        }
    }
    for (id, _) in &left {
        end(folder, *id)?;
    }
    Ok(left.into_iter().map(|(_, what)| what).collect())
}
