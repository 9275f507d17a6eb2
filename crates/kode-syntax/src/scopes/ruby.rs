//! Scopes of Ruby's local variables. A name is a variable from its first
//! assignment on; before that, and anywhere else, it is a method call.

use tree_sitter::Node;

use super::BindingKind::{Local, Parameter};
use super::Occurrence;
use super::walk::{Called, DeclaredId, How, ScopeKind, VALUE, Walk, for_children, plain, spelled};

mod keywords;

pub(super) fn enter(walk: &mut Walk<'_>, node: Node<'_>) {
    match node.kind() {
        "method" | "singleton_method" => {
            let outer = walk.current;
            walk.skip(node.child_by_field_name("name"));
            walk.open(ScopeKind::Sealed);
            // `def x.y`, `class << x` and `class A < x` evaluate `x` outside.
            walk.evaluate_in(node.child_by_field_name("object"), outer);
            let parameters = node.child_by_field_name("parameters");
            let called = match parameters {
                Some(parameters) if keywords::has_any(parameters) => keywords::callable(walk, node),
                _ => Err("callers pass it by its name"),
            };
            enter_parameters(walk, parameters, &called);
        }
        "class" | "module" | "singleton_class" => {
            let outer = walk.current;
            walk.open(ScopeKind::Sealed);
            walk.evaluate_in(node.child_by_field_name("value"), outer);
            walk.evaluate_in(node.child_by_field_name("superclass"), outer);
        }
        "block" | "do_block" | "lambda" => {
            walk.open(ScopeKind::Function);
            let called = Err("whoever calls the block passes it by its name");
            enter_parameters(walk, node.child_by_field_name("parameters"), &called);
        }
        "assignment" | "operator_assignment" => assign(walk, node.child_by_field_name("left")),
        "for" => assign(walk, node.child_by_field_name("pattern")),
        "exception_variable" => assign(walk, node.named_child(0)),
        "in_clause" | "case_match_in" | "match_pattern" | "test_pattern" => {
            if let Some(pattern) = node.child_by_field_name("pattern") {
                bind_pattern(walk, pattern);
            }
        }
        "call" => enter_call(walk, node),
        "pair" => enter_pair(walk, node),
        "binary" => bind_captures(walk, node),
        "alias" | "undef" => for_children(node, |name| {
            keywords::note_mention(walk, name);
            walk.skip(Some(name));
        }),
        "simple_symbol" | "string_content" | "bare_symbol" => keywords::note_mention(walk, node),
        "identifier" => refer(walk, node),
        _ => {}
    }
}

fn visible(walk: &Walk<'_>, node: Node<'_>) -> Option<DeclaredId> {
    walk.lookup(walk.current, walk.text(node), node.start_byte(), VALUE)
}

/// A name that is no variable here calls a method.
fn refer(walk: &mut Walk<'_>, node: Node<'_>) {
    let name = walk.text(node);
    if visible(walk, node).is_none() && name == "binding" {
        walk.block_scope(walk.function_scope(), "`binding` shows it to other code");
    }
    walk.refer(node, VALUE);
}

fn how(node: Node<'_>) -> How {
    How::from(Local, node.start_byte()).spaces(VALUE)
}

fn assign(walk: &mut Walk<'_>, target: Option<Node<'_>>) {
    let Some(target) = target else { return };
    let mut pending = vec![target];
    while let Some(node) = pending.pop() {
        match node.kind() {
            "identifier" => bind(walk, node, plain(node, true)),
            "left_assignment_list" | "destructured_left_assignment" | "rest_assignment" => {
                for_children(node, |child| pending.push(child));
            }
            _ => {}
        }
    }
}

fn bind(walk: &mut Walk<'_>, name: Node<'_>, place: Occurrence) {
    if let Some(known) = visible(walk, name) {
        walk.skip(Some(name));
        walk.add_occurrence(known, place);
        return;
    }
    let scope = walk.function_scope();
    walk.declare_in(scope, name, how(name), place);
}

