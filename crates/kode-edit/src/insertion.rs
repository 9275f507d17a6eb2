//! Putting code next to or into a symbol.

use std::ops::Range;

use kode_base::ProjectPath;
use kode_syntax::{Language, Symbol};
use serde::{Deserialize, Serialize};

use crate::indentation::{dedent, indent, indent_at};
use crate::newline::to_lf;
use crate::refusal::{EditRefusal, refuse};
use crate::symbol_edit::SymbolFile;

/// Where code is put, seen from a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Where {
    /// Above it, its decorators and doc comments.
    Before,
    /// Below it, one blank line between.
    After,
    /// As the first thing of its body.
    Start,
    /// As the last thing of its body.
    End,
}

/// Puts `code` where `place` says.
pub(crate) fn insert(
    path: &ProjectPath,
    before: &[u8],
    symbol: &str,
    place: Where,
    code: &str,
) -> Result<Vec<u8>, EditRefusal> {
    let file = SymbolFile::open(path, before)?;
    let found = file.the_symbol(symbol)?;
    let text = dedent(file.language, &to_lf(code));
    if text.is_empty() {
        return refuse!("`code` is empty");
    }
    match place {
        Where::After => insert_after(&file, found, &text, code),
        Where::Before => {
            let margin = indent_at(before, found.range.start);
            let indented = indent(file.language, &text, &margin, false);
            let at = found.range.start;
            file.replace(at..at, &format!("{indented}\n\n{margin}"), code)
        }
        Where::Start | Where::End => insert_inside(&file, found, place, &text, code),
    }
}

/// Puts `code` after the one function so named, or where there is none, after
/// the one symbol.
pub(crate) fn insert_after_function(
    path: &ProjectPath,
    before: &[u8],
    symbol: &str,
    code: &str,
) -> Result<Vec<u8>, EditRefusal> {
    let file = SymbolFile::open(path, before)?;
    let found = if file.has_function(symbol) {
        file.the_function(symbol)?
    } else {
        file.the_symbol(symbol)?
    };
    let text = dedent(file.language, &to_lf(code));
    if text.is_empty() {
        return refuse!("`code` is empty");
    }
    insert_after(&file, found, &text, code)
}

fn insert_after(
    file: &SymbolFile<'_>,
    symbol: &Symbol,
    text: &str,
    written: &str,
) -> Result<Vec<u8>, EditRefusal> {
    let margin = indent_at(file.source, symbol.range.start);
    let mut text = indent(file.language, text, &margin, true);
    let mut at = symbol.range.end;
    // Grammars differ on whether a definition ends with its newline.
    while at > 0 && matches!(file.source[at - 1], b'\n' | b'\r') {
        at -= 1;
    }
    let mut lead = "";
    match after_spaces(file.source, at) {
        (end, Some(b';')) => at = end + 1,
        (end, Some(b',')) => {
            at = end + 1;
            if !text.ends_with(',') {
                text.push(',');
            }
        }
        (_, Some(b'}')) if is_member_of_object(file, symbol) => lead = ",",
        _ => {}
    }
    at = end_of_trailing_comment(file, at);
    file.replace(at..at, &format!("{lead}\n\n{text}"), written)
}

/// The offset of the first byte after `at` that is no space, and the byte.
fn after_spaces(source: &[u8], at: usize) -> (usize, Option<u8>) {
    let skipped = source[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    (at + skipped, source.get(at + skipped).copied())
}

/// Whether the symbol is a property of an object literal, where commas separate.
fn is_member_of_object(file: &SymbolFile<'_>, symbol: &Symbol) -> bool {
    file.parent_kind(symbol.item.clone()).as_deref() == Some("object")
}

/// A comment that ends the symbol's line stays on that line.
fn end_of_trailing_comment(file: &SymbolFile<'_>, at: usize) -> usize {
    let rest = &file.source[at..];
    let line = &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())];
    let marks: &[&[u8]] = match file.language {
        Language::Python | Language::Ruby => &[b"#"],
        Language::Php => &[b"#", b"//"],
        _ => &[b"//"],
    };
    let trimmed = line.trim_ascii();
    if marks.iter().any(|mark| trimmed.starts_with(mark)) {
        at + line.trim_ascii_end().len()
    } else {
        at
    }
}

fn insert_inside(
    file: &SymbolFile<'_>,
    symbol: &Symbol,
    place: Where,
    text: &str,
    written: &str,
) -> Result<Vec<u8>, EditRefusal> {
    let Some(body) = symbol.body.clone() else {
        return refuse!("`{}` has no body to put code into", symbol.path);
    };
    let inner = &file.source[body.clone()];
    let braced = inner.first() == Some(&b'{') && inner.last() == Some(&b'}');
    let content = if braced { body.start + 1..body.end - 1 } else { body };
    let margin = inner_margin(file, symbol, &content, braced);
    let start = place == Where::Start;
    let (at, piece) = if braced {
        let outer = indent_at(file.source, symbol.item.start);
        let text = indent(file.language, text, &margin, true);
        piece_between_braces(file.source, content, start, &text, &outer)
    } else {
        let text = indent(file.language, text, &margin, false);
        if start {
            let (first, _) = after_spaces(file.source, content.start);
            (first..first, format!("{text}\n{margin}"))
        } else {
            let last = trim_end(file.source, &content);
            (last..last, format!("\n{margin}{text}"))
        }
    };
    file.replace(at, &piece, written)
}

/// The indentation of what is in the body, or would be.
fn inner_margin(
    file: &SymbolFile<'_>,
    symbol: &Symbol,
    content: &Range<usize>,
    braced: bool,
) -> String {
    let (first, _) = after_spaces(file.source, content.start);
    let own_line = !braced || file.source[content.start..first].contains(&b'\n');
    if first < content.end && own_line {
        return indent_at(file.source, first);
    }
    let margin = indent_at(file.source, symbol.item.start);
    let unit = if margin.contains('\t') || file.language == Language::Go { "\t" } else { "    " };
    margin + unit
}

/// What replaces which bytes to put `text` first or last between braces.
fn piece_between_braces(
    source: &[u8],
    content: Range<usize>,
    start: bool,
    text: &str,
    outer: &str,
) -> (Range<usize>, String) {
    let last = trim_end(source, &content);
    if last == content.start {
        return (content, format!("\n{text}\n{outer}"));
    }
    if start {
        return (content.start..content.start, format!("\n{text}"));
    }
    let closes_own_line = source[last..content.end].contains(&b'\n');
    let rest = if closes_own_line { String::new() } else { format!("\n{outer}") };
    (last..last, format!("\n{text}{rest}"))
}

fn trim_end(source: &[u8], range: &Range<usize>) -> usize {
    range.start + source[range.clone()].trim_ascii_end().len()
}

#[cfg(test)]
mod tests;
