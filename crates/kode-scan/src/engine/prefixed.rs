//! Texts that are given a beginning where they lack it: `if (!p.startsWith('/')) p =
//! '/' + p`. Whichever way it went, they begin with it afterwards.

use super::Engine;
use super::value::HOLE;
use crate::ir::{ExprId, Kind, Operator, Statement, Target, VariableId};

impl Engine<'_> {
    /// Notes the beginning that an `if` without an `else` has made sure of.
    pub(super) fn made_sure(
        &mut self,
        condition: ExprId,
        then: &[Statement],
        otherwise: &[Statement],
    ) {
        let ([only], []) = (then, otherwise) else { return };
        let Some((variable, beginning)) = self.put_in_front(only) else { return };
        if !self.says_it_is_missing(condition, variable, &beginning) {
            return;
        }
        let slot = self.slot_in(self.file, variable);
        let value = self.variables[slot].clone();
        if value.data().is_some_and(|data| data.constant.is_none()) {
            let text = format!("{beginning}{HOLE}");
            self.write_slot(slot, value.with(|data| data.text = Some(text.into())));
        }
    }

    /// `x = 'text' + x`.
    fn put_in_front(&self, statement: &Statement) -> Option<(VariableId, String)> {
        let program = self.program();
        let (target, value) = match statement {
            Statement::Assign(target, value) => (target, *value),
            Statement::Expression(assignment) => match &program.expression(*assignment).kind {
                Kind::Assign(target, value) => (&**target, *value),
                _ => return None,
            },
            _ => return None,
        };
        let Target::Variable(variable) = target else { return None };
        let (first, last) = match &program.expression(value).kind {
            Kind::Join(parts) => match parts[..] {
                [first, last] => (first, last),
                _ => return None,
            },
            Kind::Binary(Operator::Add, first, last) => (*first, *last),
            _ => return None,
        };
        let is_itself = self.is_variable(last, *variable);
        match &program.expression(first).kind {
            Kind::Text(text) if is_itself && !text.is_empty() => {
                Some((*variable, text.to_string()))
            }
            _ => None,
        }
    }

    /// Whether the condition holds wherever the text is missing in front: any part of
    /// `a || b` may say so.
    fn says_it_is_missing(&self, condition: ExprId, variable: VariableId, text: &str) -> bool {
        let program = self.program();
        let is_text =
            |id: ExprId| matches!(&program.expression(id).kind, Kind::Text(it) if &**it == text);
        match &program.expression(condition).kind {
            Kind::Either(one, other) => {
                self.says_it_is_missing(*one, variable, text)
                    || self.says_it_is_missing(*other, variable, text)
            }
            Kind::Not(inner) => match &program.expression(*inner).kind {
                Kind::Call(call) => {
                    let Kind::Field(object, name) = &program.expression(call.callee).kind else {
                        // Go's functions of a package are imports.
                        let is_go = matches!(&program.expression(call.callee).kind, Kind::Import(name) if name.ends_with("HasPrefix"));
                        let given: Vec<ExprId> = call.arguments.iter().map(|it| it.value).collect();
                        return is_go
                            && given.len() == 2
                            && self.is_variable(given[0], variable)
                            && is_text(given[1]);
                    };
                    let given: Vec<ExprId> = call.arguments.iter().map(|it| it.value).collect();
                    match (&**name, &given[..]) {
                        ("startsWith" | "startswith", [first]) => {
                            self.is_variable(*object, variable) && is_text(*first)
                        }
                        ("HasPrefix", [whole, first]) => {
                            self.is_variable(*whole, variable) && is_text(*first)
                        }
                        _ => false,
                    }
                }
                _ => false,
            },
            Kind::Binary(Operator::NotEqual, one, other) => {
                text.len() == 1
                    && (self.is_first_of(*one, variable) && is_text(*other)
                        || self.is_first_of(*other, variable) && is_text(*one))
            }
            _ => false,
        }
    }

    /// `x[0]` or `x.charAt(0)`.
    fn is_first_of(&self, id: ExprId, variable: VariableId) -> bool {
        let program = self.program();
        let is_zero = |id: ExprId| matches!(program.expression(id).kind, Kind::Number(0));
        match &program.expression(id).kind {
            Kind::Index(object, at) => self.is_variable(*object, variable) && is_zero(*at),
            Kind::Call(call) => match &program.expression(call.callee).kind {
                Kind::Field(object, name) => {
                    let zero = call.arguments.first().is_some_and(|first| is_zero(first.value));
                    &**name == "charAt" && zero && self.is_variable(*object, variable)
                }
                _ => false,
            },
            _ => false,
        }
    }

    fn is_variable(&self, id: ExprId, variable: VariableId) -> bool {
        matches!(self.program().expression(id).kind, Kind::Variable(other) if other == variable)
    }
}
