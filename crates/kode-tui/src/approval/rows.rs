//! Breaks a request into rows behind marks of our own, and picks the rows that
//! stand for one too long for the screen. It says which rows are left out: what
//! was not on the screen is not approved.

use std::ops::Range;

use unicode_width::UnicodeWidthChar as _;

/// Lays `text` out in rows of at most `columns` cells. A row after a line end
/// begins with `   | `, one that was too long goes on after `   > `: text can't
/// put words of its choice at the beginning of a row.
pub(super) fn lay_out(label: &str, text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(12);
    let mut rows = Vec::new();
    for (number, line) in text.split('\n').enumerate() {
        let mut row = if number == 0 { label.to_owned() } else { "   | ".to_owned() };
        let mut used: usize = row.chars().map(wide).sum();
        for character in line.chars() {
            if used + wide(character) > columns {
                rows.push(std::mem::replace(&mut row, "   > ".to_owned()));
                used = 5;
            }
            row.push(character);
            used += wide(character);
        }
        rows.push(row);
    }
    rows
}

/// Never fewer cells than a terminal gives a character.
fn wide(character: char) -> usize {
    character.width_cjk().unwrap_or(1).max(1)
}

/// The rows, as ranges in order, that are shown of `rows` where there is room for
/// `rows_max` and each gap takes one: both ends, and of the middle the two rows where
/// most words of `focus` stand. Padding can push the part that matters out of both ends.
pub(super) fn kept(rows: &[String], rows_max: usize, focus: &[String]) -> Vec<Range<usize>> {
    if rows.len() <= rows_max {
        return vec![0..rows.len(), rows.len()..rows.len()];
    }
    let ends = |spare: usize| {
        let kept = rows_max.saturating_sub(spare);
        (kept.div_ceil(2), rows.len() - kept / 2)
    };
    // Two notes and two rows between the ends.
    let (head, tail) = ends(4);
    let place = focused(rows, head..tail, focus).filter(|_| rows_max > 5);
    let Some(place) = place else {
        let (head, tail) = ends(1);
        return vec![0..head, tail..rows.len()];
    };
    let start = place.clamp(head, tail.saturating_sub(2).max(head));
    vec![0..head, start..(start + 2).min(tail), tail..rows.len()]
}

/// The rows of `kept`, and between them how many are hidden.
pub(super) fn folded(rows: &[String], kept: &[Range<usize>]) -> Vec<String> {
    let mut shown = Vec::new();
    let mut next = 0;
    for range in kept {
        if range.start > next {
            shown.push(format!("   … {} rows hidden, ? shows them", range.start - next));
        }
        shown.extend_from_slice(rows.get(range.clone()).unwrap_or_default());
        next = range.end;
    }
    shown
}

/// The row of `among` that has, with the next, the most words of `focus`; the first of equals.
fn focused(rows: &[String], among: Range<usize>, focus: &[String]) -> Option<usize> {
    let words = || focus.iter().filter(|word| word.len() > 1);
    let count = |row: usize| {
        let two = format!("{}{}", rows[row], rows.get(row + 1).map_or("", String::as_str));
        words().filter(|word| two.contains(word.as_str())).count()
    };
    let best = among.rev().max_by_key(|row| count(*row))?;
    (count(best) > 0).then_some(best)
}
