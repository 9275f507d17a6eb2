//! Scopes of C#. Members need types; locals, parameters and local functions are
//! what can be renamed by scope alone.

use tree_sitter::Node;

use super::BindingKind::{Local, Member, Parameter};
use super::walk::{
    Called, Home, How, KeywordArgument, ScopeKind, TYPE, VALUE, Walk, for_children, for_field,
    is_field, spelled,
};

pub(super) fn enter(walk: &mut Walk<'_>, node: Node<'_>) {
    match node.kind() {
        "class_declaration"
        | "struct_declaration"
        | "record_declaration"
        | "interface_declaration"
        | "enum_declaration" => enter_type(walk, node),
        "method_declaration"
        | "constructor_declaration"
        | "destructor_declaration"
        | "operator_declaration"
        | "conversion_operator_declaration"
        | "indexer_declaration"
        | "delegate_declaration" => {
            walk.skip(node.child_by_field_name("name"));
            walk.open(ScopeKind::Function);
            note_parameters(walk, node);
        }
        "local_function_statement" => {
            if let Some(name) = node.child_by_field_name("name") {
                walk.declare(name, How::hoisted(Local).spaces(VALUE));
            }
            walk.open(ScopeKind::Function);
            note_parameters(walk, node);
        }
        "lambda_expression" | "anonymous_method_expression" => enter_lambda(walk, node),
        "accessor_declaration" => {
            walk.skip(node.child_by_field_name("name"));
            walk.open(ScopeKind::Function);
        }
        "property_declaration" | "event_declaration" => {
            walk.skip(node.child_by_field_name("name"));
            walk.open(ScopeKind::Function);
        }
        "block"
        | "for_statement"
        | "using_statement"
        | "fixed_statement"
        | "catch_clause"
        | "switch_section"
        | "switch_expression_arm"
        | "query_expression"
        | "while_statement" => {
            walk.open(ScopeKind::Block);
        }
        "foreach_statement" => {
            walk.open(ScopeKind::Block);
            declare_designation(walk, node.child_by_field_name("left"));
        }
        "variable_declarator" => enter_declarator(walk, node),
        "parameter" => {
            declare(walk, node.child_by_field_name("name"), &How::hoisted(Parameter));
        }
        // `params string[] rest` stands in the list without a node of its own.
        "parameter_list" => for_field(node, "name", |name| {
            declare(walk, Some(name), &How::hoisted(Parameter));
        }),
        _ => enter_expression(walk, node),
    }
}

fn enter_expression(walk: &mut Walk<'_>, node: Node<'_>) {
    match node.kind() {
        "catch_declaration"
        | "declaration_pattern"
        | "recursive_pattern"
        | "var_pattern"
        | "declaration_expression"
        | "list_pattern" => {
            declare_designation(walk, node.child_by_field_name("name"));
        }
        "parenthesized_variable_designation" => declare_designation(walk, Some(node)),
        "from_clause" | "join_clause" | "let_clause" | "join_into_clause"
        | "query_continuation" => {
            let name = node.child_by_field_name("name").or_else(|| first_identifier(node));
            declare(walk, name, &How::hoisted(Local));
        }
        "member_access_expression" | "member_binding_expression" => {
            // The type arguments of `a.b<T>` are names of their own.
            walk.skip(node.child_by_field_name("name").filter(|name| name.kind() == "identifier"));
        }
        "qualified_name"
        | "alias_qualified_name"
        | "using_directive"
        | "attribute"
        | "namespace_declaration"
        | "file_scoped_namespace_declaration"
        | "enum_member_declaration"
        | "explicit_interface_specifier" => {
            skip_names(walk, node);
        }
        "argument" => enter_argument(walk, node),
        // `[A(x: 1)]` calls a constructor whose type may be written without `Attribute`.
        "attribute_argument" if node.child_by_field_name("name").is_some() => {
            let name = node.child_by_field_name("name");
            walk.skip(name);
            let text = name.map(|name| walk.text(name)).unwrap_or_default();
            walk.block_parameter_name(text, "an attribute passes it by name");
        }
        "attribute_argument" | "name_colon" | "subpattern" | "name_equals" => {
            if let Some(name) = node.named_child(0).filter(|n| n.kind() == "identifier") {
                let colon = walk.source[name.end_byte()..].trim_ascii_start();
                if colon.starts_with(b":") || colon.starts_with(b"=") && !colon.starts_with(b"==") {
                    walk.skip(Some(name));
                }
            }
        }
        "assignment_expression" if is_object_initializer(node) => {
            walk.skip(node.child_by_field_name("left").filter(|left| left.kind() == "identifier"));
        }
        // `p with { x = y }` names a member on the left.
        "with_initializer" => {
            walk.skip(node.named_child(0).filter(|name| name.kind() == "identifier"));
        }
        "tuple_expression" => enter_tuple(walk, node),
        "tuple_element" => walk.skip(node.child_by_field_name("name")),
        "labeled_statement" | "goto_statement" => {
            walk.skip(node.named_child(0).filter(|label| label.kind() == "identifier"));
        }
        "type_parameter" => {
            let name = node.child_by_field_name("name").or_else(|| first_identifier(node));
            if let Some(name) = name {
                walk.declare(name, How::hoisted(Local).spaces(TYPE));
            }
        }
        "anonymous_object_creation_expression" => enter_anonymous_object(walk, node),
        "generic_name" => walk.skip(node.named_child(0)),
        "identifier" => enter_identifier(walk, node),
        _ => {}
    }
}

