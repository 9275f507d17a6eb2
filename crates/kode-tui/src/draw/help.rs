//! What kode says about itself: keys, commands, the status line.

use kode_base::Colour;
use ratatui::text::Line;

use crate::app::COMMANDS;
use crate::app::{App, Mode};
use crate::theme::Theme;

/// The bottom line of a review.
pub(super) const REVIEW_KEYS: &str = "↑↓ file · ] [ hunk · x reject file · X hunk · u undo · a reviewed · z unfold · ? help · q leave";

const KEYS: [(&str, &str); 11] = [
    ("↑ ↓ j k", "another file; in the diff: scroll"),
    ("Tab Enter", "from the list to the diff and back"),
    ("] [", "next and previous hunk"),
    ("x", "reject the file: the agent's changes are taken back, yours stay"),
    ("X", "reject the chosen hunk"),
    ("R R", "reject every file of the session"),
    ("u", "undo the newest reject of this file"),
    ("a", "mark as reviewed, until it changes again"),
    ("z", "show or fold unchanged lines"),
    ("← → PgUp PgDn", "scroll"),
    ("mouse", "✕, then the same place again, rejects the file"),
];

const PROMPT_KEYS: [(&str, &str); 6] = [
    ("Enter", "send; while the agent works: queue"),
    ("Alt-Enter Ctrl-J", "a new line"),
    ("↑ ↓", "earlier messages"),
    ("Esc", "interrupt the step; twice ends the run"),
    ("Ctrl-O", "unfold the calls; a click unfolds one"),
    ("Tab", "to the touched files"),
];

pub(super) fn lines(app: &App) -> Vec<Line<'static>> {
    let theme = app.theme;
    let mut lines = vec![Line::styled("Reviewing", theme.strong())];
    let row = |(key, what): &(&str, &str)| Line::from(format!("  {key:<17} {what}"));
    lines.extend(KEYS.iter().map(row));
    if app.mode == Mode::Session {
        lines.push(Line::styled("Typing", theme.strong()));
        lines.extend(PROMPT_KEYS.iter().map(row));
        lines.push(Line::styled("Commands", theme.strong()));
        lines.extend(COMMANDS.iter().map(row));
    }
    lines.push(Line::styled("any key goes back", theme.dim()));
    lines
}

pub(super) fn welcome(theme: Theme) -> Vec<Line<'static>> {
    vec![
        Line::styled("kode", theme.strong()),
        Line::from(
            "Say what you want done. Every command is judged and sandboxed, every change shown.",
        ),
        Line::styled("/help shows keys and commands, /quit leaves", theme.dim()),
    ]
}

/// Model, tokens, sandbox, gate, session.
pub(super) fn status(app: &App) -> String {
    let status = &app.status;
    let mut parts = Vec::new();
    match (app.open_messages, status.turn) {
        (0, _) => parts.push("ready".to_owned()),
        (open, turn) => {
            let queued = if open > 1 { format!(", {} queued", open - 1) } else { String::new() };
            parts.push(format!("● working, turn {turn}{queued} · Esc interrupts"));
        }
    }
    if !status.model.is_empty() {
        parts.push(status.model.clone());
    }
    if let Some((input, output)) = status.tokens {
        parts.push(format!("{} in, {} out", input.0, output.0));
    }
    if !status.sandbox.is_empty() {
        parts.push(format!("sandbox {}", status.sandbox));
    }
    match status.gate {
        Some(Colour::Green) => parts.push("gate green".to_owned()),
        Some(Colour::Red) => parts.push("gate RED".to_owned()),
        None => {}
    }
    if !status.session.is_empty() {
        parts.push(status.session.chars().take(8).collect());
    }
    parts.join(" · ")
}
