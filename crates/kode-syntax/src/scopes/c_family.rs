//! Scopes of C and C++: names are seen from their declarator on.

use tree_sitter::Node;

use super::BindingKind::{Item, Local, Member, Parameter};
use super::walk::{
    BROKEN, How, ScopeId, ScopeKind, TAG, TYPE, VALUE, Walk, for_children, for_field, plain,
};
use super::{c_bases, c_macros};
use crate::Language;

/// Variables, functions and `typedef` names share one space.
const ORDINARY: u8 = VALUE | TYPE;
/// How many declarators (`*`, `[]`, parentheses) are looked through.
const MAX_DECLARATORS: usize = 64;

pub(super) fn enter(walk: &mut Walk<'_>, node: Node<'_>) {
    match node.kind() {
        "function_definition" => enter_function(walk, node),
        "compound_statement" | "for_statement" | "if_statement" | "while_statement"
        | "switch_statement" | "catch_clause" => {
            walk.open(ScopeKind::Block);
        }
        "field_declaration_list" => {
            walk.open(ScopeKind::Block);
            if let Some(class) = node.parent() {
                let supertypes = c_bases::supertypes(walk, class);
                c_bases::note_shape(walk, class, node, &supertypes);
                walk.inherit(supertypes);
            }
        }
        "for_range_loop" => {
            walk.open(ScopeKind::Block);
            let body = node.child_by_field_name("body").map_or(node.end_byte(), |b| b.start_byte());
            if let Some(declarator) = node.child_by_field_name("declarator") {
                declare(walk, declarator, &How::from(Local, body));
            }
        }
        "lambda_expression" => {
            walk.open(ScopeKind::Function);
        }
        "lambda_capture_initializer" => {
            if let Some(name) = node.child_by_field_name("left") {
                walk.declare(name, How::from(Local, node.end_byte()));
            }
        }
        "template_declaration" => {
            walk.open(ScopeKind::Template);
        }
        "namespace_definition" => {
            walk.skip(node.child_by_field_name("name"));
            walk.open(ScopeKind::Block);
        }
        "declaration" | "condition_declaration" => enter_declaration(walk, node),
        "field_declaration" => for_field(node, "declarator", |declarator| {
            declare(walk, declarator, &How::hoisted(Member));
        }),
        "type_definition" => for_field(node, "declarator", |declarator| {
            declare(walk, declarator, &How::from(Item, declarator.end_byte()));
        }),
        "parameter_declaration"
        | "optional_parameter_declaration"
        | "variadic_parameter_declaration" => {
            if let Some(declarator) = node.child_by_field_name("declarator")
                && !is_initializer(walk, node)
            {
                declare(walk, declarator, &How::from(Parameter, declarator.start_byte()));
            }
        }
        "function_declarator" | "abstract_function_declarator" => {
            // Parameters of a prototype are seen in the prototype only.
            if !belongs_to_body(node) {
                walk.open(ScopeKind::Block);
            }
        }
        _ => enter_leaf(walk, node),
    }
}

fn enter_leaf(walk: &mut Walk<'_>, node: Node<'_>) {
    match node.kind() {
        "struct_specifier" | "union_specifier" | "enum_specifier" | "class_specifier" => {
            enter_tagged(walk, node);
        }
        "enumerator" => {
            if let Some(name) = node.child_by_field_name("name") {
                let member = walk.language == Language::Cpp;
                let kind = if member { Member } else { Item };
                let id = walk.declare(name, How::from(kind, name.start_byte()));
                walk.mark_visible_outside(id);
            }
        }
        "type_parameter_declaration"
        | "optional_type_parameter_declaration"
        | "variadic_type_parameter_declaration" => {
            let name = node.child_by_field_name("name").or_else(|| node.named_child(0));
            if let Some(name) = name.filter(|name| name.kind() == "type_identifier") {
                walk.declare(name, How::hoisted(Local));
            }
        }
        "alias_declaration" => {
            if let Some(name) = node.child_by_field_name("name") {
                let how = How::from(Item, name.start_byte());
                let scope = scope_around_templates(walk);
                let id = walk.declare_in(scope, name, how, plain(name, true));
                if scope == 0 {
                    walk.mark_visible_outside(id);
                }
            }
        }
        "qualified_identifier" => enter_qualified(walk, node),
        "using_declaration" => for_children(node, |part| walk.skip(Some(part))),
        "attribute" | "attribute_declaration" | "attribute_specifier" => {
            for_children(node, |part| walk.skip(Some(part)));
        }
        kind if kind.starts_with("preproc_") => c_macros::enter(walk, node),
        "identifier" | "namespace_identifier" => walk.refer(node, ORDINARY),
        // `sizeof(x)` and `(x)*y` read as types, though `x` may be a variable.
        "type_identifier" => walk.refer(node, ORDINARY),
        _ => {}
    }
}

