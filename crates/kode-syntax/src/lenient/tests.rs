use super::*;
use crate::parse;

fn count(language: Language, text: &str) -> usize {
    let tree = parse(language, text.as_bytes()).unwrap();
    // An error of the grammar's own is seen without this.
    faults(&tree, text.as_bytes(), None).len() + usize::from(tree.tree.root_node().has_error())
}

/// What is at fault, and what only looks like it.
const CASES: &[(Language, &[&str], &[&str])] = &[
    (
        Language::Ruby,
        &[
            "def a\n  1\nend\nend\n",
            "class A\n    b\n  end\n  def c\n  end\nend\n",
            "else\n  1\n",
            "x = 1\nrescue => e\n",
            "foo\n  x.each { 1 }\nend\n",
        ],
        &[
            "r = (1..2).end\nputs r.end, a&.end\n",
            "def end\n  1\nend\ndef self.then\n  2\nend\n",
            "def at(end:, in: 1)\n  end_of(end: 1)\nend\n",
            "x = { end: 1, :else => 2 }\nalias end stop\n",
            "case [1]\nin [a] then a\nend\nfor x in y do z end\n",
        ],
    ),
    (
        Language::Python,
        &[
            "def f():\n",
            "def f():\n    # nothing\nx = 1\n",
            "if a:\nx = 1\n",
            "class A:\n\ndef f():\n    pass\n",
            "try:\n    x\nexcept E:\nfinally:\n    y\n",
            "x = 1\n    y = 2\n",
            "if a:\n        x\n    y\n",
            "def f():\n    x\n      y\n",
            "  import os\n",
        ],
        &[
            "def f(): pass\n",
            "\u{feff}import os\nx = (\n  1)\n",
            "def f():\n    x; y\n    if a: b\n    else: c\n",
            "def f():\n  # one\n    # two\n  return {\n'a': 1}\n",
            "match a:\n    case 1:\n        x\n    case _:\n        y\n",
            "@a\ndef f():\n\tx\n\ty\n",
            "try:\n    x\nexcept E: y\nfinally:\n    z\n",
            "if a:\n    x \\\n  + 1\n    y\n\"\"\"\n  text\n\"\"\"\n",
        ],
    ),
    (
        Language::Tsx,
        &[
            "x = <Box>a</Heading>;\n",
            "x = <div><p>x</div></p>;\n",
            "try { a() }\nb();\n",
            "x = {a: 1,, b};\n",
            "f(a,, b);\n",
            "else { a() }\n",
        ],
        &[
            "x = <A.B a={<p/>}><></> </A.B>;\n",
            "try { a() } catch { b() }\ntry {} finally {}\n",
            "x = [1,, 2]; f(a, b,); y = {a, b,};\n",
            "x = { else: 1, catch() {} }; x.else(); export { x as default };\n",
        ],
    ),
    (
        Language::JavaScript,
        &["x = <Box>a</Heading>;\n", "try { a() }\n", "f(a,, b)\n", "g(, 2)\n", "x = {,}\n"],
        &["p.catch(() => 1).finally(x)\n"],
    ),
    (
        Language::Go,
        &[
            "package a\n\nx := 1\n",
            "package a\n\nreturn\n",
            "package a\n\nfoo()\n",
            "package a\n\npackage b\n",
            "package a\n\nvar x = 1\n\nimport \"os\"\n",
        ],
        &[
            "// about\npackage a\n\nimport \"os\"\n\n// x\nimport (\n\t\"io\"\n)\n\nvar x = 1\n",
            "package a\n\nfunc f() { x := 1; return }\n",
        ],
    ),
    (
        Language::Java,
        &[
            "class A { void f() { import a.B; } }\n",
            "class A { import a.B; }\n",
            "class A {}\nf();\n",
            "return;\n",
        ],
        &["package a;\nimport a.B;\nclass A { void f() { g(); } }\n"],
    ),
    (
        Language::Php,
        &["<?php\nendif;\n", "<?php\nfunction f() {\n  EndForEach;\n}\n"],
        &["<?php\nif ($a):\n  f();\nelse:\n  g();\nendif;\n"],
    ),
    (
        Language::C,
        &["#endif\nint a;\n", "int a;\n#else\nint b;\n"],
        &["#if A\nint a;\n#elif B\n#else\nint b;\n#endif\n#pragma once\n"],
    ),
];

#[test]
fn what_grammars_pass_over_is_a_fault_and_what_looks_like_it_is_none() {
    for (language, faulty, sound) in CASES {
        for text in *faulty {
            assert_ne!(count(*language, text), 0, "{language:?} {text}");
        }
        for text in *sound {
            assert_eq!(count(*language, text), 0, "{language:?} {text}");
        }
    }
}
