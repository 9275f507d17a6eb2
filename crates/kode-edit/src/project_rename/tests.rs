use super::*;

struct Files(Vec<(ProjectPath, Vec<u8>)>);

impl Project for Files {
    fn read(&self, path: &ProjectPath) -> Result<Option<Vec<u8>>, EditRefusal> {
        Ok(self.0.iter().find(|(name, _)| name == path).map(|(_, bytes)| bytes.clone()))
    }

    fn files(&self) -> Result<Vec<ProjectPath>, EditRefusal> {
        Ok(self.0.iter().map(|(name, _)| name.clone()).collect())
    }
}

/// Renames the name after `‸` in the first file to `new`; the changed files' texts.
fn run(files: &[(&str, &str)]) -> Result<Vec<(String, String)>, EditRefusal> {
    let marked = files[0].1;
    let at = marked.find('‸').unwrap();
    let line = marked[..at].matches('\n').count() + 1;
    let column = marked[..at].rsplit('\n').next().unwrap().chars().count() + 1;
    let project = Files(
        files
            .iter()
            .map(|(name, text)| {
                (ProjectPath::new(name).unwrap(), text.replace('‸', "").into_bytes())
            })
            .collect(),
    );
    let path = ProjectPath::new(files[0].0).unwrap();
    let changes = rename(&project, &path, &Place { line, column, name: None }, "fresh")?;
    let changed =
        |c: FileChange| (c.path.as_str().to_owned(), String::from_utf8(c.after.unwrap()).unwrap());
    let mut changes: Vec<(String, String)> = changes.into_iter().map(changed).collect();
    changes[1..].sort();
    Ok(changes)
}

#[test]
fn an_exported_function_is_renamed_where_it_is_imported() {
    let changes = run(&[
        ("src/a.ts", "export function ‸old() {}\n"),
        ("src/b.ts", "import { old } from './a';\nold(); o.old();\n"),
        ("src/c.tsx", "import { old as mine } from './a.js';\nmine();\n"),
        ("src/d.ts", "function old() {}\nold();\n"),
        ("src/e.ts", "import { old } from './d';\nold();\n"),
    ]);
    assert_eq!(
        changes.unwrap(),
        [
            ("src/a.ts".into(), "export function fresh() {}\n".to_owned()),
            ("src/b.ts".into(), "import { fresh } from './a';\nfresh(); o.old();\n".into()),
            ("src/c.tsx".into(), "import { fresh as mine } from './a.js';\nmine();\n".into()),
        ]
    );
}

#[test]
fn python_names_are_followed_through_packages() {
    let changes = run(&[
        ("pkg/a.py", "def ‸old():\n    pass\n"),
        ("pkg/__init__.py", "from .a import old\n"),
        ("tests/t.py", "from pkg import old\nold()\n"),
        ("other.py", "def old(): pass\n"),
    ]);
    assert_eq!(
        changes.unwrap(),
        [
            ("pkg/a.py".into(), "def fresh():\n    pass\n".to_owned()),
            ("pkg/__init__.py".into(), "from .a import fresh\n".into()),
            ("tests/t.py".into(), "from pkg import fresh\nfresh()\n".into()),
        ]
    );
}

#[test]
fn callers_in_other_files_follow_a_parameter_they_pass_by_name() {
    let changes = run(&[
        ("pkg/a.py", "def f(‸x, y=1):\n    return x + y\nf(x=1)\n"),
        ("pkg/b.py", "from .a import f as g\ng(x=1, y=2)\nh(x=3)\n"),
        ("pkg/c.py", "from pkg.a import f\nx = 1\nf(x, y=x)\n"),
        ("d.py", "def f(x): return x\nf(x=1)\n"),
    ]);
    assert_eq!(
        changes.unwrap(),
        [
            (
                "pkg/a.py".into(),
                "def f(fresh, y=1):\n    return fresh + y\nf(fresh=1)\n".to_owned()
            ),
            ("pkg/b.py".into(), "from .a import f as g\ng(fresh=1, y=2)\nh(x=3)\n".into()),
        ]
    );
}

