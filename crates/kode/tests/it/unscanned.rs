//! Touched code that no rule reads: the run is red until a person accepts it, on a
//! terminal or in advance; the model and the project never do.

use kode_testkit::TerminalSession;

use crate::terminal::{SETTLED, start};
use crate::workspace::{Run, Workspace};

/// Writes files, then finishes.
fn writing(files: &[(&str, &str)]) -> String {
    let calls: String = files
        .iter()
        .map(|(path, text)| {
            let text = serde_json::to_string(text).unwrap();
            format!("      - tool: write_file\n        args: {{path: {path}, content: {text}}}\n")
        })
        .collect();
    format!(
        "turns:\n  - calls:\n{calls}  - label: again\n    calls:\n      - tool: finish\n        args: {{summary: done}}\n    goto: again\n"
    )
}

/// SHA-256 of it.
const HASH: &str = "82be84ab06491c73799a004332cfb83dbb7005b56e22eb9e210af96bb870905a";
/// A file that no rule reads.
const RUBY: (&str, &str) = ("a.rb", "puts 1\n");

fn notices(run: &Run) -> String {
    serde_json::to_string(&run.of_type("notice")).unwrap()
}

#[test]
fn without_a_terminal_the_run_ends_red_at_once_and_says_what_helps() {
    let workspace = Workspace::new();
    let run = workspace.run_script(&writing(&[RUBY, ("run", "#!/bin/sh\ntrue\n")]), &[]).expect(3);
    let gates = run.of_type("gate");
    assert_eq!(gates.len(), 1, "the model's rounds are not used up");
    assert_eq!(gates[0]["colour"], "red");
    assert_eq!(gates[0]["unaccepted"][0]["path"], "a.rb");
    assert_eq!(gates[0]["unaccepted"][1]["path"], "run");
    let said = notices(&run);
    for part in
        ["a.rb (no security rules for Ruby", "shell script", "--accept-unscanned", "kode continue"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_flag_and_the_users_list_accept_in_advance_and_it_is_recorded_with_the_hash() {
    let workspace = Workspace::new();
    workspace.configure(r#"{"scan": {"accept_unscanned": ["*.sh"]}}"#);
    let script = writing(&[RUBY, ("x/run.sh", "true\n")]);
    let run = workspace.run_script(&script, &["--accept-unscanned", "*.rb"]).expect(0);
    let gate = run.of_type("gate")[0];
    assert_eq!(gate["colour"], "green");
    assert_eq!(gate["accepted"][0]["accepted_by"], "user list: *.rb");
    assert_eq!(gate["unscanned"].as_array().unwrap().len(), 2, "they are listed all the same");
    let log = std::fs::read_to_string(workspace.kode_home().join("audit/log.jsonl")).unwrap();
    let hash = HASH;
    let record = log.lines().find(|line| line.contains("accept a.rb unscanned")).unwrap();
    assert!(record.contains(hash) && record.contains("\"action\":\"accept\""), "{record}");
}

#[test]
fn a_project_accepts_nothing_even_when_it_is_trusted_and_can_forbid_it() {
    let workspace = Workspace::new();
    workspace.write("kode.json", r#"{"scan": {"accept_unscanned": ["**"]}}"#);
    let run = workspace.run_script(&writing(&[RUBY]), &[]).expect(3);
    assert!(notices(&run).contains("scan.accept_unscanned"), "{}", notices(&run));
    workspace.configure(r#"{"scan": {"unscanned": "deny"}}"#);
    let run = workspace.run_script(&writing(&[("b.rb", "puts 2\n")]), &[]).expect(3);
    assert!(notices(&run).contains("lets nobody accept"), "{}", notices(&run));
}

#[test]
fn prose_data_and_files_that_only_changed_their_mode_need_no_answer() {
    let workspace = Workspace::new();
    workspace.write("old.rb", "puts 1\n");
    let script = "turns:\n  - calls:\n      - tool: write_file\n        args: {path: a.md, content: \"# x\\n\"}\n      - tool: shell\n        args: {command: \"chmod +x old.rb; echo '{}' > b.json; echo 'a: 1' > c.yml; touch d.css\"}\n  - calls:\n      - tool: finish\n        args: {summary: done}\n";
    let run = workspace.run_script(script, &[]).expect(0);
    assert!(run.of_type("gate")[0]["unaccepted"].as_array().unwrap().is_empty());
}

#[test]
fn what_is_moved_under_a_name_of_code_is_asked_about() {
    let workspace = Workspace::new();
    workspace.write("notes.txt", "system 'true'\n");
    workspace.write("old.rb", "puts 1\n");
    let script = |command: &str| {
        format!(
            "turns:\n  - calls:\n      - tool: shell\n        args: {{command: \"{command}\"}}\n  - calls:\n      - tool: finish\n        args: {{summary: done}}\n"
        )
    };
    workspace.run_script(&script("mv old.rb new.rb"), &[]).expect(0);
    let run = workspace.run_script(&script("mv notes.txt notes.rb"), &[]).expect(3);
    assert_eq!(run.of_type("gate")[0]["unaccepted"][0]["path"], "notes.rb");
}

#[test]
fn the_model_is_told_to_delete_a_built_program_and_may() {
    let workspace = Workspace::new();
    let script = "turns:\n  - calls:\n      - tool: shell\n        args: {command: \"printf '\\\\177ELF\\\\002' > tool\"}\n  - calls:\n      - tool: finish\n        args: {summary: done}\n  - calls:\n      - tool: shell\n        args: {command: \"rm tool\"}\n  - calls:\n      - tool: finish\n        args: {summary: done}\n";
    let run = workspace.run_script(script, &[]).expect(0);
    let gates = run.of_type("gate");
    assert_eq!((&gates[0]["colour"], &gates[1]["colour"]), (&"red".into(), &"green".into()));
    assert!(notices(&run).contains("delete it"), "{}", notices(&run));
}

#[test]
fn a_file_of_holes_is_not_read_to_its_end() {
    let workspace = Workspace::new();
    let script = "turns:\n  - calls:\n      - tool: shell\n        args: {command: \"truncate -s 100G a.rb\"}\n  - calls:\n      - tool: finish\n        args: {summary: done}\n  - calls:\n      - tool: shell\n        args: {command: \"rm a.rb\"}\n  - calls:\n      - tool: finish\n        args: {summary: done}\n";
    let run = workspace.run_script(script, &[]).expect(0);
    assert_eq!(run.of_type("gate")[0]["colour"], "red");
    assert!(notices(&run).contains("too large to be accepted"), "{}", notices(&run));
}

#[test]
fn python_leaves_no_built_programs_in_the_project() {
    let workspace = Workspace::new();
    let script = "turns:\n  - calls:\n      - tool: shell\n        args: {command: \"echo 'x = 1' > one.py; python3 -c 'import one'\"}\n  - calls:\n      - tool: finish\n        args: {summary: done}\n";
    workspace.configure(r#"{"dangerous": {"non_interactive": "allow"}}"#);
    let run = workspace.run_script(script, &[]).expect(0);
    assert!(!workspace.project().join("__pycache__").exists());
    assert_eq!(run.of_type("gate").len(), 1);
}

fn on_a_terminal(workspace: &Workspace, script: &str, more: &str) -> TerminalSession {
    let path = workspace.beside("script.yaml");
    std::fs::write(&path, script).unwrap();
    start(workspace, &format!("run {more} --script '{}' 'do the task'", path.display()))
}

fn answered(workspace: &Workspace, script: &str, key: &[u8]) -> (i32, String) {
    let mut session = on_a_terminal(workspace, script, "");
    session.wait_for("session:").unwrap();
    session.watch(SETTLED).unwrap();
    session.send(key).unwrap();
    let (status, output) = session.finish().unwrap();
    (status.code().unwrap(), output)
}

#[test]
fn a_person_is_asked_once_for_all_files_and_accepts_their_bytes() {
    let workspace = Workspace::new();
    let script = writing(&[RUBY, ("b.sh", "true\n")]);
    let (code, output) = answered(&workspace, &script, b"a");
    assert_eq!(code, 0, "{output}");
    assert_eq!(output.matches("Accept: 2 files").count(), 1, "{output}");
    assert!(output.contains("a.rb: no security rules for Ruby"), "{output}");
    let log = std::fs::read_to_string(workspace.kode_home().join("audit/log.jsonl")).unwrap();
    let records = log.lines().filter(|line| line.contains("\"action\":\"accept\""));
    let by_person = records.filter(|line| line.contains("\"answered_by\":\"person\"")).count();
    assert_eq!(by_person, 2, "{log}");
}

#[test]
fn a_denial_ends_the_run_red() {
    let workspace = Workspace::new();
    let (code, output) = answered(&workspace, &writing(&[RUBY]), b"d");
    assert_eq!(code, 3, "{output}");
    assert!(output.contains("you did not accept a.rb"), "{output}");
}

#[test]
fn what_a_person_accepted_holds_for_the_session_and_no_other_bytes() {
    let workspace = Workspace::new();
    let (code, output) = answered(&workspace, &writing(&[RUBY]), b"a");
    assert_eq!(code, 0, "{output}");
    let again = |script: &str| {
        let path = workspace.beside("again.yaml");
        std::fs::write(&path, script).unwrap();
        let arguments = ["continue", "--json", "--script", path.to_str().unwrap(), "go on"];
        Run::of(workspace.kode(&arguments).output().unwrap())
    };
    again("turns:\n  - text: done\n").expect(0);
    let script = writing(&[("a.rb", "puts 2\n")]);
    again(&script).expect(3);
}
