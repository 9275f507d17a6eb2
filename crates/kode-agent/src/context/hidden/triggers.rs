//! One search for every word that forged structure and invisible markup can't do
//! without, each hit handed to what looks at such places closely.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::structure::{self, Lines, Structure};
use super::{Found, HiddenKind, markup};

/// As a table of states: half the time of the compact form it has by itself with
/// so many words.
static TRIGGER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let all = structure::TRIGGERS.iter().map(|(word, _)| *word).chain(markup::triggers());
    let mut builder = AhoCorasick::builder();
    builder.ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA)).build(all).ok()
});

/// Looks at every line that could forge something and at everything invisible.
pub(super) fn inspect(text: &str, found: &mut Found<'_>) -> Structure {
    let (Some(trigger), Some(mut lines)) = (TRIGGER.as_ref(), Lines::new(text, found)) else {
        found.add(HiddenKind::ForgedStructure, 0, "the shapes of forged structure can't be read");
        return Structure { header: true, token: true };
    };
    let mut parts = markup::Parts::new(text);
    for hit in trigger.find_overlapping_iter(text) {
        let number = hit.pattern().as_usize();
        match number.checked_sub(structure::TRIGGERS.len()) {
            None => lines.take(number, hit.range(), found),
            Some(number) => parts.take(number, hit.range(), found),
        }
    }
    parts.finish(found);
    lines.finish(found)
}
