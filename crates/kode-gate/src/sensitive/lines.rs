//! Files judged line by line: a build file in which only dependencies and
//! versions change is everyday work, any other line may run. A line that the
//! table does not know counts.

use std::collections::HashMap;
use std::sync::OnceLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{FileChange, PARSED_BYTES_MAX};

/// Characters of a line that a question shows.
const LINE_SHOWN_MAX: usize = 120;

/// One kind of such file.
#[derive(Deserialize)]
pub(super) struct LineRule {
    /// In lower case.
    #[serde(default)]
    names: Vec<String>,
    /// Ends of names, in lower case.
    #[serde(default)]
    suffixes: Vec<String>,
    /// What a line must be, whole, to run nothing.
    ordinary: String,
    #[cfg(test)]
    runs: Vec<String>,
    #[cfg(test)]
    harmless: Vec<String>,
    #[serde(skip)]
    built: OnceLock<Option<Regex>>,
}

impl LineRule {
    pub(super) fn is_for(&self, name: &str) -> bool {
        self.names.iter().any(|each| each == name)
            || self.suffixes.iter().any(|each| name.ends_with(each.as_str()))
    }

    /// The first line that is there more or less often than before and may run.
    pub(super) fn changed(&self, change: FileChange<'_>) -> Option<String> {
        let sides = [change.before.unwrap_or_default(), change.after.unwrap_or_default()];
        if change.is_link || sides.iter().any(|side| side.len() > PARSED_BYTES_MAX) {
            return Some("the whole file".to_owned());
        }
        let [before, after] = sides.map(String::from_utf8_lossy);
        let mut counts: HashMap<&str, i64> = HashMap::new();
        for (text, step) in [(&before, -1), (&after, 1)] {
            // A carriage return ends lines for some readers as well.
            for line in text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}', '\u{b}', '\u{c}'])
            {
                *counts.entry(line.trim()).or_default() += step;
            }
        }
        let changed = counts.into_iter().filter(|(_, count)| *count != 0).map(|(line, _)| line);
        let first = changed.filter(|line| !self.is_ordinary(line)).min()?;
        Some(first.chars().take(LINE_SHOWN_MAX).collect())
    }

    /// A pattern that can't be built knows no line, which a test rules out.
    fn is_ordinary(&self, line: &str) -> bool {
        let whole = || Regex::new(&format!("^(?:{})$", self.ordinary)).ok();
        line.is_empty()
            || self.built.get_or_init(whole).as_ref().is_some_and(|it| it.is_match(line))
    }
}

/// `{section: {key: value}}`; what stands before any section is in none. Keys in
/// lower case, as readers of such files take them.
pub(super) fn read_ini(text: &str) -> Value {
    let mut sections: Map<String, Value> = Map::new();
    let (mut section, mut key) = (String::new(), String::new());
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            name.0.trim().clone_into(&mut section);
            key.clear();
            continue;
        }
        let mut value = trimmed;
        if !line.starts_with([' ', '\t']) || key.is_empty() {
            let (name, rest) = trimmed.split_once(['=', ':']).unwrap_or((trimmed, ""));
            key = name.trim().to_lowercase();
            value = rest.trim();
        }
        let entries = sections.entry(section.clone()).or_insert_with(|| Value::Object(Map::new()));
        if let Some(Value::String(all)) =
            entries.as_object_mut().map(|it| it.entry(key.clone()).or_insert_with(|| "".into()))
        {
            all.push('\n');
            all.push_str(value);
        }
    }
    Value::Object(sections)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensitive::TABLE;

    #[test]
    fn every_line_rule_finds_its_examples_and_leaves_the_others() {
        for rule in &TABLE.as_ref().unwrap().lines {
            assert!(!rule.runs.is_empty() && !rule.harmless.is_empty(), "{:?}", rule.names);
            for line in &rule.runs {
                assert!(!rule.is_ordinary(line.trim()), "{:?}: {line}", rule.names);
            }
            for line in &rule.harmless {
                assert!(rule.is_ordinary(line.trim()), "{:?}: {line}", rule.names);
            }
        }
    }

    #[test]
    fn sections_are_read_with_lines_that_go_on() {
        let read = read_ini("[pytest]\n# x\nAddopts = -q\n  -p evil\nmarkers =\n  slow: x\n");
        assert_eq!(read["pytest"]["addopts"], "\n-q\n-p evil");
        assert_eq!(read["pytest"]["markers"], "\n\nslow: x");
    }
}
