//! Scopes of Python: names belong to functions and modules, wherever assigned.

use tree_sitter::Node;

use super::BindingKind::{Import, Local, Member, Parameter};
use super::walk::{
    Called, DeclaredId, Home, How, ScopeId, ScopeKind, VALUE, Walk, for_children, for_field, plain,
    spelled,
};
use super::{ImportOrigin, Supertype, TypeShape, python_calls};

pub(super) fn enter(walk: &mut Walk<'_>, node: Node<'_>) {
    match node.kind() {
        "function_definition" => enter_function(walk, node),
        "lambda" => {
            let outer = walk.current;
            let called = named_lambda(walk, node);
            walk.open(ScopeKind::Function);
            let parameters = node.child_by_field_name("parameters");
            enter_parameters(walk, parameters, outer, called.as_ref());
        }
        "class_definition" => enter_class(walk, node),
        "list_comprehension"
        | "set_comprehension"
        | "dictionary_comprehension"
        | "generator_expression" => enter_comprehension(walk, node),
        "for_in_clause" | "for_statement" => {
            let left = node.child_by_field_name("left");
            python_calls::note_flow(walk, left, node.child_by_field_name("right"));
            bind(walk, left);
        }
        "assignment" | "augmented_assignment" => {
            note_public_names(walk, node);
            python_calls::note_class_body_copy(walk, node);
            let left = node.child_by_field_name("left");
            python_calls::note_flow(walk, left, node.child_by_field_name("right"));
            bind(walk, node.child_by_field_name("left"));
        }
        "named_expression" => enter_walrus(walk, node),
        "as_pattern_target" => for_children(node, |target| bind(walk, Some(target))),
        "delete_statement" => for_children(node, |target| bind(walk, Some(target))),
        "import_statement" | "import_from_statement" | "future_import_statement" => {
            enter_import(walk, node);
        }
        "global_statement" => for_children(node, |name| {
            let scope = walk.function_scope();
            redirect(walk, scope, name, Some(0));
        }),
        "nonlocal_statement" => for_children(node, |name| {
            let scope = walk.function_scope();
            redirect(walk, scope, name, None);
        }),
        "attribute" => walk.skip(node.child_by_field_name("attribute")),
        "call" => {
            enter_call(walk, node);
            python_calls::enter_call(walk, node);
        }
        "keyword_argument" => python_calls::enter_keyword_argument(walk, node),
        "case_clause" => for_children(node, |child| {
            if child.kind() == "case_pattern" {
                bind_case_pattern(walk, child);
            }
        }),
        "identifier" => walk.refer(node, VALUE),
        _ => {}
    }
}

fn how_here(walk: &Walk<'_>, scope: ScopeId) -> How {
    let member = walk.kind_of(scope) == ScopeKind::HiddenClass;
    How::hoisted(if member { Member } else { Local }).spaces(VALUE)
}

fn declare_here(walk: &mut Walk<'_>, scope: ScopeId, name: Node<'_>) -> DeclaredId {
    let how = how_here(walk, scope);
    let id = walk.declare_in(scope, name, how, plain(name, true));
    if scope == 0 {
        walk.mark_visible_outside(id);
    }
    id
}

/// The scope an assignment binds in; comprehensions and lambdas' own scopes included.
fn binding_scope(walk: &Walk<'_>) -> ScopeId {
    walk.function_scope()
}

fn enter_function(walk: &mut Walk<'_>, node: Node<'_>) {
    let outer = walk.current;
    let name = node.child_by_field_name("name");
    let declared = name.map(|name| declare_here(walk, binding_scope(walk), name));
    let called = name.map(|name| callable(walk, outer, walk.text(name), node, declared));
    let outer = bind_type_parameters(walk, node).unwrap_or(outer);
    walk.open(ScopeKind::Function);
    walk.evaluate_in(node.child_by_field_name("return_type"), outer);
    enter_parameters(walk, node.child_by_field_name("parameters"), outer, called.as_ref());
}

