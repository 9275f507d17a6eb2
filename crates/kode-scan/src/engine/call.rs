//! Calls: into functions of the scanned files, to known APIs, to methods every
//! language has, and to the unknown.

use std::rc::Rc;

use super::branch::ExitKind;
use super::expression::{joined, mixed};
use super::sink::PASSED;
use super::site::{Given, Site};
use super::value::{Closure, Fact, Path, Value};
use super::{CALL_DEPTH_MAX, Engine, Frame};
use crate::category::{Category, CategorySet};
use crate::ir::{Call, ExprId, Function, FunctionId, Kind, Name, Target, VariableId};

/// Tests and logs look at a function they are handed and do not call it.
const LOOKING: [&str; 8] =
    ["expect", "log", "debug", "info", "isMockFunction", "mocked", "warn", "assert"];

impl Engine<'_> {
    pub(super) fn call(&mut self, call: &Call, id: ExprId) -> Value {
        self.call_of(call.callee, call, id)
    }

    /// A call with `callee` in the place of its own: what a sequence ends with, or
    /// either side of a choice.
    fn call_of(&mut self, callee: ExprId, call: &Call, id: ExprId) -> Value {
        let (first, second) = match &self.program().expression(callee).kind {
            Kind::Sequence(before, last) => {
                for part in before {
                    self.evaluate(*part);
                }
                return self.call_of(*last, call, id);
            }
            Kind::Conditional(condition, first, second) => {
                self.evaluate(*condition);
                (*first, *second)
            }
            Kind::Either(first, second) => (*first, *second),
            _ => {
                let site = self.site(callee, call, id);
                return self.dispatch(&site);
            }
        };
        let (mut one, mut other) = (Value::default(), Value::default());
        self.either_way(
            |engine| one = engine.call_of(first, call, id),
            |engine| other = engine.call_of(second, call, id),
        );
        one.join(&other)
    }

    /// Does what a call does, once everything in it is evaluated.
    pub(super) fn dispatch(&mut self, site: &Site) -> Value {
        if self.state_set(site) || self.settles(site) {
            return Value::default();
        }
        if let Some(result) = self
            .reflected(site)
            .or_else(|| self.detached_call(site))
            .or_else(|| self.parsed_text(site))
            .or_else(|| self.schema_call(site))
            .or_else(|| self.composed_call(site))
            .or_else(|| self.folded_text(site))
        {
            return result;
        }
        if let Some(kept) = self.attribute_by_key(site).or_else(|| self.dependency_call(site)) {
            return kept;
        }
        self.event(site);
        if let Some(closure) = site.callee.data().and_then(|data| data.function.clone()) {
            self.maybe_dialog(site);
            if site.construct && self.is_javascript() {
                return self.constructed(&closure, site);
            }
            return self.call_closure(&closure, site);
        }
        if let Some(given) = self.super_constructor(site) {
            return given;
        }
        if let Some(class) = site.callee.data().and_then(|data| data.class) {
            return self.construct(class, site);
        }
        let place = site.callee.data().and_then(|data| data.place);
        if place.is_none() {
            self.guessed_sinks(site);
            self.guessed_document(site);
            self.headers_put(site);
        }
        if !self.runs_itself(place)
            && let Some(result) = self.promised(site).or_else(|| self.handed_on(site))
        {
            return result;
        }
        if let Some(place) = place {
            return self.call_place(place, site);
        }
        if let Some(result) = self.builtin(site) {
            return result;
        }
        if let Some(collection) = self.collection(site) {
            return collection;
        }
        self.run_callbacks(site, None);
        self.unknown_call(site)
    }

    /// Whether the models say by themselves what an API does with a function it is handed.
    fn runs_itself(&self, place: Option<crate::model::Place>) -> bool {
        let known = place.and_then(|place| self.models.know(place));
        known.is_some_and(|known| {
            !known.callbacks.is_empty()
                || !known.sinks.is_empty()
                || known.calls
                || known.routes_to
                || known.keeps.is_some()
        })
    }

    /// A call of a function in the scanned files; of a method without a body, of
    /// those that implement it.
    pub(super) fn call_closure(&mut self, closure: &Closure, site: &Site) -> Value {
        // A lambda in the place of a functional interface.
        let receiver = site.receiver.as_ref().and_then(|(_, value)| value.data());
        if let Some(lambda) = receiver.and_then(|data| data.function.clone())
            && self.unit(closure.file).program.function(closure.function).body.is_empty()
        {
            return self.call_one(&lambda, site);
        }
        let meant = self.meant(closure, site.given.len());
        let closure = meant.as_ref().unwrap_or(closure);
        let implementations = self.implementations(closure);
        if let [only] = &implementations[..] {
            return self.call_one(only, site);
        }
        let mut result: Option<Value> = None;
        for implementation in &implementations {
            let mut given = Value::default();
            self.either_way(|engine| given = engine.call_one(implementation, site), |_| {});
            result = Some(result.map_or(given.clone(), |before| before.join(&given)));
        }
        if implementations.is_empty() {
            self.mapped_statement(closure, site);
        }
        result.unwrap_or_else(|| self.call_one(closure, site))
    }

    fn call_one(&mut self, closure: &Closure, site: &Site) -> Value {
        let this = closure
            .this
            .as_deref()
            .cloned()
            .or_else(|| site.receiver.as_ref().map(|(_, value)| value.clone()));
        self.invoke(closure, &site.given, this, Some(site))
    }

    /// Runs a function with arguments. Without input or functions among them,
    /// a function at a file's top level is run once and its result kept.
    pub(super) fn invoke(
        &mut self,
        closure: &Closure,
        given: &[Given],
        this: Option<Value>,
        site: Option<&Site>,
    ) -> Value {
        let key = (closure.file, closure.function);
        if !self.loaded[closure.file] {
            self.load_module(closure.file);
        }
        let recursive = self
            .frames
            .iter()
            .any(|frame| (frame.file, frame.function) == (closure.file, Some(closure.function)));
        let is_entry = site.is_none();
        let followed = is_entry || self.follows_calls();
        if recursive || self.frames.len() >= CALL_DEPTH_MAX || self.capped || !followed {
            self.cut_short |= !followed && given.iter().any(|given| given.value.is_tainted());
            let passed = mixed(&given.iter().map(|given| given.value.clone()).collect::<Vec<_>>());
            return site.map_or(passed.clone(), |site| self.of_the_server(passed, site));
        }
        let matters = |value: &Value| {
            value.is_tainted()
                || value.data().is_some_and(|data| {
                    data.function.is_some() || data.place.is_some() || data.instance.is_some()
                })
        };
        let plain = !given.iter().any(|given| matters(&given.value))
            && !this.as_ref().is_some_and(|this| this.is_tainted() || self.differs(this));
        if plain && let Some(known) = self.summaries.get(&key) {
            return known.clone();
        }
        let result = self.run(closure, given, this, site);
        if plain && self.unit(closure.file).program.function(closure.function).is_plain() {
            self.summaries.insert(key, result.clone());
        }
        result
    }

    fn run(
        &mut self,
        closure: &Closure,
        given: &[Given],
        this: Option<Value>,
        site: Option<&Site>,
    ) -> Value {
        let unit = self.unit(closure.file);
        let function = unit.program.function(closure.function);
        let (caller, was_dead) = (self.file, self.dead);
        self.ran(closure.file, closure.function);
        let stepped = self.stepped_arguments(function, given, site);
        self.file = closure.file;
        self.dead = false;
        self.enter_exits(ExitKind::Function);
        let parameters = function.parameters.iter().map(|parameter| match parameter.target {
            Target::Variable(variable) => Some(variable),
            _ => None,
        });
        self.frames.push(Frame {
            file: closure.file,
            function: Some(closure.function),
            parameters: parameters.collect(),
            answer: std::mem::take(&mut self.answer_next),
            ..Frame::default()
        });
        if let Some(variable) = function.this {
            self.write(variable, this.unwrap_or_default());
        }
        self.bind(function, &stepped);
        self.statements(&function.body);
        self.run_created();
        self.leave_exits();
        let never_returns = self.dead && !self.capped;
        let frame = self.frames.pop().unwrap_or_default();
        let finals: Vec<(VariableId, Value)> =
            frame.parameters.iter().flatten().map(|v| (*v, self.read(*v))).collect();
        self.file = caller;
        self.dead = was_dead || never_returns;
        self.write_back(function, &stepped, &finals, &frame.filled);
        self.write_back_receiver(function, closure.file, site);
        self.result(function, frame, given)
    }

    fn stepped_arguments(
        &self,
        function: &Function,
        given: &[Given],
        site: Option<&Site>,
    ) -> Vec<Given> {
        let Some(site) = site else { return given.to_vec() };
        let name = function.name.as_deref().unwrap_or("a function");
        let text = format!("{PASSED} `{name}`");
        given
            .iter()
            .map(|given| Given {
                value: given.value.stepped(self.file, site.start, site.end, &text),
                ..given.clone()
            })
            .collect()
    }

    fn bind(&mut self, function: &Function, given: &[Given]) {
        let mut plain = given.iter().filter(|given| given.name.is_none());
        for parameter in &function.parameters {
            let by_name =
                given.iter().find(|given| given.name.is_some() && given.name == parameter.name);
            let value = if parameter.rest {
                rest_of(function, given, plain.by_ref().map(|given| given.value.clone()).collect())
            } else if let Some(given) = by_name.or_else(|| plain.next()) {
                given.value.clone()
            } else if let Some(default) = parameter.default {
                self.evaluate(default)
            } else {
                Value::default()
            };
            let checked = self.unit(self.file).language != kode_syntax::Language::Python;
            let value = match parameter.declared.filter(|_| checked) {
                Some(declared) => self.typed(declared, value),
                None => value,
            };
            self.binding = Some((parameter.start, parameter.end));
            self.assign(&parameter.target, value, None);
            self.binding = None;
        }
    }

    /// What a function did to what it was handed: guards that throw otherwise
    /// clean the caller's value, and changed containers stay changed.
    fn write_back(
        &mut self,
        function: &Function,
        given: &[Given],
        finals: &[(VariableId, Value)],
        filled: &[VariableId],
    ) {
        let plain: Vec<&Given> = given.iter().filter(|given| given.name.is_none()).collect();
        for (at, parameter) in function.parameters.iter().enumerate() {
            let Target::Variable(variable) = parameter.target else { continue };
            let last = finals.iter().find(|(id, _)| *id == variable).map(|(_, value)| value);
            let (Some(given), Some(last)) = (plain.get(at), last) else { continue };
            let Some(path) = given.expression.and_then(|expression| self.path_of(expression))
            else {
                continue;
            };
            if let Some(set) = newly_cleaned(&given.value, last) {
                // Where the request is a global, what one handler checks is not checked for
                // the next.
                if let Some(expression) = given.expression.filter(|_| self.is_javascript()) {
                    self.settle(&path, expression);
                }
                self.clean_path(&path, set);
            } else if filled.contains(&variable) {
                self.set_path(&path, &path.fields.clone(), last.clone());
                self.note_filled(&path);
            } else if is_changed_container(&given.value, last) {
                self.set_path(&path, &path.fields.clone(), last.clone());
            }
        }
    }

    /// What a method did to the object it was called on, where that is no instance.
    fn write_back_receiver(&mut self, function: &Function, file: usize, site: Option<&Site>) {
        let receiver = site.and_then(|site| site.receiver.as_ref());
        let (Some(this), Some((object, before))) = (function.this, receiver) else { return };
        let slot = self.slot_in(file, this);
        let after = self.variables[slot].clone();
        let is_plain = before.data().is_some_and(|data| data.instance.is_none());
        if is_plain
            && is_changed_container(before, &after)
            && let Some(path) = self.path_of(*object)
        {
            self.set_path(&path, &path.fields.clone(), after);
        }
    }

    /// The returned value; facts on parameters become facts on the arguments.
    fn result(&mut self, function: &Function, frame: Frame, given: &[Given]) -> Value {
        if let Some(element) = frame.yielded {
            let fields = std::collections::BTreeMap::from([(Name::from("*"), element)]);
            return Value::record(fields, false);
        }
        let returned = self.as_declared(function, frame.file, frame.returned.unwrap_or_default());
        let returned = match self.takes_away(function, frame.file) {
            true => returned.cleaned(CategorySet::of(&[Category::CrossSiteScripting])),
            false => returned,
        };
        let path = CategorySet::of(&[Category::PathTraversal]);
        let refuses = self.refuses_climbing(function, frame.file);
        let returned = if refuses { returned.cleaned(path) } else { returned };
        let returned = self.still_about(function, returned, given);
        let mut facts = returned
            .data()
            .and_then(|data| data.facts.clone())
            .map(|f| f.to_vec())
            .unwrap_or_default();
        for (when, returns) in [(true, frame.true_returns), (false, frame.null_returns)] {
            for (at, cleans) in returns.unwrap_or_default().into_iter().enumerate() {
                if let Some(Some(variable)) = frame.parameters.get(at)
                    && cleans != CategorySet::NONE
                {
                    let path = Path { file: frame.file, variable: *variable, fields: Vec::new() };
                    facts.push(Fact::new(path, when, cleans));
                }
            }
        }
        facts.extend(frame.null_fields.unwrap_or_default());
        // Where it gives something, what it was handed does not climb either.
        if let Some(Some(variable)) = frame.parameters.first().filter(|_| refuses) {
            let of = Path { file: frame.file, variable: *variable, fields: Vec::new() };
            facts.push(Fact::new(of, true, path));
        }
        if facts.is_empty() {
            return returned;
        }
        let plain: Vec<&Given> = given.iter().filter(|given| given.name.is_none()).collect();
        let first = plain.first().filter(|_| refuses);
        let made_of = first.map(|given| self.origins(&given.value)).unwrap_or_default();
        let mut mapped: Vec<Fact> =
            made_of.into_iter().map(|of| Fact::new(of, true, path)).collect();
        for fact in facts {
            let fact = self.about_parameter(function, fact, frame.file);
            let position = parameter_of(function, &fact.path);
            let Some(at) = position.filter(|_| fact.path.file == frame.file) else {
                mapped.push(fact);
                continue;
            };
            let argument = plain.get(at).and_then(|given| given.expression);
            // Of an element that a collection hands over the parameter is all there is.
            if argument.is_none() {
                mapped.push(fact);
                continue;
            }
            if let Some(mut path) = argument.and_then(|argument| self.path_of(argument)) {
                path.fields.extend(fact.path.fields.clone());
                mapped.push(Fact { path, ..fact });
            }
        }
        with_checked(&returned, mapped)
    }

    /// A fact on a local that was made of a parameter is one on the parameter.
    fn about_parameter(&self, function: &Function, fact: Fact, file: usize) -> Fact {
        let mut path = fact.path.clone();
        for _ in 0..4 {
            if path.file != file || parameter_of(function, &path).is_some() {
                return Fact { path, ..fact };
            }
            let value = self.value_at(&path);
            match value.data().and_then(|data| data.origin.clone()) {
                Some(origin) if *origin != path => path = (*origin).clone(),
                _ => break,
            }
        }
        fact
    }

    /// Records a constant truth value being returned, with what then holds.
    pub(super) fn note_return(&mut self, given: &Value) {
        let Some(frame) = self.frames.last() else { return };
        let parameters = frame.parameters.clone();
        self.note_error(given, &parameters);
        let cleaned: Vec<CategorySet> = match given.settled() {
            Some(false) => return,
            Some(true) => parameters.iter().map(|p| self.cleaned_now(*p)).collect(),
            None => parameters.iter().map(|p| self.said_where_true(given, *p)).collect(),
        };
        if let Some(frame) = self.frames.last_mut() {
            frame.true_returns = Some(match frame.true_returns.take() {
                None => cleaned,
                Some(before) => {
                    before.iter().zip(&cleaned).map(|(a, b)| a.intersection(*b)).collect()
                }
            });
        }
    }

    pub(super) fn cleaned_now(&self, parameter: Option<VariableId>) -> CategorySet {
        let Some(variable) = parameter else { return CategorySet::NONE };
        let value = self.read(variable);
        let taints = value.taints();
        if taints.is_empty() {
            return CategorySet::NONE;
        }
        taints.iter().fold(CategorySet::EVERY, |set, taint| set.intersection(taint.cleaned))
    }

    /// A call of a known API.
    pub(super) fn call_place(&mut self, place: crate::model::Place, site: &Site) -> Value {
        let models = self.models;
        let known = models.know(place);
        let result_place = models.step(place, "()");
        if let Some(plain) = self.raw_template(site) {
            known.into_iter().for_each(|known| self.check_sinks(&known.sinks, site));
            return plain;
        }
        if let Some(known) = known {
            self.check_sinks(&known.sinks, site);
            if known.content_type {
                self.content_type(site);
            }
            self.ends(known, site);
        }
        let keeps = known.and_then(|known| known.keeps);
        if let Some(kept) = keeps.and_then(|keeping| self.kept_call(keeping, site)) {
            return kept;
        }
        let kinds = known.and_then(|known| callback_kinds(known, site));
        self.run_callbacks(site, kinds.filter(|_| !self.is_in_worker(site)));
        if let Some(known) = known {
            if known.loads {
                return self.loaded(site);
            }
            if let Some(result) = self.framework_call(known, site) {
                return result;
            }
            if known.identity || known.decodes {
                let given = site.value(0);
                return if known.decodes { self.decoded_address(site, &given) } else { given };
            }
            if known.guards.is_some() || known.opaque {
                let facts = known.guards.and_then(|set| Some((set, site.argument(0)?)));
                return facts
                    .map_or_else(Value::default, |(set, argument)| self.fact(argument, true, set));
            }
            if let Some(at) = known.fills {
                return self.filled(known, at, site);
            }
            if let Some(set) = known.cleans {
                let parts = joined(&site.values()).cleaned(set).with(|data| {
                    data.origin = None;
                    data.open = super::value::Open::No;
                });
                let text = format!("it is made safe in part by `{}`", site.method);
                return parts.stepped(self.file, site.start, site.end, &text);
            }
        }
        if let Some(elements) = self.jquery_setter(site) {
            return elements;
        }
        if let Some(result) = result_place {
            return self.placed_result(result, known, site);
        }
        if known.is_some_and(|known| known.normalizes) {
            return self.normalized(site);
        }
        if known.is_some_and(|known| !known.sinks.is_empty()) {
            self.printed_into(site);
            return Value::default();
        }
        if known.is_none()
            && let Some(result) = self.builtin(site)
        {
            return result;
        }
        self.unknown_call(site)
    }

    /// A call that does not return, or only where what it is handed is true.
    fn ends(&mut self, known: &crate::model::Knowledge, site: &Site) {
        if known.asserts {
            self.assume(&site.value(0), true);
        }
        self.dead |= known.stops;
    }

    /// The result of a call that is known to be something: input, or an object that
    /// keeps the input of what it is made of.
    fn placed_result(
        &mut self,
        result: crate::model::Place,
        known: Option<&crate::model::Knowledge>,
        site: &Site,
    ) -> Value {
        /// Methods that change how a path is held, not where it leads.
        const SAME_PATH: [&str; 5] =
            ["toAbsolutePath", "toFile", "toPath", "getAbsoluteFile", "absolute"];
        let own = self.own_attribute(result, site).or_else(|| self.absolute_address(site));
        if let Some(own) = own {
            return own;
        }
        let value = self.at_place(result, site.start, site.end);
        if !value.taints().is_empty() {
            return if &*site.method == "parse_args" { self.parsed_fields(value) } else { value };
        }
        // What was made markup of is judged where it is made; what is left are elements.
        if self.place("global.$()") == Some(result) {
            return value;
        }
        let carries = known.is_some_and(|known| known.carries);
        let passed = self.kept_taints(site, carries);
        let origin = self.origin(site);
        // `URI.create(text)`: how it begins is still known.
        let only = site.given.len() == 1 && carries;
        let text = site.value(0).data().filter(|_| only).and_then(|data| data.text.clone());
        let receiver = site.receiver.as_ref().and_then(|(_, value)| value.data());
        let stays_normalized =
            receiver.is_some_and(|data| data.normalized) && SAME_PATH.contains(&&*site.method);
        value.with(|data| {
            super::value::merge_taints(&mut data.taints, &passed);
            data.text = text;
            data.normalized = known.is_some_and(|known| known.normalizes) || stays_normalized;
            data.origin = origin;
        })
    }

    /// `decoder.Decode(&value)`: what is read is put into an argument.
    fn filled(&mut self, known: &crate::model::Knowledge, at: usize, site: &Site) -> Value {
        let mut taints = match &known.source {
            Some(text) => {
                self.source(site.start, site.end, text, CategorySet::NONE).taints().to_vec()
            }
            None => Vec::new(),
        };
        let others = site.given.iter().enumerate().filter(|(index, _)| *index != at);
        let mut parts: Vec<Value> = others.map(|(_, given)| given.value.clone()).collect();
        parts.extend(site.receiver.iter().map(|(_, value)| value.clone()));
        super::value::merge_taints(&mut taints, mixed(&parts).taints());
        if let Some(path) = site.argument(at).and_then(|argument| self.path_of(argument)) {
            let filled = self.value_at(&path).with(|data| {
                super::value::merge_taints(&mut data.taints, &taints);
                data.closed = false;
                data.fields = None;
            });
            self.set_path(&path, &path.fields.clone(), filled);
            self.note_filled(&path);
        }
        Value::default()
    }

    /// Go: what is read into a parameter is in what its caller handed over.
    fn note_filled(&mut self, path: &Path) {
        let is_go = self.unit(self.file).language == kode_syntax::Language::Go;
        if let Some(frame) = self.frames.last_mut().filter(|_| is_go && path.fields.is_empty()) {
            frame.filled.push(path.variable);
        }
    }

    /// A path without `..` left in it, though it may lead anywhere.
    fn normalized(&self, site: &Site) -> Value {
        let mut parts = site.values();
        parts.extend(site.receiver.iter().map(|(_, value)| value.clone()));
        let value = mixed(&parts);
        if value.is_unknown() {
            return value;
        }
        // `Clean("/" + name)` can't climb above the root it is given.
        let is_root = |text: &str| text == "/" || text.starts_with("/\u{fffc}");
        let is_rooted = site.value(0).skeleton().is_some_and(is_root);
        let set = match &*site.method {
            "normalize" | "normpath" if is_rooted => CategorySet::of(&[Category::PathTraversal]),
            "Clean" | "Join" if is_rooted => {
                CategorySet::of(&[Category::PathTraversal, Category::OpenRedirect])
            }
            _ => CategorySet::NONE,
        };
        let origin = self.unchecked_origin(&parts);
        value.cleaned(set).with(|data| {
            data.normalized = true;
            data.origin = origin.or_else(|| data.origin.clone());
        })
    }

    /// Where the part of a path is kept that still leads anywhere: a check of the path is
    /// one of that.
    fn unchecked_origin(&self, parts: &[Value]) -> Option<Rc<Path>> {
        let leads = |value: &&Value| value.harm(Category::PathTraversal).is_some();
        parts.iter().find(leads)?.data()?.origin.clone()
    }

    /// Input that objects keep: a reader made of a request's stream.
    fn kept_taints(&self, site: &Site, carries: bool) -> Vec<super::value::Taint> {
        let mut parts = Vec::new();
        // `pathlib.Path(text)`: a class is called like a function.
        let is_class = self.unit(self.file).language == kode_syntax::Language::Python
            && site.method.starts_with(|first: char| first.is_ascii_uppercase());
        if site.construct || site.receiver.is_none() || carries || is_class {
            parts.extend(site.values());
        }
        parts.extend(site.receiver.iter().map(|(_, value)| value.clone()));
        mixed(&parts).taints().to_vec()
    }

    /// Where the input of what a call is handed is kept.
    fn origin(&self, site: &Site) -> Option<Rc<Path>> {
        let receiver = site.receiver.iter().map(|(_, value)| value);
        let mut all = receiver.chain(site.given.iter().map(|given| &given.value));
        all.find_map(|value| value.data().filter(|data| !data.taints.is_empty())?.origin.clone())
    }

    /// Runs functions handed to a call.
    pub(super) fn run_callbacks(&mut self, site: &Site, kinds: Option<&[crate::model::Place]>) {
        if &*site.method == "route" && self.is_javascript() {
            self.run_route_objects(site);
        }
        self.run_task(site);
        for given in &site.given {
            if !LOOKING.contains(&&*site.method) {
                self.passed_on_dialog(&given.value, given.expression);
                self.passed_on_handlers(&given.value, given.expression);
            }
            let Some(closure) = given.value.data().and_then(|data| data.function.clone()) else {
                continue;
            };
            let handed: Option<Vec<Value>> = kinds.map(|kinds| {
                kinds.iter().map(|place| self.at_place(*place, site.start, site.end)).collect()
            });
            let handed = handed
                .map(|handed| self.after_error(&closure, handed))
                .map(|handed| self.after_checks(site, handed))
                .or_else(|| self.procedure_call(site, &closure));
            self.run_callback(&closure, handed);
        }
    }

    /// Runs a function that something outside calls, perhaps.
    pub(super) fn run_callback(&mut self, closure: &Closure, handed: Option<Vec<Value>>) -> Value {
        let mut result = Value::default();
        self.either_way(|engine| result = engine.run_entry(closure, handed), |_| {});
        result
    }

    /// Runs what was created in this frame and nothing called.
    pub(super) fn run_created(&mut self) {
        let created = self.frames.last_mut().map(|frame| std::mem::take(&mut frame.created));
        for (file, function) in created.unwrap_or_default() {
            if self.capped {
                return;
            }
            let was_dead = std::mem::replace(&mut self.dead, false);
            self.run_callback(&Closure { file, function, this: None }, None);
            self.dead = was_dead;
        }
    }

    /// A function was run: it need not be run again for itself.
    fn ran(&mut self, file: usize, function: FunctionId) {
        if self.late == 0 {
            self.entered.insert((file, function));
        }
        for frame in &mut self.frames {
            frame.created.retain(|created| *created != (file, function));
        }
    }
}

