//! `kill -9` of kode while a command of the agent's runs: what that changed is the
//! agent's, marked `$` and rejectable, for whoever opens the session next. Where only a
//! question stood nothing ran, and what changed is the person's.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::terminal::start;
use crate::workspace::{Run, Workspace};

const BEFORE: &str = "one\ntwo\nthree\n";
const BY_COMMAND: &str = "one\ntwo\nagent\n";
const MINE: &str = "mine\ntwo\nthree\n";

fn project() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("a.txt", BEFORE);
    workspace.write("b.txt", BEFORE);
    workspace
}

/// kode is killed in the middle of a command that changed `a.txt` and made `made`; the
/// person edited `b.txt` before it began.
fn killed_in_a_command() -> Workspace {
    let workspace = project();
    let script = r#"{"turns": [
        {"calls": [{"tool": "shell", "args": {"command": "echo once > first"}}]},
        {"pause_ms": 60000, "calls": [{"tool": "finish", "args": {"summary": "done"}}]}]}"#;
    let mut child = workspace.spawn_script(script, Stdio::piped());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains(r#""turn_started","turn":2"#)));
    child.kill().unwrap();
    child.wait().unwrap();
    workspace.write("b.txt", MINE);

    let script = r#"{"turns": [
        {"calls": [{"tool": "shell", "args": {"command": "sed -i s/three/agent/ a.txt; echo x > made; sleep 60"}}]}]}"#;
    let path = workspace.beside("script2.yaml");
    std::fs::write(&path, script).unwrap();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_kode"))
        .args(["continue", "--json", "--script", path.to_str().unwrap(), "go on"])
        .current_dir(workspace.project())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", workspace.user_home())
        .env("KODE_NON_INTERACTIVE", "allow")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    workspace.wait_for("made");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(workspace.read("a.txt"), BY_COMMAND);
    workspace
}

