//! Files that a command changes pass the guard of the edit tools afterwards:
//! the model and the person are told, and one undo takes it back.

use crate::terminal::start;
use crate::workspace::{Run, Workspace, shell_script};

fn module() -> String {
    (0..12).map(|n| format!("def f{n}():\n    return {n}\n\n\n")).collect()
}

/// Runs one command over a small module, with everything permitted.
fn run(workspace: &Workspace, command: &str) -> Run {
    workspace.configure(r#"{"dangerous": {"non_interactive": "allow"}}"#);
    workspace.write("m.py", &module());
    workspace.run_script(&shell_script(command), &[]).expect(0)
}

fn notices(run: &Run) -> String {
    let notices = run.of_type("notice");
    notices.iter().filter_map(|event| event["text"].as_str()).collect::<Vec<_>>().join("\n")
}

#[test]
fn commands_that_break_or_gut_a_file_are_reported_to_both() {
    for (command, said) in [
        ("sed -i 's/def f3():/def f3(:/' m.py", "no longer parses (line 13)"),
        ("perl -i -pe 's/def f3\\(\\):/def f3(:/' m.py", "no longer parses (line 13)"),
        ("echo 'x = 1' | tee m.py", "shrank from 24 to 1 non-blank lines"),
        ("cat > m.py <<'EOF'\nx = 1\nEOF", "shrank from 24 to 1 non-blank lines"),
        ("sed -i '1,2d' m.py", "lost definitions: f0"),
        ("head -c 200 m.py > t && mv t m.py", "lost definitions: f10"),
    ] {
        let workspace = Workspace::new();
        let run = run(&workspace, command);
        assert!(run.outputs().contains(said), "{command}: {}", run.outputs());
        let notices = notices(&run);
        assert!(notices.contains(said) && notices.contains("kode undo"), "{command}: {notices}");
    }
}

#[test]
fn a_sound_change_by_a_command_is_passed_over_in_silence() {
    for command in ["sed -i 's/return 3/return 33/' m.py", "echo '# end' >> m.py", "true"] {
        let workspace = Workspace::new();
        let run = run(&workspace, command);
        assert!(!run.outputs().contains("edit tools refuse"), "{command}: {}", run.outputs());
        assert!(!notices(&run).contains("kode undo"), "{command}: {}", notices(&run));
    }
}

#[test]
fn many_deleted_files_are_reported() {
    let workspace = Workspace::new();
    for n in 0..9 {
        workspace.write(&format!("src/{n}.txt"), "text\n");
    }
    let run = run(&workspace, "rm src/*.txt");
    assert!(run.outputs().contains("9 files were deleted"), "{}", run.outputs());
}

#[test]
fn what_the_command_did_is_journalled_as_one_step() {
    let workspace = Workspace::new();
    let run = run(&workspace, "sed -i '1,2d' m.py");
    let touched = run.of_type("file_touched");
    assert!(touched.iter().any(|event| event["path"] == "m.py"), "{touched:#?}");
    let session = std::fs::read_dir(workspace.kode_home().join("sessions")).unwrap().next();
    let changes = session.unwrap().unwrap().path().join("changes.jsonl");
    let changes = std::fs::read_to_string(changes).unwrap();
    assert!(changes.contains("\"by_command\":true") && changes.contains("m.py"), "{changes}");
}

/// A repository whose only commit holds less than the working tree.
fn with_uncommitted_work(workspace: &Workspace) {
    std::fs::remove_dir(workspace.project().join(".git")).unwrap();
    workspace.write("m.py", "def f0():\n    return 0\n");
    workspace
        .write("format.sh", "#!/bin/sh\nhead -n 6 m.py > m.new && cat m.new > m.py && rm m.new\n");
    workspace.write("restore.sh", "git checkout -- m.py\n");
    for arguments in [&["init", "-q"][..], &["add", "."], &["commit", "-qm", "one"]] {
        let output = std::process::Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@t"])
            .args(arguments)
            .current_dir(workspace.project())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_checkout_or_formatter_that_eats_work_is_reported_and_taken_back_by_one_undo() {
    use std::os::unix::fs::PermissionsExt as _;
    for command in ["sh restore.sh", "sh format.sh"] {
        let workspace = Workspace::new();
        with_uncommitted_work(&workspace);
        workspace.configure(
            r#"{"dangerous": {"non_interactive": "allow", "classes": {"destructive": "allow"}}}"#,
        );
        workspace.write("m.py", &module());
        let file = workspace.project().join("m.py");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        let run = workspace.run_script(&shell_script(command), &[]);
        assert!(run.outputs().contains("shrank from 24"), "{command}: {}", run.outputs());
        assert!(notices(&run).contains("kode undo"), "{command}: {}", notices(&run));
        assert_ne!(workspace.read("m.py"), module(), "{command}");

        let (status, output) = start(&workspace, "undo").finish().unwrap();
        assert!(status.success(), "{command}: {output}");
        assert_eq!(workspace.read("m.py"), module(), "{command}");
        let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o755, "{command}");
    }
}

#[test]
fn a_checkout_that_would_lose_work_is_denied_where_nobody_can_answer() {
    let workspace = Workspace::new();
    with_uncommitted_work(&workspace);
    for command in ["git checkout -- m.py", "git restore m.py"] {
        workspace.configure(r#"{"dangerous": {"non_interactive": "allow"}}"#);
        workspace.write("m.py", &module());
        let run = workspace.run_script(&shell_script(command), &[]).expect(4);
        assert!(run.outputs().contains("not committed would be lost"), "{}", run.outputs());
        assert_eq!(workspace.read("m.py"), module(), "{command}");
    }
}
