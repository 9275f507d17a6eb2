//! The only crate that links grammars.
//!
//! Detects a file's language and parses it. It never does I/O and never fails
//! on broken input: a tree comes back, with its error nodes countable, unless the text
//! is out of all proportion (work, nesting), which is said.

mod errors;
mod identifiers;
mod language;
mod lenient;
mod macro_text;
mod parse;
mod scanner_state;
mod scopes;
mod symbols;

pub use errors::{ErrorSummary, error_summary};
pub use identifiers::{is_identifier, is_keyword};
pub use language::Language;
pub use lenient::faults;
pub use macro_text::{MacroDefinition, MacroHazards, macro_definitions};
pub use parse::{ParseError, Reparsed, SourceTree, parse, reparse, single_replacement};
pub use scopes::{
    Binding, BindingKind, Doubt, ImportOrigin, IndirectCalls, NamedArgument, Occurrence, PassedOn,
    ScopeError, Scopes, Supertype, TypeShape, scopes,
};
pub use symbols::{Symbol, SymbolKind, definition_names, definition_names_in, symbols};
pub use tree_sitter::{Node, Point, Tree, TreeCursor};