/// The grammar reads `new A<B>(c) { d }` as a comparison with a cast of `{ d }`.
fn is_misread_argument(cast: Node<'_>) -> bool {
    cast.kind() == "cast_expression"
        && cast
            .child_by_field_name("value")
            .is_some_and(|value| value.kind() == "initializer_expression")
}

fn enter_identifier(walk: &mut Walk<'_>, node: Node<'_>) {
    let is_type =
        node.parent().filter(|parent| !is_misread_argument(*parent)).is_some_and(|parent| {
            is_field(node, parent, "type")
                || is_field(node, parent, "returns")
                || matches!(
                    parent.kind(),
                    "type_argument_list"
                        | "base_list"
                        | "nullable_type"
                        | "array_type"
                        | "pointer_type"
                        | "typeof_expression"
                        | "type_parameter_constraint"
                        | "type_parameter_constraints_clause"
                        | "primary_constructor_base_type"
                        | "ref_type"
                        | "type_pattern"
                )
        });
    walk.refer(node, if is_type { TYPE } else { VALUE });
}

fn skip_names(walk: &mut Walk<'_>, node: Node<'_>) {
    for_children(node, |part| {
        if matches!(part.kind(), "identifier" | "qualified_name" | "alias_qualified_name") {
            walk.skip(Some(part));
        }
    });
}

