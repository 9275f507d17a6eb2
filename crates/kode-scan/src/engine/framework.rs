//! What frameworks call without the code saying so: routes tied to functions by
//! their text, handlers by their class, pages by their exports, component states.

use std::collections::BTreeMap;

use super::Engine;
use super::site::Site;
use super::value::{Data, Value};
use crate::category::CategorySet;
use crate::ir::{ExprId, Function, Kind, Name, Target};
use crate::model::{Knowledge, family};

/// Functions a page exports whose result its component is handed.
const PAGE_LOADERS: [&str; 3] = ["getServerSideProps", "getInitialProps", "getStaticProps"];

/// Calls between a procedure and the function it is given.
const PROCEDURE_STEPS_MAX: usize = 12;
/// Expressions of a file among which declared fields are looked for.
const DECLARATIONS_MAX: usize = 20_000;

/// `int`, `float`, `bool`.
fn is_number_type(kind: &Kind) -> bool {
    matches!(kind, Kind::Global(name) if super::expression::is_harmless_type(name))
}

impl Engine<'_> {
    /// What calls of frameworks do besides their result.
    pub(super) fn framework_call(&mut self, known: &Knowledge, site: &Site) -> Option<Value> {
        if let Some((keyword, place)) = &known.variant
            && self.condition_holds(site, keyword)
        {
            return Some(Value::place(*place));
        }
        if let Some((argument, inline)) = known.template {
            self.filled_template(site, argument, inline);
        }
        if known.routes_to {
            self.run_routed(site);
        }
        if known.calls {
            let closure = site.value(0).data().and_then(|data| data.function.clone());
            return closure.map(|closure| self.run_callback(&closure, None));
        }
        known.state.then(|| self.component_state(site))
    }

    /// `path('users/<name>', view)`: the view's parameters are what the text names.
    fn run_routed(&mut self, site: &Site) {
        let (text, view) = (site.value(0), site.value(1));
        let Some(closure) = view.data().and_then(|data| data.function.clone()) else { return };
        let text = text.skeleton().unwrap_or_default().to_owned();
        let converted = converted_names(&text);
        let caller = std::mem::replace(&mut self.file, closure.file);
        let function = self.program().function(closure.function);
        let handed = function.parameters.iter().enumerate().map(|(at, parameter)| {
            let name = parameter.name.as_deref().unwrap_or_default();
            let is_request = at == 0;
            if is_request || converted.iter().any(|known| known == name) || parameter.rest {
                return Value::default();
            }
            let cleaned = CategorySet::DOCUMENT;
            self.source(parameter.start, parameter.end, "a part of the request's path", cleaned)
        });
        let handed: Vec<Value> =
            if text.contains(['<', '(']) { handed.collect() } else { Vec::new() };
        self.file = caller;
        self.run_callback(&closure, Some(handed));
    }

    /// A task of a queue: `render.delay(x)`, `render.apply_async((x,))`.
    pub(super) fn run_task(&mut self, site: &Site) {
        if !matches!(&*site.method, "delay" | "apply_async") {
            return;
        }
        let receiver = site.receiver.as_ref().and_then(|(_, value)| value.data());
        let Some(task) = receiver.and_then(|data| data.function.clone()) else { return };
        let listed = || site.keyword("args").cloned().unwrap_or_else(|| site.value(0));
        let given = match &*site.method {
            "delay" => site.values(),
            _ => super::builtin::items(&listed()),
        };
        self.run_callback(&task, Some(given));
    }

    /// What a parser of a request's fields gives: fields declared as numbers, or as one of
    /// a list, hold no text of the request's choice.
    pub(super) fn parsed_fields(&self, value: Value) -> Value {
        let program = self.program();
        let declared = program.expressions.iter().take(DECLARATIONS_MAX).filter_map(|expression| {
            let Kind::Call(call) = &expression.kind else { return None };
            let Kind::Field(_, method) = &program.expression(call.callee).kind else { return None };
            if &**method != "add_argument" {
                return None;
            }
            let is_plain = call.arguments.iter().any(|argument| {
                let Some(name) = argument.name.as_deref() else { return false };
                let kind = &program.expression(argument.value).kind;
                name == "choices" || name == "type" && is_number_type(kind)
            });
            match &program.expression(call.arguments.first()?.value).kind {
                Kind::Text(name) if is_plain => Some(name.clone()),
                _ => None,
            }
        });
        declared.fold(value, |value, name| value.with_field(&name, Value::default()))
    }

    /// `server.route({handler: (request) => …})`: hapi sends what the handler returns.
    pub(super) fn run_route_objects(&mut self, site: &Site) {
        let routes: Vec<Value> = site.values().iter().flat_map(one_or_all).collect();
        for route in routes {
            let options = route.field("options").or_else(|| route.field("config"));
            let inner = options.and_then(|options| options.field("handler"));
            let handler = route.field("handler").or(inner).and_then(Value::data);
            let Some(closure) = handler.and_then(|data| data.function.clone()) else { continue };
            let request = self.kind("global.Request()");
            self.answer_next = super::Answer::Markup;
            self.run_callback(&closure, Some(vec![request]));
        }
    }

    /// Express' error handlers `(error, request, response, next)`.
    pub(super) fn after_error(
        &self,
        closure: &super::value::Closure,
        handed: Vec<Value>,
    ) -> Vec<Value> {
        let count = self.units[closure.file]
            .as_ref()
            .map_or(0, |unit| unit.program.function(closure.function).parameters.len());
        let is_request =
            handed.first().and_then(|value| value.data()?.place) == self.place("global.Request()");
        match count == 4 && handed.len() == 2 && is_request && self.is_javascript() {
            true => std::iter::once(self.uncaught()).chain(handed).collect(),
            false => handed,
        }
    }

    /// `procedure.input(schema).query(({ input }) => …)` of tRPC: the input as the schema
    /// lets it through.
    pub(super) fn procedure_call(
        &mut self,
        site: &Site,
        closure: &super::value::Closure,
    ) -> Option<Vec<Value>> {
        if !matches!(&*site.method, "query" | "mutation" | "subscription") || !self.is_javascript()
        {
            return None;
        }
        let mut object = site.receiver.as_ref()?.0;
        if closure.file != self.file || site.given.len() != 1 {
            return None;
        }
        let mut schema = None;
        for _ in 0..PROCEDURE_STEPS_MAX {
            let Kind::Call(call) = &self.program().expression(object).kind else { break };
            let Kind::Field(inner, name) = &self.program().expression(call.callee).kind else {
                break;
            };
            if &**name == "input" && schema.is_none() {
                schema = call.arguments.first().map(|argument| argument.value);
            }
            object = *inner;
        }
        let schema = self.evaluate(schema?);
        let input = self.source(site.start, site.end, "the procedure's input", CategorySet::NONE);
        let input = self.let_through(&schema, &input);
        let fields = BTreeMap::from([(Name::from("input"), input)]);
        Some(vec![Value::record(fields, false)])
    }

    /// Whether a function is a method by which its class answers requests.
    pub(super) fn is_handler(&self, function: &Function) -> bool {
        let (Some(class), Some(name)) = (function.class, &function.name) else { return false };
        let place = self.class_places.get(&(self.file, class));
        let known = place.and_then(|place| self.models.know(*place));
        known.is_some_and(|known| known.handlers.iter().any(|method| **method == **name))
    }

    /// Parameters that frameworks hand over by convention: a page's `params` and
    /// `searchParams`, a loader's context.
    pub(super) fn framework_parameter(&mut self, function: &Function, at: usize) -> Option<Value> {
        if family(self.unit(self.file).language) != "javascript" {
            return None;
        }
        let parameter = function.parameters.get(at)?;
        let name = function.name.as_deref().unwrap_or_default();
        if at == 0 && (PAGE_LOADERS.contains(&name) || self.is_page_loader(function)) {
            return Some(self.kind("global.PageContext()"));
        }
        let names = function.parameters.iter().map(|p| p.name.as_deref().unwrap_or_default());
        let names: Vec<&str> = names.collect();
        let is_resolver = at == 1
            && names.first().is_some_and(|first| is_parent_name(first))
            && (names[1] == "args" || matches!(parameter.target, Target::Record(_)));
        let is_action = names[at] == "formData"
            && memchr::memmem::find(self.unit(self.file).source, b"use server").is_some();
        let in_schema = || {
            let source = self.unit(self.file).source;
            let marks = [&b"raphql"[..], b"raphQL", b"Query: {", b"Mutation: {"];
            marks.iter().find_map(|mark| memchr::memmem::find(source, mark))
        };
        let resolves = is_resolver && (function.parameters.len() > 2 || in_schema().is_some());
        if resolves || is_action {
            let text = if is_action { "a form's data" } else { "the query's arguments" };
            return Some(self.source(parameter.start, parameter.end, text, CategorySet::NONE));
        }
        let Target::Record(entries) = &parameter.target else { return None };
        let is_page_file = {
            let path = self.unit(self.file).path;
            let stem = path.rsplit('/').next().unwrap_or(path).split('.').next();
            matches!(stem, Some("page" | "route" | "layout" | "+page" | "+server"))
        };
        let has = |wanted: &str| entries.iter().any(|(key, _)| &**key == wanted);
        let is_loader = matches!(name, "load" | "loader" | "action");
        let is_load = is_loader && (has("url") || has("params") || has("request"));
        let of_request = has("url") || has("params") || has("request");
        if at == 0 && has("message") && (has("topic") || has("partition")) {
            return Some(self.kind("global.KafkaPayload()"));
        }
        // `export async function GET({ url })` of SvelteKit.
        let is_method = matches!(name, "GET" | "POST" | "PUT" | "PATCH" | "DELETE") && of_request;
        let is_page = has("searchParams") || is_page_file && of_request || is_load || is_method;
        is_page.then(|| self.kind("global.PageContext()"))
    }

    /// Whether a function without a name is what the file exports as a page's loader.
    fn is_page_loader(&self, function: &Function) -> bool {
        let program = self.program();
        let is_one = |loader: &str| {
            let value = program.exports.get(loader).map(|loader| self.read(*loader));
            let closure =
                value.as_ref().and_then(Value::data).and_then(|data| data.function.as_ref());
            closure.is_some_and(|closure| {
                closure.file == self.file
                    && std::ptr::eq(program.function(closure.function), function)
            })
        };
        function.name.is_none()
            && self.is_javascript()
            && PAGE_LOADERS.iter().any(|loader| is_one(loader))
    }

    /// A page's loader gives its component the properties.
    pub(super) fn run_page(&mut self, file: usize) {
        let program = self.program();
        for loader in PAGE_LOADERS {
            let Some(loader) = program.exports.get(loader) else { continue };
            let Some(page) = program.exports.get("default") else {
                if let Some(data) = self.read(*loader).data()
                    && let Some(loader) = data.function.clone()
                {
                    let given = self.run_entry(&loader, None);
                    self.sent_elsewhere(&given);
                    self.file = file;
                }
                continue;
            };
            let closure_of = |value: Value| value.data().and_then(|data| data.function.clone());
            let (loader, page) = (closure_of(self.read(*loader)), closure_of(self.read(*page)));
            let (Some(loader), Some(page)) = (loader, page) else { continue };
            let given = self.run_entry(&loader, None);
            self.sent_elsewhere(&given);
            let properties = self.field_of(&given, &Name::from("props"), None);
            if !properties.is_unknown() {
                self.run_entry(&page, Some(vec![properties]));
            }
        }
        self.file = file;
    }

    /// `{ redirect: { destination } }`, as a page's loader gives it.
    fn sent_elsewhere(&mut self, given: &Value) {
        let Some(to) = given.field("redirect").and_then(|to| to.field("destination")) else {
            return;
        };
        let to = to.clone();
        let (category, context) = (crate::Category::OpenRedirect, crate::model::Context::Url);
        self.check(category, context, &to, self.here, "the redirect");
    }

    /// `useState(initial)`: the state with all that is put into it, and its setter.
    fn component_state(&mut self, site: &Site) -> Value {
        let key = (self.file, site.id);
        let mut state = site.value(0);
        if let Some(closure) = state.data().and_then(|data| data.function.clone()) {
            state = self.run_callback(&closure, None);
        }
        if let Some(put) = self.states.get(&key) {
            state = state.join(put);
        }
        let name = Name::from(format!("{STATE}{}", site.id.0));
        let setter = Value::new(Data { method: Some(name), ..Data::default() });
        Value::list(vec![state, setter])
    }

    /// A call of a state's setter; false where it is none.
    pub(super) fn state_set(&mut self, site: &Site) -> bool {
        let setter = site.callee.data().and_then(|data| data.method.clone());
        let id = setter.as_deref().and_then(|name| name.strip_prefix(STATE));
        let Some(id) = id.and_then(|id| id.parse().ok()) else { return false };
        let value = site.value(0);
        let value = match value.data().and_then(|data| data.function.clone()) {
            Some(closure) => self.run_callback(&closure, None),
            None => value,
        };
        if value.is_tainted() {
            let state = self.states.entry((self.file, ExprId(id))).or_default();
            self.states_changed |= !state.is_tainted();
            *state = if state.is_unknown() { value } else { state.join(&value) };
        }
        true
    }

    /// What a function puts into the request for the functions after it.
    pub(super) fn remember_request_field(&mut self, object: ExprId, name: &Name, value: &Value) {
        if !value.is_tainted() {
            return;
        }
        let keeper = self.keeper(object).map(str::to_owned);
        let keeper = keeper.or_else(|| self.store_at(object).map(str::to_owned));
        if let Some(keeper) = keeper {
            let key = Name::from(format!("{keeper}.{name}"));
            self.remember(key, value);
            return;
        }
        if !matches!(self.program().expression(object).kind, Kind::Variable(_)) {
            return;
        }
        let place = self.evaluate(object).data().and_then(|data| data.place);
        if place.is_some() && place == self.place("global.Request()") {
            self.remember(name.clone(), value);
        }
    }
}

