//! Functions handed to others that call them: threads, executors, timers, promises,
//! collections. Which do so, and with what, is in the models; what runs is the same
//! as when it is called at once.

use std::collections::BTreeMap;

use super::Engine;
use super::builtin::items;
use super::site::{Given, Site};
use super::value::{Closure, Data, Value};
use crate::ir::{ExprId, Kind, Name};
use crate::model::{Gives, Handing, Part};

/// Marks the function that settles a promise; no method of a program has such a name.
const SETTLES: &str = "@settle:";
/// The field in which a function keeps those that it is put together of.
const STEPS: &str = "@steps";
/// Elements of one list that a function is handed one after the other.
const FOLDED_MAX: usize = 16;

impl Engine<'_> {
    /// Runs a function that a call hands on, with what it is then called with; `None`
    /// where the call is not known to do so.
    pub(super) fn handed_on(&mut self, site: &Site) -> Option<Value> {
        if site.given.is_empty() {
            return None;
        }
        let handings = self.models.handings(&site.method);
        let (handing, function) = handings.iter().find_map(|handing| {
            let given = handed_function(handing, site)?;
            let is_list = matches!(handing.gives, Gives::Composed | Gives::ComposedBack)
                && items(&given.value).iter().any(has_function);
            (is_list || self.is_callable(given)).then(|| (handing, given.clone()))
        })?;
        Some(self.hand_on(site, handing, &function))
    }

    fn hand_on(&mut self, site: &Site, handing: &Handing, function: &Given) -> Value {
        let receiver = site.receiver.as_ref().map(|(_, value)| value.clone()).unwrap_or_default();
        match handing.gives {
            Gives::Function => return self.kept_function(function),
            Gives::Composed => return composed(site.given.clone()),
            Gives::ComposedBack => {
                return composed(site.given.iter().rev().cloned().collect());
            }
            Gives::Folded => return self.folded(site, handing, function),
            Gives::Asked => {
                let all = match handing.parameters.first() {
                    Some(Part::Each(at)) => site.value(*at),
                    _ => receiver,
                };
                return match function.value.data().and_then(|data| data.function.clone()) {
                    Some(closure) => self.asked_of_each(site, &all, &closure),
                    None => {
                        let element = self.element_of(&all);
                        self.hand(site, function, plain(vec![element]));
                        all
                    }
                };
            }
            _ => {}
        }
        let given = self.handed_parts(site, handing, &receiver);
        // What runs later and is handed nothing may run after anything else.
        let is_late = handing.gives == Gives::Nothing && given.is_empty();
        self.late += usize::from(is_late);
        let result = self.hand(site, function, given);
        self.late -= usize::from(is_late);
        match handing.gives {
            Gives::Result => result,
            Gives::List => any_of(result),
            Gives::Receiver => receiver,
            Gives::Otherwise => self.element_of(&receiver).join(&result),
            _ => Value::default(),
        }
    }

    /// Whether a value can be called, as far as it matters.
    fn is_callable(&self, given: &Given) -> bool {
        let known = given.value.data().is_some_and(|data| {
            data.function.is_some()
                || data.method.is_some()
                || given.value.field(STEPS).is_some()
                || data.place.is_some_and(|place| self.models.know(place).is_some())
                    && data.taints.is_empty()
        });
        let by_name =
            |at| self.cast_by(at, &Value::default()).is_some() || self.is_query_method(given, at);
        known || given.expression.is_some_and(by_name)
    }

    /// `cursor.execute`, of whatever cursor, where it is handed over and not called.
    fn is_query_method(&self, given: &Given, at: ExprId) -> bool {
        given.value.is_unknown() && self.kept(given.value.clone(), at).data().is_some()
    }

    fn kept_function(&self, function: &Given) -> Value {
        match function.expression {
            Some(at) => self.kept(function.value.clone(), at),
            None => function.value.clone(),
        }
    }

    /// What the function is called with.
    fn handed_parts(&self, site: &Site, handing: &Handing, receiver: &Value) -> Vec<Given> {
        let mut given = Vec::new();
        for part in &handing.parameters {
            let values = match part {
                Part::Receiver => vec![receiver.clone()],
                Part::Element => vec![self.element_of(receiver)],
                Part::At(at) => vec![site.value(*at)],
                Part::From(at) => site.values().into_iter().skip(*at).collect(),
                Part::Each(at) => vec![self.element_of(&site.value(*at))],
                Part::EachFrom(at) => {
                    site.values().iter().skip(*at).map(|value| self.element_of(value)).collect()
                }
                Part::Items(at, name) => {
                    let listed = site.keyword(name).cloned().unwrap_or_else(|| site.value(*at));
                    listed_or_each(&listed)
                }
                Part::Spread(at) => listed_or_each(&self.element_of(&site.value(*at))),
                Part::Named(at, name) => {
                    let named = site.keyword(name).cloned().unwrap_or_else(|| site.value(*at));
                    given.extend(entries(&named));
                    continue;
                }
                Part::Rejected => {
                    vec![receiver.field(super::thrown::REJECTED).cloned().unwrap_or_default()]
                }
                Part::Number => vec![Value::new(Data::default())],
            };
            given.extend(plain(values));
        }
        // What is handed over by name is called with names too: `submit(run, x, shell=True)`.
        if handing.parameters.iter().any(|part| matches!(part, Part::From(_))) {
            let named = site.given.iter().filter(|given| given.name.is_some());
            given.retain(|given| given.name.is_none());
            let count = site.given.iter().filter(|given| given.name.is_none()).count();
            let from = handing.parameters.iter().find_map(|part| match part {
                Part::From(at) => Some(*at),
                _ => None,
            });
            given.truncate(count.saturating_sub(from.unwrap_or_default()));
            given.extend(named.cloned());
        }
        given
    }

    /// Calls the function, perhaps.
    fn hand(&mut self, site: &Site, function: &Given, given: Vec<Given>) -> Value {
        let first = given.first().map_or_else(Value::default, |given| given.value.clone());
        if let Some(made) = function.expression.and_then(|at| self.cast_by(at, &first)) {
            return made;
        }
        let closure = function.value.data().and_then(|data| data.function.clone());
        let is_plain = given.iter().all(|given| given.name.is_none())
            && super::reflection::bound_arguments(&function.value).is_empty();
        if let Some(closure) = closure.filter(|_| is_plain) {
            let name = self.function_name(&closure);
            let stepped = given.iter().map(|given| {
                let text = format!("it is passed to `{name}`");
                given.value.stepped(self.file, site.start, site.end, &text)
            });
            let stepped = stepped.collect();
            return self.run_callback(&closure, Some(stepped));
        }
        let mut result = Value::default();
        self.either_way(|engine| result = engine.called(site, function, given), |_| {});
        result
    }

    fn called(&mut self, site: &Site, function: &Given, given: Vec<Given>) -> Value {
        let kind = function.expression.map(|at| &self.program().expression(at).kind);
        let object = match kind {
            Some(Kind::Field(object, _)) => Some(self.evaluate(*object)),
            _ => None,
        };
        self.stand_in(site, (function.value.clone(), function.expression), object, given)
    }

    fn function_name(&self, closure: &Closure) -> Name {
        let function = self.unit(closure.file).program.function(closure.function);
        function.name.clone().unwrap_or_else(|| Name::from("a function"))
    }

    /// `list.reduce(f, start)`: of a list with known elements, one after the other.
    fn folded(&mut self, site: &Site, handing: &Handing, function: &Given) -> Value {
        let part = |at: usize| handing.parameters.get(at);
        let receiver = site.receiver.as_ref().map(|(_, value)| value.clone()).unwrap_or_default();
        let all = match part(1) {
            Some(Part::Each(at)) => site.value(*at),
            _ => receiver,
        };
        let element = self.element_of(&all);
        let start = match part(0) {
            Some(Part::At(at)) if *at < site.given.len() => site.value(*at),
            _ => element.clone(),
        };
        let known = items(&all);
        if !known.is_empty() && known.len() <= FOLDED_MAX {
            return known
                .into_iter()
                .fold(start, |before, item| self.hand(site, function, plain(vec![before, item])));
        }
        // Twice, so that what one round leaves reaches the next.
        let first = self.hand(site, function, plain(vec![start.clone(), element.clone()]));
        let before = if start.is_unknown() { first } else { start.join(&first) };
        let second = self.hand(site, function, plain(vec![before.clone(), element]));
        before.join(&second)
    }

    /// A call of a function that was put together of several.
    pub(super) fn composed_call(&mut self, site: &Site) -> Option<Value> {
        let steps = items(site.callee.field(STEPS)?);
        let mut given = site.given.clone();
        for value in steps {
            let step = Given { name: None, value, expression: None };
            given = plain(vec![self.hand(site, &step, given)]);
        }
        given.pop().map(|given| given.value)
    }

    /// `new Promise((resolve, reject) => …)`: what it is settled with.
    pub(super) fn promised(&mut self, site: &Site) -> Option<Value> {
        if !site.construct || &*site.method != "Promise" || !self.is_javascript() {
            return None;
        }
        let closure = site.value(0).data().and_then(|data| data.function.clone())?;
        let key = (self.file, site.id);
        self.settled.remove(&key);
        let name = Name::from(format!("{SETTLES}{}:{}", self.file, site.id.0));
        let settle = Value::new(Data { method: Some(name), ..Data::default() });
        let reject = Value::new(Data::default());
        self.run_callback(&closure, Some(vec![settle, reject]));
        Some(self.settled.remove(&key).unwrap_or_default())
    }

    /// A call of the function that settles a promise; false where it is none.
    pub(super) fn settles(&mut self, site: &Site) -> bool {
        let method = site.callee.data().and_then(|data| data.method.as_deref());
        let Some(rest) = method.and_then(|name| name.strip_prefix(SETTLES)) else { return false };
        let key = rest
            .split_once(':')
            .and_then(|(file, id)| Some((file.parse().ok()?, ExprId(id.parse().ok()?))));
        if let Some(key) = key {
            let value = site.value(0);
            let value = match self.settled.get(&key) {
                Some(before) => before.join(&value),
                None => value,
            };
            self.settled.insert(key, value);
        }
        true
    }
}

