//! `kill -9` at random moments of a run that edits with every tool: each file is
//! whole, and undoing what the journal holds gives the tree of the beginning.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use crate::terminal::start;
use crate::workspace::Workspace;

const KILLS: u32 = 16;
/// More steps than the script has: undoing ends before.
const UNDOS_MAX: usize = 20;
/// Lines of every file that no step touches: a torn file lacks some.
const LINES: usize = 300;

const SCRIPT: &str = r##"
turns:
  - calls:
      - {tool: edit, args: {path: m.py, old: "return 1", new: "return 2"}}
  - calls:
      - {tool: ast_rename, args: {path: a.js, line: 1, column: 14, new_name: uno}}
  - calls:
      - tool: apply_patch
        args: {patch: "*** Begin Patch\n*** Update File: m.py\n-    return 2\n+    return 3\n*** Add File: new.txt\n+new\n*** End Patch\n"}
  - calls:
      - {tool: ast_rewrite, args: {pattern: "use($X)", template: "apply($X)", lang: js}}
  - calls:
      - {tool: write_file, args: {path: new.txt, content: "newer\n"}}
  - calls:
      - {tool: edit, args: {path: m.py, old: "return 3", new: "return 5"}}
  - label: end
    calls:
      - {tool: finish, args: {summary: done}}
    goto: end
"##;

fn begin(workspace: &Workspace) {
    workspace.configure(r#"{"dangerous": {"non_interactive": "allow"}}"#);
    let filler =
        |mark: &str| -> String { (0..LINES).map(|line| format!("{mark} line {line}\n")).collect() };
    workspace.write("m.py", &format!("def f():\n    return 1\n\n\n{}", filler("#")));
    workspace.write("a.js", &format!("export const one = 1;\n{}", filler("//")));
    let user = "import { one } from './a';\nuse(one);\n";
    workspace.write("b.js", &format!("{user}{}", filler("//")));
}

fn files(workspace: &Workspace) -> BTreeMap<String, String> {
    let names = ["m.py", "a.js", "b.js", "new.txt"];
    let read = |name: &&str| std::fs::read_to_string(workspace.project().join(name)).ok();
    names.iter().filter_map(|name| Some(((*name).to_owned(), read(name)?))).collect()
}

/// Kills after a time, or without one when the third step is on the disk; returns
/// how many steps there were to undo.
fn one_kill(moment: Option<Duration>) -> usize {
    let workspace = Workspace::new();
    begin(&workspace);
    let before = files(&workspace);
    let mut child = workspace.spawn_script(SCRIPT, Stdio::null());
    match moment {
        Some(moment) => std::thread::sleep(moment),
        None => workspace.wait_for("new.txt"),
    }
    child.kill().unwrap();
    child.wait().unwrap();
    for (name, text) in files(&workspace) {
        let whole =
            name == "new.txt" || text.lines().filter(|l| l.contains(" line ")).count() == LINES;
        assert!(whole, "{name} is torn after {moment:?}");
    }
    let undo = || start(&workspace, "undo").finish().unwrap();
    let steps = (0..UNDOS_MAX).take_while(|_| undo().0.success()).count();
    assert!(steps < UNDOS_MAX);
    let is_as_before = files(&workspace) == before;
    assert!(is_as_before, "after {moment:?} and {steps} undos: {}", undo().1);
    let verify = workspace.kode(&["audit", "verify"]).output().unwrap();
    assert_eq!(verify.status.code(), Some(0), "{}", String::from_utf8_lossy(&verify.stderr));
    steps
}

#[test]
fn after_a_kill_undoing_every_step_gives_the_tree_of_the_beginning() {
    let seed = std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
    for number in 0..KILLS {
        let spread = seed.wrapping_mul(2_654_435_761).wrapping_add(number * 40_503) % 900;
        one_kill(Some(Duration::from_millis(u64::from(spread + 5))));
    }
    assert!(one_kill(None) >= 2);
}
