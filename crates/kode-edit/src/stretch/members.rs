//! The members of a class around a change, in languages where all code stands in
//! classes. The text before them, read once, tells that only classes are open there.

use std::ops::Range;

use kode_syntax::{Language, SourceTree};

use super::outside::classes::member_begin;
use super::{Stretch, line_begins};

/// The members from the last begin of one before the change to the first one behind it,
/// or the end of their class.
pub(super) fn members_around(
    language: Language,
    before: &[u8],
    after: &[u8],
    range: &Range<usize>,
) -> Option<Stretch> {
    let start = member_begin(language, before, range.start)?;
    let margin = margin_at(before, start)?;
    let grown = |at: usize| (at + after.len()).checked_sub(before.len());
    let ends = |at: &usize| {
        let grown = grown(*at).filter(|grown| *grown >= start);
        ends_at(before, *at, margin) && grown.is_some_and(|grown| ends_at(after, grown, margin))
    };
    let end = line_begins(before, range.end).find(ends)?;
    let stretch = Stretch::new(start..end, start..grown(end)?);
    let wrapping = if language == Language::Php { ("<?php\nclass A {\n", "}\n") } else { ("", "") };
    Some(Stretch { wrapping, in_class: true, ..stretch })
}

/// The indentation of the first filled line from `start` on.
fn margin_at(text: &[u8], start: usize) -> Option<&[u8]> {
    let filled =
        text[start..].split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty());
    filled.map(margin)
}

fn margin(line: &[u8]) -> &[u8] {
    &line[..line.len() - line.trim_ascii_start().len()]
}

/// Whether a member ended before the line at `at` and another begins in it, as far in
/// from the left, or its class ends there. Whether that is so in truth the parser tells
/// of the text up to there.
fn ends_at(text: &[u8], at: usize, inside: &[u8]) -> bool {
    let ended = matches!(text[..at].trim_ascii_end().last(), Some(b'}' | b';' | b'{'));
    let line = &text[at..];
    let line = &line[..memchr::memchr(b'\n', line).unwrap_or(line.len())];
    let (outside, first) = (margin(line), line.trim_ascii_start().first());
    ended
        && first.is_some_and(|first| match first {
            b'}' => outside.len() < inside.len() && inside.starts_with(outside),
            b'@' | b'[' | b'/' | b'_' => outside == inside,
            first => outside == inside && first.is_ascii_alphabetic(),
        })
}

/// Whether what parses at the top of a file parses in a class as well.
pub(super) fn holds_only_members(tree: &SourceTree) -> bool {
    let root = tree.tree.root_node();
    let mut cursor = root.walk();
    if tree.language == Language::Php {
        // The class put around them is still all there is.
        let kinds: Vec<&str> = root.named_children(&mut cursor).map(|node| node.kind()).collect();
        return kinds == ["php_tag", "class_declaration"];
    }
    root.named_children(&mut cursor).all(|node| match node.kind() {
        "method_declaration"
        | "local_variable_declaration"
        | "class_declaration"
        | "interface_declaration"
        | "enum_declaration"
        | "record_declaration"
        | "struct_declaration"
        | "delegate_declaration"
        | "line_comment"
        | "block_comment"
        | "comment" => true,
        "global_statement" => node.named_child(0).is_some_and(|statement| {
            let using = statement.child(0).is_some_and(|first| !first.is_named());
            statement.kind() == "local_function_statement"
                || statement.kind() == "local_declaration_statement" && !using
        }),
        _ => false,
    })
}
