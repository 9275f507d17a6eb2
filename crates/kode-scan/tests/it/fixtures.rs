//! The project's own fixtures: `fixtures/LANGUAGE/CATEGORY[.TOPIC].EXT` in the form of
//! `blocks.rs`.

use std::collections::BTreeMap;
use std::path::Path;

use crate::blocks::{blocks, scanned};

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
        for block in blocks(&file, &text) {
            let findings = scanned(&block).introduced;
            let fatal = kode_base::Severity::Fatal;
            let found = findings.iter().any(|f| f.rule == block.rule && f.severity == fatal);
            match (block.bad, found) {
                (true, true) => score.found += 1,
                (true, false) => score.missed += 1,
                (false, false) => score.quiet += 1,
                (false, true) => score.alarmed += 1,
            }
            if found != block.bad {
                wrong.push(format!("{file}: {} (bad: {})", block.title, block.bad));
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
