use super::*;

/// Renames the name after `‸` to `new` as if the file were the whole project.
fn run(extension: &str, marked: &str, new: &str) -> Result<String, EditRefusal> {
    let at = marked.find('‸').unwrap();
    let line = marked[..at].matches('\n').count() + 1;
    let column = marked[..at].rsplit('\n').next().unwrap().chars().count() + 1;
    let source = marked.replace('‸', "");
    let path = ProjectPath::new(&format!("a.{extension}")).unwrap();
    let file = ScopedFile::open(&path, source.as_bytes())?;
    let new = file.checked_name(new)?;
    let index = file.binding_at(&Place { line, column, name: None })?;
    file.rename(index, new, false).map(|bytes| String::from_utf8(bytes).unwrap())
}

fn renames(extension: &str, marked: &str, after: &str) {
    match run(extension, marked, "new") {
        Ok(is) => assert_eq!(is, after, "{extension}: {marked}"),
        Err(refusal) => panic!("{extension}: {marked}: {refusal}"),
    }
}

fn refuses(extension: &str, marked: &str, new: &str, because: &str) {
    match run(extension, marked, new) {
        Ok(is) => panic!("{extension}: {marked} became {is}"),
        Err(refusal) => assert!(refusal.0.contains(because), "{extension}: {marked}: {refusal}"),
    }
}

/// `new` is a keyword in these languages.
fn renames_to(extension: &str, marked: &str, new: &str, after: &str) {
    assert_eq!(run(extension, marked, new).unwrap(), after, "{extension}: {marked}");
}

#[test]
fn javascript_leaves_members_strings_comments_and_shadows() {
    renames_to(
        "js",
        "function f(‸x) { o.x = x; 'x'; /* x */ { let x = 1; x; } return {x, y: x}; }",
        "n",
        "function f(n) { o.x = n; 'x'; /* x */ { let x = 1; x; } return {x: n, y: n}; }",
    );
    renames_to("js", "const {‸a, b = a} = o; f(a);", "n", "const {a: n, b = n} = o; f(n);");
    renames_to("js", "const {‸a = 1} = o; f(a);", "n", "const {a: n = 1} = o; f(n);");
    renames_to("js", "const {k: ‸a, ...r} = o; a;", "n", "const {k: n, ...r} = o; n;");
    renames_to("js", "let ‸a; ({a} = o); [a] = p;", "n", "let n; ({a: n} = o); [n] = p;");
    renames_to("js", "f(); function ‸f() { f(); }", "n", "n(); function n() { n(); }");
    renames_to("js", "import {‸a} from 'm'; a();", "n", "import {a as n} from 'm'; n();");
    renames_to("js", "const ‸a = 1; export {a};", "n", "const n = 1; export {n as a};");
    renames_to("js", "for (const ‸i of x) { `${i} i`; }", "n", "for (const n of x) { `${n} i`; }");
    renames_to(
        "js",
        "a: for (;;) { let ‸a; a; break a; }",
        "n",
        "a: for (;;) { let n; n; break a; }",
    );
    renames_to("js", "try {} catch (‸e) { e; }", "n", "try {} catch (n) { n; }");
    renames_to(
        "js",
        "var ‸x; function f() { x; var y; }",
        "n",
        "var n; function f() { n; var y; }",
    );
    renames_to("js", "const f = ‸x => x.x;", "n", "const f = n => n.x;");
    renames_to(
        "js",
        "class ‸A { a = new A(); } new A();",
        "N",
        "class N { a = new N(); } new N();",
    );
}

#[test]
fn typescript_types_and_values_are_told_apart() {
    renames_to(
        "ts",
        "function f(‸a: T): a is T { type a = 1; let b: typeof a; return (x: a) => a; }",
        "n",
        "function f(n: T): n is T { type a = 1; let b: typeof n; return (x: a) => n; }",
    );
    renames_to(
        "ts",
        "type A<‸T> = { [K in keyof T]: T[K] }; let T;",
        "U",
        "type A<U> = { [K in keyof U]: U[K] }; let T;",
    );
    renames_to("ts", "type A = { [‸K in B]: K };", "L", "type A = { [L in B]: L };");
    renames_to(
        "ts",
        "type A<T> = T extends (infer ‸U)[] ? U : T;",
        "V",
        "type A<T> = T extends (infer V)[] ? V : T;",
    );
    renames_to(
        "ts",
        "let f: (‸a: number) => typeof a; let a;",
        "n",
        "let f: (n: number) => typeof n; let a;",
    );
    renames_to(
        "ts",
        "type P = [a: string]; function f(‸a: P) { return a; }",
        "n",
        "type P = [a: string]; function f(n: P) { return n; }",
    );
    refuses("ts", "class A { constructor(private ‸x: number) { x; } }", "n", "member");
}

