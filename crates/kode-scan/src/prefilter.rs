//! Whether a file can hold a finding at all: one pass of an automaton over the
//! names of sinks.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::model::{FAMILIES, models};

static SINKS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let mut words: Vec<&str> =
        FAMILIES.iter().flat_map(|family| &models(family).words).copied().collect();
    words.extend(["innerHTML", "srcDoc", "dangerouslySetInnerHTML", "uery", "xecute"]);
    words.sort_unstable();
    words.dedup();
    AhoCorasick::new(words).ok()
});

/// False only when no sink's name is in the text.
pub(crate) fn may_hold_sink(content: &[u8]) -> bool {
    SINKS.as_ref().is_none_or(|automaton| automaton.is_match(content))
}
