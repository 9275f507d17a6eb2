use super::*;
use crate::parse;

/// The bindings as `name: column of each place` (1-based, on one line).
fn places(extension: &str, source: &str) -> Vec<String> {
    let language = Language::from_extension(extension).unwrap();
    let tree = parse(language, source.as_bytes()).unwrap();
    scopes(&tree, source.as_bytes())
        .unwrap()
        .bindings
        .into_iter()
        .map(|binding| {
            let at: Vec<usize> = binding.occurrences.iter().map(|o| o.range.start).collect();
            format!("{} {at:?}", binding.name)
        })
        .collect()
}

#[test]
fn let_is_of_its_block_and_var_of_its_function() {
    let source = "let a; { let a; var b; a; b }";
    assert_eq!(places("js", source), ["a [4]", "a [13, 23]", "b [20, 26]"]);
}

#[test]
fn a_rust_let_shadows_from_its_end_on() {
    let source = "fn f() { let x = 1; let x = x + 1; x; }";
    assert_eq!(places("rs", source), ["f [3]", "x [13, 28]", "x [24, 35]"]);
}

#[test]
fn a_python_class_hides_its_names_from_its_methods() {
    let source = "x = 1\nclass A:\n    x = 2\n    y = x\n    def f(self): return x\n";
    assert_eq!(places("py", source)[0], "x [0, 59]");
}

#[test]
fn a_go_redeclaration_keeps_the_variable() {
    let source = "package p\nfunc f() { a, err := g(); b, err := h(a); _ = b; _ = err }";
    let found = places("go", source);
    assert!(found.contains(&"err [24, 39, 63]".to_owned()), "{found:?}");
}

#[test]
fn odd_but_legal_code_ends() {
    assert_eq!(places("py", "global x\nx = 1\n"), ["x [7, 9]"]);
    assert_eq!(places("py", "def f():\n    global x\n    nonlocal x\n"), ["f [4]"]);
}

#[test]
fn a_tree_nested_too_deep_is_not_analysed() {
    let source = format!("x = {}1{}", "(".repeat(9000), ")".repeat(9000));
    let tree = parse(Language::JavaScript, source.as_bytes()).unwrap();
    assert_eq!(scopes(&tree, source.as_bytes()), Err(ScopeError::TooDeep));
}
