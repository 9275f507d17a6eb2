//! A change inside whole statements or members of a large file: only they are parsed.
//! What stands around them is read as it was.
//!
//! Sound because nothing is guessed: the text before surely ends outside of every
//! string and comment, or parses by itself without an error; where the stretch begins
//! and ends nothing but a statement or a member can begin; and it parses by itself
//! without an error before and after the change. Otherwise the file is parsed whole.

use std::borrow::Cow;
use std::ops::Range;

use kode_syntax::{Language, SourceTree, faults, parse, reparse, single_replacement};

use crate::guard::{Change, Differing, Trees};
use crate::parallel::in_parallel;
use crate::replaced::Replaced;
use blocks::statements_around;
use members::{holds_only_members, members_around};
use outside::open_brackets;
pub(crate) use outside::open_comment;

mod blocks;
mod members;
mod outside;

/// Smaller files are parsed whole in little time.
const WORTH_CUTTING_BYTES: usize = 2 * 1024;
/// The text before the stretch is parsed by two threads from this size on.
const WORTH_HALVING_BYTES: usize = 16 * 1024;
/// How many lines are looked at for the begin of a statement.
const LINES_MAX: usize = 4096;
/// How far comments in front of a definition reach at most, and blank lines before them.
const COMMENTS_BYTES_MAX: usize = 8 * 1024;
const BLANK_BYTES_MAX: usize = 256;

/// The trees of the statements around a change; `None` where the whole file is to be
/// parsed: it is small, broken, or in a language where the begin of a line says little.
pub(crate) fn trees(language: Language, change: &Change<'_>) -> Option<Trees> {
    let long = change.before?.len() >= WORTH_CUTTING_BYTES;
    long.then(|| trees_around_change(language, change)).flatten()
}

fn trees_around_change(language: Language, change: &Change<'_>) -> Option<Trees> {
    let (before, after) = (change.before?, change.after);
    let (range, new_length) = single_replacement(before, after);
    let small = |stretch: &Stretch| stretch.before.len() <= before.len() / 2;
    let stretch = match language {
        Language::Java | Language::CSharp => members_around(language, before, after, &range),
        Language::Ruby => statements_around(before, after, &range),
        Language::Php => php_around(before, after, &range)
            .filter(small)
            .or_else(|| members_around(language, before, after, &range)),
        _ => stretch_around(language, before, after, &range),
    };
    let stretch = stretch.filter(small)?;
    let (was, is) = stretch.texts(before, after);
    // What grammars take for sound although something stays open: a here-document, `/*`
    // read as a regular expression. And what may stand only at the begin of a file.
    let late = language == Language::Go
        && stretch.before.start > 0
        && memchr::memmem::find_iter(&is, b"import").count()
            > memchr::memmem::find_iter(&was, b"import").count();
    if late || [&was, &is].into_iter().any(|text| open_brackets(language, text) != Some(0)) {
        return None;
    }
    let at = |at: usize| at - stretch.before.start + stretch.wrapping.0.len();
    let replacement = (at(range.start)..at(range.end), new_length);
    let head = &before[..stretch.before.start];
    let is_read = stretch.is_surely_outside || open_brackets(language, head) == Some(0);
    let heads = if is_read { Vec::new() } else { halves(language, head) };
    let mut jobs: Vec<(&[u8], bool)> = heads.into_iter().map(|text| (text, false)).collect();
    jobs.push((&was, true));
    // What is not kept is let go of by the thread that made it: that takes time too.
    let parsed = in_parallel(&jobs, |(text, is_kept)| {
        let tree = parse(language, text).ok().filter(is_sound)?;
        Some(is_kept.then_some(tree))
    });
    let tree = parsed.into_iter().collect::<Option<Vec<Option<SourceTree>>>>()?.pop()??;
    let replacements = [replacement];
    let again = reparse(&tree, &was, &is, &replacements).ok()?;
    let both = [&tree, &again.tree];
    let in_class = stretch.in_class;
    if !is_sound(&again.tree)
        || in_class && !both.into_iter().all(holds_only_members)
        || !faults(&tree, &was, None).is_empty()
        || !faults(&again.tree, &is, None).is_empty()
    {
        return None;
    }
    let differing = again
        .changed
        .map(|after| Differing { before: Replaced::of(&replacements).all_before(&after), after });
    Some(Trees { before: Some(tree), after: again.tree, differing, stretch: Some(stretch) })
}

