//! What happens in a run, as one JSON object a line (`kode run --json`).
//!
//! This enum *is* the documented schema: `docs/events.md` describes each
//! variant, and a test keeps the two together. Fields are added, never renamed.

use serde::{Deserialize, Serialize};

use crate::{Finding, ProjectPath, Reason, RiskClass, Untrusted, Usage, Verdict};

/// The number of a record in the audit log; counts from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AuditSequence(pub u64);

/// Who or what answered a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnsweredBy {
    /// The policy alone: no prompt was needed.
    Policy,
    /// A person at a terminal.
    Person,
    /// A person trusted this class earlier in this process.
    SessionTrust,
    /// `non_interactive` answered because there is no terminal.
    NonInteractive,
    /// The inspector failed, so the answer is no.
    Failure,
}

/// How a touched file differs from the base snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Not there before.
    New,
    /// Other bytes.
    Changed,
    /// Gone.
    Deleted,
    /// Same bytes, other permission bits.
    Mode,
    /// A symbolic link appeared, changed or went.
    Symlink,
}

/// One touched file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TouchedFile {
    /// The file.
    pub path: ProjectPath,
    /// What happened to it.
    pub change: ChangeKind,
    /// Lines added; 0 for binary files.
    pub added: usize,
    /// Lines removed; 0 for binary files.
    pub removed: usize,
    /// Whether either side is binary.
    pub binary: bool,
}

/// A touched file with code that the scan could not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadCode {
    /// The file.
    pub path: ProjectPath,
    /// Why it could not be scanned.
    pub why: String,
    /// `person`, `session_trust`, or the list and its glob.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_by: Option<String>,
}

/// The completion gate's colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colour {
    /// Nothing fatal stands.
    Green,
    /// The task can't finish.
    Red,
}

/// One event of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// First event of every run.
    RunStarted {
        /// Session identifier.
        session: String,
        /// Canonical project root.
        project: String,
        /// Model name.
        model: String,
        /// Provider name: `openai`, `anthropic` or `scripted`.
        provider: String,
        /// Whether answers come from the built-in scripted model.
        scripted: bool,
        /// Sandbox in use, such as `native` or `none`.
        sandbox: String,
    },
    /// The person's own words joined the conversation.
    UserMessage {
        /// What they typed.
        text: String,
    },
    /// A request is about to be sent to the model.
    TurnStarted {
        /// Counts from 1.
        turn: u32,
    },
    /// Streamed model text.
    Text {
        /// The piece.
        text: Untrusted<String>,
    },
    /// The model asked for a tool.
    ToolCall {
        /// Call identifier, unique in the session.
        call: String,
        /// Tool name.
        tool: Untrusted<String>,
        /// Arguments as JSON text.
        arguments: Untrusted<String>,
    },
    /// The gate decided about a call.
    Decision {
        /// Call identifier.
        call: String,
        /// What the policy said.
        verdict: Verdict,
        /// Risk class.
        class: RiskClass,
        /// Whether it ran.
        permitted: bool,
        /// Who answered.
        answered_by: AnsweredBy,
        /// The rule that decided.
        reason: Reason,
        /// The audit record of this decision.
        audit: AuditSequence,
    },
    /// A tool call ended.
    ToolResult {
        /// Call identifier.
        call: String,
        /// Tool name.
        tool: Untrusted<String>,
        /// Whether it did what was asked.
        ok: bool,
        /// Exit code of a shell command.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exit_code: Option<i32>,
        /// Wall-clock time in milliseconds.
        duration_ms: u64,
        /// First part of the output, redacted.
        output: Untrusted<String>,
    },
    /// A file differs from the base snapshot after a step.
    FileTouched {
        /// The file and how it differs.
        #[serde(flatten)]
        file: TouchedFile,
    },
    /// What the scan finds in the touched files is other than after the step before.
    Findings {
        /// Findings the task introduced so far.
        findings: Vec<Finding>,
    },
    /// The completion gate ran.
    Gate {
        /// Counts from 1.
        round: u32,
        /// Its colour.
        colour: Colour,
        /// Findings the task introduced.
        findings: Vec<Finding>,
        /// Findings that were there before.
        older: Vec<Finding>,
        /// Touched files no rule covers.
        unscanned: Vec<ProjectPath>,
        /// Failed checks of the project's own, by command line.
        failed_checks: Vec<String>,
        /// Touched code that could not be scanned and that nobody accepted.
        #[serde(default)]
        unaccepted: Vec<UnreadCode>,
        /// Touched code that could not be scanned and that someone accepted.
        #[serde(default)]
        accepted: Vec<UnreadCode>,
    },
    /// Something a person should know.
    Notice {
        /// One sentence of kode's own.
        text: String,
    },
    /// Last event of every run.
    RunFinished {
        /// Exit code of the process.
        exit_code: u8,
        /// Model's final message.
        summary: Untrusted<String>,
        /// Model turns taken.
        turns: u32,
        /// Actions that were refused or denied.
        refusals: u32,
        /// Tokens used.
        usage: Usage,
        /// Every file that differs from the base snapshot.
        files: Vec<TouchedFile>,
    },
}
