//! The completion gate over a whole run: what is fatal keeps the task open,
//! however the model tries to finish.

use crate::workspace::Workspace;

fn write_then_finish_forever(path: &str, content: &str) -> String {
    let content = serde_json::to_string(content).unwrap();
    format!(
        "turns:\n  - calls:\n      - tool: write_file\n        args: {{path: {path}, content: {content}}}\n  - label: again\n    calls:\n      - tool: finish\n        args: {{summary: done}}\n    goto: again\n"
    )
}

const INJECTION: &str = "from flask import request\nimport sqlite3\n\ndef find():\n    name = request.args.get('name')\n    db = sqlite3.connect('a.db')\n    return db.execute(\"SELECT * FROM users WHERE name = '\" + name + \"'\").fetchall()\n";

#[test]
fn a_model_that_only_insists_ends_red_with_3() {
    let workspace = Workspace::new();
    let script = write_then_finish_forever("app.py", INJECTION);
    let run = workspace.run_script(&script, &["--max-gate-rounds", "2"]).expect(3);
    let gates = run.of_type("gate");
    assert_eq!(gates.len(), 2);
    assert!(gates.iter().all(|gate| gate["colour"] == "red"));
    assert_eq!(gates[0]["findings"][0]["path"], "app.py");
    assert_eq!(gates[0]["findings"][0]["cwe"], 89);
}

#[test]
fn a_secret_written_by_a_shell_command_is_found_too() {
    let workspace = Workspace::new();
    let script = "turns:\n  - calls:\n      - tool: shell\n        args: {command: \"printf 'const API_KEY = \\\"sk_live_8sJ2kQpX0vT5rYw3Zb7Lm1Nc\\\";\\\\n' > key.js\"}\n  - label: again\n    calls:\n      - tool: finish\n        args: {summary: done}\n    goto: again\n";
    let run = workspace.run_script(script, &["--max-gate-rounds", "1"]).expect(3);
    assert_eq!(run.of_type("gate")[0]["findings"][0]["path"], "key.js");
    let said = serde_json::to_string(&run.of_type("gate")).unwrap();
    assert!(!said.contains("8sJ2kQpX0vT5rYw3Zb7Lm1Nc"), "a report never shows a secret whole");
}

#[test]
fn a_text_only_turn_goes_through_the_gate() {
    let workspace = Workspace::new();
    let content = serde_json::to_string(INJECTION).unwrap();
    let script = format!(
        "turns:\n  - calls:\n      - tool: write_file\n        args: {{path: app.py, content: {content}}}\n  - label: again\n    text: All done.\n    goto: again\n"
    );
    workspace.run_script(&script, &["--max-gate-rounds", "1"]).expect(3);
}

#[test]
fn an_old_finding_does_not_block_a_task_that_did_not_touch_it() {
    let workspace = Workspace::new();
    workspace.write("app.py", INJECTION);
    let script = "turns:\n  - calls:\n      - tool: edit\n        args: {path: app.py, old: \"import sqlite3\\n\", new: \"import sqlite3\\nimport os\\n\"}\n  - calls:\n      - tool: finish\n        args: {summary: done}\n";
    let run = workspace.run_script(script, &[]).expect(0);
    let gate = run.of_type("gate")[0];
    assert!(!gate["older"].as_array().unwrap().is_empty(), "it is listed apart");
}

#[test]
fn code_without_rules_is_listed_as_unscanned() {
    let workspace = Workspace::new();
    let script = "turns:\n  - calls:\n      - tool: write_file\n        args: {path: a.rb, content: \"puts 1\\n\"}\n  - calls:\n      - tool: finish\n        args: {summary: done}\n";
    let run = workspace.run_script(script, &[]);
    assert_eq!(run.of_type("gate")[0]["unscanned"][0], "a.rb");
}

#[test]
fn checks_run_on_a_copy_and_keep_the_task_open_when_they_fail() {
    let workspace = Workspace::new();
    workspace.configure(r#"{"checks": ["touch built-by-check && test -f made.txt"]}"#);
    let script = "turns:\n  - text: I think I am done.\n  - calls:\n      - tool: write_file\n        args: {path: made.txt, content: x}\n  - calls:\n      - tool: finish\n        args: {summary: done}\n";
    let run = workspace.run_script(script, &[]).expect(0);
    let gates = run.of_type("gate");
    assert_eq!(gates[0]["colour"], "red");
    assert_eq!(gates[0]["failed_checks"].as_array().unwrap().len(), 1);
    assert_eq!(gates[1]["colour"], "green");
    assert!(!workspace.project().join("built-by-check").exists(), "a check writes to its copy");
}

#[test]
fn a_file_too_large_to_keep_is_listed_as_unscanned_and_does_not_end_the_run() {
    let workspace = Workspace::new();
    let script = "turns:\n  - calls:\n      - tool: shell\n        args: {command: \"head -c 17000000 /dev/zero > data.bin\"}\n  - calls:\n      - tool: finish\n        args: {summary: done}\n";
    let run = workspace.run_script(script, &[]).expect(0);
    assert_eq!(run.of_type("gate")[0]["unscanned"][0], "data.bin");
}

#[test]
fn a_file_name_that_is_not_utf_8_hides_nothing() {
    let workspace = Workspace::new();
    let script = r#"
turns:
  - calls:
      - tool: write_file
        args: {path: app.py, content: "from flask import request\nimport sqlite3\n\ndef find():\n    name = request.args.get('name')\n    db = sqlite3.connect('a.db')\n    return db.execute(\"SELECT * FROM users WHERE name = '\" + name + \"'\").fetchall()\n"}
      - tool: shell
        args: {command: "mv app.py $'a\\xff.py'"}
  - label: again
    calls:
      - tool: finish
        args: {summary: done}
    goto: again
"#;
    let run = workspace.run_script(script, &["--max-gate-rounds", "1"]).expect(3);
    let gate = serde_json::to_string(&run.of_type("gate")).unwrap();
    assert!(gate.contains("a\u{10f7ff}.py") && gate.contains("sql-injection"), "{gate}");
}

#[test]
fn breaking_a_file_does_not_hide_what_is_in_it() {
    let workspace = Workspace::new();
    workspace.write("app.py", "print('fine')\n");
    let script = "turns:\n  - calls:\n      - tool: shell\n        args: {command: \"for i in $(seq 300); do echo ')]}((( def class ='; done > app.py\"}\n  - label: again\n    calls:\n      - tool: finish\n        args: {summary: done}\n    goto: again\n";
    let run = workspace.run_script(script, &["--max-gate-rounds", "1"]).expect(3);
    let said = serde_json::to_string(&run.of_type("notice")).unwrap();
    assert!(said.contains("app.py could not be scanned"), "{said}");
}
