//! Speed of single operations: an outline of 5,000 lines, an edit with every
//! guard, a rename. Figures are reported, never asserted.

#![allow(missing_docs, reason = "criterion's macro writes undocumented functions")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use kode_base::ProjectPath;
use kode_edit::{ExactEdit, Operation, apply, edit, outline};

/// A TypeScript file of 5,000 lines: 500 classes with two methods each.
fn five_thousand_lines() -> String {
    (0..500)
        .map(|n| {
            format!(
                "export class C{n} {{\n  private field = {n};\n  first(value: number): number {{\n    \
                 const sum = value + this.field;\n    return sum * {n};\n  }}\n  second() {{\n    \
                 return this.first({n});\n  }}\n}}\n"
            )
        })
        .collect()
}

fn measure(criterion: &mut Criterion) {
    let path = ProjectPath::root().join("a.ts").unwrap_or_else(|_| ProjectPath::root());
    let source = five_thousand_lines();
    criterion.bench_function("outline of 5,000 lines", |bencher| {
        bencher.iter(|| black_box(outline(&path, source.as_bytes())));
    });
    let request = ExactEdit {
        old: "return sum * 250;".to_owned(),
        new: "return sum / 250;".to_owned(),
        all: false,
        expect_count: None,
    };
    criterion.bench_function("exact edit in 5,000 lines, guards included", |bencher| {
        bencher.iter(|| black_box(edit(&path, source.as_bytes(), &request)));
    });
    let small: String = source.lines().take(300).flat_map(|line| [line, "\n"]).collect();
    let request = ExactEdit { old: "sum * 7;".to_owned(), new: "sum;".to_owned(), ..request };
    criterion.bench_function("exact edit in 300 lines, guards included", |bencher| {
        bencher.iter(|| black_box(edit(&path, small.as_bytes(), &request)));
    });
    let rename = Operation::Rename {
        path: path.clone(),
        line: 4,
        column: 11,
        name: Some("sum".to_owned()),
        new_name: "total".to_owned(),
    };
    criterion.bench_function("rename in 5,000 lines", |bencher| {
        bencher.iter(|| black_box(apply(&rename, Some(source.as_bytes()))));
    });
}

criterion_group!(benches, measure);
criterion_main!(benches);
