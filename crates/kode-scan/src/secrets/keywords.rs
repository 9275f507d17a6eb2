//! A set of words looked for in every file. The automaton that is built soonest serves
//! a few touched files; one that searches faster is built once much was read.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind};

/// How much is read, in bytes, before the faster automaton pays for its making.
const LITTLE_BYTES: usize = 2 * 1024 * 1024;

/// The words, in either case of ASCII letters.
pub(super) struct Keywords {
    words: Vec<&'static str>,
    soon: AhoCorasick,
    fast: OnceLock<Option<AhoCorasick>>,
    read: AtomicUsize,
}

impl Keywords {
    /// `None` when there are too many for an automaton.
    pub(super) fn new(words: Vec<&'static str>) -> Option<Self> {
        let soon = built(&words, AhoCorasickKind::ContiguousNFA)?;
        Some(Self { words, soon, fast: OnceLock::new(), read: AtomicUsize::new(0) })
    }

    /// What to search `content` with.
    pub(super) fn automaton(&self, content: &[u8]) -> &AhoCorasick {
        if self.read.fetch_add(content.len(), Ordering::Relaxed) < LITTLE_BYTES {
            return &self.soon;
        }
        let fast = self.fast.get_or_init(|| built(&self.words, AhoCorasickKind::DFA));
        fast.as_ref().unwrap_or(&self.soon)
    }
}

fn built(words: &[&str], kind: AhoCorasickKind) -> Option<AhoCorasick> {
    AhoCorasickBuilder::new().ascii_case_insensitive(true).kind(Some(kind)).build(words).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_automata_find_the_same() {
        let keywords = Keywords::new(vec!["key", "api_key", "ey"]).unwrap();
        let found = |content: &[u8]| {
            let found = keywords.automaton(content).find_overlapping_iter(content);
            found.map(|word| (word.pattern().as_usize(), word.start())).collect::<Vec<_>>()
        };
        let text = b"API_key = they";
        let first = found(text);
        assert_eq!(first.len(), 4);
        found(&vec![b' '; LITTLE_BYTES]);
        assert!(keywords.fast.get().is_none());
        assert_eq!(found(text), first);
        assert!(keywords.fast.get().unwrap().is_some());
    }
}
