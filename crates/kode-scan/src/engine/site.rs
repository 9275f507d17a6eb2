//! A call with everything in it evaluated: what is called, on what, with which
//! arguments. What the call does is for others.

use super::Engine;
use super::reflection::bound_arguments;
use super::value::Value;
use crate::ir::{Call, ExprId, Kind, Name};

/// An evaluated argument.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) name: Option<Name>,
    pub(super) value: Value,
    pub(super) expression: Option<ExprId>,
}

/// A call with everything evaluated.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) id: ExprId,
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) callee: Value,
    /// The object a method is called on.
    pub(super) receiver: Option<(ExprId, Value)>,
    pub(super) method: Name,
    pub(super) given: Vec<Given>,
    pub(super) construct: bool,
}

impl Site {
    /// The value of the argument at a position.
    pub(super) fn value(&self, at: usize) -> Value {
        let plain = self.given.iter().filter(|given| given.name.is_none());
        plain.into_iter().nth(at).map_or_else(Value::default, |given| given.value.clone())
    }

    /// The value of a keyword argument.
    pub(super) fn keyword(&self, name: &str) -> Option<&Value> {
        self.given
            .iter()
            .find(|given| given.name.as_deref() == Some(name))
            .map(|given| &given.value)
    }

    pub(super) fn argument(&self, at: usize) -> Option<ExprId> {
        self.given.get(at).and_then(|given| given.expression)
    }

    pub(super) fn values(&self) -> Vec<Value> {
        self.given.iter().map(|given| given.value.clone()).collect()
    }
}

impl Engine<'_> {
    pub(super) fn site(&mut self, callee: ExprId, call: &Call, id: ExprId) -> Site {
        let at = self.program().expression(id);
        let (start, end) = (at.start, at.end);
        let (called, receiver, method) = match &self.program().expression(callee).kind {
            Kind::Field(object, name) => {
                let value = self.evaluate(*object);
                let callee = match self.of_package(&value, name) {
                    Some(member) => member,
                    None => self.field_of(&value, name, None),
                };
                (callee, Some((*object, value)), name.clone())
            }
            Kind::Index(object, index) => self.indexed_callee(*object, *index),
            Kind::Global(name) => (self.evaluate(callee), None, name.clone()),
            Kind::Variable(variable) => {
                let name = self.program().variables[variable.0 as usize].clone();
                let value = self.evaluate(callee);
                match value.data().and_then(|data| data.method.clone()) {
                    Some(method) => (value, Some((callee, Value::default())), method),
                    None => (value, None, name),
                }
            }
            _ => (self.evaluate(callee), None, Name::from("")),
        };
        let mut given = bound_arguments(&called);
        given.reserve(call.arguments.len());
        for argument in &call.arguments {
            let value = self.evaluate(argument.value);
            if argument.spread && value.data().is_some_and(|data| data.length.is_some()) {
                for item in super::builtin::items(&value) {
                    given.push(Given { name: None, value: item, expression: None });
                }
                continue;
            }
            // Python's `**settings`, of which every name is known.
            let settings = value.data().and_then(|data| data.fields.clone());
            let is_known = value.taints().is_empty() && value.field("*").is_none();
            if let Some(settings) = settings.filter(|_| argument.spread && is_known) {
                given.extend(settings.iter().map(|(name, value)| Given {
                    name: Some(name.clone()),
                    value: value.clone(),
                    expression: None,
                }));
                continue;
            }
            let expression = Some(argument.value);
            given.push(Given { name: argument.name.clone(), value, expression });
        }
        Site { id, start, end, callee: called, receiver, method, given, construct: call.construct }
    }

    /// `object['name'](…)`: with a known name the same as `object.name(…)`.
    fn indexed_callee(
        &mut self,
        object: ExprId,
        index: ExprId,
    ) -> (Value, Option<(ExprId, Value)>, Name) {
        let value = self.evaluate(object);
        // Go: `decode[Input](r)`.
        if value.data().is_some_and(|data| data.function.is_some() && data.fields.is_none()) {
            return (value, None, Name::from(""));
        }
        let key = self.evaluate(index);
        match super::constant::key_of(&key) {
            Some(key) => {
                let name = Name::from(key);
                (self.field_of(&value, &name, None), Some((object, value)), name)
            }
            None => (self.element_of(&value), None, Name::from("")),
        }
    }
}
