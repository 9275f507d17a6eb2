//! Scopes of JavaScript, TypeScript and their JSX forms.

use tree_sitter::Node;

use super::BindingKind::{Import, Local, Member, Parameter};
use super::walk::{
    How, ScopeId, ScopeKind, TYPE, VALUE, Walk, for_children, is_field, plain, spelled,
};
use super::{ImportOrigin, Occurrence};

const BOTH: u8 = VALUE | TYPE;

pub(super) fn enter(walk: &mut Walk<'_>, node: Node<'_>) {
    match node.kind() {
        "function_declaration" | "generator_function_declaration" | "function_signature" => {
            declare_named(walk, node, VALUE);
            enter_function(walk, node);
        }
        "function_expression" | "generator_function" => {
            walk.open(ScopeKind::Block);
            if let Some(name) = node.child_by_field_name("name") {
                walk.declare(name, How::hoisted(Local).spaces(VALUE));
            }
            enter_function(walk, node);
        }
        "arrow_function"
        | "method_definition"
        | "method_signature"
        | "abstract_method_signature"
        | "call_signature"
        | "construct_signature"
        | "function_type"
        | "constructor_type" => enter_function(walk, node),
        "class_declaration" | "abstract_class_declaration" => {
            declare_named(walk, node, BOTH);
            walk.open(ScopeKind::Block);
        }
        "class" => {
            walk.open(ScopeKind::Block);
            declare_named(walk, node, BOTH);
        }
        "interface_declaration" | "type_alias_declaration" => {
            declare_named(walk, node, TYPE);
            walk.open(ScopeKind::Block);
        }
        "enum_declaration" => declare_named(walk, node, BOTH),
        "internal_module" | "module" => {
            if let Some(name) = node.child_by_field_name("name")
                && name.kind() == "identifier"
            {
                declare_named(walk, node, BOTH);
            }
            walk.open(ScopeKind::Function);
        }
        "statement_block" | "for_statement" | "switch_body" | "class_static_block"
        | "index_signature" => enter_block(walk, node),
        "conditional_type" => enter_conditional(walk, node),
        "for_in_statement" => enter_for_in(walk, node),
        "catch_clause" => {
            walk.open(ScopeKind::Block);
            if let Some(parameter) = node.child_by_field_name("parameter") {
                declare_pattern(walk, walk.current, parameter, &How::hoisted(Local).spaces(VALUE));
            }
        }
        "variable_declarator" => enter_declarator(walk, node),
        _ => enter_leaf(walk, node),
    }
}

fn enter_leaf(walk: &mut Walk<'_>, node: Node<'_>) {
    match node.kind() {
        "import_statement" => enter_import(walk, node),
        "call_expression" => {
            let function = node.child_by_field_name("function");
            if function.is_some_and(|function| walk.text(function) == "eval") {
                walk.block_all_seen("evaluated code may use it");
            }
        }
        "with_statement" => enter_with(walk, node),
        "export_statement" => enter_export(walk, node),
        "type_parameter" => {
            if let Some(name) = node.child_by_field_name("name") {
                walk.declare(name, How::hoisted(Local).spaces(TYPE));
            }
        }
        "infer_type" => enter_infer(walk, node),
        "mapped_type_clause" => {
            if let Some(name) = node.child_by_field_name("name") {
                walk.declare(name, How::hoisted(Local).spaces(TYPE));
            }
        }
        "required_parameter" | "optional_parameter"
            if node.parent().is_some_and(|parent| parent.kind() == "tuple_type") =>
        {
            walk.skip(node.child_by_field_name("name"));
        }
        "nested_type_identifier" => walk.skip(node.child_by_field_name("name")),
        "nested_identifier" => walk.skip(node.child_by_field_name("property")),
        "jsx_namespace_name" => for_children(node, |part| walk.skip(Some(part))),
        "shorthand_property_identifier" | "shorthand_property_identifier_pattern" => {
            let before = format!("{}: ", walk.text(node));
            walk.refer_as(node, VALUE, spelled(node, before, String::new(), false), None);
        }
        "identifier" if is_intrinsic_element(walk, node) => {}
        "identifier" => {
            // The namespace of `A.B` in a type may be a namespace or an import.
            let qualifies = node.parent().is_some_and(|p| p.kind() == "nested_type_identifier");
            walk.refer(node, if qualifies { BOTH } else { VALUE });
        }
        "type_identifier" => walk.refer(node, TYPE),
        _ => {}
    }
}

