//! Draws the turns to choose from.

use ratatui::text::Line;

use crate::exchange::TurnEntry;
use crate::shown::{counted, one_line};
use crate::theme::Theme;

/// Names shown of each turn.
const NAMES_MAX: usize = 4;
/// Rows around the turns: the headline and the keys.
const OTHER_ROWS: usize = 2;

/// As many turns as fit, the chosen one among them.
pub(super) fn lines(
    turns: &[TurnEntry],
    chosen: usize,
    theme: Theme,
    width: usize,
    height: usize,
) -> Vec<Line<'static>> {
    let room = height.saturating_sub(OTHER_ROWS).max(1);
    let first = (chosen + 1).saturating_sub(room).min(turns.len().saturating_sub(1));
    let headline = "Reject all that the agent did in one turn";
    let mut lines = vec![Line::from(one_line(headline, theme.alarm(), theme, width))];
    for (at, turn) in turns.iter().enumerate().skip(first).take(room) {
        let (mark, style) = match at == chosen {
            true => ("▸", theme.selected()),
            false => (" ", theme.dim()),
        };
        let names: Vec<String> =
            turn.paths.iter().take(NAMES_MAX).map(|path| path.to_string()).collect();
        let more = match turn.paths.len().saturating_sub(NAMES_MAX) {
            0 => String::new(),
            more => format!(" and {}", counted(more, "other")),
        };
        let text =
            format!("{mark} turn {} · {} · {}{more}", turn.number, turn.time, names.join(", "));
        lines.push(Line::from(one_line(&text, style, theme, width)));
    }
    let keys = "t or Enter rejects it · ↑ ↓ another turn · any other key goes back";
    lines.push(Line::from(one_line(keys, theme.dim(), theme, width)));
    lines
}
