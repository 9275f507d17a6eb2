//! Calls after which less of what went before is left: collections and builders that are
//! emptied, queries that a value is bound to, addresses that only their query grows of.

use super::Engine;
use super::expression::mixed;
use super::site::Site;
use super::value::Value;
use crate::category::{Category, CategorySet};
use crate::ir::ExprId;

/// Methods that hand a query a value, apart from its text, and give the query.
const BINDING: [&str; 9] = [
    "setParameter",
    "setParameters",
    "setParameterList",
    "bindValue",
    "bindList",
    "bindMap",
    "bindBean",
    "bindparams",
    "addParameters",
];
/// The same, in Java only: elsewhere they are other things.
const BINDING_IN_JAVA: [&str; 4] = ["bind", "param", "params", "paramSource"];
/// Methods that put a value behind the question mark of an address.
const QUERYING: [&str; 7] = [
    "with_query",
    "update_query",
    "queryParam",
    "queryParams",
    "addQueryParameter",
    "appendQueryParameter",
    "include_query_params",
];

/// Methods that put values, encoded, into the places an address has for them.
const FILLING: [&str; 4] = ["build", "buildAndExpand", "expand", "resolveTemplate"];
/// What such an address is begun with.
const BEGINNING: [&[u8]; 4] = [b"fromPath(", b"fromUri(", b"fromUriString(", b"fromHttpUrl("];

impl Engine<'_> {
    /// What a call gives that leaves less than it was handed; `None` for any other.
    pub(super) fn lessened(&mut self, site: &Site) -> Option<Value> {
        let (object, receiver) = site.receiver.as_ref()?;
        let (object, receiver) = (*object, receiver.clone());
        let method = &*site.method;
        let in_java = self.unit(self.file).language == kode_syntax::Language::Java;
        if BINDING.contains(&method) || in_java && BINDING_IN_JAVA.contains(&method) {
            return (!site.given.is_empty()).then_some(receiver);
        }
        if QUERYING.contains(&method) && !receiver.is_tainted() {
            let redirect = CategorySet::of(&[Category::OpenRedirect]);
            let place = receiver.data().and_then(|data| data.place);
            let value = mixed(&site.values()).cleaned(redirect);
            return Some(value.with(|data| data.place = place));
        }
        if in_java && FILLING.contains(&method) && self.fills_address(site, &receiver) {
            let redirect = CategorySet::of(&[Category::OpenRedirect]);
            let value = mixed(&[vec![receiver.clone()], site.values()].concat()).cleaned(redirect);
            let place = receiver.data().and_then(|data| data.place);
            return Some(value.with(|data| data.place = place));
        }
        if let Some(address) = replaced_query(site, &receiver) {
            return Some(address);
        }
        let in_go = self.unit(self.file).language == kode_syntax::Language::Go;
        if in_go && method == "Rel" && site.given.len() == 2 {
            return self.related(site);
        }
        self.emptied(site, object, &receiver)
    }

    /// Whether values are put, encoded, into an address that is written down up to its path:
    /// `UriBuilder.fromPath("/found").queryParam("q", "{q}").build(q)`.
    fn fills_address(&self, site: &Site, receiver: &Value) -> bool {
        let source = self.unit(self.file).source;
        let call = source.get(site.start as usize..site.end as usize).unwrap_or_default();
        let begins = BEGINNING.iter().filter_map(|begin| {
            let at = memchr::memmem::find(call, begin)? + begin.len();
            let rest = call[at..].trim_ascii_start().strip_prefix(b"\"")?;
            std::str::from_utf8(&rest[..memchr::memchr(b'"', rest)?]).ok()
        });
        let is_own = |begin: &str| {
            let is_path = begin.starts_with('/') && !begin.starts_with("//");
            let host = begin.split_once("://").map(|(_, rest)| rest.split('/').next());
            is_path || host.flatten().is_some_and(|host| !host.is_empty() && !host.contains('{'))
        };
        let leads = |taint: &super::value::Taint| !taint.cleaned.holds(Category::OpenRedirect);
        !receiver.taints().iter().any(leads) && begins.into_iter().next().is_some_and(is_own)
    }

    /// Go's `filepath.Rel(root, path)`: the path without its root, and what is asked of it is
    /// asked of the path.
    fn related(&mut self, site: &Site) -> Option<Value> {
        let path = self.guarded_path(site.argument(1)?).map(std::rc::Rc::new);
        let value = mixed(&[site.value(1)]);
        Some(value.with(|data| data.origin = path.or_else(|| data.origin.clone())))
    }

    /// `list.clear()`, `builder.setLength(0)`, `builder.delete(0, builder.length())`.
    fn emptied(&mut self, site: &Site, object: ExprId, receiver: &Value) -> Option<Value> {
        let data = receiver.data().filter(|data| data.place.is_none())?;
        let empty = match (&*site.method, site.given.len()) {
            ("clear" | "removeAllElements", 0) if data.length.is_some() => Value::list(Vec::new()),
            ("clear" | "removeAllElements", 0) if data.fields.is_some() => {
                Value::record(std::collections::BTreeMap::new(), true)
            }
            ("clear", 0) => Value::list(Vec::new()),
            ("Reset", 0) => Value::text(""),
            ("setLength", 1) | ("delete", 2) if site.value(0).number() == Some(0) => {
                Value::text("")
            }
            _ => return None,
        };
        let path = self.path_of(object)?;
        self.set_path(&path, &path.fields.clone(), empty.clone());
        Some(empty)
    }
}

/// Python's `urlparse(x)._replace(query=…)`: what goes behind the question mark leads
/// nowhere else.
fn replaced_query(site: &Site, receiver: &Value) -> Option<Value> {
    const PARTS: [&str; 6] = ["scheme", "netloc", "path", "query", "fragment", "params"];
    let named = |given: &super::site::Given| {
        given.name.as_deref().is_some_and(|name| PARTS.contains(&name))
    };
    if &*site.method != "_replace" || site.given.is_empty() || !site.given.iter().all(named) {
        return None;
    }
    let redirect = CategorySet::of(&[Category::OpenRedirect]);
    let mut parts = vec![receiver.clone()];
    parts.extend(site.given.iter().map(|given| match given.name.as_deref() {
        Some("query" | "fragment" | "params") => given.value.cleaned(redirect),
        _ => given.value.clone(),
    }));
    Some(mixed(&parts))
}

/// Python's `urlunsplit((scheme, host, path, query, fragment))`: the same.
pub(super) fn put_together(site: &Site) -> Option<Value> {
    let leading = match &*site.method {
        "urlunparse" | "urlunsplit" => 3,
        _ => return None,
    };
    let whole = site.value(0);
    let items = super::builtin::items(&whole);
    if items.len() <= leading || site.given.len() != 1 {
        return None;
    }
    let redirect = CategorySet::of(&[Category::OpenRedirect]);
    let parts = items.iter().enumerate().map(|(at, item)| match at < leading {
        true => item.clone(),
        false => item.cleaned(redirect),
    });
    Some(mixed(&parts.collect::<Vec<_>>()))
}
