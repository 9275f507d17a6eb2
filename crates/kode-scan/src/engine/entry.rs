//! Functions that something outside calls: what their parameters are.

use super::Engine;
use super::route::Route;
use super::site::Given;
use super::value::{Closure, Value};
use crate::category::CategorySet;
use crate::ir::{Function, FunctionId, Kind, Parameter, Target};
use crate::model::family;

impl Engine<'_> {
    /// Runs every function of a file that nothing has run.
    pub(super) fn run_rest(&mut self, file: usize) {
        let count = self.unit(file).program.functions.len();
        self.file = file;
        self.run_page(file);
        for at in 1..count {
            let function = FunctionId(at as u32);
            if self.capped {
                return;
            }
            if !self.entered.contains(&(file, function)) {
                self.dead = false;
                self.run_entry(&Closure { file, function, this: None }, None);
            }
        }
    }

    /// Runs a function as if from outside. `handed` is what it is known to be
    /// called with.
    pub(super) fn run_entry(&mut self, closure: &Closure, handed: Option<Vec<Value>>) -> Value {
        let caller = std::mem::replace(&mut self.file, closure.file);
        if self.frames.is_empty() && !self.kept.is_empty() {
            self.recall();
        }
        let function = self.program().function(closure.function);
        let route = self.route(function);
        let handed = handed.unwrap_or_default();
        let mut given = Vec::new();
        for (at, parameter) in function.parameters.iter().enumerate() {
            let value = match handed.get(at) {
                Some(value) if !value.is_unknown() => value.clone(),
                _ => self.outside(function, at, parameter, &route),
            };
            given.push(Given { name: None, value, expression: None });
        }
        let this = closure.this.as_deref().cloned().or_else(|| {
            let class = self.class_of(closure.file, function)?;
            Some(self.instance_of(class))
        });
        if route.answer != super::Answer::Nothing {
            self.answer_next = route.answer;
        }
        let mut result = self.invoke(closure, &given, this.clone(), None);
        // What a handler put into a component's state is shown the next time.
        if self.frames.is_empty() && std::mem::take(&mut self.states_changed) {
            self.answer_next = route.answer;
            self.summaries.remove(&(closure.file, closure.function));
            result = self.invoke(closure, &given, this, None);
            self.states_changed = false;
        }
        self.file = caller;
        result
    }

    /// Whether what an unknown parameter becomes part of is worth a warning.
    fn warns(&self) -> bool {
        matches!(family(self.unit(self.file).language), "javascript" | "python")
    }

    /// What a parameter is when the caller is unknown.
    pub(super) fn outside(
        &mut self,
        function: &Function,
        at: usize,
        parameter: &Parameter,
        route: &Route,
    ) -> Value {
        let input = |engine: &Self, text: &str| {
            engine.source(parameter.start, parameter.end, text, CategorySet::NONE)
        };
        let name = parameter.name.as_deref().unwrap_or_default();
        let is_input = route.input && !route.converted.iter().any(|known| known == name);
        if let Some(error) = self.handled_error(function, at) {
            return error;
        }
        let given = self.dependency(parameter);
        let is_given = given.is_some();
        let value = if let Some(given) = given.filter(|given| !given.is_unknown()) {
            return given;
        } else if let Some(kind) = self.annotated_kind(parameter) {
            kind
        } else if let Some(text) = self.annotated(parameter) {
            input(self, &text)
        } else if is_input && !is_given && !self.is_dependency(parameter) {
            input(self, &format!("the request's `{name}`"))
        } else {
            let value = self.by_name(function, at, name);
            match value.data().filter(|data| data.taints.is_empty()).and_then(|data| data.place) {
                Some(place) => self.at_place(place, parameter.start, parameter.end),
                None if value.is_unknown() && self.warns() => Value::parameter(),
                None => value,
            }
        };
        match parameter.declared {
            Some(declared) => self.typed(declared, value),
            None => value,
        }
    }

    /// `@Query() q`, `@RequestParam String q`: input, and how it is called.
    fn annotated(&mut self, parameter: &Parameter) -> Option<String> {
        for annotation in &parameter.annotations {
            let (name, arguments) = match &self.program().expression(*annotation).kind {
                Kind::Call(call) => (call.callee, call.arguments.len()),
                _ => (*annotation, 0),
            };
            // A pipe such as ParseIntPipe makes a number of it.
            if let Kind::Call(call) = &self.program().expression(*annotation).kind
                && arguments > 0
                && call.arguments.iter().any(|argument| self.is_pipe(argument.value))
            {
                return None;
            }
            let value = self.evaluate(name);
            let place = value.data().and_then(|data| data.place);
            let known = place.and_then(|place| self.models.know(place));
            if let Some(source) = known.and_then(|known| known.source.clone()) {
                return Some(source);
            }
        }
        None
    }

    /// `ParseUUIDPipe`, `new ParseIntPipe({ … })`: what makes a number or the like of input.
    fn is_pipe(&self, expression: crate::ir::ExprId) -> bool {
        const PIPES: [&str; 7] = [
            "ParseUUID",
            "ParseInt",
            "ParseFloat",
            "ParseBool",
            "ParseEnum",
            "ParseDate",
            "ParseObjectId",
        ];
        let at = self.program().expression(expression);
        let source = self.unit(self.file).source;
        let text = source.get(at.start as usize..at.end as usize).unwrap_or_default();
        let text = text.strip_prefix(b"new ").unwrap_or(text).trim_ascii_start();
        PIPES.iter().any(|pipe| text.starts_with(pipe.as_bytes()))
    }

    /// `@Res() response`: a parameter annotated as one of the framework's objects.
    fn annotated_kind(&mut self, parameter: &Parameter) -> Option<Value> {
        parameter.annotations.iter().find_map(|annotation| {
            let Kind::Call(call) = &self.program().expression(*annotation).kind else {
                return None;
            };
            let place = self.evaluate(call.callee).data().and_then(|data| data.place)?;
            let place = self.models.step(place, "()")?;
            Some(Value::place(place))
        })
    }

    /// FastAPI's `Depends(…)` and the like give objects of the server's own.
    fn is_dependency(&self, parameter: &Parameter) -> bool {
        if parameter.declared.is_some_and(|declared| self.names_dependency(declared)) {
            return true;
        }
        let Some(default) = parameter.default else {
            return matches!(
                parameter.name.as_deref(),
                Some("request" | "self" | "db" | "session")
            );
        };
        match &self.program().expression(default).kind {
            Kind::Call(call) => match &self.program().expression(call.callee).kind {
                Kind::Global(name) => matches!(&**name, "Depends" | "Security"),
                Kind::Variable(variable) => {
                    matches!(
                        &*self.program().variables[variable.0 as usize],
                        "Depends" | "Security"
                    )
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// A gRPC service's method: `(ctx context.Context, in *pb.XRequest)`.
    fn is_remote_call(&self, function: &Function) -> bool {
        let named = |at: usize| {
            let parameter = function.parameters.get(at)?;
            match &self.program().expression(parameter.declared?).kind {
                Kind::Field(_, name) | Kind::Global(name) => Some(name.clone()),
                _ => None,
            }
        };
        let is_message = |name: crate::ir::Name| name.ends_with("Request");
        function.parameters.len() == 2
            && function.class.is_some()
            && named(0).is_some_and(|name| name.ends_with("Context"))
            && named(1).is_some_and(is_message)
            && memchr::memmem::find(self.unit(self.file).source, b"grpc").is_some()
    }

    /// A method of a class that sends requests: an adapter, a transport, what signs them.
    fn sends(&self, function: &Function) -> bool {
        const SENDERS: [&str; 5] = ["Adapter", "Transport", "AuthBase", "Auth", "Spider"];
        let Some(class) = function.class else { return false };
        let class = &self.program().classes[class.0 as usize];
        let program = self.program();
        let base = |id: &crate::ir::ExprId| match &program.expression(*id).kind {
            Kind::Global(name) | Kind::Field(_, name) | Kind::Import(name) => Some(name.clone()),
            Kind::Variable(variable) => Some(program.variables[variable.0 as usize].clone()),
            _ => None,
        };
        let mut names = class.bases.iter().filter_map(base).chain(class.name.clone());
        names.any(|name| SENDERS.iter().any(|sender| name.ends_with(sender)))
    }

    /// Handlers are recognised by the names everyone gives their parameters.
    fn by_name(&mut self, function: &Function, at: usize, name: &str) -> Value {
        let next = |offset: usize| {
            function.parameters.get(at + offset).and_then(|p| p.name.as_deref()).unwrap_or_default()
        };
        let previous = at.checked_sub(1).and_then(|at| function.parameters[at].name.as_deref());
        if let Some(value) = self.framework_parameter(function, at) {
            return value;
        }
        let is_pattern = |at: usize| {
            let parameter = function.parameters.get(at);
            parameter.is_some_and(|parameter| matches!(parameter.target, Target::Record(_)))
        };
        let after_request =
            matches!(previous, Some("req" | "request" | "_req" | "_")) || at == 1 && is_pattern(0);
        match family(self.unit(self.file).language) {
            "javascript" => match name {
                // `({ query }, res)`: a request taken apart at once.
                "" if at == 0
                    && is_pattern(0)
                    && matches!(next(1), "res" | "response" | "resp" | "reply") =>
                {
                    self.kind("global.Request()")
                }
                "req" | "request" | "_req" => self.kind("global.Request()"),
                "$sce" => self.kind("global.Sce()"),
                // AngularJS' names for what it hands over.
                "$window" => self.kind("global.window"),
                "ws" | "socket" if at == 0 => self.kind("global.Socket()"),
                "reply" if after_request => self.kind("global.Reply()"),
                "res" | "response" | "resp" | "h" if after_request => {
                    self.kind("global.Response()")
                }
                "ctx" | "context" if at == 0 => self.kind("global.Context()"),
                "event" if at == 0 && (next(1) == "context" || function.parameters.len() == 1) => {
                    self.kind("global.Event()")
                }
                _ => Value::default(),
            },
            "python" if name == "request" && self.sends(function) => Value::default(),
            "python" if name == "request" => self.kind("global.Request()"),
            "python" if at > 0 && self.resolves_field(function) => {
                let (start, end) = (function.parameters[at].start, function.parameters[at].end);
                self.source(start, end, "the query's arguments", CategorySet::DOCUMENT)
            }
            "python" if name == "req" && matches!(next(1), "resp" | "res") => {
                self.kind("global.Request()")
            }
            "python" if name == "event" && next(1) == "context" => self.kind("global.Event()"),
            "python" if name == "environ" && next(1) == "start_response" => {
                self.kind("global.Environ()")
            }
            "go" if at == 1 && self.is_remote_call(function) => {
                let (start, end) = (function.parameters[at].start, function.parameters[at].end);
                self.source(start, end, "the call's message", CategorySet::NONE)
            }
            "go" if at > 0 && self.is_graphql_resolver(function) => {
                let (start, end) = (function.parameters[at].start, function.parameters[at].end);
                self.source(start, end, "the query's arguments", CategorySet::NONE)
            }
            _ => self.message_or_words(function, at, name),
        }
    }
}
