//! `kode scan` by itself.

use std::process::Command;

use crate::workspace::Workspace;

const INJECTION: &str = "import sqlite3\nfrom flask import request\ndef find():\n    return sqlite3.connect('a').execute(\"SELECT 1 WHERE a = '%s'\" % request.args['a'])\n";

fn scan(workspace: &Workspace, arguments: &[&str]) -> (i32, String) {
    let mut all = vec!["scan"];
    all.extend(arguments);
    let output = workspace.kode(&all).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

fn git(workspace: &Workspace, arguments: &[&str]) {
    let status = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(workspace.project())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
}

#[test]
fn a_fatal_finding_ends_with_3_in_every_format() {
    let workspace = Workspace::new();
    workspace.write("app.py", INJECTION);
    let (code, text) = scan(&workspace, &[]);
    assert_eq!(code, 3);
    assert!(text.contains("app.py:4") && text.contains("CWE-89"), "{text}");
    let (code, sarif) = scan(&workspace, &["--format", "sarif"]);
    let sarif: serde_json::Value = serde_json::from_str(&sarif).unwrap();
    assert_eq!((code, &sarif["version"]), (3, &serde_json::json!("2.1.0")));
    assert_eq!(scan(&workspace, &["--fail-on", "never"]).0, 0);
}

#[test]
fn diff_tells_only_what_is_new() {
    let workspace = Workspace::new();
    std::fs::remove_dir(workspace.project().join(".git")).unwrap();
    git(&workspace, &["init", "-q"]);
    workspace.write("old.py", INJECTION);
    git(&workspace, &["add", "."]);
    git(&workspace, &["commit", "-qm", "one"]);
    assert_eq!(scan(&workspace, &["--diff", "HEAD"]).0, 0);
    workspace.write("new.py", INJECTION);
    let (code, text) = scan(&workspace, &["--diff", "HEAD"]);
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("new.py") && !text.contains("old.py"), "{text}");
    assert_eq!(scan(&workspace, &["--diff", "no-such-branch"]).0, 2);
}

#[test]
fn a_path_that_is_not_there_is_a_usage_error() {
    assert_eq!(scan(&Workspace::new(), &["nowhere.py"]).0, 2);
}
