//! What was said and done, as entries that unfold. Only rows on the screen
//! are drawn; an entry is laid out again only when it changed.

mod call;
mod markdown;

use std::collections::BTreeMap;

use kode_base::{
    Colour, Event, Finding, ProjectPath, Severity, UnreadCode, Untrusted, escape_for_terminal,
};
use ratatui::style::Style;
use ratatui::text::Line;

use crate::shown::{counted, wrapped};
use crate::theme::Theme;
use call::Call;

/// Entries kept; older ones are in the session's events.
const ENTRIES_MAX: usize = 4000;

/// One entry.
#[derive(Debug)]
enum Entry {
    User(String),
    Model(Untrusted<String>),
    Call(Box<Call>),
    /// A headline and its details; `alarm` for what went wrong.
    Note {
        text: String,
        kind: Kind,
    },
}

/// How a note looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    Good,
    Bad,
}

#[derive(Debug)]
struct Laid {
    entry: Entry,
    /// Rows, for this width; none when it must be laid out again.
    rows: Option<(usize, Vec<Line<'static>>)>,
}

/// The transcript.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    entries: Vec<Laid>,
    /// Calls that are not over, by identifier.
    open_calls: BTreeMap<String, usize>,
    /// Rows scrolled up from the end.
    scrolled: usize,
    /// Width and rows of all that was laid out last: what comes while someone
    /// reads further up must not move what they read.
    laid_out: (usize, usize),
    /// Which entry each row on the screen belongs to.
    on_screen: Vec<usize>,
    unfolded: bool,
    /// What holds the commands of this run.
    sandbox: String,
}

impl Transcript {
    pub(crate) fn user(&mut self, text: &str) {
        self.scrolled = 0;
        self.push(Entry::User(text.to_owned()));
    }

    pub(crate) fn note(&mut self, text: impl Into<String>, kind: Kind) {
        self.push(Entry::Note { text: text.into(), kind });
    }

    /// What holds the commands of the calls that follow.
    pub(crate) fn set_sandbox(&mut self, sandbox: &str) {
        sandbox.clone_into(&mut self.sandbox);
    }

    /// Rows below the screen.
    pub(crate) fn rows_below(&self) -> usize {
        self.scrolled
    }

    /// What a scan found.
    pub(crate) fn scanned(&mut self, findings: &[Finding], files: usize, unscanned: usize) {
        let mut lines = vec![format!(
            "● scan: {} in {}",
            counted(findings.len(), "new finding"),
            counted(files, "touched file")
        )];
        lines.extend(findings.iter().map(finding_text));
        if unscanned > 0 {
            lines.push(format!("no rules for {}", counted(unscanned, "file")));
        }
        let is_fatal = findings.iter().any(|finding| finding.severity == Severity::Fatal);
        self.note(lines.join("\n"), if is_fatal { Kind::Bad } else { Kind::Good });
    }

    /// Takes what happened.
    pub(crate) fn event(&mut self, event: &Event) {
        match event {
            Event::Text { text } => self.model_text(text),
            Event::ToolCall { call, tool, arguments } => {
                let entry =
                    Call::new(tool.clone(), arguments.clone(), &self.sandbox, self.unfolded);
                self.push(Entry::Call(Box::new(entry)));
                self.open_calls.insert(call.clone(), self.entries.len() - 1);
            }
            Event::Decision { call, .. } => self.change_call(call, |known| known.decided(event)),
            Event::ToolResult { call, .. } => {
                self.change_call(call, |known| known.ended(event));
                self.open_calls.remove(call);
            }
            Event::Gate {
                round,
                colour,
                findings,
                failed_checks,
                unscanned,
                unaccepted,
                accepted,
                ..
            } => {
                self.end_open_calls();
                let kind = if *colour == Colour::Green { Kind::Good } else { Kind::Bad };
                let mut lines = vec![gate_text(*round, *colour, findings, failed_checks)];
                lines.extend(unscanned_lines(unscanned, accepted, unaccepted));
                self.note(lines.join("\n"), kind);
            }
            Event::Notice { text } => self.note(text.clone(), Kind::Plain),
            Event::RunFinished { exit_code, turns, refusals, summary, .. } => {
                self.finished(*exit_code, *turns, *refusals, summary);
            }
            Event::RunStarted { .. }
            | Event::UserMessage { .. }
            | Event::TurnStarted { .. }
            | Event::Findings { .. }
            | Event::FileTouched { .. } => {}
        }
    }