#[test]
fn tsx_components_keep_their_attributes() {
    renames_to(
        "tsx",
        "const C = ({‸title}: P) => <div title={title} {...{title}}>title {title}</div>;",
        "n",
        "const C = ({title: n}: P) => <div title={n} {...{title: n}}>title {n}</div>;",
    );
    renames_to(
        "tsx",
        "const ‸A = () => <b/>; const x = <A b=\"A\"><A.B/></A>;",
        "N",
        "const N = () => <b/>; const x = <N b=\"A\"><N.B/></N>;",
    );
    renames_to(
        "tsx",
        "const ‸a = 1; const x = <a>{a}</a>;",
        "n",
        "const n = 1; const x = <a>{n}</a>;",
    );
}

#[test]
fn python_scopes_are_functions() {
    renames(
        "py",
        "def f(‸x, y=1):\n    z = [x for q in x]\n    return f'{x} x', o.x, g(x=x)\nx = 2\n",
        "def f(new, y=1):\n    z = [new for q in new]\n    return f'{new} x', o.x, g(x=new)\nx = 2\n",
    );
    renames(
        "py",
        "def f():\n    ‸x = 1\n    def g():\n        nonlocal x\n        x += 1\n    return x\n",
        "def f():\n    new = 1\n    def g():\n        nonlocal new\n        new += 1\n    return new\n",
    );
    renames(
        "py",
        "def f():\n    global ‸x\n    x = 1\nx = 2\ndef g(x): return x\n",
        "def f():\n    global new\n    new = 1\nnew = 2\ndef g(x): return x\n",
    );
    renames("py", "x = 1\ny = [‸x for x in x]\n", "x = 1\ny = [new for new in x]\n");
    renames("py", "def f(a=‸x): pass\nx = 1\n", "def f(a=new): pass\nnew = 1\n");
    renames("py", "import a.b, ‸c\nc.d\n", "import a.b, c as new\nnew.d\n");
    renames("py", "from m import ‸c\nc()\n", "from m import c as new\nnew()\n");
    renames("py", "def f(‸x): pass\nf(x=1)\nx = 2\n", "def f(new): pass\nf(new=1)\nx = 2\n");
    renames(
        "py",
        "try:\n    pass\nexcept E as ‸e:\n    raise X from e\n",
        "try:\n    pass\nexcept E as new:\n    raise X from new\n",
    );
    renames(
        "py",
        "with a as ‸b, c as (d, e):\n    b(e)\n",
        "with a as new, c as (d, e):\n    new(e)\n",
    );
    renames(
        "py",
        "def f(v):\n    match v:\n        case A(x=‸x, y=[h, *t]) | x.y:\n            return x\n",
        "def f(v):\n    match v:\n        case A(x=new, y=[h, *t]) | new.y:\n            return new\n",
    );
    renames(
        "py",
        "def f(v):\n    if (‸n := v) and [m := n for n in v]:\n        return n\n",
        "def f(v):\n    if (new := v) and [m := n for n in v]:\n        return new\n",
    );
    renames(
        "py",
        "def f():\n    ‸doc = \"\"\"\ndoc\n\"\"\"\n    return doc\n",
        "def f():\n    new = \"\"\"\ndoc\n\"\"\"\n    return new\n",
    );
    renames(
        "py",
        "@‸deco\ndef deco(f): return f\n@deco\ndef g(): pass\n",
        "@new\ndef new(f): return f\n@new\ndef g(): pass\n",
    );
    refuses("py", "class A:\n    ‸x = 1\n", "n", "member");
    refuses("py", "class A:\n    def f(self, ‸x): pass\no.f(x=1)\n", "n", "by name");
}

