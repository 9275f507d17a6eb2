//! Bad input everywhere: one clear message with the remedy, the right exit
//! code, and nothing changed.

use std::process::Output;

use crate::workspace::Workspace;

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn without_a_model_it_says_how_to_name_one() {
    let workspace = Workspace::new();
    let output = workspace.kode(&["run", "a task"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("--model"));
    assert!(!workspace.kode_home().join("sessions").exists(), "no session was begun");
}

#[test]
fn without_a_key_it_names_the_variables() {
    let workspace = Workspace::new();
    let output = workspace.kode(&["run", "--model", "gpt-5", "a task"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("KODE_API_KEY"), "{}", said(&output));
    assert!(!workspace.kode_home().join("sessions").exists());
}

#[test]
fn a_server_that_is_not_there_is_a_provider_failure() {
    let workspace = Workspace::new();
    let arguments = ["run", "--model", "m", "--base-url", "http://127.0.0.1:9/v1", "a task"];
    let output = workspace.kode(&arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(6), "{}", said(&output));
    assert!(said(&output).contains("127.0.0.1:9"), "{}", said(&output));
}

#[test]
fn a_broken_configuration_is_named_with_line_and_column() {
    let workspace = Workspace::new();
    workspace.configure("{\n  \"modle\": \"x\"\n}");
    let output = workspace.kode(&["run", "a task"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = said(&output);
    assert!(said.contains("config.json:2:3") && said.contains("`model`"), "{said}");
}

#[test]
fn a_key_never_travels_over_plain_http() {
    let workspace = Workspace::new();
    let arguments = ["run", "--model", "m", "--base-url", "http://models.example.com/v1", "a task"];
    let mut command = workspace.kode(&arguments);
    command.env("KODE_API_KEY", "canary-key-0a1b2c3d");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(
        said(&output).contains("https") && !said(&output).contains("canary"),
        "{}",
        said(&output)
    );
}

#[test]
fn refused_roots_are_refused() {
    let workspace = Workspace::new();
    for folder in ["/", "/tmp", "/usr", "/etc"] {
        let mut command = workspace.kode(&["run", "--script", "/dev/null", "a task"]);
        let output = command.current_dir(folder).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{folder}: {}", said(&output));
        assert!(said(&output).contains(folder), "{}", said(&output));
    }
    let mut command = workspace.kode(&["review"]);
    let output = command.current_dir(workspace.user_home()).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "home: {}", said(&output));
}

#[test]
fn a_wrong_script_is_named_with_its_line() {
    let workspace = Workspace::new();
    std::fs::write(workspace.beside("bad.yaml"), "turns:\n  - txet: hi\n").unwrap();
    let path = workspace.beside("bad.yaml");
    let output =
        workspace.kode(&["run", "--script", path.to_str().unwrap(), "a task"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("line 2"), "{}", said(&output));
}

#[test]
fn usage_errors_end_with_2() {
    let workspace = Workspace::new();
    for arguments in [&["run"][..], &["nonsense"], &["run", "--max-iter", "0", "t"], &["run", ""]] {
        let output = workspace.kode(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn an_answer_that_can_not_be_written_is_an_error_and_no_panic() {
    let workspace = Workspace::new();
    for arguments in [&["policy", "check", "ls"][..], &["completions", "bash"], &["audit", "list"]]
    {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = workspace.kode(arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains("standard output"), "{}", said(&output));
    }
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let workspace = Workspace::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = workspace.kode(&["completions", "bash"]).stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(said(&output), "");
}
