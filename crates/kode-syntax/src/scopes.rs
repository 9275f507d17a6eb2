//! Which name means which binding: lexical scopes, declarations and references
//! of one file.
//!
//! Members reached through a value (`a.b`) need types and are no part of this;
//! neither are strings and comments.

use std::collections::BTreeSet;
use std::ops::Range;

use thiserror::Error;
use tree_sitter::Node;

use crate::{Language, SourceTree};

mod c_bases;
mod c_family;
mod c_macros;
mod csharp;
mod ecmascript;
mod escapes;
mod go;
mod go_types;
mod java;
mod php;
mod python;
mod python_calls;
mod ruby;
mod rust;
mod rust_macros;
mod rust_patterns;
mod walk;

use walk::Walk;

/// Trees with more nodes are not analysed.
const MAX_NODES: usize = 4_000_000;

/// Why a file has no scopes.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum ScopeError {
    /// The tree is too large.
    #[error("the file has more than {MAX_NODES} syntax nodes")]
    TooLarge,
    /// The tree is nested too deep.
    #[error("the file's syntax nests deeper than {} levels", walk::MAX_DEPTH)]
    TooDeep,
}

/// What a binding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BindingKind {
    /// A variable of a function or block.
    Local,
    /// A parameter of a function.
    Parameter,
    /// A function, type, constant or variable that a file or module defines.
    Item,
    /// A name that an import brings.
    Import,
    /// A member of a type, which values of that type reach it through.
    Member,
}

/// One place where a binding's name is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// The bytes a rename replaces.
    pub range: Range<usize>,
    /// What a rename writes before the new name (`x: ` where `{x}` is short for `{x: x}`).
    pub before: String,
    /// What a rename writes after the new name.
    pub after: String,
    /// Whether the name is declared here.
    pub declares: bool,
}

/// What an import binds a name to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportOrigin {
    /// The module as written (`./a`, `pkg.mod`); empty for Python's `import pkg.mod`.
    pub module: String,
    /// The name there; `*` for a whole module, `default` for its default export.
    pub name: String,
    /// Where that name is written, when an alias stands beside it.
    pub name_range: Option<Range<usize>>,
}

/// A name with everything in the file that means it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The name as written, without sigils.
    pub name: String,
    /// What it is.
    pub kind: BindingKind,
    /// Whether other files can see it.
    pub visible_outside: bool,
    /// Where an import takes it from.
    pub imported: Option<ImportOrigin>,
    /// Its places, ascending.
    pub occurrences: Vec<Occurrence>,
    /// Why it can't be renamed safely, where that is so.
    pub blocked: Option<String>,
    /// Of a parameter that callers may pass by its name: what they call (the function,
    /// or its class for a constructor).
    pub passed_to: Option<String>,
    /// What types must be asked before it is renamed.
    pub doubts: Vec<Doubt>,
}

/// A place whose name means the binding or a member of a type, as the type says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Doubt {
    /// It is used in a class that inherits from this: a member of that name is meant there.
    Inherited(Supertype),
    /// It is written as a key in a literal of this type: a field of a struct, an
    /// expression in a map, slice or array (Go).
    KeyOf(String),
}

/// What a type inherits from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Supertype {
    /// Its last name.
    pub name: String,
    /// Whether the place says that it is an interface.
    pub interface: bool,
}

/// A type that a file declares, as far as other files and its heirs need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeShape {
    /// Its name.
    pub name: String,
    /// What it inherits from.
    pub supertypes: Vec<Supertype>,
    /// Members that heirs reach by their plain name (Java, C++), or methods (Python).
    pub members: Vec<String>,
    /// Whether its literals are keyed by expressions (Go's maps, slices and arrays).
    pub keyed_by_expression: bool,
    /// Where it stands.
    pub range: Range<usize>,
}

/// An argument that names its parameter (`f(x=1)`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedArgument {
    /// The parameter's name.
    pub name: String,
    /// What is called, the last name of it (`f` in `a.f(x=1)`).
    pub callee: String,
    /// Whether what is called is that name alone.
    pub plain: bool,
    /// Where the parameter's name is written.
    pub range: Range<usize>,
}

/// A name of another module that a file exports as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOn {
    /// Where it is from; its `name_range` is always there but for a whole module.
    pub origin: ImportOrigin,
    /// What a rename writes after the new name, so that importers see the old one.
    pub after: String,
}

/// The bindings of one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scopes {
    /// All bindings, in the order they are declared.
    pub bindings: Vec<Binding>,
    /// Names that no declaration of this file explains, ascending.
    pub unresolved: Vec<(String, Range<usize>)>,
    /// Modules whose names are all passed on or taken without naming them
    /// (`export * from './a'`, `from a import *`), as written.
    pub wholesale: Vec<String>,
    /// What is passed on from other modules without a binding of its own
    /// (`export { x } from './a'`, `export * as a from './a'`).
    pub passed_on: Vec<PassedOn>,
    /// The arguments that name their parameters.
    pub named_arguments: Vec<NamedArgument>,
    /// The types the file declares, where a rename needs them (C++, Go, Java, Python).
    pub types: Vec<TypeShape>,
    /// Where import and export statements write the modules they name (JavaScript).
    pub import_sources: Vec<Range<usize>>,
    /// How functions may be called other than by their names (Python).
    pub calls: IndirectCalls,
}

/// Ways in which a function or class may be called under another name than its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IndirectCalls {
    /// The name that is assigned, and a name in what is assigned to it.
    pub flows: BTreeSet<(String, String)>,
    /// What is passed as an argument.
    pub passed: BTreeSet<String>,
    /// What is called with a dictionary for its keywords (`f(**options)`).
    pub splatted: BTreeSet<String>,
    /// Names that are passed to the class around the call (`cls(x=1)`), and that class.
    pub class_calls: Vec<(String, String)>,
}

/// Analyses the scopes of a file.
///
/// # Errors
/// When the tree is too large or nests too deep.
pub fn scopes(source_tree: &SourceTree, source: &[u8]) -> Result<Scopes, ScopeError> {
    let root = source_tree.tree.root_node();
    if root.descendant_count() > MAX_NODES {
        return Err(ScopeError::TooLarge);
    }
    let mut walk = Walk::new(source_tree.language, source, root);
    escapes::block_escaped(&mut walk, root);
    if !walk.run(root, rules_of(source_tree.language)) {
        return Err(ScopeError::TooDeep);
    }
    Ok(walk.finish())
}

/// What a language does on entering a node.
type Rules = for<'s, 't> fn(&mut Walk<'s>, Node<'t>);

fn rules_of(language: Language) -> Rules {
    match language {
        Language::JavaScript | Language::TypeScript | Language::Tsx => ecmascript::enter,
        Language::Python => python::enter,
        Language::Go => go::enter,
        Language::Rust => rust::enter,
        Language::Java => java::enter,
        Language::CSharp => csharp::enter,
        Language::Php => php::enter,
        Language::Ruby => ruby::enter,
        Language::C | Language::Cpp => c_family::enter,
    }
}

#[cfg(test)]
mod tests;
