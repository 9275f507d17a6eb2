//! One hunk: the lines to find and what they become. A hunk that is not exactly
//! there, or is there in several places, is refused.

use kode_base::ProjectPath;

use super::place::{Places, number};
use crate::newline::{BOM, ending_at};
use crate::refusal::{EditRefusal, refuse};

/// What a line of a hunk does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    Keep,
    Remove,
    Add,
}

/// Lines to find and what they become.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Hunk {
    /// Lines to go below first, outermost first (`@@ class A`).
    pub(super) anchors: Vec<String>,
    /// The 1-based line the first old line is said to be on.
    pub(super) line: Option<usize>,
    pub(super) lines: Vec<(Tag, String)>,
    /// How many lines at the front and the back are empty without even the space
    /// of a context line: they may be layout of the patch.
    pub(super) bare: (usize, usize),
    /// How many context lines its `@@` line counts and the patch does not show:
    /// blank ones may have been trimmed off its end.
    pub(super) lost: usize,
    /// The old lines are the last of the file.
    pub(super) at_end: bool,
    /// What the patch says of the final newline afterwards.
    pub(super) final_newline: Option<bool>,
    /// Whether the patch says that the file ends here without a newline: before it is
    /// changed, and afterwards.
    pub(super) ends: (bool, bool),
    /// A line follows that it says is the last.
    pub(super) goes_on_behind_end: bool,
}

impl Hunk {
    pub(super) fn added_text(&self) -> String {
        self.text(&[Tag::Add])
    }

    pub(super) fn removed_text(&self) -> String {
        self.text(&[Tag::Remove])
    }

    pub(super) fn old_lines(&self) -> Vec<&str> {
        self.lines.iter().filter(|(tag, _)| *tag != Tag::Add).map(|(_, text)| &**text).collect()
    }

    /// Reads one line of a hunk's body; `None` when it is none.
    pub(super) fn push(&mut self, line: &str) -> Option<Tag> {
        let (tag, text) = match line.as_bytes().first() {
            None => (Tag::Keep, ""),
            Some(b' ') => (Tag::Keep, &line[1..]),
            Some(b'-') => (Tag::Remove, &line[1..]),
            Some(b'+') => (Tag::Add, &line[1..]),
            Some(_) => return None,
        };
        if !line.is_empty() {
            self.bare.1 = 0;
        } else {
            self.bare.1 += 1;
            if self.bare.0 == self.lines.len() {
                self.bare.0 += 1;
            }
        }
        self.goes_on_behind_end |=
            self.ends.0 && tag != Tag::Add || self.ends.1 && tag != Tag::Remove;
        self.lines.push((tag, text.to_owned()));
        Some(tag)
    }

    /// Notes `\ No newline at end of file` below the line read last. Below a
    /// context line it changes nothing.
    pub(super) fn note_no_newline(&mut self) {
        let Some((tag, _)) = self.lines.last() else { return };
        self.ends.0 |= *tag != Tag::Add;
        self.ends.1 |= *tag != Tag::Remove;
        match tag {
            Tag::Add => self.final_newline = Some(false),
            Tag::Remove => self.final_newline = Some(true),
            Tag::Keep => {}
        }
    }

    /// The hunk without the empty lines that may be layout; `None` when there are none.
    pub(super) fn without_bare_lines(&self) -> Option<Self> {
        let (front, back) = self.bare;
        if front + back == 0 || front + back > self.lines.len() {
            return None;
        }
        Some(Self {
            anchors: self.anchors.clone(),
            line: self.line,
            lines: self.lines[front..self.lines.len() - back].to_vec(),
            bare: (0, 0),
            lost: 0,
            at_end: self.at_end,
            final_newline: self.final_newline,
            ends: self.ends,
            goes_on_behind_end: self.goes_on_behind_end,
        })
    }

