//! Text that may be sent to a model as data.
//!
//! Untrusted text becomes [`ModelVisible`] only in `kode_agent::context::wrap`
//! (redacted, neutralised, demarcated): `clippy.toml` bans the constructor
//! everywhere else.

use serde::{Deserialize, Serialize};

/// Redacted, neutralised and demarcated text, ready for the model's eyes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelVisible(String);

impl ModelVisible {
    /// Promotes text that has been wrapped. Banned outside `context::wrap`.
    pub fn from_wrapped(text: String) -> Self {
        Self(text)
    }

    /// The text as it goes over the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
