//! Which words of a changed line changed. Pure, and bounded: very long lines
//! are left alone.

use std::ops::Range;

use kode_diff::{Difference, differences};

/// Longer lines get no word marks.
const BYTES_MAX: usize = 2000;

/// The byte ranges of `line` that `other` does not have. Empty when next to
/// nothing is common: then everything changed, and marks would say nothing.
pub(super) fn changed_words(line: &str, other: &str) -> Vec<Range<usize>> {
    if line.len() > BYTES_MAX || other.len() > BYTES_MAX {
        return Vec::new();
    }
    let (mine, theirs) = (words(line), words(other));
    let (texts, other_texts): (Vec<&str>, Vec<&str>) = (
        mine.iter().map(|r| &line[r.clone()]).collect(),
        theirs.iter().map(|r| &other[r.clone()]).collect(),
    );
    let mut changed: Vec<Range<usize>> = Vec::new();
    let (mut common, mut at) = (0, 0);
    let mut in_common = |from: usize, to: usize| {
        if let (Some(first), Some(last)) = (mine.get(from), mine[from..to].last()) {
            common += line[first.start..last.end].trim().len();
        }
    };
    for Difference { old, .. } in differences(&texts, &other_texts, None) {
        in_common(at, old.start);
        at = old.end;
        if let (Some(first), Some(last)) = (mine.get(old.start), mine[old].last()) {
            changed.push(first.start..last.end);
        }
    }
    in_common(at, mine.len());
    if common * 4 < line.trim().len() { Vec::new() } else { changed }
}

/// Words, single other characters, and runs of spaces.
fn words(line: &str) -> Vec<Range<usize>> {
    let kind = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' => 0,
        c if c.is_whitespace() => 1,
        _ => 2,
    };
    let mut found: Vec<(u8, Range<usize>)> = Vec::new();
    for (at, character) in line.char_indices() {
        let (this, end) = (kind(character), at + character.len_utf8());
        match found.last_mut() {
            Some((last, range)) if *last == this && this != 2 => range.end = end,
            _ => found.push((this, at..end)),
        }
    }
    found.into_iter().map(|(_, range)| range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_changed_word_is_marked() {
        let line = "let total = price * 2;";
        let changed = changed_words(line, "let total = cost * 2;");
        let words: Vec<&str> = changed.into_iter().map(|range| &line[range]).collect();
        assert_eq!(words, ["price"]);
    }

    #[test]
    fn lines_with_nothing_in_common_get_no_marks() {
        assert!(changed_words("one two three", "4 5 6").is_empty());
    }
}
