//! The interactive session beyond one message: what a person does while the
//! agent works, what the model hears of it, and what is still there afterwards.

use std::path::Path;
use std::time::Duration;

use kode_testkit::TerminalSession;

use crate::tmux::Window;
use crate::workspace::Workspace;

fn start(workspace: &Workspace, script: &str) -> Option<Window> {
    start_with(workspace, "", script)
}

fn start_with(workspace: &Workspace, environment: &str, script: &str) -> Option<Window> {
    let path = workspace.beside("script.yaml");
    std::fs::write(&path, script).unwrap();
    let arguments = format!("--script '{}'", path.display());
    Window::start_with(workspace, (110, 36), environment, &arguments)
}

fn leave(window: &Window) {
    window.line("/quit");
    window.wait_for("ended with 0");
}

/// Longer than the 200 ms in which keys don't count.
fn settle() {
    std::thread::sleep(Duration::from_millis(400));
}

const SLOW: &str = r#"
model: test
turns:
  - calls:
      - tool: write_file
        args: {path: a.txt, content: "agent\n"}
      - tool: write_file
        args: {path: b.txt, content: "agent\n"}
      - tool: shell
        args: {command: "while [ ! -e go ]; do sleep 0.05; done"}
  - cases:
      - when: { anywhere: "rejected your changes in: a.txt" }
        text: "I heard that **before** I ended."
        calls: [{tool: shell, args: {command: "echo agent > a.txt"}}]
      - text: I heard nothing.
        calls: [{tool: finish, args: {summary: deaf}}]
  - cases:
      - when: { anywhere: "made a change again that the user had rejected" }
        text: I was told.
        calls: [{tool: finish, args: {summary: told}}]
      - text: Nobody told me.
        calls: [{tool: finish, args: {summary: untold}}]
"#;

#[test]
fn a_reject_and_a_message_during_a_step_are_heard_at_its_end() {
    let workspace = Workspace::new();
    workspace.write("a.txt", "mine\n");
    let Some(window) = start(&workspace, SLOW) else { return };
    window.wait_for("ready");
    window.line("please");
    window.wait_for("… shell while");
    window.line("and hurry");
    window.wait_for("⧗ and hurry");
    window.key("Tab");
    window.wait_for("hunk 1 of 1");
    window.key("x");
    window.wait_for("queued: it is done as soon as");
    window.wait_for("⧗M  a.txt");
    assert_eq!(workspace.read("a.txt"), "agent\n", "not before the step's end");
    workspace.write("go", "");
    window.key("q");
    window.wait_for("● done");
    // The list of files comes on its own, after what is said.
    let ended = window.wait_for("↻M$ a.txt");
    for expected in [
        "› and hurry",
        "rejected a.txt; u brings it back",
        "I heard that before I ended.",
        "the agent made a change again that you rejected: a.txt line 1",
        "I was told.",
    ] {
        assert!(ended.contains(expected), "{expected} in:\n{ended}");
    }
    leave(&window);
}

const TWICE: &str = r#"
model: test
turns:
  - calls:
      - tool: list_files
        args: {}
      - tool: shell
        args: {command: "perl -e 'open(F, q(>one)); print F q(x)'"}
  - calls: [{tool: finish, args: {summary: first}}]
  - calls:
      - tool: shell
        args: {command: "perl -e 'open(F, q(>two)); print F q(x)'"}
  - calls: [{tool: finish, args: {summary: second}}]
  - calls: [{tool: finish, args: {summary: third}}]
"#;

#[test]
fn trust_lasts_over_messages_and_ends_with_the_conversation() {
    let workspace = Workspace::new();
    let Some(window) = start(&workspace, TWICE) else { return };
    window.wait_for("ready");
    window.line("one");
    window.wait_for("[T]rust session:");
    settle();
    // Untrusted text is in the context already: the trust is given knowing that.
    window.key("t");
    window.wait_for("first");
    window.line("two");
    window.wait_for("second");
    assert_eq!(workspace.read("two"), "x");
    assert!(!window.screen().contains("[A]pprove"));
    leave(&window);
}

