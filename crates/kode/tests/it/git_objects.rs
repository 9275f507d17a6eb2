//! A flaw that is committed, staged or stashed and then removed from the tree
//! keeps the task open.

use std::process::Command;

use crate::workspace::{Run, Workspace};

const INJECTION: &str = "const q = (db, request) => db.query(\"SELECT 1 WHERE a = '\" + request.query.a + \"'\");\nconst express = require('express'); const { Pool } = require('pg'); const pool = new Pool();\nexpress().get('/', (request, response) => pool.query(\"SELECT 1 WHERE a = '\" + request.query.a + \"'\"));\n";

/// A project with a real repository and one commit.
fn repository() -> Workspace {
    let workspace = Workspace::new();
    std::fs::remove_dir(workspace.project().join(".git")).unwrap();
    workspace.write("README.md", "hello\n");
    for arguments in [&["init", "-q"][..], &["add", "."], &["commit", "-qm", "one"]] {
        let output = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@t"])
            .args(arguments)
            .current_dir(workspace.project())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    workspace
}

/// Writes the injection, runs `command`, then only wants to finish.
fn insist(workspace: &Workspace, command: &str) -> Run {
    workspace.configure(r#"{"dangerous": {"non_interactive": "allow"}}"#);
    let content = serde_json::to_string(INJECTION).unwrap();
    let command = serde_json::to_string(command).unwrap();
    let script = format!(
        "turns:\n  - calls:\n      - tool: write_file\n        args: {{path: a.js, content: {content}}}\n      - tool: shell\n        args: {{command: {command}}}\n  - label: again\n    calls:\n      - tool: finish\n        args: {{summary: done}}\n    goto: again\n"
    );
    workspace.run_script(&script, &["--max-gate-rounds", "1"])
}

fn assert_red_because_of_git(run: Run) {
    let run = run.expect(3);
    let findings = run.of_type("gate")[0]["findings"].to_string();
    assert!(findings.contains("git index, a new commit or a stash"), "{findings}");
}

#[test]
fn a_committed_injection_that_is_gone_from_the_tree_is_found() {
    let command = "git add -A && git -c user.name=x -c user.email=x@x commit -qm two && rm a.js && git status";
    assert_red_because_of_git(insist(&repository(), command));
}

#[test]
fn a_bad_commit_below_a_good_one_is_found() {
    let command = "git add -A && git -c user.name=x -c user.email=x@x commit -qm two && git rm -q a.js && git -c user.name=x -c user.email=x@x commit -qm three";
    assert_red_because_of_git(insist(&repository(), command));
}

#[test]
fn a_staged_injection_that_is_gone_from_the_tree_is_found() {
    assert_red_because_of_git(insist(&repository(), "git add a.js && rm a.js"));
}

#[test]
fn a_stash_below_the_newest_is_found() {
    let stash = "git -c user.name=x -c user.email=x@x stash -q -u";
    let command = format!("git add -A && {stash} && echo y > c.txt && {stash} && git stash list");
    assert_red_because_of_git(insist(&repository(), &command));
}

#[test]
fn a_tag_of_a_blob_and_one_of_a_tree_are_found() {
    let command = "git tag kept.js $(git hash-object -w a.js) && rm a.js && git status";
    assert_red_because_of_git(insist(&repository(), command));
    let command = "git add a.js && git tag -a -m tree kept $(git write-tree) && git rm -q --cached a.js && rm a.js";
    let command = command.replace("git tag", "git -c user.name=x -c user.email=x@x tag");
    assert_red_because_of_git(insist(&repository(), &command));
}

#[test]
fn a_good_commit_is_green() {
    let workspace = repository();
    let script = "turns:\n  - calls:\n      - tool: write_file\n        args: {path: b.js, content: \"module.exports = 1;\\n\"}\n      - tool: shell\n        args: {command: \"git add -A && git -c user.name=x -c user.email=x@x commit -qm two && git tag one.js $(git hash-object -w b.js)\"}\n  - calls:\n      - tool: finish\n        args: {summary: done}\n";
    let run = workspace.run_script(script, &[]).expect(0);
    assert_eq!(run.of_type("tool_result")[1]["exit_code"], 0, "{:?}", run.outputs());
}
