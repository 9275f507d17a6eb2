//! Names inside Rust macro calls: the grammar sees only tokens there.

use tree_sitter::Node;

use super::Occurrence;
use super::walk::{TYPE, VALUE, Walk, for_children};

const BOTH: u8 = VALUE | TYPE;

/// Macros whose first string literal may capture names (`{x}`), as of the
/// standard library and the log, tracing and anyhow crates.
const FORMATTING: [&str; 32] = [
    "format",
    "print",
    "println",
    "eprint",
    "eprintln",
    "write",
    "writeln",
    "panic",
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "todo",
    "unimplemented",
    "unreachable",
    "format_args",
    "error",
    "warn",
    "info",
    "debug",
    "trace",
    "log",
    "anyhow",
    "bail",
    "ensure",
    "event",
    "span",
    "concat",
    "format_err",
    "matches",
];

pub(super) fn enter_definition(walk: &mut Walk<'_>, node: Node<'_>) {
    for_children(node, |part| walk.skip(Some(part)));
    let mut pending = vec![node];
    while let Some(part) = pending.pop() {
        if part.kind() == "identifier" {
            walk.block_name(walk.text(part), "a macro_rules body mentions the name");
        }
        for_children(part, |child| pending.push(child));
    }
}

pub(super) fn enter_invocation(walk: &mut Walk<'_>, node: Node<'_>) {
    let name = node.child_by_field_name("macro");
    walk.skip(name);
    let name = name.map(|name| walk.text(name)).unwrap_or_default();
    let formatting = FORMATTING.contains(&name.rsplit("::").next().unwrap_or(name));
    let mut pending: Vec<Node<'_>> = Vec::new();
    for_children(node, |child| {
        if child.kind() == "token_tree" {
            pending.push(child);
        }
    });
    let named = if formatting { named_arguments(walk, &pending) } else { Vec::new() };
    while let Some(tree) = pending.pop() {
        for_children(tree, |token| match token.kind() {
            "token_tree" => pending.push(token),
            "identifier" => enter_token(walk, tree, token, formatting),
            "string_literal" | "raw_string_literal" => {
                enter_string(walk, token, formatting, &named)
            }
            _ => walk.skip(Some(token)),
        });
    }
}

/// What the call's own `name = …` arguments explain in its format string.
fn named_arguments<'s>(walk: &Walk<'s>, trees: &[Node<'_>]) -> Vec<&'s str> {
    let mut names = Vec::new();
    for tree in trees {
        for_children(*tree, |token| {
            let after = walk.source[token.end_byte().min(walk.source.len())..].trim_ascii_start();
            let assigned = after.starts_with(b"=") && !after.starts_with(b"==");
            if token.kind() == "identifier" && assigned && !after.starts_with(b"=>") {
                names.push(walk.text(token));
            }
        });
    }
    names
}

fn enter_token(walk: &mut Walk<'_>, tree: Node<'_>, token: Node<'_>, formatting: bool) {
    let source = walk.source;
    if source[..token.start_byte()].ends_with(b"'") {
        // A lifetime or a label.
        walk.skip(Some(token));
        return;
    }
    let before = source[..token.start_byte()].trim_ascii_end();
    let after = source[token.end_byte().min(source.len())..].trim_ascii_start();
    let range = before.ends_with(b"..");
    let member = before.ends_with(b".") && !range || before.ends_with(b"::");
    let field = after.starts_with(b":") && !after.starts_with(b"::");
    let named_argument = formatting
        && after.starts_with(b"=")
        && !after.starts_with(b"==")
        && !after.starts_with(b"=>");
    let macro_call = after.starts_with(b"!") && !after.starts_with(b"!=");
    if member || macro_call || named_argument || (field && !in_let(before)) {
        walk.skip(Some(token));
        return;
    }
    let why = may_be_shorthand(tree, source, before, after)
        .then_some("a macro call may use it as a shorthand field");
    let place = Occurrence {
        range: token.byte_range(),
        before: String::new(),
        after: String::new(),
        declares: false,
    };
    walk.refer_as(token, BOTH, place, why);
}

fn in_let(before: &[u8]) -> bool {
    before.ends_with(b"let") || before.ends_with(b"mut")
}

/// `Name { x, y }` in a token tree: a struct literal, or a block after a name.
fn may_be_shorthand(tree: Node<'_>, source: &[u8], before: &[u8], after: &[u8]) -> bool {
    let opens = before.ends_with(b"{") || before.ends_with(b",");
    let closes = after.starts_with(b",") || after.starts_with(b"}");
    let braced = source.get(tree.start_byte()) == Some(&b'{');
    let named = source[..tree.start_byte()]
        .trim_ascii_end()
        .last()
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    opens && closes && braced && named
}

/// Captured names in a format string: `{x}`, `{x:?}`, `{:width$}`.
fn enter_string(walk: &mut Walk<'_>, literal: Node<'_>, formatting: bool, named: &[&str]) {
    walk.skip(Some(literal));
    let text = walk.text(literal);
    let start = literal.start_byte();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'{' {
            at += 1;
            continue;
        }
        if bytes.get(at + 1) == Some(&b'{') {
            at += 2;
            continue;
        }
        let Some(length) = text[at..].find('}') else { return };
        for (offset, name) in captured(&text[at + 1..at + length]) {
            if named.contains(&name) {
                continue;
            }
            let from = start + at + 1 + offset;
            let place = Occurrence {
                range: from..from + name.len(),
                before: String::new(),
                after: String::new(),
                declares: false,
            };
            let why = (!formatting).then_some("a string of an unknown macro may capture it");
            walk.refer_named(name.to_owned(), from, VALUE, place, why);
        }
        at += length + 1;
    }
}

/// The names in one `{…}`, with their offsets.
fn captured(hole: &str) -> Vec<(usize, &str)> {
    let mut names = Vec::new();
    let (argument, format) = hole.split_once(':').unwrap_or((hole, ""));
    if is_name(argument) {
        names.push((0, argument));
    }
    let base = argument.len() + 1;
    let mut from = 0;
    while let Some(dollar) = format[from..].find('$') {
        let end = from + dollar;
        let begin = format[..end]
            .rfind(|c: char| !(c.is_alphanumeric() || c == '_'))
            .map_or(0, |at| at + format[at..].chars().next().map_or(1, char::len_utf8));
        if is_name(&format[begin..end]) {
            names.push((base + begin, &format[begin..end]));
        }
        from = end + 1;
    }
    names
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}
