//! Renamed files on the review screen and in what `kode review` prints: one row,
//! both names rejected and brought back together, hunks between old and new.

use crate::tmux::Window;
use crate::workspace::Workspace;

const OLD: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n";

/// One file renamed as it was, one with an edit.
fn renamed() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("plain.txt", "kept\nas it is\n");
    workspace.write("src/old.txt", OLD);
    let script = "turns:\n  - calls:\n      - {tool: shell, args: {command: \"mkdir lib && mv plain.txt lib/plain.txt && sed s/two/TWO/ src/old.txt > lib/new.txt && rm src/old.txt\"}}\n      - {tool: finish, args: {summary: done}}\n";
    workspace.run_script(script, &[]).expect(0);
    workspace
}

fn is_there(workspace: &Workspace, name: &str) -> bool {
    workspace.project().join(name).symlink_metadata().is_ok()
}

#[test]
fn it_is_printed_as_one_row_with_the_difference_of_both_contents() {
    let workspace = renamed();
    let printed = |arguments: &[&str]| {
        let output = workspace.kode(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let text = printed(&["review"]);
    for expected in [
        "R src/old.txt → lib/new.txt +1 -1",
        "R plain.txt → lib/plain.txt +0 -0",
        "--- a/src/old.txt\n+++ b/lib/new.txt\n",
        "-two\n+TWO\n",
    ] {
        assert!(text.contains(expected), "{expected} in:\n{text}");
    }
    assert!(!text.contains("D src/old.txt") && !text.contains("+one"), "{text}");
    let document: serde_json::Value =
        serde_json::from_str(&printed(&["review", "--json"])).unwrap();
    let files = document["files"].as_array().unwrap();
    assert_eq!(files.len(), 2);
    let file = &files[0]["file"];
    assert_eq!(
        (file["path"].as_str(), file["change"].as_str()),
        (Some("lib/new.txt"), Some("renamed"))
    );
    assert_eq!(file["renamed_from"], "src/old.txt");
    let list = printed(&["review", "--list", "--reject", "src/old.txt"]);
    assert!(list.contains("lib/plain.txt") && !list.contains("old.txt"), "{list}");
    assert_eq!(workspace.read("src/old.txt"), OLD);
    assert!(!is_there(&workspace, "lib/new.txt"));
}

#[test]
fn a_mere_rename_is_rejected_as_a_file_by_either_key_and_an_edit_as_a_hunk() {
    let workspace = renamed();
    let Some(window) = Window::start(&workspace, (130, 24), "review") else { return };
    let shown = window.wait_for("was src/old.txt: renamed, with edits");
    assert!(shown.contains("R$ src/old.txt → lib/new.txt"), "{shown}");
    window.wait_for("hunk 1 of 1 · line 2");
    window.key("X");
    window.wait_for("rejected hunk 1 of lib/new.txt");
    assert_eq!(workspace.read("lib/new.txt"), OLD);
    assert!(!is_there(&workspace, "src/old.txt"));
    window.wait_for("renamed, nothing else");
    window.key("X");
    window.wait_for("rejected src/old.txt and lib/new.txt");
    assert_eq!(workspace.read("src/old.txt"), OLD);
    assert!(!is_there(&workspace, "lib/new.txt"));
    window.key("u");
    window.wait_for("brought back lib/new.txt and src/old.txt");
    assert_eq!(workspace.read("lib/new.txt"), OLD);
    window.key("u");
    window.wait_for("brought back lib/new.txt");
    window.wait_until("the edit is back", |screen| screen.contains("hunk 1 of 1"));
    assert_eq!(workspace.read("lib/new.txt"), OLD.replace("two", "TWO"));
    assert!(!is_there(&workspace, "src/old.txt"));
    window.key("R");
    window.wait_for("press R once more");
    window.key("R");
    window.wait_for("rejected 4 files");
    assert_eq!(workspace.read("plain.txt"), "kept\nas it is\n");
    window.key("u");
    window.wait_for("brought back 4 files");
    assert_eq!(workspace.read("lib/plain.txt"), "kept\nas it is\n");
    assert!(!is_there(&workspace, "plain.txt") && !is_there(&workspace, "src/old.txt"));
    window.key("q");
    window.wait_for("ended with 0");
}

#[test]
fn a_persons_edit_of_a_renamed_file_returns_under_the_old_name() {
    let workspace = renamed();
    workspace.write("lib/plain.txt", "kept\nas it is\nmine\n");
    let Some(window) = Window::start(&workspace, (130, 24), "review") else { return };
    window.wait_for("R$ plain.txt → lib/plain.txt");
    window.click_cross("lib/plain.txt");
    window.wait_for("✕?");
    window.click_cross("lib/plain.txt");
    window.wait_for("rejected plain.txt and lib/plain.txt");
    assert_eq!(workspace.read("plain.txt"), "kept\nas it is\nmine\n");
    assert!(!is_there(&workspace, "lib/plain.txt"));
    // A click on the ↶ of the row brings both back.
    window.wait_for("⊘R$ plain.txt → lib/plain.txt");
    window.click_cross("lib/plain.txt");
    window.wait_for("brought back lib/plain.txt and plain.txt");
    assert_eq!(workspace.read("lib/plain.txt"), "kept\nas it is\nmine\n");
    assert!(!is_there(&workspace, "plain.txt"));
    window.key("q");
    window.wait_for("ended with 0");
}
