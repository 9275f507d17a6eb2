//! Where a reject and a person's later edit meet: the three texts, so that
//! the person can decide. The screen escapes them.

use std::ops::Range;

use kode_base::{ProjectPath, Untrusted};
use kode_sandbox::ProjectFiles;
use kode_session::SessionError;
use kode_session::merge::Conflict;
use kode_tui::FileContents;

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
        ("before:", excerpt(shown.before.as_ref(), &place.before)),
        ("the agent wrote:", excerpt(shown.after.as_ref(), &place.after)),
        ("on the disk now:", excerpt(Some(&present), now)),
    ];
    let parts = parts.map(|(label, lines)| format!("\n{label}\n{lines}"));
    Some(parts.concat())
}

#[expect(clippy::disallowed_methods, reason = "the screen escapes what it is told")]
fn excerpt(side: Option<&Untrusted<Vec<u8>>>, lines: &Range<usize>) -> String {
    let text = String::from_utf8_lossy(side.map_or(&[], |side| side.expose().as_slice()));
    let chosen = text.lines().skip(lines.start).take(lines.len().min(LINES_MAX));
    let mut shown: String = chosen.map(|line| format!("  {line}\n")).collect();
    match lines.len() {
        0 => shown.push_str("  (nothing)\n"),
        count if count > LINES_MAX => shown.push_str("  …\n"),
        _ => {}
    }
    shown
}
