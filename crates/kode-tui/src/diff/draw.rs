//! Draws the rows of a diff that are on the screen.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::words::changed_words;
use super::{Diff, Row, Side};
use crate::lexer::{Token, has_hash_comments, tokens};
use crate::shown::{cells, one_line, window};
use crate::theme::Theme;

/// Fills `area`.
pub(crate) fn draw(diff: &Diff, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let picture = Picture { diff, theme, width: usize::from(area.width) };
    let visible = diff.rows.iter().skip(diff.top).take(usize::from(area.height));
    for (y, row) in (area.y..).zip(visible) {
        picture.row(*row).render(Rect { y, height: 1, ..area }, buffer);
    }
}

struct Picture<'a> {
    diff: &'a Diff,
    theme: Theme,
    width: usize,
}

impl Picture<'_> {
    fn row(&self, row: Row) -> Line<'static> {
        match row {
            Row::Header { hunk } => self.header(hunk),
            Row::Folded { lines } => {
                let text = format!("  ⋯ {lines} unchanged lines (z shows them)");
                Line::from(one_line(&text, self.theme.dim(), self.theme, self.width))
            }
            Row::Context { before, after } => self.context(before, after),
            Row::Changed { before, after, partner, .. } if self.diff.layout.side_by_side => {
                let _ = partner;
                self.pair(before, after)
            }
            Row::Changed { before: Some(line), partner, .. } => {
                let other = partner.map(|line| self.diff.after.line(line).0);
                self.changed(&self.diff.before, line, other, '-', self.width)
            }
            Row::Changed { after, partner, .. } => {
                let other = partner.map(|line| self.diff.before.line(line).0);
                self.changed(&self.diff.after, after.unwrap_or_default(), other, '+', self.width)
            }
        }
    }

    fn header(&self, hunk: usize) -> Line<'static> {
        let Some(place) = self.diff.hunks.get(hunk) else { return Line::default() };
        let chosen = hunk == self.diff.hunk;
        let text = format!(
            "{} hunk {} of {} · lines {} → {}{}",
            if chosen { "▶" } else { " " },
            hunk + 1,
            self.diff.hunks.len(),
            span(&place.before),
            span(&place.after),
            if chosen { " · X rejects it" } else { "" },
        );
        let style = if chosen {
            self.theme.accent().patch(self.theme.strong())
        } else {
            self.theme.accent()
        };
        Line::from(one_line(&text, style, self.theme, self.width))
    }

    fn context(&self, before: usize, after: usize) -> Line<'static> {
        if self.diff.layout.side_by_side {
            return self.pair(Some(before), Some(after));
        }
        self.line(&self.diff.after, after, ' ', &[], self.width)
    }

    /// Both sides in one row.
    fn pair(&self, before: Option<usize>, after: Option<usize>) -> Line<'static> {
        let half = self.width.saturating_sub(1) / 2;
        let (old, new) = (&self.diff.before, &self.diff.after);
        let text = |side: &Side, line: Option<usize>| line.map(|line| side.line(line).0);
        let (old_text, new_text) = (text(old, before), text(new, after));
        let same = old_text == new_text && before.is_some();
        let mut left = match before {
            Some(line) if same => self.line(old, line, ' ', &[], half),
            Some(line) => self.changed(old, line, new_text, '-', half),
            None => Line::default(),
        };
        let used = left.spans.iter().map(|span| cells(&span.content)).sum();
        left.spans.push(Span::raw(" ".repeat(half.saturating_sub(used))));
        left.spans.push(Span::styled("│", self.theme.dim()));
        let right = match after {
            Some(line) if same => self.line(new, line, ' ', &[], half),
            Some(line) => self.changed(new, line, old_text, '+', half),
            None => Line::default(),
        };
        left.spans.extend(right.spans);
        left
    }

    fn changed(
        &self,
        side: &Side,
        line: usize,
        other: Option<String>,
        sign: char,
        width: usize,
    ) -> Line<'static> {
        let words =
            other.map(|other| changed_words(&side.line(line).0, &other)).unwrap_or_default();
        self.line(side, line, sign, &words, width)
    }

    fn line(
        &self,
        side: &Side,
        number: usize,
        sign: char,
        words: &[Range<usize>],
        width: usize,
    ) -> Line<'static> {
        let (text, ended) = side.line(number);
        let theme = self.theme;
        let base = match sign {
            '+' => theme.added(),
            '-' => theme.removed(),
            _ => Style::new(),
        };
        let digits = self.digits();
        let gutter = format!("{:>digits$} ", number + 1);
        let mark = format!("{sign} ");
        let room = width.saturating_sub(digits + 3);
        let colours = tokens(&text, has_hash_comments(self.diff.path.as_str()));
        let style_at = |at: usize| {
            let token =
                colours.iter().find(|(range, _)| range.contains(&at)).map(|(_, token)| *token);
            let style = if sign == ' ' { self.token_style(token) } else { base };
            let is_changed = words.iter().any(|range| range.contains(&at));
            if is_changed { style.patch(theme.changed_word()) } else { style }
        };
        let mut spans = vec![Span::styled(gutter, theme.dim()), Span::styled(mark, base)];
        spans.extend(window(&text, style_at, theme, self.diff.skip, room));
        if !ended {
            spans.push(Span::styled(" (no line end)", theme.dim()));
        }
        Line::from(spans)
    }

    fn token_style(&self, token: Option<Token>) -> Style {
        match token {
            Some(Token::Keyword) => self.theme.keyword(),
            Some(Token::Literal) => self.theme.literal(),
            Some(Token::Comment) => self.theme.dim(),
            None => Style::new(),
        }
    }

    fn digits(&self) -> usize {
        let lines = self.diff.before.lines().max(self.diff.after.lines());
        lines.to_string().len().max(3)
    }
}

fn span(lines: &Range<usize>) -> String {
    match lines.len() {
        0 => "none".to_owned(),
        1 => format!("{}", lines.start + 1),
        _ => format!("{}–{}", lines.start + 1, lines.end),
    }
}
