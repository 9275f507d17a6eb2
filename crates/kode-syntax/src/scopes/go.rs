//! Scopes of Go: blocks, with names seen from their declaration on.

use tree_sitter::Node;

use super::BindingKind::{Import, Item, Local, Parameter};
use super::go_types::{self, Keyed};
use super::walk::{How, KEY, ScopeKind, Walk, for_children, for_field, plain};
use super::walk::{TYPE, VALUE};

const BOTH: u8 = VALUE | TYPE;
/// What a variable or a constant is found as; functions and types are no keys of maps.
const VARIABLE: u8 = BOTH | KEY;

pub(super) fn enter(walk: &mut Walk<'_>, node: Node<'_>) {
    match node.kind() {
        "source_file" => go_types::collect(walk, node),
        "function_declaration" => {
            if let Some(name) = node.child_by_field_name("name") {
                declare_package_name(walk, name, BOTH);
            }
            enter_function(walk, node);
        }
        "method_declaration" | "func_literal" | "function_type" | "method_elem" => {
            enter_function(walk, node);
        }
        "block" => {
            let function = node.parent().is_some_and(|parent| {
                matches!(
                    parent.kind(),
                    "function_declaration" | "method_declaration" | "func_literal"
                )
            });
            // A function's parameters are in the scope of its body.
            if !function {
                walk.open(ScopeKind::Block);
            }
        }
        "if_statement"
        | "for_statement"
        | "expression_switch_statement"
        | "type_switch_statement"
        | "select_statement"
        | "expression_case"
        | "type_case"
        | "default_case"
        | "communication_case" => {
            walk.open(ScopeKind::Block);
            if node.kind() == "type_switch_statement" {
                let from = node.child_by_field_name("value").map_or(0, |value| value.end_byte());
                for_field(node, "alias", |alias| {
                    for_children(alias, |name| declare_from(walk, name, from));
                });
            }
        }
        "short_var_declaration" => {
            if let Some(left) = node.child_by_field_name("left") {
                for_children(left, |name| declare_or_refer(walk, name, node.end_byte()));
            }
        }
        "var_spec" | "const_spec" => {
            for_field(node, "name", |name| {
                if walk.current == 0 {
                    declare_package_name(walk, name, VARIABLE);
                } else {
                    declare_from(walk, name, node.end_byte());
                }
            });
        }
        _ => enter_leaf(walk, node),
    }
}

fn enter_leaf(walk: &mut Walk<'_>, node: Node<'_>) {
    match node.kind() {
        "type_spec" | "type_alias" => {
            if let Some(name) = node.child_by_field_name("name") {
                if walk.current == 0 {
                    declare_package_name(walk, name, BOTH);
                } else {
                    declare_from(walk, name, name.start_byte());
                }
            }
            walk.open(ScopeKind::Block);
            declare_parameters(walk, node.child_by_field_name("type_parameters"), None);
        }
        "range_clause" => {
            if has_token(node, ":=")
                && let Some(left) = node.child_by_field_name("left")
            {
                for_children(left, |name| declare_from(walk, name, node.end_byte()));
            }
        }
        "receive_statement" => {
            if has_token(node, ":=")
                && let Some(left) = node.child_by_field_name("left")
            {
                for_children(left, |name| declare_from(walk, name, node.end_byte()));
            }
        }
        "import_spec" => enter_import(walk, node),
        "qualified_type" => walk.skip(node.child_by_field_name("name")),
        "field_declaration" => {
            if let Some(name) = go_types::embedded(node) {
                let why = "a struct embeds it, so that it is the name of a field as well";
                walk.refer_as(name, BOTH, plain(name, false), Some(why));
            }
        }
        "keyed_element" => enter_keyed_element(walk, node),
        "package_clause" => walk.skip(Some(node)),
        // The grammar takes a variable of such a name for the constant.
        "iota" | "nil" | "true" | "false" => {
            walk.block_name(walk.text(node), "a predeclared constant has that name");
        }
        "identifier" | "type_identifier" | "package_identifier" if walk.text(node) != "_" => {
            walk.refer(node, BOTH);
        }
        _ => {}
    }
}

/// A package-level name: other files of the package see it.
fn declare_package_name(walk: &mut Walk<'_>, name: Node<'_>, spaces: u8) {
    let text = walk.text(name);
    if matches!(text, "_" | "init") {
        walk.skip(Some(name));
        return;
    }
    let id = walk.declare(name, How::hoisted(Item).spaces(spaces));
    walk.mark_visible_outside(id);
    if text == "main" {
        walk.block(id, "`main` is where the program starts");
    }
}

fn declare_from(walk: &mut Walk<'_>, name: Node<'_>, from: usize) {
    if name.kind() != "identifier" && name.kind() != "type_identifier" {
        return;
    }
    if walk.text(name) == "_" {
        walk.skip(Some(name));
        return;
    }
    walk.declare(name, How::from(Local, from).spaces(VARIABLE));
}

/// `:=` declares what its block does not have yet.
fn declare_or_refer(walk: &mut Walk<'_>, name: Node<'_>, from: usize) {
    if name.kind() == "identifier"
        && let Some(known) = walk.known_in(walk.current, walk.text(name), BOTH)
    {
        walk.add_place(known, name);
        return;
    }
    declare_from(walk, name, from);
}

fn has_token(node: Node<'_>, token: &str) -> bool {
    let mut cursor = node.walk();
    node.children(&mut cursor).any(|child| child.kind() == token)
}

fn enter_function(walk: &mut Walk<'_>, node: Node<'_>) {
    walk.open(ScopeKind::Function);
    declare_parameters(walk, node.child_by_field_name("type_parameters"), None);
    // The signature itself does not see the parameters (`func(url *url.URL)`).
    let body = node.child_by_field_name("body").map_or(node.end_byte(), |body| body.start_byte());
    for field in ["receiver", "parameters", "result"] {
        declare_parameters(walk, node.child_by_field_name(field), Some(body));
    }
}

fn declare_parameters(walk: &mut Walk<'_>, list: Option<Node<'_>>, from: Option<usize>) {
    let Some(list) = list else { return };
    if !matches!(list.kind(), "parameter_list" | "type_parameter_list") {
        return;
    }
    for_children(list, |parameter| {
        for_field(parameter, "name", |name| {
            if walk.text(name) == "_" {
                walk.skip(Some(name));
            } else {
                walk.declare(name, How { from, ..How::hoisted(Parameter).spaces(VARIABLE) });
            }
        });
    });
}

fn enter_import(walk: &mut Walk<'_>, node: Node<'_>) {
    let Some(name) = node.child_by_field_name("name") else { return };
    if name.kind() == "package_identifier" {
        walk.declare(name, How::hoisted(Import));
    }
}

/// The key of `T{key: value}` is a field where `T` is a struct, and an
/// expression where it is a map, slice or array.
fn enter_keyed_element(walk: &mut Walk<'_>, node: Node<'_>) {
    let key = node.child_by_field_name("key").or_else(|| node.named_child(0));
    let Some(key) = key else { return };
    let name = if key.kind() == "literal_element" { key.named_child(0) } else { Some(key) };
    let Some(name) = name.filter(|name| name.kind() == "identifier") else { return };
    match go_types::keyed(walk, node, name) {
        Keyed::ByExpression => {}
        Keyed::ByField => walk.skip(Some(name)),
        Keyed::As(type_name) => {
            walk.note_doubtful_key(name, &type_name);
            walk.skip(Some(name));
        }
        Keyed::Unclear => walk.refer_as(
            name,
            KEY,
            plain(name, false),
            Some("the key of a literal may mean it, or a field of that name"),
        ),
    }
}
