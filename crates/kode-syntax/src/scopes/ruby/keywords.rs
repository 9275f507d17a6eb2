//! Keyword parameters of Ruby's methods and the calls that pass them. A method is
//! looked up in an object, not in a scope, so only methods that are called by their
//! plain name in the class that defines them are followed; all others are refused.

use tree_sitter::Node;

use crate::scopes::walk::{Called, Home, KeywordArgument, Walk, for_children};

/// Methods that Ruby itself calls, or that are called under another name.
const CALLED_BY_RUBY: [&str; 5] = ["initialize", "call", "method_missing", "new", "included"];

/// Class bodies with these take in or hand out methods kode can't see.
const MIXES_IN: [&str; 5] = ["include", "extend", "prepend", "using", "refine"];

/// Whether there is a keyword parameter.
pub(super) fn has_any(parameters: Node<'_>) -> bool {
    let mut cursor = parameters.walk();
    parameters.named_children(&mut cursor).any(|one| one.kind() == "keyword_parameter")
}

/// Who calls a method with its keywords, or why that can't be known.
pub(super) fn callable(walk: &Walk<'_>, method: Node<'_>) -> Result<Called, &'static str> {
    let Some(name) = method.child_by_field_name("name") else { return Err("it has no name") };
    let own = method.kind() == "singleton_method";
    let object = method.child_by_field_name("object");
    if object.is_some_and(|object| object.kind() != "self") {
        return Err("callers pass it by its name to another object");
    }
    let text = walk.text(name);
    if CALLED_BY_RUBY.contains(&text) {
        return Err("callers pass it by its name without naming the method");
    }
    if any_below(method, |node| node.kind() == "super") {
        return Err("`super` passes it on by its name");
    }
    let class = class_around(method);
    if class.is_some_and(|class| takes_methods_from_elsewhere(walk, class)) {
        return Err("callers pass it by its name, and the class shares methods with others");
    }
    let home = (class.map_or(0, |class| class.id()), own);
    Ok(Called { name: text.to_owned(), declared: None, member: false, home })
}

/// Notes what a call passes by name, or that it may pass anything.
pub(super) fn note_arguments(walk: &mut Walk<'_>, call: Node<'_>, method: Node<'_>) {
    let Some(arguments) = call.child_by_field_name("arguments") else { return };
    let receiver = call.child_by_field_name("receiver");
    let plain = receiver.is_none_or(|receiver| receiver.kind() == "self");
    let callee = walk.text(method).to_owned();
    let mut by_name = false;
    for_children(arguments, |argument| {
        let key = argument.child_by_field_name("key");
        match (argument.kind(), key) {
            ("pair", Some(key)) if is_written_out(argument, key) => {
                let home = if plain { home_of_call(call) } else { Home::default() };
                if plain && !by_name {
                    by_name = true;
                    walk.note_called_plainly(&callee, home);
                }
                walk.keyword_arguments.push(KeywordArgument {
                    name: walk.text(key).to_owned(),
                    range: key.byte_range(),
                    callee: callee.clone(),
                    plain,
                    scope: walk.current,
                    home,
                });
            }
            ("pair" | "splat_argument" | "hash_splat_argument" | "forward_argument", _) => {
                walk.note_called_unclearly(&callee);
            }
            _ => {}
        }
    });
}

/// A symbol or string that is a method's name may call it.
pub(super) fn note_mention(walk: &mut Walk<'_>, node: Node<'_>) {
    let name = walk.text(node).trim_start_matches(':');
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_?!".contains(&byte)) {
        walk.note_called_unclearly(name);
    }
}

/// `k: v`, neither the short `k:` nor `:k => v` nor `"k": v`.
fn is_written_out(pair: Node<'_>, key: Node<'_>) -> bool {
    key.kind() == "hash_key_symbol" && pair.child_by_field_name("value").is_some()
}

fn is_class(node: Node<'_>) -> bool {
    matches!(node.kind(), "class" | "module" | "singleton_class")
}

fn class_around(node: Node<'_>) -> Option<Node<'_>> {
    std::iter::successors(node.parent(), Node::parent).find(|around| is_class(*around))
}

/// A plain name means a method of the object there: of the class's objects in a
/// method, of the class itself in its body and in a method of its own.
fn home_of_call(call: Node<'_>) -> Home {
    let mut own = None;
    for around in std::iter::successors(call.parent(), Node::parent) {
        match around.kind() {
            "method" => own = own.or(Some(false)),
            "singleton_method" => own = own.or(Some(true)),
            _ if is_class(around) => return (around.id(), own.unwrap_or(true)),
            _ => {}
        }
    }
    (0, own.unwrap_or(false))
}

fn takes_methods_from_elsewhere(walk: &Walk<'_>, class: Node<'_>) -> bool {
    if class.kind() != "class" || class.child_by_field_name("superclass").is_some() {
        return true;
    }
    let Some(body) = class.child_by_field_name("body") else { return false };
    let mut cursor = body.walk();
    body.named_children(&mut cursor).any(|statement| {
        let named = statement.child_by_field_name("method");
        named.is_some_and(|method| MIXES_IN.contains(&walk.text(method)))
    })
}

fn any_below(root: Node<'_>, wanted: impl Fn(Node<'_>) -> bool) -> bool {
    let mut cursor = root.walk();
    loop {
        if wanted(cursor.node()) {
            return true;
        }
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return false;
            }
        }
    }
}
