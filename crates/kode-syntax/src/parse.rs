//! Parsing bytes into a tree.

use std::cell::RefCell;
use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

use thiserror::Error;
use tree_sitter::{InputEdit, ParseOptions, ParseState, Parser, Point, Tree};

use crate::Language;
use crate::scanner_state::is_bounded;

/// Why there is no tree.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum ParseError {
    /// The grammar's `lang-*` feature is off.
    #[error("this build of kode has no {0} grammar")]
    NoGrammar(&'static str),
    /// The parser gave up: the text takes it far more work than its length allows.
    #[error("the {0} parser gave up")]
    GaveUp(&'static str),
    /// More is open at once than the grammar's scanner can keep.
    #[error("the text is nested too deeply for the {0} parser")]
    TooDeep(&'static str),
}

/// A tree with the language it was parsed as.
#[derive(Debug, Clone)]
pub struct SourceTree {
    /// The language.
    pub language: Language,
    /// The syntax tree; it may hold error nodes.
    pub tree: Tree,
}

/// Parses `source`.
///
/// # Errors
/// When the grammar is missing or the parser gives up; never for bad input.
pub fn parse(language: Language, source: &[u8]) -> Result<SourceTree, ParseError> {
    let tree = parse_again(language, source, None)?;
    Ok(SourceTree { language, tree })
}

thread_local! {
    /// A parser sets its tables up and keeps memory for the next tree: one a thread
    /// and language serves every file.
    static PARSERS: RefCell<Vec<(Language, Parser)>> = const { RefCell::new(Vec::new()) };
}

fn parse_again(language: Language, source: &[u8], old: Option<&Tree>) -> Result<Tree, ParseError> {
    let name = language.name();
    if !is_bounded(language, source) {
        return Err(ParseError::TooDeep(name));
    }
    PARSERS.with_borrow_mut(|parsers| {
        let known = parsers.iter().position(|(known, _)| *known == language);
        let index = match known {
            Some(index) => index,
            None => {
                let grammar = language.grammar().ok_or(ParseError::NoGrammar(name))?;
                let mut parser = Parser::new();
                parser.set_language(&grammar).map_err(|_| ParseError::NoGrammar(name))?;
                parsers.push((language, parser));
                parsers.len() - 1
            }
        };
        let parser = &mut parsers[index].1;
        // One that gave up would go on where it stopped.
        parser.reset();
        bounded(parser, language, source, old).ok_or(ParseError::GaveUp(name))
    })
}

/// Bytes that the lexer is given at a time.
const CHUNK: usize = 4096;
/// Bytes the lexer may be given for each byte of the text: code of 30 libraries took
/// at most 2.3, a line of many `/[` takes half the text's length.
const LEXED_PER_BYTE: usize = 16;
/// What it may be given besides, for small files.
const LEXED_START: usize = 256 << 10;
/// Hundreds of parser steps for each hundred bytes: code took at most 2.3.
const STEPS_PER_BYTE: usize = 40;
/// Such hundreds that a small file may take besides.
const STEPS_START: usize = 2_000;
/// Time for each byte, and at the start: code took at most 0.6 µs. Recovery from
/// errors takes time in the square of their number, which no count shows.
const BROKEN_TIME: (Duration, Duration) = (Duration::from_micros(4), Duration::from_millis(500));
/// The same for text without an error so far.
const SOUND_TIME: (Duration, Duration) = (Duration::from_micros(20), Duration::from_secs(2));

/// Hundreds of steps between looks at the clock.
const STEPS_A_LOOK: usize = 8;

/// Readings of `f<a, f<a, …` as comparisons and as types double up, and are taken back at
/// the end of the text in one step that can't be stopped and takes the square of their
/// number. So TypeScript may take more than [`READINGS_PER_KILOBYTE`] hundreds of steps
/// for a stretch only (code of libraries took at most 95 more), unless its `<` are closed.
const READINGS_MAX: usize = 200 * 1024;
/// Hundreds of steps for each kilobyte; code takes 3 to 7.
const READINGS_PER_KILOBYTE: usize = 30;
/// How many more `<` than `>` a statement has whose readings double up; 1,000 take 0.1 s.
const UNCLOSED_MAX: usize = 1_000;

/// A tree, or nothing where the work is out of proportion to the text's length.
fn bounded(
    parser: &mut Parser,
    language: Language,
    source: &[u8],
    old: Option<&Tree>,
) -> Option<Tree> {
    let is_ambiguous = matches!(language, Language::TypeScript | Language::Tsx);
    let (mut readings, mut seen) = (0usize, 0);
    let lexed_max = LEXED_START + LEXED_PER_BYTE * source.len();
    let steps_max = STEPS_START + STEPS_PER_BYTE * source.len() / 100;
    let bytes = u32::try_from(source.len()).unwrap_or(u32::MAX);
    let (mut lexed, mut steps, mut began) = (0, 0, None);
    let mut read = |at: usize, _: Point| {
        let end = source.len().min(at + CHUNK);
        lexed += end.saturating_sub(at);
        // An empty answer is the end of the text.
        source.get(at..end).filter(|_| lexed <= lexed_max).unwrap_or_default()
    };
    let mut progress = |state: &ParseState| {
        steps += 1;
        let (each, start) = if state.has_error() { BROKEN_TIME } else { SOUND_TIME };
        let began = *began.get_or_insert_with(Instant::now);
        let is_late = || steps % STEPS_A_LOOK == 0 && began.elapsed() > start + each * bytes;
        let at = state.current_byte_offset();
        if is_ambiguous && at < source.len() {
            let granted = READINGS_PER_KILOBYTE * at.saturating_sub(seen);
            readings = (readings + 1024).saturating_sub(granted);
            seen = seen.max(at);
        }
        let is_double = readings > READINGS_MAX && has_unclosed(source);
        if readings > READINGS_MAX {
            readings = 0;
        }
        match steps > steps_max || is_double || is_late() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let tree = parser.parse_with_options(&mut read, old, Some(options));
    tree.filter(|_| lexed <= lexed_max)
}

/// Whether one statement opens far more angle brackets than it closes.
fn has_unclosed(source: &[u8]) -> bool {
    source.split(|byte| *byte == b';').any(|statement| {
        let opened = memchr::memchr_iter(b'<', statement).count();
        opened > memchr::memchr_iter(b'>', statement).count() + UNCLOSED_MAX
    })
}

/// A tree made from the one before it.
#[derive(Debug, Clone)]
pub struct Reparsed {
    /// The tree of the new text.
    pub tree: SourceTree,
    /// Where in the new text anything may differ from the old, ascending; `None`
    /// when the text was parsed afresh and nothing is known.
    pub changed: Option<Vec<Range<usize>>>,
}

/// Parses `after`, which is `before` with the ascending `replacements` (range in
/// `before`, new length) made, taking over what did not change. A tree that comes
/// out broken is parsed afresh, since recovery may differ.
///
/// # Errors
/// As [`parse`].
pub fn reparse(
    tree_before: &SourceTree,
    before: &[u8],
    after: &[u8],
    replacements: &[(Range<usize>, usize)],
) -> Result<Reparsed, ParseError> {
    let language = tree_before.language;
    let mut tree = tree_before.tree.clone();
    for edit in input_edits(before, after, replacements).iter().rev() {
        tree.edit(edit);
    }
    match parse_again(language, after, Some(&tree)) {
        Ok(new) if !new.root_node().has_error() => {
            let changed = changed_ranges(&tree, &new, replacements);
            Ok(Reparsed { tree: SourceTree { language, tree: new }, changed: Some(changed) })
        }
        _ => Ok(Reparsed { tree: parse(language, after)?, changed: None }),
    }
}

/// The replaced text itself and whatever else the parser structured anew.
fn changed_ranges(
    old: &Tree,
    new: &Tree,
    replacements: &[(Range<usize>, usize)],
) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> =
        old.changed_ranges(new).map(|range| range.start_byte..range.end_byte).collect();
    let mut shift = 0isize;
    for (range, new_length) in replacements {
        let start = range.start.saturating_add_signed(shift);
        ranges.push(start..start + new_length);
        shift += *new_length as isize - range.len() as isize;
    }
    ranges.sort_by_key(|range| range.start);
    ranges.dedup_by(|later, earlier| {
        let overlaps = later.start <= earlier.end;
        if overlaps {
            earlier.end = earlier.end.max(later.end);
        }
        overlaps
    });
    ranges
}

/// The one replacement that makes `after` of `before`.
pub fn single_replacement(before: &[u8], after: &[u8]) -> (Range<usize>, usize) {
    let shorter = before.len().min(after.len());
    let prefix = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let suffix = before.iter().rev().zip(after.iter().rev());
    let suffix = suffix.take(shorter - prefix).take_while(|(a, b)| a == b).count();
    (prefix..before.len() - suffix, after.len() - suffix - prefix)
}

/// Each replacement in the coordinates of `before`; to be applied last to first.
fn input_edits(
    before: &[u8],
    after: &[u8],
    replacements: &[(Range<usize>, usize)],
) -> Vec<InputEdit> {
    let mut edits = Vec::with_capacity(replacements.len());
    let (mut at, mut point, mut shift) = (0, Point::new(0, 0), 0isize);
    for (range, new_length) in replacements {
        let start = advance(point, &before[at..range.start]);
        let old_end = advance(start, &before[range.clone()]);
        let new_start = range.start.saturating_add_signed(shift);
        let inserted = after.get(new_start..new_start + new_length).unwrap_or_default();
        edits.push(InputEdit {
            start_byte: range.start,
            old_end_byte: range.end,
            new_end_byte: range.start + new_length,
            start_position: start,
            old_end_position: old_end,
            new_end_position: advance(start, inserted),
        });
        shift += *new_length as isize - range.len() as isize;
        (at, point) = (range.end, old_end);
    }
    edits
}

/// Where `text` ends when it begins at `point`.
fn advance(point: Point, text: &[u8]) -> Point {
    match text.iter().rposition(|&byte| byte == b'\n') {
        None => Point::new(point.row, point.column + text.len()),
        Some(last) => {
            let rows = text.iter().filter(|&&byte| byte == b'\n').count();
            Point::new(point.row + rows, text.len() - last - 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_parses_with_its_grammar() {
        for extension in
            ["js", "ts", "tsx", "py", "go", "rs", "java", "cs", "php", "rb", "c", "cpp"]
        {
            let language = Language::from_extension(extension).unwrap();
            if language.grammar().is_some() {
                parse(language, b"").unwrap();
            }
        }
    }

    #[test]
    fn text_that_takes_the_square_of_its_length_is_given_up() {
        let gives_up = |language: Language, unit: &str, bytes: usize| {
            language.grammar().is_some()
                && parse(language, unit.repeat(bytes / unit.len()).as_bytes()).is_err()
        };
        for bytes in [80_000, 600_000] {
            assert!(gives_up(Language::JavaScript, "/[", bytes));
            assert!(gives_up(Language::TypeScript, "/[", bytes));
        }
        assert!(gives_up(Language::Java, "<!--", 80_000));
        assert!(gives_up(Language::TypeScript, "f<a,", 80_000));
        assert!(gives_up(Language::Tsx, "f<a,", 80_000));
        for line in ["f<a>(b, c<d>(e));\n", "type A<B> = C<D<E, F>>;\n", "a < b && c < d;\n"] {
            assert!(!gives_up(Language::TypeScript, line, 80_000), "{line}");
        }
        for line in ["f(a[1],b=>{return`${b}/[`});", "if(a<b)c=/[/]/.test(d)?e:f;", "x={a:[1,2]};"]
        {
            assert!(!gives_up(Language::JavaScript, line, 300_000), "{line}");
        }
        assert!(!gives_up(
            Language::Java,
            "class A<B> { int f() { return a < b ? c : d; } }",
            300_000
        ));
        assert!(!gives_up(Language::Python, "f(a)[b](lambda c: {c: d}); ", 300_000));
    }

    #[test]
    fn a_reparsed_tree_is_the_tree_of_the_new_text() {
        let before = b"let a = 1;\nlet b = f(a);\nlet c = 3;\n";
        let after = b"let a = g(\n1);\nlet b = f(a);\nlet cc = 3;\n";
        let tree = parse(Language::JavaScript, before).unwrap();
        let again = reparse(&tree, before, after, &[(8..9, 5), (29..30, 2)]).unwrap();
        assert!(again.changed.unwrap().iter().any(|range| range.contains(&9)));
        let again = again.tree;
        let afresh = parse(Language::JavaScript, after).unwrap();
        assert_eq!(again.tree.root_node().to_sexp(), afresh.tree.root_node().to_sexp());
        let end = |tree: &SourceTree| tree.tree.root_node().end_position();
        assert_eq!(end(&again), end(&afresh));
    }

    #[test]
    fn a_single_replacement_is_what_lies_between_the_common_ends() {
        assert_eq!(single_replacement(b"abcd", b"abXYd"), (2..3, 2));
        assert_eq!(single_replacement(b"aaa", b"aa"), (2..3, 0));
        assert_eq!(single_replacement(b"", b"ab"), (0..0, 2));
        assert_eq!(single_replacement(b"ab", b"ab"), (2..2, 0));
    }
}
