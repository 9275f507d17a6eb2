//! The preprocessor: macro bodies are text the grammar does not read, so a name
//! they mention can't be followed.

use std::collections::HashSet;

use tree_sitter::Node;

use super::walk::{Walk, for_children};

/// Names that a preprocessor directive mentions.
pub(super) fn enter(walk: &mut Walk<'_>, node: Node<'_>) {
    match node.kind() {
        "preproc_def" | "preproc_function_def" => enter_definition(walk, node),
        "preproc_if" | "preproc_elif" => skip_condition(walk, node, "condition"),
        "preproc_ifdef" | "preproc_elifdef" => skip_condition(walk, node, "name"),
        "preproc_include" | "preproc_call" => {
            for_children(node, |part| walk.skip(Some(part)));
        }
        _ => {}
    }
}

fn skip_condition(walk: &mut Walk<'_>, node: Node<'_>, field: &str) {
    walk.skip(node.child_by_field_name(field));
}

fn enter_definition(walk: &mut Walk<'_>, node: Node<'_>) {
    let mut own: HashSet<&str> = HashSet::new();
    if let Some(parameters) = node.child_by_field_name("parameters") {
        for_children(parameters, |parameter| {
            own.insert(walk.text(parameter));
        });
    }
    if let Some(name) = node.child_by_field_name("name") {
        // A macro of the same name would stand in for every mention.
        walk.block_name(walk.text(name), "a macro has that name");
    }
    if let Some(body) = node.child_by_field_name("value") {
        for name in identifiers(walk.text(body)) {
            if !own.contains(name) {
                walk.block_name(name, "a macro's body mentions the name");
            }
        }
    }
    for_children(node, |part| walk.skip(Some(part)));
}

fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !(character.is_alphanumeric() || character == '_'))
        .filter(|word| word.starts_with(|first: char| first.is_alphabetic() || first == '_'))
}
