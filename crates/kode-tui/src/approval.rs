//! The approval dialog: the four lines and keys of `kode-terminal`'s prompt,
//! and its rules of what counts as a deliberate key. Nothing typed ahead,
//! pasted or sent by the terminal itself answers.

use std::time::{Duration, Instant};

use kode_base::{escape_command, escape_for_terminal};
use ratatui::text::Line;
use unicode_width::UnicodeWidthChar as _;

use crate::exchange::{Answer, Question};
use crate::theme::Theme;

/// Keys pressed sooner than this after the question appeared, or after
/// something that was no key, were meant for something else.
const GRACE: Duration = Duration::from_millis(200);
/// The word to type where one key is not enough.
const APPROVE_WORD: &str = "approve";
/// Rows of the request shown before it is folded.
const REQUEST_ROWS_MAX: usize = 13;
/// Rows shown on `?`.
const FULL_ROWS_MAX: usize = 1000;

/// A key as far as a question cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Letter(char),
    Enter,
    Erase,
    Escape,
    /// Ctrl-C, Ctrl-D.
    Away,
    Up,
    Down,
}

/// An open question.
#[derive(Debug)]
pub(crate) struct Dialog {
    pub(crate) question: Question,
    /// When it was first on the screen.
    shown: Option<Instant>,
    /// When something came in that was no deliberate key.
    noise: Option<Instant>,
    typed: String,
    full: bool,
    /// First row shown of the full view.
    top: usize,
}

impl Dialog {
    pub(crate) fn new(question: Question) -> Self {
        let (shown, noise, typed) = (None, None, String::new());
        Self { question, shown, noise, typed, full: false, top: 0 }
    }

    /// The frame with the question is on the screen.
    pub(crate) fn drawn(&mut self, now: Instant) {
        self.shown.get_or_insert(now);
    }

    /// The screen has no room for the question.
    pub(crate) fn hidden(&mut self) {
        self.shown = None;
    }

    /// Something came that is no key press: a paste, or keys faster than
    /// fingers.
    pub(crate) fn noise(&mut self, now: Instant) {
        self.noise = Some(now);
    }

    /// One key that came alone.
    pub(crate) fn key(&mut self, key: Key, now: Instant) -> Option<Answer> {
        let fresh =
            |since: Option<Instant>| since.is_some_and(|since| now.duration_since(since) < GRACE);
        if self.shown.is_none() || fresh(self.shown) || fresh(self.noise) {
            return None;
        }
        match key {
            // Out of the view that `?` opened, back to the question.
            Key::Escape if self.full => {
                (self.full, self.top) = (false, 0);
                self.shown = None;
            }
            Key::Escape | Key::Away => return Some(Answer::Deny),
            Key::Up => self.top = self.top.saturating_sub(1),
            Key::Down => self.top += 1,
            Key::Letter('?') => {
                (self.full, self.top) = (!self.full, 0);
                // Another page is another question: it must be seen first.
                self.shown = None;
            }
            _ if self.question.type_approve => return self.word(key),
            Key::Letter('a' | 'A') => return Some(Answer::Approve),
            Key::Letter('d' | 'D') => return Some(Answer::Deny),
            Key::Letter('t' | 'T') if self.question.trust.is_some() => {
                return Some(Answer::TrustSession);
            }
            _ => {}
        }
        None
    }

    /// Where approving takes a whole word, only the exact word counts.
    fn word(&mut self, key: Key) -> Option<Answer> {
        match key {
            Key::Enter if self.typed.eq_ignore_ascii_case(APPROVE_WORD) => {
                return Some(Answer::Approve);
            }
            Key::Enter | Key::Erase => self.typed.clear(),
            Key::Letter('d' | 'D') if self.typed.is_empty() => return Some(Answer::Deny),
            Key::Letter(letter)
                if letter.is_ascii_alphabetic() && self.typed.len() < APPROVE_WORD.len() =>
            {
                self.typed.push(letter);
            }
            _ => {}
        }
        None
    }

