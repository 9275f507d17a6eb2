//! Lays the interface out on a screen of any size.

mod help;
mod list;
mod prompt;
mod turns;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Clear, Paragraph};

use crate::app::{App, Areas, Focus, Main, Mode, Refused, Shown};
use crate::approval::Dialog;
use crate::diff;
use crate::shown::{cells, counted, one_line, wrapped};
use crate::theme::Theme;

pub(crate) use list::CROSS_CELLS;

/// Smaller screens get a message instead.
const COLUMNS_MIN: u16 = 40;
const ROWS_MIN: u16 = 10;

/// Draws everything.
pub(crate) fn draw(app: &mut App, frame: &mut Frame<'_>) {
    let screen = frame.area();
    app.is_too_small = screen.width < COLUMNS_MIN || screen.height < ROWS_MIN;
    if app.is_too_small {
        // A question that is not on the screen is not answered.
        app.dialog.iter_mut().for_each(Dialog::hidden);
        return too_small(app, frame, screen);
    }
    let prompt_rows = match app.mode {
        Mode::Session => prompt::rows(app, screen.width).min(screen.height / 3),
        Mode::Review => 0,
    };
    let above_rows = match app.mode {
        Mode::Session => prompt::rows_above(app).min(screen.height / 2),
        Mode::Review => 0,
    };
    let constraints = [
        Constraint::Min(1),
        Constraint::Length(above_rows),
        Constraint::Length(prompt_rows),
        Constraint::Length(1),
    ];
    let [middle, above_area, prompt_area, status_area] =
        Layout::vertical(constraints).areas(screen);
    let (list_area, main_area) = split(app, middle);
    app.areas = Areas { list: Rect::ZERO, main: main_area, prompt: prompt_area };
    if let Some(area) = list_area {
        list::draw(app, frame, area);
    }
    draw_main(app, frame, main_area);
    prompt::draw_above(app, frame, above_area);
    if prompt_rows > 0 {
        prompt::draw(app, frame, prompt_area);
    }
    frame.render_widget(bottom_line(app, usize::from(status_area.width)), status_area);
    draw_overlays(app, frame, screen);
}

fn too_small(app: &App, frame: &mut Frame<'_>, screen: Rect) {
    let leave = match app.mode {
        Mode::Review => "q leaves",
        Mode::Session => "Ctrl-C twice leaves",
    };
    let text = format!(
        "kode needs a terminal of {COLUMNS_MIN}×{ROWS_MIN}; this one is {}×{}. {leave}",
        screen.width, screen.height
    );
    let rows = wrapped(&[(text, Style::new())], app.theme, usize::from(screen.width), "");
    frame.render_widget(Paragraph::new(rows), screen);
}

/// The sidebar, where there is something in it, and the rest.
fn split(app: &App, area: Rect) -> (Option<Rect>, Rect) {
    let is_empty = app.mode == Mode::Session && app.files.rows().is_empty();
    if is_empty || app.main == Main::Help {
        return (None, area);
    }
    if area.width < 64 {
        // One at a time.
        return match app.focus {
            Focus::Files => (Some(area), Rect { width: 0, ..area }),
            _ => (None, area),
        };
    }
    let sidebar = (area.width * 2 / 5).clamp(28, 56);
    let [list, main] =
        Layout::horizontal([Constraint::Length(sidebar), Constraint::Min(1)]).areas(area);
    (Some(list), main)
}

fn draw_main(app: &mut App, frame: &mut Frame<'_>, area: Rect) {
    if area.width == 0 {
        return;
    }
    let theme = app.theme;
    match app.main {
        Main::Help => {
            let (width, height) = (usize::from(area.width), usize::from(area.height));
            frame.render_widget(Paragraph::new(help::lines(app, width, height)), area);
        }
        Main::Transcript => {
            let (width, height) = (usize::from(area.width), usize::from(area.height));
            let lines = app.transcript.visible(theme, width.saturating_sub(1), height);
            if lines.is_empty() {
                frame.render_widget(Paragraph::new(help::welcome(theme, width)), area);
            } else {
                frame.render_widget(Paragraph::new(lines), area);
            }
        }
        Main::Diff => draw_diff(app, frame, area),
    }
}

