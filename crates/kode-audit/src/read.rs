//! Reading entries back for people: `kode audit list` and `show`.

use std::collections::VecDeque;
use std::io::BufReader;
use std::path::Path;

use kode_base::AuditSequence;

use crate::line::check;
use crate::lines::{Line, Lines};
use crate::places::{at, log_path};
use crate::private::open_to_read;
use crate::{AuditError, Entry, Problem, Record};

/// Which entries are wanted; the default is all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this session's.
    pub session: Option<String>,
    /// Only from this number on.
    pub from: Option<AuditSequence>,
    /// Only up to this number.
    pub until: Option<AuditSequence>,
    /// Only decisions that were not permitted.
    pub refused_only: bool,
    /// Only the last so many of those that match.
    pub last: Option<usize>,
}

impl Filter {
    fn wants(&self, entry: &Entry) -> bool {
        let refused = match &entry.record {
            Record::Decision(decision) => !decision.permitted,
            Record::Connection(connection) => connection.refused.is_some(),
            _ => false,
        };
        self.session.as_ref().is_none_or(|session| *session == entry.session)
            && self.from.is_none_or(|from| entry.sequence >= from)
            && self.until.is_none_or(|until| entry.sequence <= until)
            && (refused || !self.refused_only)
    }
}

/// The entries that `filter` wants, oldest first; none when there is no log.
///
/// Each is checked against its own hash; the chain as a whole is
/// [`crate::verify`]'s work.
///
/// # Errors
/// When the log can't be read or an entry on the way does not hold.
pub fn read(folder: &Path, filter: &Filter) -> Result<Vec<Entry>, AuditError> {
    let path = log_path(folder);
    let Some(file) = open_to_read(&path).map_err(at(&path))? else { return Ok(Vec::new()) };
    let mut lines = Lines::new(BufReader::new(file), 0);
    let mut kept = VecDeque::new();
    let mut sequence = 0;
    loop {
        sequence += 1;
        let entry = match lines.next_line().map_err(at(&path))? {
            Line::Whole(line) => parse(line),
            Line::Oversized => None,
            Line::Torn(_) | Line::End => return Ok(kept.into()),
        };
        let damaged =
            || AuditError::Damaged { path: path.clone(), problem: Problem::Altered { sequence } };
        let entry = entry.ok_or_else(damaged)?;
        if filter.until.is_some_and(|until| entry.sequence > until) {
            return Ok(kept.into());
        }
        if filter.wants(&entry) {
            kept.push_back(entry);
        }
        if filter.last.is_some_and(|last| kept.len() > last) {
            kept.pop_front();
        }
    }
}

/// One entry by its number.
///
/// # Errors
/// As [`read`].
pub fn show(folder: &Path, sequence: AuditSequence) -> Result<Option<Entry>, AuditError> {
    let only = Filter { from: Some(sequence), until: Some(sequence), ..Filter::default() };
    Ok(read(folder, &only)?.pop())
}

fn parse(line: &[u8]) -> Option<Entry> {
    check(line)?;
    serde_json::from_slice(line).ok()
}