#[test]
fn a_parameter_that_is_passed_by_name_who_knows_where_is_refused() {
    for files in [
        [("a.py", "def f(‸x): return x\n"), ("b.py", "import a\na.f(x=1)\n")],
        [("a.py", "class A:\n    def m(self, ‸x): return x\n"), ("b.py", "def g(a): a.m(x=1)\n")],
        [
            ("a.py", "class A:\n    def __init__(self, ‸x): self.x = x\n"),
            ("b.py", "import a\na.A(x=1)\n"),
        ],
        [("a.py", "def f(‸x, **k): return x\n"), ("b.py", "from a import f\nf(x=1, fresh=2)\n")],
        [("a.php", "<?php\nfunction f($‸x) { return $x; }\n"), ("b.php", "<?php\nf(x: 1);\n")],
        [
            ("A.cs", "class A { int F(int ‸x) { return x; } }\n"),
            ("B.cs", "class B { int G(A a) { return a.F(x: 1); } }\n"),
        ],
        [("a.rb", "def f(‸x:) = x\nf(x: 1)\n"), ("b.rb", "f(x: 1)\n")],
    ] {
        let refusal = run(&files).unwrap_err().0;
        assert!(refusal.contains(files[1].0), "{files:?}: {refusal}");
    }
}

#[test]
fn what_imports_can_not_settle_is_refused() {
    for files in [
        [("a.ts", "export const ‸old = 1;\n"), ("b.ts", "import * as a from './a';\na.old;\n")],
        [("a.ts", "export const ‸old = 1;\n"), ("b.ts", "export * from './a'; // old\n")],
        [("a.ts", "export const ‸old = 1;\n"), ("b.ts", "const { old } = require('./a');\n")],
        [("a.ts", "export const ‸old = 1;\n"), ("b.ts", "import { old } from '@/a';\n")],
        [("a.py", "‸old = 1\n"), ("b.py", "import a\na.old\n")],
        [("a.py", "‸old = 1\n"), ("b.py", "from a import *\nold\n")],
        [("a.py", "‸old = 1\n"), ("b.py", "patch('a.old')\n")],
        [("a.py", "‸old = 1\n__all__ = ['old']\n"), ("b.py", "")],
        [("a.go", "package p\nfunc ‸old() {}\n"), ("b.go", "package p\nfunc g() { old() }\n")],
        [("a.c", "int ‸old(void) { return 1; }\n"), ("b.h", "int old(void);\n")],
    ] {
        assert!(run(&files).is_err(), "{files:?}");
    }
}

#[test]
fn a_collision_in_an_importing_file_refuses_the_whole_rename() {
    let refusal = run(&[
        ("a.ts", "export const ‸old = 1;\n"),
        ("b.ts", "import { old } from './a';\nconst fresh = old;\n"),
    ])
    .unwrap_err();
    assert!(refusal.0.contains("b.ts"), "{refusal}");
}

#[test]
fn an_export_under_its_own_name_keeps_that_name() {
    let changes = run(&[
        ("a.ts", "const ‸old = 1;\nexport { old };\n"),
        ("b.ts", "import { old } from './a';\nold;\n"),
    ]);
    assert_eq!(
        changes.unwrap(),
        [("a.ts".to_owned(), "const fresh = 1;\nexport { fresh as old };\n".to_owned())]
    );
}

#[test]
fn a_package_level_name_nobody_mentions_is_renamed() {
    let changes = run(&[
        ("a.go", "package p\nfunc ‸old() { old() }\n"),
        ("b.go", "package p\nfunc g() { olde() }\n"),
    ]);
    assert_eq!(changes.unwrap().len(), 1);
}

#[test]
fn a_name_passed_on_by_export_from_keeps_its_name_there() {
    let changes = run(&[
        ("a.ts", "export const ‸old = 1;\nexport const other = 2;\n"),
        ("b.ts", "import { old } from './a';\nexport { other, old } from './a';\nold;\n"),
        ("c.ts", "export { old as mine, type other } from './a.js';\n"),
        ("d.ts", "import { old } from './b';\nold;\n"),
        ("e.ts", "export { old } from './elsewhere';\n"),
    ]);
    let b = "import { fresh } from './a';\nexport { other, fresh as old } from './a';\nfresh;\n";
    assert_eq!(
        changes.unwrap(),
        [
            ("a.ts".into(), "export const fresh = 1;\nexport const other = 2;\n".to_owned()),
            ("b.ts".into(), b.into()),
            ("c.ts".into(), "export { fresh as mine, type other } from './a.js';\n".into()),
        ]
    );
}