fn draw_diff(app: &mut App, frame: &mut Frame<'_>, area: Rect) {
    let [title_area, body] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(1)]).areas(area);
    app.areas.main = body;
    let (theme, width, armed) = (app.theme, usize::from(area.width), app.armed_hunk);
    let layout = app.layout(area.width);
    let text = |text: &str| Paragraph::new(Line::from(one_line(text, theme.dim(), theme, width)));
    let title = match &mut app.shown {
        Shown::Nothing if !app.is_listed => {
            frame.render_widget(text("…"), body);
            String::new()
        }
        Shown::Nothing => {
            frame.render_widget(text("nothing was touched, or all of it is rejected; U brings back the newest reject"), body);
            String::new()
        }
        Shown::Loading(path) => {
            frame.render_widget(text("…"), body);
            path.to_string()
        }
        Shown::Failed { path, why } => {
            let rows = wrapped(&[(why.clone(), theme.warning())], theme, width, "");
            frame.render_widget(Paragraph::new(rows), body);
            path.to_string()
        }
        Shown::Diff(diff) => {
            diff.set_layout(layout);
            diff.scroll(0, usize::from(body.height));
            if diff.is_binary() {
                frame.render_widget(text("a binary file: there is no text to show"), body);
            } else if diff.rows().is_empty() {
                frame.render_widget(text("nothing of the agent's is left in this file"), body);
            } else {
                diff::draw(diff, armed, theme, body, frame.buffer_mut());
            }
            let note = diff.note.as_ref().map(|note| format!(" · {note}")).unwrap_or_default();
            let what = match diff.is_binary() {
                true => "binary".to_owned(),
                false => counted(diff.hunks(), "hunk"),
            };
            format!("{} · {what}{note}", diff.path)
        }
    };
    let style = if app.focus == Focus::Diff { theme.selected() } else { theme.strong() };
    let mut spans = one_line(&title, style, theme, width);
    let used: usize = spans.iter().map(|span| cells(&span.content)).sum();
    spans.push(Span::styled(" ".repeat(width.saturating_sub(used)), style));
    frame.render_widget(Line::from(spans), title_area);
}

/// The last row: what was just said, or the state.
fn bottom_line(app: &App, width: usize) -> Line<'static> {
    let theme = app.theme;
    if let Some(said) = &app.said {
        return Line::from(one_line(said, theme.warning(), theme, width));
    }
    help::status(app, width)
}

fn refused(refused: &Refused, theme: Theme, width: usize) -> Vec<Line<'static>> {
    let mut lines = wrapped(&[(refused.headline.clone(), theme.alarm())], theme, width, "");
    lines.extend(wrapped(&[(refused.why.clone(), Style::new())], theme, width, ""));
    lines.push(Line::styled("any key goes on", theme.dim()));
    lines
}

fn draw_overlays(app: &mut App, frame: &mut Frame<'_>, screen: Rect) {
    let theme = app.theme;
    let (inner_width, inner_height) =
        (usize::from(screen.width.saturating_sub(4)), usize::from(screen.height.saturating_sub(4)));
    let lines = if let Some(dialog) = &mut app.dialog {
        dialog.lines(theme, inner_width, inner_height)
    } else if let Some(why) = &app.refused {
        refused(why, theme, inner_width)
    } else if let Some(at) = app.turn_at() {
        turns::lines(&app.turns, at, theme, inner_width, inner_height)
    } else {
        return;
    };
    let height =
        u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2).min(screen.height);
    let y = screen.bottom().saturating_sub(height + 1).max(screen.y);
    let area = Rect { y, height, ..screen };
    frame.render_widget(Clear, area);
    let block = Block::new().borders(Borders::ALL).border_style(theme.alarm());
    let inner = block.inner(area);
    frame.render_widget(block, area);
    frame.render_widget(
        Paragraph::new(lines),
        Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner },
    );
}

#[cfg(test)]
mod tests;