impl Function {
    /// Whether the function's result depends on nothing but its arguments.
    fn is_plain(&self) -> bool {
        self.is_top_level
    }
}

/// A result that says something of the arguments; of several results (a value
/// and an error) the last one does.
fn with_checked(returned: &Value, facts: Vec<Fact>) -> Value {
    let facts = (!facts.is_empty()).then(|| Rc::new(facts));
    let last = returned.data().and_then(|data| data.length).and_then(|n| n.checked_sub(1));
    let change = |value: &Value| {
        value.with(|data| {
            data.constant = None;
            data.facts = facts.clone();
        })
    };
    match last.map(|last| Name::from(last.to_string())) {
        Some(last) => match returned.field(&last) {
            Some(value) => returned.with_field(&last, change(value)),
            None => change(returned),
        },
        None => change(returned),
    }
}

/// What a parameter for the rest is: further arguments, or those by other names.
fn rest_of(function: &Function, given: &[Given], plain: Vec<Value>) -> Value {
    let is_other = |given: &&Given| {
        given.name.is_some() && !function.parameters.iter().any(|p| p.name == given.name)
    };
    let others = given.iter().filter(is_other);
    let fields: std::collections::BTreeMap<Name, Value> =
        others.filter_map(|given| Some((given.name.clone()?, given.value.clone()))).collect();
    if plain.is_empty() && !fields.is_empty() {
        return Value::record(fields, false);
    }
    Value::list(plain)
}