#[test]
fn go_blocks_and_struct_methods() {
    renames_to(
        "go",
        "package p\nfunc (‸s *S) M(x int) int { s.s = x; return s.M(1) }\n",
        "n",
        "package p\nfunc (n *S) M(x int) int { n.s = x; return n.M(1) }\n",
    );
    renames_to(
        "go",
        "package p\nfunc f() { ‸err := g(); if err := h(); err != nil { return }; err = g(); _ = err }\n",
        "e",
        "package p\nfunc f() { e := g(); if err := h(); err != nil { return }; e = g(); _ = e }\n",
    );
    renames_to(
        "go",
        "package p\nfunc f(‸name string) { _ = T{name: name}; _ = map[string]int{name: 1}; _ = []T{{name: name}} }\n",
        "n",
        "package p\nfunc f(n string) { _ = T{name: n}; _ = map[string]int{n: 1}; _ = []T{{name: n}} }\n",
    );
    renames_to(
        "go",
        "package p\nfunc f(v any) { switch ‸x := v.(type) { case int: _ = x; default: _ = x } }\n",
        "n",
        "package p\nfunc f(v any) { switch n := v.(type) { case int: _ = n; default: _ = n } }\n",
    );
    renames_to(
        "go",
        "package p\nfunc f() { for ‸i, v := range i { _ = v; i++ } }\n",
        "n",
        "package p\nfunc f() { for n, v := range i { _ = v; n++ } }\n",
    );
    renames_to(
        "go",
        "package p\nfunc Map[‸T any](x []T) T { var y T; return y }\n",
        "U",
        "package p\nfunc Map[U any](x []U) U { var y U; return y }\n",
    );
    renames_to(
        "go",
        "package p\nfunc f() { a := func(‸x int) int { return x }; x := a(1); _ = x }\n",
        "n",
        "package p\nfunc f() { a := func(n int) int { return n }; x := a(1); _ = x }\n",
    );
    refuses("go", "package p\nfunc f() { ‸a := 1; b := 2; _ = a + b }\n", "b", "collide");
}

#[test]
fn rust_shadowing_patterns_and_macros() {
    renames_to(
        "rs",
        "fn f(‸x: u8) -> S { let y = S { x, z: x }; let x = x + 1; g(x); y.x }",
        "n",
        "fn f(n: u8) -> S { let y = S { x: n, z: n }; let x = n + 1; g(x); y.x }",
    );
    renames_to(
        "rs",
        "fn f() { let ‸v = 1; println!(\"{v} {:>v$} {{v}} {0}\", v); assert!(v.v == T::v); }",
        "n",
        "fn f() { let n = 1; println!(\"{n} {:>n$} {{v}} {0}\", n); assert!(n.v == T::v); }",
    );
    renames_to(
        "rs",
        "fn f(o: Option<u8>) { if let Some(‸x) = o { x; } else { x; } match o { Some(x) => x, _ => 0 }; }",
        "n",
        "fn f(o: Option<u8>) { if let Some(n) = o { n; } else { x; } match o { Some(x) => x, _ => 0 }; }",
    );
    renames_to(
        "rs",
        "fn f(s: S) { let S { ref mut ‸x, y: Some(z) } = s; x.x(z); }",
        "n",
        "fn f(s: S) { let S { x: ref mut n, y: Some(z) } = s; n.x(z); }",
    );
    renames_to(
        "rs",
        "fn f(e: E) { match e { A(‸x) | B(x) if x > 1 => x, C { x, .. } => x }; }",
        "n",
        "fn f(e: E) { match e { A(n) | B(n) if n > 1 => n, C { x, .. } => x }; }",
    );
    renames_to(
        "rs",
        "fn f() { let ‸x = 1; let g = |y| x + y; let h = |x| x; fn i() { x } }",
        "n",
        "fn f() { let n = 1; let g = |y| n + y; let h = |x| x; fn i() { x } }",
    );
    renames_to(
        "rs",
        "fn f<‸T: C>(x: T) -> Vec<T> where T: D { g::<T>(x) }",
        "U",
        "fn f<U: C>(x: U) -> Vec<U> where U: D { g::<U>(x) }",
    );
    renames_to(
        "rs",
        "fn f() { for ‸i in i..9 { vec![i; i]; } while let Some(i) = i {} }",
        "n",
        "fn f() { for n in i..9 { vec![n; n]; } while let Some(i) = i {} }",
    );
    renames_to(
        "rs",
        "#[inline]\nfn f() { let ‸a = 1; async move { a }; unsafe { a } }",
        "n",
        "#[inline]\nfn f() { let n = 1; async move { n }; unsafe { n } }",
    );
    refuses("rs", "fn f() { let ‸x = 1; m!(S { x }); }", "n", "shorthand");
    refuses("rs", "fn f() { let ‸x = 1; sql!(\"{x}\"); }", "n", "macro");
    refuses("rs", "struct S { x: u8 }\nimpl S { fn ‸f(&self) {} }", "n", "no variable");
}

