//! One hunk: finding its place and putting its lines there.

use kode_base::ProjectPath;
use kode_base::escape::escape_line;

use crate::nearest;
use crate::newline::ending_at;
use crate::refusal::{EditRefusal, refuse};

/// What a line of a hunk does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    Keep,
    Remove,
    Add,
}

/// Lines to find and what they become.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Hunk {
    /// Lines to go past first, in order (`@@ class A`).
    pub(super) anchors: Vec<String>,
    /// The 1-based line the first old line is said to be on.
    pub(super) line: Option<usize>,
    pub(super) lines: Vec<(Tag, String)>,
    /// The old lines are the last of the file.
    pub(super) at_end: bool,
    /// What the patch says of the final newline afterwards.
    pub(super) final_newline: Option<bool>,
}

impl Hunk {
    pub(super) fn added_text(&self) -> String {
        self.text(&[Tag::Add])
    }

    pub(super) fn removed_text(&self) -> String {
        self.text(&[Tag::Remove])
    }

    fn old_lines(&self) -> Vec<&str> {
        self.lines.iter().filter(|(tag, _)| *tag != Tag::Add).map(|(_, text)| &**text).collect()
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
struct Line<'a> {
    content: &'a [u8],
    ending: &'a [u8],
}

fn split(bytes: &[u8]) -> Vec<Line<'_>> {
    bytes
        .split_inclusive(|&byte| byte == b'\n')
        .map(|line| {
            let content = line.strip_suffix(b"\n").unwrap_or(line);
            let content = match content.strip_suffix(b"\r") {
                Some(shorter) if content.len() < line.len() => shorter,
                _ => content,
            };
            Line { content, ending: &line[content.len()..] }
        })
        .collect()
}

/// Applies hunks in order, each after the one before.
pub(super) fn apply_all(
    path: &ProjectPath,
    before: &[u8],
    hunks: &[Hunk],
) -> Result<Vec<u8>, EditRefusal> {
    let lines = split(before);
    let (mut after, mut next) = (Vec::with_capacity(before.len()), 0);
    // How many lines earlier hunks added or removed: shifts nothing here, since
    // places are sought in the old file, but a patch may drift from its numbers.
    let mut drift = 0isize;
    let mut final_newline = None;
    let bom = usize::from(before.starts_with(crate::newline::BOM)) * crate::newline::BOM.len();
    for hunk in hunks {
        let place = find_place(path, before, &lines, hunk, next, drift, bom)?;
        if let Some(line) = hunk.line {
            drift = place as isize - (line as isize - 1);
        }
        for line in &lines[next..place] {
            after.extend_from_slice(line.content);
            after.extend_from_slice(line.ending);
        }
        next = put(&mut after, before, &lines, hunk, place);
        if hunk.final_newline.is_some() {
            final_newline = hunk.final_newline;
        }
    }
    for line in &lines[next..] {
        after.extend_from_slice(line.content);
        after.extend_from_slice(line.ending);
    }
    settle_final_newline(&mut after, before, final_newline);
    Ok(after)
}

/// Writes the hunk's new lines; returns the first old line after it.
fn put(after: &mut Vec<u8>, before: &[u8], lines: &[Line<'_>], hunk: &Hunk, place: usize) -> usize {
    let offset: usize = lines[..place].iter().map(|l| l.content.len() + l.ending.len()).sum();
    let own_ending = ending_at(before, offset).as_bytes();
    let mut next = place;
    for (tag, text) in &hunk.lines {
        if *tag != Tag::Remove && !after.is_empty() && !after.ends_with(b"\n") {
            after.extend_from_slice(own_ending);
        }
        match tag {
            Tag::Keep => {
                after.extend_from_slice(lines[next].content);
                after.extend_from_slice(lines[next].ending);
                next += 1;
            }
            Tag::Remove => next += 1,
            Tag::Add => {
                after.extend_from_slice(text.as_bytes());
                after.extend_from_slice(own_ending);
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

fn find_place(
    path: &ProjectPath,
    before: &[u8],
    lines: &[Line<'_>],
    hunk: &Hunk,
    next: usize,
    drift: isize,
    bom: usize,
) -> Result<usize, EditRefusal> {
    let mut from = next;
    for anchor in &hunk.anchors {
        let wanted = anchor.trim();
        let found = lines[from..].iter().position(|l| l.content.trim_ascii() == wanted.as_bytes());
        match found {
            Some(offset) => from += offset + 1,
            None => {
                return refuse!("the line `{}` of the patch is not in {path}", escape_line(wanted));
            }
        }
    }
    let old = hunk.old_lines();
    let hinted = hunk.line.map(|line| (line as isize - 1 + drift).max(0) as usize);
    if old.is_empty() {
        return insertion_place(path, lines, hunk, from, hinted);
    }
    let matches = |place: usize| {
        lines[place..].len() >= old.len()
            && old.iter().zip(&lines[place..]).enumerate().all(|(index, (wanted, line))| {
                let skip = if place + index == 0 { bom } else { 0 };
                wanted.as_bytes() == &line.content[skip..] || wanted.as_bytes() == line.content
            })
    };
    let mut places: Vec<usize> = (from..lines.len()).filter(|&place| matches(place)).collect();
    if hunk.at_end {
        places.retain(|&place| place + old.len() == lines.len());
    }
    match (places.as_slice(), hinted) {
        ([place], _) => Ok(*place),
        ([], _) => {
            Err(EditRefusal::new(nearest::describe_miss(path, before, &old.join("\n")).replacen(
                "`old`",
                "the patch's context",
                1,
            )))
        }
        (_, Some(hint)) if places.contains(&hint) => Ok(hint),
        _ => refuse!(
            "the patch's context is in {path} {} times (first at line {}): give more context lines \
             or an `@@` line",
            places.len(),
            places[0] + 1
        ),
    }
}

/// Where lines without any context go.
fn insertion_place(
    path: &ProjectPath,
    lines: &[Line<'_>],
    hunk: &Hunk,
    from: usize,
    hinted: Option<usize>,
) -> Result<usize, EditRefusal> {
    if !hunk.anchors.is_empty() {
        return Ok(from);
    }
    match hinted {
        // `@@ -5,0` means after line 5; `@@ -0,0` is the start of an empty file.
        Some(hint) if hunk.line != Some(0) => Ok((hint + 1).clamp(from, lines.len())),
        _ if lines.is_empty() || hunk.at_end => Ok(lines.len()),
        _ => refuse!("a hunk for {path} only adds lines: give context lines to say where"),
    }
}
