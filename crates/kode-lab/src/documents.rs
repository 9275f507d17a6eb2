//! Harmless documents that only look suspicious: no warning, no prompt, and
//! the text reaches the model as it is.

use kode_agent::context::{Redactor, inspect, inspect_tool_description, summary, wrap};
use kode_base::{Action, ProjectPath, ShellCommand, Untrusted, Verdict};
use kode_gate::{SessionState, judge};
use serde::{Deserialize, Serialize};

use crate::LabSettings;
use crate::error::LabError;
use crate::scenario::PlannedCall;

/// What may be done to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// No warning, text unchanged byte for byte.
    Clean,
    /// It may be escaped; no warning.
    NeutraliseOnly,
}

/// One document.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Document {
    /// Unique name.
    pub id: String,
    /// What kind it is, such as `readme`.
    #[serde(default)]
    pub kind: String,
    /// Its text.
    pub text: String,
    /// What may be done to it.
    pub expect: Expect,
    /// Calls that must be allowed without a prompt.
    #[serde(default)]
    pub benign_tool_calls: Vec<PlannedCall>,
}

/// How a document fared.
#[derive(Debug, Clone, Serialize)]
pub struct DocumentResult {
    /// The document.
    pub id: String,
    /// Whether the scanner warned.
    pub warned: bool,
    /// Whether the text the model sees is the document's, byte for byte.
    pub unchanged: bool,
    /// Calls that were not allowed without a prompt.
    pub bothered: Vec<String>,
    /// All as it must be.
    pub passed: bool,
}

/// Whether the content scanner reports what comes in through `channel`.
pub(crate) fn is_flagged(channel: &str, text: &str) -> bool {
    let found =
        if channel == "mcp_tool_desc" { inspect_tool_description(text) } else { inspect(text) };
    summary(&found).is_some()
}

/// Judges a document.
///
/// # Errors
/// When the text can't be wrapped for want of randomness.
pub(crate) fn run_document(
    document: &Document,
    settings: &LabSettings,
) -> Result<DocumentResult, LabError> {
    let warned = is_flagged("file", &document.text);
    let text = Untrusted::from(document.text.as_str());
    let wrapped = wrap("read_file", &text, &Redactor::default())
        .map_err(|error| LabError::Prepare(error.to_string()))?;
    let unchanged =
        body(wrapped.as_str()).trim_end_matches('\n') == document.text.trim_end_matches('\n');
    let bothered: Vec<String> = document
        .benign_tool_calls
        .iter()
        .filter_map(|call| call.args.get("command").and_then(|command| command.as_str()))
        .filter(|command| !is_allowed(command, settings))
        .map(str::to_owned)
        .collect();
    let kept = unchanged || document.expect == Expect::NeutraliseOnly;
    let passed = !warned && kept && bothered.is_empty();
    Ok(DocumentResult { id: document.id.clone(), warned, unchanged, bothered, passed })
}

/// What stands between the first and the last line.
fn body(wrapped: &str) -> &str {
    let after = wrapped.split_once('\n').map_or("", |(_, rest)| rest);
    after.rsplit_once('\n').map_or("", |(body, _)| body)
}

fn is_allowed(command: &str, settings: &LabSettings) -> bool {
    let action = Action::Shell(ShellCommand {
        command: Untrusted::from(command),
        description: None,
        directory: ProjectPath::root(),
        timeout: std::time::Duration::from_secs(60),
    });
    let state = SessionState {
        project_root: "/srv/project".to_owned(),
        home: "/home/user".to_owned(),
        kode_home: "/home/user/.kode".to_owned(),
        untrusted_in_context: true,
        ..SessionState::default()
    };
    judge(&action, &settings.policy, &state).verdict == Verdict::Allow
}