#[test]
fn java_locals_and_parameters() {
    renames_to(
        "java",
        "class A { int x; int f(int ‸x) { this.x = x; for (int i = x; ; ) { x(x); } } }",
        "n",
        "class A { int x; int f(int n) { this.x = n; for (int i = n; ; ) { x(n); } } }",
    );
    renames_to(
        "java",
        "class A { void f() { List<String> ‸l = g(); l.forEach(l2 -> l.add(l2)); B.l(); } }",
        "n",
        "class A { void f() { List<String> n = g(); n.forEach(l2 -> n.add(l2)); B.l(); } }",
    );
    renames_to(
        "java",
        "class A { void f(Object o) { if (!(o instanceof B ‸b)) return; b.b(); } }",
        "n",
        "class A { void f(Object o) { if (!(o instanceof B n)) return; n.b(); } }",
    );
    renames_to(
        "java",
        "class A { void f() { try (R ‸r = g()) { r.h(); } catch (E e) { e.r(); } } }",
        "n",
        "class A { void f() { try (R n = g()) { n.h(); } catch (E e) { e.r(); } } }",
    );
    renames_to(
        "java",
        "class A { int x; Runnable f() { int ‸y = 1; return new R() { int y; void g() { y(); } }; } }",
        "n",
        "class A { int x; Runnable f() { int n = 1; return new R() { int y; void g() { y(); } }; } }",
    );
    refuses("java", "class A { private int ‸x; }", "n", "member");
    refuses("java", "class A { int n; void f(int ‸x) { n = x; } }", "n", "collide");
}

#[test]
fn csharp_locals_patterns_and_interpolation() {
    renames_to(
        "cs",
        "class A { void F(int ‸x) { var y = $\"{x} x\"; this.x = x; G(x: x); var o = new B { x = x }; } }",
        "n",
        "class A { void F(int n) { var y = $\"{n} x\"; this.x = n; G(x: n); var o = new B { x = n }; } }",
    );
    renames_to(
        "cs",
        "class A { void F(object o) { if (o is B ‸b && b.b()) { b.C(); } } }",
        "n",
        "class A { void F(object o) { if (o is B n && n.b()) { n.C(); } } }",
    );
    renames_to(
        "cs",
        "class A { void F() { if (!T(out var ‸v)) return; foreach (var w in v) { w(v); } } }",
        "n",
        "class A { void F() { if (!T(out var n)) return; foreach (var w in n) { w(n); } } }",
    );
    renames_to(
        "cs",
        "class A { void F() { var ‸a = 1; var o = new { a, b = a }; Func<int, int> f = x => x + a; } }",
        "n",
        "class A { void F() { var n = 1; var o = new { a = n, b = n }; Func<int, int> f = x => x + n; } }",
    );
    renames_to(
        "cs",
        "class A { int F() { return G(1); int ‸G(int x) => x == 0 ? 0 : G(x - 1); } }",
        "H",
        "class A { int F() { return H(1); int H(int x) => x == 0 ? 0 : H(x - 1); } }",
    );
    renames_to(
        "cs",
        "class A { void F() { Color ‸Color = Color.Red; G(Color); } }",
        "n",
        "class A { void F() { Color n = n.Red; G(n); } }",
    );
    renames_to(
        "cs",
        "class A { void F() { foreach (var (‸a, b) in c) { a.a(b); } } }",
        "n",
        "class A { void F() { foreach (var (n, b) in c) { n.a(b); } } }",
    );
    refuses("cs", "class A { int ‸f; }", "n", "member");
}

#[test]
fn php_functions_closures_and_interpolation() {
    renames_to(
        "php",
        "<?php\nfunction f($‸x) { echo \"$x {$x->x} x\"; $this->x = $x; A::$x; return fn($y) => $x + $y; }\n$x = 1;\n",
        "$n",
        "<?php\nfunction f($n) { echo \"$n {$n->x} x\"; $this->x = $n; A::$x; return fn($y) => $n + $y; }\n$x = 1;\n",
    );
    renames_to(
        "php",
        "<?php\nfunction f() { ‸$x = 1; $g = function ($y) use (&$x) { return $x + $y; }; $h = function () { $x = 2; }; }\n",
        "n",
        "<?php\nfunction f() { $n = 1; $g = function ($y) use (&$n) { return $n + $y; }; $h = function () { $x = 2; }; }\n",
    );
    renames_to(
        "php",
        "<?php\nfunction f($‸a) {} f(a: 1); g(a: 2);\n",
        "n",
        "<?php\nfunction f($n) {} f(n: 1); g(a: 2);\n",
    );
    refuses("php", "<?php\nfunction f() { $‸x = 1; return compact('x'); }\n", "n", "compact");
    refuses("php", "<?php\nfunction f($k) { $‸x = 1; return $$k; }\n", "n", "variable variable");
    refuses("php", "<?php\nclass A { function __construct(private $‸x) {} }\n", "n", "property");
    refuses("php", "<?php\nfunction f($‸x, $n) {}\n", "n", "collide");
}

