//! What a definition is called; containers written into the definition itself
//! (Go receivers, C++ qualifiers, `exports.f = …`) come along, joined by `.`.

use tree_sitter::Node;

use crate::Language;

/// How many declarators (`*`, `&`, parentheses) are looked through.
const MAX_DECLARATORS: usize = 32;

/// The name of the definition `node`.
pub(super) fn name_of(language: Language, node: Node<'_>, source: &[u8]) -> Option<String> {
    match language {
        Language::Go if node.kind() == "method_declaration" => go_method(node, source),
        Language::Rust if node.kind() == "impl_item" => {
            base_name(node.child_by_field_name("type")?, source)
        }
        Language::C | Language::Cpp
            if matches!(node.kind(), "function_definition" | "type_definition") =>
        {
            declarator_name(node, source)
        }
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            ecmascript_name(node, source)
        }
        Language::Cpp => {
            // A specialisation goes by the name of its template.
            let name = text(node.child_by_field_name("name")?, source)?;
            Some(dotted(name.split('<').next().unwrap_or(&name).trim_end().to_owned()))
        }
        _ => text(node.child_by_field_name("name")?, source).map(dotted),
    }
}

fn text(node: Node<'_>, source: &[u8]) -> Option<String> {
    let text = node.utf8_text(source).ok()?;
    (!text.is_empty()).then(|| text.to_owned())
}

fn dotted(name: String) -> String {
    if name.contains("::") { name.replace("::", ".") } else { name }
}

fn ecmascript_name(node: Node<'_>, source: &[u8]) -> Option<String> {
    let place = ["name", "property", "key", "left"]
        .into_iter()
        .find_map(|field| node.child_by_field_name(field))?;
    match place.kind() {
        "identifier"
        | "property_identifier"
        | "type_identifier"
        | "private_property_identifier"
        | "nested_identifier" => text(place, source),
        "string" => text(place, source).map(|quoted| quoted.trim_matches(['"', '\'']).to_owned()),
        "member_expression" => {
            let name = text(place, source)?;
            let plain = name.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'$') || byte >= 0x80
            });
            plain.then(|| name.replace(".prototype.", "."))
        }
        _ => None,
    }
}

fn go_method(node: Node<'_>, source: &[u8]) -> Option<String> {
    let name = text(node.child_by_field_name("name")?, source)?;
    let receiver = node.child_by_field_name("receiver")?;
    let mut cursor = receiver.walk();
    let declared = receiver.named_children(&mut cursor).next()?;
    let owner = base_name(declared.child_by_field_name("type")?, source)?;
    Some(format!("{owner}.{name}"))
}

/// The plain name of a type: pointers and generic arguments left out.
fn base_name(mut node: Node<'_>, source: &[u8]) -> Option<String> {
    for _ in 0..MAX_DECLARATORS {
        match node.kind() {
            "type_identifier" | "identifier" | "primitive_type" => return text(node, source),
            _ => {
                node = node
                    .child_by_field_name("type")
                    .or_else(|| node.child_by_field_name("name"))
                    .or_else(|| node.named_child(0))?;
            }
        }
    }
    None
}

/// The name inside a C declarator; `A::b` gives `A.b`.
fn declarator_name(node: Node<'_>, source: &[u8]) -> Option<String> {
    let mut declarator = node.child_by_field_name("declarator")?;
    for _ in 0..MAX_DECLARATORS {
        match declarator.kind() {
            "identifier" | "field_identifier" | "type_identifier" | "destructor_name"
            | "operator_name" | "operator_cast" => return text(declarator, source),
            "qualified_identifier" => {
                return text(declarator, source)
                    .map(|name| dotted(name.split_whitespace().collect()));
            }
            _ => {
                declarator = declarator
                    .child_by_field_name("declarator")
                    .or_else(|| declarator.named_child(0))?;
            }
        }
    }
    None
}
