//! Draws the rows of a diff that are on the screen.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::words::changed_words;
use super::{Diff, MetLine, Row, Side};
use crate::exchange::Hunk;
use crate::shown::{cells, one_line, window};
use crate::theme::Theme;

/// Cells at the right end of a hunk's headline that reject it.
pub(crate) const CROSS_CELLS: u16 = 3;

/// Fills `area`; `armed` is the hunk whose ✕ was clicked once.
pub(crate) fn draw(
    diff: &mut Diff,
    armed: Option<usize>,
    theme: Theme,
    area: Rect,
    buffer: &mut Buffer,
) {
    diff.prepare(usize::from(area.height));
    let picture = Picture { diff, armed, theme, width: usize::from(area.width) };
    let visible = diff.rows.iter().skip(diff.top).take(usize::from(area.height));
    for (y, row) in (area.y..).zip(visible) {
        picture.row(*row).render(Rect { y, height: 1, ..area }, buffer);
    }
}

struct Picture<'a> {
    diff: &'a Diff,
    armed: Option<usize>,
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
            Row::Met { line } => self.met(line),
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

    fn met(&self, line: usize) -> Line<'static> {
        let Some((kind, text)) = self.diff.met.get(line) else { return Line::default() };
        let (indent, style) = match kind {
            MetLine::Title => ("‼ ", self.theme.warning()),
            MetLine::Label => ("  ", self.theme.dim()),
            MetLine::Text => ("    ", Style::new()),
        };
        let mut spans = vec![Span::styled(indent, style)];
        spans.extend(one_line(text, style, self.theme, self.width.saturating_sub(indent.len())));
        Line::from(spans)
    }

    fn header(&self, hunk: usize) -> Line<'static> {
        let Some(place) = self.diff.hunks.get(hunk) else { return Line::default() };
        let chosen = hunk == self.diff.hunk;
        let text = format!(
            "{} hunk {} of {} · {}{}",
            if chosen { "▶" } else { " " },
            hunk + 1,
            self.diff.hunks.len(),
            span(place),
            if chosen { " · X rejects it" } else { "" },
        );
        let style = if chosen {
            self.theme.accent().patch(self.theme.strong())
        } else {
            self.theme.accent()
        };
        let room = self.width.saturating_sub(usize::from(CROSS_CELLS));
        let mut spans = one_line(&text, style, self.theme, room);
        let used: usize = spans.iter().map(|span| cells(&span.content)).sum();
        spans.push(Span::raw(" ".repeat(room.saturating_sub(used))));
        let is_armed = self.armed == Some(hunk);
        let alarm = self.theme.alarm().patch(self.theme.selected());
        spans.push(if is_armed {
            Span::styled(" ✕?", alarm)
        } else {
            Span::styled(" ✕ ", self.theme.removed())
        });
        Line::from(spans)
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
        let (base, tint) = match sign {
            '+' => (theme.added(), theme.added_line()),
            '-' => (theme.removed(), theme.removed_line()),
            _ => (Style::new(), Style::new()),
        };
        let digits = self.digits();
        let gutter = format!("{:>digits$} ", number + 1);
        let room = width.saturating_sub(digits + 3);
        let (colours, _) = self.diff.lexer.line(&text, side.state(number));
        let style_at = |at: usize| {
            let token = colours.partition_point(|(range, _)| range.end <= at);
            let token = colours.get(token).filter(|(range, _)| range.start <= at);
            let style = tint.patch(token.map_or(Style::new(), |(_, token)| theme.token(*token)));
            let is_changed = words.iter().any(|range| range.contains(&at));
            if is_changed { style.patch(theme.changed_word()) } else { style }
        };
        let mark = if sign == ' ' { base } else { theme.sign(base) };
        let mut spans = vec![
            Span::styled(gutter, if sign == ' ' { theme.dim() } else { base }),
            Span::styled(sign.to_string(), mark),
            Span::styled(" ", tint),
        ];
        spans.extend(window(&text, style_at, theme, self.diff.skip, room));
        if !ended {
            spans.push(Span::styled(" (no line end)", theme.dim()));
        }
        if tint != Style::new() {
            let used: usize = spans.iter().map(|span| cells(&span.content)).sum();
            spans.push(Span::styled(" ".repeat(width.saturating_sub(used)), tint));
        }
        Line::from(spans)
    }

    fn digits(&self) -> usize {
        let lines = self.diff.before.lines().max(self.diff.after.lines());
        lines.to_string().len().max(3)
    }
}

/// What a hunk does, and where.
fn span(hunk: &Hunk) -> String {
    let lines = |range: &Range<usize>| match range.len() {
        1 => format!("line {}", range.start + 1),
        _ => format!("lines {}–{}", range.start + 1, range.end),
    };
    match (hunk.before.is_empty(), hunk.after.is_empty()) {
        (true, _) => format!("{} added", lines(&hunk.after)),
        (_, true) => format!("{} removed", lines(&hunk.before)),
        _ if hunk.before == hunk.after => lines(&hunk.after),
        _ => format!("{} → {}", lines(&hunk.before), lines(&hunk.after)),
    }
}
