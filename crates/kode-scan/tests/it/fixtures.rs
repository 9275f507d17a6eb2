//! The project's own fixtures: `fixtures/LANGUAGE/CATEGORY[.TOPIC].EXT`, blocks divided
//! by `=== bad NAME` and `=== good NAME` comment lines. `--- PATH` in a comment begins
//! another file of the same block.

use std::collections::BTreeMap;
use std::path::Path;

use kode_base::ProjectPath;
use kode_scan::{ScanFile, scan};

/// Every fixture file: its path below `fixtures/`, and its text.
pub(crate) fn files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut found = Vec::new();
    for language in std::fs::read_dir(&root).unwrap() {
        let language = language.unwrap();
        for file in std::fs::read_dir(language.path()).unwrap() {
            let path = file.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            found.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
    found.sort();
    found
}

/// One example: whether a finding is expected, its name, its files.
struct Block<'a> {
    bad: bool,
    name: &'a str,
    files: Vec<(Option<&'a str>, String)>,
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut found: Vec<Block<'_>> = Vec::new();
    for line in text.lines() {
        if let Some((_, head)) = line.split_once("=== ")
            && let Some((kind @ ("bad" | "good"), name)) =
                head.trim_end_matches(" -->").split_once(' ')
        {
            found.push(Block { bad: kind == "bad", name, files: vec![(None, String::new())] });
            continue;
        }
        let Some(block) = found.last_mut() else { continue };
        if let Some((_, path)) = line.split_once("// --- ").or_else(|| line.split_once("# --- ")) {
            block.files.push((Some(path.trim()), String::new()));
        } else if let Some((_, content)) = block.files.last_mut() {
            content.push_str(line);
            content.push('\n');
        }
    }
    found
}

/// The rules reported in a block's files.
fn rules(block: &Block<'_>, default_name: &str) -> Vec<String> {
    let named: Vec<(ProjectPath, &str)> = block
        .files
        .iter()
        .filter(|(path, text)| path.is_some() || !text.trim().is_empty())
        .map(|(path, text)| (ProjectPath::new(path.unwrap_or(default_name)).unwrap(), &**text))
        .collect();
    let files: Vec<ScanFile<'_>> = named
        .iter()
        .map(|(path, text)| ScanFile { path, content: text.as_bytes(), base: None })
        .collect();
    scan(&files).introduced.into_iter().map(|finding| finding.rule).collect()
}

/// Right and wrong answers for one language and category.
#[derive(Default)]
struct Score {
    found: usize,
    missed: usize,
    quiet: usize,
    alarmed: usize,
}

impl Score {
    fn recall(&self) -> f64 {
        self.found as f64 / (self.found + self.missed).max(1) as f64
    }

    fn precision(&self) -> f64 {
        self.found as f64 / (self.found + self.alarmed).max(1) as f64
    }
}

/// `cargo nextest run -p kode-scan -E 'test(fixtures)' --no-capture` prints the table.
#[test]
fn fixtures_are_told_apart() {
    let mut scores: BTreeMap<(String, String), Score> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (file, text) in files() {
        let (language, name) = file.split_once('/').unwrap();
        let rule = name.split('.').next().unwrap();
        let score = scores.entry((language.to_owned(), rule.to_owned())).or_default();
        for block in blocks(&text) {
            let is_tsx = block.files.iter().any(|(_, text)| text.contains("@Controller"));
            let default = if is_tsx { name.replace(".js", ".ts") } else { name.to_owned() };
            let found = rules(&block, &default).iter().any(|found| found == rule);
            match (block.bad, found) {
                (true, true) => score.found += 1,
                (true, false) => score.missed += 1,
                (false, false) => score.quiet += 1,
                (false, true) => score.alarmed += 1,
            }
            if found != block.bad {
                wrong.push(format!("{file}: {} (bad: {})", block.name, block.bad));
            }
        }
    }
    report(&scores, &wrong);
    for ((language, rule), score) in &scores {
        let place = format!("{language} {rule}: {}", wrong.join("\n"));
        assert!(score.recall() >= 0.95 && score.precision() >= 0.95, "{place}");
    }
}

#[allow(clippy::print_stdout, reason = "the figures of the test")]
fn report(scores: &BTreeMap<(String, String), Score>, wrong: &[String]) {
    for ((language, rule), score) in scores {
        println!(
            "{language:12} {rule:22} {:3} bad {:3} good  recall {:.2} precision {:.2}",
            score.found + score.missed,
            score.quiet + score.alarmed,
            score.recall(),
            score.precision()
        );
    }
    for line in wrong {
        println!("wrong: {line}");
    }
}