/// The position of the parameter that a path begins with.
fn parameter_of(function: &Function, path: &Path) -> Option<usize> {
    function.parameters.iter().position(
        |parameter| matches!(parameter.target, Target::Variable(id) if id == path.variable),
    )
}

/// What functions handed to a call are called with.
fn callback_kinds<'k>(
    known: &'k crate::model::Knowledge,
    site: &Site,
) -> Option<&'k [crate::model::Place]> {
    let first = site.value(0);
    let fits = |event: &Option<String>| match event {
        Some(event) => first.known_text() == Some(event),
        None => true,
    };
    known.callbacks.iter().find(|(event, _)| fits(event)).map(|(_, places)| places.as_slice())
}

/// The categories a guard in the function cleaned its parameter for.
fn newly_cleaned(before: &Value, after: &Value) -> Option<CategorySet> {
    let first = before.taints().first()?;
    let now = after.taints().iter().find(|taint| taint.source == first.source)?;
    let grew = now.cleaned != first.cleaned && Rc::ptr_eq(&now.step, &first.step);
    grew.then_some(now.cleaned)
}

fn is_changed_container(before: &Value, after: &Value) -> bool {
    let fields = |value: &Value| value.data().and_then(|data| data.fields.clone());
    match (fields(before), fields(after)) {
        (Some(a), Some(b)) => !Rc::ptr_eq(&a, &b),
        (None, Some(_)) => before.data().is_none_or(|data| data.taints.is_empty()),
        _ => false,
    }
}