    fn text(&self, tags: &[Tag]) -> String {
        let mut text = String::new();
        for (_, line) in self.lines.iter().filter(|(tag, _)| tags.contains(tag)) {
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

/// A line without its ending, and the ending: empty only on the last line.
pub(super) struct Line<'a> {
    pub(super) content: &'a [u8],
    ending: &'a [u8],
    /// Where it begins, in bytes.
    start: usize,
}

fn split(bytes: &[u8]) -> Vec<Line<'_>> {
    let mut next = 0;
    bytes
        .split_inclusive(|&byte| byte == b'\n')
        .map(|line| {
            let start = next;
            next += line.len();
            let content = line.strip_suffix(b"\n").unwrap_or(line);
            let content = match content.strip_suffix(b"\r") {
                Some(shorter) if content.len() < line.len() => shorter,
                _ => content,
            };
            Line { content, ending: &line[content.len()..], start }
        })
        .collect()
}

/// Applies hunks in order, each after the one before.
pub(super) fn apply_all(
    path: &ProjectPath,
    before: &[u8],
    hunks: &[Hunk],
) -> Result<Vec<u8>, EditRefusal> {
    // The byte order mark belongs to the file, not to its first line.
    let text = before.strip_prefix(BOM).unwrap_or(before);
    let lines = split(text);
    let mut after = before[..before.len() - text.len()].to_vec();
    let bom_length = after.len();
    // How far the patch's line numbers are off so far.
    let (mut next, mut drift, mut final_newline) = (0, 0isize, None);
    let file = Places::new(path, text, &lines);
    let mut hunks = hunks.iter().peekable();
    while let Some(hunk) = hunks.next() {
        let (hunk, place) = file.find(hunk, next, drift)?;
        if let Some(line) = hunk.line {
            drift = place as isize - (number(line) - 1);
        }
        for line in &lines[next..place] {
            after.extend_from_slice(line.content);
            after.extend_from_slice(line.ending);
        }
        next = put(&mut after, bom_length, text, &lines, &hunk, place);
        let ends = hunk.ends.0 || hunk.ends.1;
        if hunk.goes_on_behind_end || ends && (next < lines.len() || hunks.peek().is_some()) {
            return refuse!(
                "the patch says `\\ No newline at end of file` of a line of {path} that is not \
                 the last"
            );
        }
        if hunk.final_newline.is_some() {
            final_newline = hunk.final_newline;
        }
    }
    for line in &lines[next..] {
        after.extend_from_slice(line.content);
        after.extend_from_slice(line.ending);
    }
    settle_final_newline(&mut after, text, final_newline);
    Ok(after)
}

/// Writes the hunk's new lines; returns the first old line after it.
fn put(
    after: &mut Vec<u8>,
    bom_length: usize,
    before: &[u8],
    lines: &[Line<'_>],
    hunk: &Hunk,
    place: usize,
) -> usize {
    let offset = lines.get(place).map_or(before.len(), |line| line.start);
    let own_ending = ending_at(before, offset).as_bytes();
    let mut next = place;
    // The endings of removed lines whose replacements are still to come.
    let mut removed = std::collections::VecDeque::new();
    for (tag, text) in &hunk.lines {
        if *tag != Tag::Remove && after.len() > bom_length && !after.ends_with(b"\n") {
            after.extend_from_slice(own_ending);
        }
        match tag {
            Tag::Keep => {
                removed.clear();
                after.extend_from_slice(lines[next].content);
                after.extend_from_slice(lines[next].ending);
                next += 1;
            }
            Tag::Remove => {
                removed.push_back(lines[next].ending);
                next += 1;
            }
            Tag::Add => {
                after.extend_from_slice(text.as_bytes());
                let ending = removed.pop_front().filter(|ending| !ending.is_empty());
                after.extend_from_slice(ending.unwrap_or(own_ending));
            }
        }
    }
    next
}

/// The file keeps its final newline or the lack of it, unless the patch says otherwise.
fn settle_final_newline(after: &mut Vec<u8>, before: &[u8], said: Option<bool>) {
    let wanted = said.unwrap_or(before.is_empty() || before.ends_with(b"\n"));
    if after.is_empty() || wanted == after.ends_with(b"\n") {
        return;
    }
    if wanted {
        let ending = ending_at(after, after.len());
        after.extend_from_slice(ending.as_bytes());
        return;
    }
    after.pop();
    if after.last() == Some(&b'\r') {
        after.pop();
    }
}
