//! Text from outside on its way to the screen: what could act or deceive is
//! shown as a visible escape, tabs become spaces, lines are cut or folded to
//! the cells there are. Nothing reaches a frame by another way.

use kode_base::escape::{escape_line, is_deceptive};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthChar as _;

use crate::theme::Theme;

/// Cells between tab stops.
const TAB_CELLS: usize = 4;

/// Collects pieces of one row.
struct Row {
    spans: Vec<Span<'static>>,
    text: String,
    style: Style,
}

impl Row {
    fn push(&mut self, piece: &str, style: Style) {
        if style != self.style && !self.text.is_empty() {
            let text = std::mem::take(&mut self.text);
            self.spans.push(Span::styled(text, self.style));
        }
        self.style = style;
        self.text.push_str(piece);
    }

    fn push_shown(&mut self, character: char, shown: &Shown, style: Style, theme: Theme) {
        match shown {
            Shown::Itself => self.push(character.encode_utf8(&mut [0; 4]), style),
            Shown::Spaces(cells) => self.push(&"    "[..*cells], style),
            Shown::Escape(text) => self.push(text, style.patch(theme.escaped())),
        }
    }

    fn pop(&mut self) -> Option<char> {
        while self.text.is_empty() {
            let span = self.spans.pop()?;
            (self.text, self.style) = (span.content.into_owned(), span.style);
        }
        self.text.pop()
    }

    fn end(mut self) -> Vec<Span<'static>> {
        if !self.text.is_empty() {
            self.spans.push(Span::styled(self.text, self.style));
        }
        self.spans
    }
}

/// The cells `skip..skip + width` of one line. `style_at` tells the style of the
/// character at a byte.
pub(crate) fn window(
    line: &str,
    style_at: impl Fn(usize) -> Style,
    theme: Theme,
    skip: usize,
    width: usize,
) -> Vec<Span<'static>> {
    let mut row = Row { spans: Vec::new(), text: String::new(), style: Style::new() };
    let mut column = 0;
    for (at, character) in line.char_indices() {
        let style = style_at(at);
        let (shown, cells) = piece(character, column);
        if column + cells > skip + width {
            cut(&mut row, column - skip.min(column), width, theme);
            break;
        }
        if column >= skip {
            row.push_shown(character, &shown, style, theme);
        } else if column + cells > skip {
            row.push(&" ".repeat(column + cells - skip), style);
        }
        column += cells;
    }
    row.end()
}

/// Marks that the line goes on.
fn cut(row: &mut Row, used: usize, width: usize, theme: Theme) {
    if used < width {
        row.push("…", theme.dim());
        return;
    }
    // A mark that sits on the last character goes with it.
    while let Some(last) = row.pop() {
        let cells = last.width().unwrap_or(0);
        if cells > 0 {
            row.push(&" ".repeat(cells - 1), row.style);
            break;
        }
    }
    row.push("…", theme.dim());
}

/// A character as it is shown.
enum Shown {
    Itself,
    Spaces(usize),
    Escape(String),
}

fn piece(character: char, column: usize) -> (Shown, usize) {
    match character {
        ' '..='~' => (Shown::Itself, 1),
        '\t' => {
            let cells = TAB_CELLS - column % TAB_CELLS;
            (Shown::Spaces(cells), cells)
        }
        c if is_deceptive(c) => {
            let text = escape_line(c.encode_utf8(&mut [0; 4]));
            let cells = text.len();
            (Shown::Escape(text), cells)
        }
        c => (Shown::Itself, c.width().unwrap_or(0)),
    }
}

/// `1 file`, `2 files`.
pub(crate) fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// One line of text in one style, cut to `width` cells.
pub(crate) fn one_line(text: &str, style: Style, theme: Theme, width: usize) -> Vec<Span<'static>> {
    window(text, |_| style, theme, 0, width)
}

/// Cells that `text` takes; escapes counted as shown.
pub(crate) fn cells(text: &str) -> usize {
    text.chars().map(|c| piece(c, 0).1).sum()
}

