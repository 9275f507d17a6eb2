//! `kode review`: what a session changed, shell effects included, and putting
//! one file back.

use crate::workspace::Workspace;

const SCRIPT: &str = "turns:\n  - calls:\n      - tool: edit\n        args: {path: a.txt, old: \"one\", new: \"two\"}\n      - tool: shell\n        args: {command: \"printf 'made\\\\n' > b.txt && rm c.txt\"}\n  - calls:\n      - tool: finish\n        args: {summary: done}\n";

fn reviewed() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("a.txt", "one\n");
    workspace.write("c.txt", "kept\n");
    workspace.run_script(SCRIPT, &[]).expect(0);
    workspace
}

fn review(workspace: &Workspace, arguments: &[&str]) -> (i32, String, String) {
    let mut all = vec!["review"];
    all.extend(arguments);
    let output = workspace.kode(&all).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn it_lists_new_changed_and_deleted_files_with_their_diffs() {
    let workspace = reviewed();
    let (code, shown, _) = review(&workspace, &[]);
    assert_eq!(code, 0);
    for expected in ["M a.txt +1 -1", "A b.txt +1 -0", "D c.txt +0 -1", "-one", "+two"] {
        assert!(shown.contains(expected), "missing {expected:?} in:\n{shown}");
    }
}

#[test]
fn json_carries_the_same_list() {
    let workspace = reviewed();
    let (_, shown, _) = review(&workspace, &["--json"]);
    let document: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(document["files"].as_array().unwrap().len(), 3);
    assert_eq!(document["files"][0]["file"]["path"], "a.txt");
}

#[test]
fn reject_puts_one_file_back_and_leaves_the_others() {
    let workspace = reviewed();
    let (code, shown, stderr) =
        review(&workspace, &["--list", "--reject", "c.txt", "--reject", "b.txt"]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(workspace.read("c.txt"), "kept\n");
    assert!(!workspace.project().join("b.txt").exists());
    assert_eq!(workspace.read("a.txt"), "two\n");
    assert!(shown.contains("a.txt") && !shown.contains("b.txt"));
}

#[test]
fn several_names_are_rejected_all_or_none_and_those_in_the_way_are_named() {
    let workspace = reviewed();
    let arguments = ["--reject", "c.txt", "--reject", "nope", "--reject", "neither"];
    let (code, _, stderr) = review(&workspace, &arguments);
    assert_eq!(code, 1);
    assert!(
        stderr.contains("nope holds no change of the agent") && stderr.contains("neither holds"),
        "{stderr}"
    );
    assert!(stderr.contains("nothing was rejected"), "{stderr}");
    assert!(!workspace.project().join("c.txt").exists());
    let (code, _, stderr) = review(&workspace, &["--reject", "c.txt", "--reject", "./c.txt"]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(workspace.read("c.txt"), "kept\n");
}

#[test]
fn a_name_with_blanks_nobody_sees_is_printed_escaped_and_rejected_as_printed() {
    let workspace = Workspace::new();
    let script = "turns:\n  - calls:\n      - {tool: write_file, args: {path: \"a\\u00a0b.txt\", content: \"x\\n\"}}\n      - {tool: write_file, args: {path: \"p\\u0430y.txt\", content: \"x\\n\"}}\n      - {tool: finish, args: {summary: done}}\n";
    workspace.run_script(script, &[]).expect(0);
    let (_, shown, _) = review(&workspace, &["--list"]);
    assert!(
        shown.contains("A a\\u{a0}b.txt +1") && shown.contains("A p\\u{430}y.txt +1"),
        "{shown}"
    );
    let (code, shown, stderr) = review(&workspace, &["--list", "--reject", "a\\u{a0}b.txt"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(!shown.contains("u{a0}") && shown.contains("u{430}"), "{shown}");
    assert!(!workspace.project().join("a\u{a0}b.txt").exists());
}

#[test]
fn reject_refuses_a_file_that_changed_since() {
    let workspace = reviewed();
    workspace.write("a.txt", "mine\n");
    let (code, _, stderr) = review(&workspace, &["--reject", "a.txt"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("a.txt"), "{stderr}");
    assert_eq!(workspace.read("a.txt"), "mine\n");
}

/// A pipe, a socket and a name that is not UTF-8 beside an ordinary file.
fn odd() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("a.txt", "one\n");
    let script = "turns:\n  - calls:\n      - tool: shell\n        args: {command: \"mkfifo pipe; printf 'made\\\\n' > $'b\\\\xff.txt'; echo two > a.txt; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\\\"sock\\\")' || true\"}\n  - label: again\n    calls:\n      - tool: finish\n        args: {summary: done}\n    goto: again\n";
    workspace.configure(r#"{"dangerous": {"classes": {"code_execution": "allow"}}}"#);
    workspace.run_script(script, &["--max-gate-rounds", "1"]).expect(3);
    workspace
}

#[test]
fn a_pipe_and_a_name_that_is_not_utf_8_hide_no_other_file() {
    let workspace = odd();
    let (code, shown, stderr) = review(&workspace, &["--json"]);
    assert_eq!(code, 0, "{stderr}");
    let document: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let files = document["files"].as_array().unwrap();
    let of = |path: &str| files.iter().find(|file| file["file"]["path"] == path).unwrap();
    assert!(of("a.txt")["diff"].as_str().unwrap().contains("+two"));
    assert_eq!(of("pipe")["diff"], serde_json::Value::Null);
    assert_eq!(of("pipe")["file"]["restorable"], false, "nothing brings it back");
    assert_eq!(of("pipe")["file"]["rejectable"], true);
    assert!(of("pipe")["error"].as_str().unwrap().contains("no ordinary file"), "{shown}");
    assert_eq!(of("b\\xff.txt")["file"]["path_bytes"], "62ff2e747874");
    assert!(of("b\\xff.txt")["diff"].as_str().unwrap().contains("+made"), "{shown}");
    let (code, shown, stderr) = review(&workspace, &[]);
    assert_eq!(code, 0, "{stderr}");
    assert!(shown.contains("A b\\xff.txt +1 -0") && shown.contains("A pipe"), "{shown}");
}

#[test]
fn a_pipe_and_a_name_that_is_not_utf_8_are_rejected() {
    let workspace = odd();
    let arguments = ["--list", "--reject", "pipe", "--reject", "b\\xff.txt"];
    let (code, shown, stderr) = review(&workspace, &arguments);
    assert_eq!(code, 0, "{stderr}");
    assert!(
        shown.contains("a.txt") && !shown.contains("pipe") && !shown.contains("xff"),
        "{shown}"
    );
    let left: Vec<_> = std::fs::read_dir(workspace.project()).unwrap().flatten().collect();
    let names: Vec<_> = left.iter().map(std::fs::DirEntry::file_name).collect();
    assert!(!names.iter().any(|name| name == "pipe" || name.to_str().is_none()), "{names:?}");
}
