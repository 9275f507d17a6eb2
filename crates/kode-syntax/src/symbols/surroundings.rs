//! What belongs to a definition besides its own node: the wrappers that only
//! modify it, and the decorators, attributes and doc comments directly above.

use std::ops::Range;

use tree_sitter::Node;

use crate::Language;

/// The range of `node` with everything that belongs to it.
pub(super) fn with_surroundings(language: Language, node: Node<'_>, source: &[u8]) -> Range<usize> {
    let outer = outermost_wrapper(node);
    let mut start = outer;
    while let Some(above) = start.prev_sibling() {
        if !belongs_to_next(language, above, source) || blank_line_between(above, start, source) {
            break;
        }
        if shares_its_line_with_code(above, source) {
            break;
        }
        start = above;
    }
    start.start_byte()..outer.end_byte()
}

/// The node that ends up being moved when the definition is: export, decoration, template.
fn outermost_wrapper(mut node: Node<'_>) -> Node<'_> {
    while let Some(parent) = node.parent() {
        let wraps = match parent.kind() {
            "export_statement"
            | "decorated_definition"
            | "template_declaration"
            | "ambient_declaration"
            | "expression_statement" => true,
            "lexical_declaration" | "variable_declaration" | "type_declaration" => {
                parent.named_child_count() == 1
            }
            _ => false,
        };
        if !wraps {
            break;
        }
        node = parent;
    }
    node
}

fn belongs_to_next(language: Language, node: Node<'_>, source: &[u8]) -> bool {
    match node.kind() {
        "decorator" | "attribute_item" | "attribute_list" => true,
        kind if kind.contains("comment") => {
            let text = node.utf8_text(source).unwrap_or_default();
            match language {
                Language::Rust => text.starts_with("///") || text.starts_with("/**"),
                // An inner `#!` line or licence header is kept apart by its blank line.
                _ => !text.starts_with("#!"),
            }
        }
        _ => false,
    }
}

fn blank_line_between(above: Node<'_>, below: Node<'_>, source: &[u8]) -> bool {
    let between = source.get(above.end_byte()..below.start_byte()).unwrap_or_default();
    let newlines = memchr_count(between);
    // A line comment of some grammars ends after its newline.
    let own = usize::from(source.get(above.end_byte().wrapping_sub(1)) == Some(&b'\n'));
    newlines + own > 1
}

fn memchr_count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

/// A trailing comment belongs to the line it ends, not to what follows.
fn shares_its_line_with_code(node: Node<'_>, source: &[u8]) -> bool {
    let before = &source[..node.start_byte()];
    before.iter().rev().take_while(|&&byte| byte != b'\n').any(|byte| !byte.is_ascii_whitespace())
}