/// The scope a template's own name is declared in: that of its parameters is inside.
fn scope_around_templates(walk: &Walk<'_>) -> ScopeId {
    let mut scope = walk.current;
    while walk.kind_of(scope) == ScopeKind::Template {
        match walk.parent_scope(scope) {
            Some(parent) => scope = parent,
            None => break,
        }
    }
    scope
}

/// Whether a function declarator is the head of a definition or a lambda.
fn belongs_to_body(declarator: Node<'_>) -> bool {
    let mut node = declarator;
    while let Some(parent) = node.parent() {
        match parent.kind() {
            "function_definition" => return true,
            "lambda_expression" => return true,
            "pointer_declarator" | "reference_declarator" | "parenthesized_declarator" => {
                node = parent;
            }
            _ => return false,
        }
    }
    false
}

fn enter_function(walk: &mut Walk<'_>, node: Node<'_>) {
    if let Some(declarator) = node.child_by_field_name("declarator") {
        let method = node.parent().is_some_and(|p| p.kind() == "field_declaration_list");
        let kind = if method { Member } else { Item };
        let name = declared_name(declarator).filter(|name| name.kind() == "identifier");
        match name {
            Some(name) if is_constructor(walk, name) => walk.refer(name, ORDINARY),
            Some(name) => declare_item(walk, name, kind),
            None => {}
        }
    }
    walk.open(ScopeKind::Function);
}

/// Whether a function declared in a class body has the class's name.
fn is_constructor(walk: &Walk<'_>, name: Node<'_>) -> bool {
    let mut node = name;
    for _ in 0..MAX_DECLARATORS {
        let Some(parent) = node.parent() else { return false };
        if parent.kind() == "field_declaration_list" {
            let class = parent.parent().and_then(|class| class.child_by_field_name("name"));
            let class = class.map(|class| walk.text(class)).unwrap_or_default();
            return class.split('<').next() == Some(walk.text(name));
        }
        node = parent;
    }
    false
}

/// `std::string s(a * b);` in a function reads as a prototype with a parameter
/// `b` of type `a`. Where `a` or `b` is a variable it is an initializer.
fn is_initializer(walk: &Walk<'_>, parameter: Node<'_>) -> bool {
    let prototype = parameter.parent().and_then(|list| list.parent());
    let Some(prototype) = prototype.filter(|node| node.kind() == "function_declarator") else {
        return false;
    };
    let local = prototype.parent().is_some_and(|declaration| {
        declaration.kind() == "declaration"
            && declaration.parent().is_some_and(|around| around.kind() == "compound_statement")
    });
    let is_variable = |node: Option<Node<'_>>| {
        let name = node.and_then(declared_name)?;
        let id = walk.lookup(walk.current, walk.text(name), name.start_byte(), ORDINARY)?;
        walk.is_local(id).then_some(())
    };
    let declarator = parameter.child_by_field_name("declarator");
    let bindings = declarator.is_some_and(|node| node.kind() == "structured_binding_declarator");
    local
        && walk.language == Language::Cpp
        && (bindings
            || is_variable(parameter.child_by_field_name("type")).is_some()
            || is_variable(declarator).is_some())
}

/// File-level names: other files may see them unless they are `static`.
fn declare_item(walk: &mut Walk<'_>, name: Node<'_>, kind: super::BindingKind) {
    let scope = scope_around_templates(walk);
    let id = walk.declare_in(scope, name, How::hoisted(kind), plain(name, true));
    walk.mark_visible_outside(id);
    if walk.text(name) == "main" {
        walk.block(id, "`main` is where the program starts");
    }
}

