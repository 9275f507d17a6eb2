//! Saved sessions: going on after an end and after `kill -9`, listing,
//! deleting.

use std::process::Stdio;

use crate::workspace::{Run, Workspace, shell_script};

const TWO_STEPS: &str = "turns:\n  - calls:\n      - tool: write_file\n        args: {path: one.txt, content: one}\n  - calls:\n      - tool: finish\n        args: {summary: first}\n  - calls:\n      - tool: write_file\n        args: {path: two.txt, content: two}\n  - calls:\n      - tool: finish\n        args: {summary: second}\n";

fn go_on(workspace: &Workspace) -> Run {
    let path = workspace.beside("script.yaml");
    let arguments = ["continue", "--json", "--script", path.to_str().unwrap(), "go on"];
    Run::of(workspace.kode(&arguments).output().unwrap())
}

#[test]
fn continue_goes_on_in_the_same_session_with_the_same_base() {
    let workspace = Workspace::new();
    let first = workspace.run_script(TWO_STEPS, &[]).expect(0);
    let second = go_on(&workspace).expect(0);
    assert_eq!(
        first.of_type("run_started")[0]["session"],
        second.of_type("run_started")[0]["session"]
    );
    assert_eq!(workspace.read("two.txt"), "two");
    let files = second.of_type("run_finished")[0]["files"].as_array().unwrap().len();
    assert_eq!(files, 2, "both files differ from the one base");
}

#[test]
fn after_kill_9_the_model_learns_that_a_call_was_cut_off() {
    let workspace = Workspace::new();
    let script = format!("{}  - text: I looked.\n", shell_script("touch started; sleep 60"));
    let mut child = workspace.spawn_script(&script, Stdio::null());
    workspace.wait_for("started");
    child.kill().unwrap();
    child.wait().unwrap();

    let run = go_on(&workspace).expect(0);
    assert!(run.of_type("run_finished")[0]["files"].to_string().contains("started"));
    let session = run.of_type("run_started")[0]["session"].as_str().unwrap().to_owned();
    let journal = workspace.kode_home().join("sessions").join(session).join("journal.jsonl");
    let journal = std::fs::read_to_string(journal).unwrap();
    assert!(journal.contains("kode was stopped while this call ran"), "{journal}");
    let verify = workspace.kode(&["audit", "verify"]).output().unwrap();
    assert_eq!(verify.status.code(), Some(0), "{}", String::from_utf8_lossy(&verify.stderr));
}

#[test]
fn sessions_are_listed_shown_and_deleted() {
    let workspace = Workspace::new();
    let run = workspace.run_script(TWO_STEPS, &[]).expect(0);
    let id = run.of_type("run_started")[0]["session"].as_str().unwrap().to_owned();
    let output = |arguments: &[&str]| {
        let output = workspace.kode(arguments).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    assert!(output(&["session", "list"]).1.contains(&id));
    assert!(output(&["session", "show", &id]).1.contains("one.txt"));
    assert_eq!(output(&["session", "delete", &id]).0, 0);
    assert!(!output(&["session", "list"]).1.contains(&id));
    assert_eq!(output(&["session", "show", &id]).0, 1);
}

#[test]
fn two_kodes_on_one_session_are_refused_and_on_one_project_warned() {
    let workspace = Workspace::new();
    let script = shell_script("touch started; sleep 60");
    let mut child = workspace.spawn_script(&script, Stdio::null());
    workspace.wait_for("started");

    let review = workspace.kode(&["review", "--list"]).output().unwrap();
    assert_eq!(review.status.code(), Some(0), "looking takes no lock");

    let path = workspace.beside("script.yaml");
    let arguments = ["continue", "--script", path.to_str().unwrap(), "go on"];
    let output = workspace.kode(&arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("in use"), "{said}");

    let second = workspace.run_script("turns:\n  - text: hello\n", &[]).expect(0);
    let notices = serde_json::to_string(&second.of_type("notice")).unwrap();
    assert!(notices.contains("works on this project too"), "{notices}");
    child.kill().unwrap();
    child.wait().unwrap();
}