#[test]
fn ruby_variables_are_not_methods() {
    renames_to(
        "rb",
        "def f(‸x)\n  x(1)\n  x.x { |y| x + y }\n  \"#{x} x\"\n  g(x:, y: x)\n  [1].each { |x| x }\nend\n",
        "n",
        "def f(n)\n  x(1)\n  n.x { |y| n + y }\n  \"#{n} x\"\n  g(x: n, y: n)\n  [1].each { |x| x }\nend\n",
    );
    renames_to(
        "rb",
        "def f\n  a, (‸b, *c) = g\n  b ||= c\n  @b = b\n  def h; b; end\nend\n",
        "n",
        "def f\n  a, (n, *c) = g\n  n ||= c\n  @b = n\n  def h; b; end\nend\n",
    );
    renames_to(
        "rb",
        "def f\n  g\nrescue E => ‸e\n  raise X, e.message\nend\n",
        "n",
        "def f\n  g\nrescue E => n\n  raise X, n.message\nend\n",
    );
    renames_to(
        "rb",
        "def f(v)\n  case v\n  in {a:, b: ‸c} then c\n  in [x, *y] then x\n  end\nend\n",
        "n",
        "def f(v)\n  case v\n  in {a:, b: n} then n\n  in [x, *y] then x\n  end\nend\n",
    );
}

#[test]
fn php_spells_a_variable_in_a_string_in_three_ways() {
    renames_to(
        "php",
        "<?php function f($‸b) { return \"${b} {$b} $b b\"; }",
        "n",
        "<?php function f($n) { return \"${n} {$n} $n b\"; }",
    );
    for variable in ["\"${$b}\"", "${b}", "\"${g()}\"", "${'b'}", "\"${b[0]}\""] {
        let source = format!("<?php function f($‸b) {{ return {variable}; }}");
        refuses("php", &source, "n", "variable variable");
    }
}

#[test]
fn a_ruby_keyword_is_renamed_where_its_own_class_passes_it() {
    renames_to(
        "rb",
        "class A\n  def go\n    f(k: 1) + self.f(j: 2, k: k)\n  end\n  def f(‸k:, j: k)\n    k + g(k: k)\n  end\nend\n",
        "n",
        "class A\n  def go\n    f(n: 1) + self.f(j: 2, n: k)\n  end\n  def f(n:, j: n)\n    n + g(k: n)\n  end\nend\n",
    );
    renames_to(
        "rb",
        "def f(‸k: 1)\n  k\nend\nf(k: 2)\nf\n",
        "n",
        "def f(n: 1)\n  n\nend\nf(n: 2)\nf\n",
    );
    renames_to(
        "rb",
        "class A\n  def self.f(‸k:) = k\n  def self.g = f(k: 1)\nend\n",
        "n",
        "class A\n  def self.f(n:) = n\n  def self.g = f(n: 1)\nend\n",
    );
}

