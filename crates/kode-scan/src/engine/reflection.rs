//! APIs reached in roundabout ways: modules loaded by a computed name, members read
//! by reflection, functions called through another call or with arguments bound
//! before. What runs is the same; no name is guessed that is not known.

use kode_syntax::Language;

use super::Engine;
use super::builtin::items;
use super::site::{Given, Site};
use super::value::{Data, Value};
use crate::ir::{ExprId, Kind, Name};

/// The field in which a function keeps the arguments that were bound to it.
const BOUND: &str = "@bound";
/// The field in which a reflected method keeps its name, and the one with what it is of.
const MEMBER: &str = "@member";
const OWNER: &str = "@owner";

/// What compilers wrap a module in; the module stays what it is.
const WRAPPERS: [&str; 12] = [
    "__toESM",
    "__toModule",
    "__importStar",
    "__importDefault",
    "_interopRequireDefault",
    "_interopRequireWildcard",
    "_interop_require_default",
    "_interop_require_wildcard",
    "_interopDefault",
    "_interopDefaultLegacy",
    "_interopNamespace",
    "interopRequireDefault",
];

impl Engine<'_> {
    /// What a call does that stands for another; `None` where it stands for itself.
    pub(super) fn reflected(&mut self, site: &Site) -> Option<Value> {
        match self.unit(self.file).language {
            Language::Python => self.reflected_python(site),
            Language::Java => self.reflected_java(site),
            Language::Go => self.reflected_go(site),
            _ => self.reflected_javascript(site),
        }
    }

    /// The module that a call's first argument names.
    pub(super) fn loaded(&mut self, site: &Site) -> Value {
        let name = site.value(0);
        match name.known_text() {
            Some(name) => self.imported(&Name::from(name.strip_prefix("node:").unwrap_or(name))),
            None => Value::default(),
        }
    }

    fn reflected_javascript(&mut self, site: &Site) -> Option<Value> {
        self.scripted_call(site);
        self.unload_listener(site);
        let Some((object, receiver)) = &site.receiver else {
            return self.unwrapped_module(site);
        };
        match &*site.method {
            "apply" | "construct" | "get" if self.is_global(*object, "Reflect") => {
                self.through_reflect(site)
            }
            // A copy of a module.
            "assign" if self.is_global(*object, "Object") && site.given.len() == 2 => {
                let onto = site.value(0);
                let is_new = onto.data().and_then(|data| data.fields.as_ref());
                if is_new.is_some_and(|fields| fields.is_empty()) {
                    let copied = site.value(1);
                    let is_known = copied.data().is_some_and(|data| data.fields.is_some());
                    return Some(copied).filter(|copied| is_object(copied) || is_known);
                }
                self.put_all(site.argument(0)?, &site.value(1));
                let is_made = onto.data().is_some_and(|data| data.place.is_none());
                let is_known = site.value(1).data().is_some_and(|data| data.fields.is_some());
                let is_last = site.given.len() == 2;
                (is_made && is_known && is_new.is_some() && is_last)
                    .then(|| together(&onto, &site.value(1)))
            }
            "extend" | "merge" | "defaults" | "assign" => self.merged(*object, receiver, site),
            "defineProperty" if self.is_global(*object, "Object") => self.defined_property(site),
            "reject" => self.rejected(site),
            "call" | "apply" => match self.prototype_method(*object) {
                Some(method) => Some(self.through_prototype(&method, site)),
                None if &*site.method == "apply" => {
                    let closure = receiver.data()?.function.clone()?;
                    let given = plain(items(&site.value(1)));
                    Some(self.invoke(&closure, &given, Some(site.value(0)), Some(site)))
                }
                None => None,
            },
            _ => self.unwrapped_module(site),
        }
    }

    /// `_interopRequireWildcard(require('x'))`, whatever the function does in detail.
    fn unwrapped_module(&self, site: &Site) -> Option<Value> {
        if !site.method.starts_with(['_', 'i']) || !WRAPPERS.contains(&&*site.method) {
            return None;
        }
        let first = site.value(0);
        let is_module =
            first.data().is_some_and(|data| data.place.is_some() || data.module.is_some());
        is_module.then_some(first)
    }

    /// `Reflect.apply(f, this, list)`, `Reflect.construct(F, list)`, `Reflect.get(o, name)`.
    fn through_reflect(&mut self, site: &Site) -> Option<Value> {
        let function = site.value(0);
        match &*site.method {
            "get" => {
                let name = super::constant::key_of(&site.value(1))?;
                Some(self.field_of(&function, &Name::from(name), None))
            }
            "construct" => {
                let given = plain(items(&site.value(1)));
                Some(self.stand_in(site, (function, site.argument(0)), None, given))
            }
            _ => {
                let given = plain(items(&site.value(2)));
                let this = Some(site.value(1));
                Some(self.stand_in(site, (function, site.argument(0)), this, given))
            }
        }
    }

    /// The `call` of `Function.prototype.call` and of `(() => {}).call`, as of an object.
    fn prototype_method(&self, object: ExprId) -> Option<Name> {
        let Kind::Field(owner, name) = &self.program().expression(object).kind else { return None };
        if !matches!(&**name, "call" | "apply" | "bind") {
            return None;
        }
        let is_prototype = match &self.program().expression(*owner).kind {
            Kind::Field(function, prototype) => {
                &**prototype == "prototype" && self.is_global(*function, "Function")
            }
            Kind::Function(_) => true,
            _ => self.is_global(*owner, "Function"),
        };
        is_prototype.then(|| name.clone())
    }

    /// `Function.prototype.call.call(f, this, …)` and the like.
    fn through_prototype(&mut self, method: &str, site: &Site) -> Value {
        // What the outer method hands to the inner one: its `this` is the function.
        let mut given = site.given.clone();
        if &*site.method == "apply" && given.len() > 1 {
            let listed = items(&given[1].value);
            given.truncate(1);
            given.extend(plain(listed));
        }
        if given.is_empty() {
            return Value::default();
        }
        let function = given.remove(0);
        let this = (!given.is_empty()).then(|| given.remove(0).value);
        if method == "apply" {
            given = given.first().map(|list| plain(items(&list.value))).unwrap_or_default();
        }
        self.stand_in(site, (function.value, function.expression), this, given)
    }

    /// Calls `function` in the place of `site`.
    pub(super) fn stand_in(
        &mut self,
        site: &Site,
        (function, expression): (Value, Option<ExprId>),
        this: Option<Value>,
        given: Vec<Given>,
    ) -> Value {
        let expression = expression.unwrap_or(site.id);
        let named = match &self.program().expression(expression).kind {
            Kind::Field(object, name) => Some((*object, name.clone())),
            _ => None,
        };
        let (object, method) = match named {
            Some((object, name)) => (object, name),
            None => (expression, Name::from("")),
        };
        let function = match self.kept(function.clone(), expression) {
            kept if function.is_unknown() => kept,
            _ => function,
        };
        let mut all = bound_arguments(&function);
        all.extend(given);
        let receiver = this.map(|this| (object, this));
        let inner = Site { callee: function, receiver, method, given: all, ..*site };
        self.dispatch(&inner)
    }

    fn reflected_python(&mut self, site: &Site) -> Option<Value> {
        if let Some(found) = self.fetched(site) {
            return Some(found);
        }
        let first = || site.value(0);
        match &*site.method {
            "vars" if site.receiver.is_none() && site.given.len() == 1 => {
                Some(first()).filter(is_object)
            }
            "globals" | "locals" if site.receiver.is_none() && site.given.is_empty() => {
                Some(Value::new(Data { module: Some(self.file), ..Data::default() }))
            }
            "staticmethod" | "classmethod" if site.receiver.is_none() => {
                Some(first()).filter(is_object)
            }
            "partial" | "partialmethod" => bound(&first(), site.given.get(1..)?),
            "attrgetter" | "itemgetter" | "methodcaller" => {
                let name = first();
                let name = name.known_text()?;
                let getter = Value::default().with_field(&MEMBER.into(), Value::text(name));
                let given = site.given.get(1..).unwrap_or_default();
                match &*site.method == "methodcaller" {
                    true => bound(&getter.with_field(&OWNER.into(), Value::default()), given)
                        .or(Some(getter)),
                    false => Some(getter),
                }
            }
            "setattr" if site.receiver.is_none() => {
                let name = super::constant::key_of(&site.value(1))?;
                let path = self.path_of(site.argument(0)?)?;
                let mut fields = path.fields.clone();
                fields.push(Name::from(name));
                self.set_path(&path, &fields, site.value(2));
                Some(Value::default())
            }
            _ => None,
        }
    }

    /// A call of `attrgetter(name)` or `methodcaller(name, …)`.
    fn fetched(&mut self, site: &Site) -> Option<Value> {
        let name = Name::from(site.callee.field(MEMBER)?.known_text()?);
        let calls = site.callee.field(OWNER).is_some();
        let mut given = site.given.clone();
        if given.is_empty() {
            return None;
        }
        let subject = given.pop()?;
        let member = self.field_of(&subject.value, &name, None);
        if !calls {
            return Some(member);
        }
        let receiver = Some((subject.expression.unwrap_or(site.id), subject.value));
        let inner = Site { callee: member, receiver, method: name, given, ..*site };
        Some(self.dispatch(&inner))
    }

    fn reflected_go(&mut self, site: &Site) -> Option<Value> {
        // `reflect.ValueOf(f).Call(list)`.
        let (object, receiver) = site.receiver.as_ref().filter(|_| &*site.method == "Call")?;
        if !is_object(receiver) || !site.callee.is_unknown() {
            return None;
        }
        let (function, given) = (receiver.clone(), plain(items(&site.value(0))));
        Some(self.stand_in(site, (function, Some(*object)), None, given))
    }

    fn reflected_java(&mut self, site: &Site) -> Option<Value> {
        let (object, receiver) = site.receiver.as_ref()?;
        match &*site.method {
            "forName" if self.is_global(*object, "Class") => {
                let name = site.value(0);
                let simple = name.known_text()?.rsplit(['.', '$']).next()?.to_owned();
                let found = self.elsewhere(&Name::from(simple.as_str()));
                found.or_else(|| self.place(&format!("global.{simple}")).map(Value::place))
            }
            "getClass" if site.given.is_empty() => Some(receiver.clone()).filter(is_object),
            "getMethod" | "getDeclaredMethod" => {
                let name = site.value(0);
                let method =
                    Value::default().with_field(&MEMBER.into(), Value::text(name.known_text()?));
                Some(method.with_field(&OWNER.into(), receiver.clone()))
            }
            "getConstructor" | "getDeclaredConstructor" => Some(receiver.clone()).filter(is_object),
            "newInstance" if is_object(receiver) => {
                let given = plain(unlisted(site.values()));
                let inner = Site {
                    callee: receiver.clone(),
                    receiver: None,
                    method: Name::from(""),
                    given,
                    construct: true,
                    ..*site
                };
                Some(self.dispatch(&inner))
            }
            "invoke" => self.invoked(site, receiver),
            _ => self.functional_api(site, *object, receiver),
        }
    }

    /// `method.invoke(object, …)`.
    fn invoked(&mut self, site: &Site, method: &Value) -> Option<Value> {
        let name = Name::from(method.field(MEMBER)?.known_text()?);
        let owner = method.field(OWNER).cloned().unwrap_or_default();
        let subject = site.value(0);
        let mut callee = self.field_of(&subject, &name, None);
        if callee.is_unknown() {
            callee = self.field_of(&owner, &name, None);
        }
        // An object of which only the class is known.
        let made = owner.data().and_then(|data| self.models.step(data.place?, "()"));
        if let Some(place) = made.filter(|_| callee.is_unknown()) {
            callee = self.field_of(&Value::place(place), &name, None);
        }
        let given = plain(unlisted(site.values().into_iter().skip(1).collect()));
        let receiver = Some((site.argument(0)?, subject));
        let inner = Site { callee, receiver, method: name, given, ..*site };
        Some(self.dispatch(&inner))
    }

    /// A method reference to an API, called by whatever its interface calls it.
    fn functional_api(&mut self, site: &Site, object: ExprId, receiver: &Value) -> Option<Value> {
        let place = receiver.data().filter(|_| site.callee.is_unknown())?.place?;
        if self.models.know(place).is_none_or(|known| known.sinks.is_empty()) {
            return None;
        }
        Some(self.stand_in(site, (receiver.clone(), Some(object)), None, site.given.clone()))
    }

    fn is_global(&self, expression: ExprId, name: &str) -> bool {
        matches!(&self.program().expression(expression).kind, Kind::Global(known) if &**known == name)
    }
}

