//! Scopes of PHP: variables belong to functions, which see nothing around them
//! but what closures take along.

use tree_sitter::Node;

use super::BindingKind::{Local, Member, Parameter};
use super::Occurrence;
use super::walk::{
    Called, DeclaredId, Home, How, KeywordArgument, ScopeId, ScopeKind, VALUE, Walk, for_children,
};

pub(super) fn enter(walk: &mut Walk<'_>, node: Node<'_>) {
    match node.kind() {
        "function_definition" | "method_declaration" => {
            walk.open(ScopeKind::Sealed);
            enter_parameters(walk, node);
        }
        "anonymous_function" | "anonymous_function_creation_expression" => {
            enter_closure(walk, node);
        }
        "arrow_function" => {
            walk.open(ScopeKind::Function);
            enter_parameters(walk, node);
        }
        "property_element" => walk.skip(node.named_child(0)),
        "scoped_property_access_expression" => walk.skip(node.child_by_field_name("name")),
        "global_declaration" => {
            for_children(node, |name| {
                let scope = walk.function_scope();
                if let Some(id) = touch(walk, scope, name) {
                    walk.block(id, "it is a global variable");
                }
            });
        }
        "dynamic_variable_name" if names_in_text(walk, node) => {
            let scope = walk.function_scope();
            touch(walk, variable_scope(walk, scope, node), node);
        }
        "dynamic_variable_name" => {
            walk.block_scope(walk.function_scope(), "a variable variable may mean it");
        }
        "include_expression"
        | "include_once_expression"
        | "require_expression"
        | "require_once_expression" => {
            walk.block_scope(walk.function_scope(), "an included file sees it");
        }
        "comment"
            if node
                .parent()
                .is_some_and(|parent| matches!(parent.kind(), "heredoc" | "heredoc_body")) =>
        {
            // The grammar takes `/*` in a heredoc for a comment and sees no names in it.
            walk.block_scope(walk.function_scope(), "a heredoc could not be read whole");
        }
        "function_call_expression" => enter_call(walk, node),
        "argument" => enter_argument(walk, node),
        "variable_name" => {
            let scope = walk.function_scope();
            touch(walk, variable_scope(walk, scope, node), node);
        }
        _ => {}
    }
}

/// `"${x}"` in a string is `$x`; in code it is the variable that the constant names.
fn names_in_text(walk: &Walk<'_>, variable: Node<'_>) -> bool {
    let inner = variable.named_child(0);
    let plain = inner.is_some_and(|inner| {
        inner.kind() == "name" && walk.text(variable) == format!("${{{}}}", walk.text(inner))
    });
    let parent = variable.parent().map_or("", |parent| parent.kind());
    plain && matches!(parent, "encapsed_string" | "heredoc_body" | "shell_command_expression")
}

/// Arrow functions see the variables around them; what they don't have is looked
/// for outside.
fn variable_scope(walk: &Walk<'_>, mut scope: ScopeId, variable: Node<'_>) -> ScopeId {
    let name = walk.text(variable).trim_matches(['$', '{', '}']);
    let own = scope;
    while walk.kind_of(scope) == ScopeKind::Function {
        if walk.known_in(scope, name, VALUE).is_some() {
            return scope;
        }
        match walk.parent_scope(scope) {
            Some(parent) => scope = parent,
            None => return own,
        }
    }
    // A block between the arrow function and what is around it.
    while !matches!(walk.kind_of(scope), ScopeKind::Sealed | ScopeKind::Module) {
        match walk.parent_scope(scope) {
            Some(parent) => scope = parent,
            None => return own,
        }
    }
    scope
}

/// Notes a place of the variable, which every place declares.
fn touch(walk: &mut Walk<'_>, scope: ScopeId, variable: Node<'_>) -> Option<DeclaredId> {
    let name = variable.named_child(0)?;
    walk.skip(Some(variable));
    if walk.text(name) == "this" {
        return None;
    }
    let place = Occurrence {
        range: name.byte_range(),
        before: String::new(),
        after: String::new(),
        declares: true,
    };
    let kind = if scope == 0 { Member } else { Local };
    let id = walk.declare_in(scope, name, How::hoisted(kind).spaces(VALUE), place);
    if scope == 0 {
        walk.block(id, "it is a global variable");
    }
    Some(id)
}

