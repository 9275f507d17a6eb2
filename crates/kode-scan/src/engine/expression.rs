//! Expressions.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Engine;
use super::address::{
    begins_path, cleaned_from_start, ends_in_host, is_behind_question, is_page_first, mark_behind,
};
use super::guard::{both_facts, facts_of, flipped, truth_with};
use super::value::{Closure, Constant, Data, HOLE, Open, Path, Taint, Value, merge_taints};
use crate::category::{Category, CategorySet};
use crate::ir::{ExprId, FunctionId, KEYS, Kind, Name, Operator};
use crate::model::family;

impl Engine<'_> {
    /// The value of an expression.
    pub(super) fn evaluate(&mut self, id: ExprId) -> Value {
        if !self.step() {
            return Value::default();
        }
        let value = self.evaluate_kind(id);
        self.assembled_key(id, &value);
        value
    }

    fn evaluate_kind(&mut self, id: ExprId) -> Value {
        let expression = self.program().expression(id);
        match &expression.kind {
            Kind::Text(text) => Value::text(text),
            Kind::Number(number) => Value::constant(Constant::Number(*number)),
            Kind::Boolean(truth) => Value::constant(Constant::Boolean(*truth)),
            Kind::Null => Value::constant(Constant::Null),
            Kind::Regex(pattern, is_global) => Value::new(Data {
                regex: Some(pattern.clone()),
                normalized: *is_global,
                ..Data::default()
            }),
            Kind::Variable(variable) => self.variable(*variable),
            Kind::Global(name) => self.global(name, id),
            Kind::Import(path) => self.imported(path),
            Kind::Field(object, name) => self.told_field(*object, name, id),
            Kind::Index(object, index) => self.told_index(*object, *index, id),
            Kind::Call(call) => self.call(call, id),
            Kind::Join(parts) => {
                let values: Vec<Value> = parts.iter().map(|part| self.evaluate(*part)).collect();
                self.rooted_once(parts, joined(&values))
            }
            Kind::Binary(operator, left, right) => self.binary(*operator, *left, *right),
            Kind::Not(inner) => self.negated(*inner),
            Kind::Either(left, right) => self.either(*left, *right),
            Kind::Both(left, right) => self.both(*left, *right),
            Kind::Conditional(condition, then, otherwise) => {
                self.conditional(*condition, *then, *otherwise)
            }
            Kind::Sequence(before, last) => {
                for part in before {
                    self.evaluate(*part);
                }
                self.evaluate(*last)
            }
            Kind::Function(function) => self.closure(*function),
            Kind::Class(class) => self.class_value(*class),
            Kind::List(items) => {
                let items = items.iter().map(|item| self.evaluate(*item)).collect();
                Value::list(items)
            }
            Kind::Record(entries) => self.record(entries),
            Kind::Assign(target, value) => {
                let from = *value;
                let value = self.evaluate(from);
                self.assign(target, value.clone(), Some(from));
                value
            }
            Kind::Typed(declared, inner) => {
                let value = self.evaluate(*inner);
                let value = self.typed(*declared, value);
                if matches!(self.program().expression(*inner).kind, Kind::Record(_)) {
                    self.filled_in(&value, id);
                }
                value
            }
            Kind::Markup(name, attributes, children) => self.markup(name, attributes, children, id),
            Kind::Each(target, iterable, conditions, value) => {
                self.comprehension(target, *iterable, conditions, *value)
            }
            Kind::Caught => self.caught_here(),
            Kind::Yield(inner, delegates) => self.yielded(*inner, *delegates),
            Kind::Mixed(parts) => {
                let parts: Vec<Value> = parts.iter().map(|part| self.evaluate(*part)).collect();
                mixed(&parts)
            }
        }
    }

    fn variable(&self, variable: crate::ir::VariableId) -> Value {
        let mut value = self.read(variable);
        let is_filled = value.data().is_some_and(|d| d.instance.is_some() && d.fields.is_some());
        if is_filled && self.is_left_behind(variable) {
            value = value.with(|data| data.fields = None);
        }
        // A class that is declared further down.
        if value.is_unknown()
            && let Some(class) = self.program().class_variables.get(&variable)
        {
            return Value::new(Data { class: Some((self.file, *class)), ..Data::default() });
        }
        let value = self.checked_since(value);
        self.with_origin(value, || self.variable_path(variable))
    }

    /// Remembers where a tainted value is kept, so that guards on what is made
    /// of it reach it. The kept value itself remembers what it was made of.
    fn with_origin(&self, value: Value, path: impl FnOnce() -> Path) -> Value {
        let needs = value.data().is_some_and(|data| !data.taints.is_empty());
        if needs { value.with(|data| data.origin = Some(Rc::new(path()))) } else { value }
    }

    fn global(&mut self, name: &Name, id: ExprId) -> Value {
        let at = self.program().expression(id);
        // The window's name is a name of its own only where the window is named.
        if &**name == "name" && self.is_javascript() {
            return Value::default();
        }
        if let Some(found) = self.elsewhere(name) {
            return found;
        }
        match self.place(&format!("global.{name}")) {
            Some(place) => self.at_place(place, at.start, at.end),
            None if &**name == "super" => self.super_value().unwrap_or_default(),
            None => match self.inherited_name(name) {
                Some(member) => member,
                None => self.in_whole_modules(name),
            },
        }
    }

    /// A name that `from module import *` gives.
    fn in_whole_modules(&mut self, name: &Name) -> Value {
        use kode_syntax::Language::{Go, Python};
        if !matches!(self.unit(self.file).language, Python | Go) {
            return Value::default();
        }
        for module in &self.program().star_imports {
            let module = self.imported(module);
            let given = self.of_package(&module, name);
            let member = given.unwrap_or_else(|| self.field_of(&module, name, None));
            if !member.is_unknown() {
                return member;
            }
        }
        Value::default()
    }

    /// The value of a canonical place: input where it is a source.
    pub(super) fn at_place(&self, place: crate::model::Place, start: u32, end: u32) -> Value {
        let known = self.models.know(place);
        let Some(source) = known.and_then(|known| known.source.clone()) else {
            return Value::place(place);
        };
        let cleaned = known.map_or(CategorySet::NONE, cleaned_from_start);
        let begins = known.and_then(|known| known.begins.as_ref());
        let text = begins.map(|begins| Rc::from(format!("{begins}{HOLE}")));
        self.source(start, end, &source, cleaned).with(|data| {
            data.place = Some(place);
            data.text = text;
        })
    }

    /// An element of what the function gives, kept until it ends.
    fn yielded(&mut self, inner: ExprId, delegates: bool) -> Value {
        let mut value = self.evaluate(inner);
        if delegates {
            value = self.element_of(&value);
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.yielded = Some(match frame.yielded.take() {
                Some(before) => before.join(&value),
                None => value,
            });
        }
        Value::default()
    }

    /// What `with X as y` binds: a generator's only element, else X itself.
    fn entered(value: Value) -> Value {
        let elements = value.data().and_then(|data| data.fields.as_ref());
        let only = elements.filter(|fields| fields.len() == 1).and_then(|fields| fields.get("*"));
        only.cloned().unwrap_or(value)
    }

    pub(super) fn field_expression(&mut self, object: ExprId, name: &Name, id: ExprId) -> Value {
        let value = self.evaluate(object);
        if let Some(member) = self.of_package(&value, name) {
            return member;
        }
        if &**name == "@enter" {
            return Self::entered(value);
        }
        if &**name == "__dict__" && value.data().is_some_and(|data| data.taints.is_empty()) {
            return value;
        }
        let at = self.program().expression(id);
        self.here = (at.start, at.end);
        let field = self.field_of(&value, name, Some(id));
        if let Some(closure) = self.property(&field) {
            return self.invoke(&closure, &[], Some(value), None);
        }
        if field.is_unknown()
            && let Some(module) = self.submodule(object, name, id)
        {
            return module;
        }
        if field.is_unknown() && &**name == "$route" {
            return self.kind("global.Router()");
        }
        if field.taints().is_empty() {
            return self.handed_around(object, name).unwrap_or(field);
        }
        let field = match self.path_of(id) {
            Some(path) => self.with_origin(field, || path),
            None => field,
        };
        if matches!(&**name, "netloc" | "host" | "hostname") {
            let facts = facts_of(&self.without_host(object));
            return field.with(|data| data.facts = facts.map(Rc::new));
        }
        field
    }

    /// A field of a value: known, of its class, of its canonical place, or
    /// part of tainted data.
    pub(super) fn field_of(&self, value: &Value, name: &Name, at: Option<ExprId>) -> Value {
        let Some(data) = value.data() else { return Value::default() };
        if let Some(field) = value.field(name) {
            return field.clone();
        }
        if let Some(element) = value.field("*")
            && (name.starts_with(|first: char| first.is_ascii_digit())
                || value.field(KEYS).is_some())
        {
            return element.clone();
        }
        if let Some(field) = self.class_member(value, name) {
            return field;
        }
        if let Some(field) = self.inherited_member(value, name, at) {
            return field;
        }
        if let Some(module) = data.module {
            return self.exported(module, name);
        }
        if let Some(place) = data.place {
            if let Some(found) = self.models.step(place, name) {
                return self.place_field(found, value, at);
            }
            if &**name == "default" {
                return value.clone();
            }
            if name.contains('.') && self.is_server_setting(place, name) {
                return Value::default();
            }
            if let Some(kept) = self.request_fields.get(name)
                && Some(place) == self.place("global.Request()")
            {
                return kept.clone();
            }
        }
        if data.closed && data.place.is_none() || self.is_number_field(value, name) {
            return Value::default();
        }
        // Numbers of texts, lists and answers; a part of the request may have any name.
        let is_number = match &**name {
            "length" | "byteLength" => true,
            "size" | "statusCode" => data.place.is_none(),
            "status" => data.place.is_none() && self.is_javascript(),
            _ => false,
        };
        if is_number {
            return Value::default();
        }
        let mut inner = match &**name {
            "href" => Value::new(Data { taints: data.taints.clone(), ..Data::default() }),
            _ => Value::carrying(data.taints.clone()),
        };
        if data.origin.is_some() && !data.taints.is_empty() {
            inner = inner.with(|inner| inner.origin = data.origin.clone());
        }
        inner
    }

    pub(super) fn place_field(
        &self,
        place: crate::model::Place,
        value: &Value,
        at: Option<ExprId>,
    ) -> Value {
        let known = self.models.know(place);
        if let (Some(source), Some(at)) = (known.and_then(|known| known.source.clone()), at) {
            let at = self.program().expression(at);
            let cleaned = known.map_or(CategorySet::NONE, cleaned_from_start);
            let begins = known.and_then(|known| known.begins.as_ref());
            let text = begins.map(|begins| Rc::from(format!("{begins}{HOLE}")));
            return self.source(at.start, at.end, &source, cleaned).with(|data| {
                data.place = Some(place);
                data.text = text;
            });
        }
        let mut taints = value.taints().to_vec();
        taints.iter_mut().for_each(Taint::parted);
        let origin = value.data().and_then(|data| data.origin.clone());
        let field = Value::new(Data { taints, origin, place: Some(place), ..Data::default() });
        match known.and_then(|known| known.cleans) {
            Some(CategorySet::EVERY) => self.own_origin(place),
            Some(set) => field.cleaned(set),
            None => field,
        }
    }

    pub(super) fn index(&mut self, object: ExprId, index: ExprId, id: ExprId) -> Value {
        let value = self.evaluate(object);
        let key = self.evaluate(index);
        if let Some(parts) = self.annotated_type(object, &key) {
            return parts;
        }
        match super::constant::key_of(&key) {
            Some(key) => {
                if let Some(field) = self.list_end(&value, &key) {
                    return field;
                }
                let field = self.field_of(&value, &Name::from(key.as_str()), Some(id));
                if field.taints().is_empty()
                    && let Some(kept) = self.handed_around(object, &key)
                {
                    return kept;
                }
                match field.is_unknown() {
                    // What was put under a key that nobody knows may be under this one.
                    true => match value.field("*") {
                        Some(any) => any.clone(),
                        None => self.module_table(&value, &key),
                    },
                    false => field,
                }
            }
            // An unknown key of a table of known values gives one of them: an
            // allow-list. The key's own input does not pass.
            None => match self.allowed_keys(&value) {
                true => self.key_allowed(index),
                false => self.entry_by_unknown_key(&value, index),
            },
        }
    }

    /// A module by its name in Python's table of all of them; else a character of a text.
    fn module_table(&mut self, value: &Value, key: &str) -> Value {
        let place = value.data().and_then(|data| data.place);
        match place.filter(|place| Some(*place) == self.place("sys.modules")) {
            Some(_) => self.imported(&Name::from(key)),
            None => self.character_of(value, key),
        }
    }

    /// `allowed[key]` of a table from known keys to `true`.
    fn allowed_keys(&self, table: &Value) -> bool {
        let fields = table.data().filter(|data| data.taints.is_empty()).map(|data| &data.fields);
        fields.and_then(Option::as_ref).is_some_and(|fields| {
            !fields.is_empty() && fields.values().all(|value| value.truth() == Some(true))
        })
    }

    /// Python's negative indices, and the last of a sequence.
    fn list_end(&self, value: &Value, key: &str) -> Option<Value> {
        let back: i64 = key.parse().ok().filter(|back| *back < 0)?;
        let length = i64::try_from(value.data()?.length?).ok()?;
        let at = (length + back).to_string();
        value.field(&at).cloned()
    }

    fn character_of(&self, value: &Value, key: &str) -> Value {
        let character = key.parse().ok().and_then(|at: usize| value.known_text()?.chars().nth(at));
        character.map_or_else(Value::default, |character| Value::text(&character.to_string()))
    }

    /// An element of a collection, or a part of tainted data.
    pub(super) fn element_of(&self, value: &Value) -> Value {
        let Some(data) = value.data() else { return Value::default() };
        // Python goes through the keys of a map.
        if let Some(key) = value.field(KEYS) {
            return key.clone();
        }
        if data.fields.is_some() {
            return value.element();
        }
        // Any element of a collection that the models know.
        if let Some(place) = data.place.and_then(|place| self.models.step(place, "*")) {
            return self.place_field(place, value, None);
        }
        // What going through something gives, where its fields are other things.
        if let Some(place) = data.place.and_then(|place| self.models.step(place, "@each")) {
            return self.at_place(place, self.here.0, self.here.1);
        }
        Value::carrying(data.taints.clone())
    }

    fn binary(&mut self, operator: Operator, left: ExprId, right: ExprId) -> Value {
        let (a, b) = (self.evaluate(left), self.evaluate(right));
        if let Some(folded) = super::constant::fold(operator, &a, &b) {
            return folded;
        }
        match operator {
            Operator::Add => self.rooted_once(&[left, right], self.added(&a, &b)),
            Operator::Remainder => {
                let markup = self.place("markupsafe.Markup()").filter(|_| !self.is_javascript());
                let place = a.data().and_then(|data| data.place);
                let text = joined(&[a, b]);
                // Markup escapes what is put into it.
                match markup.is_some() && place == markup {
                    true => text.cleaned(CategorySet::of(&[Category::CrossSiteScripting])),
                    false => text,
                }
            }
            // Python's `folder / name`.
            Operator::Divide if a.data().is_some_and(|data| data.place.is_some()) => {
                let place = a.data().and_then(|data| data.place);
                mixed(&[a, b]).with(|data| data.place = place)
            }
            Operator::Subtract | Operator::Multiply | Operator::Divide => Value::default(),
            // Bit operations of JavaScript give numbers.
            Operator::Other if self.is_javascript() => Value::default(),
            Operator::Other => self.intersection(&a, &b).unwrap_or_else(|| mixed(&[a, b])),
            _ => self.comparison(operator, (left, &a), (right, &b)),
        }
    }

    pub(super) fn is_javascript(&self) -> bool {
        family(self.unit(self.file).language) == "javascript"
    }

    /// `+` of lists gives a list, of anything else text.
    fn added(&self, a: &Value, b: &Value) -> Value {
        let is_list = |value: &Value| value.data().is_some_and(|data| data.length.is_some());
        if is_list(a) && is_list(b) {
            let items = [a, b].into_iter().flat_map(super::builtin::items);
            return Value::list(items.collect());
        }
        let is_python = self.unit(self.file).language == kode_syntax::Language::Python;
        if is_python && (is_list(a) || is_list(b)) {
            // Of the other list any element may be any.
            let parts = [a, b].into_iter().flat_map(|side| match is_list(side) {
                true => super::builtin::items(side),
                false => vec![self.element_of(side)],
            });
            return Value::list(parts.collect());
        }
        joined(&[a.clone(), b.clone()])
    }

    fn negated(&mut self, inner: ExprId) -> Value {
        let value = self.evaluate(inner);
        if let Some(truth) = value.settled() {
            return Value::constant(Constant::Boolean(!truth));
        }
        facts_of(&value).map_or_else(Value::default, |facts| truth_with(flipped(&facts)))
    }

    fn either(&mut self, left: ExprId, right: ExprId) -> Value {
        let a = self.evaluate(left);
        if a.settled() == Some(true) {
            return a;
        }
        if a.settled() == Some(false) {
            return self.evaluate(right);
        }
        // The right side runs when the left is false.
        let mut b = Value::default();
        self.either_way(
            |engine| {
                engine.assume(&a, false);
                b = engine.evaluate(right);
            },
            |_| {},
        );
        let mut facts = both_facts(&a, &b, false);
        facts.extend(self.supposed((left, &a), (right, &b), false));
        // `x || "default"`: what is known of the constant is no knowledge of both.
        let is_plain = |data: &Data| data.place.is_none() && data.instance.is_none();
        let joined = if a.is_unknown() && !b.is_tainted() && b.data().is_some_and(is_plain) {
            Value::default()
        } else {
            self.alternatives(&a, &b)
        };
        with_facts(joined, facts)
    }

    fn both(&mut self, left: ExprId, right: ExprId) -> Value {
        let a = self.evaluate(left);
        if a.settled() == Some(false) {
            return a;
        }
        if a.settled() == Some(true) {
            return self.evaluate(right);
        }
        let mut b = Value::default();
        self.either_way(
            |engine| {
                engine.assume(&a, true);
                b = engine.evaluate(right);
            },
            |_| {},
        );
        let mut facts = both_facts(&self.with_emptiness(left, &a), &b, true);
        facts.extend(self.supposed((left, &a), (right, &b), true));
        with_facts(
            b.with(|data| {
                data.constant = None;
                data.text = None;
            }),
            facts,
        )
    }

    fn conditional(&mut self, condition: ExprId, then: ExprId, otherwise: ExprId) -> Value {
        let is_option = self.is_cleaning_option(condition, then);
        let condition = self.evaluate(condition);
        let (mut first, mut second) = (None, None);
        self.branch_on(
            &condition,
            |engine| first = Some(engine.evaluate(then)),
            |engine| second = Some(engine.evaluate(otherwise)),
        );
        let value = match (first, second) {
            (Some(a), Some(b)) => self.alternatives(&a, &b),
            (Some(value), None) | (None, Some(value)) => value,
            (None, None) => Value::default(),
        };
        match is_option {
            true => value.cleaned(CategorySet::of(&[Category::CrossSiteScripting])),
            false => value,
        }
    }

    /// A choice between two; of two APIs it is the one that may do harm.
    fn alternatives(&self, a: &Value, b: &Value) -> Value {
        let joined = a.join(b);
        let places = [a, b].map(|value| value.data().and_then(|data| data.place));
        let [Some(first), Some(second)] = places else { return joined };
        let harms = |place| self.models.know(place).is_some_and(|known| !known.sinks.is_empty());
        let worse = [first, second].into_iter().find(|place| harms(*place));
        match worse.filter(|_| first != second) {
            Some(worse) => joined.with(|data| data.place = Some(worse)),
            None => joined,
        }
    }

    fn closure(&mut self, function: FunctionId) -> Value {
        let file = self.file;
        if let Some(frame) = self.frames.last_mut() {
            frame.created.push((file, function));
        }
        let closure = Closure { file, function, this: None };
        let value = Value::new(Data { function: Some(closure), ..Data::default() });
        self.decorated(function, &value);
        value
    }

    fn record(&mut self, entries: &[(Option<ExprId>, ExprId)]) -> Value {
        let mut fields = BTreeMap::new();
        let mut closed = true;
        let (mut taints, mut first_spread) = (Vec::new(), None);
        for (key, value) in entries {
            let value = self.evaluate(*value);
            let key = key.map(|key| self.evaluate(key));
            match key.as_ref().map(super::constant::key_of) {
                Some(Some(key)) => {
                    fields.insert(Name::from(key), value);
                }
                Some(None) => {
                    closed = false;
                    merge_taints(&mut taints, &value.deep_taints());
                }
                None => {
                    first_spread = Some(value.clone());
                    let spread = value.data();
                    closed &= spread.is_some_and(|data| data.closed);
                    merge_taints(&mut taints, value.taints());
                    self.spread_over(&mut fields, &value);
                    if let Some(inner) = spread.and_then(|data| data.fields.as_ref()) {
                        fields.extend(inner.iter().map(|(k, v)| (k.clone(), v.clone())));
                    }
                }
            }
        }
        // `{...module}`: a copy.
        let only = match (&first_spread, entries) {
            (Some(spread), [_]) => spread.data().filter(|data| data.taints.is_empty()),
            _ => None,
        };
        let (place, module) = only.map_or((None, None), |data| (data.place, data.module));
        Value::record(fields, closed).with(|data| {
            data.taints = taints;
            data.place = place;
            data.module = module;
        })
    }

    /// Keys before a spread may be replaced by what is spread.
    fn spread_over(&self, fields: &mut BTreeMap<Name, Value>, spread: &Value) {
        if spread.taints().is_empty() {
            return;
        }
        for (name, field) in fields.iter_mut() {
            let over = self.field_of(spread, name, None);
            if !over.taints().is_empty() {
                *field = field.join(&over);
            }
        }
    }

    fn comprehension(
        &mut self,
        target: &crate::ir::Target,
        iterable: ExprId,
        conditions: &[ExprId],
        value: ExprId,
    ) -> Value {
        let collection = self.evaluate(iterable);
        let element = self.element_of(&collection);
        let mut result = Value::default();
        self.either_way(
            |engine| {
                engine.assign(target, element, Some(iterable));
                for condition in conditions {
                    let condition = engine.evaluate(*condition);
                    engine.assume(&condition, true);
                }
                result = engine.evaluate(value);
            },
            |_| {},
        );
        if result.is_unknown() {
            return Value::default();
        }
        let is_map = matches!(&self.program().expression(value).kind, Kind::Record(_))
            && result.field(KEYS).is_some();
        if is_map {
            return result.with(|data| data.closed = false);
        }
        let fields = BTreeMap::from([(Name::from("*"), result)]);
        Value::record(fields, false)
    }

    /// A value seen as a declared type.
    pub(super) fn typed(&mut self, declared: ExprId, value: Value) -> Value {
        let kind = self.program().expression(declared);
        if let Kind::Global(name) = &kind.kind
            && is_harmless_type(name)
        {
            return value.cleaned(CategorySet::EVERY);
        }
        let has_kind =
            value.data().is_some_and(|data| data.place.is_some() || data.instance.is_some());
        if has_kind {
            return value;
        }
        let named = self.evaluate(declared);
        let Some(data) = named.data() else { return value };
        let instance = data.class;
        if instance.is_some_and(|class| self.is_enumeration(class)) {
            return value.cleaned(CategorySet::EVERY);
        }
        let place = data.place.and_then(|place| self.models.step(place, "()"));
        if let Some(cleans) = place.and_then(|place| self.models.know(place)).and_then(|k| k.cleans)
        {
            return value.cleaned(cleans);
        }
        if instance.is_none() && place.is_none() {
            return value;
        }
        if let Some(class) = instance {
            self.provided(class);
        }
        value.with(|data| {
            data.place = place;
            data.instance = instance;
        })
    }
}

