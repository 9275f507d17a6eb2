//! Scopes of Rust: items are hoisted, every `let` is a binding of its own.

use tree_sitter::Node;

use super::BindingKind::{Import, Item, Local, Parameter};
use super::walk::{How, ScopeKind, TYPE, VALUE, Walk, for_children, is_field, spelled};
use super::{rust_macros, rust_patterns};

const BOTH: u8 = VALUE | TYPE;
const BY_PATH: &str = "a path mentions the name and may mean it";

pub(super) fn enter(walk: &mut Walk<'_>, node: Node<'_>) {
    match node.kind() {
        "function_item" | "function_signature_item" => enter_function(walk, node),
        "closure_expression" => {
            walk.open(ScopeKind::Function);
            if let Some(parameters) = node.child_by_field_name("parameters") {
                for_children(parameters, |parameter| {
                    let pattern = parameter.child_by_field_name("pattern").unwrap_or(parameter);
                    rust_patterns::declare(walk, pattern, &How::hoisted(Parameter).spaces(VALUE));
                });
            }
        }
        "block" | "if_expression" | "while_expression" => {
            walk.open(ScopeKind::Block);
        }
        "match_arm" => {
            walk.open(ScopeKind::Block);
            if let Some(pattern) = node.child_by_field_name("pattern") {
                let pattern = pattern.named_child(0).unwrap_or(pattern);
                let how = How::from(Local, pattern.end_byte()).spaces(VALUE);
                rust_patterns::declare(walk, pattern, &how);
            }
        }
        "for_expression" => {
            walk.open(ScopeKind::Block);
            let body = node.child_by_field_name("body").map_or(node.end_byte(), |b| b.start_byte());
            if let Some(pattern) = node.child_by_field_name("pattern") {
                rust_patterns::declare(walk, pattern, &How::from(Local, body).spaces(VALUE));
            }
        }
        "let_declaration" => {
            if let Some(pattern) = node.child_by_field_name("pattern") {
                let how = How::from(Local, node.end_byte()).spaces(VALUE);
                rust_patterns::declare(walk, pattern, &how);
            }
        }
        "let_condition" => enter_let_condition(walk, node),
        "struct_item" | "enum_item" | "union_item" | "type_item" | "trait_item"
        | "associated_type" => {
            // Tuple and unit structs are values as well.
            declare_item(walk, node, if node.kind() == "struct_item" { BOTH } else { TYPE });
            walk.open(ScopeKind::Block);
        }
        "impl_item" => {
            walk.open(ScopeKind::Block);
        }
        "const_item" | "static_item" => declare_item(walk, node, VALUE),
        "mod_item" => {
            declare_item(walk, node, TYPE);
            walk.open(ScopeKind::Module);
        }
        "macro_definition" => rust_macros::enter_definition(walk, node),
        "macro_invocation" => rust_macros::enter_invocation(walk, node),
        "attribute_item" | "inner_attribute_item" => walk_past_attribute(walk, node),
        _ => enter_leaf(walk, node),
    }
}

fn walk_past_attribute(walk: &mut Walk<'_>, node: Node<'_>) {
    for_children(node, |part| walk.skip(Some(part)));
}

fn enter_leaf(walk: &mut Walk<'_>, node: Node<'_>) {
    match node.kind() {
        "type_parameter"
        | "const_parameter"
        | "constrained_type_parameter"
        | "optional_type_parameter" => {
            let name = node
                .child_by_field_name("name")
                .or_else(|| node.child_by_field_name("left"))
                .or_else(|| node.named_child(0));
            if let Some(name) =
                name.filter(|n| matches!(n.kind(), "type_identifier" | "identifier"))
            {
                walk.declare(name, How::hoisted(Local).spaces(BOTH));
            }
        }
        "type_parameters" => for_children(node, |parameter| {
            if parameter.kind() == "type_identifier" {
                walk.declare(parameter, How::hoisted(Local).spaces(TYPE));
            }
        }),
        "scoped_identifier" | "scoped_type_identifier" => {
            // `crate::a`, `self::a`, `m::a` may mean an item of this file.
            if let Some(name) = node.child_by_field_name("name") {
                walk.block_item_name(walk.text(name), BY_PATH);
            }
            walk.skip(node.child_by_field_name("name"));
        }
        "enum_variant" => walk.skip(node.child_by_field_name("name")),
        "use_declaration" | "extern_crate_declaration" => enter_use(walk, node),
        "shorthand_field_initializer" => {
            if let Some(name) = node.named_child(0).filter(|n| n.kind() == "identifier") {
                let before = format!("{}: ", walk.text(name));
                walk.refer_as(name, VALUE, spelled(name, before, String::new(), false), None);
            }
        }
        // Lifetimes and labels have names of their own kind.
        "lifetime" | "label" => walk.skip(node.named_child(0)),
        "identifier" => {
            // In `a::b`, `a` is a module, type or import.
            let path = node.parent().is_some_and(|parent| {
                parent.kind().starts_with("scoped_") && is_field(node, parent, "path")
            });
            walk.refer(node, if path { TYPE } else { VALUE });
        }
        "type_identifier" => walk.refer(node, TYPE),
        _ => {}
    }
}

