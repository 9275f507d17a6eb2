//! The diff of one file: its rows as numbers into both sides, so that a diff of
//! hundreds of thousands of lines costs what is on the screen.

mod draw;
mod words;

use std::ops::Range;

use kode_base::{ProjectPath, Untrusted};

use crate::exchange::{FileContents, Hunk, Met};
use crate::lexer::{Lexer, State};

pub(crate) use draw::{CROSS_CELLS, draw};

/// Unchanged lines shown around a change.
const CONTEXT_LINES: usize = 3;
/// Bytes of a line that are looked at; no terminal shows more.
const LINE_BYTES_MAX: usize = 16 * 1024;
/// Lines looked at before the ones on the screen, for comments and strings that
/// go on over lines. Further back they are forgotten, so that a jump costs no
/// more than a step.
const LOOK_BACK_LINES: usize = 2000;
/// A NUL byte this far into a file marks it as binary, as git has it.
const BINARY_PROBE_BYTES: usize = 8000;

/// One row of a diff; line numbers count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Row {
    /// Begins a hunk.
    Header { hunk: usize },
    /// On both sides.
    Context { before: usize, after: usize },
    /// Changed lines; side by side both are there, else one.
    Changed { hunk: usize, before: Option<usize>, after: Option<usize>, partner: Option<usize> },
    /// Unchanged lines that are not shown.
    Folded { lines: usize },
    /// A line of what a person made of the agent's lines.
    Met { line: usize },
}

/// What a line about a meeting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetLine {
    Title,
    Label,
    Text,
}

/// Lines shown of each side of a meeting.
const MET_LINES_MAX: usize = 6;

/// One side's text.
#[derive(Debug)]
struct Side {
    bytes: Vec<u8>,
    /// Where each line begins, and the end.
    starts: Vec<usize>,
    /// What goes on at the begin of each line from this one on.
    states: (usize, Vec<State>),
}

impl Side {
    #[expect(clippy::disallowed_methods, reason = "split into lines; each is escaped when shown")]
    fn new(bytes: Option<Untrusted<Vec<u8>>>) -> Self {
        let bytes = bytes.map(|bytes| bytes.expose().clone()).unwrap_or_default();
        let ends =
            bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        let mut starts: Vec<usize> = std::iter::once(0).chain(ends).collect();
        if starts.last() != Some(&bytes.len()) {
            starts.push(bytes.len());
        }
        Self { bytes, starts, states: (0, vec![State::Code]) }
    }

    /// Learns what goes on at the begin of the lines before `end`.
    fn follow(&mut self, first: usize, end: usize, lexer: Lexer) {
        let (from, known) = (self.states.0, self.states.1.len());
        if !lexer.is_stateful() || (first >= from && end <= from + known) {
            return;
        }
        if first < from || first > from + known + LOOK_BACK_LINES {
            self.states = (first.saturating_sub(LOOK_BACK_LINES), vec![State::Code]);
        }
        while self.states.0 + self.states.1.len() < end.min(self.lines()) {
            let line = self.states.0 + self.states.1.len() - 1;
            let state = self.state(line);
            let next = lexer.line(&self.line(line).0, state).1;
            self.states.1.push(next);
        }
    }

    /// What goes on at the begin of a line.
    fn state(&self, line: usize) -> State {
        let at = line.checked_sub(self.states.0);
        at.and_then(|at| self.states.1.get(at)).copied().unwrap_or_default()
    }

    fn lines(&self) -> usize {
        self.starts.len() - 1
    }

    /// A line without its end, and whether it had one.
    fn line(&self, number: usize) -> (String, bool) {
        let range = self.starts.get(number).copied().unwrap_or(self.bytes.len())
            ..self.starts.get(number + 1).copied().unwrap_or(self.bytes.len());
        let bytes = &self.bytes[range];
        let (bytes, ended) = match bytes.strip_suffix(b"\n") {
            Some(bytes) => (bytes, true),
            None => (bytes, false),
        };
        let bytes = &bytes[..bytes.len().min(LINE_BYTES_MAX)];
        (String::from_utf8_lossy(bytes).into_owned(), ended)
    }

    fn is_binary(&self) -> bool {
        self.bytes.iter().take(BINARY_PROBE_BYTES).any(|byte| *byte == 0)
    }
}

