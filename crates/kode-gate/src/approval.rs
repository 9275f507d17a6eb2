//! Asking a person. The prompt itself lives with the terminal code; this is
//! what it is told and what it may answer.

use std::fmt;

use kode_base::{Reason, RiskClass, Untrusted};
use thiserror::Error;

/// What "trust for this session" would cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustScope {
    /// Every action of this class.
    Class(RiskClass),
    /// Network actions towards this host.
    Host(String),
    /// Writes below this folder.
    Folder(String),
    /// Touched files of these kinds, though the scan can't read them.
    UnscannedKinds(Vec<String>),
}

impl fmt::Display for TrustScope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class(class) => write!(formatter, "every {class} action"),
            Self::Host(host) => write!(formatter, "network actions towards {host}"),
            Self::Folder(folder) => write!(formatter, "writes below {folder}"),
            Self::UnscannedKinds(kinds) => {
                write!(formatter, "touched files of these kinds, unscanned: {}", kinds.join(", "))
            }
        }
    }
}

/// Why trust that a person gave holds no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lapse {
    /// Text nobody vouched for came into the model's context.
    Untrusted,
    /// Secret text did.
    Secret,
    /// A program opened a credential.
    Credential,
}

impl fmt::Display for Lapse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self {
            Self::Untrusted => {
                "text from outside (a file, a command's output, a page) came in since"
            }
            Self::Secret => "secret text came in since",
            Self::Credential => "a program opened a credential since",
        };
        write!(formatter, "your T before holds no more: {why}")
    }
}

/// The label of a request to do something.
pub const RUN: &str = "Run: ";

/// Everything a person needs to decide.
#[derive(Debug, Clone)]
pub struct ApprovalRequest {
    /// What stands before the subject: [`RUN`], or what else approving does.
    pub label: &'static str,
    /// Class, rule, layer and reason.
    pub reason: Reason,
    /// The exact bytes that would run, or `write PATH` and the like.
    pub subject: Untrusted<String>,
    /// The model's own words.
    pub why: Option<Untrusted<String>>,
    /// Parse, effects and what the sandbox still stops; shown on `?`.
    pub context: String,
    /// Hosts that approving opens for this action, through kode's proxy.
    pub opens: Vec<String>,
    /// The words of the gravest command in the request.
    pub focus: Vec<String>,
    /// What `T` would cover; `None` where trust is not offered.
    pub trust: Option<TrustScope>,
    /// Why trust given for this before does not answer it.
    pub lapsed: Option<Lapse>,
    /// Whether approving takes the typed word `approve` instead of one key:
    /// three approvals of this class came within a minute.
    pub type_approve: bool,
}

/// A person's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// This action, once.
    Approve,
    /// No.
    Deny,
    /// This action, and the request's trust scope for this process.
    TrustSession,
}

/// Why nobody could be asked. The answer is no.
#[derive(Debug, Error)]
pub enum ApprovalError {
    /// The terminal went away or never answered.
    #[error("the approval prompt failed: {0}")]
    Terminal(#[from] std::io::Error),
}

/// Someone who can be asked.
pub trait Approver: Send {
    /// Whether a live terminal is there. Without one, `non_interactive`
    /// answers class questions and everything else is denied.
    fn is_interactive(&self) -> bool;

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// When the terminal fails; the gate denies.
    fn ask(&mut self, request: &ApprovalRequest) -> Result<Answer, ApprovalError>;
}

/// Nobody is there.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTerminal;

impl Approver for NoTerminal {
    fn is_interactive(&self) -> bool {
        false
    }

    fn ask(&mut self, _request: &ApprovalRequest) -> Result<Answer, ApprovalError> {
        Ok(Answer::Deny)
    }
}