#[test]
fn a_ruby_keyword_that_others_may_pass_is_refused() {
    for (source, why) in [
        ("def f(‸k: 1)\n  k\nend\n", "none is in its class"),
        ("class A\n  def initialize(‸k:)\n    k\n  end\nend\nA.new(k: 1)\n", "without naming"),
        ("class A\n  def f(‸k:) = k\n  def g = f(k: 1)\nend\nA.new.f(k: 1)\n", "through a member"),
        ("class A < B\n  def f(‸k:) = k\n  def g = f(k: 1)\nend\n", "shares methods"),
        ("class A\n  include B\n  def f(‸k:) = k\n  def g = f(k: 1)\nend\n", "shares methods"),
        ("def f(‸k:)\n  super\nend\nf(k: 1)\n", "super"),
        ("def f(‸k:) = k\nf(k: 1)\nf(**o)\n", "not written there"),
        ("def f(‸k:) = k\nf(k: 1)\nf(:k => 1)\n", "not written there"),
        ("def f(‸k:) = k\nf(k: 1)\nk = 1\nf(k:)\n", "not written there"),
        ("def f(‸k:) = k\nf(k: 1)\nsend(:f, k: 1)\n", "not written there"),
        ("def f(‸k:) = k\nf(k: 1)\nsend('f', k: 1)\n", "not written there"),
        ("def f(‸k:) = k\nf(k: 1)\nalias g f\n", "not written there"),
        ("def f(‸k:) = k\nf(k: 1)\nclass A\n  def g = f(k: 1)\nend\n", "another class"),
        (
            "class A\n  def f(‸k:) = k\n  def self.g = f(k: 1)\n  def h = f(k: 2)\nend\n",
            "another class",
        ),
        ("def x.f(‸k:) = k\nf(k: 1)\n", "another object"),
        ("f = ->(‸k:) { k }\nf.(k: 1)\n", "whoever calls"),
        ("def f(‸k:, n: 1) = k\nf(k: 1)\n", "collide"),
        ("def f(‸k:, **o) = k\nf(k: 1, n: 2)\n", "already"),
    ] {
        refuses("rb", source, "n", why);
    }
    refuses("rb", "def f\n  ‸x = 1\n  ERB.new(t).result(binding)\nend\n", "n", "binding");
}

#[test]
fn c_locals_and_macros() {
    renames_to(
        "c",
        "struct s { int x; };\nint f(int ‸x) { struct s *p; p->x = x; { int x = 2; g(x); } x: goto x; return sizeof(x) + sizeof x; }\n",
        "n",
        "struct s { int x; };\nint f(int n) { struct s *p; p->x = n; { int x = 2; g(x); } x: goto x; return sizeof(n) + sizeof n; }\n",
    );
    renames_to(
        "c",
        "int f(void) { int a = 1, *‸p = &a, q[2]; for (int i = 0; i < 2; i++) q[i] = *p; return (p) ? *p : MAX(*p, 1); }\n",
        "n",
        "int f(void) { int a = 1, *n = &a, q[2]; for (int i = 0; i < 2; i++) q[i] = *n; return (n) ? *n : MAX(*n, 1); }\n",
    );
    renames_to(
        "c",
        "static int ‸f(int x);\nstatic int f(int x) { return x ? f(x - 1) : 0; }\n",
        "n",
        "static int n(int x);\nstatic int n(int x) { return x ? n(x - 1) : 0; }\n",
    );
    refuses(
        "c",
        "#define ADD(a) sum += (a)\nint f(int ‸sum) { ADD(1); return sum; }\n",
        "n",
        "macro",
    );
}

#[test]
fn cpp_lambdas_bindings_and_members() {
    renames_to(
        "cpp",
        "int f(const std::vector<int> &‸v) { for (auto &x : v) { g(x); } auto l = [&v, w = v](int y) { return v[y] + w.v; }; return v.size(); }\n",
        "n",
        "int f(const std::vector<int> &n) { for (auto &x : n) { g(x); } auto l = [&n, w = n](int y) { return n[y] + w.v; }; return n.size(); }\n",
    );
    renames_to(
        "cpp",
        "void f() { auto [‸a, b] = g(); if (auto it = h(a); it != b) { it->a(a); } }\n",
        "n",
        "void f() { auto [n, b] = g(); if (auto it = h(n); it != b) { it->a(n); } }\n",
    );
    renames_to(
        "cpp",
        "struct A { int x; A(int ‸x) : x(x) { this->x = x; } };\n",
        "n",
        "struct A { int x; A(int n) : x(n) { this->x = n; } };\n",
    );
    renames_to(
        "cpp",
        "template <typename ‸T> T f(T t) { return static_cast<T>(t); }\n",
        "U",
        "template <typename U> U f(U t) { return static_cast<U>(t); }\n",
    );
    refuses("cpp", "struct A { int n; int f(int ‸x) { return n + x; } };\n", "n", "collide");
}

#[test]
fn keywords_and_non_names_are_refused() {
    refuses("js", "let ‸a;", "class", "keyword");
    refuses("py", "‸a = 1\n", "a b", "identifier");
    refuses("rb", "‸a = 1\n", "A", "identifier");
}

