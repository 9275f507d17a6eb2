//! Every model file parses, and every example behaves as it says.

use kode_base::ProjectPath;

use super::Handing;
use super::file::{SOURCES, parse};
use crate::{ScanFile, scan};

fn rules_in(language: &str, text: &str) -> Vec<String> {
    let path = match language {
        "python" => "example.py",
        "java" => "Example.java",
        "go" => "example.go",
        _ => "example.js",
    };
    let path = ProjectPath::new(path).unwrap();
    // Quotes and backslashes of examples are escaped as TOML wants them.
    let text = text.replace("\\\"", "\"").replace("\\\\", "\\");
    let report = scan(&[ScanFile { path: &path, content: text.as_bytes(), base: None }]);
    report.introduced.into_iter().map(|finding| finding.rule).collect()
}

#[test]
fn every_example_behaves_as_it_says() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (name, text) in SOURCES {
        let file = parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let of_sinks =
            file.sink.iter().map(|sink| (Some(sink.category.rule()), &sink.bad, &sink.good));
        let of_hands = file.hand.iter().map(|hand| (None, &hand.bad, &hand.good));
        for (rule, bad, good) in of_sinks.chain(of_hands) {
            if !bad.is_empty() {
                count += 1;
                let found = rules_in(file.language, bad);
                if !found.iter().any(|found| rule.is_none_or(|rule| found == rule)) {
                    wrong.push(format!("{name}: {rule:?} not found ({found:?}) in {bad}"));
                }
            }
            if !good.is_empty() {
                let found = rules_in(file.language, good);
                if !found.is_empty() {
                    wrong.push(format!("{name}: {found:?} found in {good}"));
                }
            }
        }
    }
    assert!(count > 15);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_word_of_what_a_function_is_handed_is_understood() {
    for (name, text) in SOURCES {
        let file = parse(text).unwrap();
        for hand in &file.hand {
            let known = Handing::of(hand).parameters.len();
            assert_eq!(known, hand.parameters.len(), "{name}: {:?}", hand.parameters);
        }
    }
}
