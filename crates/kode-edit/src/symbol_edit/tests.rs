use super::*;

fn body(name: &str, before: &str, symbol: &str, body: &str) -> Result<String, EditRefusal> {
    let path = ProjectPath::new(name).unwrap();
    replace_body(&path, before.as_bytes(), symbol, body)
        .map(|after| String::from_utf8(after).unwrap())
}

fn definition(name: &str, before: &str, symbol: &str, text: &str) -> Result<String, EditRefusal> {
    let path = ProjectPath::new(name).unwrap();
    replace_definition(&path, before.as_bytes(), symbol, text)
        .map(|after| String::from_utf8(after).unwrap())
}

#[test]
fn a_braced_body_follows_the_indentation_of_its_place() {
    let before = "class A {\n  f() {\n    return 1;\n  }\n}\n";
    assert_eq!(
        body("a.js", before, "A.f", "{\n  return 2;\n}").unwrap(),
        "class A {\n  f() {\n    return 2;\n  }\n}\n"
    );
}

#[test]
fn a_python_body_keeps_multi_line_strings() {
    let before =
        "class A:\n    @d\n    def f(self):\n        return 1\n\n    def g(self): return 2\n";
    assert_eq!(
        body("a.py", before, "f", "x = \"\"\"\nraw\n\"\"\"\nreturn x").unwrap(),
        "class A:\n    @d\n    def f(self):\n        x = \"\"\"\nraw\n\"\"\"\n        return x\n\n    \
         def g(self): return 2\n"
    );
    assert!(
        body("a.py", before, "g", "return 3").unwrap().contains("def g(self): \n        return 3")
    );
}

#[test]
fn a_ruby_body_keeps_its_end() {
    let before = "class A\n  def f(x)\n    x + 1\n  end\nend\n";
    assert_eq!(
        body("a.rb", before, "A#f", "y = x\ny").unwrap(),
        "class A\n  def f(x)\n    y = x\n    y\n  end\nend\n"
    );
}

#[test]
fn a_csharp_expression_body_becomes_a_block_without_its_semicolon() {
    let before = "class A { int F() => 1; }\n";
    assert_eq!(
        body("a.cs", before, "F", "{ return 2; }").unwrap(),
        "class A { int F() { return 2; } }\n"
    );
}

#[test]
fn crlf_and_bom_survive_a_new_body() {
    let before = "\u{feff}function f() {\r\n  return 1;\r\n}\r\n";
    assert_eq!(
        body("a.js", before, "f", "{\n  return 2;\n}").unwrap(),
        "\u{feff}function f() {\r\n  return 2;\r\n}\r\n"
    );
}

#[test]
fn missing_and_ambiguous_symbols_are_refused_with_what_there_is() {
    let before = "class A:\n    def f(self): pass\nclass B:\n    def f(self): pass\n";
    let refusal = body("a.py", before, "f", "pass").unwrap_err();
    assert!(refusal.0.contains("A.f") && refusal.0.contains("B.f"), "{refusal}");
    assert!(body("a.py", before, "B.f", "return 1").is_ok());
    assert!(body("a.py", before, "h", "pass").unwrap_err().0.contains("nearest"));
}

#[test]
fn a_body_that_closes_too_early_is_refused() {
    let before = "function f() {\n  return 1;\n}\nfunction g() {}\n";
    assert!(body("a.js", before, "f", "{\n  return 2;\n").is_err());
    assert!(body("a.js", before, "f", "return 2;").is_err());
}

#[test]
fn decorators_stay_unless_the_definition_brings_its_own() {
    let before = "@a\n@b\ndef f():\n    return 1\n";
    assert_eq!(
        definition("a.py", before, "f", "def f(x):\n    return x").unwrap(),
        "@a\n@b\ndef f(x):\n    return x\n"
    );
    assert_eq!(
        definition("a.py", before, "f", "@c\ndef f(x):\n    return x").unwrap(),
        "@c\ndef f(x):\n    return x\n"
    );
}

