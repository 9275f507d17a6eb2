//! Places whose content runs later: what a command changes there is held, by
//! whatever way it was changed; without a terminal the run ends with 4.

use crate::workspace::{Run, Workspace, shell_script};

const ALLOW: &str = r#"{"dangerous": {"non_interactive": "allow"}}"#;

/// A command that the gate can't see through.
fn writing(path: &str, text: &str) -> String {
    shell_script(&format!("perl -e 'open(F, q(>), q({path})); print F q({text})'"))
}

fn run(workspace: &Workspace, script: &str, more: &[&str], code: i32) -> Run {
    workspace.configure(ALLOW);
    workspace.run_script(script, more).expect(code)
}

#[test]
fn what_runs_later_is_put_back_and_the_run_ends_with_4() {
    let workspace = Workspace::new();
    workspace.write(".github/workflows/ci.yml", "on: push\n");
    let run = run(&workspace, &writing(".github/workflows/ci.yml", "evil"), &[], 4);
    assert_eq!(workspace.read(".github/workflows/ci.yml"), "on: push\n");
    assert!(run.outputs().contains("put back and waits"), "{}", run.outputs());
    let decisions = run.of_type("decision");
    assert_eq!(decisions[1]["reason"]["rule"], "question.sensitive_place");
    assert_eq!(decisions[1]["permitted"], false);
}

#[test]
fn a_listed_place_may_change() {
    let workspace = Workspace::new();
    workspace.write("Makefile", "all:\n");
    run(&workspace, &writing("Makefile", "lint:"), &["--may-change", "Makefile"], 0);
    assert_eq!(workspace.read("Makefile"), "lint:");
}

#[test]
fn a_file_named_in_the_task_may_change() {
    let workspace = Workspace::new();
    workspace.write("Makefile", "all:\n");
    workspace.configure(ALLOW);
    let path = workspace.beside("script.yaml");
    std::fs::write(&path, writing("Makefile", "lint:")).unwrap();
    let accept = ["--accept-unscanned", "Makefile"];
    let arguments = [
        "run",
        "--json",
        "--script",
        path.to_str().unwrap(),
        accept[0],
        accept[1],
        "add lint to the Makefile",
    ];
    Run::of(workspace.kode(&arguments).output().unwrap()).expect(0);
    assert_eq!(workspace.read("Makefile"), "lint:");
}

#[test]
fn an_ordinary_part_of_a_manifest_may_change_and_its_scripts_not() {
    let workspace = Workspace::new();
    let base = r#"{"version": "1", "scripts": {"test": "true"}}"#;
    workspace.write("package.json", base);
    let newer = base.replace("\"1\"", "\"2\"");
    run(&workspace, &writing("package.json", &newer), &[], 0);
    assert_eq!(workspace.read("package.json"), newer);
    let hooked = newer.replace("true\"", "true\", \"postinstall\": \"x\"");
    run(&workspace, &writing("package.json", &hooked), &[], 4);
    assert_eq!(workspace.read("package.json"), newer);
}

#[test]
fn an_edit_tool_asks_before_with_or_without_a_link() {
    let workspace = Workspace::new();
    workspace.write("Makefile", "all:\n");
    std::os::unix::fs::symlink("Makefile", workspace.project().join("notes.txt")).unwrap();
    for path in ["Makefile", "notes.txt"] {
        let script = format!(
            "turns:\n  - calls:\n      - tool: read_file\n        args: {{path: {path}}}\n  - calls:\n      - tool: edit\n        args: {{path: {path}, old: \"all:\", new: \"evil:\"}}\n  - calls:\n      - tool: finish\n        args: {{summary: done}}\n"
        );
        run(&workspace, &script, &[], 4);
        assert_eq!(workspace.read("Makefile"), "all:\n", "{path}");
    }
}

#[test]
fn a_pending_change_is_still_there_when_the_session_goes_on() {
    let workspace = Workspace::new();
    workspace.write("Makefile", "all:\n");
    run(&workspace, &writing("Makefile", "evil:"), &[], 4);
    let script = workspace.beside("script.yaml");
    std::fs::write(&script, shell_script("ls")).unwrap();
    let arguments = ["continue", "--json", "--script", script.to_str().unwrap(), "go on"];
    let again = Run::of(workspace.kode(&arguments).output().unwrap()).expect(4);
    assert!(serde_json::to_string(&again.events).unwrap().contains("put back and waits"));
    assert_eq!(workspace.read("Makefile"), "all:\n");
}

