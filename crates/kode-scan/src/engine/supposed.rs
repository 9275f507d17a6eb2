//! What holds only where something else does: a check that a truth value turns on
//! (`if (strict && !name.startsWith(root)) throw …`) says nothing by itself, and all it says
//! wherever that truth value is asked again. What is known that way is kept with it.

use std::rc::Rc;

use super::Engine;
use super::value::{Fact, Path, Value};
use crate::category::CategorySet;
use crate::ir::{ExprId, Kind, Statement, VariableId};

/// Facts that are kept with one truth value.
const SUPPOSED_MAX: usize = 16;
/// Checks that are remembered inside of one branch.
const ASSUMED_MAX: usize = 64;

impl Engine<'_> {
    /// The truth value that an expression is or denies, and what it is where the
    /// expression is `truth`.
    pub(super) fn truth_asked(&mut self, expression: ExprId, truth: bool) -> Option<(Path, bool)> {
        let path = match &self.program().expression(expression).kind {
            Kind::Not(inner) => return self.truth_asked(*inner, !truth),
            Kind::Variable(_) | Kind::Field(..) => self.path_of(expression)?,
            _ => return None,
        };
        let value = self.value_at(&path);
        let is_plain = value.data().is_none_or(|data| {
            data.taints.is_empty() && data.fields.is_none() && data.function.is_none()
        });
        is_plain.then_some((path, truth))
    }

    /// What each side of `a && b` (with `when` true) or `a || b` says by itself where the
    /// other is a truth value.
    pub(super) fn supposed(
        &mut self,
        (left, a): (ExprId, &Value),
        (right, b): (ExprId, &Value),
        when: bool,
    ) -> Vec<Fact> {
        let mut facts = Vec::new();
        for (asked, said) in [(left, b), (right, a)] {
            if said.data().is_some_and(|data| data.facts.is_some()) {
                facts.extend(supposed_facts(said, !when, self.truth_asked(asked, when)));
            }
        }
        facts
    }

    /// Keeps a fact with the truth value that it depends on.
    pub(super) fn suppose(&mut self, (path, truth): &(Path, bool), fact: &Fact) {
        let value = self.value_at(path);
        if value.is_tainted() {
            return;
        }
        let mut facts = super::guard::facts_of(&value).unwrap_or_default();
        let fact = Fact { when: *truth, given: None, ..fact.clone() };
        if facts.len() < SUPPOSED_MAX && !facts.contains(&fact) {
            facts.push(fact);
            let kept = value.with(|data| data.facts = Some(Rc::new(facts)));
            self.set_path(path, &path.fields.clone(), kept);
        }
    }

    /// Runs the branches of an `if` that asks one truth value; what a branch checks holds
    /// later wherever it has that value.
    pub(super) fn branch_supposed(
        &mut self,
        (path, truth): &(Path, bool),
        condition: &Value,
        (then, otherwise): (&[Statement], &[Statement]),
    ) {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        self.supposing += 1;
        self.branch_on(
            condition,
            |engine| first = engine.checked_in(then),
            |engine| second = engine.checked_in(otherwise),
        );
        self.supposing -= 1;
        if self.supposing == 0 {
            self.assumed.clear();
        }
        for (truth, checked) in [(*truth, first), (!*truth, second)] {
            for (of, cleans) in checked {
                self.unchecked_otherwise(&of);
                self.suppose(&(path.clone(), truth), &Fact::new(of, truth, cleans));
            }
        }
    }

    /// A part that only one branch told apart, and checked, is in the other what the whole is.
    fn unchecked_otherwise(&mut self, path: &Path) {
        let Some((_, around)) = path.fields.split_last() else { return };
        let whole = self.value_at(&Path { fields: around.to_vec(), ..path.clone() });
        if !whole.taints().is_empty() {
            let part = self.value_at(path).with(|data| {
                super::value::merge_taints(&mut data.taints, whole.taints());
            });
            self.set_path(path, &path.fields.clone(), part);
        }
    }

    /// Runs statements; what they made sure of and still holds behind them.
    fn checked_in(&mut self, body: &[Statement]) -> Vec<(Path, CategorySet)> {
        let mark = self.assumed.len();
        self.statements(body);
        if self.dead {
            return Vec::new();
        }
        let checked = self.assumed[mark.min(self.assumed.len())..].to_vec();
        let holds = |(path, cleans): &(Path, CategorySet)| {
            let value = self.value_at(path);
            let taints = value.deep_taints();
            !taints.is_empty() && taints.iter().all(|taint| taint.cleaned.covers(*cleans))
        };
        checked.into_iter().filter(holds).collect()
    }

    /// What a condition that is returned says of a parameter where it is true.
    pub(super) fn said_where_true(
        &self,
        condition: &Value,
        parameter: Option<VariableId>,
    ) -> CategorySet {
        let Some(variable) = parameter else { return CategorySet::NONE };
        let path = self.variable_path(variable);
        let facts = super::guard::facts_of(condition).unwrap_or_default();
        let about = |fact: &&Fact| fact.when && fact.given.is_none() && fact.path == path;
        facts.iter().filter(about).fold(CategorySet::NONE, |set, fact| set.union(fact.cleans))
    }

    /// Remembers that a path was found clean, where a truth value around may be asked again.
    pub(super) fn note_assumed(&mut self, path: &Path, set: CategorySet) {
        if self.supposing > 0 && self.assumed.len() < ASSUMED_MAX {
            self.assumed.push((path.clone(), set));
        }
    }
}

/// What one side of a condition says by itself, where the other is a truth value and asked
/// to be what makes this side count.
fn supposed_facts(side: &Value, when: bool, other: Option<(Path, bool)>) -> Vec<Fact> {
    let Some(other) = other.map(Rc::new) else { return Vec::new() };
    let facts = super::guard::facts_of(side).unwrap_or_default();
    let own = facts.into_iter().filter(|fact| fact.when == when && fact.given.is_none());
    own.map(|fact| Fact { given: Some(Rc::clone(&other)), ..fact }).collect()
}
