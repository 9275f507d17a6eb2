use super::*;

fn run(name: &str, before: &[u8], pattern: &str, template: &str) -> Result<Vec<u8>, EditRefusal> {
    let request = Rewrite { pattern, template, language: None };
    rewrite(&ProjectPath::new(name).unwrap(), before, &request)
}

fn text(name: &str, before: &str, pattern: &str, template: &str) -> String {
    String::from_utf8(run(name, before.as_bytes(), pattern, template).unwrap()).unwrap()
}

#[test]
fn metavariables_work_in_every_language() {
    for (name, before, pattern, template, after) in [
        ("a.js", "f(a === b);", "$A === $B", "is($A, $B)", "f(is(a, b));"),
        (
            "a.ts",
            "const x: T = m.get(k)!;",
            "$M.get($K)",
            "get($M, $K)",
            "const x: T = get(m, k)!;",
        ),
        ("a.tsx", "<A b={f(1)} />;", "f($X)", "g($X)", "<A b={g(1)} />;"),
        ("a.py", "if x is None:\n    pass\n", "$X is None", "none($X)", "if none(x):\n    pass\n"),
        (
            "a.go",
            "package p\nvar n = len(x)\n",
            "len($X)",
            "size($X)",
            "package p\nvar n = size(x)\n",
        ),
        ("a.rs", "fn f() { g(Some(1)) }", "Some($X)", "O::Some($X)", "fn f() { g(O::Some(1)) }"),
        (
            "A.java",
            "class A { boolean f = x == null; }",
            "$X == null",
            "no($X)",
            "class A { boolean f = no(x); }",
        ),
        (
            "a.cs",
            "class A { string f = nameof(x); }",
            "nameof($X)",
            "N($X)",
            "class A { string f = N(x); }",
        ),
        (
            "a.php",
            "<?php\n$a = count($b, 1);\n",
            "count($$$A)",
            "size($$$A)",
            "<?php\n$a = size($b, 1);\n",
        ),
        (
            "a.php",
            "<h1><?= count($b) ?></h1>\n<?php if (count($b)): ?>\n<p>count($b)</p>\n<?php endif ?>\n",
            "count($X)",
            "size($X)",
            "<h1><?= size($b) ?></h1>\n<?php if (size($b)): ?>\n<p>count($b)</p>\n<?php endif ?>\n",
        ),
        ("a.php", "<?php\nf($x);\ng();\n", "f($X);", "h($X);", "<?php\nh($x);\ng();\n"),
        ("a.php", "<?php\n$a = $b ?? 1;\n", "$X ?? $Y", "f($X, $Y)", "<?php\n$a = f($b, 1);\n"),
        ("a.rb", "puts x.size\n", "$X.size", "$X.length", "puts x.length\n"),
        (
            "a.c",
            "int f(void) { return p == NULL; }",
            "$X == NULL",
            "!$X",
            "int f(void) { return !p; }",
        ),
        ("a.cpp", "auto n = v.size();", "$X.size()", "size_of($X)", "auto n = size_of(v);"),
    ] {
        assert_eq!(text(name, before, pattern, template), after, "{name}");
    }
}

#[test]
fn nested_matches_are_replaced_outermost_only() {
    assert_eq!(text("a.js", "f(f(1));", "f($X)", "g($X)"), "g(f(1));");
}

#[test]
fn strings_and_comments_are_not_rewritten() {
    assert_eq!(
        text("a.js", "f(1); // f(2)\ns = 'f(3)';", "f($X)", "g($X)"),
        "g(1); // f(2)\ns = 'f(3)';"
    );
}

#[test]
fn bytes_that_are_not_utf8_and_crlf_survive() {
    let after = run("a.py", b"# caf\xe9\r\nx = f(1)\r\n", "f($X)", "g(\n  $X)").unwrap();
    assert_eq!(after, b"# caf\xe9\r\nx = g(\r\n  1)\r\n");
}

#[test]
fn what_can_not_work_is_refused() {
    assert!(run("a.js", b"f(1);", "h($X)", "g($X)").unwrap_err().0.contains("nothing"));
    assert!(run("a.js", b"f(1);", "f($X)", "g($Y)").unwrap_err().0.contains("$Y"));
    assert!(run("a.js", b"f(1);", "f($X)", "g($X").unwrap_err().0.contains("syntax"));
    assert!(run("a.txt", b"f(1);", "f($X)", "g($X)").is_err());
}
