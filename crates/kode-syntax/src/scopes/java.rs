//! Scopes of Java. Methods and types are members; locals and parameters are
//! what can be renamed by scope alone.

use tree_sitter::Node;

use super::BindingKind::{Local, Member, Parameter};
use super::walk::{How, ScopeKind, TYPE, VALUE, Walk, for_children, for_field};
use super::{Supertype, TypeShape};

pub(super) fn enter(walk: &mut Walk<'_>, node: Node<'_>) {
    match node.kind() {
        "class_declaration"
        | "interface_declaration"
        | "enum_declaration"
        | "record_declaration"
        | "annotation_type_declaration" => {
            walk.skip(node.child_by_field_name("name"));
            note_shape(walk, node);
            walk.open(ScopeKind::Class);
            walk.inherit(supertypes(walk, node));
            if node.kind() == "record_declaration" {
                declare_components(walk, node);
            }
        }
        "class_body" | "interface_body" | "enum_body" | "annotation_type_body" => {
            walk.open(ScopeKind::Class);
            if let Some(created) =
                node.parent().filter(|p| p.kind() == "object_creation_expression")
            {
                let class = created.child_by_field_name("type");
                walk.inherit(
                    class.map(|class| supertype(walk, class, false)).into_iter().collect(),
                );
            }
        }
        "method_declaration" | "constructor_declaration" | "compact_constructor_declaration" => {
            walk.skip(node.child_by_field_name("name"));
            walk.open(ScopeKind::Function);
        }
        "lambda_expression" => enter_lambda(walk, node),
        "block"
        | "for_statement"
        | "catch_clause"
        | "try_with_resources_statement"
        | "switch_block"
        | "switch_rule"
        | "constructor_body" => {
            walk.open(ScopeKind::Block);
        }
        "enhanced_for_statement" => {
            walk.open(ScopeKind::Block);
            let body = node.child_by_field_name("body").map_or(node.end_byte(), |b| b.start_byte());
            declare_name(walk, node.child_by_field_name("name"), &How::from(Local, body));
        }
        "variable_declarator" => enter_declarator(walk, node),
        "formal_parameter" | "catch_formal_parameter" => {
            declare_name(walk, node.child_by_field_name("name"), &How::hoisted(Parameter));
        }
        "resource" => {
            let name = node.child_by_field_name("name");
            let from = name.map_or(0, |name| name.start_byte());
            declare_name(walk, name, &How::from(Local, from));
        }
        _ => enter_leaf(walk, node),
    }
}

