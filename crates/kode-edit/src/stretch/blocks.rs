//! Ruby's statements around a change. A line that begins with a word behind one that is
//! only `end` begins a statement, whatever stands around it, where that is outside of
//! literals, comments and brackets.

use std::ops::Range;

use kode_syntax::Language;
use memchr::{memchr, memmem};

use super::outside::{Reader, is_word_byte};
use super::{Stretch, line_begins};

/// How many begins of statements are tried.
const STARTS_MAX: usize = 16;

/// Words that end a block or go on with it.
const CONTINUATIONS: [&[u8]; 9] =
    [b"end", b"else", b"elsif", b"when", b"in", b"rescue", b"ensure", b"then", b"do"];

/// The statements from the last begin of one before the change to the first one behind
/// it, or the end of what they stand in.
pub(super) fn statements_around(
    before: &[u8],
    after: &[u8],
    range: &Range<usize>,
) -> Option<Stretch> {
    // What is no code from the begin, or to the end.
    let ends =
        |text: &[u8]| text.starts_with(b"=begin") || memmem::find(text, b"__END__").is_some();
    if ends(before) || ends(after) {
        return None;
    }
    let starts = statement_begins(before, range.start)?;
    let nearest = starts.iter().rev().take(STARTS_MAX);
    nearest.copied().find_map(|start| stretch_from(start, before, after, range))
}

/// From `start` to where a statement that begins as far in as that one ends.
fn stretch_from(
    start: usize,
    before: &[u8],
    after: &[u8],
    range: &Range<usize>,
) -> Option<Stretch> {
    let grown = |at: usize| (at + after.len()).checked_sub(before.len());
    let margin = margin(&before[start..]);
    let ends = |at: &usize| {
        let grown = grown(*at).filter(|grown| *grown >= start);
        ends_at(before, *at, margin) && grown.is_some_and(|grown| ends_at(after, grown, margin))
    };
    let end = line_begins(before, range.end).find(ends)?;
    let stretch = Stretch::new(start..end, start..grown(end)?);
    (!leaves_margin(before, start..end)).then_some(stretch)
}

fn margin(text: &[u8]) -> &[u8] {
    &text[..text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()]
}

/// Whether a line is less far in than the first one: it ends what that one stands in.
fn leaves_margin(text: &[u8], range: Range<usize>) -> bool {
    let inside = margin(&text[range.start..]);
    let lines = text[range].split(|byte| *byte == b'\n');
    lines.filter(|line| !line.trim_ascii().is_empty()).any(|line| !line.starts_with(inside))
}

/// Where lines up to `until` begin that begin a statement behind an `end` of its own line.
fn statement_begins(text: &[u8], until: usize) -> Option<Vec<usize>> {
    let mut reader = Reader::new(Language::Ruby, text)?;
    let (mut begins, mut ended) = (Vec::new(), false);
    while reader.at <= until && reader.at < text.len() {
        let at = reader.at;
        let outside = reader.open == 0 && reader.is_outside();
        if is_line_begin(text, at) && outside && ended && begins_statement(&text[at..]) {
            begins.push(at);
        }
        let behind = reader.token_end;
        reader.step()?;
        if reader.token_end > behind {
            ended = outside && &text[at..reader.at] == b"end" && ends_a_value(&text[..behind]);
        }
    }
    Some(begins)
}

/// Whether `end` behind this text ends a block, and is no method's name.
fn ends_a_value(text: &[u8]) -> bool {
    let names = [b"def".as_slice(), b"alias", b"undef"].iter().any(|word| text.ends_with(word));
    !names && !matches!(text.last(), Some(b'.' | b':' | b'&' | b'\\' | b','))
}

fn is_line_begin(text: &[u8], at: usize) -> bool {
    at == 0 || text[at - 1] == b'\n'
}

/// Whether a statement begins with the line that `text` begins with: with a word that
/// does not go on with a block or an expression.
fn begins_statement(text: &[u8]) -> bool {
    let line = &text[..memchr(b'\n', text).unwrap_or(text.len())];
    let line = line.trim_ascii_start();
    let length = line.iter().take_while(|byte| is_word_byte(**byte)).count();
    let word = &line[..length];
    word.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        && !CONTINUATIONS.contains(&word)
        && !matches!(word, b"and" | b"or")
}

/// Whether the last filled line before `at` is only `end`, as far in as `inside`, and the
/// one at it begins a statement or ends what they stand in, or the file ends. Whether that is so in truth
/// the parser tells of the text up to there.
fn ends_at(text: &[u8], at: usize, inside: &[u8]) -> bool {
    let before = text[..at].trim_ascii_end();
    let last = memchr::memrchr(b'\n', before).map_or(before, |newline| &before[newline + 1..]);
    let line = &text[at..][..memchr(b'\n', &text[at..]).unwrap_or(text.len() - at)];
    let ended = last.trim_ascii() == b"end" && margin(last) == inside;
    let goes_on = at < text.len() && !begins_statement(line) && line.trim_ascii() != b"end";
    is_line_begin(text, at) && ended && !goes_on
}
