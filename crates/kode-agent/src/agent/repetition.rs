//! Notices a model that goes in circles: the same call with the same result,
//! again and again.

use std::hash::{DefaultHasher, Hash, Hasher};

use kode_base::Untrusted;
use kode_model::ToolCall;

/// This many identical calls with identical results in a row are enough.
const REPETITIONS_MAX: u32 = 3;

/// The last call and how often it came in a row.
#[derive(Debug, Default)]
pub(super) struct Repetition {
    last: Option<(u64, u64)>,
    count: u32,
}

impl Repetition {
    /// Whether `call` would only repeat what was seen; it should not run.
    pub(super) fn is_circle(&self, call: &ToolCall) -> bool {
        self.count >= REPETITIONS_MAX && self.last.is_some_and(|(seen, _)| seen == key(call))
    }

    /// Remembers a call that ran, and what came of it.
    pub(super) fn note(&mut self, call: &ToolCall, output: &Untrusted<String>) {
        let now = Some((key(call), hash(output)));
        self.count = if self.last == now { self.count + 1 } else { 1 };
        self.last = now;
    }
}

fn key(call: &ToolCall) -> u64 {
    hash(&(&call.name, &call.arguments))
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(arguments: &str) -> ToolCall {
        ToolCall { id: "x".to_owned(), name: "shell".into(), arguments: arguments.into() }
    }

    #[test]
    fn three_identical_calls_are_a_circle_and_another_call_ends_it() {
        let mut repetition = Repetition::default();
        for _ in 0..3 {
            assert!(!repetition.is_circle(&call("ls")));
            repetition.note(&call("ls"), &"a".into());
        }
        assert!(repetition.is_circle(&call("ls")));
        assert!(!repetition.is_circle(&call("pwd")));
        repetition.note(&call("pwd"), &"b".into());
        assert!(!repetition.is_circle(&call("ls")));
    }

    #[test]
    fn waiting_for_a_changing_result_is_no_circle() {
        let mut repetition = Repetition::default();
        for step in 0..10 {
            repetition.note(&call("cat status"), &format!("{step}").into());
        }
        assert!(!repetition.is_circle(&call("cat status")));
    }
}