/// How a call reaches the function: through its class for `__init__`.
fn callable(
    walk: &Walk<'_>,
    outer: ScopeId,
    name: &str,
    node: Node<'_>,
    declared: Option<DeclaredId>,
) -> Called {
    let method = walk.kind_of(outer) == ScopeKind::HiddenClass;
    if name != "__init__" || !method {
        return Called { name: name.to_owned(), declared, member: method, home: Home::default() };
    }
    let mut parent = node.parent();
    while let Some(class) = parent {
        if class.kind() == "class_definition" {
            let named = class.child_by_field_name("name");
            let declared = named.and_then(|named| walk.declared_at(named.start_byte()));
            let name = named.map(|n| walk.text(n)).unwrap_or(name).to_owned();
            return Called { name, declared, member: false, home: Home::default() };
        }
        parent = class.parent();
    }
    Called { name: name.to_owned(), declared, member: true, home: Home::default() }
}

fn enter_parameters(
    walk: &mut Walk<'_>,
    parameters: Option<Node<'_>>,
    outer: ScopeId,
    function: Option<&Called>,
) {
    let Some(parameters) = parameters else { return };
    for_children(parameters, |parameter| {
        let value = parameter.child_by_field_name("value");
        python_calls::note_flow(walk, parameter.child_by_field_name("name"), value);
        walk.evaluate_in(value, outer);
        walk.evaluate_in(parameter.child_by_field_name("type"), outer);
        let mut name = parameter.child_by_field_name("name").unwrap_or(parameter);
        while !matches!(name.kind(), "identifier" | "tuple_pattern") {
            match name.named_child(0) {
                Some(inner) => name = inner,
                None => return,
            }
        }
        let mut names = Vec::new();
        collect_targets(name, &mut names);
        for name in names {
            let id = walk.declare(name, How::hoisted(Parameter).spaces(VALUE));
            if let Some(function) = function {
                walk.parameter_of(id, function);
            }
        }
    });
}

fn enter_class(walk: &mut Walk<'_>, node: Node<'_>) {
    let outer = walk.current;
    if let Some(name) = node.child_by_field_name("name") {
        let scope = binding_scope(walk);
        declare_here(walk, scope, name);
        note_shape(walk, node, name);
    }
    let outer = bind_type_parameters(walk, node).unwrap_or(outer);
    walk.open(ScopeKind::HiddenClass);
    walk.evaluate_in(node.child_by_field_name("superclasses"), outer);
}

/// Notes the class with its bases and methods.
fn note_shape(walk: &mut Walk<'_>, class: Node<'_>, name: Node<'_>) {
    let mut supertypes = Vec::new();
    if let Some(bases) = class.child_by_field_name("superclasses") {
        for_children(bases, |base| {
            let name = walk.text(python_calls::last_name(base)).to_owned();
            supertypes.push(Supertype { name, interface: false });
        });
    }
    let mut members = Vec::new();
    if let Some(body) = class.child_by_field_name("body") {
        for_children(body, |statement| {
            let method = statement.child_by_field_name("definition").unwrap_or(statement);
            let name = method.child_by_field_name("name");
            members.extend(name.map(|name| walk.text(name).to_owned()));
        });
    }
    let name = walk.text(name).to_owned();
    let range = class.byte_range();
    walk.note_type(TypeShape { name, supertypes, members, keyed_by_expression: false, range });
}

/// `f = lambda x: …` is called as `f`.
fn named_lambda(walk: &Walk<'_>, lambda: Node<'_>) -> Option<Called> {
    let assignment = lambda.parent().filter(|parent| parent.kind() == "assignment")?;
    let left = assignment.child_by_field_name("left")?;
    let name = python_calls::last_name(left);
    let declared = walk.declared_at(left.start_byte()).filter(|_| left.kind() == "identifier");
    let member = declared.is_none() || walk.kind_of(walk.current) == ScopeKind::HiddenClass;
    Some(Called { name: walk.text(name).to_owned(), declared, member, home: Home::default() })
}

