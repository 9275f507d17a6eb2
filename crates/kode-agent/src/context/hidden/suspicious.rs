//! What text says that wants to steer an agent (`data/suspicious.toml`). Asked
//! only about text that no reader sees, that claims a role, or that describes a
//! tool; never about plain visible prose.

use std::sync::LazyLock;

use regex::RegexSet;
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

/// One set a zone; `None` when the table can't be read, which a test rules out.
struct Sets {
    hidden: Option<RegexSet>,
    tool: Option<RegexSet>,
    role: Option<RegexSet>,
}

static SETS: LazyLock<Sets> = LazyLock::new(|| {
    let table = table();
    let set = |zone: Zone| {
        let patterns = &table.as_ref()?.pattern;
        let fitting = patterns.iter().filter(|pattern| pattern.zones.contains(&zone));
        regex::RegexSetBuilder::new(fitting.map(|pattern| &pattern.regex))
            .case_insensitive(true)
            .size_limit(64 << 20)
            .build()
            .ok()
    };
    Sets { hidden: set(Zone::Hidden), tool: set(Zone::Tool), role: set(Zone::Role) }
});

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
        assert!(SETS.hidden.is_some() && SETS.tool.is_some() && SETS.role.is_some());
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
