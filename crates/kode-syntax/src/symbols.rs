//! The named definitions of a file: what a person would point at by name.
//!
//! Local variables are no symbols; see the scope analysis for those.

use std::ops::Range;

use tree_sitter::Node;

use crate::SourceTree;

mod kinds;
mod names;
mod surroundings;

use kinds::kind_of;
use names::name_of;

/// The deepest nesting of definitions that is followed.
const MAX_DEPTH: usize = 64;

/// What a symbol is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SymbolKind {
    /// A function, method, constructor, accessor or named closure.
    Function,
    /// A class, struct, union, record or object type.
    Class,
    /// An interface, trait or protocol.
    Interface,
    /// An enumeration.
    Enum,
    /// A type alias.
    Type,
    /// A module or namespace.
    Module,
    /// A macro.
    Macro,
    /// A property with accessors.
    Property,
    /// A block that holds members of a type named elsewhere (Rust `impl`); not itself a definition.
    Extension,
}

impl SymbolKind {
    /// The word shown in an outline.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Class => "class",
            Self::Interface => "interface",
            Self::Enum => "enum",
            Self::Type => "type",
            Self::Module => "module",
            Self::Macro => "macro",
            Self::Property => "property",
            Self::Extension => "impl",
        }
    }
}

/// A named definition and its places, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// Its own name.
    pub name: String,
    /// The names from the outermost container to it, joined by `.`.
    pub path: String,
    /// What it is.
    pub kind: SymbolKind,
    /// The definition with its decorators, attributes, modifiers and doc comments.
    pub range: Range<usize>,
    /// The definition alone.
    pub item: Range<usize>,
    /// Its body node, where it has one.
    pub body: Option<Range<usize>>,
    /// The node kind of the body.
    pub body_kind: Option<String>,
    /// 1-based line of the definition, decorators left out.
    pub line: usize,
    /// 1-based last line.
    pub end_line: usize,
    /// How many symbols enclose it.
    pub depth: usize,
}

impl Symbol {
    /// Whether `wanted` names it: its name, its path, or the end of its path
    /// (`Class.method`; `::`, `#` and `.` all separate).
    pub fn is_named(&self, wanted: &str) -> bool {
        let wanted = wanted.replace("::", ".").replace('#', ".");
        self.path == wanted
            || self.name == wanted
            || self.path.strip_suffix(&wanted).is_some_and(|rest| rest.ends_with('.'))
    }
}

/// All symbols of a file, in the order they begin.
pub fn symbols(source_tree: &SourceTree, source: &[u8]) -> Vec<Symbol> {
    let mut found: Vec<Symbol> = Vec::new();
    // Indices into `found` of the symbols around the current node.
    let mut enclosing: Vec<usize> = Vec::new();
    let mut cursor = source_tree.tree.walk();
    loop {
        let node = cursor.node();
        enclosing.retain(|&index| found[index].item.end > node.start_byte());
        if node.is_named()
            && enclosing.len() < MAX_DEPTH
            && let Some(symbol) = read_symbol(source_tree, source, node, &found, &enclosing)
        {
            enclosing.push(found.len());
            found.push(symbol);
        }
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return found;
            }
        }
    }
}

/// The own names of all definitions, as often as each is defined: what
/// [`symbols`] finds, without working out its places.
pub fn definition_names(source_tree: &SourceTree, source: &[u8]) -> Vec<String> {
    definition_names_in(source_tree, source, std::slice::from_ref(&(0..source.len())))
}

/// [`definition_names`] of the definitions that touch one of the ascending `ranges`.
pub fn definition_names_in(
    source_tree: &SourceTree,
    source: &[u8],
    ranges: &[Range<usize>],
) -> Vec<String> {
    let mut names = Vec::new();
    let mut cursor = source_tree.tree.walk();
    loop {
        let node = cursor.node();
        let first = ranges.partition_point(|range| range.end < node.start_byte());
        // What comes later in the tree begins later in the text.
        let Some(range) = ranges.get(first) else { return names };
        let touched = range.start <= node.end_byte();
        if touched
            && node.is_named()
            && let Some(kind) = kind_of(source_tree.language, node)
            && kind != SymbolKind::Extension
            && let Some(name) = name_of(source_tree.language, node, source)
        {
            names.push(name.rsplit('.').next().unwrap_or(&name).to_owned());
        }
        // `goto_first_child_for_byte` misses what stands behind hidden nodes.
        if touched && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return names;
            }
        }
    }
}

fn read_symbol(
    source_tree: &SourceTree,
    source: &[u8],
    node: Node<'_>,
    found: &[Symbol],
    enclosing: &[usize],
) -> Option<Symbol> {
    let kind = kind_of(source_tree.language, node)?;
    let name = name_of(source_tree.language, node, source)?;
    let path = match enclosing.last() {
        Some(&outer) => format!("{}.{name}", found[outer].path),
        None => name.clone(),
    };
    let body = body_of(node);
    Some(Symbol {
        name: name.rsplit('.').next().unwrap_or(&name).to_owned(),
        path,
        kind,
        range: surroundings::with_surroundings(source_tree.language, node, source),
        item: node.byte_range(),
        body: body.map(|body| body.byte_range()),
        body_kind: body.map(|body| body.kind().to_owned()),
        line: node.start_position().row + 1,
        end_line: node.end_position().row + 1,
        depth: enclosing.len(),
    })
}

/// The body of a definition, looking through a variable or pair that holds a function.
fn body_of(node: Node<'_>) -> Option<Node<'_>> {
    node.child_by_field_name("body").or_else(|| {
        let value =
            node.child_by_field_name("value").or_else(|| node.child_by_field_name("right"))?;
        value.child_by_field_name("body")
    })
}

#[cfg(test)]
mod tests;
