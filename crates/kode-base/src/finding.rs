//! What an inspector found in a file.

use serde::{Deserialize, Serialize};

use crate::ProjectPath;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; blocks nothing.
    Warning,
    /// A task can't finish while this stands.
    Fatal,
}

/// A place in a file. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// First line.
    pub start_line: u32,
    /// First column.
    pub start_column: u32,
    /// Last line.
    pub end_line: u32,
    /// Column after the last character.
    pub end_column: u32,
}

/// One step of a flow from a source to a sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowStep {
    /// The file of this step.
    pub path: ProjectPath,
    /// Where the step happens.
    pub span: Span,
    /// What happens there, such as "request parameter `id` enters here".
    pub text: String,
}

/// One finding. All text is kode's own; quoted code is escaped and secrets are
/// masked before they get here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable rule name, such as `sql-injection` or `secret.aws-access-key`.
    pub rule: String,
    /// The CWE number, such as 89.
    pub cwe: Option<u32>,
    /// Whether it blocks.
    pub severity: Severity,
    /// The file.
    pub path: ProjectPath,
    /// Where in the file.
    pub span: Span,
    /// What is wrong and why it matters, one or two sentences.
    pub message: String,
    /// How to mend it, one or two sentences.
    pub remedy: String,
    /// The flow step by step, source first; empty for structural findings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flow: Vec<FlowStep>,
    /// Content-based identity that survives moved lines, hex.
    pub fingerprint: String,
}