#[test]
fn a_name_is_followed_through_files_that_pass_everything_on() {
    let changes = run(&[
        ("a.ts", "export const ‸old = 1;\n"),
        ("index.ts", "export * from './a';\nexport * from './z';\n"),
        ("lib/all.ts", "export * from '../index';\n"),
        ("b.ts", "import { old } from './index';\nold;\n"),
        ("c.ts", "import { old } from './lib/all';\nold;\n"),
        ("z.ts", "export const z = 1;\n"),
    ]);
    assert_eq!(
        changes.unwrap(),
        [
            ("a.ts".into(), "export const fresh = 1;\n".to_owned()),
            ("b.ts".into(), "import { fresh } from './index';\nfresh;\n".into()),
            ("c.ts".into(), "import { fresh } from './lib/all';\nfresh;\n".into()),
        ]
    );
    let python = run(&[
        ("pkg/a.py", "def ‸old():\n    pass\n"),
        ("pkg/__init__.py", "from .a import *\n"),
        ("t.py", "from pkg import old\nold()\n"),
    ]);
    assert_eq!(python.unwrap()[1].1, "from pkg import fresh\nfresh()\n");
}

#[test]
fn a_module_handed_on_as_a_namespace_is_refused() {
    for files in [
        [
            ("a.ts", "export const ‸old = 1;\n"),
            ("b.ts", "export * as shapes from './a';\n"),
            ("c.ts", "import { shapes } from './b';\nshapes.old;\n"),
        ],
        [
            ("a.ts", "export const ‸old = 1;\n"),
            ("b.ts", "import * as shapes from './a';\nexport { shapes };\n"),
            ("c.ts", "import { shapes } from './b';\nshapes.old;\n"),
        ],
        [
            ("a.ts", "export const ‸old = 1;\n"),
            ("b.ts", "export * from './a';\nexport const fresh = 2;\n"),
            ("c.ts", "import { old } from './b';\n"),
        ],
        [
            ("pkg/a.py", "def ‸old():\n    pass\n"),
            ("pkg/__init__.py", "from .a import *\n"),
            ("t.py", "import pkg\npkg.old()\n"),
        ],
    ] {
        assert!(run(&files).is_err(), "{files:?}");
    }
}

pub(crate) fn refused(files: &[(&str, &str)], because: &str) {
    match run(files) {
        Ok(changes) => panic!("{files:?} became {changes:?}"),
        Err(refusal) => assert!(refusal.0.contains(because), "{files:?}: {refusal}"),
    }
}

/// The first file as it is afterwards; no other changes.
pub(crate) fn becomes(files: &[(&str, &str)], after: &str) {
    match run(files) {
        Ok(changes) => {
            assert_eq!(changes.len(), 1, "{changes:?}");
            assert_eq!(changes[0].1, after);
        }
        Err(refusal) => panic!("{files:?}: {refusal}"),
    }
}

#[test]
fn a_java_field_that_a_local_class_inherits_is_not_the_local() {
    let local = "class A { void f() { int ‸x = 1; g(new B() { int h() { return x; } }); } }";
    let after = "class A { void f() { int fresh = 1; g(new B() { int h() { return fresh; } }); } }";
    refused(&[("A.java", local)], "nowhere in the project");
    refused(&[("A.java", local), ("B.java", "class B { protected int x; }")], "inherits `x`");
    refused(&[("A.java", local), ("B.java", "class B { int fresh; }")], "inherits `fresh`");
    refused(
        &[("A.java", local), ("B.java", "class B extends p.C<X> {} class C<T> { int y, x; }")],
        "inherits `x`",
    );
    becomes(&[("A.java", local), ("B.java", "class B { private int x; void x() {} }")], after);
    becomes(&[("A.java", local), ("B.java", "interface B { int X = 1; }")], after);
    becomes(&[("A.java", local), ("B.java", "class B extends Thread implements Q {}")], after);
    let [listener, listening] = [local, after].map(|text| text.replace("B()", "o.ClickListener()"));
    becomes(&[("A.java", &listener)], &listening);
    let import = "import java.util.function.B;\n";
    becomes(&[("A.java", &format!("{import}{local}"))], &format!("{import}{after}"));
}

