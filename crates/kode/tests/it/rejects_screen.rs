//! Rejects that wait, follow a file, are taken back, or can be done in part only: what
//! the screen says of them, and what is on the disk then.

use crate::tmux::Window;
use crate::workspace::Workspace;

fn start(workspace: &Workspace, script: &str) -> Option<Window> {
    let path = workspace.beside("script.yaml");
    std::fs::write(&path, script).unwrap();
    Window::start(workspace, (110, 36), &format!("--script '{}'", path.display()))
}

/// An agent that writes two files and then waits for `go`.
const SLOW: &str = r#"
turns:
  - calls:
      - tool: write_file
        args: {path: a.txt, content: "agent\n"}
      - tool: write_file
        args: {path: b.txt, content: "agent\n"}
      - tool: shell
        args: {command: "while [ ! -e go ]; do sleep 0.05; done"}
  - cases:
      - when: { anywhere: "The user rejected" }
        calls: [{tool: finish, args: {summary: I heard of it}}]
      - calls: [{tool: finish, args: {summary: I heard nothing}}]
"#;

#[test]
fn a_reject_that_waits_follows_the_file_to_the_name_that_the_agent_gives_it_meanwhile() {
    let workspace = Workspace::new();
    workspace.write("a.txt", "one\ntwo\nthree\n");
    let script = "turns:\n  - calls:\n      - {tool: shell, args: {command: mv a.txt b.txt}}\n      - {tool: shell, args: {command: 'while [ ! -e go ]; do sleep 0.05; done; mv b.txt c.txt'}}\n      - {tool: finish, args: {summary: done}}\n";
    let Some(window) = start(&workspace, script) else { return };
    window.wait_for("ready");
    window.line("please");
    window.wait_for("… shell while");
    window.wait_for("R$ a.txt → b.txt");
    window.key("Tab");
    window.wait_for("was a.txt");
    window.key("x");
    window.wait_for("⧗R$ a.txt → b.txt");
    workspace.write("go", "");
    window.wait_for("rejected a.txt and c.txt; u brings it back");
    window.wait_for("● green");
    assert_eq!(workspace.read("a.txt"), "one\ntwo\nthree\n");
    assert!(["b.txt", "c.txt"].iter().all(|name| !workspace.project().join(name).exists()));
    assert!(!window.screen().contains('⧗'), "{}", window.screen());
    window.key("u");
    window.wait_for("brought back");
    assert_eq!(workspace.read("c.txt"), "one\ntwo\nthree\n");
    assert!(!workspace.project().join("a.txt").exists());
}

#[test]
fn a_second_x_takes_back_a_reject_that_waits() {
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
    window.key("x");
    window.wait_for("what waited for a.txt is not done");
    window.wait_for(" M  a.txt");
    window.key("j");
    window.wait_for("b.txt · 1 hunk");
    window.key("x");
    window.wait_for("⧗A  b.txt");
    workspace.write("go", "");
    window.wait_for("● green");
    window.key("q");
    window.wait_for("I heard of it");
    assert_eq!(workspace.read("a.txt"), "agent\n");
    assert!(!workspace.project().join("b.txt").exists());
}

#[test]
fn a_reject_of_everything_says_what_was_done_and_what_was_not() {
    let workspace = Workspace::new();
    workspace.write("a.txt", "one\ntwo\n");
    workspace.run_script("turns:\n  - calls:\n      - {tool: write_file, args: {path: a.txt, content: \"ONE\\ntwo\\n\"}}\n      - {tool: write_file, args: {path: b.txt, content: \"x\\n\"}}\n      - {tool: finish, args: {summary: done}}\n", &[]).expect(0);
    workspace.write("a.txt", "One, mine\ntwo\n");
    let Some(window) = Window::start(&workspace, (100, 30), "review") else { return };
    window.wait_for("b.txt");
    window.key("R");
    window.wait_for("press R once more");
    window.key("R");
    let told = window.wait_for("rejected b.txt; u brings it back, but:");
    assert!(told.contains("a.txt, line 1: you edited lines there"), "{told}");
    assert!(!told.contains("Nothing was changed"), "{told}");
    assert_eq!(workspace.read("a.txt"), "One, mine\ntwo\n");
    assert!(!workspace.project().join("b.txt").exists());
}

