//! The screens, driven with keys and mouse in a real terminal.

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
    window.wait_for("was edited since");
    assert_eq!(workspace.read("a.txt"), mine);
    window.key("n");
    window.key("]");
    window.wait_for("▶ hunk 2");
    window.key("X");
    window.wait_for("rejected hunk 2");
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