fn enter_parameters(walk: &mut Walk<'_>, function: Node<'_>) {
    let member = function.kind() == "method_declaration";
    let called = function.child_by_field_name("name").map(|name| Called {
        // Functions are called in any case.
        name: walk.text(name).to_ascii_lowercase(),
        declared: None,
        // `new A(x: 1)` is noted as a call of `__construct` through a member.
        member,
        home: Home::default(),
    });
    let Some(parameters) = function.child_by_field_name("parameters") else { return };
    for_children(parameters, |parameter| {
        let Some(variable) = parameter.child_by_field_name("name") else { return };
        let Some(name) = variable.named_child(0) else { return };
        walk.skip(Some(variable));
        let how = How::hoisted(Parameter).spaces(VALUE);
        let id = walk.declare(name, how);
        if parameter.kind() == "property_promotion_parameter" {
            walk.block(id, "the parameter is a property of its class as well");
        }
        if let Some(called) = &called {
            walk.parameter_of(id, called);
        }
    });
}

/// `function () use ($x)`: `$x` outside and inside go by one name.
fn enter_closure(walk: &mut Walk<'_>, node: Node<'_>) {
    let outer = walk.function_scope();
    let inner = walk.open(ScopeKind::Sealed);
    enter_parameters(walk, node);
    for_children(node, |part| {
        if part.kind() != "anonymous_function_use_clause" {
            return;
        }
        let mut pending = vec![part];
        while let Some(taken) = pending.pop() {
            if taken.kind() != "variable_name" {
                for_children(taken, |child| pending.push(child));
                continue;
            }
            let around = variable_scope(walk, outer, taken);
            touch(walk, around, taken);
            walk.redirect(inner, walk.text(taken).trim_start_matches('$'), Some(around));
        }
    });
}

fn enter_call(walk: &mut Walk<'_>, node: Node<'_>) {
    let Some(function) = node.child_by_field_name("function") else { return };
    let name = walk.text(function).trim_start_matches('\\').to_ascii_lowercase();
    let why = match name.as_str() {
        "compact" => "compact() may name it in a string",
        "extract" | "parse_str" => "extract() may set it",
        "get_defined_vars" => "get_defined_vars() shows its name",
        "eval" => "eval() may use it",
        _ => return,
    };
    walk.block_scope(walk.function_scope(), why);
}

/// `f(name: 1)` names a parameter; so do the keys of `f(...['name' => 1])`.
fn enter_argument(walk: &mut Walk<'_>, node: Node<'_>) {
    let call = node.parent().and_then(|arguments| arguments.parent());
    let Some(call) = call else { return };
    let callee = call.child_by_field_name("function").or_else(|| call.child_by_field_name("name"));
    let called = callee.map_or_else(|| "__construct".to_owned(), |callee| last_name(walk, callee));
    if let Some(name) = node.child_by_field_name("name") {
        let plain = callee.is_some_and(|callee| callee.kind() == "name")
            && call.kind() == "function_call_expression";
        note_named(walk, name, &called, plain);
        return;
    }
    let spread = node.named_child(0).filter(|value| value.kind() == "variadic_unpacking");
    let array = match spread {
        Some(spread) => spread.named_child(0),
        None if called == "call_user_func_array" => node.named_child(0),
        None => None,
    };
    let Some(array) = array.filter(|array| array.kind() == "array_creation_expression") else {
        return;
    };
    for_children(array, |element| {
        let key = element.named_child(0).filter(|_| element.named_child_count() == 2);
        if let Some(key) = key.filter(|key| key.kind().contains("string")) {
            note_named(walk, key, &called, false);
        }
    });
}

/// What is called, in lower case; nothing where a value decides.
fn last_name(walk: &Walk<'_>, callee: Node<'_>) -> String {
    if !matches!(callee.kind(), "name" | "qualified_name") {
        return String::new();
    }
    walk.text(callee).rsplit('\\').next().unwrap_or_default().to_ascii_lowercase()
}

fn note_named(walk: &mut Walk<'_>, name: Node<'_>, called: &str, plain: bool) {
    let written = walk.text(name).trim_matches(['"', '\'']);
    let unclear = matches!(called, "" | "call_user_func" | "call_user_func_array");
    if unclear {
        walk.block_parameter_name(written, "a call of a value passes that name");
    }
    walk.keyword_arguments.push(KeywordArgument {
        name: written.to_owned(),
        range: name.byte_range(),
        callee: if unclear { String::new() } else { called.to_owned() },
        plain,
        scope: walk.current,
        home: Home::default(),
    });
}
