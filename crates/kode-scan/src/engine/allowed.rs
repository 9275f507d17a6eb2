//! Allow-lists and casts in the forms that collections give them: `some`, `filter`,
//! `any(…)`, `map(Number)`, intersections, tables looked up by an unknown key.

use std::collections::BTreeMap;

use super::Engine;
use super::guard::{facts_of, truth_with};
use super::site::Site;
use super::value::{Closure, Constant, Data, Fact, Value};
use crate::category::CategorySet;
use crate::ir::{ExprId, Kind, Name, Operator, Target};

/// Functions that make a number or a truth of what they are handed.
const CASTS: [&str; 7] = ["Number", "parseInt", "parseFloat", "BigInt", "int", "float", "bool"];

impl Engine<'_> {
    /// Numbers and dates, whatever they are made of.
    pub(super) fn number_made(&self, site: &Site) -> Option<Value> {
        let callee = match &site.receiver {
            Some((object, _)) => *object,
            None => return (site.construct && &*site.method == "Date").then(Value::default),
        };
        let is_math = self.is_global_of(callee, &["Math"]) && self.is_javascript();
        // `request.args.get("n", type=int)`
        let cast = site.given.iter().find(|given| given.name.as_deref() == Some("type"));
        let cast = cast.and_then(|given| given.expression);
        let is_cast = cast.is_some_and(|cast| self.is_global_of(cast, &CASTS));
        (is_math || is_cast && matches!(&*site.method, "get" | "getlist")).then(Value::default)
    }

    fn is_global_of(&self, expression: ExprId, names: &[&str]) -> bool {
        matches!(&self.program().expression(expression).kind, Kind::Global(name) if names.contains(&&**name))
    }

    /// `Object.hasOwn(table, key)`, `Object.prototype.hasOwnProperty.call(table, key)`.
    pub(super) fn has_own(&mut self, site: &Site) -> Option<Value> {
        let (object, _) = site.receiver.as_ref()?;
        let is_asked = match &self.program().expression(*object).kind {
            Kind::Global(name) => &**name == "Object" && &*site.method == "hasOwn",
            Kind::Field(_, name) => &**name == "hasOwnProperty" && &*site.method == "call",
            _ => false,
        };
        let key = site.argument(1).filter(|_| is_asked)?;
        Some(self.membership(key, &site.value(0), &site.value(1), true))
    }

    /// `list.some(x => x === value)`, `list.filter(x => allowed.has(x))` and the like.
    pub(super) fn asked_of_each(
        &mut self,
        site: &Site,
        receiver: &Value,
        closure: &Closure,
    ) -> Value {
        let element = self.element_of(receiver);
        // Java's maps hand over the key and the value; elsewhere the second is a number.
        let in_java = self.unit(self.file).language == kode_syntax::Language::Java;
        let second = if in_java { vec![element.clone()] } else { Vec::new() };
        let handed = [vec![element.clone()], second].concat();
        let verdict = self.run_callback(closure, Some(handed));
        match &*site.method {
            "some" | "every" | "anyMatch" | "allMatch" => {
                let facts = facts_of(&verdict).unwrap_or_default();
                truth_with(facts.into_iter().filter(|fact| fact.when).collect())
            }
            "filter" => self.filtered(receiver, closure, &element, &verdict),
            "find" if element.is_tainted() => self.element_kept(closure, &element, &verdict),
            _ => receiver.clone(),
        }
    }

    /// The elements for which the verdict is true.
    fn filtered(
        &mut self,
        receiver: &Value,
        closure: &Closure,
        element: &Value,
        verdict: &Value,
    ) -> Value {
        if facts_of(verdict).is_none() || element.deep_taints().is_empty() {
            return receiver.clone();
        }
        let kept = self.element_kept(closure, element, verdict);
        Value::record(BTreeMap::from([(Name::from("*"), kept)]), false)
    }

    /// An element of which the verdict is true, as the function's parameter has it.
    fn element_kept(&mut self, closure: &Closure, element: &Value, verdict: &Value) -> Value {
        if closure.file != self.file {
            return element.clone();
        }
        let parameters = &self.program().function(closure.function).parameters;
        let Some(target) = parameters.first().map(|parameter| &parameter.target) else {
            return element.clone();
        };
        let mut kept = element.clone();
        self.either_way(
            |engine| {
                engine.assign(target, element.clone(), None);
                engine.assume(verdict, true);
                kept = engine.bound_part(target, element);
                engine.dead = true;
            },
            |_| {},
        );
        kept
    }

    /// What a pattern's variables now say of the value that was bound to it.
    fn bound_part(&self, target: &Target, value: &Value) -> Value {
        match target {
            Target::Variable(variable) => self.read(*variable),
            Target::Record(entries) => {
                entries.iter().fold(value.clone(), |whole, (name, inner)| {
                    let part = self.field_of(&whole, name, None);
                    whole.with_field(name, self.bound_part(inner, &part))
                })
            }
            Target::List(parts) => {
                parts.iter().enumerate().fold(value.clone(), |whole, (at, inner)| {
                    let name = Name::from(at.to_string());
                    let part = self.field_of(&whole, &name, None);
                    whole.with_field(&name, self.bound_part(inner, &part))
                })
            }
            _ => value.clone(),
        }
    }

    /// `compile('<b>{{{name}}}</b>')`: what it gives does not escape.
    pub(super) fn raw_template(&self, site: &Site) -> Option<Value> {
        const RAW: [&str; 4] = ["{{{", "{{&", "!{", "!="];
        let compiles = &*site.method == "compile" && self.is_javascript();
        let text = site.value(0).data().filter(|_| compiles)?.text.clone()?;
        RAW.iter().any(|raw| text.contains(raw)).then(Value::default)
    }

    /// `any(value == name for name in names)`: what is said of some element holds.
    pub(super) fn any_of(&self, given: &Value) -> Value {
        let facts = facts_of(&given.element()).unwrap_or_default();
        truth_with(facts.into_iter().filter(|fact| fact.when).collect())
    }

    /// `filter(str.isdigit, values)`.
    pub(super) fn kept_of_each(&mut self, function: ExprId, values: &Value) -> Option<Value> {
        const SAYS: [&str; 6] =
            ["isdigit", "isnumeric", "isalnum", "isalpha", "isdecimal", "isidentifier"];
        let Kind::Field(object, name) = &self.program().expression(function).kind else {
            return None;
        };
        let says = self.is_global_of(*object, &["str"]) && SAYS.contains(&&**name);
        let element = says.then(|| self.element_of(values).cleaned(CategorySet::EVERY))?;
        Some(Value::record(BTreeMap::from([(Name::from("*"), element)]), false))
    }

    /// What a function that makes something else of any value makes of one: `Number`,
    /// `int`, `Integer::parseInt`, `str`.
    pub(super) fn cast_by(&self, function: ExprId, value: &Value) -> Option<Value> {
        let (object, name) = match &self.program().expression(function).kind {
            Kind::Global(name) => (None, name),
            Kind::Field(object, name) => (Some(*object), name),
            _ => return None,
        };
        // Known to be no input, unlike a value of which nothing is known.
        let number = || Value::new(Data::default());
        let of_number = |object: ExprId| {
            self.is_global_of(object, &["Number", "Integer", "Long", "Double", "Float", "Short"])
        };
        match (object, &**name) {
            (None, "str" | "String") => {
                Some(super::expression::joined(std::slice::from_ref(value)))
            }
            (None, name) => CASTS.contains(&name).then(number),
            (Some(object), "parseInt" | "parseFloat" | "parseLong" | "parseDouble" | "valueOf") => {
                of_number(object).then(number)
            }
            _ => None,
        }
    }

    /// `stream.collect(Collectors.joining())`: the elements as one text.
    pub(super) fn joins_elements(&self, site: &Site) -> bool {
        let Some(collector) = site.argument(0) else { return false };
        let Kind::Call(call) = &self.program().expression(collector).kind else { return false };
        matches!(&self.program().expression(call.callee).kind,
            Kind::Field(_, name) | Kind::Global(name) if &**name == "joining")
    }

    /// Whether a call is Java's `Map.of(key, value, …)`.
    pub(super) fn is_java_map(&self, site: &Site) -> bool {
        let is_map = |object: &ExprId| {
            let kind = &self.program().expression(*object).kind;
            matches!(kind, Kind::Global(name) if &**name == "Map")
        };
        let even = site.given.len().is_multiple_of(2);
        even && site.receiver.as_ref().is_some_and(|(object, _)| is_map(object))
    }

    /// `set(given) & allowed`: nothing that is not in both.
    pub(super) fn intersection(&self, a: &Value, b: &Value) -> Option<Value> {
        let is_python = self.unit(self.file).language == kode_syntax::Language::Python;
        let known = |value: &Value| value.data().is_some() && value.deep_taints().is_empty();
        (is_python && (known(a) || known(b))).then(|| match known(a) {
            true => a.clone(),
            false => b.clone(),
        })
    }

    /// That a key is one of a table's, or where it is the host of an address that this is.
    pub(super) fn key_allowed(&mut self, key: ExprId) -> Value {
        let redirect = CategorySet::of(&[crate::category::Category::OpenRedirect]);
        match self.host_owner(key) {
            Some(owner) => self.fact(self.parsed_from(owner), true, redirect),
            None => self.fact(key, true, CategorySet::EVERY),
        }
    }

    /// An entry of a table of constants by an unknown key: the key is one of the table's
    /// where there is such an entry.
    pub(super) fn entry_by_unknown_key(&mut self, table: &Value, key: ExprId) -> Value {
        let element = self.element_of(table);
        if !is_constant_table(table) {
            return element;
        }
        let said = self.key_allowed(key);
        let facts = facts_of(&said).unwrap_or_default();
        // The only entry's truth is not that of one that may be missing.
        match element.truth().is_some() || facts.is_empty() {
            true => truth_with(facts),
            false => element.with(|data| data.facts = Some(facts.into())),
        }
    }

    /// `a.origin !== b.origin`, `u.host === request.headers.host`: both are on one host.
    pub(super) fn same_host(&mut self, left: ExprId, right: ExprId, when: bool) -> Option<Value> {
        let (a, b) = (self.host_owner(left), self.host_owner(right));
        let sides = match (a, b) {
            (Some(a), Some(b)) => vec![a, b],
            (Some(a), None) if self.is_own_host(right) => vec![a],
            (None, Some(b)) if self.is_own_host(left) => vec![b],
            _ => return None,
        };
        let redirect = CategorySet::of(&[crate::category::Category::OpenRedirect]);
        let has_origin = |it: ExprId| matches!(&self.program().expression(it).kind, Kind::Field(_, name) if &**name == "origin");
        let is_origin = has_origin(left) && has_origin(right);
        let mut facts: Vec<Fact> = Vec::new();
        for side in sides {
            let owner = self.parsed_from(side);
            // With an origin goes the scheme: a parsed address of the page's own is no script.
            let redirect = match is_origin && owner == side {
                true => redirect.union(CategorySet::ADDRESS),
                false => redirect,
            };
            facts.extend(facts_of(&self.fact(owner, when, redirect)).unwrap_or_default());
        }
        Some(truth_with(facts))
    }

    /// The host the request was sent to.
    fn is_own_host(&self, expression: ExprId) -> bool {
        match &self.program().expression(expression).kind {
            Kind::Call(call) => {
                let first = call.arguments.first().map(|argument| argument.value);
                let first = first.map(|first| &self.program().expression(first).kind);
                let names_host =
                    matches!(first, Some(Kind::Text(text)) if text.eq_ignore_ascii_case("host"));
                match &self.program().expression(call.callee).kind {
                    Kind::Field(_, name) => match &**name {
                        "getServerName" | "get_host" => true,
                        "get" | "header" | "getHeader" => names_host,
                        _ => false,
                    },
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// `text[1] != '/'`: with the slash before it, as it is asked, a path on this host.
    pub(super) fn second_character(
        &mut self,
        (operator, left): (Operator, ExprId),
        other: &Value,
    ) -> Option<Value> {
        if let Some(never) = self.first_character((operator, left), other) {
            return Some(never);
        }
        let Kind::Index(text, at) = &self.program().expression(left).kind else { return None };
        let (text, at) = (*text, *at);
        let is_second = matches!(self.program().expression(at).kind, Kind::Number(1));
        let is_slash = other.known_text() == Some("/") || other.number() == Some(47);
        let when = operator == Operator::NotEqual;
        let redirect = CategorySet::of(&[crate::category::Category::OpenRedirect]);
        (is_second && is_slash).then(|| self.fact(text, when, redirect))
    }
}

/// `Map.of(key, value, …)`
pub(super) fn map_of(given: &[Value]) -> Value {
    let pairs = given.chunks_exact(2);
    let fields = pairs
        .filter_map(|pair| Some((Name::from(super::constant::key_of(&pair[0])?), pair[1].clone())));
    Value::record(fields.collect(), false)
}

/// A table with keys that are written down, of texts, numbers and truths.
fn is_constant_table(table: &Value) -> bool {
    let Some(data) = table.data().filter(|data| data.closed && data.taints.is_empty()) else {
        return false;
    };
    let is_constant = |value: &Value| {
        let constant = value.data().and_then(|data| data.constant);
        value.known_text().is_some_and(|text| !text.is_empty())
            || matches!(constant, Some(Constant::Boolean(true) | Constant::Number(1..)))
    };
    data.length.is_none()
        && data
            .fields
            .as_ref()
            .is_some_and(|fields| !fields.is_empty() && fields.values().all(is_constant))
}
