//! From the file's words to the gate's: one layer's classes, lists and rules.
//! What they mean together is the gate's business.

use std::collections::BTreeMap;

use kode_base::{Layer, RiskClass, Verdict};
use kode_gate::{LayerPolicy, NonInteractive};

use crate::file::{Classes, Dangerous, RuleAction, WithoutTerminal};
use crate::rule::RuleEntry;
use crate::values::ExactCommand;

impl From<RuleAction> for Verdict {
    fn from(action: RuleAction) -> Self {
        match action {
            RuleAction::Allow => Self::Allow,
            RuleAction::Prompt => Self::Prompt,
            RuleAction::Deny => Self::Deny,
        }
    }
}

impl From<WithoutTerminal> for NonInteractive {
    fn from(answer: WithoutTerminal) -> Self {
        match answer {
            WithoutTerminal::Allow => Self::Allow,
            WithoutTerminal::Deny => Self::Deny,
        }
    }
}

/// What one layer says to the gate.
pub(crate) fn layer_policy(layer: Layer, trusted: bool, dangerous: Dangerous) -> LayerPolicy {
    let Dangerous { non_interactive: _, classes, allowlist, denylist, rules } = dangerous;
    LayerPolicy {
        layer,
        trusted,
        classes: explicit_classes(classes.unwrap_or_default()),
        allowlist: commands(allowlist),
        denylist: commands(denylist),
        rules: rules.unwrap_or_default().into_iter().map(RuleEntry::into_rule).collect(),
    }
}

/// The classes a layer names, with what it says of each.
fn explicit_classes(mut classes: Classes) -> BTreeMap<RiskClass, Verdict> {
    let entries = classes.entries().into_iter();
    entries.filter_map(|(class, action)| action.map(|action| (class, action.into()))).collect()
}

/// The strictest explicit answer; `None` when nobody gave one.
pub(crate) fn strictest(
    answers: impl IntoIterator<Item = Option<WithoutTerminal>>,
) -> Option<NonInteractive> {
    let given: Vec<WithoutTerminal> = answers.into_iter().flatten().collect();
    let denied = given.contains(&WithoutTerminal::Deny).then_some(WithoutTerminal::Deny);
    denied.or(given.first().copied()).map(NonInteractive::from)
}

fn commands(list: Option<Vec<ExactCommand>>) -> Vec<String> {
    list.unwrap_or_default().into_iter().map(ExactCommand::into_string).collect()
}
