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
    Wished {
        id: WishId,
        what: String,
        /// Who shall do it: [`process`].
        #[serde(default)]
        by: Option<String>,
    },
    Ended {
        id: WishId,
    },
}

fn place(folder: &Path) -> PathBuf {
    folder.join("wishes.jsonl")
}

/// Only people's screens write this file, so it needs no lock of the session.
pub(crate) fn note(folder: &Path, what: &str) -> Result<WishId, SessionError> {
    let id = WishId(now_ns());
    Ledger::open(&place(folder))?.append(&Line::Wished {
        id,
        what: what.to_owned(),
        by: process(std::process::id()),
    })?;
    Ok(id)
}

pub(crate) fn end(folder: &Path, id: WishId) -> Result<(), SessionError> {
    Ledger::open(&place(folder))?.append(&Line::Ended { id })
}

/// Names a process that lives: its number, and when it began in the kernel's ticks, as
/// numbers come again.
fn process(number: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    // The name before it may hold blanks and brackets.
    let began = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?;
    Some(format!("{number} {began}"))
}

/// Whether the process still lives and may do what it was asked for.
fn lives(by: &str) -> bool {
    let number = by.split_once(' ').and_then(|(number, _)| number.parse().ok());
    number.and_then(process).is_some_and(|living| living == by)
}

/// What was never done, oldest first, and whose kode is gone; it is given up by this.
pub(crate) fn take_left(folder: &Path) -> Result<Vec<String>, SessionError> {
    let mut left: Vec<(WishId, String)> = Vec::new();
    for line in read_lines(&place(folder))? {
        match line {
            Line::Wished { by: Some(by), .. } if lives(&by) => {}
            Line::Wished { id, what, .. } => left.push((id, what)),
            Line::Ended { id } => left.retain(|(other, _)| *other != id),
        }
    }
    for (id, _) in &left {
        end(folder, *id)?;
    }
    Ok(left.into_iter().map(|(_, what)| what).collect())
}
