//! What a declared result type says of a returned value: a number or a truth value
//! holds no input, whatever it was computed from.

use super::Engine;
use super::expression::is_harmless_type;
use super::value::Value;
use crate::ir::{Function, Name};

impl Engine<'_> {
    /// A Go function's returned value, its results of harmless types without input.
    pub(super) fn as_declared(&self, function: &Function, file: usize, returned: Value) -> Value {
        let Some(declared) = function.returns.as_deref() else { return returned };
        if self.unit(file).language != kode_syntax::Language::Go || !returned.is_tainted() {
            return returned;
        }
        let harmless = harmless_results(declared);
        if let [only] = harmless[..] {
            return if only { without_input(&returned) } else { returned };
        }
        let length = returned.data().and_then(|data| data.length);
        if length != Some(harmless.len()) {
            return returned;
        }
        let numbered = harmless.iter().enumerate().filter(|(_, harmless)| **harmless);
        numbered.fold(returned, |returned, (at, _)| {
            let name = Name::from(at.to_string());
            match returned.field(&name).cloned() {
                Some(part) => returned.with_field(&name, without_input(&part)),
                None => returned,
            }
        })
    }
}

fn without_input(value: &Value) -> Value {
    let harmless = value.with(|data| data.taints.clear());
    if harmless.is_tainted() { Value::default() } else { harmless }
}

/// For each result of `(status int, err error)` or `int`, whether its type is harmless.
/// None where the types are too involved to be told apart by commas.
fn harmless_results(declared: &str) -> Vec<bool> {
    let inner = declared.trim();
    let listed = inner.strip_prefix('(').and_then(|inner| inner.strip_suffix(')'));
    let inner = listed.unwrap_or(inner);
    if inner.contains(['(', '[', '{', '<']) {
        return Vec::new();
    }
    let parts: Vec<&str> =
        inner.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    // `(a, b int)`: a name alone has the type of the one after it.
    let named = parts.iter().any(|part| part.contains(' '));
    let mut found = vec![false; parts.len()];
    let mut after = false;
    for (at, part) in parts.iter().enumerate().rev() {
        found[at] = match part.rsplit_once(' ') {
            Some((_, kind)) => is_harmless_type(kind),
            None if named => after,
            None => is_harmless_type(part),
        };
        after = found[at];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::harmless_results;

    #[test]
    fn results_are_told_apart_by_their_types() {
        assert_eq!(harmless_results("int"), [true]);
        assert_eq!(harmless_results("(status int, err error)"), [true, false]);
        assert_eq!(harmless_results("(a, b int)"), [true, true]);
        assert_eq!(harmless_results("(string, bool)"), [false, true]);
        assert!(harmless_results("(map[string]int, error)").is_empty());
    }
}
