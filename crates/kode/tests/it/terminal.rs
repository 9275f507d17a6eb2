//! kode on a real pseudo-terminal: the prompt and its keys in a whole run, and
//! `kode trust`.

use std::path::Path;
use std::time::Duration;

use kode_testkit::TerminalSession;

use crate::workspace::{Workspace, shell_script};

const COMMAND: &str = "perl -e 'open(F, q(>made)); print F q(x)'";
/// Longer than the 200 ms in which keys don't count.
pub(crate) const SETTLED: Duration = Duration::from_millis(400);

/// Starts kode on a terminal, in the workspace's project and home.
pub(crate) fn start(workspace: &Workspace, arguments: &str) -> TerminalSession {
    let line = format!(
        "cd '{}' && exec env -i PATH=\"$PATH\" {} NO_COLOR=1 HOME='{}' '{}' {arguments}",
        workspace.project().display(),
        toolchains(),
        workspace.user_home().display(),
        env!("CARGO_BIN_EXE_kode"),
    );
    TerminalSession::start(Path::new("/bin/sh"), &["-c", &line], &[]).unwrap()
}

/// Toolchains below the real home, which the workspace's own has not.
fn toolchains() -> String {
    let home = std::env::var("HOME").unwrap_or_default();
    let folders = [("RUSTUP_HOME", ".rustup"), ("PYENV_ROOT", ".pyenv")];
    let found = folders.map(|(name, folder)| {
        let place = std::env::var(name).unwrap_or_else(|_| format!("{home}/{folder}"));
        if Path::new(&place).is_dir() { format!("{name}='{place}' ") } else { String::new() }
    });
    found.concat()
}

fn start_run(workspace: &Workspace, script: &str) -> TerminalSession {
    let path = workspace.beside("script.yaml");
    std::fs::write(&path, script).unwrap();
    start(workspace, &format!("run --script '{}' 'do the task'", path.display()))
}

fn answered(workspace: &Workspace, keys: &[u8]) -> (i32, String) {
    let mut session = start_run(workspace, &shell_script(COMMAND));
    session.wait_for("session:").unwrap();
    session.watch(SETTLED).unwrap();
    session.send(keys).unwrap();
    let (status, output) = session.finish().unwrap();
    (status.code().unwrap(), output)
}

#[test]
fn the_prompt_shows_four_lines_with_the_exact_command() {
    let workspace = Workspace::new();
    let (_, output) = answered(&workspace, b"d");
    let lines: Vec<&str> = output.lines().collect();
    let first = lines.iter().position(|line| line.starts_with("⚠️ Risk:")).unwrap();
    assert_eq!(lines[first], "⚠️ Risk: code_execution");
    assert_eq!(lines[first + 1], format!("Run: {COMMAND}"));
    assert_eq!(lines[first + 2], "Why: a test");
    assert!(lines[first + 3].starts_with("[A]pprove [D]eny [?] Context [T]rust session:"));
}

#[test]
fn approve_runs_it() {
    let workspace = Workspace::new();
    let (code, output) = answered(&workspace, b"a");
    assert_eq!(code, 0, "{output}");
    assert_eq!(workspace.read("made"), "x");
}

#[test]
fn deny_tells_the_agent_and_runs_nothing() {
    let workspace = Workspace::new();
    let (code, output) = answered(&workspace, b"D");
    assert_eq!(code, 4, "{output}");
    assert!(output.contains("operation denied by user"), "{output}");
    assert!(!workspace.project().join("made").exists());
}

#[test]
fn the_question_mark_shows_context_and_asks_again() {
    let workspace = Workspace::new();
    let mut session = start_run(&workspace, &shell_script(COMMAND));
    session.wait_for("session:").unwrap();
    session.watch(SETTLED).unwrap();
    session.send(b"?").unwrap();
    session.wait_for("session:").unwrap();
    session.watch(SETTLED).unwrap();
    session.send(b"a").unwrap();
    let (status, output) = session.finish().unwrap();
    assert_eq!(status.code(), Some(0), "{output}");
    assert_eq!(output.matches("⚠️ Risk:").count(), 2);
}

#[test]
fn keys_typed_ahead_do_not_answer() {
    let workspace = Workspace::new();
    let mut session = start_run(&workspace, &shell_script(COMMAND));
    session.send(b"aaaa").unwrap();
    session.wait_for("session:").unwrap();
    session.watch(SETTLED).unwrap();
    assert!(!workspace.project().join("made").exists());
    session.send(b"d").unwrap();
    let (status, output) = session.finish().unwrap();
    assert_eq!(status.code(), Some(4), "{output}");
}

#[test]
fn trusting_a_project_makes_its_file_count_until_one_byte_changes() {
    let workspace = Workspace::new();
    workspace.configure(r#"{"dangerous": {"non_interactive": "deny"}}"#);
    let file = r#"{"dangerous": {"allowlist": ["perl -e 'print 40 + 2'"]}}"#;
    workspace.write("kode.json", file);
    let script = shell_script("perl -e 'print 40 + 2'");
    workspace.run_script(&script, &[]).expect(4);

    let (status, output) = start(&workspace, "trust").finish().unwrap();
    assert_eq!(status.code(), Some(0), "{output}");
    let run = workspace.run_script(&script, &[]).expect(0);
    assert!(run.outputs().contains("42"));
    assert_eq!(run.of_type("decision")[0]["reason"]["layer"], "project");

    workspace.write("kode.json", &format!("{file}\n"));
    workspace.run_script(&script, &[]).expect(4);
}

#[test]
fn init_writes_a_first_configuration_and_says_when_nobody_answers() {
    let workspace = Workspace::new();
    let mut session = start(&workspace, "init");
    session.wait_for("number [1]: ").unwrap();
    session.send(b"3\n").unwrap();
    session.wait_for("base URL").unwrap();
    session.send(b"http://127.0.0.1:9/v1\n").unwrap();
    session.wait_for("model [").unwrap();
    session.send(b"tiny\n").unwrap();
    let (status, output) = session.finish().unwrap();
    assert_eq!(status.code(), Some(6), "{output}");
    assert!(output.contains("127.0.0.1:9"), "{output}");
    let written = std::fs::read_to_string(workspace.kode_home().join("config.json")).unwrap();
    assert!(written.contains("\"model\": \"tiny\""), "{written}");

    let (status, output) = start(&workspace, "init").finish().unwrap();
    assert_eq!(status.code(), Some(2), "{output}");
}

/// A string that is never ended swallows all that follows, a concealed letter is none.
#[test]
fn what_kode_says_after_a_command_can_be_read_however_that_left_the_terminal() {
    for left in [r"\033]0;", r"\033[8m", r"\033[?1049h", r"\033[1;1r", r"\033(0"] {
        let workspace = Workspace::new();
        let command = format!("sandbox -- sh -c \"mkdir -p x/.git; printf '{left}'\"");
        let (_, output) = start(&workspace, &command).finish().unwrap();
        let left = left.replace(r"\033", "\x1b");
        let (_, after) = output.split_once(&left).unwrap_or_else(|| panic!("{left:?}: {output:?}"));
        let (between, told) = after.split_once("kode: the command made").unwrap();
        for readable in ["\x18\x1b\\", "\x1b[?1049l", "\x1b[r", "\x1b(B", "\x1b[0m"] {
            assert!(between.contains(readable), "{left:?}: {between:?}");
        }
        assert!(told.contains("x/.git"), "{told}");
    }
    let workspace = Workspace::new();
    let (_, output) = start(&workspace, "sandbox -- printf done").finish().unwrap();
    assert!(output.ends_with("done"), "{output:?}");
}