/// Whether `node` is directly in an `impl` or `trait`.
fn is_associated(node: Node<'_>) -> bool {
    node.parent()
        .filter(|list| list.kind() == "declaration_list")
        .and_then(|list| list.parent())
        .is_some_and(|owner| matches!(owner.kind(), "impl_item" | "trait_item"))
}

fn declare_item(walk: &mut Walk<'_>, node: Node<'_>, spaces: u8) {
    let Some(name) = node.child_by_field_name("name") else { return };
    if is_associated(node) {
        walk.skip(Some(name));
        return;
    }
    let id = walk.declare(name, How::hoisted(Item).spaces(spaces));
    // Paths from other modules (`self::a`, `super::a`) reach every item.
    walk.mark_visible_outside(id);
    if walk.text(name) == "main" {
        walk.block(id, "`main` is where the program starts");
    }
}

fn enter_function(walk: &mut Walk<'_>, node: Node<'_>) {
    declare_item(walk, node, VALUE);
    walk.open(ScopeKind::ItemFunction);
    let Some(parameters) = node.child_by_field_name("parameters") else { return };
    for_children(parameters, |parameter| {
        if let Some(pattern) = parameter.child_by_field_name("pattern") {
            rust_patterns::declare(walk, pattern, &How::hoisted(Parameter).spaces(VALUE));
        }
    });
}

/// `if let`: bound from the end of the condition to the end of what it guards.
fn enter_let_condition(walk: &mut Walk<'_>, node: Node<'_>) {
    let Some(pattern) = node.child_by_field_name("pattern") else { return };
    let mut until = None;
    let mut parent = node.parent();
    while let Some(outer) = parent {
        match outer.kind() {
            "if_expression" => {
                until = outer.child_by_field_name("consequence").map(|block| block.end_byte());
                break;
            }
            "while_expression" | "match_arm" => {
                until = Some(outer.end_byte());
                break;
            }
            "let_chain" | "binary_expression" | "parenthesized_expression" | "match_pattern" => {}
            _ => break,
        }
        parent = outer.parent();
    }
    let how = How { until, ..How::from(Local, node.end_byte()).spaces(VALUE) };
    rust_patterns::declare(walk, pattern, &how);
}

fn enter_use(walk: &mut Walk<'_>, node: Node<'_>) {
    let mut pending: Vec<Node<'_>> = Vec::new();
    for_children(node, |child| pending.push(child));
    while let Some(part) = pending.pop() {
        match part.kind() {
            "use_list" => for_children(part, |child| pending.push(child)),
            "scoped_use_list" => {
                // The path's first segment may be a module or import of this file.
                if let Some(path) = part.child_by_field_name("path") {
                    block_segments(walk, path);
                }
                pending.extend(part.child_by_field_name("list"));
            }
            "use_as_clause" => {
                if let Some(alias) = part.child_by_field_name("alias") {
                    walk.declare(alias, How::hoisted(Import));
                }
                if let Some(path) = part.child_by_field_name("path") {
                    let last = path.child_by_field_name("name").unwrap_or(path);
                    walk.block_item_name(walk.text(last), BY_PATH);
                }
                refer_to_root(walk, part.child_by_field_name("path"));
            }
            "scoped_identifier" => {
                if let Some(name) = part.child_by_field_name("name") {
                    declare_use(walk, name);
                }
                block_segments(walk, part);
                refer_to_root(walk, part.child_by_field_name("path"));
            }
            "identifier" => {
                let scoped = part.parent().is_some_and(|p| p.kind() == "use_list");
                if scoped { declare_use(walk, part) } else { walk.skip(Some(part)) }
            }
            _ => {}
        }
    }
}

/// Modules of this file may stand anywhere in a path.
fn block_segments(walk: &mut Walk<'_>, path: Node<'_>) {
    for segment in walk.text(path).split("::") {
        walk.block_item_name(segment.trim(), BY_PATH);
    }
}

fn refer_to_root(walk: &mut Walk<'_>, path: Option<Node<'_>>) {
    let Some(mut path) = path else { return };
    while path.kind() == "scoped_identifier" {
        match path.child_by_field_name("path") {
            Some(inner) => path = inner,
            None => return,
        }
    }
    if path.kind() == "identifier" {
        walk.refer(path, TYPE);
    }
}

fn declare_use(walk: &mut Walk<'_>, name: Node<'_>) {
    if walk.text(name) == "self" {
        return;
    }
    walk.block_item_name(walk.text(name), BY_PATH);
    let place = spelled(name, format!("{} as ", walk.text(name)), String::new(), true);
    let public = has_visibility(name);
    let id = walk.declare_in(walk.current, name, How::hoisted(Import), place);
    if public {
        walk.block(id, "it is re-exported");
    }
}

fn has_visibility(mut node: Node<'_>) -> bool {
    while let Some(parent) = node.parent() {
        if parent.kind() == "use_declaration" {
            return parent.named_child(0).is_some_and(|c| c.kind() == "visibility_modifier");
        }
        node = parent;
    }
    false
}
