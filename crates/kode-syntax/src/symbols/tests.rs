use super::*;
use crate::{Language, parse};

fn paths(extension: &str, source: &str) -> Vec<String> {
    let language = Language::from_extension(extension).unwrap();
    let tree = parse(language, source.as_bytes()).unwrap();
    symbols(&tree, source.as_bytes())
        .into_iter()
        .map(|symbol| format!("{} {}", symbol.kind.name(), symbol.path))
        .collect()
}

#[test]
fn javascript_functions_are_found_in_every_guise() {
    let source = "
function a() {}
const b = () => 1;
class C { d() {} get e() { return 1 } f = () => 2; static #g() {} }
module.exports.h = function () {};
const o = { i() {}, j: () => 3 };
export default function k() {}
";
    assert_eq!(
        paths("js", source),
        [
            "function a",
            "function b",
            "class C",
            "function C.d",
            "function C.e",
            "function C.f",
            "function C.#g",
            "function module.exports.h",
            "function i",
            "function j",
            "function k"
        ]
    );
}

#[test]
fn containers_written_into_a_definition_are_in_its_path() {
    assert_eq!(paths("go", "package p\nfunc (s *Set[T]) Add(x int) {}\n"), ["function Set.Add"]);
    assert_eq!(paths("cpp", "int ns::A::f(int x) { return x; }\n"), ["function ns.A.f"]);
    assert_eq!(
        paths("rs", "impl<T> Set<T> { fn add(&self) {} }\n"),
        ["impl Set", "function Set.add"]
    );
}

#[test]
fn other_languages_nest_their_members() {
    assert_eq!(
        paths("py", "class A:\n    @x\n    def f(self):\n        def g(): pass\n"),
        ["class A", "function A.f", "function A.f.g"]
    );
    assert_eq!(
        paths("java", "class A { A() {} void f() {} }"),
        ["class A", "function A.A", "function A.f"]
    );
    assert_eq!(
        paths("cs", "namespace N { class A { int P { get; } void F() {} } }"),
        ["module N", "class N.A", "property N.A.P", "function N.A.F"]
    );
    assert_eq!(
        paths("php", "<?php class A { function f() {} } function g() {}"),
        ["class A", "function A.f", "function g"]
    );
    assert_eq!(
        paths("rb", "module M\n  class A\n    def f; end\n    def self.g; end\n  end\nend\n"),
        ["module M", "class M.A", "function M.A.f", "function M.A.g"]
    );
    assert_eq!(
        paths("c", "#define X 1\nstruct s { int a; };\nstatic int *f(void) { return 0; }"),
        ["macro X", "class s", "function f"]
    );
}

#[test]
fn decorators_and_doc_comments_belong_to_the_symbol() {
    let source = "x = 1\n\n# why\n@deco\ndef f():\n    pass\n";
    let tree = parse(Language::Python, source.as_bytes()).unwrap();
    let found = symbols(&tree, source.as_bytes());
    assert_eq!(&source[found[0].range.clone()], "# why\n@deco\ndef f():\n    pass");

    let source = "use a;\n// not doc\n/// doc\n#[test]\nfn f() {}\n";
    let tree = parse(Language::Rust, source.as_bytes()).unwrap();
    let found = symbols(&tree, source.as_bytes());
    assert_eq!(&source[found[0].range.clone()], "/// doc\n#[test]\nfn f() {}");
}

#[test]
fn a_path_suffix_names_a_symbol() {
    let source = "class A:\n    def f(self): pass\n";
    let tree = parse(Language::Python, source.as_bytes()).unwrap();
    let found = symbols(&tree, source.as_bytes());
    for wanted in ["f", "A.f", "A::f", "A#f"] {
        assert!(found[1].is_named(wanted), "{wanted}");
    }
    assert!(!found[1].is_named("B.f"));
}
