//! What a person alone changed is theirs: no row and no count; a fatal flaw counts.
//! What the agent wrote stays there whichever way it went, also by a person's hand.

use std::process::Command;

use serde_json::{Value, json};

use crate::workspace::{Run, Workspace};

const FLAWED: &str = "const app = require('express')();\nconst { Pool } = require('pg');\nconst pool = new Pool();\napp.get('/', (req, res) => pool.query(\"SELECT * FROM t WHERE n = '\" + req.query.n + \"'\"));\n";
const CLEAN: &str = "module.exports = function add(one, two) {\n  return one + two;\n};\n";

/// The agent makes `calls` and finishes, the person does `by_hand`, and the session goes
/// on to the gate once more: its exit code and what it found.
fn played(
    workspace: &Workspace,
    calls: &[Value],
    by_hand: impl FnOnce(&Workspace),
) -> (i32, String) {
    workspace.configure(r#"{"dangerous": {"non_interactive": "allow"}}"#);
    let mut turns: Vec<Value> = calls.iter().map(|call| json!({"calls": [call]})).collect();
    let finish = json!({"calls": [{"tool": "finish", "args": {"summary": "done"}}]});
    turns.push(finish.clone());
    let script = json!({ "turns": turns }).to_string();
    let run = workspace.run_script(&script, &["--max-gate-rounds", "1"]);
    assert!(run.of_type("tool_result").iter().all(|it| it["ok"] == true), "{:?}", run.outputs());
    by_hand(workspace);
    let path = workspace.beside("finish.yaml");
    std::fs::write(&path, json!({ "turns": [finish] }).to_string()).unwrap();
    let script = path.to_str().unwrap();
    let arguments = ["continue", "--json", "--max-gate-rounds", "1", "--script", script, "go on"];
    let run = Run::of(workspace.kode(&arguments).output().unwrap());
    let told = [run.of_type("gate"), run.of_type("run_finished")].concat();
    (run.code, told.iter().map(|event| format!("{event}\n")).collect())
}

fn write(path: &str, content: &str) -> Value {
    json!({"tool": "write_file", "args": {"path": path, "content": content}})
}

fn shell(command: &str) -> Value {
    json!({"tool": "shell", "args": {"command": command}})
}

/// What `kode review --json` lists.
fn listed(workspace: &Workspace) -> Vec<String> {
    let output = workspace.kode(&["review", "--json"]).output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let files = told["files"].as_array().unwrap().iter();
    files.map(|each| each["file"]["path"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_persons_own_file_is_no_row_and_no_count() {
    let workspace = Workspace::new();
    workspace.write("old.js", CLEAN);
    let (code, output) = played(&workspace, &[write("agent.js", CLEAN)], |workspace| {
        workspace.write("mine.js", "exports.mine = 'a line of a person alone';\n");
        workspace.write("old.js", "module.exports = function other(thing) {};\n");
    });
    assert_eq!(code, 0, "{output}");
    assert!(!output.contains("mine.js"), "{output}");
    assert_eq!(listed(&workspace), ["agent.js"]);
}

/// Who wrote it can't be told for sure: a person accepts it, or mends it.
#[test]
fn a_new_fatal_flaw_counts_whoever_seems_to_have_written_it() {
    let workspace = Workspace::new();
    let (code, output) = played(&workspace, &[write("agent.js", CLEAN)], |workspace| {
        workspace.write("mine.js", FLAWED);
    });
    assert_eq!(code, 3, "{output}");
    assert!(output.contains("mine.js"), "{output}");
    assert_eq!(workspace.read("mine.js"), FLAWED);
}

#[test]
fn what_the_agent_stashed_unseen_is_listed_when_a_person_takes_it_out() {
    let workspace = repository();
    let stashed =
        format!("cat > b.js <<'END'\n{CLEAN}END\ngit -c user.name=x -c user.email=x@x stash -u");
    let (_, output) = played(&workspace, &[shell(&stashed)], |workspace| {
        let project = workspace.project();
        let mut pop = Command::new("git");
        pop.args(["-c", "user.name=x", "-c", "user.email=x@x", "stash", "pop"]);
        assert!(pop.current_dir(project).status().unwrap().success());
    });
    assert_eq!(listed(&workspace), ["b.js"], "{output}");
}

#[test]
fn what_went_while_not_all_was_seen_is_listed() {
    let workspace = Workspace::new();
    workspace.write("old.js", CLEAN);
    let deep = format!("mkdir -p {} && rm old.js", "d/".repeat(131));
    let (_, output) = played(&workspace, &[shell(&deep)], |workspace| {
        std::fs::remove_dir_all(workspace.project().join("d")).unwrap();
    });
    assert_eq!(listed(&workspace), ["old.js"], "{output}");
}

#[test]
fn what_a_person_makes_of_the_agents_patch_is_listed() {
    let workspace = Workspace::new();
    let added: String = CLEAN.lines().map(|line| format!("+{line}\n")).collect();
    let patch = format!("--- /dev/null\n+++ b/new.js\n@@ -0,0 +1,3 @@\n{added}");
    let (_, output) = played(&workspace, &[write("fix.patch", &patch)], |workspace| {
        std::fs::remove_file(workspace.project().join("fix.patch")).unwrap();
        workspace.write("new.js", CLEAN);
    });
    assert_eq!(listed(&workspace), ["new.js"], "{output}");
}

#[test]
fn a_flaw_in_a_persons_part_of_the_agents_file_counts() {
    let workspace = Workspace::new();
    let (code, output) = played(&workspace, &[write("both.js", CLEAN)], |workspace| {
        workspace.write("both.js", &format!("{CLEAN}{FLAWED}"));
    });
    assert_eq!(code, 3, "{output}");
}

/// Each moves the agent's flaw away; the gate is red all the same.
fn assert_red(calls: &[Value], by_hand: impl FnOnce(&Workspace)) {
    let workspace = repository();
    let (code, output) = played(&workspace, calls, by_hand);
    assert_eq!(code, 3, "{output}");
    assert!(output.contains("sql-injection"), "{output}");
}

#[test]
fn the_agents_flaw_counts_when_a_person_renames_the_file() {
    assert_red(&[write("a.js", FLAWED)], |workspace| {
        let project = workspace.project();
        std::fs::rename(project.join("a.js"), project.join("b.js")).unwrap();
    });
}

#[test]
fn the_agents_flaw_counts_when_a_person_copies_it_into_a_file_of_theirs() {
    assert_red(&[write("a.js", FLAWED)], |workspace| {
        let lines: String = (0..80).map(|n| format!("export const mine{n} = {n};\n")).collect();
        workspace.write("mine.js", &format!("{lines}{FLAWED}"));
        std::fs::remove_file(workspace.project().join("a.js")).unwrap();
    });
}

#[test]
fn the_agents_flaw_counts_when_a_later_command_renames_it() {
    assert_red(&[write("a.js", FLAWED), shell("mkdir -p deep; mv a.js deep/z.js")], |_| {});
}

#[test]
fn the_agents_flaw_counts_when_it_waits_in_a_commit_that_a_person_checks_out() {
    let aside = "git checkout -q -b side && git add a.js && git -c user.name=x -c user.email=x@x \
                 commit -qm two && git checkout -q -";
    assert_red(&[write("a.js", FLAWED), shell(aside)], |workspace| {
        git(workspace, &["checkout", "-q", "side"]);
    });
}

#[test]
fn the_agents_flaw_counts_when_no_look_ever_saw_it_before_a_person_took_it_out_of_a_commit() {
    let made = format!(
        "git checkout -q -b side && cat > new.js <<'END'\n{FLAWED}END\ngit add new.js && git -c \
         user.name=x -c user.email=x@x commit -qm two && git checkout -q -"
    );
    assert_red(&[shell(&made)], |workspace| {
        assert!(!workspace.project().join("new.js").exists());
        git(workspace, &["checkout", "-q", "side"]);
    });
}

#[test]
fn the_agents_flaw_counts_when_it_is_stashed_and_a_person_takes_it_out() {
    assert_red(&[write("a.js", FLAWED), shell("git add a.js && git stash -q")], |workspace| {
        git(workspace, &["stash", "pop", "-q"]);
    });
}

#[test]
fn the_agents_flaw_counts_when_it_goes_through_a_link() {
    let workspace = repository();
    workspace.write("real.js", CLEAN);
    std::os::unix::fs::symlink("real.js", workspace.project().join("link.js")).unwrap();
    let copy = "cat flawed.txt > link.js; rm flawed.txt";
    let calls = [write("flawed.txt", FLAWED), shell(copy)];
    let (code, output) = played(&workspace, &calls, |_| {});
    assert_eq!(code, 3, "{output}");
    assert!(output.contains("real.js"), "{output}");
}

fn repository() -> Workspace {
    let workspace = Workspace::new();
    std::fs::remove_dir(workspace.project().join(".git")).unwrap();
    workspace.write("README.md", "hello\n");
    git(&workspace, &["init", "-q"]);
    git(&workspace, &["add", "."]);
    git(&workspace, &["commit", "-qm", "one"]);
    workspace
}

fn git(workspace: &Workspace, arguments: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@t"])
        .args(arguments)
        .current_dir(workspace.project())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_the_agent_changed_can_be_rejected_under_a_name_that_a_person_gave_the_file() {
    let workspace = Workspace::new();
    workspace.write("old.js", CLEAN);
    let changed = format!("{CLEAN}exports.more = 'a line of the agent';\n");
    let calls = [write("old.js", &changed), write("made.js", "exports.made = 'by the agent';\n")];
    played(&workspace, &calls, |workspace| {
        let project = workspace.project();
        std::fs::rename(project.join("old.js"), project.join("new.js")).unwrap();
        std::fs::rename(project.join("made.js"), project.join("moved.js")).unwrap();
    });
    for name in ["new.js", "moved.js"] {
        let output = workspace.kode(&["review", "--reject", name]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!(workspace.read("new.js"), CLEAN);
    assert!(!workspace.project().join("moved.js").exists());
    assert!(!workspace.project().join("old.js").exists());
}
