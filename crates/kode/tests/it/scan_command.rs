//! `kode scan` by itself.

use std::process::Command;

use crate::workspace::Workspace;

const INJECTION: &str = "import sqlite3\nfrom flask import request\ndef find():\n    return sqlite3.connect('a').execute(\"SELECT 1 WHERE a = '%s'\" % request.args['a'])\n";

fn scan(workspace: &Workspace, arguments: &[&str]) -> (i32, String) {
    let mut all = vec!["scan"];
    all.extend(arguments);
    let output = workspace.kode(&all).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

fn git(workspace: &Workspace, arguments: &[&str]) {
    let status = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(workspace.project())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
}

#[test]
fn a_fatal_finding_ends_with_3_in_every_format() {
    let workspace = Workspace::new();
    workspace.write("app.py", INJECTION);
    let (code, text) = scan(&workspace, &[]);
    assert_eq!(code, 3);
    assert!(text.contains("app.py:4") && text.contains("CWE-89"), "{text}");
    let (code, sarif) = scan(&workspace, &["--format", "sarif"]);
    let sarif: serde_json::Value = serde_json::from_str(&sarif).unwrap();
    assert_eq!((code, &sarif["version"]), (3, &serde_json::json!("2.1.0")));
    assert_eq!(scan(&workspace, &["--fail-on", "never"]).0, 0);
}

#[test]
fn diff_tells_only_what_is_new() {
    let workspace = Workspace::new();
    std::fs::remove_dir(workspace.project().join(".git")).unwrap();
    git(&workspace, &["init", "-q"]);
    workspace.write("old.py", INJECTION);
    git(&workspace, &["add", "."]);
    git(&workspace, &["commit", "-qm", "one"]);
    assert_eq!(scan(&workspace, &["--diff", "HEAD"]).0, 0);
    workspace.write("new.py", INJECTION);
    let (code, text) = scan(&workspace, &["--diff", "HEAD"]);
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("new.py") && !text.contains("old.py"), "{text}");
    assert_eq!(scan(&workspace, &["--diff", "no-such-branch"]).0, 2);
}

#[test]
fn diff_follows_flows_into_files_as_the_base_has_them() {
    let workspace = Workspace::new();
    std::fs::remove_dir(workspace.project().join(".git")).unwrap();
    git(&workspace, &["init", "-q"]);
    workspace.write("sh.py", "import os\n\ndef run(c):\n    os.system(c)\n");
    git(&workspace, &["add", "."]);
    git(&workspace, &["commit", "-qm", "one"]);
    let caller =
        "from flask import request\nfrom sh import run\n\ndef p():\n    run(request.args['h'])\n";
    workspace.write("web.py", caller);
    let (code, text) = scan(&workspace, &["--diff", "HEAD"]);
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("sh.py:4") && text.contains("os.system(c)"), "{text}");
    assert!(text.contains("web.py:5"), "{text}");
}

#[test]
fn diff_heeds_no_ignore_rule_and_no_suppression_that_is_new() {
    let workspace = Workspace::new();
    std::fs::remove_dir(workspace.project().join(".git")).unwrap();
    git(&workspace, &["init", "-q"]);
    workspace.write(".gitignore", "made/\nkept.py\n");
    workspace.write("kept.py", "");
    git(&workspace, &["add", "-f", "."]);
    git(&workspace, &["commit", "-qm", "one"]);
    workspace.write("made/by_a_tool.py", INJECTION);
    assert_eq!(scan(&workspace, &["--diff", "HEAD"]).0, 0);
    // Hidden by rules that are new: in the old file, in one below, and of another kind.
    workspace.write(".gitignore", "made/\nkept.py\nhidden.py\n");
    workspace.write("hidden.py", INJECTION);
    workspace.write("below/.gitignore", "*\n");
    workspace.write("below/deep/app.py", INJECTION);
    workspace.write(".ignore", "other.py\n");
    workspace.write("other.py", INJECTION);
    // Ignored since ever, but in the commit all the same.
    workspace.write("kept.py", INJECTION);
    let (code, text) = scan(&workspace, &["--diff", "HEAD"]);
    assert_eq!(code, 3, "{text}");
    for name in ["hidden.py:4", "below/deep/app.py:4", "other.py:4", "kept.py:4"] {
        assert!(text.contains(name), "{name}: {text}");
    }
    assert!(!text.contains("by_a_tool"), "{text}");
    for name in ["hidden.py", "below/deep/app.py", "other.py", "kept.py"] {
        workspace.write(name, "");
    }
    let silenced = INJECTION.replace(
        "    return",
        "    # kode-ignore[sql-injection] until=2999-01-01 -- checked\n    return",
    );
    workspace.write("app.py", &silenced);
    assert_eq!(scan(&workspace, &["--diff", "HEAD"]).0, 3);
    git(&workspace, &["add", "app.py"]);
    git(&workspace, &["commit", "-qm", "two"]);
    workspace.write("app.py", &format!("{silenced}# the end\n"));
    assert_eq!(scan(&workspace, &["--diff", "HEAD"]).0, 0);
}

#[test]
fn a_path_that_is_not_there_is_a_usage_error() {
    assert_eq!(scan(&Workspace::new(), &["nowhere.py"]).0, 2);
}

/// Reads a schema and a log, and says where the log breaks the schema.
const VALIDATE: &str = "
const Ajv = require('ajv');
const ajv = new Ajv({ schemaId: 'auto', unknownFormats: 'ignore', meta: false });
ajv.addMetaSchema(require('ajv/lib/refs/json-schema-draft-04.json'));
const valid = ajv.compile(require('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json'));
const ok = valid(JSON.parse(require('fs').readFileSync(0, 'utf8')));
console.log(ok ? 'valid' : JSON.stringify(valid.errors));
";

#[test]
#[allow(clippy::print_stderr, reason = "says that it is skipped")]
fn the_sarif_log_is_valid_against_its_schema() {
    use std::io::Write as _;
    let tools = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
    if !tools.join("node_modules/@microsoft/jest-sarif").is_dir() {
        eprintln!("skipped: run scripts/setup-tests.sh for the SARIF schema");
        return;
    }
    let workspace = Workspace::new();
    workspace.write("app.py", INJECTION);
    workspace.write("src/ü b.js", "const apiKey = 'k3Jd82hTqPz71LmVb9Xw';\nalert(apiKey);\n");
    workspace.write("tool.rb", "puts 1\n");
    let (code, sarif) = scan(&workspace, &["--format", "sarif"]);
    assert_eq!(code, 3);
    let mut node = Command::new("node")
        .args(["-e", VALIDATE])
        .current_dir(&tools)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    node.stdin.take().unwrap().write_all(sarif.as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "valid");
}
