//! Where a hunk belongs: its old lines are there exactly, below its anchors, in
//! one place only. A line number picks among equal places and never moves a hunk
//! to lines that differ.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use kode_base::ProjectPath;
use kode_base::escape::escape_line;

use super::hunk::{Hunk, Line};
use crate::nearest;
use crate::refusal::{EditRefusal, refuse};

/// The hunk, without empty lines that turned out to be layout, and the 0-based
/// line it begins on; at or after line `next`.
pub(super) fn find_place<'h>(
    path: &ProjectPath,
    before: &[u8],
    lines: &[Line<'_>],
    hunk: &'h Hunk,
    next: usize,
    drift: isize,
) -> Result<(Cow<'h, Hunk>, usize), EditRefusal> {
    let file = File { path, before, lines, next, drift };
    let found = file.place(hunk);
    if found.is_err()
        && let Some(trimmed) = hunk.without_bare_lines()
        && let Ok(place) = file.place(&trimmed)
    {
        return Ok((Cow::Owned(trimmed), place));
    }
    found.map(|place| (Cow::Borrowed(hunk), place))
}

struct File<'a> {
    path: &'a ProjectPath,
    before: &'a [u8],
    lines: &'a [Line<'a>],
    next: usize,
    drift: isize,
}

impl File<'_> {
    fn place(&self, hunk: &Hunk) -> Result<usize, EditRefusal> {
        let regions = self.regions(&hunk.anchors)?;
        let hinted = hunk.line.map(|line| (line as isize - 1 + self.drift).max(0) as usize);
        let old = hunk.old_lines();
        if old.is_empty() {
            return self.insertion_place(hunk, &regions, hinted);
        }
        let everywhere: Vec<usize> = (self.next..self.lines.len())
            .filter(|&place| self.matches(&old, place))
            .filter(|place| !hunk.at_end || place + old.len() == self.lines.len())
            .collect();
        if everywhere.is_empty() {
            return Err(EditRefusal::new(
                nearest::describe_miss(self.path, self.before, &old.join("\n")).replacen(
                    "`old`",
                    "the patch's context",
                    1,
                ),
            ));
        }
        let mut places = within(&everywhere, &regions);
        if places.is_empty() {
            // The anchor's block does not hold it: somewhere below the anchor will do.
            let below: Vec<Range<usize>> =
                regions.iter().map(|region| region.start..self.lines.len()).collect();
            places = within(&everywhere, &below);
        }
        let place = self.the_one(&places, hinted)?;
        if self.blank_lines_around(place, old.len()) < hunk.lost {
            return refuse!(
                "the last hunk of the patch is shorter than its `@@` line says: it may be cut \
                 off, or the counts are wrong"
            );
        }
        Ok(place)
    }

    /// How many blank lines stand right above and below the `count` lines at `place`.
    fn blank_lines_around(&self, place: usize, count: usize) -> usize {
        let blank = |line: &&Line<'_>| line.content.trim_ascii().is_empty();
        let above = self.lines[..place].iter().rev().take_while(blank).count();
        above + self.lines[place + count..].iter().take_while(blank).count()
    }

    fn the_one(&self, places: &[usize], hinted: Option<usize>) -> Result<usize, EditRefusal> {
        match (places, hinted) {
            ([place], _) => Ok(*place),
            ([], _) => refuse!(
                "the patch's context is in {} only above its `@@` line or above an earlier hunk: \
                 hunks go from top to bottom",
                self.path
            ),
            (_, Some(hint)) if places.contains(&hint) => Ok(hint),
            ([first, ..], _) => refuse!(
                "the patch's context is in {} {} times (first at line {}): give more context \
                 lines or an `@@` line",
                self.path,
                places.len(),
                first + 1
            ),
        }
    }

    fn matches(&self, old: &[&str], place: usize) -> bool {
        let here = &self.lines[place..];
        here.len() >= old.len()
            && old.iter().zip(here).all(|(wanted, line)| {
                let unmarked = wanted.trim_start_matches('\u{feff}');
                wanted.as_bytes() == line.content
                    || place == 0 && unmarked.as_bytes() == line.content
            })
    }

    /// The blocks the anchors open, each inside one of the anchor before.
    fn regions(&self, anchors: &[String]) -> Result<Vec<Range<usize>>, EditRefusal> {
        let whole = 0..self.lines.len();
        let mut regions = vec![whole];
        for anchor in anchors {
            let wanted = anchor.trim();
            let mut inner = self.blocks(&regions, |line| line == wanted.as_bytes());
            if inner.is_empty() {
                inner = self.blocks(&regions, |line| begins_with_words(line, wanted));
            }
            if inner.is_empty() {
                return refuse!(
                    "the line `{}` of the patch is not in {}",
                    escape_line(wanted),
                    self.path
                );
            }
            regions = inner;
        }
        Ok(regions)
    }

    fn blocks(
        &self,
        regions: &[Range<usize>],
        is_anchor: impl Fn(&[u8]) -> bool,
    ) -> Vec<Range<usize>> {
        let starts: BTreeSet<usize> = regions
            .iter()
            .flat_map(Clone::clone)
            .filter(|&index| is_anchor(self.lines[index].content.trim_ascii()))
            .collect();
        starts.into_iter().map(|start| self.block(start)).collect()
    }

    /// A line and what is indented below it, with the line that closes it.
    fn block(&self, start: usize) -> Range<usize> {
        let margin = indentation(self.lines[start].content);
        let mut end = start + 1;
        while let Some(line) = self.lines.get(end) {
            let blank = line.content.trim_ascii().is_empty();
            if !blank && indentation(line.content) <= margin {
                let closes = line.content.trim_ascii().first().is_some_and(|first| {
                    matches!(first, b'}' | b')' | b']' | b'{')
                        || line.content.trim_ascii() == b"end"
                });
                if !closes {
                    break;
                }
                end += 1;
                if line.content.trim_ascii().first() != Some(&b'{') {
                    break;
                }
                continue;
            }
            end += 1;
        }
        start..end
    }

    /// Where lines without any context go.
    fn insertion_place(
        &self,
        hunk: &Hunk,
        regions: &[Range<usize>],
        hinted: Option<usize>,
    ) -> Result<usize, EditRefusal> {
        if !hunk.anchors.is_empty() {
            let below: Vec<usize> = regions
                .iter()
                .map(|region| region.start + 1)
                .filter(|&place| place >= self.next)
                .collect();
            return self.the_one(&below, None);
        }
        match hinted {
            // `@@ -0,0` is the start of the file, `@@ -5,0` means after line 5.
            Some(_) if hunk.line == Some(0) && self.next == 0 => Ok(0),
            Some(hint) if hunk.line != Some(0) => Ok((hint + 1).clamp(self.next, self.lines.len())),
            _ if self.lines.is_empty() || hunk.at_end => Ok(self.lines.len()),
            _ => {
                refuse!("a hunk for {} only adds lines: give context lines to say where", self.path)
            }
        }
    }
}

/// The places that lie in one of the regions.
fn within(places: &[usize], regions: &[Range<usize>]) -> Vec<usize> {
    let inside = |place: &usize| regions.iter().any(|region| region.contains(place));
    places.iter().copied().filter(inside).collect()
}

fn indentation(line: &[u8]) -> usize {
    line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// Whether a line begins with `wanted` as whole words (`class A` in `class A(B):`).
fn begins_with_words(line: &[u8], wanted: &str) -> bool {
    !wanted.is_empty()
        && line.strip_prefix(wanted.as_bytes()).is_some_and(|rest| {
            let word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | 0x80..);
            !(rest.first().is_some_and(word) && wanted.as_bytes().last().is_some_and(word))
        })
}
