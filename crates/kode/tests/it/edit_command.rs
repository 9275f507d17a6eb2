//! `kode edit --json` where something is in the way: each a clear refusal with
//! every byte as before.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::workspace::Workspace;

fn command(workspace: &Workspace) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kode"));
    command
        .args(["edit", "--json"])
        .current_dir(workspace.project())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", workspace.user_home())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The exit code and the JSON result.
fn carry_out(mut command: Command, operation: &Value) -> (i32, Value) {
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(operation.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let result = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{output:?}"));
    (output.status.code().unwrap_or(-1), result)
}

fn replace(path: &str) -> Value {
    json!({"type": "edit", "path": path, "old": "one", "new": "two"})
}

/// Everything below a folder: kind and mode, link target or bytes, and of files
/// the inode and the time of the last write.
fn tree(folder: &Path) -> BTreeMap<String, (u32, Vec<u8>, [i64; 3])> {
    let mut found = BTreeMap::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = std::fs::symlink_metadata(&path).unwrap();
            let bytes = if metadata.is_symlink() {
                std::fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else if metadata.is_file() && metadata.len() < 1_000_000 {
                std::fs::read(&path).unwrap()
            } else {
                metadata.len().to_le_bytes().to_vec()
            };
            let mut written = [metadata.ino() as i64, metadata.mtime(), metadata.mtime_nsec()];
            if metadata.is_dir() {
                pending.push(path.clone());
                written = [0; 3];
            }
            found.insert(path.display().to_string(), (metadata.mode(), bytes, written));
        }
    }
    found
}

fn refused(workspace: &Workspace, operation: &Value, because: &str) {
    let before = tree(&workspace.project());
    let (code, result) = carry_out(command(workspace), operation);
    assert_eq!(code, 4, "{operation}: {result}");
    let reason = result["reason"].as_str().unwrap();
    assert!(reason.contains(because), "{operation}: {reason}");
    assert_eq!(tree(&workspace.project()), before, "{operation}");
}

#[test]
fn what_is_no_ordinary_file_of_the_project_is_refused() {
    let workspace = Workspace::new();
    let project = workspace.project();
    workspace.write("real.txt", "one\n");
    std::fs::create_dir(project.join("folder")).unwrap();
    std::fs::write(workspace.beside("outside.txt"), "one\n").unwrap();
    symlink("../outside.txt", project.join("out.txt")).unwrap();
    symlink("nowhere.txt", project.join("dangling.txt")).unwrap();
    symlink("..", project.join("up")).unwrap();
    symlink("/dev/null", project.join("device")).unwrap();
    let made = Command::new("mkfifo").arg(project.join("pipe")).status().unwrap();
    assert!(made.success());
    let large = std::fs::File::create(project.join("large.txt")).unwrap();
    large.set_len(200 * 1024 * 1024).unwrap();
    for (path, because) in [
        ("folder", "not a regular file"),
        ("pipe", "not a regular file"),
        ("device", "outside"),
        ("out.txt", "outside"),
        ("up/outside.txt", "outside"),
        ("large.txt", "209715200 bytes"),
        ("missing.txt", "no file"),
    ] {
        refused(&workspace, &replace(path), because);
        let write = json!({"type": "write", "path": path, "content": "two\n"});
        if path != "missing.txt" {
            refused(&workspace, &write, because);
        }
    }
    refused(&workspace, &replace("../outside.txt"), "");
    refused(&workspace, &replace("/etc/hostname"), "");
    assert_eq!(std::fs::read_to_string(workspace.beside("outside.txt")).unwrap(), "one\n");
    assert_eq!(workspace.read("real.txt"), "one\n");
}

#[test]
fn a_read_only_file_is_refused_even_to_root() {
    let workspace = Workspace::new();
    workspace.write("locked.txt", "one\n");
    let path = workspace.project().join("locked.txt");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
    refused(&workspace, &replace("locked.txt"), "read-only");
    // The folder alone would let it go.
    for patch in [
        "*** Begin Patch\n*** Delete File: locked.txt\n*** End Patch",
        "*** Begin Patch\n*** Update File: locked.txt\n*** Move to: moved.txt\n*** End Patch",
        "*** Begin Patch\n*** Update File: locked.txt\n-one\n+two\n*** End Patch",
        "--- a/locked.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n",
        "diff --git a/locked.txt b/moved.txt\nrename from locked.txt\nrename to moved.txt\n",
    ] {
        refused(&workspace, &json!({"type": "apply_patch", "patch": patch}), "read-only");
    }
}

