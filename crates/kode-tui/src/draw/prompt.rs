//! Draws the line a person types.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::{App, Focus};
use crate::prompt::Prompt;
use crate::shown::{cells, counted, one_line};

/// Queued messages shown.
const QUEUED_MAX: usize = 3;

/// Rows that the prompt wants: its lines, and a rule above.
pub(super) fn rows(app: &App, width: u16) -> u16 {
    let rows = folded(&app.prompt, usize::from(width.saturating_sub(2))).0.len();
    u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(1)
}

/// The text folded to `width` cells, and where the cursor stands in it.
fn folded(prompt: &Prompt, width: usize) -> (Vec<String>, (usize, usize)) {
    let width = width.max(2);
    let (mut rows, mut used) = (vec![String::new()], 0);
    let (mut line, mut column) = (0, 0);
    let wanted = prompt.cursor();
    let mut cursor = (0, 0);
    for character in prompt.text().chars() {
        let wide = if character == '\n' { 0 } else { cells(character.encode_utf8(&mut [0; 4])) };
        if used + wide > width {
            rows.push(String::new());
            used = 0;
        }
        if (line, column) == wanted {
            cursor = (rows.len() - 1, used);
        }
        if character == '\n' {
            rows.push(String::new());
            (line, column, used) = (line + 1, 0, 0);
            continue;
        }
        if let Some(row) = rows.last_mut() {
            row.push(character);
        }
        (column, used) = (column + 1, used + wide);
    }
    if (line, column) == wanted {
        if used >= width {
            rows.push(String::new());
            used = 0;
        }
        cursor = (rows.len() - 1, used);
    }
    (rows, cursor)
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
    frame.render_widget(rule(app, usize::from(area.width)), Rect { height: 1, ..area });
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let width = usize::from(body.width.saturating_sub(2));
    let height = usize::from(body.height);
    let (rows, (cursor_row, cursor_column)) = folded(&app.prompt, width);
    let top = (cursor_row + 1).saturating_sub(height.max(1));
    for (y, (number, row)) in (body.y..).zip(rows.iter().enumerate().skip(top).take(height)) {
        let lead = if number == 0 { "› " } else { "  " };
        let mut spans = vec![Span::styled(lead, theme.accent())];
        spans.extend(one_line(row, Style::new(), theme, width));
        frame.render_widget(Line::from(spans), Rect { y, height: 1, ..body });
    }
    if (app.focus, app.dialog.is_none()) == (Focus::Prompt, true) && height > 0 {
        let y = body.y + u16::try_from(cursor_row - top).unwrap_or(0);
        let x = body.x + 2 + u16::try_from(cursor_column).unwrap_or(0);
        frame.set_cursor_position(Position { x: x.min(body.right().saturating_sub(1)), y });
    }
}

/// The rule above the prompt; it names what earlier messages are searched for.
fn rule(app: &App, width: usize) -> Line<'static> {
    let theme = app.theme;
    let style = if app.focus == Focus::Prompt { theme.accent() } else { theme.dim() };
    let mut spans = match app.prompt.searched() {
        None => Vec::new(),
        Some((wanted, found)) => {
            let text = match found {
                true => format!("─ search: {wanted} · Ctrl-R older · Enter takes it · Esc back "),
                false => format!("─ search: {wanted} · no earlier message · Esc back "),
            };
            one_line(&text, style, theme, width)
        }
    };
    let used: usize = spans.iter().map(|span| cells(&span.content)).sum();
    spans.push(Span::styled("─".repeat(width.saturating_sub(used)), style));
    Line::from(spans)
}
