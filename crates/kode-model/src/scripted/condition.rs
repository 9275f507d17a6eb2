//! The conditions of a script's cases: what must hold for a case to answer.

use regex::Regex;
use serde::Deserialize;
use serde::de::Error as _;

/// What a case is judged by.
pub(super) struct Seen<'a> {
    /// Everything handed back since the model's last turn.
    pub(super) results: &'a str,
    /// Every text of the request.
    pub(super) conversation: &'a [&'a str],
}

/// What must hold of the results handed back, or of the whole conversation; all
/// that is given must.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct When {
    anywhere: Option<String>,
    contains: Option<String>,
    lacks: Option<String>,
    regex: Option<Pattern>,
    exit: Option<Exit>,
}

#[derive(Debug)]
struct Pattern(Regex);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Regex::new(&text).map(Self).map_err(D::Error::custom)
    }
}

/// How the last command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    Ok,
    Failed,
    Code(i64),
}

impl<'de> Deserialize<'de> for Exit {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        match (value.as_str(), value.as_i64()) {
            (Some("ok"), _) => Ok(Self::Ok),
            (Some("failed"), _) => Ok(Self::Failed),
            (_, Some(code)) => Ok(Self::Code(code)),
            _ => Err(D::Error::custom("`exit` is `ok`, `failed` or a number")),
        }
    }
}

impl When {
    /// Whether all conditions hold.
    pub(super) fn holds(&self, seen: &Seen<'_>) -> bool {
        let results = seen.results;
        let anywhere =
            |text: &String| seen.conversation.iter().any(|part| part.contains(text.as_str()));
        self.contains.as_ref().is_none_or(|text| results.contains(text.as_str()))
            && self.lacks.as_ref().is_none_or(|text| !results.contains(text.as_str()))
            && self.regex.as_ref().is_none_or(|pattern| pattern.0.is_match(results))
            && self.exit.is_none_or(|exit| exit.fits(results))
            && self.anywhere.as_ref().is_none_or(anywhere)
    }

    /// The pattern, whose groups fill the answer.
    pub(super) fn pattern(&self) -> Option<&Regex> {
        self.regex.as_ref().map(|pattern| &pattern.0)
    }
}

impl Exit {
    /// Looks for the last line that tells an exit code, such as `exit 0`,
    /// `exit code: 1` or `[exit status 2]`.
    fn fits(self, results: &str) -> bool {
        let Some(code) = results.lines().rev().find_map(exit_code) else { return false };
        match self {
            Self::Ok => code == 0,
            Self::Failed => code != 0,
            Self::Code(wanted) => code == wanted,
        }
    }
}

fn exit_code(line: &str) -> Option<i64> {
    let line = line.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let rest = line.strip_prefix("exit").or_else(|| line.strip_prefix("Exit"))?;
    let rest = rest.trim_start_matches([' ', '_']);
    let rest = rest.strip_prefix("code").or_else(|| rest.strip_prefix("status")).unwrap_or(rest);
    let rest = rest.trim_start_matches([' ', ':', '=']);
    let end = rest.find(|c: char| c != '-' && !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}
