//! What keys there are, and what the status line tells.

use kode_base::Colour;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::{App, COMMANDS, Focus, Main, Mode};
use crate::shown::{cells, one_line, wrapped};
use crate::theme::Theme;

const REVIEW: [(&str, &str); 16] = [
    ("↑ ↓ j k", "another file; in the diff: scroll"),
    ("Tab Enter", "from the list to the diff and back"),
    ("] [", "next and previous hunk"),
    ("x", "reject the file: the agent's changes go, yours stay; x on ⧗ cancels"),
    ("X", "reject the chosen hunk"),
    ("t ↑ ↓ t", "reject all of one turn: the last that changed the file, or another"),
    ("R R", "reject every file of the session"),
    ("u", "bring back all that the newest reject of this file took"),
    ("a", "mark as reviewed, until it changes again"),
    ("e", "open the file in $EDITOR"),
    ("z", "show or fold unchanged lines"),
    ("← →", "scroll sideways"),
    ("PgUp PgDn", "scroll by pages"),
    ("r", "look at the disk again"),
    ("mouse", "✕ of a file or hunk, then the same place again, rejects"),
    ("Shift+mouse", "select text, as everywhere in a terminal"),
];

const SIGNS: [(&str, &str); 4] = [
    ("A M D R", "new, changed, deleted, renamed"),
    ("P L", "permissions, symbolic link"),
    ("$", "changed while a command ran, by it or by anyone"),
    ("✓ ⊘ ⧗ ↻ !2", "reviewed, rejected, waiting, rejected and made again, findings"),
];

const PROMPT: [(&str, &str); 11] = [
    ("Enter", "send; while the agent works it hears it after its step"),
    ("Alt-Enter Ctrl-J", "a new line"),
    ("@", "hand a project file over; Tab takes a proposal"),
    ("/", "commands; Tab takes a proposal"),
    ("↑ ↓", "earlier messages"),
    ("Ctrl-R", "look through earlier messages for what you type"),
    ("Esc", "interrupt the step; twice ends the run"),
    ("Ctrl-O", "unfold all calls; a click unfolds one"),
    ("PgUp PgDn", "scroll, as does the wheel"),
    ("Tab", "to the touched files"),
    ("Ctrl-C Ctrl-D", "clear the prompt; twice in an empty one, or Ctrl-D: leave"),
];

const KEY_CELLS: usize = 18;

/// The help, from its first visible row; `top` is held within it.
pub(super) fn lines(app: &mut App, width: usize, height: usize) -> Vec<Line<'static>> {
    let mut all = Vec::new();
    if app.mode == Mode::Session {
        section(&mut all, "Typing", &PROMPT, app.theme, width);
        section(&mut all, "Commands", &COMMANDS, app.theme, width);
    }
    section(&mut all, "Reviewing", &REVIEW, app.theme, width);
    section(&mut all, "Signs", &SIGNS, app.theme, width);
    let room = height.saturating_sub(1);
    app.help_top = app.help_top.min(all.len().saturating_sub(room));
    let more = all.len() > app.help_top + room;
    let mut shown: Vec<Line<'static>> = all.into_iter().skip(app.help_top).take(room).collect();
    let text = if more || app.help_top > 0 {
        "↓ ↑ scroll · any other key goes back"
    } else {
        "any key goes back"
    };
    shown.push(Line::styled(text, app.theme.dim()));
    shown
}

fn section(
    lines: &mut Vec<Line<'static>>,
    name: &str,
    rows: &[(&str, &str)],
    theme: Theme,
    width: usize,
) {
    lines.push(Line::styled(name.to_owned(), theme.strong()));
    for (key, what) in rows {
        let gap = " ".repeat(KEY_CELLS.saturating_sub(cells(key)));
        let parts = [(format!("  {key}{gap}"), theme.accent()), ((*what).to_owned(), Style::new())];
        lines.extend(wrapped(&parts, theme, width, &" ".repeat(KEY_CELLS + 2)));
    }
    lines.push(Line::default());
}