/// How a diff is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) side_by_side: bool,
    pub(crate) unfolded: bool,
}

/// A file's diff, ready to be scrolled.
#[derive(Debug)]
pub(crate) struct Diff {
    pub(crate) path: ProjectPath,
    pub(crate) version: String,
    /// A sentence about what is shown.
    pub(crate) note: Option<String>,
    lexer: Lexer,
    before: Side,
    after: Side,
    hunks: Vec<Hunk>,
    /// Where a person edited the agent's lines, which are in no hunk.
    met: Vec<(MetLine, String)>,
    layout: Layout,
    rows: Vec<Row>,
    /// The row that begins each hunk.
    headers: Vec<usize>,
    /// First row on the screen.
    pub(crate) top: usize,
    /// Cells scrolled to the right.
    pub(crate) skip: usize,
    /// The chosen hunk.
    pub(crate) hunk: usize,
}

impl Diff {
    pub(crate) fn new(path: ProjectPath, contents: FileContents) -> Self {
        let layout = Layout { side_by_side: false, unfolded: false };
        let (before, after) = (Side::new(contents.before), Side::new(contents.after));
        let lexer = Lexer::of(path.as_str());
        let (version, note, hunks) = (contents.version, contents.note, contents.hunks);
        let met = contents.met.map(|met| met_lines(&met)).unwrap_or_default();
        let mut diff = Self {
            path,
            version,
            note,
            lexer,
            before,
            after,
            hunks,
            met,
            layout,
            rows: Vec::new(),
            headers: Vec::new(),
            top: 0,
            skip: 0,
            hunk: 0,
        };
        diff.lay_out();
        diff
    }

    /// Makes ready for `height` rows to be drawn.
    pub(crate) fn prepare(&mut self, height: usize) {
        let (mut old, mut new) = (None::<Range<usize>>, None::<Range<usize>>);
        let widen = |range: &mut Option<Range<usize>>, line: Option<usize>| {
            if let Some(line) = line {
                let known = range.clone().unwrap_or(line..line);
                *range = Some(known.start.min(line)..known.end.max(line + 1));
            }
        };
        for row in self.rows.iter().skip(self.top).take(height) {
            let (before, after) = match *row {
                Row::Context { before, after } => (Some(before), Some(after)),
                Row::Changed { before, after, .. } => (before, after),
                Row::Header { .. } | Row::Folded { .. } | Row::Met { .. } => (None, None),
            };
            widen(&mut old, before);
            widen(&mut new, after);
        }
        for (side, range) in [(&mut self.before, old), (&mut self.after, new)] {
            if let Some(range) = range {
                side.follow(range.start, range.end, self.lexer);
            }
        }
    }

    /// The hunk whose headline is the row at `row` of the screen.
    pub(crate) fn header_at(&self, row: usize) -> Option<usize> {
        match self.rows.get(self.top + row) {
            Some(Row::Header { hunk }) => Some(*hunk),
            _ => None,
        }
    }

    /// Whether there is no text to show.
    pub(crate) fn is_binary(&self) -> bool {
        self.before.is_binary() || self.after.is_binary()
    }