#[test]
fn a_session_is_gone_on_with_where_it_was_left() {
    let workspace = Workspace::new();
    workspace.write("a.txt", "one\n");
    let script = "turns:\n  - text: I have **seen** it.\n    calls:\n      - {tool: write_file, args: {path: a.txt, content: \"two\\n\"}}\n      - {tool: finish, args: {summary: done}}\n  - text: Here again.\n    calls: [{tool: finish, args: {summary: again}}]\n";
    workspace.run_script(script, &[]).expect(0);
    let arguments = format!("continue --script '{}'", workspace.beside("script.yaml").display());
    let Some(window) = Window::start(&workspace, (100, 30), &arguments) else { return };
    let shown = window.wait_for("what follows is new");
    for expected in ["› do the task", "I have seen it.", "● done", "M  a.txt"] {
        assert!(shown.contains(expected), "{expected} in:\n{shown}");
    }
    window.line("/session");
    window.wait_for("sessions of this project, newest first:");
    window.line("go on");
    window.wait_for("Here again.");
    window.line("/compact");
    window.wait_for("the conversation was shortened");
    window.line("/scan");
    window.wait_for("● scan: 0 new findings in 1 touched file");
    window.line("/model other");
    window.wait_for("the answers come from a script");
    window.line("/new");
    window.wait_for("Say what you want done.");
    leave(&window);
}

#[test]
fn a_file_named_with_an_at_sign_is_completed_and_handed_over_a_secret_is_not() {
    let workspace = Workspace::new();
    workspace.write("src/library.rs", "// the word is amaranth\n");
    workspace.write(".env", "TOKEN=zinnia\n");
    let script = "turns:\n  - cases:\n      - when: { anywhere: amaranth }\n        text: I read it.\n        calls: [{tool: finish, args: {summary: read}}]\n      - text: I see nothing.\n        calls: [{tool: finish, args: {summary: blind}}]\n";
    let Some(window) = start(&workspace, script) else { return };
    window.wait_for("ready");
    window.text("what is in @lib");
    window.wait_for("  src/library.rs");
    window.key("Tab");
    window.wait_for("› what is in @src/library.rs");
    window.line("and @.env?");
    window.wait_for("I read it.");
    window.wait_for(".env looks like a credential and was not handed over");
    leave(&window);
    let sessions = workspace.kode_home().join("sessions");
    let folder = std::fs::read_dir(sessions).unwrap().next().unwrap().unwrap().path();
    let journal = std::fs::read_to_string(folder.join("journal.jsonl")).unwrap();
    assert!(!journal.contains("zinnia"));
}

#[test]
fn the_editor_has_the_terminal_and_the_screen_comes_back() {
    let workspace = Workspace::new();
    let script = "turns:\n  - calls:\n      - {tool: write_file, args: {path: a.txt, content: \"agent\\n\"}}\n      - {tool: finish, args: {summary: done}}\n";
    let editor = workspace.beside("editor");
    let text = "#!/bin/sh\nread answer\necho \"mine: $answer\" >> \"$2\"\n";
    std::fs::write(&editor, text).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&editor, mode).unwrap();
    let environment = format!("EDITOR='{} --wait'", editor.display());
    let Some(window) = start_with(&workspace, &environment, script) else { return };
    window.wait_for("ready");
    window.line("go");
    window.wait_for("● done");
    window.key("Tab");
    window.wait_for("hunk 1 of 1");
    window.key("e");
    window.wait_until("the screen is the editor's", |screen| !screen.contains("hunk 1"));
    window.line("typed for the editor");
    window.wait_for("mine: typed for the editor");
    assert_eq!(workspace.read("a.txt"), "agent\nmine: typed for the editor\n");
    // The person's line is no change of the agent's: it stays.
    window.key("X");
    window.wait_for("rejected hunk 1");
    assert_eq!(workspace.read("a.txt"), "mine: typed for the editor\n");
    window.key("q");
    leave(&window);
}