/// Breaks styled text into rows of at most `width` cells, at spaces where there
/// are any. Line ends in the text end a row. Later rows begin with `indent`.
pub(crate) fn wrapped(
    parts: &[(String, Style)],
    theme: Theme,
    width: usize,
    indent: &str,
) -> Vec<Line<'static>> {
    let width = width.max(8);
    let mut rows = Wrapping { rows: vec![Vec::new()], used: 0, width, indent: indent.to_owned() };
    for (text, style) in parts {
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                rows.next();
            }
            for word in line.split_inclusive(' ') {
                rows.word(word, *style, theme);
            }
        }
    }
    rows.rows.into_iter().map(Line::from).collect()
}

struct Wrapping {
    rows: Vec<Vec<Span<'static>>>,
    used: usize,
    width: usize,
    indent: String,
}

impl Wrapping {
    fn next(&mut self) {
        self.rows.push(Vec::new());
        self.used = 0;
        if !self.indent.is_empty() {
            let indent = self.indent.clone();
            self.push(indent, Style::new());
        }
    }

    fn push(&mut self, text: String, style: Style) {
        self.used += cells(&text);
        if let Some(row) = self.rows.last_mut() {
            row.push(Span::styled(text, style));
        }
    }

    fn word(&mut self, word: &str, style: Style, theme: Theme) {
        let needed = cells(word.trim_end());
        let fresh = cells(&self.indent);
        if self.used > fresh && self.used + needed > self.width {
            self.next();
        }
        let mut row = Row { spans: Vec::new(), text: String::new(), style };
        let mut pending = 0;
        for character in word.chars() {
            let (shown, wide) = piece(character, self.used + pending);
            if self.used + pending + wide > self.width {
                let full = Row { spans: Vec::new(), text: String::new(), style };
                self.take(std::mem::replace(&mut row, full), std::mem::take(&mut pending));
                self.next();
            }
            row.push_shown(character, &shown, style, theme);
            pending += wide;
        }
        self.take(row, pending);
    }

    fn take(&mut self, row: Row, cells: usize) {
        self.used += cells;
        if let Some(last) = self.rows.last_mut() {
            last.extend(row.end());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLAIN: Theme = Theme::PLAIN;

    fn text(spans: &[Span<'_>]) -> String {
        spans.iter().map(|span| span.content.as_ref()).collect()
    }

    #[test]
    fn escapes_and_bidi_controls_are_shown_not_run() {
        let shown = one_line("a\u{1b}[2J\u{202e}b", Style::new(), PLAIN, 80);
        assert_eq!(text(&shown), "a\\e[2J\\u{202e}b");
    }

    #[test]
    fn tabs_lead_to_the_next_stop() {
        assert_eq!(text(&one_line("a\tb\t|", Style::new(), PLAIN, 80)), "a   b   |");
    }

    #[test]
    fn a_long_line_ends_with_a_mark() {
        assert_eq!(text(&one_line("abcdefgh", Style::new(), PLAIN, 5)), "abcd…");
        assert_eq!(text(&one_line("日本語", Style::new(), PLAIN, 5)), "日本…");
        assert_eq!(text(&one_line("abcde", Style::new(), PLAIN, 5)), "abcde");
    }

    #[test]
    fn scrolling_sideways_shows_the_rest() {
        assert_eq!(text(&window("abcdefgh", |_| Style::new(), PLAIN, 4, 10)), "efgh");
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_it_may_be(
            line in "[a-c \t日é\u{301}\u{1b}\u{202e}]{0,60}", skip in 0..20_usize, width in 8..40_usize,
        ) {
            let shown = window(&line, |_| Style::new(), PLAIN, skip, width);
            prop_assert!(cells(&text(&shown)) <= width);
            prop_assert!(!text(&shown).chars().any(is_deceptive));
            let parts = [(line.replace('\t', " "), Style::new())];
            for row in wrapped(&parts, PLAIN, width.max(12), "  ") {
                prop_assert!(cells(&text(&row.spans)) <= width.max(12) + 1);
            }
        }
    }
}
