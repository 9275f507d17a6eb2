//! The names a Rust pattern binds.

use tree_sitter::Node;

use super::Occurrence;
use super::walk::{DeclaredId, How, VALUE, Walk, for_children, plain, spelled};

/// Declares what `pattern` binds. Alternatives (`A(x) | B(x)`) bind one name together.
pub(super) fn declare(walk: &mut Walk<'_>, pattern: Node<'_>, how: &How) {
    let mut bound: Vec<(String, DeclaredId)> = Vec::new();
    let mut pending = vec![pattern];
    while let Some(node) = pending.pop() {
        match node.kind() {
            "identifier" => bind(walk, node, plain(node, true), how, &mut bound),
            "shorthand_field_identifier" => {}
            "field_pattern" => {
                if let Some(inner) = node.child_by_field_name("pattern") {
                    pending.push(inner);
                } else if let Some(name) = node.child_by_field_name("name") {
                    let place = spell_out_field(walk, node, name);
                    bind(walk, name, place, how, &mut bound);
                }
            }
            "tuple_struct_pattern" | "struct_pattern" => {
                let path = node.child_by_field_name("type");
                for_children(node, |child| {
                    if Some(child.id()) != path.map(|path| path.id()) {
                        pending.push(child);
                    }
                });
            }
            "tuple_pattern"
            | "slice_pattern"
            | "or_pattern"
            | "ref_pattern"
            | "mut_pattern"
            | "reference_pattern"
            | "captured_pattern"
            | "box_pattern"
            | "parenthesized_pattern" => for_children(node, |child| pending.push(child)),
            _ => {}
        }
    }
}

fn bind(
    walk: &mut Walk<'_>,
    name: Node<'_>,
    place: Occurrence,
    how: &How,
    bound: &mut Vec<(String, DeclaredId)>,
) {
    let text = walk.text(name);
    // By convention (and lint) constants and unit variants begin in upper case.
    if text.starts_with(char::is_uppercase) {
        return;
    }
    if let Some((_, known)) = bound.iter().find(|(known, _)| known == text) {
        walk.skip(Some(name));
        walk.add_occurrence(*known, place);
        return;
    }
    let mut how = how.clone();
    how.spaces = VALUE;
    let id = walk.declare_in(walk.current, name, how, place);
    bound.push((text.to_owned(), id));
}

/// `S { ref mut x }` is short for `S { x: ref mut x }`.
fn spell_out_field(walk: &Walk<'_>, field: Node<'_>, name: Node<'_>) -> Occurrence {
    let text = walk.text(name);
    let modifiers = walk
        .source
        .get(field.start_byte()..name.start_byte())
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .unwrap_or_default();
    let mut place = spelled(name, format!("{text}: {modifiers}"), String::new(), true);
    place.range.start = field.start_byte();
    place
}
