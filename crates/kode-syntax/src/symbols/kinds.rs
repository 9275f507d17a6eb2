//! Which node kinds define a symbol, by language.

use tree_sitter::Node;

use super::SymbolKind;
use crate::Language;

/// What `node` defines, if anything.
pub(super) fn kind_of(language: Language, node: Node<'_>) -> Option<SymbolKind> {
    match language {
        Language::JavaScript | Language::TypeScript | Language::Tsx => ecmascript(node),
        Language::Python => python(node.kind()),
        Language::Go => go(node),
        Language::Rust => rust(node.kind()),
        Language::Java => java(node.kind()),
        Language::CSharp => csharp(node.kind()),
        Language::Php => php(node.kind()),
        Language::Ruby => ruby(node.kind()),
        Language::C | Language::Cpp => c_family(node),
    }
}

fn ecmascript(node: Node<'_>) -> Option<SymbolKind> {
    Some(match node.kind() {
        "function_declaration"
        | "generator_function_declaration"
        | "function_expression"
        | "generator_function"
        | "function_signature"
        | "method_definition"
        | "method_signature"
        | "abstract_method_signature" => {
            if held_by_a_named_place(node) {
                return None;
            }
            SymbolKind::Function
        }
        "class_declaration" | "abstract_class_declaration" | "class" => {
            if held_by_a_named_place(node) {
                return None;
            }
            SymbolKind::Class
        }
        "interface_declaration" => SymbolKind::Interface,
        "type_alias_declaration" => SymbolKind::Type,
        "enum_declaration" => SymbolKind::Enum,
        "internal_module" | "module" => SymbolKind::Module,
        "variable_declarator" | "public_field_definition" | "field_definition" | "pair" => {
            function_or_class(node.child_by_field_name("value")?)?
        }
        "assignment_expression" => function_or_class(node.child_by_field_name("right")?)?,
        _ => return None,
    })
}

/// Whether the parent (a variable, field, pair, assignment) already gives the symbol.
fn held_by_a_named_place(node: Node<'_>) -> bool {
    node.parent().is_some_and(|parent| {
        matches!(
            parent.kind(),
            "variable_declarator"
                | "public_field_definition"
                | "field_definition"
                | "pair"
                | "assignment_expression"
        )
    })
}

fn function_or_class(value: Node<'_>) -> Option<SymbolKind> {
    match value.kind() {
        "arrow_function" | "function_expression" | "generator_function" => {
            Some(SymbolKind::Function)
        }
        "class" => Some(SymbolKind::Class),
        _ => None,
    }
}

fn python(kind: &str) -> Option<SymbolKind> {
    match kind {
        "function_definition" => Some(SymbolKind::Function),
        "class_definition" => Some(SymbolKind::Class),
        "type_alias_statement" => Some(SymbolKind::Type),
        _ => None,
    }
}

fn go(node: Node<'_>) -> Option<SymbolKind> {
    Some(match node.kind() {
        "function_declaration" | "method_declaration" => SymbolKind::Function,
        "type_spec" => match node.child_by_field_name("type")?.kind() {
            "struct_type" => SymbolKind::Class,
            "interface_type" => SymbolKind::Interface,
            _ => SymbolKind::Type,
        },
        "type_alias" => SymbolKind::Type,
        _ => return None,
    })
}

fn rust(kind: &str) -> Option<SymbolKind> {
    Some(match kind {
        "function_item" | "function_signature_item" => SymbolKind::Function,
        "struct_item" | "union_item" => SymbolKind::Class,
        "enum_item" => SymbolKind::Enum,
        "trait_item" => SymbolKind::Interface,
        "impl_item" => SymbolKind::Extension,
        "mod_item" => SymbolKind::Module,
        "type_item" => SymbolKind::Type,
        "macro_definition" => SymbolKind::Macro,
        _ => return None,
    })
}

fn java(kind: &str) -> Option<SymbolKind> {
    Some(match kind {
        "class_declaration" | "record_declaration" => SymbolKind::Class,
        "interface_declaration" | "annotation_type_declaration" => SymbolKind::Interface,
        "enum_declaration" => SymbolKind::Enum,
        "method_declaration" | "constructor_declaration" | "compact_constructor_declaration" => {
            SymbolKind::Function
        }
        _ => return None,
    })
}

fn csharp(kind: &str) -> Option<SymbolKind> {
    Some(match kind {
        "class_declaration" | "struct_declaration" | "record_declaration" => SymbolKind::Class,
        "interface_declaration" => SymbolKind::Interface,
        "enum_declaration" => SymbolKind::Enum,
        "delegate_declaration" => SymbolKind::Type,
        "namespace_declaration" => SymbolKind::Module,
        "method_declaration"
        | "constructor_declaration"
        | "destructor_declaration"
        | "local_function_statement" => SymbolKind::Function,
        "property_declaration" => SymbolKind::Property,
        _ => return None,
    })
}

fn php(kind: &str) -> Option<SymbolKind> {
    Some(match kind {
        "function_definition" | "method_declaration" => SymbolKind::Function,
        "class_declaration" => SymbolKind::Class,
        "interface_declaration" | "trait_declaration" => SymbolKind::Interface,
        "enum_declaration" => SymbolKind::Enum,
        _ => return None,
    })
}

fn ruby(kind: &str) -> Option<SymbolKind> {
    Some(match kind {
        "method" | "singleton_method" => SymbolKind::Function,
        "class" => SymbolKind::Class,
        "module" => SymbolKind::Module,
        _ => return None,
    })
}

fn c_family(node: Node<'_>) -> Option<SymbolKind> {
    Some(match node.kind() {
        "function_definition" => SymbolKind::Function,
        "struct_specifier" | "union_specifier" | "class_specifier" => {
            node.child_by_field_name("body")?;
            SymbolKind::Class
        }
        "enum_specifier" => {
            node.child_by_field_name("body")?;
            SymbolKind::Enum
        }
        "namespace_definition" => SymbolKind::Module,
        "type_definition" | "alias_declaration" => SymbolKind::Type,
        "preproc_def" | "preproc_function_def" => SymbolKind::Macro,
        _ => return None,
    })
}
