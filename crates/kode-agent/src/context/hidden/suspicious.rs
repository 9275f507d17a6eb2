//! What text says that wants to steer an agent (`data/suspicious.toml`). Asked
//! only about text that no reader sees, that claims a role, or that describes a
//! tool; never about plain visible prose.

use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::RegexSet;
use regex_syntax::hir::literal::Extractor;
use serde::Deserialize;

/// Longer zones are looked at this far, in bytes.
const ZONE_BYTES_MAX: usize = 16 * 1024;

/// Where a text stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Zone {
    /// Where no reader sees it.
    Hidden,
    /// In a tool's description.
    Tool,
    /// Under a forged role or header.
    Role,
}

#[derive(Deserialize)]
struct Table {
    pattern: Vec<Pattern>,
}

#[derive(Deserialize)]
#[cfg_attr(not(test), expect(dead_code, reason = "names and examples are for people and tests"))]
struct Pattern {
    name: String,
    #[serde(rename = "where")]
    zones: Vec<Zone>,
    regex: String,
    #[serde(rename = "match")]
    matching: Vec<String>,
    not_match: Vec<String>,
}

/// The patterns of one zone. Building them takes longer than searching a
/// megabyte, so that waits for text that gets past the quick search.
struct Set {
    patterns: Vec<String>,
    /// What every match begins with; `None` when a pattern can begin with
    /// anything.
    beginnings: Option<AhoCorasick>,
    regexes: OnceLock<Option<RegexSet>>,
}

/// One set a zone; `None` when the table can't be read, which a test rules out.
struct Sets {
    hidden: Option<Set>,
    tool: Option<Set>,
    role: Option<Set>,
}

static SETS: LazyLock<Sets> = LazyLock::new(|| {
    let table = table();
    let set = |zone: Zone| {
        let patterns = table.as_ref()?.pattern.iter();
        let fitting = patterns.filter(|pattern| pattern.zones.contains(&zone));
        Some(Set::new(fitting.map(|pattern| pattern.regex.clone()).collect()))
    };
    Sets { hidden: set(Zone::Hidden), tool: set(Zone::Tool), role: set(Zone::Role) }
});

impl Set {
    fn new(patterns: Vec<String>) -> Self {
        let beginnings: Option<Vec<_>> = patterns.iter().map(|regex| beginnings(regex)).collect();
        let search = |all: Vec<Vec<Vec<u8>>>| {
            let mut builder = AhoCorasick::builder();
            builder.ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA));
            builder.build(all.concat()).ok()
        };
        Self { patterns, beginnings: beginnings.and_then(search), regexes: OnceLock::new() }
    }

    /// Patterns that can't be built match everything, which a test rules out.
    fn is_match(&self, text: &str) -> bool {
        // Beyond ASCII some letters have more cases than the search knows.
        let possible = !text.is_ascii()
            || self.beginnings.as_ref().is_none_or(|beginnings| beginnings.is_match(text));
        possible && self.regexes().is_none_or(|regexes| regexes.is_match(text))
    }

    fn regexes(&self) -> Option<&RegexSet> {
        let build = || {
            let mut builder = regex::RegexSetBuilder::new(&self.patterns);
            builder.case_insensitive(true).size_limit(64 << 20).build().ok()
        };
        self.regexes.get_or_init(build).as_ref()
    }
}

/// What matches of `regex` begin with, any case; `None` for anything.
fn beginnings(regex: &str) -> Option<Vec<Vec<u8>>> {
    let parsed = regex_syntax::parse(regex).ok()?;
    let found = Extractor::new().extract(&parsed);
    let literals = found.literals()?;
    let all: Vec<Vec<u8>> = literals.iter().map(|each| each.as_bytes().to_vec()).collect();
    (!all.iter().any(Vec::is_empty)).then_some(all)
}

fn table() -> Option<Table> {
    toml::from_str(include_str!("../../../data/suspicious.toml")).ok()
}

/// Whether `text`, standing in `zone`, wants to steer an agent. Without its
/// table everything does.
pub(super) fn is_suspicious(text: &str, zone: Zone) -> bool {
    let set = match zone {
        Zone::Hidden => &SETS.hidden,
        Zone::Tool => &SETS.tool,
        Zone::Role => &SETS.role,
    };
    let text = &text[..text.floor_char_boundary(ZONE_BYTES_MAX)];
    set.as_ref().is_none_or(|set| set.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_finds_its_examples_and_leaves_the_others() {
        for pattern in table().unwrap().pattern {
            let regex = regex::RegexBuilder::new(&pattern.regex)
                .case_insensitive(true)
                .size_limit(64 << 20)
                .build()
                .unwrap();
            assert!(!pattern.matching.is_empty() && !pattern.not_match.is_empty());
            for text in &pattern.matching {
                assert!(regex.is_match(text), "{}: {text}", pattern.name);
            }
            for text in &pattern.not_match {
                assert!(!regex.is_match(text), "{}: {text}", pattern.name);
            }
        }
        for set in [&SETS.hidden, &SETS.tool, &SETS.role] {
            assert!(set.as_ref().unwrap().regexes().is_some());
        }
    }

    #[test]
    fn the_quick_search_passes_on_whatever_a_pattern_finds() {
        let hidden = SETS.hidden.as_ref().unwrap();
        assert!(hidden.beginnings.is_some());
        for pattern in table().unwrap().pattern {
            for set in [&SETS.hidden, &SETS.tool, &SETS.role].into_iter().flatten() {
                for text in pattern
                    .matching
                    .iter()
                    .flat_map(|text| [text.clone(), text.to_ascii_uppercase()])
                {
                    assert_eq!(
                        set.is_match(&text),
                        set.regexes().unwrap().is_match(&text),
                        "{text}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_hidden_text_usually_says_is_not_suspicious() {
        for text in [
            "markdownlint-disable MD013",
            "prettier-ignore-start",
            "ALL-CONTRIBUTORS-LIST:START - Do not remove or modify this section",
            "TODO: describe the installation",
            "This file is generated; do not edit",
            "Screenshot of the settings page with the token field",
            "Build status",
            "Copyright 2024 The Authors. Licensed under the MIT licence.",
            "toc",
            "more",
            "BEGIN mermaid diagram",
            "Please describe your change",
            "Architecture: the model talks to the agent through a gateway",
            "Thanks for your pull request! Tick the boxes that apply.",
        ] {
            assert!(!is_suspicious(text, Zone::Hidden), "{text}");
        }
    }

    #[test]
    fn what_tools_usually_say_is_not_suspicious() {
        for text in [
            "Reads a file from the workspace and returns its text.",
            "Sends an e-mail to the given recipient with subject and body.",
            "Call `list_projects` first to get a project id. Returns at most 50 issues.",
            "Searches the web. Always cite the source URL.",
            "You must call resolve_library before this tool to obtain an id.",
            "Deletes a branch. This can't be undone; ask the user before using it.",
            "Creates an issue in the tracker. The token is taken from the server's settings.",
        ] {
            assert!(!is_suspicious(text, Zone::Tool), "{text}");
        }
    }
}
