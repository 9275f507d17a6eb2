//! "Rest of the code unchanged" comments: a model's shorthand that would delete
//! the code it stands for. Words and examples are in `placeholder.toml`.

use std::collections::HashSet;
use std::sync::LazyLock;

use kode_base::ProjectPath;
use kode_base::escape::escape_line;
use serde::Deserialize;

use crate::guard::Change;
use crate::refusal::{EditRefusal, refuse};

/// A comment longer than this, in bytes, says something.
const MAX_PLACEHOLDER_BYTES: usize = 160;

const COMMENT_MARKS: [&str; 9] = ["//", "/*", "#", "--", "<!--", ";", "%", "*", "{/*"];

/// Comment marks that also stand behind code on its line.
const TRAILING_MARKS: [&str; 4] = [" // ", " # ", " /* ", " -- "];

/// Files of prose, which may quote such comments.
const PROSE: [&str; 6] = ["md", "markdown", "mdx", "rst", "adoc", "txt"];

#[derive(Deserialize)]
struct Table {
    phrases: Vec<String>,
    core: HashSet<String>,
    words: HashSet<String>,
    #[cfg(test)]
    refused: Vec<String>,
    #[cfg(test)]
    refused_with_loss: Vec<String>,
    #[cfg(test)]
    allowed: Vec<String>,
}

// A broken table would refuse nothing, so it must not build: a test reads it.
static TABLE: LazyLock<Option<Table>> =
    LazyLock::new(|| toml::from_str(include_str!("placeholder.toml")).ok());

/// How sure it is that a line stands in for code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// Where lines are lost with it.
    WithLoss,
    /// Wherever it is written.
    Always,
}

/// Refuses a change that writes a placeholder the file did not have.
pub(crate) fn check(change: &Change<'_>) -> Result<(), EditRefusal> {
    let Some(table) = TABLE.as_ref() else {
        return refuse!("the table of placeholder phrases can't be read");
    };
    let prose = is_prose(change.path);
    let found: Vec<(&str, Stands)> = change
        .written
        .lines()
        .map(str::trim)
        .filter_map(|line| Some((line, placeholder(table, line)?)))
        .filter(|(_, stands)| *stands == Stands::Always && !prose || loses_lines(change))
        .collect();
    if found.is_empty() {
        return Ok(());
    }
    let before = change.before.map(String::from_utf8_lossy).unwrap_or_default();
    let known: HashSet<&str> = before.lines().map(str::trim).collect();
    match found.into_iter().find(|(line, _)| !known.contains(line)) {
        None => Ok(()),
        Some((line, _)) => refuse!(
            "`{}` stands in for code that is not written out; give the whole text, or edit only \
             the part that changes",
            escape_line(line)
        ),
    }
}

fn is_prose(path: &ProjectPath) -> bool {
    path.extension()
        .is_some_and(|extension| PROSE.iter().any(|prose| extension.eq_ignore_ascii_case(prose)))
}

/// Whether the file has fewer lines than before.
fn loses_lines(change: &Change<'_>) -> bool {
    let lines = |text: &[u8]| memchr::memchr_iter(b'\n', text).count();
    change.before.is_some_and(|before| lines(change.after) < lines(before))
}

/// What a trimmed line stands for, if it is a comment that stands in for code.
fn placeholder(table: &Table, line: &str) -> Option<Stands> {
    if line.len() > MAX_PLACEHOLDER_BYTES {
        return None;
    }
    if let Some(mark) = COMMENT_MARKS.iter().find(|mark| line.starts_with(**mark)) {
        return words_stand_in(table, &line[mark.len()..]);
    }
    if let Some(comment) = trailing_comment(line) {
        return words_stand_in(table, comment).filter(|stands| *stands == Stands::Always);
    }
    // No comment at all: a line of prose.
    let elided = line.starts_with(['[', '(', '<', '.', '…']);
    (elided && holds_phrase(table, line)).then_some(Stands::WithLoss)
}

/// What stands behind the code of a line, outside of quotes.
fn trailing_comment(line: &str) -> Option<&str> {
    let (at, mark) = TRAILING_MARKS
        .iter()
        .filter_map(|mark| Some((line.find(mark)?, mark)))
        .min_by_key(|(at, _)| *at)?;
    let quotes = |quote: char| line[..at].matches(quote).count();
    let outside = ['"', '\'', '`'].into_iter().all(|quote| quotes(quote).is_multiple_of(2));
    outside.then(|| &line[at + mark.len()..])
}

fn words_stand_in(table: &Table, comment: &str) -> Option<Stands> {
    let text = comment
        .trim_end_matches(['}', '/', '*', '-', ' '])
        .trim_end_matches("--")
        .trim_start_matches(['/', '*', '#', '-', '!', ' '])
        .trim();
    let text = text.strip_suffix("--").unwrap_or(text).trim_end_matches("-->").trim();
    let ellipsis = text.contains("...") || text.contains('…');
    let lower = text.to_lowercase();
    let elided = ellipsis || is_bracketed(text);
    if elided && holds_phrase(table, text) {
        return Some(Stands::Always);
    }
    let words: Vec<&str> = lower
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    if words.is_empty() {
        return ellipsis.then_some(Stands::WithLoss);
    }
    let known = |word: &&str| table.core.contains(*word) || table.words.contains(*word);
    let says_so = words.iter().any(|word| table.core.contains(*word));
    match words.iter().all(known) && says_so {
        true if ellipsis => Some(Stands::Always),
        true => Some(Stands::WithLoss),
        false => None,
    }
}

fn holds_phrase(table: &Table, text: &str) -> bool {
    let lower = text.to_lowercase();
    table.phrases.iter().any(|phrase| lower.contains(phrase.as_str()))
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
            let stands = placeholder(&table, line.trim());
            assert_eq!(stands, Some(Stands::Always), "should be refused: {line}");
        }
        for line in &table.refused_with_loss {
            let stands = placeholder(&table, line.trim());
            assert!(stands.is_some(), "should be refused with loss: {line}");
        }
        for line in &table.allowed {
            assert_eq!(placeholder(&table, line.trim()), None, "should be allowed: {line}");
        }
    }

    #[test]
    fn prose_may_quote_what_code_may_not_hold() {
        let (quoting, losing) = ("a\n// ... existing code ...\nb\n", "// ... existing code ...\n");
        let refused = |path: &str, after: &str| {
            let path = ProjectPath::new(path).unwrap();
            let before = Some(&b"a\nb\n"[..]);
            check(&Change { path: &path, before, after: after.as_bytes(), written: after }).is_err()
        };
        assert!(!refused("a.md", quoting) && refused("a.md", losing) && refused("a.js", quoting));
    }
}
