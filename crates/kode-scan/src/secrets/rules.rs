//! Provider credentials with a form of their own: a keyword automaton decides
//! which patterns run, and on which window of the file.

use std::sync::{LazyLock, OnceLock};

use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

use super::SecretHit;
use super::beginning::may_begin;
use super::entropy::bits_per_byte;
use super::keywords::Found;
use super::placeholder::is_placeholder;
use super::shape::is_camel_case;
use super::structure::{base64, has_checksum, is_jwt, is_pem_body};
use crate::tables;

/// How far before a keyword a match may begin, and how far after it may end.
const WINDOW_BEFORE: usize = 128;
const WINDOW_AFTER: usize = 2_300;
/// The shortest run of visible bytes that a match is part of, where a rule names none.
const RUN_LEAST: usize = 18;
/// The longest key body looked at.
const PEM_BYTES_MAX: usize = 20_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) title: String,
    keywords: Vec<String>,
    pub(super) pattern: String,
    entropy: Option<f64>,
    check: Option<Check>,
    /// A match may begin before the keyword.
    #[serde(default)]
    inside: bool,
    /// How many visible bytes in a row a match begins with.
    run: Option<usize>,
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
    /// A private key in PEM form, in base64 once more.
    EncodedPem,
    Jwt,
    /// The last six characters are a checksum, as in GitHub's and npm's tokens.
    Checksum,
    /// Capitals, small letters and digits, all three.
    Mixed,
}

#[derive(Deserialize)]
struct RuleFile {
    rule: Vec<Rule>,
}

/// The rules of `data/secret_rules.toml`; a test proves that it parses.
pub(super) static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let file: Result<RuleFile, _> = tables::read(include_str!("../../data/secret_rules.toml"));
    file.map(|file| file.rule).unwrap_or_default()
});

/// For each of [`words`], its rule.
static OWNERS: LazyLock<Vec<usize>> = LazyLock::new(|| {
    let owned = |(rule, data): (usize, &Rule)| std::iter::repeat_n(rule, data.keywords.len());
    RULES.iter().enumerate().flat_map(owned).collect()
});

/// The keywords of all rules.
pub(super) fn words() -> Vec<&'static str> {
    RULES.iter().flat_map(|rule| rule.keywords.iter().map(String::as_str)).collect()
}

/// Finds provider credentials from the places of their keywords.
pub(super) fn find(content: &[u8], keywords: impl Iterator<Item = Found>) -> Vec<SecretHit> {
    let mut hits: Vec<SecretHit> = Vec::new();
    let mut searched = vec![0usize; RULES.len()];
    for keyword in keywords {
        let index = OWNERS[keyword.word];
        if keyword.start < searched[index] {
            continue;
        }
        let rule = &RULES[index];
        let (start, end) = match rule.matched(content, keyword.start, keyword.end) {
            Ok(found) => found,
            Err(nothing_before) => {
                searched[index] = searched[index].max(nothing_before);
                continue;
            }
        };
        let end = rule.end_of(content, end);
        searched[index] = end;
        if rule.accepts(content, start, end) {
            hits.push(rule.hit(start, end));
        }
    }
    without_overlaps(hits)
}

impl Rule {
    /// The match around a keyword, or up to where there is surely none. Most keywords
    /// are ordinary letters somewhere, so what can't match is left before its pattern
    /// is even compiled.
    fn matched(
        &self,
        content: &[u8],
        keyword: usize,
        after: usize,
    ) -> Result<(usize, usize), usize> {
        let (from, to) = if self.inside {
            run_around(content, keyword)
        } else {
            (keyword, content.len().min(after + WINDOW_AFTER))
        };
        let window = &content[from..to];
        if self.inside && self.run.is_some_and(|least| window.len() < least) {
            return Err(to);
        }
        if !self.inside {
            let least = self.run.unwrap_or(RUN_LEAST);
            let run = window.iter().take(least).take_while(|byte| is_token_byte(**byte));
            if !may_begin(&self.pattern, window) || run.count() < least {
                return Err(0);
            }
        }
        let found = self.regex().and_then(|regex| regex.find(window));
        let Some(found) = found else {
            // The whole run holds none; of one that goes on, its end may yet begin one.
            let goes_on = to == keyword + WINDOW_AFTER;
            let unsure = if goes_on { WINDOW_AFTER / 2 } else { 0 };
            return Err(if self.inside { to - unsure } else { 0 });
        };
        let (start, end) = (from + found.start(), from + found.end());
        if start <= after && end > keyword { Ok((start, end)) } else { Err(0) }
    }

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
        let build = || {
            let anchor = if self.inside { "" } else { "^" };
            let pattern = format!("{anchor}(?:{})", self.pattern);
            RegexBuilder::new(&pattern).unicode(false).build().ok()
        };
        self.regex.get_or_init(build).as_ref()
    }

    /// Whether a match is a token by itself, varied enough and well formed.
    fn accepts(&self, content: &[u8], start: usize, end: usize) -> bool {
        let value = &content[start..end];
        match self.check {
            Some(Check::PemBody) => return is_pem_body(value),
            Some(Check::EncodedPem) => {
                let key = base64(value).unwrap_or_default();
                let is_private = key.windows(11).any(|window| window == b"PRIVATE KEY");
                return is_private && is_pem_body(&key);
            }
            Some(Check::Jwt) => return is_jwt(value) && stands_alone(content, start, end),
            Some(Check::Checksum) if has_checksum(value) => {
                return stands_alone(content, start, end);
            }
            Some(Check::Mixed) if !is_mixed(value) || reads_as_member(value) => return false,
            _ => {}
        }
        stands_alone(content, start, end)
            && self.entropy.is_none_or(|least| bits_per_byte(value) >= least)
            && !is_placeholder(value)
    }

    fn hit(&self, start: usize, end: usize) -> SecretHit {
        SecretHit { start, end, rule: self.id.clone(), title: self.title.clone() }
    }
}

/// `s.DestinationIpv6CidrBlock` is a member of something.
fn reads_as_member(value: &[u8]) -> bool {
    let name = value.iter().position(|byte| *byte == b'.').map(|dot| &value[dot + 1..]);
    name.is_some_and(is_camel_case)
}

/// The visible bytes around a place, without quotes.
fn run_around(content: &[u8], at: usize) -> (usize, usize) {
    let before = content[at.saturating_sub(WINDOW_BEFORE)..at].iter().rev();
    let after = content[at..content.len().min(at + WINDOW_AFTER)].iter();
    let before = before.take_while(|byte| is_token_byte(**byte)).count();
    (at - before, at + after.take_while(|byte| is_token_byte(**byte)).count())
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"'`<>".contains(&byte)
}

fn is_mixed(value: &[u8]) -> bool {
    let has = |kind: fn(&u8) -> bool| value.iter().any(kind);
    has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)
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
