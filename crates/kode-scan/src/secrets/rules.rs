//! Provider credentials with a form of their own: a keyword automaton decides
//! which patterns run, and on which window of the file.

use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

use super::SecretHit;
use super::entropy::bits_per_byte;
use super::placeholder::is_placeholder;
use super::structure::{is_jwt, is_pem_body};

/// How far before a keyword a match may begin, and how far after it may end.
const WINDOW_BEFORE: usize = 64;
const WINDOW_AFTER: usize = 2_300;
/// The longest key body looked at.
const PEM_BYTES_MAX: usize = 20_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) title: String,
    keywords: Vec<String>,
    pattern: String,
    entropy: Option<f64>,
    check: Option<Check>,
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "samples that the tests run"))]
    pub(super) detects: Vec<String>,
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "samples that the tests run"))]
    pub(super) ignores: Vec<String>,
    #[serde(skip)]
    regex: OnceLock<Option<Regex>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Check {
    PemBody,
    Jwt,
}

#[derive(Deserialize)]
struct RuleFile {
    rule: Vec<Rule>,
}

/// The rules of `data/secret_rules.toml`; a test proves that it parses.
pub(super) static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let file: Result<RuleFile, _> = toml::from_str(include_str!("../../data/secret_rules.toml"));
    file.map(|file| file.rule).unwrap_or_default()
});

/// The keyword automaton and, for each keyword, its rule.
static KEYWORDS: LazyLock<Option<(AhoCorasick, Vec<usize>)>> = LazyLock::new(|| {
    let pairs = RULES
        .iter()
        .enumerate()
        .flat_map(|(rule, data)| data.keywords.iter().map(move |keyword| (keyword.as_str(), rule)));
    let (words, owners): (Vec<&str>, Vec<usize>) = pairs.unzip();
    let automaton = AhoCorasickBuilder::new()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .build(words);
    Some((automaton.ok()?, owners))
});

/// Finds provider credentials.
pub(super) fn find(content: &[u8]) -> Vec<SecretHit> {
    let Some((automaton, owners)) = KEYWORDS.as_ref() else { return Vec::new() };
    let mut hits: Vec<SecretHit> = Vec::new();
    let mut searched = vec![0usize; RULES.len()];
    for keyword in automaton.find_overlapping_iter(content) {
        let index = owners[keyword.pattern().as_usize()];
        if keyword.start() < searched[index] {
            continue;
        }
        let rule = &RULES[index];
        let from = line_start(content, keyword.start(), WINDOW_BEFORE);
        let to = content.len().min(keyword.end() + WINDOW_AFTER);
        let Some(regex) = rule.regex() else { continue };
        if let Some(found) = regex.find_at(&content[..to], from)
            && found.start() <= keyword.end()
        {
            let end = rule.end_of(content, found.end());
            searched[index] = end;
            if rule.accepts(content, found.start(), end) {
                hits.push(rule.hit(found.start(), end));
            }
        }
    }
    without_overlaps(hits)
}

impl Rule {
    /// Where the match ends: a PEM header's match takes its body along.
    fn end_of(&self, content: &[u8], end: usize) -> usize {
        if self.check != Some(Check::PemBody) {
            return end;
        }
        let to = content.len().min(end + PEM_BYTES_MAX);
        let footer = content[end..to].windows(8).position(|window| window == b"-----END");
        footer.map_or(to, |position| end + position)
    }

    pub(super) fn regex(&self) -> Option<&Regex> {
        self.regex
            .get_or_init(|| RegexBuilder::new(&self.pattern).unicode(false).build().ok())
            .as_ref()
    }

    /// Whether a match is a token by itself, varied enough and well formed.
    fn accepts(&self, content: &[u8], start: usize, end: usize) -> bool {
        let value = &content[start..end];
        match self.check {
            Some(Check::PemBody) => return is_pem_body(value),
            Some(Check::Jwt) => return is_jwt(value) && stands_alone(content, start, end),
            None => {}
        }
        stands_alone(content, start, end)
            && self.entropy.is_none_or(|least| bits_per_byte(value) >= least)
            && !is_placeholder(value)
    }

    fn hit(&self, start: usize, end: usize) -> SecretHit {
        SecretHit { start, end, rule: self.id.clone(), title: self.title.clone() }
    }
}

fn line_start(content: &[u8], at: usize, most: usize) -> usize {
    let from = at.saturating_sub(most);
    let newline = content[from..at].iter().rposition(|byte| *byte == b'\n');
    newline.map_or(from, |position| from + position + 1)
}

/// Whether no letter or digit continues the match; an escape such as `\n`
/// before it is not part of it.
fn stands_alone(content: &[u8], start: usize, end: usize) -> bool {
    let before = start.checked_sub(1).map(|at| content[at]);
    let escape = start >= 2 && content[start - 2] == b'\\';
    let free_before = escape || before.is_none_or(|byte| !is_word(byte) && byte != b'-');
    let first_is_word = content.get(start).copied().is_some_and(is_word);
    let after = content.get(end).copied();
    (free_before || !first_is_word) && after.is_none_or(|byte| !is_word(byte))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Keeps the longest of overlapping hits, the first of equal ones.
fn without_overlaps(mut hits: Vec<SecretHit>) -> Vec<SecretHit> {
    hits.sort_by_key(|hit| (hit.start, std::cmp::Reverse(hit.end)));
    let mut kept: Vec<SecretHit> = Vec::new();
    for hit in hits {
        match kept.last() {
            Some(last) if hit.start < last.end => {}
            _ => kept.push(hit),
        }
    }
    kept
}