fn enter_comprehension(walk: &mut Walk<'_>, node: Node<'_>) {
    let outer = walk.current;
    walk.open(ScopeKind::Function);
    let mut first = true;
    for_children(node, |clause| {
        if clause.kind() == "for_in_clause" && std::mem::take(&mut first) {
            // The first iterable is evaluated outside.
            for_field(clause, "right", |right| walk.evaluate_in(Some(right), outer));
        }
    });
}

/// `:=` in a comprehension binds in the function around it.
fn enter_walrus(walk: &mut Walk<'_>, node: Node<'_>) {
    let Some(name) = node.child_by_field_name("name") else { return };
    python_calls::note_flow(walk, Some(name), node.child_by_field_name("value"));
    let mut scope = binding_scope(walk);
    let mut parent = node.parent();
    while let Some(outer) = parent {
        match outer.kind() {
            "list_comprehension"
            | "set_comprehension"
            | "dictionary_comprehension"
            | "generator_expression" => {
                if let Some(around) = walk.parent_scope(scope) {
                    scope = around;
                }
            }
            "function_definition" | "lambda" | "class_definition" => break,
            _ => {}
        }
        parent = outer.parent();
    }
    declare_here(walk, scope, name);
}

fn bind(walk: &mut Walk<'_>, target: Option<Node<'_>>) {
    let Some(target) = target else { return };
    let mut names = Vec::new();
    collect_targets(target, &mut names);
    for name in names {
        let scope = binding_scope(walk);
        declare_here(walk, scope, name);
    }
}

/// The plain names an assignment target binds.
fn collect_targets<'t>(target: Node<'t>, names: &mut Vec<Node<'t>>) {
    let mut pending = vec![target];
    while let Some(node) = pending.pop() {
        match node.kind() {
            "identifier" => names.push(node),
            "pattern_list"
            | "tuple_pattern"
            | "list_pattern"
            | "list_splat_pattern"
            | "tuple"
            | "list"
            | "expression_list"
            | "parenthesized_expression"
            | "list_splat" => {
                for_children(node, |child| pending.push(child));
            }
            _ => {}
        }
    }
}

/// `__all__ = ["x"]` names module variables in strings, which a rename leaves alone.
fn note_public_names(walk: &mut Walk<'_>, assignment: Node<'_>) {
    let Some(left) = assignment.child_by_field_name("left") else { return };
    let Some(right) = assignment.child_by_field_name("right") else { return };
    if walk.text(left) != "__all__" {
        return;
    }
    let mut pending = vec![right];
    while let Some(node) = pending.pop() {
        if node.kind() == "string" {
            let name = walk.text(node).trim_matches(['"', '\'']);
            walk.block_module_name(name, "`__all__` names it in a string");
        } else {
            for_children(node, |child| pending.push(child));
        }
    }
}

fn redirect(walk: &mut Walk<'_>, scope: ScopeId, name: Node<'_>, target: Option<ScopeId>) {
    if name.kind() != "identifier" {
        return;
    }
    walk.redirect(scope, walk.text(name), target);
    walk.refer(name, VALUE);
}

fn enter_import(walk: &mut Walk<'_>, node: Node<'_>) {
    let module = node.child_by_field_name("module_name");
    walk.skip(module);
    let from = module.map(|module| walk.text(module)).unwrap_or_default();
    for_children(node, |part| {
        if part.kind() == "wildcard_import" {
            walk.note_wholesale(from);
        }
    });
    for_field(node, "name", |name| match name.kind() {
        "aliased_import" => {
            let imported = name.child_by_field_name("name");
            walk.skip(imported);
            if let Some(alias) = name.child_by_field_name("alias") {
                let origin = ImportOrigin {
                    module: from.to_owned(),
                    name: imported.map(|n| walk.text(n)).unwrap_or_default().to_owned(),
                    name_range: imported.map(|node| node.byte_range()),
                };
                import_name(walk, alias, plain(alias, true), origin);
            }
        }
        _ => import_dotted(walk, name, from),
    });
}

