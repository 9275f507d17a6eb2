//! Code that stands in a text which the program runs: it is lowered where it stands, as
//! if it were written there. Texts within such texts, and texts that are no code of the
//! file's language, are left as they are.

use std::cell::OnceCell;

use kode_syntax::{Node, parse};

use super::Builder;
use crate::ir::{Function, FunctionId, Statement};

/// Texts of one file that are looked into.
const TEXTS_MAX: usize = 64;
/// Longer texts are left as they are.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// The texts of a file whose code was lowered: they live as long as its source.
#[derive(Debug, Default)]
pub(super) struct Texts {
    text: OnceCell<Box<str>>,
    next: OnceCell<Box<Texts>>,
}

impl Texts {
    fn keep(&self, text: String) -> Option<&str> {
        let mut at = self;
        for _ in 0..TEXTS_MAX {
            if at.text.get().is_none() {
                return Some(at.text.get_or_init(|| text.into()));
            }
            at = at.next.get_or_init(Box::default);
        }
        None
    }
}

impl Builder<'_> {
    /// Lowers a text as code of this file's language, standing where `node` does; `None`
    /// where it is none.
    pub(crate) fn inside<T>(
        &mut self,
        text: String,
        node: Node<'_>,
        lower: impl FnOnce(&mut Self, Node<'_>) -> T,
    ) -> Option<T> {
        if self.within.is_some() || text.len() > TEXT_BYTES_MAX || !text.contains(['(', '=']) {
            return None;
        }
        let language = self.language?;
        let place = self.place(node);
        let text = self.texts.keep(text)?;
        let tree = parse(language, text.as_bytes()).ok()?;
        let root = tree.tree.root_node();
        if root.has_error() {
            return None;
        }
        let outer = (self.source, self.readable);
        (self.source, self.readable) = (text.as_bytes(), Some(text));
        self.within = Some(place);
        let lowered = lower(self, root);
        self.within = None;
        (self.source, self.readable) = outer;
        Some(lowered)
    }

    /// Statements that run in the scope around them.
    pub(crate) fn as_function(&mut self, body: Vec<Statement>) -> FunctionId {
        let id = FunctionId(self.program.functions.len() as u32);
        self.program.functions.push(Function { body, ..Function::default() });
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_kept_apart_and_only_so_many() {
        let texts = Texts::default();
        let first = texts.keep("a".to_owned()).unwrap();
        let second = texts.keep("b".to_owned()).unwrap();
        assert_eq!((first, second), ("a", "b"));
        let more = (0..TEXTS_MAX).filter(|_| texts.keep("c".to_owned()).is_some()).count();
        assert_eq!(more, TEXTS_MAX - 2);
    }
}