#[test]
fn collisions_are_refused_in_both_directions() {
    refuses("js", "let ‸a, b; a + b;", "b", "collide");
    refuses("js", "let ‸a; function f(b) { return a + b; }", "b", "collide");
    refuses("js", "let ‸a; console.log(a);", "console", "collide");
    refuses("py", "def f(‸a):\n    return len(a)\n", "len", "collide");
    refuses("rs", "fn f() { let ‸a = 1; let b = 2; a + b; }", "b", "collide");
    renames_to("js", "{ let ‸a; a; } { let b; b; }", "b", "{ let b; b; } { let b; b; }");
}

#[test]
fn places_that_name_nothing_are_refused() {
    refuses("js", "f('‸a');", "n", "no variable");
    refuses("js", "o.‸a = 1;", "n", "no variable");
    refuses("js", "‸a();", "n", "not declared");
}

#[test]
fn columns_count_characters_also_in_latin_1() {
    let path = ProjectPath::new("a.py").unwrap();
    let source = b"x = '\xe9\xe8'; y = 1\nprint(y)\n";
    let place = Place { line: 1, column: 11, name: Some("y") };
    let file = ScopedFile::open(&path, source).unwrap();
    let after = file.rename(file.binding_at(&place).unwrap(), "z", false).unwrap();
    assert_eq!(after, b"x = '\xe9\xe8'; z = 1\nprint(z)\n");
}

#[derive(serde::Deserialize)]
struct Table {
    rename: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    r#in: String,
    source: String,
    to: String,
    after: Option<String>,
    #[serde(default)]
    refused: bool,
}

