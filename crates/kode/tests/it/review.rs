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
fn reject_refuses_a_file_that_changed_since() {
    let workspace = reviewed();
    workspace.write("a.txt", "mine\n");
    let (code, _, stderr) = review(&workspace, &["--reject", "a.txt"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("a.txt"), "{stderr}");
    assert_eq!(workspace.read("a.txt"), "mine\n");
}