#[test]
fn what_a_killed_kode_left_beside_is_gone_after_the_next_edit() {
    let workspace = Workspace::new();
    workspace.write("sub/a.txt", "one\n");
    workspace.write("sub/.kode-0123456789abcdef.tmp", "half\n");
    workspace.write("sub/.kode-mine.tmp", "mine\n");
    let (status, _) = carry_out(command(&workspace), &replace("sub/a.txt"));
    let left = |name: &str| workspace.project().join("sub").join(name).exists();
    assert_eq!(status, 0);
    assert!(!left(".kode-0123456789abcdef.tmp") && left(".kode-mine.tmp"));
}

#[test]
fn a_file_size_limit_stands_for_a_full_disk_and_loses_nothing() {
    let workspace = Workspace::new();
    let text: String = (0..60_000).map(|n| format!("line {n}\n")).collect();
    workspace.write("a.txt", &format!("one\n{text}"));
    workspace.write("b.txt", &format!("one\n{text}"));
    let before = tree(&workspace.project());
    let patch = "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+two\n--- a/b.txt\n+++ b/b.txt\n@@ -1 +1 @@\n-one\n+two\n";
    for operation in [replace("a.txt"), json!({"type": "apply_patch", "patch": patch})] {
        let mut limited = Command::new("bash");
        // In blocks of 1024 bytes; the signal is ignored so that the write fails.
        limited.args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" edit --json"]);
        limited.arg(env!("CARGO_BIN_EXE_kode")).current_dir(workspace.project());
        limited.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        limited.env("HOME", workspace.user_home());
        limited.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (code, result) = carry_out(limited, &operation);
        assert_eq!(code, 4, "{result}");
        assert!(result["reason"].as_str().unwrap().contains("File too large"), "{result}");
        assert_eq!(tree(&workspace.project()), before);
    }
}

/// A tmpfs of 64 KiB in a mount namespace of its own; skipped where the kernel
/// lets nobody make one.
#[test]
fn a_full_disk_is_a_clear_refusal() {
    let workspace = Workspace::new();
    let script = "set -e; mount -t tmpfs -o size=64k,mode=755 tmpfs \"$PWD\"; cd \"$PWD\"; \
                  head -c 40000 /dev/zero | tr '\\0' x > a.txt; echo one >> a.txt; \
                  sha256sum a.txt > \"$HOME/before\"; set +e; \"$0\" edit --json; code=$?; \
                  sha256sum a.txt > \"$HOME/after\"; ls -A > \"$HOME/listing\"; exit $code";
    let mut inside = Command::new("unshare");
    inside.args(["--user", "--map-root-user", "--mount", "bash", "-c", script]);
    inside.arg(env!("CARGO_BIN_EXE_kode")).current_dir(workspace.project());
    inside.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    inside.env("HOME", workspace.user_home());
    inside.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = inside.spawn().unwrap();
    let sent = child.stdin.take().unwrap().write_all(replace("a.txt").to_string().as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |name: &str| std::fs::read_to_string(workspace.user_home().join(name));
    let Ok(listing) = text("listing") else {
        eprintln!("no mount namespace here: {output:?} {sent:?}");
        return;
    };
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("No space left on device"), "{said}");
    assert_eq!(text("before").unwrap(), text("after").unwrap());
    assert_eq!(listing.trim(), "a.txt", "nothing is left beside");
}

#[test]
fn a_rename_over_files_leaves_all_as_they_were_when_one_is_read_only() {
    let workspace = Workspace::new();
    workspace.write("a.ts", "export const one = 1;\n");
    workspace.write("b.ts", "import { one } from './a';\nexport const two = one;\n");
    let locked = workspace.project().join("b.ts");
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o444)).unwrap();
    let rename =
        json!({"type": "rename", "path": "a.ts", "line": 1, "column": 14, "new_name": "uno"});
    refused(&workspace, &rename, "read-only");
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (code, result) = carry_out(command(&workspace), &rename);
    assert_eq!(code, 0, "{result}");
    assert_eq!(workspace.read("b.ts"), "import { uno } from './a';\nexport const two = uno;\n");
}