/// In `with (o) …` a name may be a member of `o`.
fn enter_with(walk: &mut Walk<'_>, node: Node<'_>) {
    let mut pending: Vec<Node<'_>> = node.child_by_field_name("body").into_iter().collect();
    while let Some(part) = pending.pop() {
        if matches!(part.kind(), "identifier" | "shorthand_property_identifier") {
            walk.block_name(walk.text(part), "it may be a member inside `with`");
        }
        for_children(part, |child| pending.push(child));
    }
}

/// `<div>`: lower-case element names are the platform's.
fn is_intrinsic_element(walk: &Walk<'_>, node: Node<'_>) -> bool {
    let element = node.parent().is_some_and(|parent| {
        matches!(
            parent.kind(),
            "jsx_opening_element" | "jsx_closing_element" | "jsx_self_closing_element"
        ) && is_field(node, parent, "name")
    });
    element && walk.text(node).starts_with(|first: char| first.is_ascii_lowercase())
}

fn declare_named(walk: &mut Walk<'_>, node: Node<'_>, spaces: u8) {
    if let Some(name) = node.child_by_field_name("name") {
        let id = walk.declare(name, How::hoisted(Local).spaces(spaces));
        if is_exported(node) && !is_default_export(node) {
            walk.mark_visible_outside(id);
        }
    }
}

fn is_exported(declaration: Node<'_>) -> bool {
    declaration.parent().is_some_and(|parent| {
        parent.kind() == "export_statement"
            || parent.kind() == "ambient_declaration"
                && parent.parent().is_some_and(|outer| outer.kind() == "export_statement")
    })
}

/// Importers of a default export choose its name themselves.
fn is_default_export(declaration: Node<'_>) -> bool {
    declaration.parent().is_some_and(|parent| {
        let mut cursor = parent.walk();
        parent.children(&mut cursor).any(|child| child.kind() == "default")
    })
}

fn enter_function(walk: &mut Walk<'_>, node: Node<'_>) {
    walk.open(ScopeKind::Function);
    let how = How::hoisted(Parameter).spaces(VALUE);
    if let Some(single) = node.child_by_field_name("parameter") {
        declare_pattern(walk, walk.current, single, &how);
    }
    if let Some(parameters) = node.child_by_field_name("parameters") {
        for_children(parameters, |parameter| declare_parameter(walk, parameter, &how));
    }
    // What a default value names is not the `var` of that name in the body.
    if let Some(body) = node.child_by_field_name("body") {
        walk.hoist_from(body.start_byte());
    }
}

fn declare_parameter(walk: &mut Walk<'_>, parameter: Node<'_>, how: &How) {
    if !matches!(parameter.kind(), "required_parameter" | "optional_parameter") {
        declare_pattern(walk, walk.current, parameter, how);
        return;
    }
    let Some(pattern) = parameter.child_by_field_name("pattern") else { return };
    let mut cursor = parameter.walk();
    let property = parameter.children(&mut cursor).any(|child| {
        matches!(child.kind(), "accessibility_modifier" | "readonly" | "override_modifier")
    });
    if property && pattern.kind() == "identifier" {
        let id = walk.declare(pattern, How { kind: Member, ..how.clone() });
        walk.block(id, "the parameter is a property of its class as well");
    } else {
        declare_pattern(walk, walk.current, pattern, how);
    }
}

