//! Addresses: which text is one of the page's own host, what a parsed one keeps of its
//! text, and who sends a worker its messages. What checks them is judged elsewhere.

use super::Engine;
use super::expression::mixed;
use super::site::Site;
use super::value::{HOLE, Taint, Value};
use crate::category::{Category, CategorySet};

/// What stands for the beginning of the page's own address.
pub(super) const OWN_PAGE: &str = "https://this.host/";

impl Engine<'_> {
    /// `new URL(text)`: what its text was, in parts that the models know.
    pub(super) fn parsed_address(&self, given: &[Value]) -> Value {
        let place = self.place("global.ParsedUrl()");
        let whole = mixed(given);
        if !whole.is_tainted() {
            return whole;
        }
        let part = |begins: &str| {
            let text = std::rc::Rc::from(format!("{begins}{HOLE}"));
            Value::carrying(whole.taints().to_vec()).with(|data| data.text = Some(text))
        };
        let parts = [("search", part("?")), ("hash", part("#"))];
        parts
            .into_iter()
            .fold(whole.clone(), |address, (name, part)| address.with_field(&name.into(), part))
            .with(|data| data.place = place)
    }

    /// What is no input; of the page's own origin it is known that it is one host.
    pub(super) fn own_origin(&self, place: crate::model::Place) -> Value {
        let value = Value::place(place);
        match self.is_javascript() && Some(place) == self.place("global.location.origin") {
            true => value.with(|data| data.text = Some(OWN_PAGE.trim_end_matches('/').into())),
            false => value,
        }
    }

    /// What a decoder gives. `decodeURI` leaves `%2F` as it is, so the path of a parsed
    /// address stays one without `..`.
    pub(super) fn decoded_address(&self, site: &Site, given: &Value) -> Value {
        let decoded = given.undone();
        let place = given.data().and_then(|data| data.place);
        let is_path = place.is_some() && place == self.place("global.ParsedUrl().pathname");
        match is_path && &*site.method == "decodeURI" {
            true => decoded.cleaned(CategorySet::of(&[Category::PathTraversal])),
            false => decoded,
        }
    }

    /// `if (!self.document) self.addEventListener("message", …)`: only a worker has no
    /// document, and what it is sent comes from the page that started it.
    pub(super) fn is_in_worker(&self, site: &Site) -> bool {
        const REACH: usize = 400;
        if &*site.method != "addEventListener" || !self.is_javascript() {
            return false;
        }
        let end = site.start as usize;
        let source = self.unit(self.file).source;
        let before = source.get(end.saturating_sub(REACH)..end).unwrap_or_default();
        let before = String::from_utf8_lossy(before);
        before.match_indices(".document").any(|(at, word)| {
            let name = before[..at].rsplit(|c: char| !c.is_alphanumeric() && c != '_' && c != '$');
            let length = name.into_iter().next().map_or(0, str::len);
            let is_whole =
                !before[at + word.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '.');
            is_whole && length > 0 && before[..at - length].ends_with('!')
        })
    }
}

/// What the input that a place is can't harm.
pub(super) fn cleaned_from_start(known: &crate::model::Knowledge) -> CategorySet {
    let is_own_page = known.begins.as_deref() == Some(OWN_PAGE);
    let own = match known.begins.as_deref() {
        _ if is_own_page => CategorySet::OWN_PAGE,
        Some("#") => CategorySet::ANCHOR,
        _ => CategorySet::NONE,
    };
    known.source_cleans.union(known.cleans.unwrap_or(CategorySet::NONE)).union(own)
}

/// Whether a text goes as far as a URL's host.
pub(super) fn ends_in_host(text: &str) -> bool {
    let after = text.strip_prefix("//").or(text.rsplit_once("://").map(|(_, host)| host));
    after.is_some_and(|host| !host.is_empty())
}

/// Whether a part can't go on with the host of the text before it.
pub(super) fn begins_path(part: &Value, before: &str) -> bool {
    let before_ends = before.ends_with(['/', '?', '#']) && !before.ends_with("://");
    before_ends || part.skeleton().is_some_and(|text| text.starts_with(['/', '?', '#']))
}

/// Whether a part goes into the query or the fragment of an address: it leads nowhere else,
/// whatever stands before, as long as that is no input.
pub(super) fn is_behind_question(part: &Value, before: &str) -> bool {
    before.contains(['?', '#'])
        || !before.is_empty() && part.skeleton().is_some_and(|text| text.starts_with(['?', '#']))
}

/// What goes into the query or the fragment of an address runs nothing as an address, as long
/// as what stands before does not either.
pub(super) fn mark_behind(entering: &mut [Taint], before: &[Taint]) {
    let is_address = |taint: &Taint| {
        taint.cleaned.covers(CategorySet::OWN_PAGE) || taint.cleaned.covers(CategorySet::ADDRESS)
    };
    if before.iter().all(is_address) {
        for taint in entering {
            taint.cleaned = taint.cleaned.union(CategorySet::OWN_PAGE);
        }
    }
}

/// Whether a text begins as the page's own address: with more behind it, it is still that.
pub(super) fn is_page_first(part: &Value) -> bool {
    part.taints().iter().all(|taint| !taint.cleaned.covers(CategorySet::SEGMENT))
}

/// Whether a text begins with the page's own host, as `location.href` does.
pub(super) fn is_own_page(value: &Value) -> bool {
    value.skeleton().is_some_and(|text| text.starts_with(OWN_PAGE))
}

/// Whether a text begins with one slash that is written down.
pub(super) fn is_own_path(value: &Value) -> bool {
    let text = value.skeleton().unwrap_or_default();
    let second = text.chars().nth(1);
    text.starts_with('/') && second.is_none_or(|second| second.is_ascii_alphanumeric())
}

/// `new URL(address, location.href)`: of the page's own address only where it leads is used.
pub(super) fn resolved(address: &Value, base: &Value) -> Option<Value> {
    let is_own = |taint: &Taint| taint.cleaned.covers(CategorySet::OWN_PAGE);
    if base.taints().is_empty() || !base.taints().iter().all(is_own) {
        return None;
    }
    if address.is_tainted() && address.taints().iter().all(is_own) {
        return Some(address.clone());
    }
    Some(match address.is_tainted() {
        true => mixed(std::slice::from_ref(address)),
        false => Value::default().with(|data| data.taints = base.taints().to_vec()),
    })
}
