//! Parsing bytes into a tree.

use thiserror::Error;
use tree_sitter::{Parser, Tree};

use crate::Language;

/// Why there is no tree.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum ParseError {
    /// The grammar's `lang-*` feature is off.
    #[error("this build of kode has no {0} grammar")]
    NoGrammar(&'static str),
    /// The parser gave up.
    #[error("the {0} parser gave up")]
    GaveUp(&'static str),
}

/// A tree with the language it was parsed as.
#[derive(Debug, Clone)]
pub struct SourceTree {
    /// The language.
    pub language: Language,
    /// The syntax tree; it may hold error nodes.
    pub tree: Tree,
}

/// Parses `source`.
///
/// # Errors
/// When the grammar is missing or the parser gives up; never for bad input.
pub fn parse(language: Language, source: &[u8]) -> Result<SourceTree, ParseError> {
    let name = language.name();
    let grammar = language.grammar().ok_or(ParseError::NoGrammar(name))?;
    let mut parser = Parser::new();
    parser.set_language(&grammar).map_err(|_| ParseError::NoGrammar(name))?;
    let tree = parser.parse(source, None).ok_or(ParseError::GaveUp(name))?;
    Ok(SourceTree { language, tree })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_parses_with_its_grammar() {
        for extension in
            ["js", "ts", "tsx", "py", "go", "rs", "java", "cs", "php", "rb", "c", "cpp"]
        {
            let language = Language::from_extension(extension).unwrap();
            if language.grammar().is_some() {
                parse(language, b"").unwrap();
            }
        }
    }
}
