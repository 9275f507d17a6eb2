//! The question that a browser asks before a page is left: handlers of `beforeunload` that
//! prevent it, set its `returnValue`, or (as a property of the window) give something back.
//! Handlers that only clean up ask nothing.

use super::Engine;
use super::site::Site;
use super::value::Value;
use crate::category::Category;
use crate::ir::{ExprId, Function, FunctionId, Kind, Name, Program, Statement, Target, VariableId};

/// What [`crate::page`] makes of a handler in markup: an assignment to this name.
pub(crate) const UNLOAD: &str = "$unload";

impl Engine<'_> {
    /// `addEventListener('beforeunload', f)`, `$(window).on('beforeunload', f)`.
    pub(super) fn unload_listener(&mut self, site: &Site) {
        const LISTENING: [&str; 5] = ["addEventListener", "on", "one", "bind", "attachEvent"];
        if site.given.len() < 2 || !LISTENING.contains(&&*site.method) {
            return;
        }
        let name = site.value(0);
        let is_asked = name.known_text().is_some_and(|name| {
            name.split_ascii_whitespace().any(|name| {
                let name = name.split('.').next().unwrap_or_default();
                matches!(name, "beforeunload" | "onbeforeunload")
            })
        });
        if is_asked {
            let heeds_result = &*site.method != "addEventListener";
            let handlers: Vec<Value> = site.values().into_iter().skip(1).collect();
            let place = (site.start, site.end);
            handlers.iter().for_each(|handler| self.unload_handler(handler, heeds_result, place));
        }
    }

    /// `window.onbeforeunload = f`.
    pub(super) fn unload_property(&mut self, name: &str, value: &Value, place: (u32, u32)) {
        if matches!(name, "onbeforeunload" | UNLOAD) && self.is_javascript() {
            self.unload_handler(value, true, place);
        }
    }

    /// Angular's `@HostListener('window:beforeunload', ['$event'])`.
    pub(super) fn unload_methods(&mut self, file: usize) {
        if !self.unit(file).path.ends_with("ts") {
            return;
        }
        self.file = file;
        let program = self.program();
        for function in &program.functions {
            let listens = function.decorators.iter().find(|at| is_host_listener(program, **at));
            if let Some(decorator) = listens
                && asks(program, function, false)
            {
                let at = program.expression(*decorator);
                self.report_call(Category::BlockingDialog, at.start, at.end);
            }
        }
    }

    fn unload_handler(&mut self, handler: &Value, heeds_result: bool, (start, end): (u32, u32)) {
        let Some(closure) = handler.data().and_then(|data| data.function.clone()) else { return };
        let program = &self.unit(closure.file).program;
        if asks_in(program, closure.function, heeds_result) {
            self.report_call(Category::BlockingDialog, start, end);
        }
    }
}

fn is_host_listener(program: &Program, decorator: ExprId) -> bool {
    let Kind::Call(call) = &program.expression(decorator).kind else { return false };
    let is_named = match &program.expression(call.callee).kind {
        Kind::Global(name) | Kind::Import(name) | Kind::Field(_, name) => {
            name.ends_with("HostListener")
        }
        Kind::Variable(id) => &*program.variables[id.0 as usize] == "HostListener",
        _ => false,
    };
    let event = call.arguments.first().map(|event| &program.expression(event.value).kind);
    is_named && matches!(event, Some(Kind::Text(name)) if name.ends_with(":beforeunload"))
}

fn asks_in(program: &Program, function: FunctionId, heeds_result: bool) -> bool {
    asks(program, program.function(function), heeds_result)
}

/// Whether a handler makes the browser ask.
fn asks(program: &Program, function: &Function, heeds_result: bool) -> bool {
    let event = function.parameters.first().and_then(|event| match event.target {
        Target::Variable(event) => Some(event),
        _ => None,
    });
    event.is_some_and(|event| keeps(program, event))
        || heeds_result && function.body.iter().any(|statement| gives(program, statement))
}

/// Whether an event is prevented, or given a value to return, wherever it is used.
fn keeps(program: &Program, event: VariableId) -> bool {
    program.expressions.iter().any(|expression| match &expression.kind {
        Kind::Call(call) => match &program.expression(call.callee).kind {
            Kind::Field(object, name) => &**name == "preventDefault" && is(program, *object, event),
            _ => false,
        },
        Kind::Assign(target, value) => match &**target {
            Target::Field(object, name) => {
                &**name == "returnValue"
                    && is(program, *object, event)
                    && !is_nothing(program, *value)
            }
            _ => false,
        },
        _ => false,
    })
}

/// Whether an expression is the event: `event`, `event || window.event`.
fn is(program: &Program, object: ExprId, event: VariableId) -> bool {
    match &program.expression(object).kind {
        Kind::Variable(id) => *id == event,
        Kind::Either(left, right) => is(program, *left, event) || is(program, *right, event),
        Kind::Typed(_, value) => is(program, *value, event),
        _ => false,
    }
}

/// Whether a statement gives something back that a browser asks for.
fn gives(program: &Program, statement: &Statement) -> bool {
    let any = |body: &[Statement]| body.iter().any(|inner| gives(program, inner));
    match statement {
        Statement::Return(Some(value)) => is_message(program, *value),
        Statement::If(_, yes, no) => any(yes) || any(no),
        Statement::Loop { body, .. } | Statement::Block(body) => any(body),
        Statement::Switch(_, cases) => cases.iter().any(|(_, body)| any(body)),
        Statement::Try { body, handlers, finally } => {
            any(body) || handlers.iter().any(|body| any(body)) || any(finally)
        }
        _ => false,
    }
}

/// What is evidently a text; what a call gives is one where it translates a text.
fn is_message(program: &Program, value: ExprId) -> bool {
    const TRANSLATORS: [&str; 9] =
        ["t", "$t", "_", "__", "gettext", "translate", "format", "i18n", "tr"];
    let is = |value: &ExprId| is_message(program, *value);
    let is_translator = |name: &Name| TRANSLATORS.contains(&&**name);
    match &program.expression(value).kind {
        Kind::Text(_) | Kind::Join(_) | Kind::Number(_) | Kind::Boolean(_) => true,
        Kind::Variable(id) => &*program.variables[id.0 as usize] != "undefined",
        Kind::Conditional(_, yes, no) => is(yes) || is(no),
        Kind::Either(left, right) | Kind::Binary(_, left, right) => is(left) || is(right),
        Kind::Both(_, last) | Kind::Sequence(_, last) => is(last),
        Kind::Call(call) => match &program.expression(call.callee).kind {
            Kind::Global(name) | Kind::Import(name) | Kind::Field(_, name) => is_translator(name),
            Kind::Variable(id) => is_translator(&program.variables[id.0 as usize]),
            _ => false,
        },
        _ => false,
    }
}

fn is_nothing(program: &Program, value: ExprId) -> bool {
    match &program.expression(value).kind {
        Kind::Null => true,
        Kind::Global(name) => &**name == "undefined",
        _ => false,
    }
}
