use super::*;

fn put(name: &str, before: &str, symbol: &str, place: Where, code: &str) -> String {
    let path = ProjectPath::new(name).unwrap();
    String::from_utf8(insert(&path, before.as_bytes(), symbol, place, code).unwrap()).unwrap()
}

#[test]
fn code_after_a_method_is_indented_as_the_method_is() {
    assert_eq!(
        put("a.js", "class A {\n  f() {} // one\n}\n", "f", Where::After, "g() {\n  return 1;\n}"),
        "class A {\n  f() {} // one\n\n  g() {\n    return 1;\n  }\n}\n"
    );
    assert_eq!(
        put(
            "a.py",
            "class A:\n    @d\n    def f(self):\n        pass\n",
            "A.f",
            Where::After,
            "x = 1"
        ),
        "class A:\n    @d\n    def f(self):\n        pass\n\n    x = 1\n"
    );
}

#[test]
fn commas_of_an_object_literal_are_kept_right() {
    assert_eq!(
        put("a.js", "const o = {\n  f() {},\n  h: 1,\n};\n", "f", Where::After, "g() {}"),
        "const o = {\n  f() {},\n\n  g() {},\n  h: 1,\n};\n"
    );
    assert_eq!(
        put("a.js", "const o = {\n  f() {}\n};\n", "f", Where::After, "g() {}"),
        "const o = {\n  f() {},\n\n  g() {}\n};\n"
    );
}

#[test]
fn code_before_a_symbol_stands_above_its_decorators() {
    assert_eq!(
        put("a.py", "# doc\n@d\ndef f():\n    pass\n", "f", Where::Before, "def e():\n    pass"),
        "def e():\n    pass\n\n# doc\n@d\ndef f():\n    pass\n"
    );
}

#[test]
fn code_goes_to_the_start_and_end_of_a_body() {
    let class = "class A {\n  int x;\n}\n";
    assert_eq!(
        put("A.java", class, "A", Where::Start, "int y;"),
        "class A {\n  int y;\n  int x;\n}\n"
    );
    assert_eq!(
        put("A.java", class, "A", Where::End, "int y;"),
        "class A {\n  int x;\n  int y;\n}\n"
    );
    assert_eq!(
        put("A.java", "class A {}\n", "A", Where::End, "int y;"),
        "class A {\n    int y;\n}\n"
    );
    assert_eq!(
        put("a.py", "def f():\n    a()\n", "f", Where::End, "b()"),
        "def f():\n    a()\n    b()\n"
    );
    assert_eq!(
        put("a.py", "def f():\n    a()\n", "f", Where::Start, "b()"),
        "def f():\n    b()\n    a()\n"
    );
}
