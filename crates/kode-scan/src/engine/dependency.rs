//! Parameters that a framework fills with what a function or class gives: FastAPI's
//! `Depends(f)` as a default, in `Annotated[…]`, or as a name for that. The function's own
//! parameters are the request's.

use kode_syntax::Language;

use super::Engine;
use super::route::Route;
use super::site::{Given, Site};
use super::value::{Closure, Data, Value};
use crate::ir::{ExprId, Kind, Name, Parameter};

/// Dependencies of dependencies that are followed.
const NESTED_MAX: usize = 6;
/// The field of a record that stands for `Depends(f)`.
const GIVEN_BY: &str = "@given by";

impl Engine<'_> {
    /// `Depends(f)` as a value: what gives the parameter.
    pub(super) fn dependency_call(&mut self, site: &Site) -> Option<Value> {
        if let Some(document) = self.injected_document(site) {
            return Some(document);
        }
        let is_one = matches!(&*site.method, "Depends" | "Security");
        if !is_one || self.unit(self.file).language != Language::Python {
            return None;
        }
        let given = site.keyword("dependency").cloned().unwrap_or_else(|| site.value(0));
        Some(Value::default().with_field(&Name::from(GIVEN_BY), given))
    }

    /// Angular's `inject(DOCUMENT)`.
    fn injected_document(&mut self, site: &Site) -> Option<Value> {
        let asked = site.argument(0).filter(|_| &*site.method == "inject")?;
        let at = self.program().expression(asked);
        let source = self.unit(self.file).source;
        let is_document = source.get(at.start as usize..at.end as usize) == Some(b"DOCUMENT");
        let is_angular = || memchr::memmem::find(source, b"@angular/").is_some();
        let is_one = is_document && self.is_javascript() && is_angular();
        is_one.then(|| self.kind("global.document"))
    }

    /// What a parameter is that a dependency gives; `None` where none does.
    pub(super) fn dependency(&mut self, parameter: &Parameter) -> Option<Value> {
        if self.unit(self.file).language != Language::Python || self.frames.len() > NESTED_MAX {
            return None;
        }
        let written = parameter.default.into_iter().chain(parameter.annotations.iter().copied());
        let mut giver = None;
        for expression in written.chain(parameter.declared) {
            giver =
                giver.or_else(|| self.giver(expression, parameter.declared == Some(expression)));
        }
        let mut giver = giver?;
        // `paging: Paging = Depends()`
        if let Some(declared) = parameter.declared.filter(|_| giver.is_unknown()) {
            giver = self.evaluate(declared);
        }
        Some(self.given_by(&giver))
    }

    /// A type of another file that is called a dependency: `AuthManagerDep`.
    pub(super) fn names_dependency(&self, declared: ExprId) -> bool {
        const ENDS: [&str; 4] = ["Dep", "Deps", "Depends", "Dependency"];
        let program = self.program();
        let name = match &program.expression(declared).kind {
            Kind::Variable(variable) => &program.variables[variable.0 as usize],
            Kind::Field(_, name) | Kind::Global(name) | Kind::Import(name) => name,
            _ => return false,
        };
        self.unit(self.file).language == Language::Python
            && ENDS.iter().any(|end| name.ends_with(end))
    }

    /// What `Depends(f)` names, in an expression or the value of a name.
    fn giver(&mut self, expression: ExprId, is_type: bool) -> Option<Value> {
        let is_named = matches!(
            self.program().expression(expression).kind,
            Kind::Variable(_) | Kind::Call(_) | Kind::Field(..)
        );
        if !is_named {
            return None;
        }
        let value = self.evaluate(expression);
        let held = if is_type { super::builtin::items(&value) } else { vec![value] };
        held.iter().find_map(|value| value.field(GIVEN_BY).cloned())
    }

    fn given_by(&mut self, giver: &Value) -> Value {
        let Some(data) = giver.data() else { return Value::default() };
        if let Some(closure) = data.function.clone() {
            let given = self.answered_by(&closure, None);
            // A generator gives its only element.
            return given.field("*").cloned().unwrap_or(given);
        }
        let Some(class) = data.class else { return Value::default() };
        let instance = self.instance_of(class);
        match self.own_method(class, "__init__") {
            Some((file, function)) => {
                let closure = Closure { file, function, this: None };
                self.answered_by(&closure, Some(instance.clone()));
                instance
            }
            None => instance,
        }
    }

    /// Runs a dependency: its parameters are input, or dependencies in turn.
    fn answered_by(&mut self, closure: &Closure, this: Option<Value>) -> Value {
        let caller = std::mem::replace(&mut self.file, closure.file);
        let function = self.program().function(closure.function);
        let route = Route { input: true, ..Route::default() };
        let mut given = Vec::new();
        for (at, parameter) in function.parameters.iter().enumerate() {
            let value = self.outside(function, at, parameter, &route);
            given.push(Given { name: None, value, expression: None });
        }
        self.file = caller;
        let mut result = Value::default();
        self.either_way(|engine| result = engine.invoke(closure, &given, this, None), |_| {});
        result
    }

    /// `Annotated[str, Depends(f)]` as a value: its parts.
    pub(super) fn annotated_type(&mut self, object: ExprId, key: &Value) -> Option<Value> {
        if self.unit(self.file).language != Language::Python {
            return None;
        }
        let program = self.program();
        let name = match &program.expression(object).kind {
            Kind::Variable(variable) => &program.variables[variable.0 as usize],
            Kind::Field(_, name) | Kind::Global(name) => name,
            _ => return None,
        };
        (&**name == "Annotated").then(|| {
            let parts = super::builtin::items(key);
            Value::new(Data { ..Value::list(parts).data().cloned().unwrap_or_default() })
        })
    }
}