/// `/(?<x>…)/ =~ s` sets a local `x`.
fn bind_captures(walk: &mut Walk<'_>, node: Node<'_>) {
    let operator = node.child_by_field_name("operator").map(|operator| operator.kind());
    let pattern = node.child_by_field_name("left").filter(|left| left.kind() == "regex");
    let Some(pattern) = pattern.filter(|_| operator == Some("=~")) else { return };
    let mut inner = pattern.walk();
    if pattern.named_children(&mut inner).any(|part| part.kind() == "interpolation") {
        return;
    }
    let text = walk.text(pattern);
    for (opening, _) in text.match_indices("(?<") {
        let start = opening + 3;
        let Some(length) = text[start..].find('>') else { return };
        let name = &text[start..start + length];
        if !crate::is_identifier(crate::Language::Ruby, name) {
            continue;
        }
        let at = pattern.start_byte() + start;
        let mut place = plain(pattern, true);
        place.range = at..at + length;
        let known = walk.lookup(walk.current, name, at, VALUE);
        let id = match known {
            Some(known) => known,
            None => {
                let how = How::from(Local, at).spaces(VALUE);
                walk.declare_named(walk.function_scope(), name.to_owned(), &how, place)
            }
        };
        walk.block(id, "a pattern sets it by the name of a capture");
    }
}

fn enter_parameters(
    walk: &mut Walk<'_>,
    parameters: Option<Node<'_>>,
    called: &Result<Called, &'static str>,
) {
    let Some(parameters) = parameters else { return };
    let mut pending = vec![parameters];
    while let Some(node) = pending.pop() {
        match node.kind() {
            "identifier" => {
                let how = How::from(Parameter, node.start_byte()).spaces(VALUE);
                walk.declare(node, how);
            }
            "optional_parameter"
            | "splat_parameter"
            | "hash_splat_parameter"
            | "block_parameter" => pending.extend(node.child_by_field_name("name")),
            "keyword_parameter" => {
                if let Some(name) = node.child_by_field_name("name") {
                    let how = How::from(Parameter, name.start_byte()).spaces(VALUE);
                    let id = walk.declare(name, how);
                    match called {
                        Ok(called) => walk.parameter_of(id, called),
                        Err(why) => walk.block(id, why),
                    }
                }
            }
            "method_parameters"
            | "block_parameters"
            | "lambda_parameters"
            | "destructured_parameter" => for_children(node, |child| pending.push(child)),
            _ => {}
        }
    }
}

/// The method of a call is no variable.
fn enter_call(walk: &mut Walk<'_>, node: Node<'_>) {
    let Some(method) = node.child_by_field_name("method") else { return };
    keywords::note_arguments(walk, node, method);
    let received = node.child_by_field_name("receiver").is_some();
    let name = walk.text(method);
    if !received && matches!(name, "eval" | "instance_eval" | "class_eval" | "binding") {
        walk.block_scope(walk.function_scope(), "evaluated code may use it");
    }
    walk.skip(Some(method));
}

/// `{x:}` is short for `{x: x}`.
fn enter_pair(walk: &mut Walk<'_>, node: Node<'_>) {
    let Some(key) = node.child_by_field_name("key") else { return };
    if node.child_by_field_name("value").is_some() || key.kind() != "hash_key_symbol" {
        return;
    }
    let mut place = spelled(key, format!("{}: ", walk.text(key)), String::new(), false);
    place.range.end = node.end_byte();
    let name = walk.text(key).to_owned();
    walk.refer_named(name, key.start_byte(), VALUE, place, None);
}

fn bind_pattern(walk: &mut Walk<'_>, pattern: Node<'_>) {
    let mut pending = vec![pattern];
    while let Some(node) = pending.pop() {
        match node.kind() {
            "identifier" => bind(walk, node, plain(node, true)),
            "keyword_pattern" => match node.child_by_field_name("value") {
                Some(value) => pending.push(value),
                None => bind_shorthand_key(walk, node),
            },
            "array_pattern"
            | "find_pattern"
            | "hash_pattern"
            | "as_pattern"
            | "alternative_pattern"
            | "splat_parameter"
            | "hash_splat_parameter"
            | "parenthesized_pattern" => {
                let class = node.child_by_field_name("class").map(|class| class.id());
                for_children(node, |child| {
                    if Some(child.id()) != class {
                        pending.push(child);
                    }
                });
            }
            // `^x` and ranges refer; the walk sees to them.
            _ => {}
        }
    }
}

fn bind_shorthand_key(walk: &mut Walk<'_>, pattern: Node<'_>) {
    let Some(key) = pattern.child_by_field_name("key") else { return };
    let mut place = spelled(key, format!("{}: ", walk.text(key)), String::new(), true);
    place.range.end = pattern.end_byte();
    bind(walk, key, place);
}