/// What calls several functions, each with what the one before gave.
fn composed(given: Vec<Given>) -> Value {
    let steps = given.into_iter().flat_map(|given| match items(&given.value) {
        listed if listed.is_empty() => vec![given.value],
        listed => listed,
    });
    Value::default().with_field(&Name::from(STEPS), Value::list(steps.collect()))
}

fn has_function(value: &Value) -> bool {
    value.data().is_some_and(|data| data.function.is_some())
}

/// The function that a call hands on, by name or position.
fn handed_function<'s>(handing: &Handing, site: &'s Site) -> Option<&'s Given> {
    let named = handing
        .keyword
        .and_then(|keyword| site.given.iter().find(|given| given.name.as_deref() == Some(keyword)));
    named.or_else(|| site.given.iter().filter(|given| given.name.is_none()).nth(handing.function))
}

/// The known elements of a list; of another collection any one.
fn listed_or_each(value: &Value) -> Vec<Value> {
    let known = items(value);
    if !known.is_empty() || !value.is_tainted() {
        return known;
    }
    vec![value.element()]
}

/// The entries of a map, as arguments by name.
fn entries(value: &Value) -> Vec<Given> {
    let fields = value.data().and_then(|data| data.fields.as_ref());
    let named = fields.into_iter().flat_map(|fields| fields.iter());
    named
        .map(|(name, value)| Given {
            name: Some(name.clone()),
            value: value.clone(),
            expression: None,
        })
        .collect()
}

/// A collection whose elements are all like this.
fn any_of(element: Value) -> Value {
    Value::record(BTreeMap::from([(Name::from("*"), element)]), false)
}

fn plain(values: Vec<Value>) -> Vec<Given> {
    values.into_iter().map(|value| Given { name: None, value, expression: None }).collect()
}
