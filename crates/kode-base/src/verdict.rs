//! What the gate says of an action, and who said it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::RiskClass;

/// The gate's answer, ordered from lenient to strict: the strictest of several
/// answers is their maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Runs without asking.
    Allow,
    /// A person (or, for classes only, `non_interactive`) decides.
    Prompt,
    /// Does not run; a list or a higher layer could have allowed it.
    Deny,
    /// Never runs; nothing turns this off.
    Refuse,
}

impl Verdict {
    /// The name used in configuration and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Prompt => "prompt",
            Self::Deny => "deny",
            Self::Refuse => "refuse",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Where a decision came from. A lower layer tightens a higher one, never
/// loosens it. Ordered from highest to lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// Compiled in: refusals and class defaults.
    BuiltIn,
    /// `/etc/kode/managed.json`.
    Managed,
    /// `~/.kode/config.json`, `KODE_*` and flags.
    User,
    /// `./kode.json`.
    Project,
}

impl Layer {
    /// The name used in output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BuiltIn => "builtin",
            Self::Managed => "managed",
            Self::User => "user",
            Self::Project => "project",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Why a verdict is what it is; shown to the person, the model and the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The worst effect's class.
    pub class: RiskClass,
    /// Stable identifier of the rule that decided, such as `class.install`,
    /// `refusal.reverse_shell`, `denylist` or `rule.no-deploy`.
    pub rule: String,
    /// The layer the rule stands in.
    pub layer: Layer,
    /// One sentence a person can act on. It holds no raw untrusted bytes:
    /// whoever builds it escapes what it quotes.
    pub text: String,
}