fn first_identifier(node: Node<'_>) -> Option<Node<'_>> {
    let mut found = None;
    for_children(node, |child| {
        if child.kind() == "identifier" && found.is_none() {
            found = Some(child);
        }
    });
    found
}

fn enter_type(walk: &mut Walk<'_>, node: Node<'_>) {
    walk.skip(node.child_by_field_name("name"));
    walk.open(ScopeKind::Class);
    // Parameters of a record are its properties; of a class, seen in all of it.
    let kind = if node.kind() == "record_declaration" { Member } else { Parameter };
    let called = node.child_by_field_name("name").map(|name| callable(walk.text(name)));
    for_children(node, |part| {
        if part.kind() == "parameter_list" {
            for_children(part, |parameter| {
                let name = parameter.child_by_field_name("name");
                let Some(name) = name.filter(|name| name.kind() == "identifier") else { return };
                let id = walk.declare(name, How::hoisted(kind).spaces(VALUE));
                if let Some(called) = &called {
                    walk.parameter_of(id, called);
                }
            });
        }
    });
}

/// A function, or a class for its constructor, that is called by its name.
fn callable(name: &str) -> Called {
    Called { name: name.to_owned(), declared: None, member: false, home: Home::default() }
}

fn declare(walk: &mut Walk<'_>, name: Option<Node<'_>>, how: &How) {
    if let Some(name) = name.filter(|name| name.kind() == "identifier") {
        walk.declare(name, how.clone().spaces(VALUE));
    }
}

/// `x`, `(x, y)` and their nests, as in `foreach (var (x, y) in …)`.
fn declare_designation(walk: &mut Walk<'_>, designation: Option<Node<'_>>) {
    let Some(designation) = designation else { return };
    let mut pending = vec![designation];
    while let Some(node) = pending.pop() {
        match node.kind() {
            "identifier" => declare(walk, Some(node), &How::hoisted(Local)),
            "parenthesized_variable_designation" | "tuple_pattern" => {
                for_children(node, |child| pending.push(child));
            }
            _ => {}
        }
    }
}

fn enter_declarator(walk: &mut Walk<'_>, node: Node<'_>) {
    let name = node.child_by_field_name("name").or_else(|| node.named_child(0));
    let Some(name) = name else { return };
    let owner = node.parent().and_then(|declaration| declaration.parent());
    let field = owner.is_some_and(|owner| {
        matches!(owner.kind(), "field_declaration" | "event_field_declaration")
    });
    if name.kind() == "tuple_pattern" {
        declare_designation(walk, Some(name));
    } else {
        declare(walk, Some(name), &How::hoisted(if field { Member } else { Local }));
    }
}

fn enter_lambda(walk: &mut Walk<'_>, node: Node<'_>) {
    walk.open(ScopeKind::Function);
    for_field(node, "parameters", |parameters| match parameters.kind() {
        "identifier" => declare(walk, Some(parameters), &How::hoisted(Parameter)),
        "implicit_parameter" => {
            if parameters.named_child_count() == 0 {
                walk.declare(parameters, How::hoisted(Parameter).spaces(VALUE));
            } else {
                declare(walk, parameters.named_child(0), &How::hoisted(Parameter));
            }
        }
        _ => {}
    });
}

fn note_parameters(walk: &mut Walk<'_>, node: Node<'_>) {
    let Some(function) = node.child_by_field_name("name") else { return };
    let called = callable(walk.text(function));
    let Some(parameters) = node.child_by_field_name("parameters") else { return };
    for_children(parameters, |parameter| {
        if let Some(name) = parameter.child_by_field_name("name") {
            let id = walk.declare(name, How::hoisted(Parameter).spaces(VALUE));
            walk.parameter_of(id, &called);
        }
    });
}

/// `f(x: 1)` names a parameter.
fn enter_argument(walk: &mut Walk<'_>, node: Node<'_>) {
    let Some(name) = node.child_by_field_name("name") else { return };
    let name = if name.kind() == "name_colon" { name.named_child(0).unwrap_or(name) } else { name };
    walk.skip(Some(name));
    // `(x: 1, y: 2)` names members of a tuple.
    if node.parent().is_some_and(|parent| parent.kind() == "tuple_expression") {
        return;
    }
    let call = node.parent().and_then(|arguments| arguments.parent());
    // `new A(x: 1)` calls the constructor, which goes by its type's name.
    let callee = call.and_then(|call| {
        let created = call.kind() == "object_creation_expression";
        call.child_by_field_name(if created { "type" } else { "function" })
    });
    let Some(callee) = callee else {
        // `: this(x: 1)`, `new(x: 1)`: the type is not written here.
        walk.block_name(walk.text(name), "a call passes it by name");
        return;
    };
    let last = callee.child_by_field_name("name").unwrap_or(callee);
    walk.keyword_arguments.push(KeywordArgument {
        name: walk.text(name).to_owned(),
        range: name.byte_range(),
        callee: walk.text(last).to_owned(),
        plain: callee.kind() == "identifier",
        scope: walk.current,
        home: Home::default(),
    });
}

/// `(x, 1)` has a member `x`, named after the variable: where the file reaches a member
/// of that name, the rename writes the old name out.
fn enter_tuple(walk: &mut Walk<'_>, tuple: Node<'_>) {
    let assigned = tuple.parent().is_some_and(|parent| {
        parent.kind() == "assignment_expression" && is_field(tuple, parent, "left")
    });
    for_children(tuple, |argument| {
        let value = argument.named_child(0).filter(|value| value.kind() == "identifier");
        let Some(value) = value.filter(|_| argument.named_child_count() == 1) else { return };
        let name = walk.text(value);
        if assigned || !is_reached_as_member(walk.source, name) {
            return;
        }
        let before = format!("{name}: ");
        walk.refer_as(value, VALUE, spelled(value, before, String::new(), false), None);
    });
}

/// Whether `.name` is written somewhere, but for `this.name`.
fn is_reached_as_member(source: &[u8], name: &str) -> bool {
    let member = format!(".{}", name.trim_start_matches('@'));
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
    memchr::memmem::find_iter(source, member.as_bytes()).any(|at| {
        !source.get(at + member.len()).is_some_and(is_word) && !source[..at].ends_with(b"this")
    })
}

fn is_object_initializer(node: Node<'_>) -> bool {
    node.parent().is_some_and(|parent| {
        matches!(parent.kind(), "initializer_expression" | "with_initializer" | "with_expression")
    })
}

/// `new { x }` names a property after the variable.
fn enter_anonymous_object(walk: &mut Walk<'_>, node: Node<'_>) {
    for_children(node, |member| {
        let next = walk.source[member.end_byte()..].trim_ascii_start();
        let before = walk.source[..member.start_byte()].trim_ascii_end();
        if member.kind() != "identifier" {
            return;
        }
        if next.starts_with(b"=") {
            walk.skip(Some(member));
        } else if before.ends_with(b"{") || before.ends_with(b",") {
            let before = format!("{} = ", walk.text(member));
            walk.refer_as(member, VALUE, spelled(member, before, String::new(), false), None);
        }
    });
}
