//! What a session is about: project, task, begin and end.

use std::path::Path;

use kode_base::Untrusted;
use serde::{Deserialize, Serialize};

use crate::SessionError;
use crate::ledger::read_lines;

/// One session in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionSummary {
    /// Identifier (UUID version 7: later ones sort after earlier ones).
    pub id: String,
    /// Canonical project root.
    pub project: String,
    /// What was asked for first.
    pub task: Untrusted<String>,
    /// When it began, RFC 3339 in UTC.
    pub started: String,
    /// Exit code of its last run; `None` while it runs or after a crash.
    pub ended: Option<u8>,
}

/// One line of `meta.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "meta", rename_all = "snake_case")]
pub(crate) enum MetaLine {
    Started { version: u32, id: String, project: String, task: Untrusted<String>, time: String },
    Resumed { time: String },
    Ended { exit_code: u8, time: String },
}

/// The layout of a session's folder that this kode writes and reads.
pub(crate) const LAYOUT_VERSION: u32 = 1;

/// Reads the summary; an error when the first line was never written.
pub(crate) fn summary(folder: &Path) -> Result<SessionSummary, SessionError> {
    let path = folder.join("meta.jsonl");
    let mut lines = read_lines::<MetaLine>(&path)?.into_iter();
    let Some(MetaLine::Started { version: LAYOUT_VERSION, id, project, task, time }) = lines.next()
    else {
        return Err(SessionError::Unreadable { path, line: 1 });
    };
    let ended = lines.fold(None, |_, line| match line {
        MetaLine::Ended { exit_code, .. } => Some(exit_code),
        MetaLine::Started { .. } | MetaLine::Resumed { .. } => None,
    });
    Ok(SessionSummary { id, project, task, started: time, ended })
}

/// Now, RFC 3339 in UTC.
pub(crate) fn now() -> String {
    jiff::Timestamp::now().to_string()
}
