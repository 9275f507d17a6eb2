//! `kode policy check` and `explain`: judging without running. Lines in, lines
//! out; nothing is asked, recorded or minted.

mod lines;

pub use lines::answer_lines;

use kode_base::{Layer, ProjectPath, Verdict};
use serde::{Deserialize, Serialize};

use crate::assess::command_line;
use crate::judge::{Judgement, SessionState};
use crate::policy::Policy;
use crate::resolve::resolve;

#[derive(Deserialize)]
struct Line {
    id: serde_json::Value,
    cmd: String,
}

#[derive(Serialize)]
struct Answer<'a> {
    id: &'a serde_json::Value,
    verdict: &'a str,
    class: &'a str,
    reason: &'a str,
    rule: &'a str,
}

/// Judges `command` as it would run at the project root.
pub fn check(command: &str, policy: &Policy, state: &SessionState) -> Judgement {
    let assessment = command_line(command, &ProjectPath::root(), state);
    resolve(&assessment, policy, state.sensitive_changed)
}

/// One line of `kode policy check --json --stdin`: `{"id","cmd"}` in,
/// `{"id","verdict","class","reason","rule"}` out. A line that can't be read
/// is answered with `refuse`-free `prompt`: never with allow.
pub fn check_line(line: &str, policy: &Policy, state: &SessionState) -> String {
    let Ok(Line { id, cmd }) = serde_json::from_str::<Line>(line) else {
        let id = serde_json::Value::Null;
        let reason = "the line is not a JSON object with `id` and `cmd`";
        return written(&Answer {
            id: &id,
            verdict: "prompt",
            class: "code_execution",
            reason,
            rule: "input",
        });
    };
    let judgement = check(&cmd, policy, state);
    written(&Answer {
        id: &id,
        verdict: judgement.verdict.as_str(),
        class: judgement.reason.class.as_str(),
        reason: &judgement.reason.text,
        rule: &judgement.reason.rule,
    })
}

fn written(answer: &Answer<'_>) -> String {
    serde_json::to_string(answer).unwrap_or_default()
}

/// What `kode policy explain` shows: words, effects, class, the rule and layer
/// that decided, and what the sandbox would still stop.
pub fn explain(command: &str, policy: &Policy, state: &SessionState) -> String {
    let assessment = command_line(command, &ProjectPath::root(), state);
    let judgement = resolve(&assessment, policy, state.sensitive_changed);
    let mut lines = vec![format!("command: {}", kode_base::escape::escape_line(command))];
    for (at, unit) in assessment.units.iter().enumerate() {
        let words: Vec<String> =
            unit.argv.iter().map(crate::assessment::KnownWord::shown).collect();
        let words = kode_base::escape::escape_line(&words.join(" "));
        let by =
            unit.parent.map_or(String::new(), |parent| format!(" (started by {})", parent + 1));
        lines.push(format!("{}. {words}{by}: {} because {}", at + 1, unit.class, unit.why));
    }
    if !assessment.explanation.is_empty() {
        lines.push("effects:".to_owned());
        lines.extend(assessment.explanation.lines().map(|line| format!("  {line}")));
    }
    let reason = &judgement.reason;
    lines.push(format!("class: {}", reason.class));
    lines.push(format!(
        "verdict: {} by {} ({}): {}",
        judgement.verdict,
        reason.rule,
        layer(reason.layer),
        reason.text
    ));
    lines.push(sandbox_line(judgement.verdict).to_owned());
    lines.join("\n") + "\n"
}

fn layer(layer: Layer) -> String {
    format!("{layer} layer")
}

fn sandbox_line(verdict: Verdict) -> &'static str {
    if verdict >= Verdict::Deny {
        "sandbox: nothing runs, so nothing reaches it"
    } else {
        "sandbox: would still stop writes outside the project, the home folder, foreign processes and the network"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::table::every_example;

    fn state() -> SessionState {
        SessionState {
            project_root: "/work/app".to_owned(),
            home: "/home/dev".to_owned(),
            kode_home: "/home/dev/.kode".to_owned(),
            ..SessionState::default()
        }
    }

    fn verdict(command: &str) -> Verdict {
        check(command, &Policy::default(), &state()).verdict
    }

    #[test]
    fn a_home_below_the_temporary_folder_is_a_home() {
        let state = SessionState { home: "/tmp/somebody".to_owned(), ..state() };
        for command in ["rm ~/somefile", "echo x >> ~/.bashrc", "rm -rf ~/*"] {
            let judgement = check(command, &Policy::default(), &state);
            assert!(judgement.verdict > Verdict::Allow, "{command}");
        }
        let judgement = check("touch /tmp/scratch", &Policy::default(), &state);
        assert_eq!(judgement.verdict, Verdict::Allow);
    }

    #[test]
    fn the_examples_of_every_table_entry_hold() {
        let mut wrong = Vec::new();
        for (name, command, expected) in every_example() {
            let got = verdict(&command);
            // An example of a denial may be refused as well.
            let holds = got == expected || expected == Verdict::Deny && got == Verdict::Refuse;
            if !holds {
                wrong.push(format!("{name}: `{command}` is {got}, not {expected}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn a_line_that_is_no_json_is_never_allowed() {
        let answer = check_line("rm -rf /", &Policy::default(), &state());
        assert!(answer.contains("\"verdict\":\"prompt\""), "{answer}");
    }

    #[test]
    fn explain_names_rule_layer_and_effects() {
        let text = explain("sudo rm /etc/x", &Policy::default(), &state());
        assert!(text.contains("class.system_write") && text.contains("builtin layer"), "{text}");
    }
}
