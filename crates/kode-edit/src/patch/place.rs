//! Where a hunk belongs: its old lines are there exactly, below its anchors, in
//! one place only. A line number picks among equal places and never moves a hunk
//! to lines that differ.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use kode_base::ProjectPath;
use kode_base::escape::escape_line;

use super::hunk::{Hunk, Line};
use crate::nearest;
use crate::refusal::{EditRefusal, refuse};

/// How many lines all hunks of a patch are compared with, where neither rare lines nor
/// line numbers say at once where they belong.
const COMPARISONS_MAX: usize = 100_000_000;

/// A file's lines, and where each of them stands.
pub(super) struct Places<'a> {
    path: &'a ProjectPath,
    before: &'a [u8],
    lines: &'a [Line<'a>],
    /// Ascending line numbers (from 0) by content.
    by_content: HashMap<&'a [u8], Vec<usize>>,
    /// The same by content without the space around it; made when an anchor asks.
    by_text: OnceCell<HashMap<&'a [u8], Vec<usize>>>,
    comparisons_left: Cell<usize>,
}

impl<'a> Places<'a> {
    pub(super) fn new(path: &'a ProjectPath, before: &'a [u8], lines: &'a [Line<'a>]) -> Self {
        let by_content = places_by(lines, |line| line.content);
        let comparisons_left = Cell::new(COMPARISONS_MAX);
        Self { path, before, lines, by_content, by_text: OnceCell::new(), comparisons_left }
    }

    /// The hunk, without empty lines that turned out to be layout, and the 0-based
    /// line it begins on; at or after line `next`.
    pub(super) fn find<'h>(
        &self,
        hunk: &'h Hunk,
        next: usize,
        drift: isize,
    ) -> Result<(Cow<'h, Hunk>, usize), EditRefusal> {
        let file = File { all: self, path: self.path, lines: self.lines, next, drift };
        let found = file.place(hunk);
        if !matches!(found, Ok(Some(_)))
            && let Some(trimmed) = hunk.without_bare_lines()
            && let Ok(Some(place)) = file.place(&trimmed)
        {
            return Ok((Cow::Owned(trimmed), place));
        }
        match found? {
            Some(place) => Ok((Cow::Borrowed(hunk), place)),
            None => Err(self.miss(hunk)),
        }
    }

    fn miss(&self, hunk: &Hunk) -> EditRefusal {
        let old = hunk.old_lines().join("\n");
        let told = nearest::describe_miss(self.path, self.before, &old);
        EditRefusal::new(told.replacen("`old`", "the patch's context", 1))
    }

    fn spend(&self, comparisons: usize) -> Result<(), EditRefusal> {
        match self.comparisons_left.get().checked_sub(comparisons) {
            Some(left) => {
                self.comparisons_left.set(left);
                Ok(())
            }
            None => refuse!(
                "{} has the lines of too many hunks all over the file: send fewer hunks at once, \
                 or with line numbers (`@@ -a,b +c,d @@`)",
                self.path
            ),
        }
    }
}

impl<'a> Places<'a> {
    fn by_text(&self) -> &HashMap<&'a [u8], Vec<usize>> {
        self.by_text.get_or_init(|| places_by(self.lines, |line| line.content.trim_ascii()))
    }
}

fn places_by<'a>(
    lines: &[Line<'a>],
    key: impl Fn(&Line<'a>) -> &'a [u8],
) -> HashMap<&'a [u8], Vec<usize>> {
    let mut places: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for (index, line) in lines.iter().enumerate() {
        places.entry(key(line)).or_default().push(index);
    }
    places
}

struct File<'p, 'a> {
    all: &'p Places<'a>,
    path: &'a ProjectPath,
    lines: &'a [Line<'a>],
    next: usize,
    drift: isize,
}

