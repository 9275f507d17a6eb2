//! What a text of which only the beginning is known still begins with, once it is
//! split or something in it is replaced: `location.href.split('#')[0]` stays on its
//! host. Where that is not certain the beginning counts as unknown.

use super::value::{HOLE, Value};

/// The first part of a text that is split at `separator`.
pub(super) fn first_of_split(text: &Value, separator: &Value, part: Value) -> Option<Value> {
    let (begins, separator) = (known_beginning(text)?, separator.known_text()?);
    let is_kept = !separator.is_empty() && !begins.contains(separator);
    is_kept.then(|| beginning_with(part, begins))
}

/// A text in which what a pattern matches is replaced, where no match can touch its
/// beginning: the pattern begins with letters or a mark that are not in it.
pub(super) fn replaced(text: &Value, pattern: &str, result: Value) -> Value {
    let Some(begins) = known_beginning(text) else { return result };
    let has_alternatives = pattern.contains('|');
    match literal_start(pattern) {
        Some(start) if !has_alternatives && !begins.contains(start) => {
            beginning_with(result, begins)
        }
        _ => result,
    }
}

/// What stands before the first unknown part; of a text without one nothing is asked.
fn known_beginning(text: &Value) -> Option<&str> {
    let (begins, _) = text.skeleton()?.split_once(HOLE)?;
    (!begins.is_empty()).then_some(begins)
}

fn beginning_with(value: Value, begins: &str) -> Value {
    value.with(|data| data.text = Some(format!("{begins}{HOLE}").into()))
}

/// The letters, or the mark, that every match of a pattern begins with.
fn literal_start(pattern: &str) -> Option<&str> {
    if let Some(rest) = pattern.strip_prefix('\\') {
        return rest.get(..1).filter(|mark| ["?", "#", "&"].contains(mark));
    }
    if pattern.starts_with(['#', '&']) {
        return pattern.get(..1);
    }
    let letters = pattern.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(pattern.len());
    // The last letter may be optional or repeated.
    (letters > 3).then(|| &pattern[..letters - 1])
}