    /// A call to finish has no result of its own; an interrupted one neither.
    fn end_open_calls(&mut self) {
        for at in std::mem::take(&mut self.open_calls).into_values() {
            if let Some(Laid { entry: Entry::Call(call), rows }) = self.entries.get_mut(at) {
                call.over = true;
                *rows = None;
            }
        }
    }

    fn finished(&mut self, exit: u8, turns: u32, refusals: u32, summary: &Untrusted<String>) {
        self.end_open_calls();
        let repeated = self.entries.iter().rev().any(|laid| match &laid.entry {
            Entry::Model(text) => text == summary,
            _ => false,
        });
        if !summary.is_empty() && !repeated {
            self.push(Entry::Model(summary.clone()));
        }
        let text = match exit {
            0 => format!(
                "● done · {} · {refusals} refused or denied",
                counted(turns as usize, "turn")
            ),
            3 => "● not done: the completion gate is red".to_owned(),
            4 => "● not done: something needed was denied".to_owned(),
            5 => "● not done: the limit of turns or budget was reached".to_owned(),
            6 => "● the model provider failed".to_owned(),
            130 => "● interrupted".to_owned(),
            code => format!("● ended with code {code}"),
        };
        self.note(text, if exit == 0 { Kind::Good } else { Kind::Bad });
    }

    fn model_text(&mut self, text: &Untrusted<String>) {
        if let Some(Laid { entry: Entry::Model(known), rows }) = self.entries.last_mut() {
            known.push(text);
            *rows = None;
        } else if !text.is_empty() {
            self.push(Entry::Model(text.clone()));
        }
    }

    fn push(&mut self, entry: Entry) {
        if self.entries.len() >= ENTRIES_MAX {
            let dropped = ENTRIES_MAX / 4;
            self.entries.drain(..dropped);
            self.open_calls.retain(|_, at| *at >= dropped);
            self.open_calls.values_mut().for_each(|at| *at -= dropped);
        }
        self.entries.push(Laid { entry, rows: None });
    }

    fn change_call(&mut self, call: &str, change: impl FnOnce(&mut Call)) {
        let at = self.open_calls.get(call).copied();
        if let Some(Laid { entry: Entry::Call(known), rows }) =
            at.and_then(|at| self.entries.get_mut(at))
        {
            change(known);
            *rows = None;
        }
    }

    pub(crate) fn scroll(&mut self, rows: isize) {
        self.scrolled = self.scrolled.saturating_add_signed(rows.saturating_neg());
    }

    /// Folds or unfolds every call.
    pub(crate) fn toggle_all(&mut self) {
        self.unfolded = !self.unfolded;
        for laid in &mut self.entries {
            if let Entry::Call(call) = &mut laid.entry {
                call.unfolded = self.unfolded;
                laid.rows = None;
            }
        }
    }

    /// Folds or unfolds what is on this row of the screen.
    pub(crate) fn click(&mut self, row: usize) {
        let at = self.on_screen.get(row).copied();
        if let Some(Laid { entry: Entry::Call(call), rows }) =
            at.and_then(|at| self.entries.get_mut(at))
        {
            call.unfolded = !call.unfolded;
            *rows = None;
        }
    }

