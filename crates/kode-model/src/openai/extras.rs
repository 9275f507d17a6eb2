//! Provider fields outside the protocol: collected from an answer, kept with
//! it, and put back into the next request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Provider fields outside the protocol that must come back in the next
/// request, such as reasoning and its signatures.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Extras {
    #[serde(default)]
    pub(super) message: Map<String, Value>,
    #[serde(default)]
    pub(super) calls: BTreeMap<String, Map<String, Value>>,
}

/// How [`Extras`] are labelled, so that another protocol leaves them alone.
#[derive(Serialize, Deserialize)]
struct Labelled {
    openai: Extras,
}

impl Extras {
    /// Reads the own entry of [`crate::Reply::opaque`].
    pub(super) fn read(opaque: &[String]) -> Self {
        let own = opaque.iter().find_map(|text| serde_json::from_str::<Labelled>(text).ok());
        own.map(|labelled| labelled.openai).unwrap_or_default()
    }

    /// Names of all kept fields.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let calls = self.calls.values().flat_map(Map::keys);
        self.message.keys().chain(calls).map(String::as_str)
    }

    /// As entries of [`crate::Reply::opaque`].
    pub(super) fn write(self) -> Vec<String> {
        if self == Self::default() {
            return Vec::new();
        }
        serde_json::to_string(&Labelled { openai: self }).into_iter().collect()
    }
}

/// Adds a delta to a field: text and lists grow, anything else is replaced.
pub(super) fn merge(field: &mut Value, delta: &Value) {
    match (field, delta) {
        (Value::String(text), Value::String(more)) => text.push_str(more),
        (Value::Array(items), Value::Array(more)) => items.extend(more.iter().cloned()),
        (field, delta) => *field = delta.clone(),
    }
}
