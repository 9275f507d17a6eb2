//! Draws the line a person types.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::{App, Focus};
use crate::shown::{cells, counted, one_line, window};

/// Queued messages shown.
const QUEUED_MAX: usize = 3;

/// Rows that the prompt wants: its lines, and a rule above.
pub(super) fn rows(app: &App) -> u16 {
    let lines = app.prompt.text().split('\n').count();
    u16::try_from(lines).unwrap_or(u16::MAX).saturating_add(1)
}

/// Rows above the prompt: what is queued, and proposals.
pub(super) fn rows_above(app: &App) -> u16 {
    let queued = app.pending.len().min(QUEUED_MAX);
    u16::try_from(queued + app.completion.proposals().len()).unwrap_or(u16::MAX)
}

/// Draws what is queued and what is proposed.
pub(super) fn draw_above(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let (theme, width) = (app.theme, usize::from(area.width));
    let hidden = app.pending.len().saturating_sub(QUEUED_MAX);
    let mut lines: Vec<Line<'_>> = Vec::new();
    for text in app.pending.iter().skip(hidden) {
        let text = format!("⧗ {}", text.replace('\n', " "));
        lines.push(Line::from(one_line(&text, theme.dim(), theme, width)));
    }
    if hidden > 0 {
        lines[0] =
            Line::styled(format!("⧗ and {} before", counted(hidden + 1, "message")), theme.dim());
    }
    for (at, proposal) in app.completion.proposals().iter().enumerate() {
        let style = if at == app.completion.chosen { theme.selected() } else { Style::new() };
        let mut spans = one_line(&format!("  {} ", proposal.shown), style, theme, width);
        let used: usize = spans.iter().map(|span| cells(&span.content)).sum();
        let about = format!("{}{}", " ".repeat(20_usize.saturating_sub(used)), proposal.about);
        spans.extend(one_line(&about, theme.dim(), theme, width.saturating_sub(used)));
        lines.push(Line::from(spans));
    }
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        frame.render_widget(line, Rect { y, height: 1, ..area });
    }
}

/// Draws it, with the cursor where it is.
pub(super) fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let theme = app.theme;
    let rule = "─".repeat(usize::from(area.width));
    let rule_style = if app.focus == Focus::Prompt { theme.accent() } else { theme.dim() };
    frame.render_widget(Span::styled(rule, rule_style), Rect { height: 1, ..area });
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let (cursor_line, cursor_column) = app.prompt.cursor();
    let height = usize::from(body.height);
    let top = (cursor_line + 1).saturating_sub(height.max(1));
    let width = usize::from(body.width.saturating_sub(2));
    let text = app.prompt.text();
    let mut cursor = None;
    for (y, (number, line)) in (body.y..).zip(text.split('\n').enumerate().skip(top).take(height)) {
        let mut skip = 0;
        if number == cursor_line {
            let before: String = line.chars().take(cursor_column).collect();
            let column = cells(&before);
            skip = (column + 1).saturating_sub(width);
            cursor = Some(Position { x: body.x + 2 + (column - skip) as u16, y });
        }
        let lead = if number == 0 { "› " } else { "  " };
        let mut spans = vec![Span::styled(lead, theme.accent())];
        spans.extend(window(line, |_| Style::new(), theme, skip, width));
        frame.render_widget(Line::from(spans), Rect { y, height: 1, ..body });
    }
    if let (Focus::Prompt, None, Some(cursor)) = (app.focus, &app.dialog, cursor) {
        frame.set_cursor_position(cursor);
    }
}
