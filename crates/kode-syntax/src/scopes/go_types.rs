//! What the keys of Go's composite literals are: fields where the type is a struct,
//! expressions where it is a map, slice or array. Inner literals may leave their type
//! out. What the file does not declare is said to be so, never guessed.

use std::collections::HashMap;

use tree_sitter::Node;

use super::walk::{Walk, for_children};
use super::{Supertype, TypeShape};

/// How many literals around a key, and how many names of types, are looked through.
const MAX_STEPS: usize = 32;

/// The types a file declares, by name.
#[derive(Default)]
pub(super) struct Literals(HashMap<String, Shape>);

/// As much of a type as its literals show.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    /// A slice or an array, with its elements.
    List(Box<Shape>),
    /// A map, with its keys and values.
    Map(Box<Shape>, Box<Shape>),
    Struct,
    Named(String),
    /// A type of another package; of C where it is so.
    Foreign {
        of_c: bool,
    },
    /// Anything else, and names that stand for several types.
    Other,
}

/// What a key is.
pub(super) enum Keyed {
    ByExpression,
    ByField,
    /// As the type of this name says, which another file declares.
    As(String),
    Unclear,
}

#[derive(Clone, Copy)]
enum Step {
    Key,
    Value,
}

/// Collects the types that the file declares, at whatever place.
pub(super) fn collect(walk: &mut Walk<'_>, root: Node<'_>) {
    let mut cursor = root.walk();
    loop {
        let node = cursor.node();
        if matches!(node.kind(), "type_spec" | "type_alias") {
            note(walk, node);
        }
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}

fn note(walk: &mut Walk<'_>, spec: Node<'_>) {
    let (Some(name), Some(is)) =
        (spec.child_by_field_name("name"), spec.child_by_field_name("type"))
    else {
        return;
    };
    let shape = shape_of(walk, is, 0);
    let name = walk.text(name).to_owned();
    let supertypes = match &shape {
        Shape::Named(name) => vec![Supertype { name: name.clone(), interface: false }],
        _ => Vec::new(),
    };
    walk.note_type(TypeShape {
        name: name.clone(),
        supertypes,
        members: Vec::new(),
        keyed_by_expression: matches!(shape, Shape::List(_) | Shape::Map(..)),
        range: spec.byte_range(),
    });
    let known = walk.literals.0.entry(name).or_insert_with(|| shape.clone());
    if *known != shape {
        *known = Shape::Other;
    }
}

fn shape_of(walk: &Walk<'_>, node: Node<'_>, depth: usize) -> Shape {
    if depth > MAX_STEPS {
        return Shape::Other;
    }
    let field = |name: &str| {
        let inner = node.child_by_field_name(name);
        Box::new(inner.map_or(Shape::Other, |inner| shape_of(walk, inner, depth + 1)))
    };
    match node.kind() {
        "slice_type" | "array_type" | "implicit_length_array_type" => Shape::List(field("element")),
        "map_type" => Shape::Map(field("key"), field("value")),
        "struct_type" => Shape::Struct,
        "type_identifier" => Shape::Named(walk.text(node).to_owned()),
        "generic_type" => *field("type"),
        "qualified_type" => {
            let package = node.child_by_field_name("package");
            Shape::Foreign { of_c: package.is_some_and(|package| walk.text(package) == "C") }
        }
        // `[]*T{{x: 1}}` leaves `&T` out.
        "pointer_type" | "parenthesized_type" => {
            node.named_child(0).map_or(Shape::Other, |inner| shape_of(walk, inner, depth + 1))
        }
        _ => Shape::Other,
    }
}

/// What the key `name` of a keyed element is.
pub(super) fn keyed(walk: &Walk<'_>, element: Node<'_>, name: Node<'_>) -> Keyed {
    let Some((type_node, steps)) = literal_around(element) else { return Keyed::Unclear };
    let mut shape = shape_of(walk, type_node, 0);
    for step in steps.iter().rev() {
        shape = match (resolved(walk, shape), step) {
            (Shape::List(inner), Step::Value) | (Shape::Map(inner, _), Step::Key) => *inner,
            (Shape::Map(_, inner), Step::Value) => *inner,
            (Shape::Foreign { .. }, _) => Shape::Foreign { of_c: true },
            (other @ Shape::Named(_), _) => other,
            _ => return Keyed::Unclear,
        };
    }
    let exported = walk.text(name).starts_with(char::is_uppercase);
    match resolved(walk, shape) {
        Shape::List(_) | Shape::Map(..) => Keyed::ByExpression,
        Shape::Struct => Keyed::ByField,
        // Fields of another package's struct begin with a capital.
        Shape::Foreign { of_c: false } if !exported => Keyed::ByExpression,
        Shape::Named(name) => Keyed::As(name),
        Shape::Foreign { .. } | Shape::Other => Keyed::Unclear,
    }
}

/// What a name stands for, as far as this file tells.
fn resolved(walk: &Walk<'_>, mut shape: Shape) -> Shape {
    for _ in 0..MAX_STEPS {
        let Shape::Named(name) = &shape else { break };
        match walk.literals.0.get(name) {
            Some(known) => shape = known.clone(),
            None => break,
        }
    }
    shape
}

/// The type written on the literal around `element`, and the way down from there to
/// the literal that the element is in, innermost step first.
fn literal_around(element: Node<'_>) -> Option<(Node<'_>, Vec<Step>)> {
    let mut steps = Vec::new();
    let mut literal = element.parent()?;
    while steps.len() < MAX_STEPS {
        let around = literal.parent()?;
        if around.kind() == "composite_literal" {
            return Some((around.child_by_field_name("type")?, steps));
        }
        // A literal within a literal: an element, or the key or value of one.
        let pair = around.parent()?;
        if pair.kind() == "keyed_element" {
            let key = pair.child_by_field_name("key").is_some_and(|key| key.id() == around.id());
            steps.push(if key { Step::Key } else { Step::Value });
            literal = pair.parent()?;
        } else {
            steps.push(Step::Value);
            literal = pair;
        }
    }
    None
}

/// The names of types that a struct embeds in itself; each is the name of a field too.
pub(super) fn embedded<'t>(field: Node<'t>) -> Option<Node<'t>> {
    if field.child_by_field_name("name").is_some() {
        return None;
    }
    let mut found = None;
    for_children(field, |part| {
        let named = part.child_by_field_name("type").filter(|_| part.kind() == "generic_type");
        found = found.or(Some(named.unwrap_or(part)).filter(|n| n.kind() == "type_identifier"));
    });
    found
}
