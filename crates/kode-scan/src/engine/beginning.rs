//! What a text of which only the beginning is known still begins with, once it is
//! split or something in it is replaced: `location.href.split('#')[0]` stays on its
//! host. Where that is not certain the beginning counts as unknown.

use super::address::OWN_PAGE;
use super::site::Site;
use super::value::{HOLE, Taint, Value};
use crate::category::CategorySet;

/// The first part of a text that is split at `separator`.
pub(super) fn first_of_split(text: &Value, separator: &Value, part: Value) -> Option<Value> {
    let (begins, separator) = (known_beginning(text)?, separator.known_text()?);
    let is_kept = !separator.is_empty() && !begins.contains(separator);
    is_kept.then(|| beginning_with(part, begins))
}

/// The page's own address up to some place in it: `url.slice(0, url.indexOf('#'))`.
pub(super) fn cut_off(text: &Value, site: &Site, part: Value) -> Value {
    let from_start = site.value(0).number() == Some(0) && site.given.len() == 2;
    let at_known = site.value(1).number().is_some();
    match text.skeleton() {
        Some(begins) if from_start && !at_known && begins.starts_with(OWN_PAGE) => {
            beginning_with(part.cleaned(CategorySet::OWN_PAGE), OWN_PAGE)
        }
        _ => part,
    }
}

/// A text in which what a pattern matches is replaced, where no match can touch its
/// beginning: the pattern begins with letters or a mark that are not in it.
pub(super) fn replaced(text: &Value, pattern: &str, result: Value) -> Value {
    let Some(begins) = known_beginning(text).or_else(|| own_page(text)) else { return result };
    if pattern.contains('|') || !leaves(pattern, begins) {
        return result;
    }
    if begins != OWN_PAGE {
        return beginning_with(result, begins);
    }
    // It may also be something else, so that only the input is known to stay.
    let result = result.with(|data| {
        let own = |source: &Taint| source.cleaned.covers(CategorySet::OWN_PAGE);
        for taint in &mut data.taints {
            if text.taints().iter().any(|known| known.source == taint.source && own(known)) {
                taint.cleaned = taint.cleaned.union(CategorySet::OWN_PAGE);
            }
        }
    });
    match known_beginning(text) {
        Some(begins) => beginning_with(result, begins),
        None => result,
    }
}

/// The page's own address, perhaps: its beginning where it is.
fn own_page(text: &Value) -> Option<&'static str> {
    let is_own = |taint: &Taint| taint.cleaned.covers(CategorySet::OWN_PAGE);
    text.taints().iter().any(is_own).then_some(OWN_PAGE)
}

/// Whether what a pattern matches leaves a beginning as it is.
fn leaves(pattern: &str, begins: &str) -> bool {
    // The last part of a path: an address has one, if an empty one.
    const LAST_PARTS: [&str; 4] = ["\\/[^\\/]+$", "\\/[^\\/]*$", "[^\\/]+$", "[^\\/]*$"];
    if let Some(scheme) = pattern.strip_prefix('^') {
        let letters = scheme.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(scheme.len());
        let is_plain = scheme[letters..].trim_matches(':').is_empty();
        return letters > 0 && is_plain && !begins.starts_with(scheme);
    }
    LAST_PARTS.contains(&pattern) && begins.ends_with('/')
        || literal_start(pattern).is_some_and(|start| !begins.contains(start))
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
        return rest.get(..1).filter(|mark| ["?", "#", "&", "\\"].contains(mark));
    }
    if pattern.starts_with(['#', '&']) {
        return pattern.get(..1);
    }
    let letters = pattern.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(pattern.len());
    // The last letter may be optional or repeated.
    (letters > 3).then(|| &pattern[..letters - 1])
}