fn import_dotted(walk: &mut Walk<'_>, dotted: Node<'_>, from: &str) {
    let Some(first) = dotted.named_child(0) else { return };
    let text = walk.text(first);
    if dotted.named_child_count() > 1 {
        let name = walk.text(dotted).to_owned();
        let origin = ImportOrigin { module: String::new(), name, name_range: None };
        let id = import_name(walk, first, plain(first, true), origin);
        walk.block(id, "`import a.b` binds `a` without a place for another name");
        walk.skip(Some(dotted));
        return;
    }
    let place = spelled(first, format!("{text} as "), String::new(), true);
    let origin = ImportOrigin { module: from.to_owned(), name: text.to_owned(), name_range: None };
    import_name(walk, first, place, origin);
}

fn import_name(
    walk: &mut Walk<'_>,
    name: Node<'_>,
    place: super::Occurrence,
    origin: ImportOrigin,
) -> usize {
    let scope = binding_scope(walk);
    let kind = if walk.kind_of(scope) == ScopeKind::HiddenClass { Member } else { Import };
    let id = walk.declare_in(scope, name, How::hoisted(kind).spaces(VALUE), place);
    walk.mark_imported(id, origin);
    if scope == 0 {
        walk.mark_visible_outside(id);
    }
    id
}

/// Captures of a `case`: a plain name binds, a dotted one is looked up.
fn bind_case_pattern(walk: &mut Walk<'_>, pattern: Node<'_>) {
    let mut pending = vec![pattern];
    while let Some(node) = pending.pop() {
        match node.kind() {
            "dotted_name" if node.named_child_count() == 1 => {
                let class = node.parent().is_some_and(|parent| parent.kind() == "class_pattern");
                let wildcard = walk.text(node) == "_";
                if let Some(name) = node.named_child(0)
                    && !class
                    && !wildcard
                {
                    let scope = binding_scope(walk);
                    declare_here(walk, scope, name);
                }
            }
            "dotted_name" => {
                for index in 1..node.named_child_count() {
                    walk.skip(node.named_child(index as u32));
                }
            }
            "keyword_pattern" => {
                walk.skip(node.named_child(0));
                for index in 1..node.named_child_count() {
                    pending.extend(node.named_child(index as u32));
                }
            }
            "identifier" => {
                let binds = node.parent().is_some_and(|parent| {
                    matches!(parent.kind(), "as_pattern" | "splat_pattern" | "case_pattern")
                });
                if binds && walk.text(node) != "_" {
                    let scope = binding_scope(walk);
                    declare_here(walk, scope, node);
                }
            }
            _ => for_children(node, |child| pending.push(child)),
        }
    }
}

/// `def f[T](…)` and `class A[T]`: the names in the brackets have a scope around
/// the whole definition, annotations included.
fn bind_type_parameters(walk: &mut Walk<'_>, definition: Node<'_>) -> Option<ScopeId> {
    let parameters = definition.child_by_field_name("type_parameters")?;
    let scope = walk.open(ScopeKind::Block);
    for_children(parameters, |part| {
        let mut name = part;
        while name.kind() != "identifier" {
            match name.named_child(0) {
                Some(inner) => name = inner,
                None => return,
            }
        }
        walk.declare(name, How::hoisted(Local).spaces(VALUE));
    });
    Some(scope)
}

/// `eval` and its like reach names by strings.
fn enter_call(walk: &mut Walk<'_>, node: Node<'_>) {
    let Some(function) = node.child_by_field_name("function") else { return };
    let first = node.child_by_field_name("arguments").is_some_and(|a| a.named_child_count() > 0);
    match walk.text(function) {
        "eval" | "exec" if first => walk.block_all_seen("evaluated code may use it"),
        "locals" => walk.block_scope(walk.function_scope(), "locals() shows its name"),
        "vars" | "dir" if !first => {
            walk.block_scope(walk.function_scope(), "vars() shows its name")
        }
        _ => {}
    }
}
