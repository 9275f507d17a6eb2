//! Names that tell why a value harms nobody: the host a browser sends of its own, an
//! option that turns a sanitizer off. A name that tells nothing leaves values as they are.

use super::Engine;
use super::value::Value;
use crate::category::{Category, CategorySet};
use crate::ir::{ExprId, Kind, Name};

impl Engine<'_> {
    /// `object.name`, with what the names tell.
    pub(super) fn told_field(&mut self, object: ExprId, name: &Name, id: ExprId) -> Value {
        let value = self.field_expression(object, name, id);
        self.own_host(object, name, value)
    }

    /// `object[index]`, with what the names tell.
    pub(super) fn told_index(&mut self, object: ExprId, index: ExprId, id: ExprId) -> Value {
        let value = self.index(object, index, id);
        match &self.program().expression(index).kind {
            Kind::Text(name) => self.own_host(object, name, value),
            _ => value,
        }
    }

    /// `headers.host`: a browser sends its own, and nobody makes it send markup.
    fn own_host(&self, object: ExprId, name: &Name, value: Value) -> Value {
        const HOSTS: [&str; 4] = ["host", "x-forwarded-host", "x-forwarded-proto", ":authority"];
        if !HOSTS.contains(&&**name) || !value.is_tainted() || !self.is_javascript() {
            return value;
        }
        let program = self.program();
        let is_headers = match &program.expression(object).kind {
            Kind::Field(_, owner) | Kind::Global(owner) => &**owner == "headers",
            Kind::Variable(variable) => &*program.variables[variable.0 as usize] == "headers",
            _ => false,
        };
        match is_headers {
            true => value.cleaned(CategorySet::of(&[Category::CrossSiteScripting])),
            false => value,
        }
    }

    /// `options.sanitize ? sanitizeHtml(text) : text`: who turns it off wants markup.
    pub(super) fn is_cleaning_option(&self, condition: ExprId, then: ExprId) -> bool {
        let program = self.program();
        let last = |id: ExprId| match &program.expression(id).kind {
            Kind::Field(_, name) | Kind::Global(name) => Some(name.to_ascii_lowercase()),
            Kind::Import(name) => name.rsplit('.').next().map(str::to_ascii_lowercase),
            Kind::Variable(variable) => {
                Some(program.variables[variable.0 as usize].to_ascii_lowercase())
            }
            _ => None,
        };
        let is_cleaning = |name: &String| ["sanitiz", "sanitis"].iter().any(|it| name.contains(it));
        let is_option = matches!(program.expression(condition).kind, Kind::Field(..));
        let is_option = is_option && last(condition).as_ref().is_some_and(is_cleaning);
        match &program.expression(then).kind {
            Kind::Call(call) => {
                is_option
                    && last(call.callee).as_ref().is_none_or(|name| {
                        // Short names are what a minifier leaves.
                        is_cleaning(name) || name.len() <= 2
                    })
            }
            _ => false,
        }
    }
}
