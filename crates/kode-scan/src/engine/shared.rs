//! What one function leaves for another that it does not call: variables of a file,
//! fields of objects a framework hands around (`g`, `locals`, `session`), attributes
//! by a key, events. Functions are run again once something of this kind has grown,
//! so that their order does not matter.

use kode_syntax::Language;

use super::Engine;
use super::site::{Given, Site};
use super::value::{Closure, Value};
use crate::ir::{ExprId, FunctionId, Kind, Name};
use crate::model::family;

/// Variables and events that are kept.
const KEPT_MAX: usize = 256;
/// Functions that wait for one event.
const LISTENERS_MAX: usize = 8;
/// Events of streams and sockets, whose other end is elsewhere.
const OUTER_EVENTS: [&str; 12] = [
    "data",
    "error",
    "end",
    "close",
    "finish",
    "readable",
    "drain",
    "connect",
    "connection",
    "message",
    "request",
    "response",
];

/// How a call uses a store of attributes.
enum Access {
    Put { key: usize, value: usize },
    Get,
}

impl Engine<'_> {
    /// Keeps what a function puts into a variable of a file's top level.
    pub(super) fn keep(&mut self, slot: usize) {
        let in_function =
            self.frames.last().is_some_and(|frame| frame.function != Some(FunctionId(0)));
        let value = &self.variables[slot];
        let is_function = value.data().is_some_and(|data| data.function.is_some());
        if !in_function || !(is_function || value.is_tainted()) {
            return;
        }
        let value = value.clone();
        let has_room = self.kept.len() < KEPT_MAX;
        match self.kept.get_mut(&slot) {
            Some(before) if before.same(&value) => {}
            Some(before) => {
                self.grew |= !before.is_tainted() && value.is_tainted();
                *before = before.join(&value);
            }
            None if has_room => {
                self.kept.insert(slot, value);
                self.grew = true;
            }
            None => {}
        }
    }

    /// Puts back what functions left in variables: each may run after any other.
    pub(super) fn recall(&mut self) {
        let kept: Vec<(usize, Value)> =
            self.kept.iter().map(|(slot, value)| (*slot, value.clone())).collect();
        for (slot, value) in kept {
            let current = &self.variables[slot];
            let says_little =
                current.is_unknown() || current.data().is_some_and(|data| data.constant.is_some());
            if says_little {
                self.variables[slot] = value;
            } else if !current.same(&value) {
                self.variables[slot] = current.join(&value);
            }
        }
    }

    /// Whether something grew since it was last asked.
    pub(super) fn has_grown(&mut self) -> bool {
        let grew = std::mem::take(&mut self.grew);
        self.shares |= grew;
        grew
    }

    /// Remembers what is put under a name for whoever reads it there.
    pub(super) fn remember(&mut self, key: Name, value: &Value) {
        let before = self.request_fields.get(&key);
        if before.is_none() && self.request_fields.len() >= KEPT_MAX {
            return;
        }
        self.grew |= !before.is_some_and(Value::is_tainted);
        let value = before.map_or_else(|| value.clone(), |before| before.join(value));
        self.request_fields.insert(key, value);
    }

    /// What is known to be put into a field of an object that a framework hands around.
    pub(super) fn handed_around(&self, object: ExprId, name: &str) -> Option<Value> {
        if self.request_fields.is_empty() {
            return None;
        }
        let keeper = self.keeper(object).or_else(|| self.store_at(object))?;
        self.request_fields.get(&*format!("{keeper}.{name}")).cloned()
    }

    /// The store with names that an object is, as `process.env`.
    pub(super) fn store_at(&self, object: ExprId) -> Option<&'static str> {
        let program = self.program();
        let place = match &program.expression(object).kind {
            Kind::Field(owner, name) => {
                let owner = match &program.expression(*owner).kind {
                    Kind::Global(owner) => self.place(&format!("global.{owner}")),
                    Kind::Import(owner) => self.place(owner),
                    Kind::Variable(owner) => self.read(*owner).data().and_then(|data| data.place),
                    _ => None,
                };
                owner.and_then(|owner| self.models.step(owner, name))
            }
            Kind::Global(name) => self.place(&format!("global.{name}")),
            Kind::Variable(variable) => self.read(*variable).data().and_then(|data| data.place),
            _ => None,
        };
        self.named_store(&Value::place(place?))
    }

    /// The name of an object that a framework hands around.
    pub(super) fn keeper(&self, object: ExprId) -> Option<&str> {
        const OWNERS: [&str; 8] =
            ["ctx", "context", "c", "req", "request", "app", "current_app", "self"];
        let program = self.program();
        let named = |id: ExprId| match &program.expression(id).kind {
            Kind::Variable(variable) => Some(&*program.variables[variable.0 as usize]),
            Kind::Global(name) | Kind::Field(_, name) => Some(&**name),
            _ => None,
        };
        let language = family(self.unit(self.file).language);
        match (&program.expression(object).kind, named(object)?) {
            (Kind::Field(..), "locals") if language == "javascript" => Some("locals"),
            (Kind::Field(owner, _), name @ ("state" | "session")) => {
                OWNERS.contains(&named(*owner)?).then_some(name)
            }
            (Kind::Field(owner, _), "config") if language == "python" => {
                matches!(named(*owner)?, "app" | "current_app").then_some("config")
            }
            // aiohttp: `request.app["key"]`
            (Kind::Field(owner, _), "app") if language == "python" => {
                (named(*owner)? == "request").then_some("app")
            }
            (Kind::Variable(_), name @ ("g" | "session")) if language == "python" => Some(name),
            (Kind::Global(_), "global" | "globalThis" | "window") => Some("global"),
            _ => None,
        }
    }

    /// `request.setAttribute(key, value)` and `getAttribute(key)`, `c.Set`, `c.Get`,
    /// `context.WithValue`, `ctx.Value`.
    pub(super) fn attribute_by_key(&mut self, site: &Site) -> Option<Value> {
        let access = self.access(site)?;
        let at = if let Access::Put { key, .. } = access { key } else { 0 };
        let key = Name::from(format!("attribute {}", self.key_text(site, at)?));
        match access {
            Access::Put { value, .. } => {
                let value = site.value(value);
                if value.is_tainted() {
                    self.remember(key, &value);
                }
                None
            }
            Access::Get => self.request_fields.get(&key).cloned(),
        }
    }

    fn access(&self, site: &Site) -> Option<Access> {
        let (object, _) = site.receiver.as_ref()?;
        let is_plain = matches!(self.program().expression(*object).kind, Kind::Variable(_));
        let language = self.unit(self.file).language;
        let put = Access::Put { key: 0, value: 1 };
        Some(match (language, &*site.method, site.given.len()) {
            (Language::Java, "setAttribute", 2) => put,
            (Language::Java, "getAttribute", 1) => Access::Get,
            (Language::Go, "Set" | "Locals" | "SetUserValue", 2) if is_plain => put,
            (Language::Go, "WithValue", 3) => Access::Put { key: 1, value: 2 },
            (Language::Go, "Get" | "MustGet" | "GetString" | "Locals" | "UserValue", 1)
                if is_plain && !self.request_fields.is_empty() =>
            {
                Access::Get
            }
            (Language::Go, "Value", 1) => Access::Get,
            _ => return None,
        })
    }

    /// A key as text, or as the last name it is written with.
    pub(super) fn key_text(&self, site: &Site, at: usize) -> Option<String> {
        let given = site.given.get(at)?;
        if let Some(text) = given.value.known_text() {
            return Some(text.to_owned());
        }
        let at = self.program().expression(given.expression?);
        let text = self.unit(self.file).source.get(at.start as usize..at.end as usize)?;
        let text = std::str::from_utf8(text).ok().filter(|text| text.len() <= 80)?;
        Some(text.rsplit('.').next().unwrap_or(text).to_owned())
    }

    /// `bus.on('event', f)` and `bus.emit('event', value)`.
    pub(super) fn event(&mut self, site: &Site) {
        let is_put = match &*site.method {
            "on" | "once" | "addListener" | "subscribe" | "addEventListener" => false,
            "emit" | "publish" => true,
            "next" if self.is_javascript() => return self.passed_error(site),
            "dispatchEvent" if self.is_javascript() => return self.dispatched(site),
            _ => return,
        };
        if !self.is_javascript() || site.given.len() < 2 || site.receiver.is_none() {
            return;
        }
        let Some(event) = self.event_name(site) else { return };
        if is_put {
            self.emitted(event, site.values().into_iter().skip(1).collect());
        } else if let Some(closure) = site.value(1).data().and_then(|data| data.function.clone()) {
            self.listening(event, closure);
        }
    }

    /// What an event is called: a text, or a constant such as a symbol.
    fn event_name(&self, site: &Site) -> Option<Name> {
        let name = self.key_text(site, 0)?;
        let is_text = site.value(0).known_text().is_some();
        let is_constant = || !name.contains(|letter: char| letter.is_ascii_lowercase());
        let is_own = (is_text || is_constant()) && !OUTER_EVENTS.contains(&name.as_str());
        is_own.then(|| Name::from(name))
    }

    /// `bus.dispatchEvent(new CustomEvent(name, { detail }))`.
    fn dispatched(&mut self, site: &Site) {
        let made = site.argument(0).map(|at| &self.program().expression(at).kind);
        let Some(Kind::Call(call)) = made.filter(|_| site.given.len() == 1) else { return };
        let [name, settings] = &call.arguments[..] else { return };
        let (name, settings) = (self.evaluate(name.value), self.evaluate(settings.value));
        if let Some(name) = name.known_text() {
            self.emitted(Name::from(name), vec![settings]);
        }
    }

    pub(super) fn emitted(&mut self, event: Name, given: Vec<Value>) {
        if !given.iter().any(Value::is_tainted) || self.events.len() >= KEPT_MAX {
            return;
        }
        let known = self.events.entry(event).or_default();
        let listeners = known.0.clone();
        if known.1.is_empty() {
            known.1.clone_from(&given);
            self.grew = true;
        }
        for closure in listeners {
            self.run_callback(&closure, Some(given.clone()));
        }
    }

    pub(super) fn listening(&mut self, event: Name, closure: Closure) {
        if self.events.len() >= KEPT_MAX {
            return;
        }
        let known = self.events.entry(event).or_default();
        let given = known.1.clone();
        let is_new =
            |other: &Closure| (other.file, other.function) != (closure.file, closure.function);
        if known.0.len() < LISTENERS_MAX && known.0.iter().all(is_new) {
            known.0.push(closure.clone());
        }
        if !given.is_empty() {
            self.run_callback(&closure, Some(given));
        }
    }

    /// Python: what a decorator of the scanned files does with the function, such as
    /// putting it into a table.
    pub(super) fn decorated(&mut self, function: FunctionId, value: &Value) {
        let program = self.program();
        let decorators = &program.function(function).decorators;
        if decorators.is_empty() || self.unit(self.file).language != Language::Python {
            return;
        }
        for decorator in decorators {
            let evaluated = self.evaluate(*decorator);
            let Some(closure) = evaluated.data().and_then(|data| data.function.clone()) else {
                continue;
            };
            let given = Given { name: None, value: value.clone(), expression: None };
            self.invoke(&closure, &[given], None, None);
        }
    }
}