#[test]
fn a_refused_operation_leaves_the_tree_as_it_was() {
    let workspace = Workspace::new();
    let code: String = (0..6).map(|n| format!("def f{n}(x):\n    return x\n\n\n")).collect();
    workspace.write("m.py", &code);
    workspace.write("notes.txt", "one\none\nsay \u{201c}hi\u{201d}\n");
    std::fs::set_permissions(
        workspace.project().join("m.py"),
        std::fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    symlink("m.py", workspace.project().join("link.py")).unwrap();
    std::fs::hard_link(workspace.project().join("notes.txt"), workspace.beside("other")).unwrap();
    let patch = |lines: &str| json!({"type": "apply_patch", "patch": lines});
    for (operation, because) in [
        (replace("notes.txt"), "2 times"),
        (json!({"type": "edit", "path": "notes.txt", "old": "say \"hi\"", "new": "x"}), "U+201C"),
        (
            json!({"type": "edit", "path": "m.py", "old": "def f1(x):", "new": "def f1(x:"}),
            "syntax",
        ),
        (json!({"type": "write", "path": "link.py", "content": "x = 1\n"}), "shrink"),
        (
            json!({"type": "rename", "path": "m.py", "line": 1, "column": 8, "new_name": "class"}),
            "",
        ),
        (json!({"type": "replace_body", "path": "m.py", "symbol": "f9", "body": "pass"}), "f9"),
        (json!({"type": "insert_after", "path": "m.py", "symbol": "f1", "code": "def (:"}), ""),
        (json!({"type": "rewrite", "path": "m.py", "pattern": "f($", "template": "x"}), ""),
        (patch("--- a/notes.txt\n+++ b/notes.txt\n@@ -1 +1 @@\n-two\n+x\n"), "context"),
        (
            patch(
                "*** Begin Patch\n*** Add File: new/n.txt\n+x\n*** Delete File: gone\n*** End Patch",
            ),
            "gone",
        ),
        (patch("*** Begin Patch\n*** Add File: .git/hooks/pre-commit\n+x\n*** End Patch"), ""),
        (json!({"type": "write", "path": "sub/.GIT/config", "content": "x"}), ""),
        (json!({"type": "write", "path": "KODE.JSON", "content": "{}"}), ""),
        (json!({"type": "write", "path": ".kode/config", "content": "{}"}), ""),
    ] {
        refused(&workspace, &operation, because);
    }
    assert_eq!(
        std::fs::read_to_string(workspace.beside("other")).unwrap(),
        workspace.read("notes.txt")
    );
}

/// Editing gives the name a file of its own: what else is linked to the old
/// bytes, perhaps outside the project, keeps them.
#[test]
fn a_patch_that_fails_in_one_file_leaves_no_folder_of_another() {
    let workspace = Workspace::new();
    let locked = workspace.project().join("locked.txt");
    std::fs::write(&locked, "one\n").unwrap();
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o444)).unwrap();
    let patch = "*** Begin Patch\n*** Add File: new/deep/file.txt\n+text\n\
                 *** Update File: locked.txt\n-one\n+two\n*** End Patch\n";
    refused(&workspace, &json!({"type": "apply_patch", "patch": patch}), "read-only");
}

#[test]
fn a_moved_copied_or_new_program_is_executable() {
    let workspace = Workspace::new();
    workspace.write("run.sh", "one\n");
    workspace.write("tool.sh", "one\n");
    for name in ["run.sh", "tool.sh"] {
        let path = workspace.project().join(name);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let patch = "*** Begin Patch\n*** Update File: run.sh\n*** Move to: bin/run.sh\n-one\n+two\n\
                 *** End Patch\n";
    let copy = "diff --git a/tool.sh b/bin/tool.sh\nsimilarity index 100%\ncopy from tool.sh\n\
                copy to bin/tool.sh\n";
    let new = "diff --git a/new.sh b/bin/new.sh\nnew file mode 100755\n--- /dev/null\n\
               +++ b/bin/new.sh\n@@ -0,0 +1 @@\n+three\n";
    for patch in [patch, copy, new] {
        let operation = json!({"type": "apply_patch", "patch": patch});
        assert_eq!(carry_out(command(&workspace), &operation).0, 0);
    }
    for name in ["bin/run.sh", "bin/tool.sh", "bin/new.sh"] {
        let mode = std::fs::metadata(workspace.project().join(name)).unwrap().mode();
        assert_eq!(mode & 0o777, 0o755, "{name}");
    }
    let modes = "diff --git a/tool.sh b/tool.sh\nold mode 100755\nnew mode 100644\n--- a/tool.sh\n\
                 +++ b/tool.sh\n@@ -1 +1 @@\n-one\n+two\n";
    refused(&workspace, &json!({"type": "apply_patch", "patch": modes}), "mode");
}

#[test]
fn an_edit_does_not_reach_through_a_hard_link() {
    let workspace = Workspace::new();
    std::fs::write(workspace.beside("outside.txt"), "one\n").unwrap();
    std::fs::hard_link(workspace.beside("outside.txt"), workspace.project().join("in.txt"))
        .unwrap();
    let (code, result) = carry_out(command(&workspace), &replace("in.txt"));
    assert_eq!(code, 0, "{result}");
    assert_eq!(workspace.read("in.txt"), "two\n");
    assert_eq!(std::fs::read_to_string(workspace.beside("outside.txt")).unwrap(), "one\n");
}

/// Another process swaps the file for a link out of the project all the while.
#[test]
fn a_file_swapped_for_a_link_meanwhile_never_leads_out() {
    let workspace = Workspace::new();
    let (project, outside) = (workspace.project(), workspace.beside("outside.txt"));
    std::fs::write(&outside, "one\n").unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let staged = workspace.beside("staged");
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let _ = std::fs::remove_file(&staged);
                symlink("../outside.txt", &staged).unwrap();
                std::fs::rename(&staged, project.join("a.txt")).unwrap();
                std::fs::write(&staged, "one\n").unwrap();
                std::fs::rename(&staged, project.join("a.txt")).unwrap();
            }
        });
        for _ in 0..40 {
            let (code, result) = carry_out(command(&workspace), &replace("a.txt"));
            assert!(matches!(code, 0 | 4), "{result}");
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "one\n");
    // Of two saves in the moment of an exchange the older one is kept (`.kept`).
    let left = tree(&project).into_keys().filter(|name| name.ends_with(".tmp")).count();
    assert_eq!(left, 0, "nothing is left beside");
}

