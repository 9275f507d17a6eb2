//! Methods taken off their objects: `bind`, `call`, `apply`, and variables that
//! keep a query method of something unknown. They stay what they were.

use super::Engine;
use super::site::{Given, Site};
use super::value::Value;
use crate::ir::{ExprId, Kind, Name};
use crate::model::family;

/// Methods whose name alone says that they run SQL, once they are handed some.
const QUERY_METHODS: [&str; 8] =
    ["query", "execute", "executemany", "executescript", "exec", "run", "raw", "queryRaw"];

/// A query method by its name, where nothing else is known of the value.
pub(super) fn as_method(value: Value, name: &Name) -> Value {
    let keeps = value.is_unknown() && QUERY_METHODS.contains(&&**name);
    if keeps { value.with(|data| data.method = Some(name.clone())) } else { value }
}

impl Engine<'_> {
    /// The value that `expression` has when it is kept, not called.
    pub(super) fn kept(&self, value: Value, expression: ExprId) -> Value {
        match self.member_name(expression) {
            Some(name) if value.is_unknown() => as_method(value, &name),
            _ => value,
        }
    }

    /// The last name of `a.b` or `a['b']`.
    fn member_name(&self, expression: ExprId) -> Option<Name> {
        match &self.program().expression(expression).kind {
            Kind::Field(_, name) => Some(name.clone()),
            Kind::Index(_, key) => match &self.program().expression(*key).kind {
                Kind::Text(name) => Some(name.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    /// `f.bind(o, …)`, `f.call(o, …)` and `f.apply(o, […])` of an API or of a
    /// kept method; `None` where `f` is neither.
    pub(super) fn detached_call(&mut self, site: &Site) -> Option<Value> {
        let (object, function) = site.receiver.as_ref()?;
        let is_own = site.callee.data().is_some_and(|data| data.place.is_some());
        let language = family(self.unit(self.file).language);
        if !matches!(&*site.method, "bind" | "call" | "apply") || is_own || language != "javascript"
        {
            return None;
        }
        let function = self.kept(function.clone(), *object);
        let data = function.data().filter(|data| data.function.is_none())?;
        let (place, kept) = (data.place, data.method.clone());
        if place.is_none() && kept.is_none() {
            return None;
        }
        let inner = Site {
            callee: function.clone(),
            receiver: Some((*object, site.value(0))),
            method: kept.or_else(|| self.member_name(*object)).unwrap_or_else(|| Name::from("")),
            given: passed_on(site),
            ..*site
        };
        let is_bound = &*site.method == "bind";
        if is_bound && inner.given.is_empty() {
            return Some(function);
        }
        let result = match place {
            Some(place) => self.call_place(place, &inner),
            None => {
                self.guessed_sinks(&inner);
                Value::default()
            }
        };
        Some(if is_bound { function } else { result })
    }
}

/// What the function itself is handed.
fn passed_on(site: &Site) -> Vec<Given> {
    if &*site.method != "apply" {
        return site.given.iter().skip(1).cloned().collect();
    }
    let items = super::builtin::items(&site.value(1)).into_iter();
    items.map(|value| Given { name: None, value, expression: None }).collect()
}