fn enter_leaf(walk: &mut Walk<'_>, node: Node<'_>) {
    match node.kind() {
        "instanceof_expression" => {
            let name = node.child_by_field_name("name");
            let from = name.map_or(0, |name| name.start_byte());
            declare_name(walk, name, &How::from(Local, from));
        }
        "type_pattern" | "record_pattern_component" => {
            let mut name = None;
            for_children(node, |child| {
                if child.kind() == "identifier" {
                    name = Some(child);
                }
            });
            let from = name.map_or(0, |name: Node<'_>| name.start_byte());
            declare_name(walk, name, &How::from(Local, from));
        }
        "field_access" => walk.skip(node.child_by_field_name("field")),
        "method_invocation" => walk.skip(node.child_by_field_name("name")),
        "method_reference" => {
            let last = node.named_child_count().saturating_sub(1);
            if last > 0 {
                walk.skip(node.named_child(last as u32));
            }
        }
        "labeled_statement" | "break_statement" | "continue_statement" => {
            if let Some(label) = node.named_child(0).filter(|n| n.kind() == "identifier") {
                walk.skip(Some(label));
            }
        }
        "annotation" | "marker_annotation" => walk.skip(node.child_by_field_name("name")),
        "element_value_pair" => walk.skip(node.child_by_field_name("key")),
        "enum_constant" => walk.skip(node.child_by_field_name("name")),
        "package_declaration" | "import_declaration" => {
            for_children(node, |part| walk.skip(Some(part)));
        }
        "type_parameter" => {
            if let Some(name) = node.named_child(0) {
                walk.declare(name, How::hoisted(Local).spaces(TYPE));
            }
        }
        "scoped_type_identifier" => for_children(node, |part| walk.skip(Some(part))),
        "scoped_identifier" => walk.skip(node.child_by_field_name("name")),
        "switch_label" => enter_switch_label(walk, node),
        "identifier" => walk.refer(node, VALUE),
        "type_identifier" => walk.refer(node, TYPE),
        _ => {}
    }
}

/// An enum constant in a `case` is a bare name that no scope explains.
fn enter_switch_label(walk: &mut Walk<'_>, node: Node<'_>) {
    for_children(node, |label| {
        if label.kind() == "identifier" {
            walk.refer_as(
                label,
                VALUE,
                super::walk::plain(label, false),
                Some("a `case` label may mean an enum constant of that name"),
            );
        }
    });
}

fn declare_name(walk: &mut Walk<'_>, name: Option<Node<'_>>, how: &How) {
    if let Some(name) = name.filter(|name| name.kind() == "identifier") {
        walk.declare(name, how.clone().spaces(VALUE));
    }
}

fn enter_declarator(walk: &mut Walk<'_>, node: Node<'_>) {
    let Some(name) = node.child_by_field_name("name") else { return };
    let field = node.parent().is_some_and(|parent| {
        matches!(parent.kind(), "field_declaration" | "constant_declaration")
    });
    let spread = node.parent().is_some_and(|parent| parent.kind() == "spread_parameter");
    let how = if field {
        How::hoisted(Member)
    } else if spread {
        How::hoisted(Parameter)
    } else {
        How::from(Local, name.start_byte())
    };
    declare_name(walk, Some(name), &how);
}

fn declare_components(walk: &mut Walk<'_>, record: Node<'_>) {
    let Some(parameters) = record.child_by_field_name("parameters") else { return };
    for_children(parameters, |parameter| {
        declare_name(walk, parameter.child_by_field_name("name"), &How::hoisted(Member));
    });
}

fn enter_lambda(walk: &mut Walk<'_>, node: Node<'_>) {
    walk.open(ScopeKind::Function);
    for_field(node, "parameters", |parameters| match parameters.kind() {
        "identifier" => declare_name(walk, Some(parameters), &How::hoisted(Parameter)),
        "inferred_parameters" => for_children(parameters, |name| {
            declare_name(walk, Some(name), &How::hoisted(Parameter));
        }),
        _ => {}
    });
}

/// The type a name in an `extends` or after `new` stands for: its last name.
fn supertype(walk: &Walk<'_>, mut node: Node<'_>, interface: bool) -> Supertype {
    while node.kind() == "generic_type" || node.kind() == "annotated_type" {
        let last = node.named_child_count().saturating_sub(1);
        let inner = if node.kind() == "generic_type" { 0 } else { last };
        match node.named_child(inner as u32) {
            Some(inner) => node = inner,
            None => break,
        }
    }
    let name = walk.text(node).rsplit('.').next().unwrap_or_default().trim().to_owned();
    Supertype { name, interface }
}

/// What a class or interface inherits from.
fn supertypes(walk: &Walk<'_>, class: Node<'_>) -> Vec<Supertype> {
    let mut found = Vec::new();
    for_children(class, |part| {
        let interface = match part.kind() {
            "superclass" => false,
            "super_interfaces" | "extends_interfaces" => true,
            _ => return,
        };
        for_children(part, |list| {
            if list.kind() == "type_list" {
                for_children(list, |one| found.push(supertype(walk, one, interface)));
            } else {
                found.push(supertype(walk, list, interface));
            }
        });
    });
    found
}

/// Notes the type with the fields that its heirs see.
fn note_shape(walk: &mut Walk<'_>, class: Node<'_>) {
    let Some(name) = class.child_by_field_name("name") else { return };
    let mut members = Vec::new();
    let mut note = |field: Node<'_>| {
        if matches!(field.kind(), "field_declaration" | "constant_declaration")
            && !is_private(walk, field)
        {
            for_field(field, "declarator", |declarator| {
                let name = declarator.child_by_field_name("name");
                members.extend(name.map(|name| walk.text(name).to_owned()));
            });
        }
    };
    if let Some(body) = class.child_by_field_name("body") {
        for_children(body, &mut note);
    }
    let shape = TypeShape {
        name: walk.text(name).to_owned(),
        supertypes: supertypes(walk, class),
        members,
        keyed_by_expression: false,
        range: class.byte_range(),
    };
    walk.note_type(shape);
}

fn is_private(walk: &Walk<'_>, field: Node<'_>) -> bool {
    let mut private = false;
    for_children(field, |part| {
        private |= part.kind() == "modifiers"
            && walk.text(part).split_whitespace().any(|word| word == "private");
    });
    private
}
