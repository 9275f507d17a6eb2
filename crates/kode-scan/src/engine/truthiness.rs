//! What is known where a value counts as false: it is empty, and so leads nowhere. It says
//! something of a condition's other side only; what an `if` of the value alone says is
//! known anyway.

use std::rc::Rc;

use super::Engine;
use super::value::{Fact, Path, Value};
use crate::category::CategorySet;
use crate::ir::{ExprId, Kind};

impl Engine<'_> {
    /// A condition's value with what its being false says of emptiness: `next and not
    /// is_safe(next)` is false where `next` is empty, or safe.
    pub(super) fn with_emptiness(&mut self, condition: ExprId, value: &Value) -> Value {
        let mut paths = Vec::new();
        self.empty_where_false(condition, &mut paths);
        if paths.is_empty() {
            return value.clone();
        }
        let empty = |path| Fact::new(path, false, CategorySet::EVERY);
        let known = value.data().and_then(|data| data.facts.clone());
        let mut facts = known.map(|facts| facts.to_vec()).unwrap_or_default();
        facts.extend(paths.into_iter().map(empty));
        value.with(|data| data.facts = Some(Rc::new(facts)))
    }

    /// The paths that are empty where a condition is false.
    fn empty_where_false(&mut self, condition: ExprId, paths: &mut Vec<Path>) {
        match &self.program().expression(condition).kind {
            Kind::Variable(_) | Kind::Field(..) => {
                let path = self.path_of(condition);
                paths.extend(path.filter(|path| self.value_at(path).is_tainted()));
            }
            Kind::Either(one, other) => {
                let (one, other) = (*one, *other);
                self.empty_where_false(one, paths);
                self.empty_where_false(other, paths);
            }
            _ => {}
        }
    }
}