fn enter_declaration(walk: &mut Walk<'_>, node: Node<'_>) {
    let file_level = node.parent().is_some_and(|parent| {
        matches!(parent.kind(), "translation_unit" | "declaration_list" | "linkage_specification")
            || parent.kind().starts_with("preproc_")
    });
    for_field(node, "declarator", |declarator| {
        let prototype = declared_name(declarator).is_some_and(|name| {
            name.parent().is_some_and(|parent| parent.kind() == "function_declarator")
        });
        if file_level || (prototype && walk.language == Language::C) {
            if let Some(name) = declared_name(declarator).filter(|n| n.kind() == "identifier") {
                if walk.current == 0 || !prototype {
                    declare_item(walk, name, Item);
                } else {
                    walk.skip(Some(name));
                }
            }
        } else if let Some(name) = declared_name(declarator).filter(|n| is_constructor(walk, *n)) {
            walk.refer(name, ORDINARY);
        } else {
            let end = match declarator.kind() {
                "init_declarator" => declarator
                    .child_by_field_name("declarator")
                    .map_or(declarator.end_byte(), |inner| inner.end_byte()),
                _ => declarator.end_byte(),
            };
            declare(walk, declarator, &How::from(Local, end));
        }
    });
}

/// Declares the name inside a declarator.
fn declare(walk: &mut Walk<'_>, declarator: Node<'_>, how: &How) {
    let Some(name) = declared_name(declarator) else { return };
    match name.kind() {
        "identifier" | "type_identifier" | "field_identifier" => {
            let id = walk.declare_in(walk.current, name, how.clone(), plain(name, true));
            if stands_in_a_guess(name) {
                walk.block(id, BROKEN);
            }
        }
        "structured_binding_declarator" => for_children(name, |part| {
            walk.declare(part, how.clone());
        }),
        _ => {}
    }
}

/// Whether the parser had to guess at the declaration around a name, as it does
/// after a macro without a semicolon.
fn stands_in_a_guess(name: Node<'_>) -> bool {
    let mut node = name;
    while let Some(parent) = node.parent() {
        if matches!(
            parent.kind(),
            "function_definition" | "compound_statement" | "translation_unit"
        ) {
            return false;
        }
        let mut cursor = parent.walk();
        if parent.children(&mut cursor).any(|child| child.is_error()) {
            return true;
        }
        node = parent;
    }
    false
}

/// The name a declarator declares, looking through what is around it.
pub(super) fn declared_name(declarator: Node<'_>) -> Option<Node<'_>> {
    let mut node = declarator;
    for _ in 0..MAX_DECLARATORS {
        match node.kind() {
            "identifier"
            | "type_identifier"
            | "field_identifier"
            | "qualified_identifier"
            | "structured_binding_declarator"
            | "destructor_name"
            | "operator_name" => {
                return Some(node);
            }
            _ => {
                let inner = node.child_by_field_name("declarator");
                node = inner.or_else(|| last_declarator(node))?;
            }
        }
    }
    None
}

/// Reference and parenthesised declarators have no field for what they hold.
fn last_declarator(node: Node<'_>) -> Option<Node<'_>> {
    let mut found = None;
    for_children(node, |child| {
        if child.kind().ends_with("declarator") || child.kind().ends_with("identifier") {
            found = Some(child);
        }
    });
    found
}

/// A tag: its own space in C, a type like any other in C++.
fn enter_tagged(walk: &mut Walk<'_>, node: Node<'_>) {
    let Some(name) = node.child_by_field_name("name") else { return };
    let spaces = if walk.language == Language::C { TAG } else { ORDINARY };
    if name.kind() != "type_identifier" {
        return;
    }
    if node.child_by_field_name("body").is_some() {
        let scope = scope_around_templates(walk);
        let how = How::hoisted(Item).spaces(spaces);
        let id = walk.declare_in(scope, name, how, plain(name, true));
        walk.mark_visible_outside(id);
    } else {
        walk.refer(name, spaces);
    }
}

/// `a::b`: only the outermost scope is looked up.
fn enter_qualified(walk: &mut Walk<'_>, node: Node<'_>) {
    let inner = node.parent().is_some_and(|parent| parent.kind() == "qualified_identifier");
    if inner && let Some(scope) = node.child_by_field_name("scope") {
        // The arguments of `a::b<c>::d` are names of their own.
        let template = scope.kind() == "template_type";
        walk.skip(if template { scope.child_by_field_name("name") } else { Some(scope) });
    }
    let name = node.child_by_field_name("name");
    // `A::A()` defines the constructor: the class's name once more.
    let scope = node.child_by_field_name("scope").map(|scope| walk.text(scope));
    if !inner && name.is_some_and(|name| Some(walk.text(name)) == scope) {
        return;
    }
    if let Some(name) = name
        && matches!(name.kind(), "identifier" | "type_identifier" | "namespace_identifier")
    {
        walk.block_item_name(walk.text(name), "a qualified name may mean it");
        walk.skip(Some(name));
    } else if let Some(name) = name.filter(|name| name.kind().starts_with("template_")) {
        walk.skip(name.child_by_field_name("name"));
    }
}
