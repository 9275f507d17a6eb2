use crate::project_rename::tests::{becomes, refused};

/// Each of these passes the parameter in a way that can't be followed.
#[test]
fn python_calls_under_another_name_are_refused() {
    let class = "class A:\n    def __init__(self, ‸x): self.v = x\n";
    for call in [
        "class B(A):\n    def __init__(self): super().__init__(x=1)\n",
        "class B(A):\n    def __init__(self): A.__init__(self, x=1)\n",
        "class B(A): pass\nclass C(B): pass\nC(x=1)\n",
        "class B(A):\n    @classmethod\n    def make(cls): return cls(x=1)\n",
        "class B(A):\n    def make(self): return type(self)(x=1)\n",
        "k = {'a': A}\nk['a'](x=1)\n",
        "for k in [A]:\n    k(x=1)\n",
        "def make(k=A): return k(x=1)\n",
        "options = {'x': 1}\nA(**options)\n",
    ] {
        refused(&[("a.py", &format!("{class}{call}"))], "");
        let (origin, other) = (("a.py", class), format!("from a import A\n{call}"));
        refused(&[origin, ("b.py", &other)], "rename it there by hand");
    }
    let function = "def f(‸x): return x\n";
    for call in [
        "g = f\ng(x=1)\n",
        "o.g = f\no.g(x=1)\n",
        "g = wraps(f)\nh = g\nh(x=1)\n",
        "def call(g): return g(x=1)\ncall(f)\n",
        "wraps(f)(x=1)\n",
        "f(**{'x': 1})\n",
        "Thread(target=f, kwargs={'x': 1})\n",
    ] {
        refused(&[("a.py", &format!("{function}{call}"))], "");
        refused(&[("a.py", function), ("b.py", &format!("from a import f\n{call}"))], "");
    }
}

#[test]
fn python_heirs_in_other_files_are_found_from_file_to_file() {
    let files = [
        ("a.py", "class A:\n    def __init__(self, ‸x): self.v = x\n"),
        ("b.py", "from a import A\nclass B(A): pass\n"),
        ("c.py", "from b import B\nB(x=1)\n"),
    ];
    refused(&files, "line 2 of c.py passes that name to `B`");
    let passed = [
        ("a.py", "def f(‸x): return x\nfrom b import call\ncall(f)\n"),
        ("b.py", "def call(g): return g(x=1)\n"),
    ];
    refused(&passed, "line 1 of b.py passes that name to `g`");
}

#[test]
fn python_calls_of_something_else_do_not_refuse() {
    for call in [
        "class B(A):\n    def __init__(self, x): super().__init__(x)\nB(x=1)\n",
        "class B(C):\n    def __init__(self): super().__init__(x=1)\n",
        "class B:\n    @classmethod\n    def make(cls): return cls(x=1)\n",
        "g = h\ng(x=1)\nk = A(1)\no.m(x=1)\ndict(x=1)\n",
        "def call(g): return g(x=1)\n",
        "A(**options)\n",
        "Thread(target=f, kwargs={'x': 1})\n",
    ] {
        let class = "class A:\n    def __init__(self, ‸x): self.v = x\n";
        let after = "class A:\n    def __init__(self, fresh): self.v = fresh\n";
        becomes(&[("a.py", &format!("{class}{call}"))], &format!("{after}{call}"));
        becomes(&[("a.py", class), ("b.py", &format!("from a import A\n{call}"))], after);
    }
    becomes(
        &[
            ("a.py", "class A:\n    def __init__(self, ‸x): self.v = x\nclass B(A): pass\n"),
            ("b.py", "from b.lib import B\nB(x=1)\n"),
            ("c.py", "class B: pass\nB(x=1)\n"),
        ],
        "class A:\n    def __init__(self, fresh): self.v = fresh\nclass B(A): pass\n",
    );
}

#[test]
fn a_python_lambda_is_called_by_the_name_it_has() {
    becomes(
        &[("a.py", "f = lambda ‸x: x\nprint(f(x=1))\n")],
        "f = lambda fresh: fresh\nprint(f(fresh=1))\n",
    );
    refused(&[("a.py", "o.f = lambda ‸x: x\nprint(o.f(x=1))\n")], "through a member");
    becomes(&[("a.py", "sorted(a, key=lambda ‸x: x)\n")], "sorted(a, key=lambda fresh: fresh)\n");
}

#[test]
fn a_python_class_body_that_takes_a_name_over_is_refused() {
    refused(&[("a.py", "‸x = 1\nclass A:\n    x = x\n")], "class body takes it over");
    becomes(
        &[("a.py", "def f(‸x): return x\nclass A:\n    def x(self): pass\n    x = wrap(x)\n")],
        "def f(fresh): return fresh\nclass A:\n    def x(self): pass\n    x = wrap(x)\n",
    );
}
