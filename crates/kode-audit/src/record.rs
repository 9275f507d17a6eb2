//! What is recorded.

use kode_base::{AnsweredBy, AuditSequence, Reason, Verdict};
use serde::{Deserialize, Serialize};

/// One decision about one action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// `shell`, `read`, `list`, `search`, `write` or `fetch`.
    pub action: String,
    /// The exact command, path or pattern, escaped and redacted.
    pub subject: String,
    /// SHA-256 of the exact bytes that run or are written, hex.
    pub digest: String,
    /// What the policy said.
    pub verdict: Verdict,
    /// Whether the action was permitted in the end.
    pub permitted: bool,
    /// Who answered.
    pub answered_by: AnsweredBy,
    /// The rule and layer that decided.
    pub reason: Reason,
    /// Hosts that the person who answered opened for the action.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opened: Vec<String>,
}

/// How a permitted action ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The decision this belongs to.
    pub intent: AuditSequence,
    /// Exit code of a command; `None` for files or when it was killed.
    pub exit_code: Option<i32>,
    /// `done`, `failed`, `timed_out` or `interrupted`.
    pub result: String,
}

/// One connection of a permitted action, as kode's proxy saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionRecord {
    /// The decision this belongs to.
    pub intent: AuditSequence,
    /// `connect`, `socks`, `http`, `registry`, `web_fetch`, or `unknown` where
    /// nothing was asked for.
    pub via: String,
    /// The host asked for, escaped; empty when none was.
    pub host: String,
    /// The port asked for; 0 when none was.
    pub port: u16,
    /// Requests the registry fetcher made; connections left out where one
    /// record stands for all past the limit.
    pub requests: u32,
    /// Bytes that left.
    pub bytes_sent: u64,
    /// Bytes that came.
    pub bytes_received: u64,
    /// From the first byte to the last.
    pub duration_ms: u64,
    /// Why it was not carried; `None` when it was.
    pub refused: Option<String>,
}

/// One untrusted text that joined the model's context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ingested {
    /// The tool or file it came from, escaped.
    pub source: String,
    /// SHA-256 of the redacted text, hex.
    pub digest: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Kinds of hidden content in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<String>,
}

/// Anything the log holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// A session began or was resumed.
    SessionStarted {
        /// Canonical project root.
        project: String,
        /// `native`, `none`, …
        sandbox: String,
    },
    /// A decision, written before its effect.
    Decision(DecisionRecord),
    /// The effect's end.
    Outcome(Outcome),
    /// A connection of a permitted action is about to leave; written before it.
    Departure {
        /// The decision this belongs to.
        intent: AuditSequence,
        /// Where to, escaped.
        host: String,
        /// Where to.
        port: u16,
    },
    /// A connection that a permitted action tried, carried or refused.
    Connection(ConnectionRecord),
    /// The completion gate ran.
    Gate {
        /// `red` or `green`.
        colour: String,
        /// Snapshot hash that was inspected, hex.
        snapshot: String,
        /// Rules of the fatal findings.
        findings: Vec<String>,
    },
    /// What a turn took into the model's context that nobody vouched for, and
    /// what it touched that the user never named.
    Turn {
        /// Counts from 1; 0 is what came with the task.
        turn: u32,
        /// Untrusted texts, in order.
        ingested: Vec<Ingested>,
        /// Hosts, paths and files, in order; escaped.
        unnamed: Vec<String>,
        /// How many of both were left out.
        #[serde(default)]
        more: usize,
    },
    /// Something a security person wants to see: trust given, sandbox off, a
    /// quarantined torn line.
    Notice {
        /// Stable name, such as `trust.given` or `sandbox.off`.
        name: String,
        /// One sentence.
        text: String,
    },
}

/// A record in its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Place in the log, from 1.
    pub sequence: AuditSequence,
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// The session it belongs to; empty for commands without one.
    pub session: String,
    /// What happened.
    #[serde(flatten)]
    pub record: Record,
    /// Hash of the entry before, hex; 64 zeros for the first.
    pub previous: String,
    /// Hash of this entry (all the above), hex.
    pub hash: String,
}