/// A pattern that can match in countless ways, deep nesting and long lines end
/// in time.
#[test]
fn hostile_patterns_and_files_end_in_time() {
    let workspace = Workspace::new();
    workspace.write("deep.js", &format!("{}1{};\n", "f(".repeat(20_000), ")".repeat(20_000)));
    workspace.write("deep.py", &format!("x = {}1{}\n", "[".repeat(5_000), "]".repeat(5_000)));
    workspace.write("long.js", &format!("f({});\n", "a,".repeat(20_000)));
    let started = std::time::Instant::now();
    for (path, pattern) in [
        ("deep.js", "f(f(f(f($X))))"),
        ("deep.py", "[$X]"),
        ("long.js", "f($$$A, $B, $$$C, $D, $$$E, zz, $$$F)"),
        ("long.js", "f($$$A, $$$B, $$$C, $$$D, zz)"),
    ] {
        let rewrite =
            json!({"type": "rewrite", "path": path, "pattern": pattern, "template": "g(1)"});
        let (code, result) = carry_out(command(&workspace), &rewrite);
        assert!(matches!(code, 0 | 4), "{path} {pattern}: {result}");
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(120));
}

/// Kills at every stage of a change to several files.
#[test]
fn kill_9_leaves_each_file_wholly_before_or_wholly_after_two_hundred_times() {
    let workspace = Workspace::new();
    let body: String = (0..400).map(|n| format!("const filler{n} = {n};\n")).collect();
    let version = |name: &str| format!("export const {name} = 1;\n{body}");
    let user = |name: &str| format!("import {{ {name} }} from './a';\nuse({name});\n{body}");
    let (mut whole, mut changed) = (0, 0);
    for kill in 0..200u64 {
        workspace.write("a.js", &version("one"));
        for file in ["b.js", "c.js", "d.js"] {
            workspace.write(file, &user("one"));
        }
        let rename =
            json!({"type": "rename", "path": "a.js", "line": 1, "column": 14, "new_name": "uno"});
        let mut kode = command(&workspace);
        kode.process_group(0);
        let mut child = kode.spawn().unwrap();
        child.stdin.take().unwrap().write_all(rename.to_string().as_bytes()).unwrap();
        std::thread::sleep(std::time::Duration::from_micros(kill * 700));
        child.kill().unwrap();
        child.wait().unwrap();
        for file in ["a.js", "b.js", "c.js", "d.js"] {
            let is = workspace.read(file);
            let (before, after) = match file {
                "a.js" => (version("one"), version("uno")),
                _ => (user("one"), user("uno")),
            };
            assert!(is == before || is == after, "{file} is torn after kill {kill}");
            whole += usize::from(is == before);
            changed += usize::from(is == after);
        }
    }
    assert_eq!(whole + changed, 800);
    let verify = workspace.kode(&["audit", "verify"]).output().unwrap();
    assert_eq!(verify.status.code(), Some(0), "{}", String::from_utf8_lossy(&verify.stderr));
    // The next operation goes through as if nothing had been.
    workspace.write("a.js", &version("one"));
    let edit = json!({"type": "edit", "path": "a.js", "old": "one = 1", "new": "one = 2"});
    assert_eq!(carry_out(command(&workspace), &edit).0, 0);
}
