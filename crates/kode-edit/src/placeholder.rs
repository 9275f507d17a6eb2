//! "Rest of the code unchanged" comments: a model's shorthand that would delete
//! the code it stands for. Phrases and examples are in `placeholder.toml`.

use std::collections::HashSet;
use std::sync::LazyLock;

use kode_base::escape::escape_line;
use serde::Deserialize;

use crate::guard::Change;
use crate::refusal::{EditRefusal, refuse};

/// A comment longer than this, in bytes, says something.
const MAX_PLACEHOLDER_BYTES: usize = 160;

const COMMENT_MARKS: [&str; 9] = ["//", "/*", "#", "--", "<!--", ";", "%", "*", "{/*"];

#[derive(Deserialize)]
struct Table {
    phrases: Vec<String>,
    #[cfg(test)]
    refused: Vec<String>,
    #[cfg(test)]
    allowed: Vec<String>,
}

// A broken table would refuse nothing, so it must not build: a test reads it.
static TABLE: LazyLock<Option<Table>> =
    LazyLock::new(|| toml::from_str(include_str!("placeholder.toml")).ok());

/// Refuses a change that writes a placeholder the file did not have.
pub(crate) fn check(change: &Change<'_>) -> Result<(), EditRefusal> {
    let Some(table) = TABLE.as_ref() else {
        return refuse!("the table of placeholder phrases can't be read");
    };
    let found: Vec<&str> =
        change.written.lines().map(str::trim).filter(|line| is_placeholder(table, line)).collect();
    if found.is_empty() {
        return Ok(());
    }
    let before = change.before.map(String::from_utf8_lossy).unwrap_or_default();
    let known: HashSet<&str> = before.lines().map(str::trim).collect();
    match found.into_iter().find(|line| !known.contains(line)) {
        None => Ok(()),
        Some(line) => refuse!(
            "`{}` stands in for code that is not written out; give the whole text, or edit only \
             the part that changes",
            escape_line(line)
        ),
    }
}

fn is_placeholder(table: &Table, line: &str) -> bool {
    if line.len() > MAX_PLACEHOLDER_BYTES {
        return false;
    }
    let Some(mark) = COMMENT_MARKS.iter().find(|mark| line.starts_with(**mark)) else {
        return false;
    };
    let words = line[mark.len()..]
        .trim_end_matches(['}', '/', '*', '>', '-', ' '])
        .trim_start_matches(['/', '*', '#', '-', '!', ' '])
        .trim();
    let elided = words.contains("...") || words.contains('…') || is_bracketed(words);
    let lower = words.to_lowercase();
    elided && table.phrases.iter().any(|phrase| lower.contains(phrase.as_str()))
}

fn is_bracketed(words: &str) -> bool {
    [('[', ']'), ('(', ')'), ('<', '>')]
        .into_iter()
        .any(|(open, close)| words.starts_with(open) && words.ends_with(close))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_table_hold() {
        let table: Table = toml::from_str(include_str!("placeholder.toml")).unwrap();
        for line in &table.refused {
            assert!(is_placeholder(&table, line.trim()), "should be refused: {line}");
        }
        for line in &table.allowed {
            assert!(!is_placeholder(&table, line.trim()), "should be allowed: {line}");
        }
    }
}