    /// The lines to show on a screen of this size.
    pub(crate) fn lines(&self, theme: Theme, columns: usize, height: usize) -> Vec<Line<'static>> {
        let mut lines =
            vec![Line::styled(format!("⚠️ Risk: {}", self.question.reason.class), theme.alarm())];
        let keys = Line::styled(self.keys(), theme.strong());
        if self.full {
            let rows = self.context_rows(columns);
            let room = height.saturating_sub(3).max(1);
            let top = self.top.min(rows.len().saturating_sub(room));
            lines.extend(rows.into_iter().skip(top).take(room).map(Line::from));
            lines.push(Line::styled("↑ ↓ scroll · ? or Esc back to the question", theme.dim()));
        } else {
            let room = REQUEST_ROWS_MAX.min(height.saturating_sub(3)).max(1);
            lines.extend(self.request_rows(columns, room).into_iter().map(Line::from));
            let why = self.question.why.as_ref().map_or_else(
                || "(not said)".to_owned(),
                |why| escape_for_terminal(why).replace('\n', "\\n").replace('\t', "\\t"),
            );
            let mut row = lay_out("Why: ", &why, columns.saturating_sub(1));
            let cut = row.len() > 1;
            row.truncate(1);
            lines.extend(row.into_iter().map(|row| Line::from(if cut { row + "…" } else { row })));
            lines.extend(self.opened_rows(columns).into_iter().map(Line::from));
            if let Some(lapsed) = &self.question.lapsed {
                let rows = lay_out("Note: ", lapsed, columns.saturating_sub(1));
                lines.extend(rows.into_iter().map(|row| Line::styled(row, theme.warning())));
            }
        }
        lines.push(keys);
        lines
    }

    /// The hosts that approving opens, where there are any.
    fn opened_rows(&self, columns: usize) -> Vec<String> {
        match self.question.opens.as_slice() {
            [] => Vec::new(),
            hosts => {
                let shown = escape_for_terminal(&hosts.join(", ").into()).replace('\n', "\\n");
                lay_out("Opens: ", &shown, columns.saturating_sub(1))
            }
        }
    }

    fn keys(&self) -> String {
        match (self.question.type_approve, &self.question.trust) {
            (true, _) => format!("Type approve and Enter, or [D]eny [?] Context: {}", self.typed),
            (false, Some(_)) => "[A]pprove [D]eny [?] Context [T]rust session:".to_owned(),
            (false, None) => "[A]pprove [D]eny [?] Context:".to_owned(),
        }
    }

    fn request_rows(&self, columns: usize, rows_max: usize) -> Vec<String> {
        let shown = escape_command(&self.question.subject).replace('\t', "\\t");
        fold(lay_out("Run: ", &shown, columns), rows_max, &self.question.focus)
    }

    fn context_rows(&self, columns: usize) -> Vec<String> {
        let question = &self.question;
        let mut rows = self.request_rows(columns, FULL_ROWS_MAX);
        let reason = &question.reason;
        let asked = format!("{} ({}, {})", reason.text, reason.rule, reason.layer);
        let asked = escape_for_terminal(&asked.into()).replace('\n', "\\n");
        rows.extend(lay_out("Asked because: ", &asked, columns));
        if !question.context.is_empty() {
            let context = escape_for_terminal(&question.context).replace('\t', "  ");
            rows.extend(fold(lay_out("   | ", &context, columns), FULL_ROWS_MAX, &[]));
        }
        if let Some(scope) = &question.trust {
            let scope = escape_for_terminal(scope).replace('\n', "\\n");
            rows.extend(lay_out("T would cover: ", &scope, columns));
        }
        rows
    }
}

/// Lays `text` out in rows of at most `columns` cells. A row after a line end
/// begins with `   | `, one that was too long goes on after `   > `: text can't
/// put words of its choice at the beginning of a row.
fn lay_out(label: &str, text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(12);
    let mut rows = Vec::new();
    for (number, line) in text.split('\n').enumerate() {
        let mut row = if number == 0 { label.to_owned() } else { "   | ".to_owned() };
        let mut used: usize = row.chars().map(wide).sum();
        for character in line.chars() {
            if used + wide(character) > columns {
                rows.push(std::mem::replace(&mut row, "   > ".to_owned()));
                used = 5;
            }
            row.push(character);
            used += wide(character);
        }
        rows.push(row);
    }
    rows
}

/// Never fewer cells than a terminal gives a character.
fn wide(character: char) -> usize {
    character.width_cjk().unwrap_or(1).max(1)
}

/// Keeps both ends of `rows`, and the two rows where most words of `focus` stand:
/// padding can push the part that matters out of both ends.
fn fold(rows: Vec<String>, rows_max: usize, focus: &[String]) -> Vec<String> {
    if rows.len() <= rows_max {
        return rows;
    }
    let note = |hidden: usize| format!("   … {hidden} rows hidden, ? shows them");
    let place = focused(&rows, focus).filter(|_| rows_max > 5);
    let kept = rows_max.saturating_sub(if place.is_some() { 4 } else { 1 });
    let (head, tail) = (kept.div_ceil(2), rows.len() - kept / 2);
    let start = place.map_or(head, |place| place.clamp(head, tail.saturating_sub(2).max(head)));
    let end = if place.is_some() { (start + 2).min(tail) } else { head };
    let mut folded: Vec<String> = rows[..head].to_vec();
    if start > head {
        folded.push(note(start - head));
    }
    folded.extend_from_slice(rows.get(start..end).unwrap_or_default());
    if end < tail {
        folded.push(note(tail - end));
    }
    folded.extend_from_slice(&rows[tail..]);
    folded
}

/// The row that has, with the next, the most words of `focus`; the first of equals.
fn focused(rows: &[String], focus: &[String]) -> Option<usize> {
    let words = || focus.iter().filter(|word| word.len() > 1);
    let count = |row: usize| {
        let two = format!("{}{}", rows[row], rows.get(row + 1).map_or("", String::as_str));
        words().filter(|word| two.contains(word.as_str())).count()
    };
    let best = (0..rows.len()).rev().max_by_key(|row| count(*row))?;
    (count(best) > 0).then_some(best)
}

#[cfg(test)]
mod tests;
