//! Keys of services that have no prefix: a value of the service's shape,
//! assigned to a name that holds the service's keyword.

use std::sync::{LazyLock, OnceLock};

use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

use super::SecretHit;
use super::entropy::bits_per_byte;
use super::keywords::Found;
use super::placeholder::is_placeholder;

/// Service values are short names, an operator and one token.
const WINDOW: usize = 400;
/// The shortest value of any service.
const TOKEN_LEAST: usize = 14;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    pub(super) id: String,
    name: String,
    value: String,
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "samples that the tests run"))]
    pub(super) detects: Vec<String>,
    #[serde(skip)]
    regex: OnceLock<Option<Regex>>,
}

#[derive(Deserialize)]
struct ServiceFile {
    service: Vec<Service>,
}

/// The services of `data/secret_services.toml`; a test proves that it parses.
pub(super) static SERVICES: LazyLock<Vec<Service>> = LazyLock::new(|| {
    let text = include_str!("../../data/secret_services.toml");
    let file: Result<ServiceFile, _> = crate::tables::read(text);
    file.map(|file| file.service).unwrap_or_default()
});

/// For each of [`words`], its service.
static OWNERS: LazyLock<Vec<usize>> = LazyLock::new(|| {
    let owned = |(index, service): (usize, &Service)| {
        std::iter::repeat_n(index, service.name.split('|').count())
    };
    SERVICES.iter().enumerate().flat_map(owned).collect()
});

/// What the names of all services begin with.
pub(super) fn words() -> Vec<&'static str> {
    SERVICES.iter().flat_map(|service| service.name.split('|').map(plain_prefix)).collect()
}

/// The plain text a name pattern begins with.
fn plain_prefix(pattern: &str) -> &str {
    let special = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_');
    let end = pattern.find(special).unwrap_or(pattern.len());
    // What `?` follows need not be there.
    let certain = !pattern[end..].starts_with(['?', '*', '{']);
    &pattern[..if certain { end } else { end.saturating_sub(1) }]
}

/// Finds service keys from the places of their names.
pub(super) fn find(content: &[u8], keywords: impl Iterator<Item = Found>) -> Vec<SecretHit> {
    let mut hits = Vec::new();
    let mut searched = vec![0usize; SERVICES.len()];
    for keyword in keywords {
        let index = OWNERS[keyword.word];
        if keyword.start < searched[index] {
            continue;
        }
        let service = &SERVICES[index];
        // No further: in a bundle of one line that would be to the end of the file each time.
        let window = content[keyword.start..].iter().take(WINDOW);
        let line = window.take_while(|byte| **byte != b'\n').count();
        let to = keyword.start + line;
        if !holds_token(&content[keyword.end..to.max(keyword.end)]) {
            continue;
        }
        let Some(regex) = service.regex() else { continue };
        let Some(found) = regex.captures(&content[keyword.start..to]) else { continue };
        let Some(value) = found.get(1) else { continue };
        searched[index] = keyword.start + value.end();
        if is_value(value.as_bytes()) {
            let (start, end) = (keyword.start + value.start(), keyword.start + value.end());
            let (rule, title) = (format!("{}-key", service.id), format!("a key of {}", service.id));
            hits.push(SecretHit { start, end, rule, title });
        }
    }
    hits
}

/// Whether anything a value could be is there, before a pattern is compiled for it.
fn holds_token(rest: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-=./+:%".contains(byte);
    rest.split(|byte| !is_part(byte)).any(|run| run.len() >= TOKEN_LEAST)
}

impl Service {
    /// Name, an operator, perhaps quotes, the value, and an end.
    pub(super) fn regex(&self) -> Option<&Regex> {
        let build = || {
            let pattern = format!(
                r#"(?i)^(?:{})[\w .\-]{{0,30}}['"\s\]]{{0,3}}(?:=|>|:{{1,3}}=|\|\||:|=>|\?=|,)[`'"\s=]{{0,5}}({})(?:[`'"\s;,]|\\[nr]|$)"#,
                self.name, self.value
            );
            RegexBuilder::new(&pattern).unicode(false).build().ok()
        };
        self.regex.get_or_init(build).as_ref()
    }
}

fn is_value(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_digit)
        && value.iter().any(u8::is_ascii_alphabetic)
        && bits_per_byte(value) >= 2.7
        && !is_placeholder(value)
}
