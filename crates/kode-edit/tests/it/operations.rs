//! Operations as they come in: JSON in, changes or a refusal out.

use kode_edit::{Operation, apply, apply_in_project, find_symbol, outline, render_outline};

use crate::files::{Files, at};

fn read(json: &str) -> Operation {
    serde_json::from_str(json).unwrap()
}

#[test]
fn every_type_is_read_under_both_its_names() {
    for json in [
        r#"{"type":"edit","path":"a","old":"x","new":"y"}"#,
        r#"{"type":"edit","path":"a","old":"x","new":"y","all":true,"expect_count":2}"#,
        r#"{"type":"write","path":"a","content":""}"#,
        r#"{"type":"write_file","path":"a","content":"","allow_shrink":true}"#,
        r#"{"type":"rename","path":"a","line":1,"column":1,"name":"x","new_name":"y"}"#,
        r#"{"type":"ast_rename","path":"a","line":1,"column":1,"new_name":"y"}"#,
        r#"{"type":"replace_body","path":"a","symbol":"f","body":"{}"}"#,
        r#"{"type":"ast_replace","path":"a","symbol":"f","definition":"x"}"#,
        r#"{"type":"insert_after","path":"a","symbol":"f","code":"x"}"#,
        r#"{"type":"ast_insert","path":"a","symbol":"f","where":"before","code":"x"}"#,
        r#"{"type":"rewrite","path":"a","pattern":"x","template":"y"}"#,
        r#"{"type":"ast_rewrite","paths":["a"],"pattern":"x","template":"y","lang":"js","max_files":3,"dry_run":true}"#,
        r#"{"type":"apply_patch","patch":""}"#,
    ] {
        let operation = read(json);
        let again = serde_json::to_string(&operation).unwrap();
        assert_eq!(read(&again), operation, "{json}");
    }
}

#[test]
fn bad_operations_are_not_read() {
    for json in [
        r#"{"type":"edit","path":"../a","old":"x","new":"y"}"#,
        r#"{"type":"edit","path":"/etc/passwd","old":"x","new":"y"}"#,
        r#"{"type":"edit","path":"a","old":"x"}"#,
        r#"{"type":"edit","path":"a","old":"x","new":"y","fuzzy":true}"#,
        r#"{"type":"delete","path":"a"}"#,
    ] {
        assert!(serde_json::from_str::<Operation>(json).is_err(), "{json}");
    }
}

#[test]
fn a_missing_file_is_only_written() {
    let edit = read(r#"{"type":"edit","path":"a","old":"x","new":"y"}"#);
    assert!(apply(&edit, None).unwrap_err().0.contains("no file"));
    let write = read(r#"{"type":"write","path":"a","content":"x\n"}"#);
    assert_eq!(apply(&write, None).unwrap(), b"x\n");
}

#[test]
fn a_rewrite_over_a_tree_changes_what_matches() {
    let files = Files::of(&[
        ("src/a.js", b"f(1);\n"),
        ("src/b.js", b"g(1);\n"),
        ("lib/c.js", b"f(2);\n"),
        ("src/d.py", b"f(1)\n"),
    ]);
    let rewrite = |extra: &str| {
        read(&format!(
            r#"{{"type":"ast_rewrite","pattern":"f($X)","template":"h($X)","lang":"js"{extra}}}"#
        ))
    };
    let changed = |operation: &Operation| -> Vec<String> {
        let changes = apply_in_project(operation, &files).unwrap();
        changes.iter().map(|change| change.path.as_str().to_owned()).collect()
    };
    assert_eq!(changed(&rewrite("")), ["lib/c.js", "src/a.js"]);
    assert_eq!(changed(&rewrite(r#","paths":["src"]"#)), ["src/a.js"]);
    assert!(apply_in_project(&rewrite(r#","max_files":1"#), &files).is_err());
}

#[test]
fn named_files_of_one_language_tell_it() {
    let files = Files::of(&[("a.js", b"f(1);\n"), ("b.js", b"f(2);\n"), ("c.py", b"f(1)\n")]);
    let rewrite = |paths: &str| {
        let text = r#"{"type":"ast_rewrite","pattern":"f($X)","template":"h($X)","paths":["#;
        apply_in_project(&read(&format!("{text}{paths}]}}")), &files).map(|changes| changes.len())
    };
    assert_eq!(rewrite(r#""a.js""#), Ok(1));
    assert_eq!(rewrite(r#""a.js","b.js""#), Ok(2));
    assert!(rewrite(r#""a.js","c.py""#).is_err() && rewrite(r#"".""#).is_err());
}

#[test]
fn one_bad_file_stops_a_rewrite() {
    let files = Files::of(&[("a.js", b"f(1);\n"), ("b.js", b"f(2);\n")]);
    let breaking =
        read(r#"{"type":"ast_rewrite","pattern":"f($X)","template":"h($X","lang":"js"}"#);
    assert!(apply_in_project(&breaking, &files).unwrap_err().0.contains("syntax"));
}

#[test]
fn symbols_are_found_and_outlined() {
    let files = Files::of(&[
        ("a.py", b"class A:\n    def f(self):\n        pass\n"),
        ("b.py", b"def f():\n    pass\n"),
    ]);
    let found = find_symbol(&files, "f").unwrap();
    let places: Vec<String> =
        found.iter().map(|(p, s)| format!("{p}:{} {}", s.line, s.path)).collect();
    assert_eq!(places, ["a.py:2 A.f", "b.py:1 f"]);
    let symbols = outline(&at("a.py"), &files.0[&at("a.py")]).unwrap();
    assert_eq!(render_outline(&symbols), "1-3 class A\n  2-3 function A.f\n");
}

#[test]
fn a_file_too_large_to_edit_is_refused() {
    let large = vec![b'x'; kode_edit::MAX_FILE_BYTES + 1];
    let edit = read(r#"{"type":"edit","path":"a","old":"x","new":"y","all":true}"#);
    assert!(apply(&edit, Some(&large)).unwrap_err().0.contains("bytes"));
}