    /// The rows for a screen of this size, from the end but for what is
    /// scrolled.
    pub(crate) fn visible(
        &mut self,
        theme: Theme,
        width: usize,
        height: usize,
    ) -> Vec<Line<'static>> {
        let mut heights = 0;
        for laid in &mut self.entries {
            if laid.rows.as_ref().is_none_or(|(known, _)| *known != width) {
                laid.rows = Some((width, rows(&laid.entry, theme, width)));
            }
            heights += laid.rows.as_ref().map_or(0, |(_, rows)| rows.len());
        }
        if self.scrolled > 0 && self.laid_out.0 == width {
            self.scrolled += heights.saturating_sub(self.laid_out.1);
        }
        self.laid_out = (width, heights);
        self.scrolled = self.scrolled.min(heights.saturating_sub(height));
        let end = heights - self.scrolled;
        let mut skip = end.saturating_sub(height);
        let (mut visible, mut on_screen) = (Vec::new(), Vec::new());
        for (at, laid) in self.entries.iter().enumerate() {
            let Some((_, rows)) = &laid.rows else { continue };
            let taken = rows.iter().skip(skip).take(height - visible.len());
            let before = visible.len();
            visible.extend(taken.cloned());
            on_screen.extend(std::iter::repeat_n(at, visible.len() - before));
            skip = skip.saturating_sub(rows.len());
            if visible.len() == height {
                break;
            }
        }
        self.on_screen = on_screen;
        visible
    }
}

fn rows(entry: &Entry, theme: Theme, width: usize) -> Vec<Line<'static>> {
    let mut rows = match entry {
        Entry::User(text) => {
            let parts = [("› ".to_owned(), theme.accent()), (text.clone(), theme.strong())];
            wrapped(&parts, theme, width, "  ")
        }
        Entry::Model(text) => markdown::rows(&escape_for_terminal(text), theme, width),
        Entry::Call(call) => return call.rows(theme, width),
        Entry::Note { text, kind } => {
            let style = match kind {
                Kind::Plain => theme.dim(),
                Kind::Good => theme.added(),
                Kind::Bad => theme.alarm(),
            };
            // Only the headline has the colour: long red texts are hard to read.
            let (head, rest) = text.split_once('\n').unwrap_or((text, ""));
            let mut rows = wrapped(&[(head.to_owned(), style)], theme, width, "  ");
            if !rest.is_empty() {
                let parts = [("  ".to_owned(), Style::new()), (rest.to_owned(), Style::new())];
                rows.extend(wrapped(&parts, theme, width, "  "));
            }
            rows
        }
    };
    rows.push(Line::styled("", Style::new()));
    rows
}

fn gate_text(round: u32, colour: Colour, findings: &[Finding], failed_checks: &[String]) -> String {
    let shown = if colour == Colour::Green { "green" } else { "red" };
    let mut lines = vec![format!("● completion gate, round {round}: {shown}")];
    lines.extend(findings.iter().map(finding_text));
    lines.extend(failed_checks.iter().map(|check| format!("check failed: {check}")));
    lines.join("\n")
}

/// What was not scanned: with who accepted it, or that nobody did.
fn unscanned_lines(
    unscanned: &[ProjectPath],
    accepted: &[UnreadCode],
    unaccepted: &[UnreadCode],
) -> Vec<String> {
    let named = |path: &ProjectPath| accepted.iter().chain(unaccepted).any(|it| it.path == *path);
    let unnamed = unscanned.iter().filter(|path| !named(path));
    let mut lines: Vec<String> = unnamed.map(|path| format!("no rules for {path}")).collect();
    lines.extend(accepted.iter().chain(unaccepted).map(|code| {
        let by = match &code.accepted_by {
            Some(by) => format!("accepted ({by})"),
            None => "not accepted".to_owned(),
        };
        format!("unscanned, {by}: {}: {}", code.path, code.why)
    }));
    lines
}

fn finding_text(finding: &Finding) -> String {
    let severity = if finding.severity == Severity::Fatal { "fatal" } else { "warning" };
    let cwe = finding.cwe.map(|cwe| format!(" CWE-{cwe}")).unwrap_or_default();
    let place = format!("{}:{}", finding.path, finding.span.start_line);
    format!("{severity} {}{cwe} {place}: {}", finding.rule, finding.message)
}

#[cfg(test)]
mod tests;
