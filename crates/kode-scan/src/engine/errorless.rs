//! Go: a function that gives no error has checked its parameters, or fields of theirs.

use super::Engine;
use super::value::{Constant, Fact, Path, Value};
use crate::category::CategorySet;
use crate::ir::VariableId;

impl Engine<'_> {
    /// What holds of the parameters where no error is returned.
    pub(super) fn note_error(&mut self, given: &Value, parameters: &[Option<VariableId>]) {
        if self.unit(self.file).language != kode_syntax::Language::Go {
            return;
        }
        let is_null =
            |value: &Value| value.data().is_some_and(|data| data.constant == Some(Constant::Null));
        let items = super::builtin::items(given);
        if !items.last().map_or_else(|| is_null(given), is_null) {
            return;
        }
        let cleaned: Vec<CategorySet> = parameters.iter().map(|p| self.cleaned_now(*p)).collect();
        let fields: Vec<Fact> = parameters
            .iter()
            .flatten()
            .flat_map(|parameter| self.clean_fields(*parameter))
            .collect();
        let Some(frame) = self.frames.last_mut() else { return };
        frame.null_returns = Some(match frame.null_returns.take() {
            None => cleaned,
            Some(before) => before.iter().zip(&cleaned).map(|(a, b)| a.intersection(*b)).collect(),
        });
        frame.null_fields = Some(match frame.null_fields.take() {
            None => fields,
            Some(before) => in_both(before, &fields),
        });
    }

    /// The fields of a parameter that hold input which is harmless for something.
    fn clean_fields(&self, parameter: VariableId) -> Vec<Fact> {
        let whole = self.read(parameter);
        let Some(fields) = whole.data().and_then(|data| data.fields.as_ref()) else {
            return Vec::new();
        };
        let path = |name: &crate::ir::Name| Path {
            file: self.file,
            variable: parameter,
            fields: vec![name.clone()],
        };
        let known = fields.iter().filter(|(_, value)| !value.taints().is_empty());
        let cleaned = known.map(|(name, value)| {
            let sets = value.taints().iter().map(|taint| taint.cleaned);
            (name, sets.fold(CategorySet::EVERY, CategorySet::intersection))
        });
        cleaned
            .filter(|(_, cleans)| *cleans != CategorySet::NONE)
            .map(|(name, cleans)| Fact::new(path(name), false, cleans))
            .collect()
    }
}

/// What two returns both say.
fn in_both(before: Vec<Fact>, now: &[Fact]) -> Vec<Fact> {
    let both = before.into_iter().filter_map(|fact| {
        let other = now.iter().find(|other| other.path == fact.path)?;
        Some(Fact { cleans: fact.cleans.intersection(other.cleans), ..fact })
    });
    both.filter(|fact| fact.cleans != CategorySet::NONE).collect()
}
