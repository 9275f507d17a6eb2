//! The approval dialog: the four lines and keys of `kode-terminal`'s prompt,
//! and its rules of what counts as a deliberate key. Nothing typed ahead,
//! pasted or sent by the terminal itself answers, and nothing is approved before
//! every row of it was on the screen.

mod rows;

use std::ops::Range;
use std::time::{Duration, Instant};

use kode_base::{escape_command, escape_for_terminal};
use ratatui::text::Line;

use crate::exchange::{Answer, Question};
use crate::theme::Theme;
use rows::{folded, kept, lay_out};

/// Keys pressed sooner than this after the question appeared, or after
/// something that was no key, were meant for something else.
const GRACE: Duration = Duration::from_millis(200);
/// The word to type where one key is not enough.
const APPROVE_WORD: &str = "approve";
/// Rows of the context shown on `?`; the request itself is shown whole.
const CONTEXT_ROWS_MAX: usize = 1000;
/// What stands where `[A]pprove` would while rows were never on the screen.
const UNSEEN: &str = "a approves once you have seen all: ↓";

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
    PageUp,
    PageDown,
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
    /// Rows that the full view had room for when it was drawn last.
    page: usize,
    seen: Seen,
}

/// Which rows of the exact request were on the screen.
#[derive(Debug, Default)]
struct Seen {
    /// How wide the rows were: others at another width.
    columns: usize,
    rows: Vec<bool>,
    /// All of them were, at one width.
    all: bool,
}

impl Seen {
    fn lay_out(&mut self, columns: usize, rows: usize) {
        if (self.columns, self.rows.len()) != (columns, rows) {
            (self.columns, self.rows) = (columns, vec![false; rows]);
        }
    }

    /// These rows are on the screen; tells whether none is missing any more.
    fn show(&mut self, shown: Range<usize>) -> bool {
        let shown = shown.start.min(self.rows.len())..shown.end.min(self.rows.len());
        self.rows[shown].fill(true);
        let complete = !self.all && self.rows.iter().all(|seen| *seen);
        self.all |= complete;
        complete
    }
}

impl Dialog {
    pub(crate) fn new(question: Question) -> Self {
        let (shown, noise, typed, seen) = (None, None, String::new(), Seen::default());
        Self { question, shown, noise, typed, full: false, top: 0, page: 1, seen }
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
            Key::Escape if self.full => self.turn(),
            Key::Escape | Key::Away => return Some(Answer::Deny),
            Key::Letter('?') => self.turn(),
            // What is hidden comes first, however the way on was meant.
            Key::Down | Key::PageDown | Key::Letter('a' | 'A') if !self.full && !self.seen.all => {
                self.turn();
            }
            Key::Up => self.top = self.top.saturating_sub(1),
            Key::Down => self.top += 1,
            Key::PageUp => self.top = self.top.saturating_sub(self.step()),
            Key::PageDown | Key::Letter(' ') => self.top += self.step(),
            Key::Letter('d' | 'D') if !self.seen.all => return Some(Answer::Deny),
            _ if !self.seen.all => {}
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

    /// Between the question and the full view. Another page is another question: it must
    /// be seen first.
    fn turn(&mut self) {
        (self.full, self.top) = (!self.full, 0);
        self.typed.clear();
        self.shown = None;
    }

    /// A page further, with one row of the page before.
    fn step(&self) -> usize {
        self.page.saturating_sub(1).max(1)
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

    /// The lines to show on a screen of this size. What they hold of the request counts as
    /// seen; with the last of it the time runs anew in which no key counts.
    pub(crate) fn lines(
        &mut self,
        theme: Theme,
        columns: usize,
        height: usize,
    ) -> Vec<Line<'static>> {
        let request = self.request_rows(columns);
        let opened = self.opened_rows(columns);
        self.seen.lay_out(columns, request.len() + opened.len());
        let mut lines =
            vec![Line::styled(format!("⚠️ Risk: {}", self.question.reason.class), theme.alarm())];
        if self.full {
            let rows = [request, opened, self.context_rows(columns)].concat();
            self.page = height.saturating_sub(3).max(1);
            self.top = self.top.min(rows.len().saturating_sub(self.page));
            let end = rows.len().min(self.top + self.page);
            self.show(self.top..end);
            lines.extend(rows[self.top..end].iter().cloned().map(Line::from));
            let hint = "↑ ↓ PageDown scroll · ? or Esc back to the question";
            lines.push(Line::styled(hint, theme.dim()));
        } else {
            lines.extend(self.question_lines(&request, &opened, theme, columns, height));
        }
        lines.push(Line::styled(self.keys(), theme.strong()));
        lines
    }

    /// What stands between the risk and the keys. The request has all the room that the
    /// rest leaves.
    fn question_lines(
        &mut self,
        request: &[String],
        opened: &[String],
        theme: Theme,
        columns: usize,
        height: usize,
    ) -> Vec<Line<'static>> {
        let hosts = kept(opened, (height / 3).max(1), &[]);
        let hosts_shown = folded(opened, &hosts);
        let note = self.note_rows(columns);
        let taken = 3 + hosts_shown.len() + note.len();
        let room = height.saturating_sub(taken).max(1);
        let ranges = kept(request, room, &self.question.focus);
        let mut lines: Vec<Line<'static>> =
            folded(request, &ranges).into_iter().map(Line::from).collect();
        lines.push(Line::from(self.why_row(columns)));
        lines.extend(hosts_shown.into_iter().map(Line::from));
        lines.extend(note.into_iter().map(|row| Line::styled(row, theme.warning())));
        // On a screen so low that the box is cut, nothing was seen.
        if lines.len() + 2 <= height {
            let hosts = hosts.iter().map(|at| at.start + request.len()..at.end + request.len());
            ranges.iter().cloned().chain(hosts).for_each(|range| self.show(range));
        }
        lines
    }

