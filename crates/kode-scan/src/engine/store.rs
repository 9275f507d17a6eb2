//! Values that wait for somebody else: queues, variables of a thread or a context, stores
//! with names, messages to another thread or process. Which APIs keep them is in the
//! models; what waits is whatever was ever put there.

use super::Engine;
use super::site::Site;
use super::value::{Path, Value};
use crate::ir::{ExprId, Kind, Name};
use crate::model::Keeping;

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
        if let Kind::Field(owner, name) = &self.program().expression(object).kind
            && changed.is_tainted()
        {
            let (owner, name) = (*owner, name.clone());
            self.remember_class_field(owner, &name, &changed);
        }
        self.set_path(path, &path.fields.clone(), changed);
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