/// Types whose values hold no text.
pub(super) fn is_harmless_type(name: &str) -> bool {
    matches!(
        name,
        "number"
            | "boolean"
            | "bigint"
            | "int"
            | "float"
            | "bool"
            | "complex"
            | "long"
            | "short"
            | "double"
            | "byte"
            | "char"
            | "Integer"
            | "Long"
            | "Short"
            | "Double"
            | "Float"
            | "Boolean"
            | "BigInteger"
            | "BigDecimal"
            | "UUID"
            | "LocalDate"
            | "LocalDateTime"
            | "Instant"
            | "int32"
            | "int64"
            | "uint"
            | "uint32"
            | "uint64"
            | "float64"
            | "Date"
    )
}

fn with_facts(value: Value, facts: Vec<super::value::Fact>) -> Value {
    let has = value.data().is_some_and(|data| data.facts.is_some());
    if facts.is_empty() && !has {
        return value;
    }
    value.with(|data| data.facts = (!facts.is_empty()).then(|| Rc::new(facts)))
}

/// Text made of parts: their input, and their known text with holes.
pub(super) fn joined(parts: &[Value]) -> Value {
    let mut taints = Vec::new();
    let mut text = String::new();
    let mut origin = None;
    for part in parts {
        let mut entering = part.deep_taints();
        // A host that is no input, and a path or a query after it.
        let redirect = CategorySet::of(&[Category::OpenRedirect]);
        let is_settled = taints.iter().all(|taint: &Taint| taint.cleaned.covers(redirect));
        let is_behind =
            ends_in_host(&text) && begins_path(part, &text) || is_behind_question(part, &text);
        if is_settled && is_behind {
            for taint in &mut entering {
                taint.cleaned = taint.cleaned.union(redirect);
            }
        }
        // What stands in front of the page's own address, or within it, is not the page's.
        if !text.is_empty() || parts.len() > 1 && !is_page_first(part) {
            entering.iter_mut().for_each(Taint::parted);
        }
        if !entering.is_empty() && is_behind_question(part, &text) {
            mark_behind(&mut entering, &taints);
        }
        merge_taints(&mut taints, &entering);
        if let Some(data) = part.data().filter(|data| !data.taints.is_empty()) {
            origin = origin.or_else(|| data.origin.clone());
        }
        match (part.skeleton(), part.data().and_then(|data| data.constant)) {
            (Some(known), _) => text.push_str(known),
            (None, Some(Constant::Number(number))) => text.push_str(&number.to_string()),
            (None, Some(Constant::Boolean(truth))) => text.push_str(&truth.to_string()),
            _ if text.ends_with(HOLE) => {}
            _ => text.push(HOLE),
        }
    }
    for taint in &mut taints {
        taint.cleaned = taint.cleaned.union(CategorySet::DOCUMENT);
    }
    let is_open = parts.iter().any(|part| part.open() != Open::No);
    let is_ended = !taints.is_empty()
        && text.starts_with(HOLE)
        && parts.iter().skip(1).all(|part| part.known_text().is_some());
    Value::text(&text).with(|data| {
        data.ended = is_ended;
        data.taints = taints;
        data.origin = origin;
        data.open = if is_open { Open::Part } else { Open::No };
    })
}

/// Anything made of parts.
pub(super) fn mixed(parts: &[Value]) -> Value {
    let mut taints = Vec::new();
    let mut origin = None;
    for part in parts {
        merge_taints(&mut taints, &part.deep_taints());
        origin = origin.or_else(|| part.data().and_then(|data| data.origin.clone()));
    }
    if taints.is_empty() {
        return Value::default();
    }
    taints.iter_mut().for_each(Taint::parted);
    Value::new(Data { taints, origin, ..Data::default() })
}
