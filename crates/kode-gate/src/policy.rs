//! The rules people write, layer by layer. Layers only tighten: what a higher
//! layer says explicitly, a lower one can't loosen.

use std::collections::BTreeMap;

use kode_base::{Layer, RiskClass, Verdict};
use serde::{Deserialize, Serialize};

use crate::unscanned::UnscannedPolicy;

/// What happens to a prompt when there is no terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NonInteractive {
    /// The class question is answered with yes.
    Allow,
    /// It is answered with no.
    Deny,
}

/// One rule a person wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Name shown in reasons and the audit log.
    pub name: String,
    /// Argument pattern, word by word; `*` is any one word, a last `**` any
    /// rest. `deny` and `prompt` rules also match longer commands that begin
    /// like this; an `allow` rule must match the whole command.
    pub command: Vec<String>,
    /// `allow`, `prompt` or `deny`.
    pub action: Verdict,
    /// Why, shown to the person and the model.
    pub reason: String,
    /// Commands the rule must match; checked when it is loaded.
    #[serde(default, rename = "match")]
    pub matching: Vec<String>,
    /// Commands the rule must not match; checked when it is loaded.
    #[serde(default, rename = "not_match")]
    pub not_matching: Vec<String>,
}

/// What one configuration layer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerPolicy {
    /// Which layer.
    pub layer: Layer,
    /// Whether a project layer may loosen class defaults and allow commands.
    /// Always true for managed and user layers.
    pub trusted: bool,
    /// Explicit class actions: allow, prompt or deny.
    pub classes: BTreeMap<RiskClass, Verdict>,
    /// Exact commands that need no class prompt.
    pub allowlist: Vec<String>,
    /// Exact commands that never run.
    pub denylist: Vec<String>,
    /// Argument-pattern rules.
    pub rules: Vec<Rule>,
}

impl LayerPolicy {
    /// Whether this layer may only tighten.
    pub(crate) fn tightens_only(&self) -> bool {
        self.layer == Layer::Project && !self.trusted
    }
}

/// Every layer, highest first, without the built-in one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// Managed, user, project; absent layers are left out.
    pub layers: Vec<LayerPolicy>,
    /// Explicit answer for prompts without a terminal; the strictest layer's.
    pub non_interactive: Option<NonInteractive>,
    /// Who may accept touched code that the scan could not read.
    pub unscanned: UnscannedPolicy,
}

/// What the compiled-in policy does with a class (design §5).
pub const fn default_action(class: RiskClass) -> Verdict {
    match class {
        RiskClass::Safe | RiskClass::LocalWrite => Verdict::Allow,
        RiskClass::CodeExecution
        | RiskClass::Install
        | RiskClass::NetworkEgress
        | RiskClass::SystemWrite => Verdict::Prompt,
        RiskClass::Destructive | RiskClass::Blocked => Verdict::Deny,
    }
}