    fn show(&mut self, rows: Range<usize>) {
        if self.seen.show(rows) {
            self.shown = None;
        }
    }

    fn why_row(&self, columns: usize) -> String {
        let why = self.question.why.as_ref().map_or_else(
            || "(not said)".to_owned(),
            |why| escape_for_terminal(why).replace('\n', "\\n").replace('\t', "\\t"),
        );
        let mut rows = lay_out("Why: ", &why, columns.saturating_sub(1));
        let cut = if rows.len() > 1 { "…" } else { "" };
        rows.swap_remove(0) + cut
    }

    fn note_rows(&self, columns: usize) -> Vec<String> {
        let lapsed = self.question.lapsed.as_ref();
        lapsed.map_or_else(Vec::new, |why| lay_out("Note: ", why, columns.saturating_sub(1)))
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
            _ if !self.seen.all => format!("{UNSEEN} [D]eny [?] Context:"),
            (true, _) => format!("Type approve and Enter, or [D]eny [?] Context: {}", self.typed),
            (false, Some(_)) => "[A]pprove [D]eny [?] Context [T]rust session:".to_owned(),
            (false, None) => "[A]pprove [D]eny [?] Context:".to_owned(),
        }
    }

    /// The whole of the request.
    fn request_rows(&self, columns: usize) -> Vec<String> {
        let shown = escape_command(&self.question.subject).replace('\t', "\\t");
        lay_out(self.question.label, &shown, columns)
    }

    /// What else `?` shows.
    fn context_rows(&self, columns: usize) -> Vec<String> {
        let question = &self.question;
        let mut rows = Vec::new();
        let reason = &question.reason;
        let asked = format!("{} ({}, {})", reason.text, reason.rule, reason.layer);
        let asked = escape_for_terminal(&asked.into()).replace('\n', "\\n");
        rows.extend(lay_out("Asked because: ", &asked, columns));
        if !question.context.is_empty() {
            let context = escape_for_terminal(&question.context).replace('\t', "  ");
            let context = lay_out("   | ", &context, columns);
            rows.extend(folded(&context, &kept(&context, CONTEXT_ROWS_MAX, &[])));
        }
        if let Some(scope) = &question.trust {
            let scope = escape_for_terminal(scope).replace('\n', "\\n");
            rows.extend(lay_out("T would cover: ", &scope, columns));
        }
        rows
    }
}

#[cfg(test)]
mod tests;
