//! Exact replacement: the old text is in the file, once, or nothing happens.
//!
//! Line endings do not count when matching and are kept when writing. Nothing
//! is ever matched approximately: a miss only shows the nearest candidate.

use std::borrow::Cow;

use kode_base::ProjectPath;
use memchr::memmem;

use crate::guard::{Change, Declared, check};
use crate::newline::{BOM, Endings, LfView, line_of, to_lf, with_ending};
use crate::refusal::{EditRefusal, refuse};
use crate::{MAX_FILE_BYTES, nearest};

/// [`BOM`] as text.
const MARK: char = '\u{feff}';
/// How many places an ambiguous match names.
const SHOWN_PLACES: usize = 8;

/// One exact replacement.
#[derive(Debug, Clone)]
pub struct ExactEdit {
    /// The text to find; a CRLF in it counts as LF.
    pub old: String,
    /// The text to put there.
    pub new: String,
    /// Replace every occurrence instead of demanding exactly one.
    pub all: bool,
    /// Refuse unless there are exactly so many occurrences.
    pub expect_count: Option<usize>,
}

/// Applies an exact edit with every guard; returns the new bytes.
///
/// # Errors
/// When the old text is missing, ambiguous or not as often there as expected,
/// and when a guard objects to the result.
pub fn edit(path: &ProjectPath, before: &[u8], edit: &ExactEdit) -> Result<Vec<u8>, EditRefusal> {
    check_request(path, before, edit)?;
    let (old, new) = (to_lf(&edit.old), to_lf(&edit.new));
    let view = LfView::new(before);
    let places = occurrences(path, &view.bytes, old.as_bytes())?;
    check_count(path, &view.bytes, &old, edit, &places)?;
    let new = with_mark(path, &view.bytes, &places, &old, new)?;
    check_carriage_return(path, before, &view, &places, [&old, &new])?;
    let after = splice(before, &view, &places, &old, &new);
    let change = Change { path, before: Some(before), after: &after, written: &new };
    check(&change, &Declared { quoted: Some(&old), ..Declared::default() })?;
    Ok(after)
}

fn check_request(path: &ProjectPath, before: &[u8], edit: &ExactEdit) -> Result<(), EditRefusal> {
    if edit.old.is_empty() {
        return refuse!("`old` is empty: quote the text to replace, or use write_file");
    }
    if edit.old == edit.new {
        return refuse!("`old` and `new` are the same: nothing would change in {path}");
    }
    check_size(path, before.len().max(edit.new.len()))?;
    if std::str::from_utf8(before).is_err() && !edit.new.is_ascii() {
        return refuse!(
            "{path} is not UTF-8, so the non-ASCII characters of `new` have no bytes in its \
             encoding; use ASCII text or the language's escapes"
        );
    }
    Ok(())
}

/// Refuses files beyond [`MAX_FILE_BYTES`].
pub(crate) fn check_size(path: &ProjectPath, bytes: usize) -> Result<(), EditRefusal> {
    if bytes > MAX_FILE_BYTES {
        return refuse!(
            "{path} has {bytes} bytes; files over {MAX_FILE_BYTES} bytes are not edited"
        );
    }
    Ok(())
}

/// Start offsets of `old`. Where it overlaps itself, nothing but that counts: the search
/// ends there, so that repeated lines take no more time than others.
fn occurrences(path: &ProjectPath, bytes: &[u8], old: &[u8]) -> Result<Vec<usize>, EditRefusal> {
    let finder = memmem::Finder::new(old);
    let mut places: Vec<usize> = Vec::new();
    let mut from = 0;
    while let Some(found) = finder.find(&bytes[from..]) {
        let place = from + found;
        if places.last().is_some_and(|last| place - last < old.len()) {
            return refuse!("`old` overlaps itself in {path}: quote more of the text around it");
        }
        places.push(place);
        from = place + 1;
    }
    Ok(places)
}