/// One place that can't be put back must not shield the others, and installing
/// answers for programs of packages alone.
#[test]
fn no_other_place_stays_changed_beside_one_that_can_not_be_put_back() {
    let workspace = Workspace::new();
    workspace.write("Makefile", "all:\n");
    let script = "rm Makefile; mkdir -p Makefile/deep; echo x > Makefile/deep/file; \
                  mkfifo Dockerfile; echo 'import os' > conftest.py";
    workspace.write("q.sh", script);
    let run = run(&workspace, &shell_script("sh q.sh"), &[], 4);
    assert!(run.outputs().contains("could not be put back and stands"), "{}", run.outputs());
    assert!(!workspace.project().join("conftest.py").exists());
    assert!(!workspace.project().join("Dockerfile").exists());
}

#[test]
fn an_installation_nobody_approved_changes_no_place() {
    let workspace = Workspace::new();
    workspace.write("AGENTS.md", "old\n");
    let script = "echo evil > AGENTS.md; echo evil > .envrc; mkdir -p node_modules/.bin; \
                  echo evil > node_modules/.bin/x";
    workspace.write("q.sh", script);
    let command = "pip install --no-index nothing-there; sh q.sh";
    let run = run(&workspace, &shell_script(command), &[], 4);
    assert_eq!(workspace.read("AGENTS.md"), "old\n", "{}", run.outputs());
    assert!(!workspace.project().join(".envrc").exists());
    assert!(!workspace.project().join("node_modules/.bin/x").exists());
}

/// Places that ignore files name, and what a project's command writes there.
const IGNORED: &[&str] = &[
    ".vscode/tasks.json",
    ".husky/_/pre-commit",
    ".claude/settings.local.json",
    "docker-compose.override.yml",
    ".idea/runConfigurations/a.xml",
    ".tox/py312/bin/pytest",
    "py/bin/python",
];

#[test]
fn ignored_places_are_held_too_however_many_files_are_ignored() {
    for count in [10, 20_010] {
        let workspace = Workspace::new();
        let ignored =
            ".vscode/\n.husky/_/\n.claude/\n*.override.yml\n.idea/\n.tox/\npy/\ndata/\nbuild/\n";
        workspace.write(".gitignore", ignored);
        workspace.write("py/pyvenv.cfg", "home = /usr/bin\n");
        workspace.write("py/bin/python", "old\n");
        std::fs::create_dir(workspace.project().join("data")).unwrap();
        for number in 0..count {
            std::fs::write(workspace.project().join(format!("data/{number}")), "").unwrap();
        }
        let mut lines = vec!["mkdir -p build; echo all: > build/Makefile".to_owned()];
        for path in IGNORED {
            lines.push(format!("mkdir -p $(dirname {path}); echo evil > {path}"));
        }
        workspace.write("q.sh", &lines.join("\n"));
        let run = run(&workspace, &shell_script("sh q.sh"), &[], 4);
        for path in IGNORED {
            assert!(
                run.outputs().contains(&format!("the change of {path} was put back")),
                "{path}"
            );
            let now = std::fs::read_to_string(workspace.project().join(path)).unwrap_or_default();
            assert!(!now.contains("evil"), "{path}: {now}");
        }
        assert_eq!(workspace.read("py/bin/python"), "old\n");
        assert_eq!(workspace.read("build/Makefile"), "all:\n", "a tool's own file stays");
    }
}

#[test]
fn a_flood_of_changes_is_put_back_and_told_in_few_words() {
    let workspace = Workspace::new();
    let flood = "for i in $(seq 1 120); do mkdir -p d/$i; echo evil > d/$i/Makefile; done";
    workspace.write("q.sh", flood);
    let run = run(&workspace, &shell_script("sh q.sh"), &[], 4);
    let notices = serde_json::to_string(&run.of_type("notice")).unwrap();
    assert!(notices.contains("96 more changes of places"), "{notices}");
    assert!(notices.matches("was put back and waits").count() < 30, "{notices}");
    assert!(!workspace.project().join("d/1/Makefile").exists());
    assert!(!workspace.project().join("d/120/Makefile").exists());
}
