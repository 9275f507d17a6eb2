use super::*;

fn errors(place: &str, text: &str) -> Vec<String> {
    let mut report = Report::default();
    check(place, text, &mut report);
    report.errors
}

/// The one error of a sample that is fine but for `body`.
fn error(body: &str) -> String {
    let errors = errors("crates/a/src/b.rs", &format!("//! Sample.\n{body}"));
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.into_iter().next().unwrap()
}

#[test]
fn a_tidy_file_passes() {
    let text =
        "//! Sample.\n/// todo!() in a comment, unwrap() too.\nfn a() { \"unsafe todo!()\"; }\n";
    assert_eq!(errors("crates/a/src/b.rs", text), Vec::<String>::new());
}

#[test]
fn a_file_without_a_header_fails() {
    let found = errors("crates/a/src/b.rs", "use std::fmt;\n");
    assert!(found[0].contains("begins with `//!`"));
    assert!(errors("crates/a/src/b/tests.rs", "use super::*;\n").is_empty());
}

#[test]
fn a_file_too_long_fails_and_a_long_one_warns() {
    let long = |lines: usize| format!("//! Sample.\n{}", "// x\n".repeat(lines - 1));
    assert!(errors("crates/a/src/b.rs", &long(800)).is_empty());
    assert!(errors("crates/a/src/b.rs", &long(801))[0].contains("801 lines"));
    let mut report = Report::default();
    check("crates/a/src/b.rs", &long(501), &mut report);
    assert_eq!(report.warnings.len(), 1);
}

#[test]
fn a_function_too_long_fails() {
    let body = |lines: usize| format!("fn long() {{\n{}}}\n", "    x();\n".repeat(lines - 2));
    assert!(errors("crates/a/src/b.rs", &format!("//! S.\n{}", body(70))).is_empty());
    assert!(error(&body(71)).contains("crates/a/src/b.rs:2: fn long has 71 lines"));
}

#[test]
fn unfinished_work_fails_even_in_tests() {
    assert!(error("fn a() { todo!() }").contains("`todo!`"));
    assert!(
        error("#[cfg(test)]\nmod tests { fn a() { unimplemented!(\"x\") } }").contains("b.rs:3")
    );
}

#[test]
fn unwrap_fails_outside_tests_only() {
    assert!(error("fn a() { b().unwrap(); }").contains("`unwrap()`"));
    let test = "//! S.\n#[cfg(test)]\nmod tests { fn a() { b().unwrap(); } }\n";
    assert!(errors("crates/a/src/b.rs", test).is_empty());
    let text = "//! S.\nfn a() { b().unwrap_or(1); b().unwrap(); }";
    assert!(errors("crates/a/tests/it/main.rs", text).is_empty());
}

#[test]
fn unsafe_code_fails_outside_the_sandbox() {
    let text = "//! S.\nfn a() { unsafe { b() } }\n";
    assert_eq!(errors("crates/kode-gate/src/b.rs", text).len(), 1);
    assert!(errors("crates/kode-sandbox/src/b.rs", text).is_empty());
    assert!(errors("crates/kode-gate/src/b.rs", "//! S.\n#![forbid(unsafe_code)]\n").is_empty());
}

#[test]
fn a_lint_is_allowed_only_with_a_reason() {
    assert!(error("#[allow(dead_code)]\nfn a() {}").contains("reason"));
    assert!(
        error("#[allow(dead_code, reason = \"interface sketch, x\")]\nfn a() {}")
            .contains("sketch")
    );
    let fine = "//! S.\n#[expect(clippy::panic, reason = \"the hook's test\")]\nfn a() {}\n";
    assert!(errors("crates/a/src/b.rs", fine).is_empty());
}

#[test]
fn samples_for_tests_may_look_like_anything() {
    assert!(errors("crates/a/tests/ui/forged.rs", "fn main() { todo!() }").is_empty());
    assert!(errors("crates/a/fixtures/x.rs", "fn main() { todo!() }").is_empty());
}