/// Corresponding whole statements of two versions, in bytes.
pub(crate) struct Stretch {
    pub(crate) before: Range<usize>,
    pub(crate) after: Range<usize>,
    /// What is put around them to make them a file.
    wrapping: (&'static str, &'static str),
    /// Whether only members of a class may stand here.
    in_class: bool,
    /// Whether the text before was read and ends outside of strings and comments.
    is_surely_outside: bool,
}

impl Stretch {
    /// Statements that are a file by themselves, behind text that was read.
    fn new(before: Range<usize>, after: Range<usize>) -> Self {
        Self { before, after, wrapping: ("", ""), in_class: false, is_surely_outside: true }
    }

    /// The texts that are parsed.
    pub(crate) fn texts<'a>(
        &self,
        before: &'a [u8],
        after: &'a [u8],
    ) -> (Cow<'a, [u8]>, Cow<'a, [u8]>) {
        let text = |text: &'a [u8]| match self.wrapping {
            ("", "") => Cow::Borrowed(text),
            (open, close) => Cow::Owned([open.as_bytes(), text, close.as_bytes()].concat()),
        };
        (text(&before[self.before.clone()]), text(&after[self.after.clone()]))
    }
}

/// [`stretch_around`] for PHP, whose statements are none without a tag in front.
fn php_around(before: &[u8], after: &[u8], range: &Range<usize>) -> Option<Stretch> {
    let stretch = stretch_around(Language::Php, before, after, range)
        .filter(|stretch| stretch.before.start > 0)?;
    let outside = open_brackets(Language::Php, &before[..stretch.before.start]) == Some(0);
    // Behind a closing tag nothing is code.
    let closes = [&before[stretch.before.clone()], &after[stretch.after.clone()]]
        .into_iter()
        .any(|text| memchr::memmem::find(text, b"?>").is_some());
    let wrapping = ("<?php\n", "");
    (outside && !closes).then_some(Stretch { wrapping, is_surely_outside: true, ..stretch })
}

fn is_sound(tree: &SourceTree) -> bool {
    !tree.tree.root_node().has_error()
}

/// The statements from the last begin of one before the change to the first one behind it.
fn stretch_around(
    language: Language,
    before: &[u8],
    after: &[u8],
    range: &Range<usize>,
) -> Option<Stretch> {
    let begins = Begins::of(language)?;
    let same = |at: &usize| begins.at(before, *at) && begins.at(after, *at);
    let start = line_begins_back(before, range.start).find(same).unwrap_or(0);
    let grown = |at: usize| (at + after.len()).checked_sub(before.len());
    let ends = |at: &usize| {
        begins.at(before, *at) && grown(*at).is_some_and(|grown| begins.at(after, grown))
    };
    let end = line_begins(before, range.end).find(ends).unwrap_or(before.len());
    let is = start..grown(end)?;
    let stretch = Stretch { is_surely_outside: false, ..Stretch::new(start..end, is.clone()) };
    (start <= is.end).then_some(stretch)
}

/// Where lines begin at or before `at`, the last first, the begin of the file left out.
fn line_begins_back(text: &[u8], at: usize) -> impl Iterator<Item = usize> + '_ {
    memchr::memrchr_iter(b'\n', &text[..at]).map(|newline| newline + 1).take(LINES_MAX)
}

/// Where lines begin at or behind `from`.
fn line_begins(text: &[u8], from: usize) -> impl Iterator<Item = usize> + '_ {
    let from = from.saturating_sub(1);
    let newlines = memchr::memchr_iter(b'\n', &text[from..]).take(LINES_MAX);
    newlines.map(move |newline| from + newline + 1)
}

/// The text in two parts of about the same size, cut where a statement begins.
fn halves(language: Language, text: &[u8]) -> Vec<&[u8]> {
    let cut = Begins::of(language)
        .filter(|_| text.len() >= WORTH_HALVING_BYTES)
        .and_then(|begins| line_begins_back(text, text.len() / 2).find(|&at| begins.at(text, at)));
    match cut {
        Some(at) => vec![&text[..at], &text[at..]],
        None => vec![text],
    }
}

