//! One rule a person wrote, checked against its own examples when it is read: a
//! rule that does not do what its author thinks is an error, not a surprise.

use kode_base::escape::escape_line;
use kode_base::{Action, Layer, ProjectPath, RiskClass, ShellCommand, Verdict};
use kode_gate::{LayerPolicy, Policy, Rule, SessionState, judge};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::file::RuleAction;
use crate::values::{CommandPattern, ExactCommand, RuleName};

/// Most bytes of a rule's reason, after escaping.
const REASON_BYTES_MAX: usize = 500;

/// One rule on the words of a command, with its examples checked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(try_from = "RuleFields")]
#[schemars(with = "RuleFields")]
pub(crate) struct RuleEntry(Rule);

/// One rule on the words of a command.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Rule")]
struct RuleFields {
    /// Shown in reasons and the audit log: 1 to 64 of a-z, 0-9, - and _.
    name: RuleName,
    /// The words a command must start with; `*` is any one word, a last `**`
    /// any rest. A rule that allows must match the whole command.
    command: CommandPattern,
    /// What happens to a command that matches.
    action: RuleAction,
    /// Why, shown to the person and the model; at most 500 bytes. Not shown from
    /// a project file that nobody trusted.
    #[serde(default)]
    reason: String,
    /// Commands the rule must match, else the rule is an error.
    #[serde(default, rename = "match")]
    matching: Vec<ExactCommand>,
    /// Commands the rule must not match, else the rule is an error.
    #[serde(default, rename = "not_match")]
    not_matching: Vec<ExactCommand>,
}

impl RuleEntry {
    pub(crate) fn action(&self) -> Verdict {
        self.0.action
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    /// The rule without its author's words: a stranger's reason would reach
    /// the model outside of everything that marks data as data.
    pub(crate) fn without_words(mut self) -> Self {
        self.0.reason = "a rule of the project's kode.json says so".to_owned();
        self
    }

    pub(crate) fn into_rule(self) -> Rule {
        self.0
    }
}

impl TryFrom<RuleFields> for RuleEntry {
    type Error = String;

    fn try_from(fields: RuleFields) -> Result<Self, String> {
        let RuleFields { name, command, action, reason, matching, not_matching } = fields;
        let commands = |list: Vec<ExactCommand>| -> Vec<String> {
            list.into_iter().map(ExactCommand::into_string).collect()
        };
        let rule = Rule {
            name: name.into_string(),
            command: command.into_words(),
            action: action.into(),
            reason: escape_line(&reason),
            matching: commands(matching),
            not_matching: commands(not_matching),
        };
        if rule.reason.len() > REASON_BYTES_MAX {
            return Err(format!("a rule's reason has at most {REASON_BYTES_MAX} bytes"));
        }
        check_examples(&rule)?;
        Ok(Self(rule))
    }
}

fn check_examples(rule: &Rule) -> Result<(), String> {
    let wrong = |command: &String, what: &str| {
        format!("rule `{}` {what} its example `{}`; mend the one or the other", rule.name, command)
    };
    if let Some(command) = rule.matching.iter().find(|command| !matches(rule, command)) {
        return Err(wrong(command, "does not match"));
    }
    match rule.not_matching.iter().find(|command| matches(rule, command)) {
        Some(command) => Err(wrong(command, "matches")),
        None => Ok(()),
    }
}

/// Whether the gate, asked about `command`, decides by `rule` where every class
/// says the opposite.
fn matches(rule: &Rule, command: &str) -> bool {
    let opposite = if rule.action == Verdict::Allow { Verdict::Deny } else { Verdict::Allow };
    let policy = Policy {
        layers: vec![LayerPolicy {
            layer: Layer::User,
            trusted: true,
            classes: RiskClass::ALL.into_iter().map(|class| (class, opposite)).collect(),
            allowlist: Vec::new(),
            denylist: Vec::new(),
            rules: vec![rule.clone()],
        }],
        ..Policy::default()
    };
    let action = Action::Shell(ShellCommand {
        command: command.into(),
        description: None,
        directory: ProjectPath::root(),
        timeout: std::time::Duration::from_secs(1),
    });
    let state = SessionState {
        project_root: "/project".to_owned(),
        home: "/home/user".to_owned(),
        kode_home: "/home/user/.kode".to_owned(),
        ..SessionState::default()
    };
    judge(&action, &policy, &state).reason.rule == format!("rule.{}", rule.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Result<RuleEntry, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_rule_is_held_to_its_examples() {
        let publish = r#"{"name":"p","command":["npm","publish","**"],"action":"deny","#;
        let with = |rest: &str| rule(&format!("{publish}{rest}}}"));
        assert!(with(r#""match":["npm publish --tag x"],"not_match":["npm pack"]"#).is_ok());
        assert!(
            with(r#""match":["npm pack"]"#).unwrap_err().contains("does not match its example")
        );
        assert!(
            with(r#""not_match":["npm publish"]"#).unwrap_err().contains("matches its example")
        );
    }

    #[test]
    fn a_rule_that_allows_matches_the_whole_command_alone() {
        let make = r#"{"name":"m","command":["make","deploy"],"action":"allow","#;
        let with = |rest: &str| rule(&format!("{make}{rest}}}"));
        let examples = r#""match":["make deploy"],"not_match":["make deploy now","make; curl x"]"#;
        assert!(with(examples).is_ok(), "{:?}", with(examples).err());
    }
}
