//! The diff of one file: its rows as numbers into both sides, so that a diff of
//! hundreds of thousands of lines costs what is on the screen.

mod draw;
mod words;

use std::ops::Range;

use kode_base::{ProjectPath, Untrusted};

use crate::exchange::{FileContents, Hunk};

pub(crate) use draw::draw;

/// Unchanged lines shown around a change.
const CONTEXT_LINES: usize = 3;
/// Bytes of a line that are looked at; no terminal shows more.
const LINE_BYTES_MAX: usize = 16 * 1024;
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
}

/// One side's text.
#[derive(Debug)]
struct Side {
    bytes: Vec<u8>,
    /// Where each line begins, and the end.
    starts: Vec<usize>,
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
        Self { bytes, starts }
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
    before: Side,
    after: Side,
    hunks: Vec<Hunk>,
    layout: Layout,
    rows: Vec<Row>,
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
        let (rows, top, skip, hunk) = (Vec::new(), 0, 0, 0);
        let (version, hunks) = (contents.version, contents.hunks);
        let mut diff = Self { path, version, before, after, hunks, layout, rows, top, skip, hunk };
        diff.lay_out();
        diff
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
    }

    fn show_hunk(&mut self) {
        let wanted = self.hunk;
        let place = self.rows.iter().position(|row| *row == Row::Header { hunk: wanted });
        self.top = place.unwrap_or(0);
    }

    fn lay_out(&mut self) {
        self.rows = Vec::new();
        if self.is_binary() {
            return;
        }
        let (mut before, mut after) = (0, 0);
        for hunk in 0..self.hunks.len() {
            let Hunk { before: old, after: new } = self.hunks[hunk].clone();
            self.context(before..old.start, after, before > 0 || after > 0, true);
            self.rows.push(Row::Header { hunk });
            self.changed(hunk, old.clone(), new.clone());
            (before, after) = (old.end, new.end);
        }
        let lines = self.before.lines();
        self.context(before..lines.max(before), after, !self.hunks.is_empty(), false);
    }

    /// Unchanged lines between two changes.
    fn context(&mut self, before: Range<usize>, after: usize, above: bool, below: bool) {
        let lines = before.len();
        let head = if above { CONTEXT_LINES } else { 0 };
        let tail = if below { CONTEXT_LINES } else { 0 };
        let fold = !self.layout.unfolded && lines > head + tail + 1;
        for offset in 0..lines {
            if fold && offset >= head && offset < lines - tail {
                if offset == head {
                    self.rows.push(Row::Folded { lines: lines - head - tail });
                }
                continue;
            }
            self.rows.push(Row::Context { before: before.start + offset, after: after + offset });
        }
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

#[cfg(test)]
mod tests;
