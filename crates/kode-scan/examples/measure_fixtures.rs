//! Recall and precision over fixture files (the form of `tests/it/blocks.rs`), by
//! language and rule. `cargo run --release -p kode-scan --example measure_fixtures -- FILE…`

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "this is a command for developers"
)]

#[path = "../tests/it/blocks.rs"]
mod blocks;

use std::collections::BTreeMap;

use kode_base::Severity;

/// True and false findings, by kind of block.
#[derive(Default)]
struct Counts {
    found: usize,
    missed: usize,
    alarms: usize,
    quiet: usize,
    warned: usize,
}

fn main() {
    let mut counts: BTreeMap<(String, String), Counts> = BTreeMap::new();
    for file in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&file).unwrap();
        let language = file.rsplit('.').next().unwrap().to_owned();
        for block in blocks::blocks(&file, &text) {
            let report = blocks::scanned(&block);
            let mine = |severity| {
                let findings = report.introduced.iter();
                findings.filter(|f| f.rule == block.rule && f.severity == severity).count()
            };
            let (fatal, warnings) = (mine(Severity::Fatal) > 0, mine(Severity::Warning));
            let all = counts.entry((language.clone(), "all".to_owned())).or_default();
            note(all, block.bad, fatal, warnings);
            let own = counts.entry((language.clone(), block.rule.clone())).or_default();
            note(own, block.bad, fatal, warnings);
            if fatal != block.bad {
                let kind = if block.bad { "missed" } else { "false alarm" };
                let warned = if warnings > 0 { " (warned)" } else { "" };
                println!("{kind}{warned}: {file}: {}: {}", block.rule, block.title);
            }
            if !report.unscanned.is_empty() {
                println!("unscanned: {file}: {}: {:?}", block.title, report.unscanned);
            }
        }
    }
    for ((language, rule), one) in counts {
        let bad = one.found + one.missed;
        let good = one.alarms + one.quiet;
        println!(
            "{language:4} {rule:22} bad {bad:3} good {good:3} recall {:.3} precision {:.3} J {:.3} warned of good {}",
            share(one.found, bad),
            share(one.found, one.found + one.alarms),
            share(one.found, bad) - share(one.alarms, good),
            one.warned,
        );
    }
}

fn note(counts: &mut Counts, bad: bool, fatal: bool, warnings: usize) {
    match (bad, fatal) {
        (true, true) => counts.found += 1,
        (true, false) => counts.missed += 1,
        (false, true) => counts.alarms += 1,
        (false, false) => counts.quiet += 1,
    }
    counts.warned += usize::from(!bad && warnings > 0);
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}
