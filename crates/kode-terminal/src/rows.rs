//! Breaks text into rows that fit the terminal, each behind a mark of our own.
//! A terminal that wraps by itself would let padded text put words of its
//! choice at the beginning of a row.

use std::ops::Range;

use unicode_width::UnicodeWidthChar as _;

/// One row of the terminal, mark included.
pub(crate) type Row = String;

/// Lays `text` out in rows of at most `columns`. The first row begins with
/// `label`; a row after a line end begins with `   | `, a row that was too
/// long goes on after `   > `. `text` is escaped already but for line ends.
pub(crate) fn lay_out(label: &str, text: &str, columns: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for (number, line) in text.split('\n').enumerate() {
        let mut row = if number == 0 { label.to_owned() } else { "   | ".to_owned() };
        let mut used = width(&row);
        for character in line.chars() {
            let wide = cells(character);
            if used + wide > columns {
                rows.push(std::mem::replace(&mut row, "   > ".to_owned()));
                used = 5;
            }
            row.push(character);
            used += wide;
        }
        rows.push(row);
    }
    rows
}

/// The first row of `text`, cut to `columns` with `…`.
pub(crate) fn one_row(label: &str, text: &str, columns: usize) -> Row {
    let mut row = label.to_owned();
    let mut used = width(label);
    for character in text.chars() {
        let wide = cells(character);
        // One cell stays free for the mark.
        if used + wide + 1 > columns {
            row.push('…');
            break;
        }
        row.push(character);
        used += wide;
    }
    row
}

/// Keeps the beginning and the end of `rows` when there are more than
/// `rows_max`; what a command does last is often what matters most. Of the
/// middle it keeps where most of `focus` stands: padding can push the part that
/// matters out of both ends.
pub(crate) fn fold(
    rows: Vec<Row>,
    rows_max: usize,
    focus: &[String],
    note: impl Fn(usize) -> Row,
) -> Vec<Row> {
    if rows.len() <= rows_max {
        return rows;
    }
    let ends = |middle: usize| {
        let kept = rows_max.saturating_sub(1 + middle + usize::from(middle > 0));
        (kept / 2, rows.len() - (kept - kept / 2))
    };
    let (head, tail) = ends(rows_max / 3);
    // What stands at an end is shown anyhow.
    let place = focused(&rows, head..tail, focus);
    let middle = if place.is_some() { rows_max / 3 } else { 0 };
    let (head, tail) = ends(middle);
    let start = place.unwrap_or(head).saturating_sub(middle / 2).clamp(head, tail - middle);
    let mut folded: Vec<Row> = rows[..head].to_vec();
    for (from, to) in [(head, start), (start + middle, tail)] {
        if from < to {
            folded.push(note(to - from));
        }
        if from == head && middle > 0 {
            folded.extend_from_slice(&rows[start..start + middle]);
        }
    }
    folded.extend_from_slice(&rows[tail..]);
    folded
}

/// The row of `among` where most words of `focus` stand, it and the next together; the
/// first of equals.
fn focused(rows: &[Row], among: Range<usize>, focus: &[String]) -> Option<usize> {
    let words: Vec<&str> = focus.iter().map(String::as_str).filter(|word| word.len() > 1).collect();
    let count = |row: usize| {
        let two = format!("{}{}", rows[row], rows.get(row + 1).map_or("", String::as_str));
        words.iter().filter(|word| two.contains(**word)).count()
    };
    let best = among.rev().max_by_key(|row| count(*row))?;
    (count(best) > 0).then_some(best)
}

/// Cells a character may take, never fewer than a terminal gives it: the
/// ambiguous count as wide, those without a width of their own as one.
fn cells(character: char) -> usize {
    character.width_cjk().unwrap_or(1).max(1)
}

fn width(text: &str) -> usize {
    text.chars().map(cells).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn padding_can_not_put_words_at_the_beginning_of_a_row() {
        let text = format!("ls{}Why: it is harmless", " ".repeat(73));
        let rows = lay_out("Run: ", &text, 80);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[1], "   > Why: it is harmless");
    }

    #[test]
    fn line_ends_are_kept_behind_a_mark() {
        assert_eq!(lay_out("Run: ", "a\nWhy: b\n", 80), ["Run: a", "   | Why: b", "   | "]);
    }

    #[test]
    fn folding_keeps_where_the_gravest_words_stand() {
        let mut rows: Vec<Row> = (0..100).map(|number| number.to_string()).collect();
        rows[50] = "curl https://x.example".to_owned();
        let focus = ["curl".to_owned(), "https://x.example".to_owned()];
        let folded = fold(rows.clone(), 9, &focus, |hidden| format!("{hidden} hidden"));
        assert!(folded.contains(&rows[50]), "{folded:?}");
        assert_eq!((folded[0].as_str(), folded.last().unwrap().as_str()), ("0", "99"));
        assert!(folded.len() <= 9, "{folded:?}");
        for at in 0..100 {
            let mut rows: Vec<Row> = (0..100).map(|number| number.to_string()).collect();
            rows[at] = "curl https://x.example".to_owned();
            let folded = fold(rows.clone(), 13, &focus, |hidden| format!("{hidden} hidden"));
            assert!(folded.contains(&rows[at]) && folded.len() <= 13, "{at}: {folded:?}");
        }
    }

    #[test]
    fn a_second_place_of_the_same_words_shows_where_the_first_is_at_an_end() {
        let mut rows: Vec<Row> = (0..500).map(|row| format!("row {row}")).collect();
        (rows[0], rows[250]) = ("perl -e a".to_owned(), "perl -e EVIL".to_owned());
        let folded = fold(rows.clone(), 13, &["perl".to_owned()], |hidden| hidden.to_string());
        assert!(folded.contains(&rows[250]), "{folded:?}");
    }

    #[test]
    fn folding_keeps_both_ends() {
        let rows: Vec<Row> = (0..100).map(|number| number.to_string()).collect();
        let folded = fold(rows, 7, &[], |hidden| format!("{hidden} hidden"));
        assert_eq!(folded, ["0", "1", "2", "94 hidden", "97", "98", "99"]);
    }

    #[test]
    fn one_row_is_cut_to_the_terminal() {
        assert_eq!(one_row("Why: ", "abcdefgh", 10), "Why: abcd…");
        assert_eq!(one_row("Why: ", "日本語", 10), "Why: 日本…");
    }

    proptest! {
        #[test]
        fn no_row_is_wider_than_the_terminal_and_no_text_is_lost(
            text in "[a-z \n日\u{301}é]{0,300}", columns in 20..120_usize,
        ) {
            let rows = lay_out("Run: ", &text, columns);
            let mut back = String::new();
            for (number, row) in rows.iter().enumerate() {
                prop_assert!(width(row) <= columns);
                if row.starts_with("   | ") {
                    back.push('\n');
                }
                prop_assert!(number > 0 || row.starts_with("Run: "));
                back.push_str(&row[5..]);
            }
            prop_assert_eq!(back, text);
        }
    }
}