impl File<'_, '_> {
    /// Where the hunk belongs; `None` when its lines are nowhere.
    fn place(&self, hunk: &Hunk) -> Result<Option<usize>, EditRefusal> {
        let regions = self.regions(&hunk.anchors)?;
        let hinted =
            hunk.line.map(|line| (number(line) - 1).saturating_add(self.drift).max(0) as usize);
        let old = hunk.old_lines();
        if old.is_empty() {
            return self.insertion_place(hunk, &regions, hinted).map(Some);
        }
        let fits = |&place: &usize| {
            self.matches(&old, place) && (!hunk.at_end || place + old.len() == self.lines.len())
        };
        // Where the number points to one of several places, it is that one.
        let at_hint = hinted.filter(|hint| {
            *hint >= self.next && regions.iter().any(|region| region.contains(hint)) && fits(hint)
        });
        let place = match at_hint {
            Some(place) => place,
            None => {
                let found = |region: &Range<usize>| -> Result<Vec<usize>, EditRefusal> {
                    let candidates = self.candidates(&old, hunk.at_end, region);
                    self.all.spend(candidates.len())?;
                    Ok(candidates.into_iter().filter(fits).collect())
                };
                let whole = 0..self.lines.len();
                let inside = if let [region] = &*regions { found(region)? } else { Vec::new() };
                let everywhere = if inside.is_empty() { found(&whole)? } else { inside };
                if everywhere.is_empty() {
                    return Ok(None);
                }
                self.all.spend(everywhere.len().saturating_mul(regions.len().saturating_sub(1)))?;
                let mut places = within(&everywhere, &regions);
                if places.is_empty() {
                    // The anchor's block does not hold it: somewhere below the anchor will do.
                    let below: Vec<Range<usize>> =
                        regions.iter().map(|region| region.start..self.lines.len()).collect();
                    places = within(&everywhere, &below);
                }
                self.the_one(&places, hinted)?
            }
        };
        if self.blank_lines_around(place, old.len()) < hunk.lost {
            return refuse!(
                "the last hunk of the patch is shorter than its `@@` line says: it may be cut \
                 off, or the counts are wrong"
            );
        }
        Ok(Some(place))
    }

    /// Where in a region the rarest of the lines says that they may begin, at or after `next`.
    fn candidates(&self, old: &[&str], at_end: bool, region: &Range<usize>) -> Vec<usize> {
        let first = self.next.max(region.start);
        if at_end {
            let last = self.lines.len().checked_sub(old.len());
            return last.filter(|place| *place >= first).into_iter().collect();
        }
        let of_line = |(offset, line): (usize, &&str)| {
            let places = self.all.by_content.get(line.as_bytes()).map_or(&[][..], Vec::as_slice);
            let from = places.partition_point(|place| *place < first + offset);
            let end = places.partition_point(|place| *place < region.end + offset);
            (offset, &places[from..end.max(from)])
        };
        let rarest = old.iter().enumerate().map(of_line).min_by_key(|(_, places)| places.len());
        let (offset, places) = rarest.unwrap_or_default();
        let mut candidates: Vec<usize> = places.iter().map(|place| place - offset).collect();
        // There a byte order mark may stand in the patch that is not in the line.
        if first == 0 && candidates.first() != Some(&0) && !self.lines.is_empty() {
            candidates.insert(0, 0);
        }
        candidates
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
            let whole = self.all.by_text().get(wanted.as_bytes()).map_or(&[][..], Vec::as_slice);
            let inside = |region: &Range<usize>| {
                let first = whole.partition_point(|index| *index < region.start);
                let end = whole.partition_point(|index| *index < region.end);
                &whole[first..end.max(first)]
            };
            self.all.spend(regions.iter().map(|region| 1 + inside(region).len()).sum())?;
            let mut inner: BTreeSet<usize> = regions.iter().flat_map(inside).copied().collect();
            if inner.is_empty() {
                self.all.spend(regions.iter().map(Range::len).sum())?;
                let begins = |index: &usize| {
                    begins_with_words(self.lines[*index].content.trim_ascii(), wanted)
                };
                inner = regions.iter().flat_map(Clone::clone).filter(begins).collect();
            }
            if inner.is_empty() {
                return refuse!(
                    "the line `{}` of the patch is not in {}",
                    escape_line(wanted),
                    self.path
                );
            }
            regions = inner.into_iter().map(|start| self.block(start)).collect();
            self.all.spend(regions.iter().map(Range::len).sum())?;
        }
        Ok(regions)
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
            // Some say the line before which they go, which may be one more than there are.
            Some(hint) if hint > self.lines.len() => refuse!(
                "a hunk for {} adds lines at line {}, and the file has {}: give context lines to \
                 say where",
                self.path,
                hunk.line.unwrap_or_default(),
                self.lines.len()
            ),
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

/// A line number of a patch, which may be of any size.
pub(super) fn number(line: usize) -> isize {
    isize::try_from(line).unwrap_or(isize::MAX)
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
