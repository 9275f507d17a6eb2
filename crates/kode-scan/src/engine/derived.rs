//! Paths that are made of a checked one: `path + '.gz'`, made before the check, and checks
//! that cut a path to the length of the root and compare it with that.

use std::rc::Rc;

use super::Engine;
use super::value::{HOLE, Step, Taint, Value};
use crate::category::{Category, CategorySet};
use crate::ir::{ExprId, Kind};

/// Steps from a path to what is made of it.
const STEPS_MAX: usize = 4;

impl Engine<'_> {
    /// `path.slice(0, root.length) === root`: the same as that it begins with it.
    pub(super) fn cut_and_compared(
        &mut self,
        (left, right): (ExprId, ExprId),
        root: &Value,
        when: bool,
    ) -> Option<Value> {
        let program = self.program();
        let Kind::Call(call) = &program.expression(left).kind else { return None };
        let Kind::Field(object, name) = &program.expression(call.callee).kind else { return None };
        let [from, to] = &call.arguments[..] else { return None };
        let is_start = matches!(program.expression(from.value).kind, Kind::Number(0));
        let Kind::Field(measured, length) = &program.expression(to.value).kind else { return None };
        let is_cut = matches!(&**name, "slice" | "substring" | "substr");
        if !is_cut || !is_start || &**length != "length" || !self.is_same(*measured, right) {
            return None;
        }
        let object = *object;
        let path = self.evaluate(object);
        let begins =
            path.is_tainted().then(|| self.text_test("startsWith", object, &path, root))?;
        let facts = super::guard::facts_of(&begins).unwrap_or_default();
        let facts = if when { facts } else { super::guard::flipped(&facts) };
        Some(super::guard::truth_with(facts))
    }

    /// Whether two expressions are one variable.
    fn is_same(&self, one: ExprId, other: ExprId) -> bool {
        let program = self.program();
        match (&program.expression(one).kind, &program.expression(other).kind) {
            (Kind::Variable(one), Kind::Variable(other)) => one == other,
            _ => false,
        }
    }

    /// A path with an ending put to it, clean where the path it was made of was checked since.
    pub(super) fn checked_since(&self, value: Value) -> Value {
        let Some(data) = value.data().filter(|data| data.ended && !data.taints.is_empty()) else {
            return value;
        };
        let ending = data.text.as_deref().and_then(|text| text.strip_prefix(HOLE));
        let is_ending = ending.is_some_and(|end| !end.contains([HOLE, '/', '\\']));
        let Some(origin) = data.origin.as_ref().filter(|_| is_ending) else { return value };
        let made_of = self.value_at(origin);
        let is_checked = |taint: &Taint| {
            made_of.taints().iter().any(|known| {
                known.source == taint.source
                    && known.cleaned.holds(Category::PathTraversal)
                    && goes_through(taint, &known.step)
            })
        };
        match data.taints.iter().all(is_checked) {
            true => value.cleaned(CategorySet::of(&[Category::PathTraversal])),
            false => value,
        }
    }
}

/// Whether a step is one of the last of a taint's.
fn goes_through(taint: &Taint, step: &Rc<Step>) -> bool {
    let mut current = Some(&taint.step);
    for _ in 0..STEPS_MAX {
        let Some(known) = current else { return false };
        if Rc::ptr_eq(known, step) {
            return true;
        }
        current = known.before.as_ref();
    }
    false
}
