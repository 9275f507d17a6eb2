//! Taking single hunks back from a file that someone may have edited since: a
//! three-way merge in reverse. Pure: bytes in, bytes out.
//!
//! Someone's later edit is never overwritten: where it changed lines of a hunk, that
//! hunk is a [`Conflict`] and nothing is changed. The line beside a hunk is not of it.

use std::ops::Range;
use std::time::Duration;

use kode_diff::{Difference, differences};
use thiserror::Error;

use crate::error::LinesNamed;

/// After this long the rest of a comparison counts as wholly replaced, which
/// gives a conflict rather than a wrong merge.
const TIME_MAX: Duration = Duration::from_secs(2);

/// A region in which two texts differ. Ranges count lines from 0; the end is
/// not included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// Lines before the change.
    pub before: Range<usize>,
    /// Lines after it.
    pub after: Range<usize>,
}

/// Where someone's edit met a hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MetLines {
    pub(crate) hunk: Hunk,
    /// The edited lines.
    pub(crate) now: Range<usize>,
}

/// Why hunks could not be taken back.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum Conflict {
    /// The same lines were edited since, or lines added in the very place of deleted ones.
    #[error(
        "you edited lines of hunk {} there since: both changes are kept, take it back by hand",
        hunk + 1
    )]
    Edited {
        /// Which hunk, from 0.
        hunk: usize,
        /// The lines of the file as it is now where both changes meet.
        now: Range<usize>,
    },
    /// There are fewer hunks.
    #[error("there is no hunk {}", hunk + 1)]
    NoSuchHunk {
        /// Which hunk, from 0.
        hunk: usize,
    },
}

impl Conflict {
    /// Where both changes meet in the file as it is now.
    pub(crate) fn lines_now(&self) -> LinesNamed {
        LinesNamed(match self {
            Self::Edited { now, .. } => Some(now.clone()),
            Self::NoSuchHunk { .. } => None,
        })
    }
}

/// Where `now` does again what a hunk of `before` → `after` did: the first such
/// line of `now`, from 0. `base` is what `now` is compared with.
pub(crate) fn done_again(
    (before, after): (&[u8], &[u8]),
    (base, now): (&[u8], &[u8]),
) -> Option<usize> {
    let (before, after, base, now) = (lines(before), lines(after), lines(base), lines(now));
    let present = hunks_of_lines(&base, &now);
    let mut taken = hunks_of_lines(&before, &after).into_iter();
    taken.find_map(|hunk| {
        let (removed, added) = (&before[hunk.before], &after[hunk.after]);
        present.iter().find_map(|other| {
            let place = match added.is_empty() {
                true => within(removed, &base[other.before.clone()]).map(|_| 0),
                false if is_telling(added) => within(added, &now[other.after.clone()]),
                false => None,
            };
            place.map(|line| other.after.start + line)
        })
    })
}

/// Lines that say something: a lone brace or an empty line comes again anywhere.
fn is_telling(lines: &[&[u8]]) -> bool {
    lines.iter().flat_map(|line| line.iter()).filter(|byte| byte.is_ascii_alphanumeric()).count()
        > 2
}

/// Where `part` stands in `whole`, in one piece; spaces at line ends don't count.
fn within(part: &[&[u8]], whole: &[&[u8]]) -> Option<usize> {
    let same = |one: &[&[u8]]| {
        one.iter().zip(part).all(|(one, two)| one.trim_ascii_end() == two.trim_ascii_end())
    };
    whole.windows(part.len().max(1)).position(same)
}

/// The hunks between two texts, in order; lines end with `\n`, the last one
/// may lack it.
pub fn hunks(before: &[u8], after: &[u8]) -> Vec<Hunk> {
    hunks_of_lines(&lines(before), &lines(after))
}

/// Takes the chosen hunks of `before` → `after` back from `now`, which is
/// `after` with someone's later edits; all or nothing.
///
/// # Errors
/// A [`Conflict`] that names the hunk.
pub fn take_back(
    before: &[u8],
    after: &[u8],
    now: &[u8],
    chosen: &[usize],
) -> Result<Vec<u8>, Conflict> {
    let (before, after, now) = (lines(before), lines(after), lines(now));
    let agent = hunks_of_lines(&before, &after);
    let edits = hunks_of_lines(&after, &now);
    let mut replacements = Vec::new();
    for &hunk in chosen {
        let wanted = agent.get(hunk).ok_or(Conflict::NoSuchHunk { hunk })?;
        let place =
            place_now(&wanted.after, &edits).map_err(|now| Conflict::Edited { hunk, now })?;
        replacements.push((place, wanted.before.clone()));
    }
    Ok(replaced(&before, &now, replacements))
}