#[test]
fn the_table_of_renames_holds_in_every_language() {
    let table: Table = toml::from_str(include_str!("../../fixtures/renames.toml")).unwrap();
    assert!(table.rename.len() > 250);
    for case in &table.rename {
        assert!(case.refused == case.after.is_none(), "{}", case.source);
        let is = run(&case.r#in, &case.source, &case.to).ok();
        assert_eq!(is, case.after, "{}: {} to {}", case.r#in, case.source, case.to);
    }
}

#[test]
fn a_constructor_goes_by_its_classs_name() {
    renames_to(
        "cpp",
        "class ‸A { A(); A(const A& o); ~A(); }; A::A() {} A::~A() {}",
        "B",
        "class B { B(); B(const B& o); ~B(); }; B::B() {} B::~B() {}",
    );
}

#[test]
fn an_initializer_that_reads_as_a_prototype_keeps_its_names() {
    renames_to(
        "cpp",
        "void f(int a, int ‸k) { std::string s(a * k); T t(v[k], u); return k; }",
        "n",
        "void f(int a, int n) { std::string s(a * n); T t(v[n], u); return n; }",
    );
}

#[test]
fn a_template_is_seen_around_itself() {
    renames_to(
        "cpp",
        "template <typename T> bool ‸f(T c) { return c; } int g() { return f(1); }",
        "n",
        "template <typename T> bool n(T c) { return c; } int g() { return n(1); }",
    );
}

#[test]
fn infer_binds_where_the_pattern_fits() {
    renames_to(
        "ts",
        "type A<T> = T extends (a: infer ‸I) => void ? I : I;",
        "U",
        "type A<T> = T extends (a: infer U) => void ? U : I;",
    );
    renames_to(
        "ts",
        "type A<‸T> = T extends B<infer T> ? T : T;",
        "U",
        "type A<U> = U extends B<infer T> ? T : U;",
    );
}

#[test]
fn a_name_passed_to_one_of_several_functions_is_refused() {
    let overloads = "@overload\ndef f(*, ‸a: int): ...\ndef f(*, a): return a\nf(a=1)\n";
    refuses("py", overloads, "n", "several functions");
    let method = "class A:\n    def f(self, ‸a): return a\ndef g(f): f(a=1)\n";
    renames("py", method, "class A:\n    def f(self, new): return new\ndef g(f): f(a=1)\n");
    let handed_on = "def f(‸a): return a\npartial(f, a=1)\n";
    refuses("py", handed_on, "n", "by name");
}

#[test]
fn csharp_members_named_like_a_local_stay() {
    let source = "class A { P F(int ‸x, P p) { return p with { x = x, y = x }; } }";
    let after = "class A { P F(int n, P p) { return p with { x = n, y = n }; } }";
    renames_to("cs", source, "n", after);
    renames_to(
        "cs",
        "class A { int F(int ‸x) { var t = (x, 1); (x, t) = (x, t); return t.x; } }",
        "n",
        "class A { int F(int n) { var t = (x: n, 1); (n, t) = (x: n, t); return t.x; } }",
    );
    renames_to(
        "cs",
        "class A { int F(int ‸x) { this.x = 1; var t = (x, 1); return t.Item1; } }",
        "n",
        "class A { int F(int n) { this.x = 1; var t = (n, 1); return t.Item1; } }",
    );
}

#[test]
fn csharp_primary_constructors_and_tuple_names_are_told_apart() {
    renames_to(
        "cs",
        "class A(int ‸x) : B(x) { A F() => new A(x: x); }\n",
        "n",
        "class A(int n) : B(n) { A F() => new A(n: n); }\n",
    );
    renames_to(
        "cs",
        "class A { (int x, int y) F(int ‸x) { (int x, int z) t = (x: x, 1); return t; } }\n",
        "n",
        "class A { (int x, int y) F(int n) { (int x, int z) t = (x: n, 1); return t; } }\n",
    );
}

#[test]
fn a_csharp_parameter_that_an_attribute_names_is_refused() {
    let class = "class AAttribute { public AAttribute(int ‸x) { F(x); } }\n";
    refuses("cs", &format!("{class}[A(x: 1)] class B {{ }}\n"), "n", "an attribute passes it");
    let other = "[A(X = 1)] class B { }\n";
    let after = class.replace("‸x", "n").replace("F(x)", "F(n)");
    renames_to("cs", &format!("{class}{other}"), "n", &format!("{after}{other}"));
}

#[test]
fn go_keys_of_literals_within_literals_are_told_apart() {
    let go = |types: &str, literal: &str| {
        format!("package p\n{types}\nfunc f(x int) {{ _ = {literal} }}\n")
    };
    let check = |types: &str, literal: &str, after: &str| {
        renames_to(
            "go",
            &go(types, literal).replace("f(x", "f(‸x"),
            "n",
            &go(types, after).replace("f(x", "f(n"),
        );
    };
    let of_struct = "type T struct{ x int }";
    check(of_struct, "map[int]T{x: {x: x}}", "map[int]T{n: {x: n}}");
    check(of_struct, "map[T]T{{x: x}: {x: x}}", "map[T]T{{x: n}: {x: n}}");
    check(of_struct, "[]*T{{x: x}, x: {x: 1}}", "[]*T{{x: n}, n: {x: 1}}");
    check("type T []int; type M map[int]T", "M{x: {x: x}}", "M{n: {n: n}}");
    check("type T map[int]int", "[...][]T{{{x: x}}}", "[...][]T{{{n: n}}}");
    check("", "[][2]int{{x: x}}", "[][2]int{{n: n}}");
    check("", "pkg.Table{x: x, X: x}", "pkg.Table{n: n, X: n}");
    check("", "[]struct{ x int }{{x: x}}", "[]struct{ x int }{{x: n}}");
    let local = "package p\nfunc f(‸x int) { type M map[int]int; _ = M{x: 1} }\n";
    renames_to("go", local, "n", "package p\nfunc f(n int) { type M map[int]int; _ = M{n: 1} }\n");
    let of_c = "package p\nfunc f(‸x int) { _ = C.struct_a{x: 1} }\n";
    refuses("go", of_c, "n", "may mean it, or a field");
}

#[test]
fn a_go_type_that_is_embedded_names_a_field_too() {
    for field in ["A", "*A", "A `json:\"a\"`", "A[int]"] {
        let source = format!("package p\ntype ‸A[T any] struct{{}}\ntype B struct {{ {field} }}\n");
        refuses("go", &source, "Fresh", "embeds it");
    }
    renames_to(
        "go",
        "package p\ntype ‸A struct{}\ntype B struct { a A }\n",
        "C",
        "package p\ntype C struct{}\ntype B struct { a C }\n",
    );
}

#[test]
fn a_new_name_that_a_macro_has_is_refused() {
    let source = "#define MAX 3\nint f(void) { int ‸x = 1; return x; }\n";
    refuses("c", source, "MAX", "a macro has that name");
}

#[test]
fn a_private_python_name_is_refused_across_the_edge_of_a_class() {
    let source = "‸x = 1\nclass A:\n    def m(self): return x\n";
    refuses("py", source, "__y", "private name");
    renames_to("py", source, "__y__", "__y__ = 1\nclass A:\n    def m(self): return __y__\n");
    renames_to(
        "py",
        "class A:\n    def m(self, ‸x): return x\n",
        "__y",
        "class A:\n    def m(self, __y): return __y\n",
    );
}