/// How to see that a statement at the top of a file begins.
struct Begins {
    /// What definitions begin with, at the left margin; nothing that could go on with
    /// what stands before it.
    openings: &'static [&'static [u8]],
    /// Whether a line's end ends a statement, unless it is escaped.
    by_line: bool,
    /// Whether what ends with `)` may go on (PHP: `if (x)`).
    no_call: bool,
    /// Whether any word begins one, behind a block that ends at the left margin (C).
    any_word: bool,
}

impl Begins {
    fn of(language: Language) -> Option<Self> {
        let openings: &[&[u8]] = match language {
            Language::JavaScript | Language::TypeScript | Language::Tsx => &[
                b"export ",
                b"import ",
                b"function ",
                b"function* ",
                b"async function ",
                b"class ",
                b"abstract class ",
                b"const ",
                b"let ",
                b"var ",
                b"interface ",
                b"enum ",
                b"type ",
            ],
            Language::Python => &[b"def ", b"async def ", b"class ", b"@", b"import ", b"from "],
            Language::Go => &[b"func ", b"type ", b"var ", b"const ", b"import "],
            Language::Rust => &[
                b"pub ",
                b"pub(",
                b"fn ",
                b"async fn ",
                b"const fn ",
                b"unsafe ",
                b"impl ",
                b"impl<",
                b"struct ",
                b"enum ",
                b"trait ",
                b"mod ",
                b"use ",
                b"const ",
                b"static ",
                b"type ",
                b"macro_rules! ",
                b"#[",
            ],
            Language::Php => &[
                b"function ",
                b"class ",
                b"final class ",
                b"abstract class ",
                b"interface ",
                b"trait ",
            ],
            Language::C | Language::Cpp => &[],
            _ => return None,
        };
        Some(Self {
            openings,
            by_line: language == Language::Python,
            no_call: language == Language::Php,
            any_word: matches!(language, Language::C | Language::Cpp),
        })
    }

    /// Whether a line begins at `at`, a statement ended before it and a definition
    /// begins there, comments in front of it included.
    fn at(&self, text: &[u8], at: usize) -> bool {
        let near = &text[at.saturating_sub(BLANK_BYTES_MAX)..at];
        let near_end = near.trim_ascii_end();
        let ended = near_end.last().is_some_and(|last| match last {
            _ if self.any_word => ends_a_block(near_end),
            b')' => !self.no_call,
            b'}' | b';' => true,
            last => self.by_line && *last != b'\\',
        });
        near.ends_with(b"\n")
            && ended
            && self.opens(&text[at..(at + COMMENTS_BYTES_MAX).min(text.len())])
    }

    fn opens(&self, mut text: &[u8]) -> bool {
        loop {
            if self.any_word && text.first().is_some_and(u8::is_ascii_alphabetic) {
                return !text.starts_with(b"else");
            }
            if self.openings.iter().any(|opening| text.starts_with(opening)) {
                return true;
            }
            match comment_length(text) {
                Some(length) if !self.by_line => text = &text[length..],
                _ => return false,
            }
        }
    }
}

/// Whether the last line is the end of a block at the left margin: `}`, `} name;`.
fn ends_a_block(text: &[u8]) -> bool {
    let line = memchr::memrchr(b'\n', text).map_or(text, |newline| &text[newline + 1..]);
    line.starts_with(b"}") && (line.len() == 1 || line.ends_with(b";"))
}

/// The length of the comment that `text` begins with, its line's end included.
fn comment_length(text: &[u8]) -> Option<usize> {
    match text {
        [b'/', b'/', ..] => memchr::memchr(b'\n', text).map(|newline| newline + 1),
        [b'/', b'*', rest @ ..] => {
            let end = memchr::memmem::find(rest, b"*/")?;
            // Some languages nest them.
            let nested = memchr::memmem::find(&rest[..end], b"/*").is_some();
            let behind = end + 4;
            let newline = behind + memchr::memchr(b'\n', &text[behind..])?;
            let alone = text[behind..newline].trim_ascii().is_empty();
            (alone && !nested).then_some(newline + 1)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