#[test]
fn java_lambdas_and_anonymous_runnables_follow() {
    becomes(
        &[(
            "A.java",
            "class A extends Z { void f(int ‸x) { g(() -> x); new Runnable() { public void run() \
             { x(x); } }; class L implements Q { int g() { return x; } } } }",
        )],
        "class A extends Z { void f(int fresh) { g(() -> fresh); new Runnable() { public void \
         run() { x(fresh); } }; class L implements Q { int g() { return fresh; } } } }",
    );
    refused(
        &[("A.java", "class A { void f(int ‸x) { class L extends M { int g = x; } } }")],
        "`M`, which is nowhere",
    );
}

#[test]
fn a_cpp_member_that_a_local_struct_inherits_is_not_the_local() {
    let source = |base: &str| {
        format!(
            "{base}\nint main() {{ static int ‸x = 1; struct L : B {{ int g() {{ return x; }} }} \
             l; return l.g(); }}\n"
        )
    };
    refused(&[("a.cpp", &source("struct B { int x = 9; };"))], "inherits `x`");
    refused(&[("a.cpp", &source("struct B { int *x(); };"))], "inherits `x`");
    refused(&[("a.cpp", &source("#include <b>"))], "nowhere in the project");
    let fine = source("struct B { int y; };");
    becomes(&[("a.cpp", &fine)], &fine.replace("‸x", "fresh").replace("return x", "return fresh"));
}

#[test]
fn keys_of_go_types_in_other_files_are_fields_unless_those_are_maps() {
    let local = "package p\nfunc f(‸x int) T { return T{x: x} }\n";
    becomes(
        &[("a.go", local), ("b.go", "package p\ntype T struct{ x int }\n")],
        "package p\nfunc f(fresh int) T { return T{x: fresh} }\n",
    );
    refused(&[("a.go", local), ("b.go", "package p\ntype T map[int]int\n")], "key in a literal");
}

#[test]
fn a_dynamic_import_beside_a_static_one_is_refused() {
    let a = ("src/a.ts", "export class ‸A {}\n");
    for other in [
        "import { A } from './a';\nlet y: import('./a').A;\n",
        "import { A } from './a';\nconst z = (await import('./a')).A;\n",
        "import { A } from './a';\njest.mock('./a', () => ({ A: 1 }));\n",
        "const { A } = require('./a');\n",
    ] {
        refused(&[a, ("src/b.ts", other)], "by a string");
    }
    let fine = "import { A } from './a';\njest.mock('./a');\nnew A('./b');\n";
    let changes = run(&[a, ("src/b.ts", fine)]).unwrap();
    assert_eq!(
        changes[1].1,
        "import { fresh } from './a';\njest.mock('./a');\nnew fresh('./b');\n"
    );
    let own = "import { B } from './a';\nclass A extends B {}\n";
    becomes(&[a, ("src/b.ts", own)], "export class fresh {}\n");
}

#[test]
fn a_python_module_that_is_loaded_by_a_string_is_refused() {
    let a = ("p/a.py", "def ‸f(): return 1\n");
    let load = "import importlib\nprint(importlib.import_module('p.a').f())\n";
    refused(&[a, ("b.py", load)], "mentions the name and the file");
    becomes(&[a, ("b.py", &load.replace("p.a", "p.c"))], "def fresh(): return 1\n");
}

#[test]
fn pages_and_components_that_name_an_export_refuse() {
    let a = ("a.js", "export function ‸init() {}\n");
    let script = "<script>import {init} from './a.js'; init();</script>\n";
    for page in ["i.html", "b/i.vue", "i.svelte"] {
        refused(&[a, (page, script)], "can't follow imports");
    }
    refused(&[a, ("i.astro", "---\nimport {init} from './a.js'\n---\n")], "can't follow");
    becomes(&[a, ("i.html", "<p>init"), ("j.vue", "<p>other")], "export function fresh() {}\n");
    becomes(&[("a.js", "function ‸init() {}\n"), ("i.vue", script)], "function fresh() {}\n");
}

