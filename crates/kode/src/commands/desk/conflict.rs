//! Where a reject and a person's later edit meet: file, lines and the three
//! texts, so that the person can decide. The screen escapes them.

use std::ops::Range;

use kode_base::{ProjectPath, Untrusted};
use kode_sandbox::ProjectFiles;
use kode_session::merge::Conflict;
use kode_session::{Later, LinesNamed, SessionError};
use kode_tui::{FileContents, Met};

use super::met_of;
use crate::failure::Failure;

/// Lines shown of each text.
const LINES_MAX: usize = 6;
/// A larger file is not read for this.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The failure, with the three texts where an edit is in the way.
pub(super) fn explained(
    error: SessionError,
    shown: &FileContents,
    hunk: usize,
    files: &ProjectFiles,
) -> Failure {
    let SessionError::Conflict { path, conflict: Conflict::Edited { now, .. } } = &error else {
        return error.into();
    };
    let Some(texts) = texts(path, shown, hunk, now, files) else { return error.into() };
    Failure::error(format!("{error}\n{texts}"))
}

/// The failure of a turn's reject, with the three texts where a later change is in the
/// way.
pub(super) fn explained_by_itself(mut error: SessionError) -> Failure {
    let SessionError::TurnMet { met, by, path, .. } = &mut error else { return error.into() };
    let labels = match by {
        Later::Person => Met::LABELS,
        Later::Agent => ["before", "the agent wrote", "and later made of it"],
    };
    match met.take().map(|met| met_of(path, *met)) {
        Some(met) => with_texts(&error, &labels, &met),
        None => error.into(),
    }
}

/// The failure of a whole-file reject, with the three texts.
pub(super) fn told(error: &SessionError, met: &Met) -> Failure {
    with_texts(error, &Met::LABELS, met)
}

fn with_texts(error: &SessionError, labels: &[&str; 3], met: &Met) -> Failure {
    let texts: String = labels
        .iter()
        .zip(&met.parts)
        .map(|(label, text)| format!("\n{label}:\n{}", excerpt(text)))
        .collect();
    Failure::error(format!("{error}\n{texts}"))
}

fn texts(
    path: &ProjectPath,
    shown: &FileContents,
    hunk: usize,
    now: &Range<usize>,
    files: &ProjectFiles,
) -> Option<String> {
    let place = shown.hunks.get(hunk)?;
    let present = files.snapshot_read(path, BYTES_MAX).ok()?;
    let parts = [
        ("before", shown.before.as_ref(), &place.before),
        ("the agent wrote", shown.after.as_ref(), &place.after),
        ("on the disk now", Some(&present), now),
    ];
    let part = |(label, side, lines): (&str, Option<&Untrusted<Vec<u8>>>, &Range<usize>)| {
        let named = LinesNamed(Some(lines.clone()));
        format!("\n{label}{named}:\n{}", excerpt(&chosen(side, lines)))
    };
    Some(parts.map(part).concat())
}

#[expect(clippy::disallowed_methods, reason = "lines are chosen; they stay untrusted")]
fn chosen(side: Option<&Untrusted<Vec<u8>>>, lines: &Range<usize>) -> Untrusted<String> {
    let text = String::from_utf8_lossy(side.map_or(&[], |side| side.expose().as_slice()));
    let chosen = text.split_inclusive('\n').skip(lines.start).take(lines.len());
    Untrusted::new(chosen.collect())
}

#[expect(clippy::disallowed_methods, reason = "the screen escapes what it is told")]
fn excerpt(text: &Untrusted<String>) -> String {
    let mut lines = text.expose().lines();
    let mut shown: String =
        lines.by_ref().take(LINES_MAX).map(|line| format!("  {line}\n")).collect();
    match lines.count() {
        0 if shown.is_empty() => shown.push_str("  (nothing)\n"),
        0 => {}
        more => shown.push_str(&format!("  … {more} more\n")),
    }
    shown
}