    pub(crate) fn hunks(&self) -> usize {
        self.hunks.len()
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Changes the layout; the chosen hunk stays in sight.
    pub(crate) fn set_layout(&mut self, layout: Layout) {
        if layout != self.layout {
            self.layout = layout;
            self.lay_out();
            self.show_hunk();
        }
    }

    /// Chooses the next hunk, or the one before.
    pub(crate) fn step_hunk(&mut self, forward: bool) {
        let last = self.hunks.len().saturating_sub(1);
        self.hunk = if forward { (self.hunk + 1).min(last) } else { self.hunk.saturating_sub(1) };
        self.show_hunk();
    }

    /// Scrolls by rows, negative is up.
    pub(crate) fn scroll(&mut self, rows: isize, height: usize) {
        let last = self.rows.len().saturating_sub(height.max(1));
        self.top = self.top.saturating_add_signed(rows).min(last);
        if rows != 0 {
            self.choose_in_sight(height.max(1));
        }
    }

    /// What is chosen is on the screen: a key must not reject what nobody sees.
    fn choose_in_sight(&mut self, height: usize) {
        let end = self.headers.get(self.hunk + 1).copied().unwrap_or(self.rows.len());
        let start = self.headers.get(self.hunk).copied().unwrap_or(0);
        if start >= self.top + height || end <= self.top {
            let next = self.headers.partition_point(|header| *header < self.top);
            let is_in_sight = self.headers.get(next).is_some_and(|row| *row < self.top + height);
            self.hunk = if is_in_sight { next } else { next.saturating_sub(1) };
        }
    }

    fn show_hunk(&mut self) {
        self.top = self.headers.get(self.hunk).copied().unwrap_or(0);
    }

    fn lay_out(&mut self) {
        (self.rows, self.headers) = (Vec::new(), Vec::new());
        if self.is_binary() {
            return;
        }
        self.rows.extend((0..self.met.len()).map(|line| Row::Met { line }));
        let (mut before, mut after) = (0, 0);
        for hunk in 0..self.hunks.len() {
            let Hunk { before: old, after: new } = self.hunks[hunk].clone();
            let is_headed =
                self.context(before..old.start, after, before > 0 || after > 0, Some(hunk));
            if !is_headed {
                self.header(hunk);
            }
            self.changed(hunk, old.clone(), new.clone());
            (before, after) = (old.end, new.end);
        }
        let lines = self.before.lines();
        self.context(before..lines.max(before), after, !self.hunks.is_empty(), None);
    }

    fn header(&mut self, hunk: usize) {
        self.headers.push(self.rows.len());
        self.rows.push(Row::Header { hunk });
    }

    /// Unchanged lines between two changes. Where some are folded, the hunk below
    /// begins with its headline and then the lines above it; whether it did.
    fn context(
        &mut self,
        before: Range<usize>,
        after: usize,
        above: bool,
        below: Option<usize>,
    ) -> bool {
        let lines = before.len();
        let head = if above { CONTEXT_LINES } else { 0 };
        let tail = if below.is_some() { CONTEXT_LINES } else { 0 };
        let fold = !self.layout.unfolded && lines > head + tail + 1;
        for offset in 0..lines {
            if fold && offset >= head && offset < lines - tail {
                if offset == head {
                    self.rows.push(Row::Folded { lines: lines - head - tail });
                    below.into_iter().for_each(|hunk| self.header(hunk));
                }
                continue;
            }
            self.rows.push(Row::Context { before: before.start + offset, after: after + offset });
        }
        fold
    }

    fn changed(&mut self, hunk: usize, old: Range<usize>, new: Range<usize>) {
        let pairs = old.len().min(new.len());
        if self.layout.side_by_side {
            for offset in 0..old.len().max(new.len()) {
                let before = (offset < old.len()).then_some(old.start + offset);
                let after = (offset < new.len()).then_some(new.start + offset);
                self.rows.push(Row::Changed { hunk, before, after, partner: None });
            }
            return;
        }
        for (offset, line) in old.clone().enumerate() {
            let partner = (offset < pairs).then_some(new.start + offset);
            self.rows.push(Row::Changed { hunk, before: Some(line), after: None, partner });
        }
        for (offset, line) in new.clone().enumerate() {
            let partner = (offset < pairs).then_some(old.start + offset);
            self.rows.push(Row::Changed { hunk, before: None, after: Some(line), partner });
        }
    }
}

/// The meeting, for the top of the diff.
#[expect(clippy::disallowed_methods, reason = "split into lines; each is escaped when shown")]
fn met_lines(met: &Met) -> Vec<(MetLine, String)> {
    let title = format!("{}: you edited the agent's lines; they count as yours", met.place);
    let mut lines = vec![(MetLine::Title, title)];
    for (label, text) in Met::LABELS.iter().zip(&met.parts) {
        lines.push((MetLine::Label, (*label).to_owned()));
        let mut texts = text.expose().lines().map(str::to_owned);
        let shown = texts.by_ref().take(MET_LINES_MAX);
        lines.extend(shown.map(|line| (MetLine::Text, line)));
        match texts.count() {
            0 if text.expose().is_empty() => lines.push((MetLine::Label, "  (nothing)".to_owned())),
            0 => {}
            more => lines.push((MetLine::Label, format!("  … {more} more"))),
        }
    }
    lines.push((MetLine::Label, String::new()));
    lines
}

#[cfg(test)]
mod tests;
