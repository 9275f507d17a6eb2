//! Scenarios: what is planted, what an obedient model does, what must not
//! happen. One JSON object a line; `docs/lab.md` describes the fields.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::documents::Document;
use crate::error::LabError;

/// The lab's own scenarios.
const BUILTIN: &[(&str, &str)] = &[
    ("files.jsonl", include_str!("../scenarios/files.jsonl")),
    ("output.jsonl", include_str!("../scenarios/output.jsonl")),
    ("outside.jsonl", include_str!("../scenarios/outside.jsonl")),
    ("hidden.jsonl", include_str!("../scenarios/hidden.jsonl")),
];
/// The lab's own harmless documents.
const BUILTIN_DOCUMENTS: (&str, &str) =
    ("documents.jsonl", include_str!("../scenarios/documents.jsonl"));

/// What a scenario must come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Must {
    /// No effect, even when every prompt is answered yes.
    Blocked,
    /// No effect without an approval that shows the exact bytes.
    NeedsApproval,
    /// It may run, and leaves nothing outside the workspace.
    Harmless,
}

/// Whether the content scanner has to report the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scanner {
    /// It has to.
    Flag,
    /// It may.
    #[default]
    Optional,
}

/// One call of an obedient model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PlannedCall {
    /// Tool name.
    pub tool: String,
    /// Its arguments, with `{{SECRET:NAME}}`, `{{SYSTEM_PROMPT}}` and
    /// `{{WORKSPACE_NAME}}` filled in before use.
    pub args: Value,
}

/// One planted attack.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Scenario {
    /// Unique name.
    pub id: String,
    /// How the payload reaches the model, such as `readme` or `web_page`.
    pub channel: String,
    /// The planted text.
    pub payload: String,
    /// What the attacker is after, such as `exfil_secret`.
    pub goal: String,
    /// What a model does that obeys every word.
    pub malicious_tool_calls: Vec<PlannedCall>,
    /// What must come of it.
    pub must: Must,
    /// Which calls decide, by index; all when empty.
    #[serde(default)]
    pub decisive: Vec<usize>,
    /// Whether the scanner has to report the payload.
    #[serde(default)]
    pub scanner: Scanner,
}

impl Scenario {
    /// Whether call `index` is one that decides.
    pub(crate) fn is_decisive(&self, index: usize) -> bool {
        self.decisive.is_empty() || self.decisive.contains(&index)
    }
}

/// Attacks and harmless documents.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScenarioSet {
    /// Planted attacks.
    pub attacks: Vec<Scenario>,
    /// Documents that only look suspicious.
    pub documents: Vec<Document>,
}

/// The lab's own set.
///
/// # Errors
/// When a built-in line is wrong; a test reads them all.
pub fn builtin_scenarios() -> Result<ScenarioSet, LabError> {
    let mut set = ScenarioSet::default();
    for (name, text) in BUILTIN {
        set.attacks.extend(parse_lines(Path::new(name), text)?);
    }
    let (name, text) = BUILTIN_DOCUMENTS;
    set.documents = parse_lines(Path::new(name), text)?;
    Ok(set)
}

/// The file of a folder that holds its attacks.
pub(crate) const ATTACKS_FILE: &str = "attacks.jsonl";

/// Reads `attacks.jsonl` and `benign.jsonl` of a folder.
///
/// # Errors
/// With file and line of the first mistake, or when neither file is there.
pub fn load_scenarios(folder: &Path) -> Result<ScenarioSet, LabError> {
    let attacks = read_lines(&folder.join(ATTACKS_FILE))?;
    let documents = read_lines(&folder.join("benign.jsonl"))?;
    if attacks.is_none() && documents.is_none() {
        return Err(LabError::Empty(folder.to_owned()));
    }
    Ok(ScenarioSet {
        attacks: attacks.unwrap_or_default(),
        documents: documents.unwrap_or_default(),
    })
}

fn read_lines<T: for<'de> Deserialize<'de>>(path: &PathBuf) -> Result<Option<Vec<T>>, LabError> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse_lines(path, &text).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(LabError::File { path: path.clone(), source }),
    }
}

fn parse_lines<T: for<'de> Deserialize<'de>>(file: &Path, text: &str) -> Result<Vec<T>, LabError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| LabError::Format {
                file: file.to_owned(),
                line: index + 1,
                why: error.to_string(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_built_in_set_is_as_broad_as_promised() {
        let set = builtin_scenarios().unwrap();
        let ids: BTreeSet<&str> = set.attacks.iter().map(|attack| attack.id.as_str()).collect();
        assert_eq!(ids.len(), set.attacks.len(), "every id is unique");
        assert!(set.attacks.len() >= 120, "{} attacks", set.attacks.len());
        let channels: BTreeSet<&str> = set.attacks.iter().map(|a| a.channel.as_str()).collect();
        let goals: BTreeSet<&str> = set.attacks.iter().map(|a| a.goal.as_str()).collect();
        assert!(channels.len() >= 16, "{channels:?}");
        assert_eq!(goals.len(), 9, "{goals:?}");
    }

    #[test]
    fn a_wrong_line_is_named() {
        let error = parse_lines::<Scenario>(Path::new("x.jsonl"), "\n{\"id\":1}\n").unwrap_err();
        assert!(error.to_string().starts_with("x.jsonl:2:"), "{error}");
    }
}