pub(super) fn welcome(theme: Theme, width: usize) -> Vec<Line<'static>> {
    let paragraphs = [
        ("kode", theme.strong()),
        (
            "Say what you want done. Every command is judged and sandboxed, every change is shown and can be rejected.",
            Style::new(),
        ),
        ("? shows all keys · @ hands a file over · / shows commands · Ctrl-D leaves", theme.dim()),
    ];
    let rows =
        paragraphs.map(|(text, style)| wrapped(&[(text.to_owned(), style)], theme, width, ""));
    rows.into_iter().flat_map(|rows| rows.into_iter().chain([Line::default()])).collect()
}

/// The bottom row: keys where there is a choice, the state elsewhere.
pub(super) fn status(app: &App, width: usize) -> Line<'static> {
    let parts = match (app.mode, app.main) {
        (_, Main::Help) => vec![("keys and commands".to_owned(), app.theme.dim())],
        (Mode::Review, _) => review_parts(app),
        (Mode::Session, Main::Diff) if app.focus != Focus::Prompt => {
            let mut parts = review_parts(app);
            parts.push(("q back".to_owned(), app.theme.dim()));
            parts
        }
        (Mode::Session, _) => session_parts(app),
    };
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut used = 0;
    for (text, style) in parts {
        let separator = if spans.is_empty() { "" } else { " · " };
        let needed = cells(separator) + cells(&text);
        // What does not fit whole says nothing.
        if used + needed > width && !spans.is_empty() {
            continue;
        }
        spans.push(Span::styled(separator, app.theme.dim()));
        spans.extend(one_line(&text, style, app.theme, width));
        used += needed;
    }
    Line::from(spans)
}

fn review_parts(app: &App) -> Vec<(String, Style)> {
    let theme = app.theme;
    let (files, ..) = app.files.totals();
    let mut parts = Vec::new();
    if files > 0 {
        parts.push((format!("{}/{files} reviewed", app.files.reviewed()), theme.strong()));
    }
    let keys =
        ["? keys", "x file", "X hunk", "u undo", "a reviewed", "] [ hunks", "e edit", "t turn"];
    parts.extend(keys.map(|key| (key.to_owned(), theme.dim())));
    parts
}

/// State, gate, model, tokens, sandbox, session: what matters first.
fn session_parts(app: &App) -> Vec<(String, Style)> {
    let (theme, status) = (app.theme, &app.status);
    let mut parts = Vec::new();
    if app.is_working() {
        let turn = if status.turn > 0 { format!(", turn {}", status.turn) } else { String::new() };
        parts.push((format!("● working{turn}"), theme.accent()));
        parts.push(("Esc interrupts".to_owned(), theme.dim()));
    } else {
        parts.push(("ready".to_owned(), theme.strong()));
    }
    if app.transcript.rows_below() > 0 {
        parts.push((format!("↓ {} rows", app.transcript.rows_below()), theme.warning()));
    }
    match status.gate {
        Some(Colour::Green) => parts.push(("gate green".to_owned(), theme.added())),
        Some(Colour::Red) => parts.push(("gate RED".to_owned(), theme.alarm())),
        None => {}
    }
    if !status.model.is_empty() {
        parts.push((status.model.clone(), theme.dim()));
    }
    match status.sandbox.as_str() {
        "" => {}
        "none" => parts.push(("NO SANDBOX".to_owned(), theme.alarm())),
        name => parts.push((format!("sandbox {name}"), theme.dim())),
    }
    if let Some((input, output)) = status.tokens {
        parts.push((format!("{} in {} out", short(input.0), short(output.0)), theme.dim()));
    }
    if !status.session.is_empty() {
        parts.push((status.session.chars().take(8).collect(), theme.dim()));
    }
    parts.push(("? keys".to_owned(), theme.dim()));
    parts
}

/// `950`, `4.5k`, `1.2M`.
fn short(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        1000..1_000_000 => format!("{:.1}k", number as f64 / 1000.0),
        _ => format!("{:.1}M", number as f64 / 1_000_000.0),
    }
}
