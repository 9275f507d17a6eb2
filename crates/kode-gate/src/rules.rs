//! Matching the argument patterns people write. A doubtful word counts as a
//! match for `deny` and `prompt`, never for `allow`.

use kode_base::escape::escape_line;
use kode_base::{ProjectPath, Verdict};
use thiserror::Error;

use crate::assess::command_line;
use crate::assessment::KnownWord;
use crate::judge::SessionState;
use crate::policy::Rule;

/// What is wrong with a rule a person wrote.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum RuleError {
    /// There are no words to match.
    #[error("rule `{0}` has an empty `command`; name at least the command word")]
    Empty(String),
    /// `**` stands before other words.
    #[error("rule `{0}` has `**` in the middle; it may only be the last word")]
    RestNotLast(String),
    /// `refuse` is kode's own.
    #[error("rule `{0}` has the action `refuse`; use `allow`, `prompt` or `deny`")]
    Refuses(String),
    /// An example of `match` that the pattern does not match.
    #[error(
        "rule `{rule}` does not match its example `{example}`; mend the pattern or the example"
    )]
    DoesNotMatch {
        /// The rule's name.
        rule: String,
        /// The example, escaped.
        example: String,
    },
    /// An example of `not_match` that the pattern matches.
    #[error(
        "rule `{rule}` matches `{example}`, which it says it does not; mend the pattern or the example"
    )]
    Matches {
        /// The rule's name.
        rule: String,
        /// The example, escaped.
        example: String,
    },
}

/// Checks patterns and examples of rules when they are loaded. Every problem
/// is reported, in order.
pub fn check_rules(rules: &[Rule]) -> Vec<RuleError> {
    rules.iter().flat_map(check_rule).collect()
}

fn check_rule(rule: &Rule) -> Vec<RuleError> {
    let name = escape_line(&rule.name);
    let mut errors = Vec::new();
    if rule.command.is_empty() {
        errors.push(RuleError::Empty(name.clone()));
    }
    if rule.command.iter().rev().skip(1).any(|word| word == "**") {
        errors.push(RuleError::RestNotLast(name.clone()));
    }
    if rule.action == Verdict::Refuse {
        errors.push(RuleError::Refuses(name.clone()));
    }
    for example in rule.matching.iter().filter(|example| !example_matches(rule, example)) {
        errors.push(RuleError::DoesNotMatch { rule: name.clone(), example: escape_line(example) });
    }
    for example in rule.not_matching.iter().filter(|example| example_matches(rule, example)) {
        errors.push(RuleError::Matches { rule: name.clone(), example: escape_line(example) });
    }
    errors
}

/// Whether any command in `example` is one the rule means.
fn example_matches(rule: &Rule, example: &str) -> bool {
    let state = SessionState { project_root: "/project".to_owned(), ..SessionState::default() };
    let assessment = command_line(example, &ProjectPath::root(), &state);
    assessment.units.iter().any(|unit| match rule.action {
        Verdict::Allow => surely_matches(rule, &unit.argv),
        _ => may_match(rule, &unit.argv),
    })
}

/// Whether `argv` could be a command this `prompt` or `deny` rule means. The
/// pattern need only cover the command's beginning.
pub(crate) fn may_match(rule: &Rule, argv: &[KnownWord]) -> bool {
    let pattern = without_rest(&rule.command).0;
    if argv.is_empty() || pattern.is_empty() || pattern.len() > argv.len() {
        return false;
    }
    pattern.iter().zip(argv).enumerate().all(|(at, (want, word))| {
        want == "*"
            || match word {
                KnownWord::Exact(text) => named(at, text) == want || text == want,
                KnownWord::Prefix(start) => want.starts_with(start.as_str()),
            }
    })
}

/// Whether every word of `argv` is known and this `allow` rule covers all.
pub(crate) fn surely_matches(rule: &Rule, argv: &[KnownWord]) -> bool {
    let (pattern, open) = without_rest(&rule.command);
    let length = if open { argv.len() >= pattern.len() } else { argv.len() == pattern.len() };
    let known = argv.iter().all(|word| matches!(word, KnownWord::Exact(_)));
    let covered = pattern
        .iter()
        .zip(argv)
        .all(|(want, word)| want == "*" || matches!(word, KnownWord::Exact(text) if text == want));
    !pattern.is_empty() && length && known && covered
}

/// A command word is also known by its last path component: `/bin/rm` is `rm`.
fn named(at: usize, text: &str) -> &str {
    if at == 0 { text.rsplit('/').next().unwrap_or(text) } else { text }
}

fn without_rest(pattern: &[String]) -> (&[String], bool) {
    match pattern.split_last() {
        Some((last, start)) if last == "**" => (start, true),
        _ => (pattern, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(command: &[&str], action: Verdict, matching: &[&str], not_matching: &[&str]) -> Rule {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Rule {
            name: "no-deploy".to_owned(),
            command: owned(command),
            action,
            reason: String::new(),
            matching: owned(matching),
            not_matching: owned(not_matching),
        }
    }

    #[test]
    fn examples_are_checked_against_the_pattern() {
        let good = rule(
            &["git", "push"],
            Verdict::Deny,
            &["git push", "cd x && sudo git push -f"],
            &["git pull"],
        );
        assert_eq!(check_rules(&[good]), []);
        let bad = rule(&["git", "push"], Verdict::Deny, &["git pull"], &["git push origin"]);
        assert_eq!(check_rules(&[bad]).len(), 2);
    }

    #[test]
    fn an_allow_rule_covers_whole_commands_only() {
        let exact = rule(
            &["npm", "run", "deploy"],
            Verdict::Allow,
            &["npm run deploy"],
            &["npm run deploy -- --prod"],
        );
        assert_eq!(check_rules(&[exact]), []);
        let open = rule(
            &["npm", "run", "deploy", "**"],
            Verdict::Allow,
            &["npm run deploy -- --prod"],
            &["npm run dev"],
        );
        assert_eq!(check_rules(&[open]), []);
    }

    #[test]
    fn patterns_that_mean_nothing_are_errors() {
        assert_eq!(check_rules(&[rule(&[], Verdict::Deny, &[], &[])]).len(), 1);
        assert_eq!(check_rules(&[rule(&["a", "**", "b"], Verdict::Deny, &[], &[])]).len(), 1);
        assert_eq!(check_rules(&[rule(&["a"], Verdict::Refuse, &[], &[])]).len(), 1);
    }

    #[test]
    fn a_quoted_or_substituted_word_still_matches_a_deny_rule() {
        let deny = rule(
            &["git", "push"],
            Verdict::Deny,
            &[
                "'git' pu\"sh\"",
                "x=push; git $x",
                "$(echo git) push",
                "/usr/bin/git push",
                "git $UNKNOWN",
            ],
            &["echo git push"],
        );
        assert_eq!(check_rules(&[deny]), []);
    }
}
