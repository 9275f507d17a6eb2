//! Which arguments of Python's calls name a parameter, and by what other names, classes
//! and containers a function may be called. Names only: what may be meant is noted, and
//! whoever renames a parameter decides.

use tree_sitter::Node;

use super::walk::{Home, KeywordArgument, ScopeKind, Walk, for_children};

/// How many nodes of an assigned value are looked through for functions.
const MAX_VALUE_NODES: usize = 20_000;

/// `f(x=1)`, and whatever else the call may hand `x` on to.
pub(super) fn enter_keyword_argument(walk: &mut Walk<'_>, node: Node<'_>) {
    let Some(name) = node.child_by_field_name("name") else { return };
    walk.skip(Some(name));
    let Some(call) = node.parent().and_then(|arguments| arguments.parent()) else { return };
    if call.kind() == "call" {
        note_named(walk, call, name);
    }
}

/// Everything that `name`, passed in `call`, may be a parameter of.
fn note_named(walk: &mut Walk<'_>, call: Node<'_>, name: Node<'_>) {
    let (Some(callee), Some(arguments)) =
        (call.child_by_field_name("function"), call.child_by_field_name("arguments"))
    else {
        return;
    };
    match callee.kind() {
        "identifier" => note_keyword(walk, name, callee, true),
        "attribute" => note_keyword(walk, name, last_name(callee), false),
        // `table["f"](x=1)`, `partial(f)(x=1)`.
        _ => for_names(callee, true, |one| note_keyword(walk, name, one, false)),
    }
    note_class_call(walk, callee, name);
    // `partial(f, x=1)` and `submit(f, x=1)` hand `x` on to `f`.
    for_children(arguments, |argument| {
        if matches!(argument.kind(), "identifier" | "attribute") {
            note_keyword(walk, name, last_name(argument), false);
        }
    });
}

fn note_keyword(walk: &mut Walk<'_>, name: Node<'_>, callee: Node<'_>, plain: bool) {
    walk.keyword_arguments.push(KeywordArgument {
        name: walk.text(name).to_owned(),
        range: name.byte_range(),
        callee: walk.text(callee).to_owned(),
        plain,
        scope: walk.current,
        home: Home::default(),
    });
}

/// `cls(x=1)`, `super().__init__(x=1)`, `A.__init__(self, x=1)`: a constructor.
fn note_class_call(walk: &mut Walk<'_>, callee: Node<'_>, name: Node<'_>) {
    let text = walk.text(callee);
    let own = matches!(text, "cls" | "klass" | "type(self)" | "self.__class__" | "__class__");
    let parameter = walk.text(name).to_owned();
    if own {
        if let Some(class) = class_around(callee).and_then(|c| c.child_by_field_name("name")) {
            walk.calls.class_calls.push((parameter, walk.text(class).to_owned()));
        }
    } else if text.ends_with(".__init__")
        && let Some(object) = callee.child_by_field_name("object")
    {
        if object.kind() != "call" {
            note_keyword(walk, name, last_name(object), false);
        } else if let Some(bases) =
            class_around(callee).and_then(|class| class.child_by_field_name("superclasses"))
        {
            for_children(bases, |base| note_keyword(walk, name, last_name(base), false));
        }
    }
}

