//! Breaks text into rows that fit the terminal, each behind a mark of our own.
//! A terminal that wraps by itself would let padded text put words of its
//! choice at the beginning of a row.

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
/// `rows_max`; what a command does last is often what matters most.
pub(crate) fn fold(rows: Vec<Row>, rows_max: usize, note: impl Fn(usize) -> Row) -> Vec<Row> {
    if rows.len() <= rows_max {
        return rows;
    }
    let kept = rows_max.saturating_sub(1);
    let (head, tail) = (kept / 2, kept - kept / 2);
    let hidden = rows.len() - kept;
    let mut folded: Vec<Row> = rows[..head].to_vec();
    folded.push(note(hidden));
    folded.extend_from_slice(&rows[rows.len() - tail..]);
    folded
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
    fn folding_keeps_both_ends() {
        let rows: Vec<Row> = (0..100).map(|number| number.to_string()).collect();
        let folded = fold(rows, 7, |hidden| format!("{hidden} hidden"));
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
