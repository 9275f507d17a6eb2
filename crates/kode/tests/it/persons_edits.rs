//! What a person edits while no command of the agent's runs is theirs: while the model
//! thinks, while a question stands, whatever the answer, and however the run ends.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use crate::terminal::start;
use crate::workspace::Workspace;

const BEFORE: &str = "one\ntwo\nthree\n";
const EDITED: &str = "one\nmine\ntwo\nthree\n";
/// Longer than the 200 ms in which keys don't count.
const SETTLED: Duration = Duration::from_millis(400);

/// Who changed `path`, step by step.
fn booked(workspace: &Workspace, path: &str) -> Vec<String> {
    let session = std::fs::read_dir(workspace.kode_home().join("sessions")).unwrap().next();
    let changes = session.unwrap().unwrap().path().join("changes.jsonl");
    let text = std::fs::read_to_string(changes).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let of_path = lines.filter(|line| {
        let changes = line["changes"].as_array();
        changes.is_some_and(|changes| changes.iter().any(|change| change["path"] == path))
    });
    of_path.map(|line| line["origin"]["by"].as_str().unwrap().to_owned()).collect()
}

/// The person edits `a.txt` while a question stands, then answers with `key`.
fn edited_at_the_question(key: &[u8]) -> Workspace {
    let workspace = Workspace::new();
    workspace.write("a.txt", BEFORE);
    let script = r#"{"turns": [
        {"calls": [{"tool": "edit", "args": {"path": "a.txt", "old": "three", "new": "agent"}}]},
        {"calls": [{"tool": "shell", "args": {"command": "perl -e 'open(F, q(>made))'"}}]},
        {"calls": [{"tool": "finish", "args": {"summary": "done"}}]}]}"#;
    let path = workspace.beside("script.yaml");
    std::fs::write(&path, script).unwrap();
    let line = format!("run --script '{}' 'do the task'", path.display());
    let mut session = start(&workspace, &line);
    session.wait_for("session:").unwrap();
    session.watch(SETTLED).unwrap();
    assert_eq!(workspace.read("a.txt"), "one\ntwo\nagent\n");
    workspace.write("a.txt", "one\nmine\ntwo\nagent\n");
    workspace.write("b.txt", EDITED);
    session.send(key).unwrap();
    session.finish().unwrap();
    workspace
}

#[test]
fn an_edit_while_a_question_stands_is_the_persons_whatever_the_answer() {
    for key in [b"d", b"a"] {
        let workspace = edited_at_the_question(key);
        assert_eq!(workspace.project().join("made").exists(), key == b"a");
        assert_eq!(booked(&workspace, "a.txt"), ["agent", "person"]);
        assert_eq!(booked(&workspace, "b.txt"), ["person"]);
        let rejected = workspace.kode(&["review", "--reject", "a.txt"]).output().unwrap();
        assert!(rejected.status.success(), "{rejected:?}");
        assert_eq!(workspace.read("a.txt"), EDITED);
        assert_eq!(workspace.read("b.txt"), EDITED);
    }
}

#[test]
fn an_edit_while_the_model_thinks_is_the_persons_when_the_run_is_interrupted() {
    let workspace = Workspace::new();
    workspace.write("a.txt", BEFORE);
    let script = r#"{"turns": [
        {"calls": [{"tool": "shell", "args": {"command": "echo agent > b.txt"}}]},
        {"pause_ms": 60000, "calls": [{"tool": "finish", "args": {"summary": "done"}}]},
        {"pause_ms": 60000, "calls": [{"tool": "finish", "args": {"summary": "done"}}]}]}"#;
    let mut child = workspace.spawn_script(script, Stdio::piped());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains(r#""turn_started","turn":2"#)));
    workspace.write("a.txt", EDITED);
    let interrupt = || {
        let pid = child.id().to_string();
        std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap();
    };
    interrupt();
    assert!(lines.any(|line| line.contains("step interrupted")));
    interrupt();
    let rest: Vec<String> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest:#?}");
    assert_eq!(booked(&workspace, "a.txt"), ["person"]);
    assert_eq!(booked(&workspace, "b.txt"), ["agent"]);
    let (status, output) = start(&workspace, "undo").finish().unwrap();
    assert!(status.success(), "{output}");
    assert_eq!(workspace.read("a.txt"), EDITED);
    assert!(!workspace.project().join("b.txt").exists());
}
