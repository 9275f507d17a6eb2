//! Prints the bindings of the files named as arguments, one JSON object a line:
//! to compare the scope analysis with a compiler's own. With `TREE` in the
//! environment the tree comes first, with `SYMBOLS` the symbols come instead.

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "it is a command")]

use kode_base::ProjectPath;
use kode_syntax::{Language, parse, scopes};

fn main() {
    for name in std::env::args().skip(1) {
        let Ok(source) = std::fs::read(&name) else { continue };
        let path = ProjectPath::new(name.trim_start_matches('/'));
        let Some(language) = path.ok().and_then(|path| Language::detect(&path, &source)) else {
            continue;
        };
        let Ok(tree) = parse(language, &source) else { continue };
        if std::env::var_os("TREE").is_some() {
            println!("{}", tree.tree.root_node().to_sexp());
        }
        if std::env::var_os("SYMBOLS").is_some() {
            for symbol in kode_syntax::symbols(&tree, &source) {
                let body = symbol.body.unwrap_or_default();
                println!(
                    "{}\t{}\t{}\t{}\t{}\t{}",
                    symbol.kind.name(),
                    symbol.path,
                    body.start,
                    body.end,
                    symbol.range.start,
                    symbol.range.end
                );
            }
            continue;
        }
        let Ok(found) = scopes(&tree, &source) else { continue };
        for binding in found.bindings {
            let places: Vec<String> = binding
                .occurrences
                .iter()
                .map(|o| {
                    format!(
                        "[{},{},{:?},{:?},{}]",
                        o.range.start, o.range.end, o.before, o.after, o.declares
                    )
                })
                .collect();
            println!(
                "{{\"file\":{name:?},\"name\":{:?},\"kind\":\"{:?}\",\"outside\":{},\"blocked\":{},\"why\":{:?},\"places\":[{}]}}",
                binding.name,
                binding.kind,
                binding.visible_outside,
                binding.blocked.is_some(),
                binding.blocked.as_deref().unwrap_or_default(),
                places.join(",")
            );
        }
    }
}