/// `now` without those hunks of `before` → `after` that no later edit meets,
/// and the lines of `now` where the first of the others stands.
pub(crate) fn without_hunks(
    before: &[u8],
    after: &[u8],
    now: &[u8],
) -> (Vec<u8>, Option<MetLines>) {
    let (before, after, now) = (lines(before), lines(after), lines(now));
    let agent = hunks_of_lines(&before, &after);
    let edits = hunks_of_lines(&after, &now);
    let (mut replacements, mut mixed) = (Vec::new(), None);
    for hunk in &agent {
        match place_now(&hunk.after, &edits) {
            Ok(place) => replacements.push((place, hunk.before.clone())),
            Err(now) => match lines_left(hunk, &edits) {
                Some(places) => replacements.extend(places.into_iter().map(|place| (place, 0..0))),
                None => mixed = mixed.or_else(|| Some(MetLines { hunk: hunk.clone(), now })),
            },
        }
    }
    (replaced(&before, &now, replacements), mixed)
}

/// Where the lines of a hunk stand now between which someone else only added
/// lines; none when someone changed or removed lines of it, or when the hunk took
/// lines away that would have to come back somewhere.
fn lines_left(hunk: &Hunk, edits: &[Hunk]) -> Option<Vec<Range<usize>>> {
    if !hunk.before.is_empty() {
        return None;
    }
    let first = first_not_before(&hunk.after, edits);
    let mut places = Vec::new();
    let mut by = first.checked_sub(1).map_or(0, |last| shift(&edits[last]));
    let mut start = hunk.after.start;
    let moved = |line: usize, by: isize| line.saturating_add_signed(by);
    for edit in edits[first..].iter().take_while(|edit| meets(edit, &hunk.after)) {
        if !edit.before.is_empty() {
            return None;
        }
        let at = edit.before.start;
        places.push(moved(start, by)..moved(at, by));
        (by, start) = (shift(edit), at);
    }
    places.push(moved(start, by)..moved(hunk.after.end, by));
    places.retain(|place| !place.is_empty());
    Some(places)
}

/// Where `lines` of `before` stand in `now`; edits on them widen the place.
pub(crate) fn carried(before: &[u8], now: &[u8], lines_before: &Range<usize>) -> Range<usize> {
    let edits = hunks_of_lines(&lines(before), &lines(now));
    let ends_before = |line: usize| edits.partition_point(|edit| edit.before.end <= line);
    let moved = |line: usize| match edits[..ends_before(line)].last() {
        Some(edit) => line.saturating_add_signed(shift(edit)),
        None => line,
    };
    let met = edits.iter().filter(|edit| {
        edit.before.start < lines_before.end && lines_before.start < edit.before.end
    });
    let place = moved(lines_before.start)..moved(lines_before.end);
    met.fold(place, |place, edit| place.start.min(edit.after.start)..place.end.max(edit.after.end))
}

/// `now` with some of its lines replaced by lines of `before`.
fn replaced(
    before: &[&[u8]],
    now: &[&[u8]],
    mut replacements: Vec<(Range<usize>, Range<usize>)>,
) -> Vec<u8> {
    replacements.sort_by_key(|(place, source)| (place.start, place.end, source.start));
    replacements.dedup();
    let mut result = Vec::new();
    let mut done = 0;
    for (place, source) in replacements {
        result.extend(now[done..place.start].concat());
        result.extend(before[source].concat());
        done = place.end;
    }
    result.extend(now[done..].concat());
    result
}

/// Where untouched lines of `after` stand now; an error with the meeting lines when an edit
/// overlaps them, or stands where it can't be told what comes first. An edit of the line
/// beside them is another change.
fn place_now(lines: &Range<usize>, edits: &[Hunk]) -> Result<Range<usize>, Range<usize>> {
    let first = first_not_before(lines, edits);
    if let Some(edit) = edits.get(first).filter(|edit| meets(edit, lines)) {
        return Err(edit.after.clone());
    }
    let shift = first.checked_sub(1).map_or(0, |last| shift(&edits[last]));
    // An edit that ends before the lines moves them by no more than it removed,
    // so the sum can't fall below zero.
    Ok(lines.start.saturating_add_signed(shift)..lines.end.saturating_add_signed(shift))
}

/// The first edit that does not stand wholly before `lines`.
fn first_not_before(lines: &Range<usize>, edits: &[Hunk]) -> usize {
    edits.partition_point(|edit| edit.before.end <= lines.start && !meets(edit, lines))
}

/// Whether an edit changed some of `lines` or stands between them. Where the lines are
/// none, or the edit only added some, at the very same place nobody knows their order.
fn meets(edit: &Hunk, lines: &Range<usize>) -> bool {
    let edited = &edit.before;
    match lines.is_empty() {
        true if edited.is_empty() => edited.start == lines.start,
        _ => edited.start < lines.end && lines.start < edited.end,
    }
}

/// How far an edit, with those before it, moved the lines behind it.
fn shift(edit: &Hunk) -> isize {
    edit.after.end.cast_signed() - edit.before.end.cast_signed()
}

fn hunks_of_lines(before: &[&[u8]], after: &[&[u8]]) -> Vec<Hunk> {
    let hunk = |Difference { old, new }| Hunk { before: old, after: new };
    differences(before, after, Some(TIME_MAX)).into_iter().map(hunk).collect()
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

#[cfg(test)]
mod tests;
