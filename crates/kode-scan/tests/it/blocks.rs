//! The form of fixture files: blocks divided by comment lines `=== bad TITLE` and
//! `=== good TITLE`. A title may begin with its rule (`sql-injection: …`), and a
//! line `--- PATH` begins one of a block's several files.

use kode_base::ProjectPath;
use kode_scan::{ScanFile, ScanReport, scan};

/// One fixture: files scanned together.
pub(crate) struct Block {
    pub(crate) bad: bool,
    pub(crate) rule: String,
    pub(crate) title: String,
    pub(crate) files: Vec<(String, String)>,
}

/// The blocks of a fixture file named `RULE.EXTENSION` (or `anything.EXTENSION`
/// where every title names its rule).
pub(crate) fn blocks(file: &str, text: &str) -> Vec<Block> {
    let name = file.rsplit('/').next().unwrap_or(file);
    let rule = name.split('.').next().unwrap_or(name);
    let mut found: Vec<Block> = Vec::new();
    for line in text.lines() {
        let comment = ["// ", "# ", "<!-- "].iter().find_map(|mark| line.strip_prefix(mark));
        let (line_text, is_comment) = (comment.unwrap_or_default(), comment.is_some());
        if let Some(head) = line_text.strip_prefix("=== ").filter(|_| is_comment) {
            found.push(block(head.trim_end_matches(" -->"), rule, name));
            continue;
        }
        let Some(block) = found.last_mut() else { continue };
        if let Some(path) = line_text.strip_prefix("--- ").filter(|_| is_comment) {
            if block.files.last().is_some_and(|(_, text)| text.trim().is_empty()) {
                block.files.pop();
            }
            block.files.push((path.trim_end_matches(" -->").to_owned(), String::new()));
        } else if let Some((_, text)) = block.files.last_mut() {
            text.push_str(line);
            text.push('\n');
        }
    }
    found
}

fn block(head: &str, rule: &str, name: &str) -> Block {
    let (kind, title) = head.split_once(' ').unwrap_or((head, ""));
    let named = title.split_once(": ").filter(|(rule, _)| RULES.contains(rule));
    Block {
        bad: kind == "bad",
        rule: named.map_or(rule, |(rule, _)| rule).to_owned(),
        title: named.map_or(title, |(_, title)| title).to_owned(),
        files: vec![(name.to_owned(), String::new())],
    }
}

const RULES: [&str; 6] = [
    "sql-injection",
    "cross-site-scripting",
    "command-injection",
    "path-traversal",
    "open-redirect",
    "blocking-dialog",
];

/// What scanning a block's files reports.
pub(crate) fn scanned(block: &Block) -> ScanReport {
    let paths: Vec<ProjectPath> = block
        .files
        .iter()
        .map(|(path, text)| {
            // Decorators on parameters are TypeScript.
            let is_typed = text.contains("@Controller") && path.ends_with(".js");
            let path = if is_typed { path.replace(".js", ".ts") } else { path.clone() };
            ProjectPath::new(&path).unwrap()
        })
        .collect();
    let files: Vec<ScanFile<'_>> = paths
        .iter()
        .zip(&block.files)
        .map(|(path, (_, text))| ScanFile { path, content: text.as_bytes(), base: None })
        .collect();
    scan(&files)
}
