//! Loops that look at every element of a list and leave the function at one that is not
//! allowed: whoever comes behind the loop has a list of allowed ones.

use std::rc::Rc;

use super::Engine;
use super::value::{Path, Value};
use crate::category::CategorySet;
use crate::ir::{ExprId, Target};

/// What is known of the elements of a list that a loop goes through.
pub(super) struct Every {
    /// Where the list is, and where its elements are in turn.
    list: Path,
    pub(super) element: Path,
    /// What the rounds so far have found every element clean for.
    cleaned: Option<CategorySet>,
}

impl Engine<'_> {
    /// A loop over a list that input is in.
    pub(super) fn every(
        &mut self,
        each: Option<&(Target, ExprId)>,
        list: Option<&Value>,
    ) -> Option<Every> {
        let (Target::Variable(variable), iterable) = each? else { return None };
        list.filter(|list| list.is_tainted())?;
        let list = self.path_of(*iterable)?;
        Some(Every { list, element: self.variable_path(*variable), cleaned: None })
    }

    /// What a round's end says of the element that it began with.
    pub(super) fn looked_at(&self, every: &mut Every, began: &Value) {
        let ended = self.value_at(&every.element);
        let found = match self.dead {
            true => return,
            false => newly_clean(began, &ended),
        };
        every.cleaned = Some(every.cleaned.map_or(found, |before| before.intersection(found)));
    }

    /// Behind the loop: every element is what the rounds found, unless some were left out.
    pub(super) fn looked_at_all(&mut self, every: Option<Every>, left_out: bool) {
        let Some(every) = every.filter(|_| !left_out) else { return };
        if let Some(set) = every.cleaned.filter(|set| *set != CategorySet::NONE) {
            self.clean_alone(&every.list, set);
        }
    }
}

/// What a value was checked for since, if it is still the same.
fn newly_clean(before: &Value, after: &Value) -> CategorySet {
    let mut set = CategorySet::EVERY;
    for taint in before.taints() {
        let now = after.taints().iter().find(|now| now.source == taint.source);
        let same = now.filter(|now| Rc::ptr_eq(&now.step, &taint.step));
        set = set.intersection(same.map_or(CategorySet::NONE, |now| now.cleaned));
    }
    if before.taints().is_empty() { CategorySet::NONE } else { set.of_part() }
}
