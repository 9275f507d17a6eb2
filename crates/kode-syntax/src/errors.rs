//! How broken a tree is: its ERROR and MISSING nodes.

use tree_sitter::Tree;

/// The ERROR and MISSING nodes of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ErrorSummary {
    /// How many there are; an error inside an error counts once.
    pub count: usize,
    /// Bytes below ERROR nodes.
    pub bytes: usize,
    /// The 1-based line of the first one.
    pub first_line: Option<usize>,
}

/// Counts the ERROR and MISSING nodes of `tree`, without recursion.
pub fn error_summary(tree: &Tree) -> ErrorSummary {
    let mut summary = ErrorSummary::default();
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        let broken = node.is_error() || node.is_missing();
        if broken {
            summary.count += 1;
            summary.bytes += node.end_byte() - node.start_byte();
            summary.first_line.get_or_insert(node.start_position().row + 1);
        }
        if !broken && node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return summary;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Language, parse};

    fn count(source: &str) -> usize {
        error_summary(&parse(Language::JavaScript, source.as_bytes()).unwrap().tree).count
    }

    #[test]
    fn sound_code_has_none_and_broken_code_some() {
        assert_eq!(count("f(1);\n"), 0);
        assert!(count("f(1;\n") > 0);
        assert!(count("if (x) { y(); \n") > 0);
    }
}