#[test]
fn an_exported_function_stays_exported() {
    let before = "/** doc */\nexport function f() { return 1 }\n";
    assert_eq!(
        definition("a.ts", before, "f", "function f(x: number) { return x }").unwrap(),
        "/** doc */\nexport function f(x: number) { return x }\n"
    );
}

#[test]
fn expression_bodies_of_c_sharp_are_replaced_by_either_form() {
    let path = ProjectPath::new("A.cs").unwrap();
    let block = "class A\n{\n    int F(int a)\n    {\n        return a;\n    }\n}\n";
    let arrow = "class A\n{\n    int F(int a) => a;\n}\n";
    let replaced = |source: &str, body: &str| {
        String::from_utf8(replace_body(&path, source.as_bytes(), "F", body).unwrap()).unwrap()
    };
    assert_eq!(
        replaced(arrow, "{\n    return 2;\n}"),
        "class A\n{\n    int F(int a) {\n        return 2;\n    }\n}\n"
    );
    for body in ["=> 2", "=> 2;"] {
        assert_eq!(replaced(arrow, body), "class A\n{\n    int F(int a) => 2;\n}\n");
        assert_eq!(replaced(block, body), "class A\n{\n    int F(int a)\n    => 2;\n}\n");
    }
    assert!(replace_body(&path, arrow.as_bytes(), "F", "2").is_err());
}

#[test]
fn a_body_that_brings_other_definitions_is_refused() {
    let js = "function f() {\n  return 1;\n}\nfunction g() {}\n";
    let method = "class A {\n  f() {\n    return 1;\n  }\n}\n";
    let ruby = "def f\n  1\nend\n";
    let c = "int f(void) {\n  return 1;\n}\n";
    for (name, before, text) in [
        ("a.js", js, "{\n  return 2;\n}\nfunction h() {}"),
        ("a.js", js, "{ return 2; } { evil(); }"),
        ("a.js", js, "{ return 2; }\nevil();"),
        ("a.js", method, "{ return 2; }\n  h() {}"),
        ("a.js", "const f = () => {\n  return 1;\n};\n", "{ return 2; };\nconst h = () => { }"),
        ("a.rb", ruby, "2\nend\ndef h\n3"),
        ("a.c", c, "{\n  return 2;\n}\nint h(void) {\n  return 3;\n}"),
        ("a.go", "package a\n\nfunc f() {\n}\n", "{\n}\n\nfunc h() {\n}"),
        ("a.rs", "fn f() {\n}\n", "{\n}\nfn h() {\n}"),
        ("A.java", "class A {\n  void f() {\n  }\n}\n", "{\n  }\n  void h() {\n  }"),
        ("a.php", "<?php\nfunction f() {\n}\n", "{\n}\nfunction h() {\n}"),
    ] {
        let refusal = body(name, before, "f", text).unwrap_err();
        assert!(refusal.0.contains("more than the body"), "{name} {text}: {refusal}");
    }
}

#[test]
fn a_body_may_hold_definitions_and_end_in_a_comment() {
    let js = "function f() {\n  return 1;\n}\n";
    body("a.js", js, "f", "{\n  function h() {}\n  return h();\n} // f").unwrap();
    body("a.js", js, "f", "{\n  function h() {}\n  return h();\n  // done\n}").unwrap();
    body("a.js", "const f = (a) => a + 1;\n", "f", "a + 2").unwrap();
    for text in [
        "return 2\n# done",
        "def h():\n    return 3\nreturn h()",
        "\"\"\"doc\"\"\"\n\n\nreturn 2\n\n",
    ] {
        body("a.py", "def f():\n    return 1\n\n\nx = 2\n", "f", text).unwrap();
    }
    body("a.rb", "class A\n  def f\n    1\n  end\nend\n", "A#f", "2\n# done").unwrap();
    body("A.cs", "class A { int F() => 1; }\n", "F", "=> 2;").unwrap();
}
