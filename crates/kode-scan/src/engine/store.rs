//! Values that wait for somebody else: queues, variables of a thread or a context, stores
//! with names, messages to another thread or process. Which APIs keep them is in the
//! models; what waits is whatever was ever put there.

use super::Engine;
use super::site::Site;
use super::value::{Path, Value};
use crate::ir::{ExprId, Kind, Name};
use crate::model::Keeping;

/// Calls of a chain that are followed to its beginning.
const CHAIN_MAX: usize = 200;

impl Engine<'_> {
    /// What a call does with values that wait; `None` where it has a result of its own.
    pub(super) fn kept_call(&mut self, keeping: Keeping, site: &Site) -> Option<Value> {
        match keeping {
            Keeping::Put(at) => {
                let last = site.given.iter().filter(|given| given.name.is_none()).count();
                self.put_in(site, &site.value(at.min(last.saturating_sub(1))));
                self.run_callbacks(site, None);
                Some(Value::default())
            }
            Keeping::Take => {
                let (_, receiver) = site.receiver.as_ref()?;
                Some(receiver.field("*")?.clone())
            }
            Keeping::PutByName(store) => {
                let key = Name::from(format!("{store}.{}", self.key_text(site, 0)?));
                let value = site.value(1);
                if value.is_tainted() {
                    self.remember(key, &value);
                }
                None
            }
            Keeping::TakeByName(store) => {
                if self.request_fields.is_empty() {
                    return None;
                }
                let key = format!("{store}.{}", self.key_text(site, 0)?);
                self.request_fields.get(&*key).cloned()
            }
            Keeping::Named(_) => None,
            Keeping::Send(channel) => {
                let value = site.given.last()?.value.clone();
                self.sent(channel, value);
                None
            }
            Keeping::Receive(channel, event, field) => {
                let is_other = |event: &str| site.value(0).known_text() != Some(event);
                if site.given.len() > 1 && event.is_some_and(is_other) {
                    return None;
                }
                for given in &site.given {
                    self.received(channel, field, &given.value);
                }
                None
            }
        }
    }

    /// Puts a value beside those that wait in the object a method is called on.
    fn put_in(&mut self, site: &Site, value: &Value) {
        let Some((object, receiver)) = &site.receiver else { return };
        let Some(path) = self.path_of(*object) else { return };
        let any = Name::from("*");
        let value = match receiver.field("*") {
            Some(before) => before.join(value),
            None => value.clone(),
        };
        let changed = receiver.with_field(&any, value);
        self.set_changed(*object, &path, changed);
    }

    /// Sets what a method changed its object to, for other methods of its owner too.
    pub(super) fn set_changed(&mut self, object: ExprId, path: &Path, changed: Value) {
        let matters = changed.is_tainted() || holds_function(&changed);
        self.set_path(path, &path.fields.clone(), changed);
        let container = self.container_of(object);
        if let Kind::Field(owner, name) = &self.program().expression(container).kind
            && matters
        {
            let (owner, name) = (*owner, name.clone());
            if let Some(path) = self.path_of(container) {
                let whole = self.value_at(&path);
                self.remember_class_field(owner, &name, &whole);
            }
        }
    }

    /// The table of which an object is an entry; any other object itself.
    fn container_of(&self, object: ExprId) -> ExprId {
        match &self.program().expression(object).kind {
            Kind::Index(table, _) => *table,
            Kind::Call(call) => match &self.program().expression(call.callee).kind {
                Kind::Field(table, name) if matches!(&**name, "setdefault" | "computeIfAbsent") => {
                    *table
                }
                _ => object,
            },
            _ => object,
        }
    }

    /// What a method that changes its receiver changes: the object at the
    /// beginning of `text.append(a).append(b)`.
    pub(super) fn changed_path(&mut self, object: ExprId) -> Option<Path> {
        let mut object = object;
        for _ in 0..CHAIN_MAX {
            let Kind::Call(call) = &self.program().expression(object).kind else {
                break;
            };
            match &self.program().expression(call.callee).kind {
                Kind::Field(inner, name) if &**name == "append" => object = *inner,
                // `table.setdefault(key, []).append(value)`
                Kind::Field(inner, name) if matches!(&**name, "setdefault" | "computeIfAbsent") => {
                    return self.entry_path(*inner, call.arguments.first().map(|key| key.value));
                }
                _ => break,
            }
        }
        match &self.program().expression(object).kind {
            Kind::Index(table, key) => self.entry_path(*table, Some(*key)),
            _ => self.path_of(object),
        }
    }

    /// An entry of a table; by an unknown key it may be any.
    fn entry_path(&mut self, table: ExprId, key: Option<ExprId>) -> Option<Path> {
        let key = self.evaluate(key?);
        let name = super::constant::key_of(&key).unwrap_or_else(|| "*".to_owned());
        let mut path = self.path_of(table)?;
        path.fields.push(Name::from(name));
        Some(path)
    }

    /// A map with one more entry, as `put`, `set` and `setdefault` make it.
    pub(super) fn with_named(&self, site: &Site, receiver: &Value, key: &Value) -> Option<Value> {
        match super::constant::key_of(key) {
            Some(key) => Some(receiver.with_field(&Name::from(key), site.value(1))),
            None => with_entry(receiver, site),
        }
    }

    /// `table.setdefault(key, other)`: what is there, or the other.
    pub(super) fn known_entry(&self, site: &Site, receiver: &Value) -> Option<Value> {
        if &*site.method != "setdefault" {
            return None;
        }
        match super::constant::key_of(&site.value(0)) {
            Some(key) => receiver.field(&key).cloned(),
            None => Some(receiver.element().join(&site.value(1))),
        }
    }

    /// A message that is sent: alone, and as events hold it.
    fn sent(&mut self, channel: &str, value: Value) {
        if !value.is_tainted() {
            return;
        }
        let event = Value::default().with_field(&Name::from("data"), value.clone());
        self.emitted(Name::from(format!("@{channel}")), vec![value]);
        self.emitted(Name::from(format!("@{channel}.data")), vec![event]);
    }

    /// A function that waits for messages.
    pub(super) fn received(&mut self, channel: &str, field: Option<&str>, function: &Value) {
        let Some(closure) = function.data().and_then(|data| data.function.clone()) else { return };
        let name = match field {
            Some(field) => format!("@{channel}.{field}"),
            None => format!("@{channel}"),
        };
        self.listening(Name::from(name), closure);
    }

    /// The store with names that an object is.
    pub(super) fn named_store(&self, object: &Value) -> Option<&'static str> {
        match self.models.know(object.data()?.place?)?.keeps? {
            Keeping::Named(store) => Some(store),
            _ => None,
        }
    }

    /// Puts each entry of `entries` into the object: `Object.assign(object, entries)`.
    pub(super) fn put_all(&mut self, object: ExprId, entries: &Value) {
        let fields = entries.data().and_then(|data| data.fields.clone());
        for (name, value) in fields.iter().flat_map(|fields| fields.iter()) {
            self.assign_field(object, name, value.clone());
        }
    }
}

/// Whether a collection holds a function.
fn holds_function(value: &Value) -> bool {
    let fields = value.data().and_then(|data| data.fields.as_ref());
    fields.is_some_and(|fields| {
        fields.values().any(|field| field.data().is_some_and(|data| data.function.is_some()))
    })
}

/// A map with a value under an unknown key; nothing where it is no map of the program's own.
fn with_entry(receiver: &Value, site: &Site) -> Option<Value> {
    let is_own = receiver.data().is_some_and(|data| data.fields.is_some() && data.place.is_none());
    (is_own && site.given.len() == 2).then(|| {
        receiver.with(|data| {
            super::value::merge_taints(&mut data.taints, &site.value(1).deep_taints());
            data.closed = false;
            data.length = None;
        })
    })
}