#[test]
fn a_turn_is_rejected_by_a_key_pressed_twice_and_a_rename_with_both_names() {
    let workspace = Workspace::new();
    workspace.write("a.txt", "one\n2\n3\n4\n");
    workspace.write("old.txt", "kept as it is\n");
    let script = "turns:\n  - calls:\n      - {tool: write_file, args: {path: a.txt, content: \"ONE\\n2\\n3\\n4\\n\"}}\n      - {tool: write_file, args: {path: b.txt, content: \"x\\n\"}}\n  - calls:\n      - {tool: shell, args: {command: \"mv old.txt new.txt; echo later >> a.txt\"}}\n      - {tool: finish, args: {summary: done}}\n";
    workspace.run_script(script, &[]).expect(0);
    let Some(window) = Window::start(&workspace, (100, 24), "review") else { return };
    let shown = window.wait_for("R$ old.txt → new.txt");
    assert!(shown.contains("renamed") && shown.contains("3 files +3 −1"), "{shown}");
    // b.txt: what its turn did to a.txt goes with it, what came later stays.
    window.key("j");
    window.wait_for("b.txt · 1 hunk");
    window.key("t");
    let turns = window.wait_for("Reject all that the agent did in one turn");
    assert!(turns.contains("▸ turn 1 ·") && turns.contains("· a.txt, b.txt"), "{turns}");
    window.key("t");
    window.wait_for("rejected a.txt and b.txt");
    assert_eq!(workspace.read("a.txt"), "one\n2\n3\n4\nlater\n");
    assert!(!workspace.project().join("b.txt").exists());
    window.click_cross("old.txt →");
    window.wait_for("✕?");
    window.click_cross("old.txt →");
    window.wait_for("rejected old.txt and new.txt; u brings it back");
    window.wait_for("⊘R$ old.txt → new.txt");
    assert_eq!(workspace.read("old.txt"), "kept as it is\n");
    assert!(!workspace.project().join("new.txt").exists());
    window.key("u");
    window.wait_for("brought back new.txt and old.txt");
    assert_eq!(workspace.read("new.txt"), "kept as it is\n");
    assert!(!workspace.project().join("old.txt").exists());
    // Of the turn as well: all that it took.
    window.wait_for(" R$ old.txt → new.txt");
    window.key("k");
    window.wait_for("b.txt · 0 hunks");
    window.key("u");
    window.wait_for("brought back a.txt and b.txt");
    assert_eq!(workspace.read("a.txt"), "ONE\n2\n3\n4\nlater\n");
    assert_eq!(workspace.read("b.txt"), "x\n");
    window.key("q");
    window.wait_for("ended with 0");
}

#[test]
fn reviewed_marks_outlive_the_screen() {
    let workspace = Workspace::new();
    let script = "turns:\n  - calls:\n      - {tool: write_file, args: {path: a.txt, content: \"agent\\n\"}}\n      - {tool: finish, args: {summary: done}}\n";
    workspace.run_script(script, &[]).expect(0);
    for shown in ["0/1 reviewed", "1/1 reviewed"] {
        let Some(window) = Window::start(&workspace, (80, 24), "review") else { return };
        window.wait_for("hunk 1 of 1");
        window.wait_for(shown);
        if shown.starts_with('0') {
            window.key("a");
            window.wait_for("1/1 reviewed");
        }
        window.key("q");
        window.wait_for("ended with 0");
    }
}

#[test]
fn escape_ends_a_step_and_the_model_goes_on() {
    let workspace = Workspace::new();
    let script = "turns:\n  - calls:\n      - {tool: shell, args: {command: \"sleep 60\"}}\n  - text: You stopped me.\n    calls: [{tool: finish, args: {summary: stopped}}]\n";
    let Some(window) = start(&workspace, script) else { return };
    window.wait_for("ready");
    window.line("go");
    window.wait_for("… shell sleep 60");
    window.key("Escape");
    window.wait_for("You stopped me.");
    leave(&window);
}

#[test]
fn a_terminal_that_goes_away_in_a_run_leaves_a_session_to_go_on_with() {
    goes_away_after(b"");
}

/// There the cursor is hidden, and showing it again fails.
#[test]
fn so_does_one_that_goes_away_over_the_files() {
    goes_away_after(b"\t");
}

fn goes_away_after(keys: &[u8]) {
    let workspace = Workspace::new();
    let script = "turns:\n  - calls:\n      - {tool: write_file, args: {path: a.txt, content: \"agent\\n\"}}\n      - {tool: shell, args: {command: \"touch begun; sleep 60\"}}\n  - text: Here again.\n    calls: [{tool: finish, args: {summary: again}}]\n";
    let path = workspace.beside("script.yaml");
    std::fs::write(&path, script).unwrap();
    let line = format!(
        "cd '{}' && exec env -i PATH=\"$PATH\" TERM=xterm HOME='{}' '{}' --script '{}'",
        workspace.project().display(),
        workspace.user_home().display(),
        env!("CARGO_BIN_EXE_kode"),
        path.display(),
    );
    let mut terminal = TerminalSession::start(Path::new("/bin/sh"), &["-c", &line], &[]).unwrap();
    terminal.wait_for("ready").unwrap();
    terminal.send(b"go\r").unwrap();
    workspace.wait_for("begun");
    if !keys.is_empty() {
        terminal.send(keys).unwrap();
        terminal.wait_for("hunk 1 of 1").unwrap();
    }
    // In order, or with an error, by which of the signs it sees first; no panic.
    let code = terminal.hang_up().unwrap().code();
    assert!(matches!(code, Some(0 | 1 | 130)), "{code:?}");
    let place = workspace.project().display().to_string();
    assert!(!processes().iter().any(|command| command.contains(&place)), "{:?}", processes());
    let output = workspace
        .kode(&["continue", "--script", path.to_str().unwrap(), "go on"])
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains("Here again."), "{stderr}");
    assert_eq!(workspace.read("a.txt"), "agent\n");
}