#[test]
fn macros_of_included_headers_stand_in_the_way() {
    let a = ("src/a.c", "#include \"b.h\"\nint f(void) { int ‸x = 1; return x + P(x); }\n");
    let b = ("src/b.h", "#include <inc/c.h>\n#include <stdio.h>\n");
    refused(&[a, b, ("lib/inc/c.h", "#define fresh 3\n")], "`fresh` is a macro that lib/inc/c.h");
    refused(&[a, b, ("lib/inc/c.h", "# define GET (x + \\\n 1)\n")], "macro's body");
    refused(&[a, b, ("lib/inc/c.h", "#define P(n) n##1\n")], "`##`");
    refused(&[a, b, ("lib/inc/c.h", "#define P(n) #n\n")], "into a string");
    let after = "#include \"b.h\"\nint f(void) { int fresh = 1; return fresh + P(fresh); }\n";
    becomes(&[a, b, ("lib/inc/c.h", "#define P(x) (x)\n"), ("d.h", "#define fresh\n")], after);
}

#[test]
fn php_arguments_are_named_in_any_case_and_through_values() {
    let f = ("a.php", "<?php\nfunction Foo($‸a) { return $a; }\n");
    refused(&[f, ("b.php", "<?php\necho FOO(a: 1);\n")], "passes it by its name");
    refused(&[f, ("b.php", "<?php\n$g = foo(...); $g(a: 1);\n")], "passes it by its name");
    for call in ["$g(a: 1)", "call_user_func('foo', a: 2)", "foo(...['a' => 1])"] {
        refused(&[("a.php", &format!("{}echo {call};\n", f.1))], "passes");
    }
    becomes(
        &[("a.php", &format!("{}echo FOO(a: 1), g(a: 1), $x->a;\n", f.1))],
        "<?php\nfunction Foo($fresh) { return $fresh; }\necho FOO(fresh: 1), g(a: 1), $x->a;\n",
    );
    let closure = "<?php\n$f = function($‸a) { return $a; };\necho $f(a: 1);\n";
    refused(&[("a.php", closure)], "passes that name");
}

#[test]
fn a_ruby_local_that_a_pattern_sets_is_refused() {
    refused(&[("a.rb", "‸x = 0\nif /(?<x>\\d)/ =~ s\n  puts x\nend\n")], "capture");
    refused(&[("a.rb", "if /(?<x>\\d)/ =~ s\n  puts ‸x\nend\n")], "capture");
    becomes(
        &[("a.rb", "‸x = 0\nputs x\ndef f\n  /(?<x>\\d)/ =~ s\nend\n/(?<y>a)/ =~ x\n")],
        "fresh = 0\nputs fresh\ndef f\n  /(?<x>\\d)/ =~ s\nend\n/(?<y>a)/ =~ fresh\n",
    );
    becomes(
        &[("a.rb", "‸x = 0\ns =~ /(?<x>a)/\nputs x\n")],
        "fresh = 0\ns =~ /(?<x>a)/\nputs fresh\n",
    );
}

#[test]
fn default_values_do_not_see_the_variables_of_the_body() {
    becomes(
        &[("a.js", "let ‸x = 1;\nfunction f(a = x, b = () => x) { var x = 2; return a + x; }\n")],
        "let fresh = 1;\nfunction f(a = fresh, b = () => fresh) { var x = 2; return a + x; }\n",
    );
    becomes(
        &[("a.js", "function f(‸x) { class A { static { var x = 1; x; } static y = x; } }\n")],
        "function f(fresh) { class A { static { var x = 1; x; } static y = fresh; } }\n",
    );
    becomes(
        &[("a.ts", "function f<T>(‸x: T, y = x): T { if (y) { var x = y; } return x; }\n")],
        "function f<T>(fresh: T, y = fresh): T { if (y) { var fresh = y; } return fresh; }\n",
    );
}

#[test]
fn names_written_with_escapes_are_refused() {
    refused(&[("a.js", "var ‸a = 1;\nf(\\u0061);\n")], "with an escape");
    refused(&[("a.js", "var ab = 1;\nf(‸a\\u{62});\n")], "not declared");
    refused(&[("a.js", "var ‸\\u0061b = 1;\nf(ab);\n")], "with an escape");
    becomes(&[("a.js", "var ‸a = '\\u0061';\nf(a);\n")], "var fresh = '\\u0061';\nf(fresh);\n");
}
