//! What the page's own elements hold, and how jQuery sets it: attributes that already are
//! addresses, names of elements, and data and templates that the server wrote into the page.

use super::Engine;
use super::site::Site;
use super::value::Value;
use crate::category::{Category, CategorySet};
use crate::model::{Context, Place};

/// How the first step of input out of the page's attributes begins, and out of its text:
/// both are what the page's maker has put there, unless somebody else's words are among it.
pub(super) const ATTRIBUTE: &str = "an attribute of the page";
pub(super) const OWN_TEXT: &str = "the page's own text";
/// The same of an attribute that only names its element.
pub(super) const ELEMENT_NAME: &str = "an attribute of the page, the element's name";
/// How the step begins where the page's own text is read as data or taken for a template.
pub(super) const WRITTEN: &str = "it was written into the page for";

/// Attributes that are followed or loaded.
pub(super) const ADDRESSES: [&str; 6] =
    ["href", "src", "action", "formaction", "xlink:href", "data"];
/// Attributes that tell an element from others.
const NAMES: [&str; 8] =
    ["id", "class", "role", "for", "type", "aria-controls", "aria-labelledby", "aria-describedby"];

impl Engine<'_> {
    /// What is read of an element's attribute that already is an address, or a mere name.
    pub(super) fn own_attribute(&self, result: Place, site: &Site) -> Option<Value> {
        let known = self.models.know(result)?;
        if known.source.as_deref() != Some(ATTRIBUTE) || site.given.len() != 1 {
            return None;
        }
        let name = site.value(0);
        let name = name.known_text()?;
        let (is_address, is_name) = (ADDRESSES.contains(&name), NAMES.contains(&name));
        if !is_address && !is_name {
            return None;
        }
        let text = if is_name { ELEMENT_NAME } else { ATTRIBUTE };
        let mark = if is_address { CategorySet::ADDRESS } else { CategorySet::NONE };
        let cleaned = known.source_cleans.union(mark);
        let value = self.source(site.start, site.end, text, cleaned);
        Some(value.with(|data| data.place = Some(result)))
    }

    /// jQuery's `text(value)`, `attr(name, value)`, `attr({…})` and `get()` give the elements,
    /// not their text.
    pub(super) fn jquery_setter(&mut self, site: &Site) -> Option<Value> {
        // `get()` without a name asks a list for its elements, not a request for a header.
        if &*site.method == "get" && site.given.is_empty() && self.is_javascript() {
            return site.receiver.as_ref().map(|(_, value)| value.clone());
        }
        if !matches!(&*site.method, "text" | "val" | "attr" | "prop" | "data") {
            return None;
        }
        let first = site.value(0);
        let fields = first.data().filter(|data| data.length.is_none());
        let fields = fields.and_then(|data| data.fields.clone());
        let needed = match &*site.method {
            "text" | "val" => 1,
            "attr" | "prop" | "data" if fields.is_some() => 1,
            "attr" | "prop" | "data" => 2,
            _ => return None,
        };
        let elements = self.place("global.$()").filter(|_| site.given.len() >= needed)?;
        let (_, receiver) = site.receiver.as_ref()?;
        let is_one = receiver.data().and_then(|data| data.place) == Some(elements);
        let receiver = is_one.then(|| receiver.clone())?;
        for (name, value) in fields.iter().flat_map(|fields| fields.iter()) {
            if matches!(&*site.method, "attr" | "prop") && ADDRESSES.contains(&&**name) {
                let place = (site.start, site.end);
                self.check(Category::CrossSiteScripting, Context::Url, value, place, name);
            }
        }
        Some(receiver)
    }

    /// The page's own text that is read as data (`JSON.parse`), and what stands in the page
    /// once something unknown had it (a template's engine): that anybody else's words are in
    /// it, and that nothing escapes them, is not proven.
    pub(super) fn of_the_server(&self, value: Value, site: &Site) -> Value {
        let parses = &*site.method == "parse";
        let is_text = |value: &Value| {
            let mut taints = value.taints().iter();
            value.is_tainted()
                && taints.all(|taint| {
                    taint.step.begins_as(OWN_TEXT) || !parses && taint.step.begins_as(ATTRIBUTE)
                })
        };
        match self.is_javascript() && is_text(&value) {
            true => {
                let text = format!("{WRITTEN} `{}`", site.method);
                value.stepped(self.file, site.start, site.end, &text)
            }
            false => value,
        }
    }
}
