//! The project's own fixtures: `fixtures/LANGUAGE/CATEGORY.EXT`, blocks divided
//! by `=== bad NAME` and `=== good NAME` comment lines.

use kode_base::ProjectPath;
use kode_scan::{ScanFile, scan};

macro_rules! fixtures {
    ($($file:literal),* $(,)?) => {
        &[$(($file, include_str!(concat!("../../fixtures/", $file)))),*]
    };
}

pub(crate) const FILES: &[(&str, &str)] = fixtures![
    "go/path-traversal.go",
    "go/sql-injection.go",
    "html/blocking-dialog.html",
    "html/cross-site-scripting.html",
    "java/command-injection.java",
    "java/cross-site-scripting.java",
    "java/open-redirect.java",
    "java/path-traversal.java",
    "java/sql-injection.java",
    "javascript/blocking-dialog.js",
    "javascript/command-injection.js",
    "javascript/cross-site-scripting.js",
    "javascript/open-redirect.js",
    "javascript/path-traversal.js",
    "javascript/sql-injection.js",
    "python/command-injection.py",
    "python/cross-site-scripting.py",
    "python/open-redirect.py",
    "python/path-traversal.py",
    "python/sql-injection.py",
];

/// Blocks: whether a finding is expected, their name, their text.
fn blocks(text: &str) -> Vec<(bool, &str, String)> {
    let mut found: Vec<(bool, &str, String)> = Vec::new();
    for line in text.lines() {
        if let Some((_, head)) = line.split_once("=== ") {
            let (kind, name) = head.trim_end_matches(" -->").split_once(' ').unwrap();
            found.push((kind == "bad", name, String::new()));
        } else if let Some((_, _, block)) = found.last_mut() {
            block.push_str(line);
            block.push('\n');
        }
    }
    found
}

#[test]
fn fixtures_are_told_apart() {
    let (mut right, mut wrong) = (0, Vec::new());
    for (file, text) in FILES {
        let name = file.rsplit('/').next().unwrap();
        let rule = name.split('.').next().unwrap();
        for (bad, title, block) in blocks(text) {
            let is_tsx = block.contains("@Controller");
            let path = if is_tsx { name.replace(".js", ".ts") } else { name.to_owned() };
            let path = ProjectPath::new(&path).unwrap();
            let report = scan(&[ScanFile { path: &path, content: block.as_bytes(), base: None }]);
            let found = report.introduced.iter().any(|finding| finding.rule == rule);
            if found == bad {
                right += 1
            } else {
                wrong.push(format!("{file}: {title} (bad: {bad})"))
            }
        }
    }
    assert!(wrong.is_empty(), "{right} right, {} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