/// How a resolver's first parameter is called, the object that a field belongs to.
fn is_parent_name(name: &str) -> bool {
    matches!(name.trim_start_matches('_'), "" | "parent" | "root" | "source" | "obj" | "p")
        && !name.is_empty()
}

/// The elements of a list, or the value itself.
fn one_or_all(value: &Value) -> Vec<Value> {
    let items = super::builtin::items(value);
    if items.is_empty() { vec![value.clone()] } else { items }
}

/// Marks the method of a state's setter; no method of a program has such a name.
const STATE: &str = "@state:";

/// The names that a route converts to something harmless: `<int:id>`, `{id:int}`,
/// `(?P<id>[0-9]+)`.
pub(super) fn converted_names(route: &str) -> Vec<String> {
    const HARMLESS: [&str; 5] = ["int", "float", "uuid", "slug", "bool"];
    let mut found = Vec::new();
    for (open, close) in [('<', '>'), ('{', '}')] {
        for piece in route.split(open).skip(1) {
            let Some((inner, rest)) = piece.split_once(close) else { continue };
            let named = match inner.split_once(':') {
                Some((first, second)) if HARMLESS.contains(&first) => Some(second),
                Some((first, second)) if HARMLESS.contains(&second) => Some(first),
                _ => None,
            };
            let pattern = rest.split(')').next().unwrap_or_default();
            let in_pattern = open == '<'
                && rest.contains(')')
                && !pattern.is_empty()
                && super::guard::is_strict(pattern, true);
            let name = named.or_else(|| in_pattern.then_some(inner));
            found.extend(name.map(|name| name.trim().to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::converted_names;

    #[test]
    fn converters_and_narrow_patterns_are_told_from_open_ones() {
        assert_eq!(converted_names("/users/<int:id>/<name>"), ["id"]);
        assert_eq!(converted_names("/files/{id:int}/{rest:path}"), ["id"]);
        assert_eq!(converted_names(r"^u/(?P<id>[0-9]+)/(?P<name>[^/]+)$"), ["id"]);
        assert!(converted_names("/<path:name>").is_empty());
    }
}