/// What `kode review --json` says of each file: path, by a command, rejectable.
fn reviewed(workspace: &Workspace) -> Vec<(String, bool, bool)> {
    let output = workspace.kode(&["review", "--json"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let files = told["files"].as_array().unwrap().iter().map(|each| &each["file"]);
    let told = |file: &Value, key: &str| file[key].as_bool().unwrap();
    let told = files.map(|file| {
        let path = file["path"].as_str().unwrap().to_owned();
        (path, told(file, "by_command"), told(file, "rejectable"))
    });
    told.collect()
}

/// Who changed `path`, step by step.
fn booked(workspace: &Workspace, path: &str) -> Vec<String> {
    let session = std::fs::read_dir(workspace.kode_home().join("sessions")).unwrap().next();
    let changes = session.unwrap().unwrap().path().join("changes.jsonl");
    let text = std::fs::read_to_string(changes).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_path = lines.filter(|line| {
        let changes = line["changes"].as_array();
        changes.is_some_and(|changes| changes.iter().any(|change| change["path"] == path))
    });
    of_path.map(|line| line["origin"]["by"].as_str().unwrap().to_owned()).collect()
}

fn reject(workspace: &Workspace, path: &str) {
    let output = workspace.kode(&["review", "--reject", path]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn assert_all_is_the_agents(workspace: &Workspace) {
    let told = reviewed(workspace);
    for path in ["a.txt", "first", "made"] {
        assert!(told.contains(&(path.to_owned(), true, true)), "{path}: {told:?}");
    }
    assert_eq!(booked(workspace, "b.txt"), ["person"]);
}

#[test]
fn what_a_killed_command_changed_is_the_agents_in_the_review() {
    let workspace = killed_in_a_command();
    assert_all_is_the_agents(&workspace);
    reject(&workspace, "a.txt");
    reject(&workspace, "made");
    assert_eq!(workspace.read("a.txt"), BEFORE);
    assert_eq!(workspace.read("b.txt"), MINE);
    assert!(!workspace.project().join("made").exists());
}

#[test]
fn what_a_killed_command_changed_is_the_agents_for_a_reject_that_comes_first() {
    let workspace = killed_in_a_command();
    reject(&workspace, "a.txt");
    assert_eq!(workspace.read("a.txt"), BEFORE);
    assert_eq!(booked(&workspace, "a.txt"), ["agent", "reject"]);
    assert_eq!(booked(&workspace, "b.txt"), ["person"]);
}

#[test]
fn what_a_person_edits_after_that_look_is_theirs() {
    let workspace = killed_in_a_command();
    assert_all_is_the_agents(&workspace);
    workspace.write("a.txt", "mine\none\ntwo\nagent\n");
    reject(&workspace, "a.txt");
    assert_eq!(workspace.read("a.txt"), "mine\none\ntwo\nthree\n");
    assert_eq!(booked(&workspace, "a.txt"), ["agent", "person", "reject"]);
}

#[test]
fn what_a_killed_command_changed_is_the_agents_when_the_session_goes_on() {
    let workspace = killed_in_a_command();
    let script = r#"{"turns": [{"calls": [{"tool": "finish", "args": {"summary": "done"}}]}]}"#;
    let path = workspace.beside("script3.yaml");
    std::fs::write(&path, script).unwrap();
    let arguments = ["continue", "--json", "--script", path.to_str().unwrap(), "go on"];
    Run::of(workspace.kode(&arguments).output().unwrap()).expect(0);
    assert_all_is_the_agents(&workspace);
    reject(&workspace, "a.txt");
    assert_eq!(workspace.read("a.txt"), BEFORE);
}

#[test]
fn what_a_killed_command_changed_can_be_undone() {
    let workspace = killed_in_a_command();
    let (status, output) = start(&workspace, "undo").finish().unwrap();
    assert!(status.success(), "{output}");
    assert_eq!(workspace.read("a.txt"), BEFORE);
    assert_eq!(workspace.read("b.txt"), MINE);
}

#[test]
fn a_place_that_runs_later_is_held_after_a_kill_whoever_looks_first() {
    let workspace = project();
    workspace.write("Makefile", "all:\n");
    workspace.write("q.sh", "echo evil: > Makefile; echo x > made; sleep 60\n");
    let script = r#"{"turns": [{"calls": [{"tool": "shell", "args": {"command": "sh q.sh"}}]}]}"#;
    let mut child = workspace.spawn_script(script, Stdio::null());
    workspace.wait_for("made");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(workspace.read("Makefile"), "evil:\n");
    let output = workspace.kode(&["review", "--list"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("Makefile was put back and waits"), "{told}");
    assert_eq!(workspace.read("Makefile"), "all:\n");
    assert_eq!(reviewed(&workspace), [("made".to_owned(), true, true)]);
}

/// kode is killed while its question stands; the person edits both files then.
fn killed_at_a_question() -> Workspace {
    let workspace = project();
    let script = r#"{"turns": [
        {"calls": [{"tool": "edit", "args": {"path": "a.txt", "old": "three", "new": "agent"}}]},
        {"calls": [{"tool": "shell", "args": {"command": "perl -e 'open(F, q(>made))'"}}]},
        {"calls": [{"tool": "finish", "args": {"summary": "done"}}]}]}"#;
    let path = workspace.beside("script.yaml");
    std::fs::write(&path, script).unwrap();
    let mut session =
        start(&workspace, &format!("run --script '{}' 'do the task'", path.display()));
    session.wait_for("Run:").unwrap();
    assert_eq!(workspace.read("a.txt"), BY_COMMAND);
    workspace.write("a.txt", "mine\none\ntwo\nagent\n");
    workspace.write("b.txt", MINE);
    kill_9(session.process_id());
    let deadline = Instant::now() + Duration::from_secs(30);
    while session.wait_for_exit().is_err() {
        assert!(Instant::now() < deadline, "it did not end");
    }
    workspace
}

fn kill_9(process: u32) {
    let process = process.to_string();
    assert!(std::process::Command::new("kill").args(["-9", &process]).status().unwrap().success());
}

fn assert_the_edits_are_the_persons(workspace: &Workspace) {
    assert_eq!(booked(workspace, "a.txt"), ["agent", "person"]);
    assert_eq!(booked(workspace, "b.txt"), ["person"]);
    reject(workspace, "a.txt");
    assert_eq!(workspace.read("a.txt"), "mine\none\ntwo\nthree\n");
    assert_eq!(workspace.read("b.txt"), MINE);
}

#[test]
fn what_changed_while_a_question_stood_is_the_persons_after_a_kill() {
    let workspace = killed_at_a_question();
    let wrong = workspace.kode(&["review", "--reject", "b.txt"]).output().unwrap();
    assert!(!wrong.status.success(), "{wrong:?}");
    assert_the_edits_are_the_persons(&workspace);
}

#[test]
fn what_changed_while_a_question_stood_is_the_persons_when_the_session_goes_on() {
    let workspace = killed_at_a_question();
    let script = r#"{"turns": [{"calls": [{"tool": "finish", "args": {"summary": "done"}}]}]}"#;
    let path = workspace.beside("script3.yaml");
    std::fs::write(&path, script).unwrap();
    let arguments = ["continue", "--json", "--script", path.to_str().unwrap(), "go on"];
    Run::of(workspace.kode(&arguments).output().unwrap()).expect(0);
    assert_the_edits_are_the_persons(&workspace);
}