#[test]
fn an_earlier_turn_is_chosen_and_a_later_one_in_its_way_is_named() {
    let workspace = Workspace::new();
    workspace.write("a.txt", "1\n2\n3\n4\n5\n6\n7\n");
    let edit = |old: &str, new: &str| {
        format!(
            "  - calls: [{{tool: edit, args: {{path: a.txt, old: \"{old}\\n\", new: \"{new}\\n\"}}}}]\n"
        )
    };
    let read = "  - calls: [{tool: read_file, args: {path: a.txt}}]\n";
    let edits = [edit("2", "two"), edit("6", "six"), edit("two", "zwei")].concat();
    let script =
        format!("turns:\n{read}{edits}  - calls: [{{tool: finish, args: {{summary: done}}}}]\n");
    workspace.run_script(&script, &[]).expect(0);
    let Some(window) = Window::start(&workspace, (100, 30), "review") else { return };
    window.wait_for("hunk 1 of 2");
    window.key("t");
    window.wait_for("▸ turn 4");
    window.key("Down");
    window.key("Down");
    window.wait_for("▸ turn 2");
    window.key("t");
    let told = window.wait_for("the agent changed there again, in a later turn");
    for expected in
        ["Nothing was changed", "a.txt, line 2", "the agent wrote:", "and later made of it:"]
    {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    assert!(!told.contains("you "), "{told}");
    window.key("n");
    window.wait_until("the message is gone", |screen| !screen.contains("in a later turn"));
    window.key("t");
    window.wait_for("▸ turn 4");
    window.key("Down");
    window.wait_for("▸ turn 3");
    window.key("t");
    window.wait_for("rejected a.txt; u brings it back");
    assert_eq!(workspace.read("a.txt"), "1\nzwei\n3\n4\n5\n6\n7\n");
}

#[test]
fn what_still_waited_when_kode_was_killed_is_told_by_commands_that_print_as_well() {
    for arguments in [
        &["review", "--list"][..],
        &["continue", "--script", "../script.yaml", "go on"],
        &["continue", "--json", "--script", "../script.yaml", "go on"],
    ] {
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
        let output = workspace.kode(&["review", "--list"]).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!told.contains("do it again"), "it still waits, and is not lost: {told}");
        window.kill();
        let script = "turns:\n  - calls: [{tool: finish, args: {summary: done}}]\n";
        std::fs::write(workspace.beside("script.yaml"), script).unwrap();
        for is_first in [true, false] {
            let output = workspace.kode(arguments).output().unwrap();
            let streams = [output.stdout, output.stderr].concat();
            let told = String::from_utf8_lossy(&streams).into_owned();
            let is_told = told.contains("do it again") && told.contains("reject a.txt");
            assert_eq!(is_told, is_first, "{arguments:?}: {told}");
        }
        assert_eq!(workspace.read("a.txt"), "agent\n", "told, and not done late");
    }
}

#[test]
fn control_z_gives_the_shell_the_terminal_and_fg_brings_the_screen_back() {
    let workspace = Workspace::new();
    workspace.write("a.txt", "one\n");
    workspace.run_script("turns:\n  - calls:\n      - {tool: write_file, args: {path: a.txt, content: \"ONE\\n\"}}\n      - {tool: finish, args: {summary: done}}\n", &[]).expect(0);
    let Some(window) = Window::shell(&workspace, (100, 30)) else { return };
    window.wait_until("the shell reads", |screen| screen.trim_end().ends_with('$'));
    window.line(&format!("'{}' review", env!("CARGO_BIN_EXE_kode")));
    window.wait_for("hunk 1 of 1");
    for _ in 0..2 {
        window.key("C-z");
        let shown = window.wait_for("Stopped");
        assert!(!shown.contains("hunk 1 of 1"), "the shell's screen is back: {shown}");
        window.line("echo typed $((40 + 2)); clear");
        window.wait_until("the shell reads", |screen| !screen.contains("Stopped"));
        window.line("fg");
        window.wait_for("hunk 1 of 1");
    }
    window.key("x");
    window.wait_for("rejected a.txt");
    assert_eq!(workspace.read("a.txt"), "one\n");
    window.key("q");
    window.wait_until("kode has ended", |screen| !screen.contains("reviewed"));
    // Rejected earlier, it is listed again and comes back.
    window.line(&format!("'{}' review", env!("CARGO_BIN_EXE_kode")));
    window.wait_for("⊘M  a.txt");
    window.key("u");
    window.wait_for("brought back a.txt");
    assert_eq!(workspace.read("a.txt"), "ONE\n");
}

#[test]
fn a_file_named_with_an_at_sign_that_does_not_exist_is_told() {
    let workspace = Workspace::new();
    let Some(window) =
        start(&workspace, "turns:\n  - calls: [{tool: finish, args: {summary: done}}]\n")
    else {
        return;
    };
    window.wait_for("ready");
    window.line("look at @nope.txt");
    window.wait_for("@nope.txt: there is no such file");
    window.wait_for("● done");
}

#[test]
fn trust_that_lapsed_is_asked_for_again_with_the_reason() {
    let workspace = Workspace::new();
    let perl = |name: &str| {
        format!(
            "  - calls: [{{tool: shell, args: {{command: \"perl -e 'open(F, q(>{name})); print F q(x)'\"}}}}]\n"
        )
    };
    let script = format!(
        "turns:\n{}{}  - calls: [{{tool: finish, args: {{summary: all done}}}}]\n",
        perl("one"),
        perl("two")
    );
    let Some(window) = start(&workspace, &script) else { return };
    window.wait_for("ready");
    window.line("go");
    let first = window.wait_for("[T]rust session:");
    assert!(!first.contains("Note:"), "{first}");
    std::thread::sleep(std::time::Duration::from_millis(400));
    window.key("t");
    let again = window.wait_for("your T before holds no more: text from outside");
    assert!(again.contains("q(>two)") && again.contains("[T]rust session:"), "{again}");
    std::thread::sleep(std::time::Duration::from_millis(400));
    window.key("t");
    window.wait_for("all done");
    assert_eq!(workspace.read("two"), "x");
}

#[test]
fn control_z_where_no_shell_waits_leaves_the_screen_as_it_is() {
    let workspace = Workspace::new();
    let Some(window) = start(&workspace, SLOW) else { return };
    window.wait_for("ready");
    window.key("C-z");
    window.text("please");
    // The terminal is in kode's mode again: an Enter is an Enter.
    window.wait_for("› please");
    window.key("Enter");
    window.wait_for("… shell while");
    workspace.write("go", "");
    window.wait_for("I heard nothing");
}
