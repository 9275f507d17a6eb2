//! Errors and the text in them: from where they are thrown, or a promise is rejected,
//! to the handler around it, or to the function that handles what nothing else did.

use super::Engine;
use super::site::Site;
use super::value::Value;
use crate::ir::{Function, Kind, Name, Statement};
use crate::model::family;

/// Under this name what nobody caught waits for the functions that handle errors.
const UNCAUGHT: &str = "@uncaught";
/// The field in which a promise keeps what it is rejected with.
pub(super) const REJECTED: &str = "@rejected";
/// Decorators of functions that are handed what nobody caught.
const HANDLERS: [&str; 4] = ["ExceptionHandler", "errorhandler", "exception_handler", "Catch"];

impl Engine<'_> {
    /// A body with handlers for what it throws.
    pub(super) fn tried(
        &mut self,
        body: &[Statement],
        handlers: &[Vec<Statement>],
        finally: &[Statement],
    ) {
        if !handlers.is_empty() {
            self.thrown.push(Value::default());
        }
        self.statements(body);
        let caught = if handlers.is_empty() { None } else { self.thrown.pop() };
        // A handler may run after any part of the body.
        for handler in handlers {
            self.caught.push(caught.clone().unwrap_or_default());
            self.either_way(
                |_| {},
                |engine| {
                    engine.dead = false;
                    engine.statements(handler);
                },
            );
            self.caught.pop();
        }
        let was_dead = std::mem::replace(&mut self.dead, false);
        self.statements(finally);
        self.dead |= was_dead;
    }

    /// What the handler that runs is about.
    pub(super) fn caught_here(&self) -> Value {
        self.caught.last().cloned().unwrap_or_default()
    }

    /// Something is thrown: the nearest handler around has it.
    pub(super) fn threw(&mut self, value: &Value) {
        let is_own = value.data().is_some_and(|data| data.instance.is_some());
        if !is_own && !value.is_tainted() {
            return;
        }
        match self.thrown.last_mut() {
            Some(known) if known.is_unknown() => *known = value.clone(),
            Some(known) => *known = known.join(value),
            None => self.left_uncaught(value),
        }
    }

    fn left_uncaught(&mut self, value: &Value) {
        let handles =
            matches!(family(self.unit(self.file).language), "javascript" | "java" | "python");
        if handles && value.is_tainted() {
            self.remember(Name::from(UNCAUGHT), value);
        }
    }

    /// Go's `panic(value)`, and `recover()` wherever it is.
    pub(super) fn panicked(&mut self, function: &str, value: &Value) -> Option<Value> {
        if function == "panic" {
            if value.is_tainted() {
                self.remember(Name::from(UNCAUGHT), value);
            }
            return None;
        }
        Some(self.uncaught())
    }

    /// What functions that handle errors are handed.
    pub(super) fn uncaught(&self) -> Value {
        self.request_fields.get(UNCAUGHT).cloned().unwrap_or_default()
    }

    /// What a parameter of a function that handles errors is.
    pub(super) fn handled_error(&self, function: &Function, at: usize) -> Option<Value> {
        if function.decorators.is_empty() || self.request_fields.is_empty() {
            return None;
        }
        let program = self.program();
        let handles = function.decorators.iter().any(|decorator| {
            let callee = match &program.expression(*decorator).kind {
                Kind::Call(call) => call.callee,
                _ => *decorator,
            };
            match &program.expression(callee).kind {
                Kind::Global(name) | Kind::Field(_, name) => HANDLERS.contains(&&**name),
                Kind::Variable(variable) => {
                    HANDLERS.contains(&&*program.variables[variable.0 as usize])
                }
                _ => false,
            }
        });
        let is_last = at + 1 == function.parameters.len() || at == 0;
        (handles && is_last).then(|| self.uncaught()).filter(Value::is_tainted)
    }

    /// `next(error)` of a handler, `Promise.reject(error)`.
    pub(super) fn passed_error(&mut self, site: &Site) {
        if &*site.method == "next" && site.receiver.is_none() && site.callee.is_unknown() {
            let value = site.value(0);
            if value.is_tainted() {
                self.left_uncaught(&value);
            }
        }
    }

    /// A promise that is rejected.
    pub(super) fn rejected(&mut self, site: &Site) -> Option<Value> {
        let (object, _) = site.receiver.as_ref().filter(|_| &*site.method == "reject")?;
        let kind = &self.program().expression(*object).kind;
        if !matches!(kind, Kind::Global(name) if &**name == "Promise") {
            return None;
        }
        let value = site.value(0);
        if let Some(known) = self.thrown.last_mut().filter(|_| value.is_tainted()) {
            *known = if known.is_unknown() { value.clone() } else { known.join(&value) };
        }
        Some(Value::default().with_field(&Name::from(REJECTED), value))
    }

    /// The text of an error of a class that extends one of the language's own:
    /// `super(text)`, or made without a constructor of its own.
    pub(super) fn error_text(&mut self, this: &Value, text: &Value) {
        let class = this.data().and_then(|data| data.instance);
        if let Some(class) = class.filter(|_| text.is_tainted()) {
            self.remember_field_of(class, &Name::from("message"), text);
        }
    }
}
