//! Which node kinds define a symbol, by language.

use std::sync::OnceLock;

use tree_sitter::Node;

use super::SymbolKind;
use crate::Language;

/// What `node` defines, if anything.
pub(super) fn kind_of(language: Language, node: Node<'_>) -> Option<SymbolKind> {
    let rules = RULES[language as usize].get_or_init(|| rules_of(language));
    rules.get(usize::from(node.kind_id())).copied().flatten()?.apply(node)
}

/// The rules of each language by the grammar's number of a node kind: most nodes define
/// nothing, and a number is looked up sooner than a name.
static RULES: [OnceLock<Vec<Option<Rule>>>; LANGUAGES] = [const { OnceLock::new() }; LANGUAGES];
const LANGUAGES: usize = Language::Cpp as usize + 1;

fn rules_of(language: Language) -> Vec<Option<Rule>> {
    let Some(grammar) = language.grammar() else { return Vec::new() };
    let ids = 0..u16::try_from(grammar.node_kind_count()).unwrap_or(u16::MAX);
    let rule = |id| {
        let named = grammar.node_kind_is_named(id);
        grammar.node_kind_for_id(id).filter(|_| named).and_then(|kind| rule_of(language, kind))
    };
    ids.map(rule).collect()
}

/// What a node of some kind defines.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// Always this.
    Always(SymbolKind),
    /// This, unless the variable, field, pair or assignment that holds it is the symbol.
    UnlessHeld(SymbolKind),
    /// This, where it has a body.
    WithBody(SymbolKind),
    /// What the field's value is, if a function or a class.
    Holds(&'static str),
    /// A Go type, by what it stands for.
    GoType,
}

impl Rule {
    fn apply(self, node: Node<'_>) -> Option<SymbolKind> {
        match self {
            Self::Always(kind) => Some(kind),
            Self::UnlessHeld(kind) => (!held_by_a_named_place(node)).then_some(kind),
            Self::WithBody(kind) => node.child_by_field_name("body").map(|_| kind),
            Self::Holds(field) => function_or_class(node.child_by_field_name(field)?),
            Self::GoType => Some(match node.child_by_field_name("type")?.kind() {
                "struct_type" => SymbolKind::Class,
                "interface_type" => SymbolKind::Interface,
                _ => SymbolKind::Type,
            }),
        }
    }
}

fn rule_of(language: Language, kind: &str) -> Option<Rule> {
    let always = match language {
        Language::JavaScript | Language::TypeScript | Language::Tsx => return ecmascript(kind),
        Language::Go => return go(kind),
        Language::C | Language::Cpp => return c_family(kind),
        Language::Python => python(kind),
        Language::Rust => rust(kind),
        Language::Java => java(kind),
        Language::CSharp => csharp(kind),
        Language::Php => php(kind),
        Language::Ruby => ruby(kind),
    };
    always.map(Rule::Always)
}

fn ecmascript(kind: &str) -> Option<Rule> {
    Some(match kind {
        "function_declaration"
        | "generator_function_declaration"
        | "function_signature"
        | "method_definition"
        | "method_signature"
        | "abstract_method_signature" => Rule::Always(SymbolKind::Function),
        "function_expression" | "generator_function" => Rule::UnlessHeld(SymbolKind::Function),
        "class_declaration" | "abstract_class_declaration" => Rule::Always(SymbolKind::Class),
        "class" => Rule::UnlessHeld(SymbolKind::Class),
        "interface_declaration" => Rule::Always(SymbolKind::Interface),
        "type_alias_declaration" => Rule::Always(SymbolKind::Type),
        "enum_declaration" => Rule::Always(SymbolKind::Enum),
        "internal_module" | "module" => Rule::Always(SymbolKind::Module),
        "variable_declarator" | "public_field_definition" | "field_definition" | "pair" => {
            Rule::Holds("value")
        }
        "assignment_expression" => Rule::Holds("right"),
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

fn go(kind: &str) -> Option<Rule> {
    Some(match kind {
        "function_declaration" | "method_declaration" => Rule::Always(SymbolKind::Function),
        "type_spec" => Rule::GoType,
        "type_alias" => Rule::Always(SymbolKind::Type),
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

fn c_family(kind: &str) -> Option<Rule> {
    Some(match kind {
        "function_definition" => Rule::Always(SymbolKind::Function),
        "struct_specifier" | "union_specifier" | "class_specifier" => {
            Rule::WithBody(SymbolKind::Class)
        }
        "enum_specifier" => Rule::WithBody(SymbolKind::Enum),
        "namespace_definition" => Rule::Always(SymbolKind::Module),
        "type_definition" | "alias_declaration" => Rule::Always(SymbolKind::Type),
        "preproc_def" | "preproc_function_def" => Rule::Always(SymbolKind::Macro),
        _ => return None,
    })
}