fn check_count(
    path: &ProjectPath,
    text: &[u8],
    old: &str,
    edit: &ExactEdit,
    places: &[usize],
) -> Result<(), EditRefusal> {
    let found = places.len();
    if found == 0 {
        return Err(EditRefusal::new(nearest::describe_miss(path, text, old)));
    }
    if let Some(expected) = edit.expect_count
        && expected != found
    {
        return refuse!(
            "`old` is in {path} {found} times, not {expected}: {}",
            name_lines(text, places)
        );
    }
    if found > 1 && !edit.all && edit.expect_count.is_none() {
        return refuse!(
            "`old` is in {path} {found} times ({}): quote more lines around the one you mean, or \
             set `all`",
            name_lines(text, places)
        );
    }
    Ok(())
}

/// The byte order mark is the file's, not the text's: where `old` quotes it, it stays.
fn with_mark<'n>(
    path: &ProjectPath,
    text: &[u8],
    places: &[usize],
    old: &str,
    new: Cow<'n, str>,
) -> Result<Cow<'n, str>, EditRefusal> {
    let is_mark = text.starts_with(BOM) && places == [0] && old.starts_with(MARK);
    if !is_mark || new.starts_with(MARK) {
        return Ok(new);
    }
    let new = format!("{MARK}{new}");
    if new == old {
        return refuse!("{path} keeps its byte order mark: nothing else would change");
    }
    Ok(Cow::Owned(new))
}

/// Refuses a carriage return that would come to stand before the one of the line's end.
fn check_carriage_return(
    path: &ProjectPath,
    before: &[u8],
    view: &LfView<'_>,
    places: &[usize],
    [old, new]: [&str; 2],
) -> Result<(), EditRefusal> {
    let at_crlf =
        |place: &usize| before[view.file_offset(place + old.len())..].starts_with(b"\r\n");
    if new.ends_with('\r') && !old.ends_with('\r') && places.iter().any(at_crlf) {
        return refuse!("`new` ends in a carriage return, and the lines of {path} have theirs");
    }
    Ok(())
}

fn name_lines(text: &[u8], places: &[usize]) -> String {
    let mut lines: Vec<String> =
        places.iter().take(SHOWN_PLACES).map(|&at| line_of(text, at).to_string()).collect();
    if places.len() > SHOWN_PLACES {
        lines.push("…".to_owned());
    }
    format!("at lines {}", lines.join(", "))
}

/// Replaces only what differs between `old` and `new`, so that line endings of
/// unchanged lines survive in files with mixed ones.
fn splice(before: &[u8], view: &LfView<'_>, places: &[usize], old: &str, new: &str) -> Vec<u8> {
    let (prefix, suffix) = common_ends(old.as_bytes(), new.as_bytes());
    let inserted = &new[prefix..new.len() - suffix];
    let mut after = Vec::with_capacity(before.len() + places.len() * inserted.len());
    let mut copied = 0;
    let mut endings = Endings::of(before);
    for &place in places {
        let start = view.file_offset(place + prefix);
        let end = view.file_offset(place + old.len() - suffix);
        after.extend_from_slice(&before[copied..start]);
        // Looked for only where it matters: in one long line the next newline is far.
        let ending = if inserted.contains('\n') { endings.at(start) } else { "\n" };
        after.extend_from_slice(with_ending(inserted, ending).as_bytes());
        copied = end;
    }
    after.extend_from_slice(&before[copied..]);
    after
}

/// Lengths of the common prefix and suffix, at character boundaries, not overlapping.
fn common_ends(old: &[u8], new: &[u8]) -> (usize, usize) {
    let shorter = old.len().min(new.len());
    let mut prefix = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    while prefix > 0 && !(at_boundary(old, prefix) && at_boundary(new, prefix)) {
        prefix -= 1;
    }
    let mut suffix = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(shorter - prefix)
        .take_while(|(a, b)| a == b)
        .count();
    while suffix > 0
        && !(at_boundary(old, old.len() - suffix) && at_boundary(new, new.len() - suffix))
    {
        suffix -= 1;
    }
    (prefix, suffix)
}

fn at_boundary(text: &[u8], at: usize) -> bool {
    text.get(at).is_none_or(|byte| byte & 0xc0 != 0x80)
}

#[cfg(test)]
mod tests;
