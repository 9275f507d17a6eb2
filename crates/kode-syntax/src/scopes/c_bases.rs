//! What C++ classes inherit from, and the names their heirs see. Bases that are
//! template parameters are looked into by nobody.

use tree_sitter::Node;

use super::c_family::declared_name;
use super::walk::{Walk, for_children, for_field};
use super::{Supertype, TypeShape};

/// The classes in the base clause, by their last names.
pub(super) fn supertypes(walk: &Walk<'_>, class: Node<'_>) -> Vec<Supertype> {
    let mut found = Vec::new();
    for_children(class, |clause| {
        if clause.kind() != "base_class_clause" {
            return;
        }
        for_children(clause, |base| {
            let mut name = base;
            while matches!(name.kind(), "qualified_identifier" | "template_type") {
                match name.child_by_field_name("name") {
                    Some(inner) => name = inner,
                    None => return,
                }
            }
            if name.kind() == "type_identifier" {
                let name = walk.text(name).to_owned();
                found.push(Supertype { name, interface: false });
            }
        });
    });
    found
}

/// Notes the class with the names it declares.
pub(super) fn note_shape(
    walk: &mut Walk<'_>,
    class: Node<'_>,
    body: Node<'_>,
    supertypes: &[Supertype],
) {
    let Some(name) = class.child_by_field_name("name") else { return };
    let mut members = Vec::new();
    for_children(body, |member| {
        for_field(member, "declarator", |declarator| {
            let name = declared_name(declarator);
            members.extend(name.map(|name| walk.text(name).to_owned()));
        });
    });
    let shape = TypeShape {
        name: walk.text(name).split('<').next().unwrap_or_default().to_owned(),
        supertypes: supertypes.to_vec(),
        members,
        keyed_by_expression: false,
        range: class.byte_range(),
    };
    walk.note_type(shape);
}