fn enter_block(walk: &mut Walk<'_>, node: Node<'_>) {
    // The `var` of a class's static block stays in it.
    let own = node.kind() == "class_static_block";
    walk.open(if own { ScopeKind::Function } else { ScopeKind::Block });
    if node.kind() == "index_signature"
        && let Some(name) = node.child_by_field_name("name")
    {
        walk.declare(name, How::hoisted(Parameter).spaces(VALUE));
    }
}

/// What `infer` binds is seen in the pattern and where it fits, not in the type
/// that is asked about nor where it doesn't.
fn enter_conditional(walk: &mut Walk<'_>, node: Node<'_>) {
    let outer = walk.current;
    walk.open(ScopeKind::Block);
    walk.evaluate_in(node.child_by_field_name("left"), outer);
    walk.evaluate_in(node.child_by_field_name("alternative"), outer);
}

/// `infer T` belongs to the conditional type whose pattern it stands in, through
/// any function type on the way.
fn enter_infer(walk: &mut Walk<'_>, node: Node<'_>) {
    let Some(name) = node.named_child(0) else { return };
    let (mut below, mut above) = (node, node.parent());
    while let Some(parent) = above {
        if parent.kind() == "conditional_type" && is_field(below, parent, "right") {
            break;
        }
        (below, above) = (parent, parent.parent());
    }
    let scope = above.and_then(|parent| walk.scope_of(parent)).unwrap_or(walk.current);
    walk.declare_in(scope, name, How::hoisted(Local).spaces(TYPE), plain(name, true));
}

fn enter_for_in(walk: &mut Walk<'_>, node: Node<'_>) {
    walk.open(ScopeKind::Block);
    let (Some(kind), Some(left)) =
        (node.child_by_field_name("kind"), node.child_by_field_name("left"))
    else {
        return;
    };
    let scope = if walk.text(kind) == "var" { walk.function_scope() } else { walk.current };
    declare_pattern(walk, scope, left, &How::hoisted(Local).spaces(VALUE));
}

fn enter_declarator(walk: &mut Walk<'_>, node: Node<'_>) {
    let Some(name) = node.child_by_field_name("name") else { return };
    let Some(declaration) = node.parent() else { return };
    let scope = if declaration.kind() == "variable_declaration" {
        walk.function_scope()
    } else {
        walk.current
    };
    let exported = is_exported(declaration);
    let how = How::hoisted(Local).spaces(VALUE);
    if exported && name.kind() == "identifier" {
        let id = walk.declare_in(scope, name, how, plain(name, true));
        walk.mark_visible_outside(id);
        return;
    }
    declare_pattern(walk, scope, name, &how);
    if exported {
        mark_exported_pattern(walk, scope, name);
    }
}

/// `export const {a, b} = …` exports every name in it.
fn mark_exported_pattern(walk: &mut Walk<'_>, scope: ScopeId, pattern: Node<'_>) {
    let mut names = Vec::new();
    collect_pattern(pattern, &mut names);
    for (name, _) in names {
        if let Some(id) = walk.known_in(scope, walk.text(name), VALUE) {
            walk.mark_visible_outside(id);
        }
    }
}

fn declare_pattern(walk: &mut Walk<'_>, scope: ScopeId, pattern: Node<'_>, how: &How) {
    let mut names = Vec::new();
    collect_pattern(pattern, &mut names);
    for (name, shorthand) in names {
        let occurrence: Occurrence = if shorthand {
            spelled(name, format!("{}: ", walk.text(name)), String::new(), true)
        } else {
            plain(name, true)
        };
        walk.declare_in(scope, name, how.clone(), occurrence);
    }
}

/// The names a pattern binds, and whether each is a shorthand property.
fn collect_pattern<'t>(pattern: Node<'t>, names: &mut Vec<(Node<'t>, bool)>) {
    let mut pending = vec![pattern];
    while let Some(node) = pending.pop() {
        match node.kind() {
            "identifier" => names.push((node, false)),
            "shorthand_property_identifier_pattern" => names.push((node, true)),
            "object_pattern" | "array_pattern" | "rest_pattern" => {
                for_children(node, |child| pending.push(child));
            }
            "pair_pattern" => pending.extend(node.child_by_field_name("value")),
            "assignment_pattern" | "object_assignment_pattern" => {
                pending.extend(node.child_by_field_name("left"));
            }
            _ => {}
        }
    }
}