#[test]
fn a_reject_that_still_waits_when_kode_is_killed_is_told_at_the_next_start() {
    let workspace = Workspace::new();
    workspace.write("a.txt", "mine\n");
    let Some(window) = start(&workspace, SLOW) else { return };
    window.wait_for("ready");
    window.line("please");
    window.wait_for("… shell while");
    window.key("Tab");
    window.wait_for("hunk 1 of 1");
    window.key("x");
    window.wait_for("⧗M  a.txt");
    window.kill();
    for arguments in ["review", "continue --script ../script.yaml"] {
        let Some(window) = Window::start(&workspace, (110, 36), arguments) else { return };
        if arguments == "review" {
            let told = window.wait_for("so do it again");
            assert!(
                told.contains("Nothing was changed") && told.contains("reject a.txt"),
                "{told}"
            );
            window.key("n");
            window.wait_until("the message is gone", |screen| !screen.contains("do it again"));
            window.key("q");
        } else {
            // Told once.
            assert!(!window.wait_for("what follows is new").contains("do it again"));
            window.line("/quit");
        }
        window.wait_for("ended with 0");
    }
    assert_eq!(workspace.read("a.txt"), "agent\n");
}

#[test]
fn what_a_person_makes_while_a_command_runs_bears_the_sign_and_comes_back_to_the_byte() {
    let workspace = Workspace::new();
    workspace.write("a.txt", "mine\n");
    let script = "turns:\n  - calls:\n      - {tool: shell, args: {command: \"touch begun; while [ ! -e go ]; do sleep 0.05; done\"}}\n  - calls: [{tool: finish, args: {summary: done}}]\n";
    let Some(window) = start(&workspace, script) else { return };
    window.wait_for("ready");
    window.line("please");
    workspace.wait_for("begun");
    workspace.write("notes.txt", "no\u{0}newline \u{e9}");
    workspace.write("a.txt", "mine\nmore\n");
    workspace.write("go", "");
    window.wait_for("● done");
    window.key("Tab");
    window.wait_for("A$ notes.txt");
    window.wait_for("changed while a command ran");
    for name in ["notes.txt", "a.txt"] {
        window.click_cross(name);
        window.wait_for("✕?");
        window.click_cross(name);
        window.wait_for(&format!("rejected {name}"));
        window.key("u");
        window.wait_for(&format!("brought back {name}"));
    }
    assert_eq!(workspace.read("notes.txt"), "no\u{0}newline \u{e9}");
    assert_eq!(workspace.read("a.txt"), "mine\nmore\n");
    window.key("q");
    leave(&window);
}

#[test]
fn after_a_resize_the_next_key_counts_and_escape_in_the_context_leads_back() {
    let workspace = Workspace::new();
    let Some(window) = start(&workspace, TWICE) else { return };
    window.wait_for("ready");
    window.line("one");
    window.wait_for("[T]rust session:");
    window.resize(30, 8);
    window.wait_for("this one is 30×8");
    window.key("a");
    window.resize(100, 30);
    window.wait_for("[T]rust session:");
    settle();
    assert!(!workspace.project().join("one").exists(), "nobody saw the question");
    window.key("?");
    window.wait_for("Asked because");
    settle();
    window.key("Escape");
    window.wait_until("the question", |screen| !screen.contains("Asked because"));
    window.wait_for("[T]rust session:");
    settle();
    window.key("a");
    window.wait_for("first");
    assert_eq!(workspace.read("one"), "x");
    leave(&window);
}

/// The command lines of all processes.
fn processes() -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let line = |entry: std::fs::DirEntry| std::fs::read(entry.path().join("cmdline")).ok();
    entries.filter_map(line).map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}

#[test]
fn a_row_says_what_was_edited_while_a_question_stands_and_counts_the_agents_lines_alone() {
    let workspace = Workspace::new();
    workspace.write("a.txt", "one\ntwo\nthree\nfour\n");
    let script = "turns:\n  - calls:\n      - {tool: edit, args: {path: a.txt, old: four, new: FOUR}}\n      - {tool: shell, args: {command: \"perl -e 'open(F, q(>made))'\"}}\n      - {tool: finish, args: {summary: done}}\n";
    let Some(window) = start(&workspace, script) else { return };
    window.wait_for("ready");
    window.line("go");
    window.wait_for("Run: perl");
    workspace.write("a.txt", "mine\none\ntwo\nthree\nFOUR\n");
    window.wait_for("edited since");
    window.key("d");
    let shown = window.wait_for("● done");
    assert!(shown.contains("+1 −1 ✕"), "{shown}");
    leave(&window);
}