pub(super) fn class_around(node: Node<'_>) -> Option<Node<'_>> {
    std::iter::successors(node.parent(), Node::parent).find(|n| n.kind() == "class_definition")
}

/// The last name of `a.b.c`, `a.b[c]`; anything else is itself.
pub(super) fn last_name(node: Node<'_>) -> Node<'_> {
    let inner = match node.kind() {
        "subscript" => node.child_by_field_name("value"),
        _ => None,
    };
    let node = inner.unwrap_or(node);
    node.child_by_field_name("attribute").unwrap_or(node)
}

/// What a call passes without a keyword: names in dictionaries, and functions.
pub(super) fn enter_call(walk: &mut Walk<'_>, call: Node<'_>) {
    let (Some(callee), Some(arguments)) =
        (call.child_by_field_name("function"), call.child_by_field_name("arguments"))
    else {
        return;
    };
    for_children(arguments, |argument| {
        let value = argument.child_by_field_name("value").unwrap_or(argument);
        match (argument.kind(), value.kind()) {
            (_, "identifier" | "attribute") if argument.kind() != "dictionary_splat" => {
                let name = walk.text(last_name(value)).to_owned();
                walk.calls.passed.insert(name);
            }
            // `f(**{"x": 1})`, `Thread(target=f, kwargs={"x": 1})`.
            ("dictionary_splat", _) => match argument.named_child(0) {
                Some(dictionary) if dictionary.kind() == "dictionary" => {
                    note_keys(walk, call, arguments, dictionary);
                }
                _ => {
                    let name = walk.text(last_name(callee)).to_owned();
                    walk.calls.splatted.insert(name);
                }
            },
            ("keyword_argument", "dictionary") => note_keys(walk, call, arguments, value),
            _ => {}
        }
    });
}

fn note_keys(walk: &mut Walk<'_>, call: Node<'_>, arguments: Node<'_>, dictionary: Node<'_>) {
    for_children(dictionary, |pair| {
        let Some(key) = pair.child_by_field_name("key").filter(|key| key.kind() == "string") else {
            return;
        };
        let Some(name) = key.named_child(1).filter(|part| part.kind() == "string_content") else {
            return;
        };
        if let Some(callee) = call.child_by_field_name("function") {
            note_keyword(walk, name, last_name(callee), false);
        }
        for_children(arguments, |argument| {
            let value = argument.child_by_field_name("value").unwrap_or(argument);
            if matches!(value.kind(), "identifier" | "attribute") {
                note_keyword(walk, name, last_name(value), false);
            }
        });
    });
}

/// What is assigned may be a function, which `target` then calls.
pub(super) fn note_flow(walk: &mut Walk<'_>, target: Option<Node<'_>>, value: Option<Node<'_>>) {
    let (Some(target), Some(value)) = (target, value) else { return };
    let mut targets = Vec::new();
    for_names(target, false, |name| targets.push(walk.text(name)));
    for_names(value, false, |name| {
        let from = walk.text(name);
        for to in targets.iter().filter(|to| **to != from) {
            walk.calls.flows.insert(((*to).to_owned(), from.to_owned()));
        }
    });
}

/// The names in an expression: `b` of `a.b`, and `f` of `f(…)` only where `called`.
fn for_names<'t>(root: Node<'t>, called: bool, mut visit: impl FnMut(Node<'t>)) {
    let mut pending = vec![root];
    let mut left = MAX_VALUE_NODES;
    while let Some(node) = pending.pop() {
        left -= 1;
        if left == 0 {
            return;
        }
        match node.kind() {
            "identifier" | "attribute" => visit(last_name(node)),
            "subscript" => pending.extend(node.child_by_field_name("value")),
            "call" if !called => pending.extend(node.child_by_field_name("arguments")),
            "keyword_argument" | "pair" => pending.extend(node.child_by_field_name("value")),
            "lambda" | "comparison_operator" | "string" => {}
            _ => for_children(node, |child| pending.push(child)),
        }
    }
}

/// `x = x` in a class body reads the `x` around it, and then is the class's own.
pub(super) fn note_class_body_copy(walk: &mut Walk<'_>, assignment: Node<'_>) {
    let scope = walk.function_scope();
    if walk.kind_of(scope) != ScopeKind::HiddenClass {
        return;
    }
    let (Some(left), Some(right)) =
        (assignment.child_by_field_name("left"), assignment.child_by_field_name("right"))
    else {
        return;
    };
    let name = walk.text(left);
    if left.kind() != "identifier" || walk.known_in(scope, name, super::walk::VALUE).is_some() {
        return;
    }
    let mut reads = false;
    let mut pending = vec![right];
    while let Some(node) = pending.pop() {
        reads |= node.kind() == "identifier" && walk.text(node) == name;
        if node.kind() == "attribute" {
            pending.extend(node.child_by_field_name("object"));
        } else if node.kind() == "keyword_argument" {
            pending.extend(node.child_by_field_name("value"));
        } else {
            for_children(node, |child| pending.push(child));
        }
    }
    if reads {
        walk.block_name(name, "a class body takes it over under the same name");
    }
}