/// An object with everything of another.
pub(super) fn together(object: &Value, other: &Value) -> Value {
    let fields = other.data().and_then(|data| data.fields.as_ref());
    let whole = fields
        .iter()
        .flat_map(|fields| fields.iter())
        .fold(object.clone(), |whole, (name, value)| whole.with_field(name, value.clone()));
    whole.with(|data| {
        super::value::merge_taints(&mut data.taints, other.taints());
        data.closed &= other.data().is_some_and(|data| data.closed);
    })
}

/// The arguments bound to a function, before those it is called with.
pub(super) fn bound_arguments(function: &Value) -> Vec<Given> {
    let Some(kept) = function.field(BOUND) else { return Vec::new() };
    let mut given = plain(items(kept));
    let fields = kept.data().and_then(|data| data.fields.as_ref());
    for (name, value) in fields.iter().flat_map(|fields| fields.iter()) {
        if !name.starts_with(|first: char| first.is_ascii_digit()) {
            given.push(Given { name: Some(name.clone()), value: value.clone(), expression: None });
        }
    }
    given
}

/// A function with arguments bound to it; nothing where it is none.
pub(super) fn bound(function: &Value, given: &[Given]) -> Option<Value> {
    let data = function.data()?;
    let callable = data.function.is_some()
        || data.place.is_some()
        || data.class.is_some()
        || data.method.is_some()
        || function.field(MEMBER).is_some();
    if !callable || given.is_empty() {
        return callable.then(|| function.clone());
    }
    let (named, unnamed): (Vec<&Given>, Vec<&Given>) =
        given.iter().partition(|given| given.name.is_some());
    let mut kept: Vec<Value> =
        bound_arguments(function).into_iter().map(|given| given.value).collect();
    kept.extend(unnamed.iter().map(|given| given.value.clone()));
    let mut list = Value::list(kept);
    for given in named {
        if let Some(name) = &given.name {
            list = list.with_field(name, given.value.clone());
        }
    }
    Some(function.with_field(&BOUND.into(), list))
}

fn plain(values: Vec<Value>) -> Vec<Given> {
    values.into_iter().map(|value| Given { name: None, value, expression: None }).collect()
}

/// Java hands over the elements of a single array.
fn unlisted(values: Vec<Value>) -> Vec<Value> {
    match &values[..] {
        [only] if only.data().is_some_and(|data| data.length.is_some()) => items(only),
        _ => values,
    }
}

/// Whether a value is something that has members, not input.
fn is_object(value: &Value) -> bool {
    value.data().is_some_and(|data| {
        data.taints.is_empty()
            && (data.place.is_some()
                || data.class.is_some()
                || data.instance.is_some()
                || data.module.is_some()
                || data.function.is_some())
    })
}
