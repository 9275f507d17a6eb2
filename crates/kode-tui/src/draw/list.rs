//! Draws the sidebar.

use kode_base::escape::name_pieces;
use kode_base::{ChangeKind, Colour};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::app::{App, Focus};
use crate::exchange::FileEntry;
use crate::files::{FileRow, letter};
use crate::shown::{cells, counted, one_line};
use crate::theme::Theme;

/// Cells at the right end of a row that reject it.
pub(crate) const CROSS_CELLS: u16 = 3;

/// Draws the rows that fit, the chosen one among them.
pub(super) fn draw(app: &mut App, frame: &mut Frame<'_>, area: Rect) {
    let title_area = Rect { height: 1, ..area };
    let list = Rect {
        y: area.y + 1,
        height: area.height.saturating_sub(1),
        width: area.width.saturating_sub(1),
        ..area
    };
    app.areas.list = list;
    frame.render_widget(title(app, usize::from(list.width)), title_area);
    let (height, focused) = (usize::from(list.height), app.focus != Focus::Prompt);
    app.files.keep_in_sight(height);
    let rows = app.files.rows().iter().enumerate().skip(app.files.top).take(height);
    for (y, (at, row)) in (list.y..).zip(rows) {
        let chosen = at == app.files.chosen;
        let armed = app.files.armed.as_ref() == Some(&row.entry.file.path);
        let line = file(row, (chosen, focused), armed, app.theme, usize::from(list.width));
        frame.render_widget(line, Rect { y, height: 1, ..list });
    }
    for y in area.y..area.bottom() {
        let x = area.right().saturating_sub(1);
        frame.render_widget(Span::styled("│", app.theme.dim()), Rect { x, y, width: 1, height: 1 });
    }
}

fn title(app: &App, width: usize) -> Line<'static> {
    let theme = app.theme;
    let (files, added, removed) = app.files.totals();
    let style = if app.focus == Focus::Files { theme.selected() } else { theme.strong() };
    let (gate, gate_style) = match app.status.gate {
        Some(Colour::Green) => ("● green ", theme.added()),
        Some(Colour::Red) => ("● red ", theme.alarm()),
        None => ("", Style::new()),
    };
    let text = match app.is_listed || files > 0 {
        true => format!("{} +{added} −{removed}", counted(files, "file")),
        false => "…".to_owned(),
    };
    let mut spans = vec![Span::styled(gate, gate_style)];
    spans.extend(one_line(&text, style, theme, width.saturating_sub(cells(gate))));
    let used: usize = spans.iter().map(|span| cells(&span.content)).sum();
    spans.push(Span::styled(" ".repeat(width.saturating_sub(used)), style));
    Line::from(spans)
}

fn file(
    row: &FileRow,
    (chosen, focused): (bool, bool),
    armed: bool,
    theme: Theme,
    width: usize,
) -> Line<'static> {
    let file = &row.entry.file;
    let sign_style = match file.change {
        _ if row.rejected => theme.dim(),
        ChangeKind::New if row.entry.renamed.is_none() => theme.added(),
        ChangeKind::Deleted => theme.removed(),
        _ => theme.warning(),
    };
    let mark = match () {
        () if row.queued => "⧗",
        () if row.rejected => "⊘",
        () if row.entry.again.is_some() => "↻",
        () if row.entry.reviewed => "✓",
        () => " ",
    };
    let mark_style = if mark == "↻" { theme.alarm() } else { theme.strong() };
    let badge = match row.findings {
        0 => String::new(),
        findings => format!(" !{findings}"),
    };
    let counts = match () {
        () if row.rejected => " rejected".to_owned(),
        () if row.newer => " edited since".to_owned(),
        () if row.entry.renamed.is_some() && file.added + file.removed == 0 => {
            " renamed".to_owned()
        }
        () if file.change == ChangeKind::Mode => " mode".to_owned(),
        () if file.change == ChangeKind::Symlink => " link".to_owned(),
        () if file.binary => " binary".to_owned(),
        () => format!(" +{} −{}", file.added, file.removed),
    };
    let cross = match () {
        () if row.rejected => " ↶ ",
        () if armed => " ✕?",
        () => " ✕ ",
    };
    let tail = cells(&badge) + cells(&counts) + usize::from(CROSS_CELLS);
    let room = width.saturating_sub(4 + tail);
    let style = match chosen {
        true if focused => theme.selected(),
        true => theme.strong().add_modifier(Modifier::UNDERLINED),
        false => Style::new(),
    };
    let mut spans = vec![
        Span::styled(mark, mark_style),
        Span::styled(letter(&row.entry).to_string(), sign_style.patch(style)),
        Span::styled(if row.entry.by_command { "$ " } else { "  " }, theme.dim().patch(style)),
    ];
    let name_style = if row.rejected { theme.dim().patch(style) } else { style };
    spans.extend(name(&label(&row.entry), name_style, theme, room));
    let used: usize = spans.iter().map(|span| cells(&span.content)).sum();
    spans.push(Span::styled(" ".repeat(width.saturating_sub(used + tail)), style));
    spans.push(Span::styled(badge, theme.alarm().patch(style)));
    spans.push(Span::styled(counts, theme.dim().patch(style)));
    let cross_style = if armed { theme.alarm().patch(theme.selected()) } else { theme.removed() };
    spans.push(Span::styled(cross, cross_style));
    Line::from(spans)
}

/// The path, after the old one of a renamed file, in pieces; `true` are escapes.
fn label(entry: &FileEntry) -> Vec<(String, bool)> {
    let mut pieces = Vec::new();
    if let Some(old) = &entry.renamed {
        pieces.extend(name_pieces(old.as_str()));
        pieces.push((" → ".to_owned(), false));
    }
    pieces.extend(name_pieces(entry.file.path.as_str()));
    pieces
}

/// A name, its end rather than its beginning where it is too long.
fn name(pieces: &[(String, bool)], style: Style, theme: Theme, room: usize) -> Vec<Span<'static>> {
    let all: usize = pieces.iter().map(|(text, _)| cells(text)).sum();
    let (mut left, mut spans) = (all, Vec::new());
    let is_cut = all > room;
    if is_cut {
        spans.push(Span::styled("…", style));
    }
    for (text, is_escape) in pieces {
        let style = if *is_escape { style.patch(theme.escaped()) } else { style };
        let mut shown = String::new();
        for character in text.chars() {
            if left < room || !is_cut {
                shown.push(character);
            }
            left -= cells(character.encode_utf8(&mut [0; 4]));
        }
        spans.extend(one_line(&shown, style, theme, room));
    }
    spans
}
