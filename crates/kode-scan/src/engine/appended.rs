//! Go's `append`: a list that is longer by what is put behind it. What an element is stays
//! what it is, so that a check of a part of it still counts.

use kode_syntax::Language;

use super::Engine;
use super::site::Site;
use super::value::Value;

impl Engine<'_> {
    /// `append(list, element…)` of a list whose elements are known.
    pub(super) fn appended(&self, site: &Site) -> Option<Value> {
        if &*site.method != "append" || self.unit(self.file).language != Language::Go {
            return None;
        }
        let (list, more) = site.given.split_first()?;
        let is_known = |value: &Value| {
            value.data().is_some_and(|data| data.length.is_some() && data.taints.is_empty())
        };
        if !is_known(&list.value) {
            return None;
        }
        let mut items = super::builtin::items(&list.value);
        for given in more {
            let is_spread = given.expression.is_some_and(|expression| self.is_spread(expression));
            match is_spread {
                true if is_known(&given.value) => items.extend(super::builtin::items(&given.value)),
                // How many there are is not known.
                true => return None,
                false => items.push(given.value.clone()),
            }
        }
        Some(Value::list(items))
    }

    /// Whether `...` stands behind an argument.
    fn is_spread(&self, expression: crate::ir::ExprId) -> bool {
        let end = self.program().expression(expression).end as usize;
        let rest = self.unit(self.file).source.get(end..).unwrap_or_default();
        rest.trim_ascii_start().starts_with(b"...")
    }
}