fn enter_import(walk: &mut Walk<'_>, node: Node<'_>) {
    note_source(walk, node);
    let from = node.child_by_field_name("source").map(|source| unquoted(walk, source));
    let from = from.unwrap_or_default();
    let mut pending: Vec<Node<'_>> = Vec::new();
    for_children(node, |child| pending.push(child));
    while let Some(part) = pending.pop() {
        match part.kind() {
            "import_clause" | "named_imports" => for_children(part, |child| pending.push(child)),
            "identifier" => {
                let origin = origin(&from, "default", None);
                import_name(walk, part, plain(part, true), origin);
            }
            "namespace_import" | "import_require_clause" => {
                if let Some(name) = part.named_child(0) {
                    import_name(walk, name, plain(name, true), origin(&from, "*", None));
                }
            }
            "import_specifier" => {
                let Some(name) = part.child_by_field_name("name") else { continue };
                let imported = walk.text(name);
                match part.child_by_field_name("alias") {
                    Some(alias) => {
                        walk.skip(Some(name));
                        let origin = origin(&from, imported, Some(name));
                        import_name(walk, alias, plain(alias, true), origin);
                    }
                    None => {
                        let place = spelled(name, format!("{imported} as "), String::new(), true);
                        import_name(walk, name, place, origin(&from, imported, None));
                    }
                }
            }
            _ => {}
        }
    }
}

fn import_name(walk: &mut Walk<'_>, name: Node<'_>, place: Occurrence, origin: ImportOrigin) {
    let how = How::hoisted(Import).spaces(BOTH);
    let id = walk.declare_in(walk.current, name, how, place);
    walk.mark_imported(id, origin);
}

fn origin(module: &str, name: &str, written: Option<Node<'_>>) -> ImportOrigin {
    ImportOrigin {
        module: module.to_owned(),
        name: name.to_owned(),
        name_range: written.map(|node| node.byte_range()),
    }
}

fn unquoted(walk: &Walk<'_>, string: Node<'_>) -> String {
    walk.text(string).trim_matches(['"', '\'']).to_owned()
}

fn note_source(walk: &mut Walk<'_>, statement: Node<'_>) {
    let source = statement.child_by_field_name("source").map(|source| source.byte_range());
    walk.import_sources.extend(source);
}

fn enter_export(walk: &mut Walk<'_>, node: Node<'_>) {
    note_source(walk, node);
    let from = node.child_by_field_name("source").map(|source| unquoted(walk, source));
    let mut names_any = false;
    for_children(node, |clause| match clause.kind() {
        "export_clause" => {
            names_any = true;
            for_children(clause, |specifier| {
                if specifier.kind() == "export_specifier" {
                    enter_export_specifier(walk, specifier, from.as_deref());
                }
            });
        }
        "namespace_export" => {
            names_any = true;
            walk.skip(Some(clause));
            walk.note_passed_on(
                origin(from.as_deref().unwrap_or_default(), "*", None),
                String::new(),
            );
        }
        _ => {}
    });
    if let Some(from) = from.filter(|_| !names_any) {
        walk.note_wholesale(&from);
    }
}

fn enter_export_specifier(walk: &mut Walk<'_>, specifier: Node<'_>, from: Option<&str>) {
    let Some(name) = specifier.child_by_field_name("name") else { return };
    let alias = specifier.child_by_field_name("alias");
    let after = if alias.is_some() { String::new() } else { format!(" as {}", walk.text(name)) };
    if let Some(from) = from {
        walk.skip(Some(specifier));
        let origin = origin(from, walk.text(name), Some(name));
        walk.note_passed_on(origin, after);
        return;
    }
    walk.skip(alias);
    walk.refer_as(name, BOTH, spelled(name, String::new(), after, false), None);
}
