//! Files that a command changes pass the guard of the edit tools afterwards:
//! the model and the person are told, and one undo takes it back.

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
