//! How a run ended, and which exit code that is.

use kode_base::{ExitStatus, TouchedFile, Untrusted, Usage};

use kode_gate::Label;

use crate::completion::Completed;

/// Why the turn loop stopped.
#[derive(Debug)]
pub enum RunEnd {
    /// The completion gate was green.
    Completed(Completed),
    /// Nothing was done because what was needed was denied.
    Denied {
        /// One sentence.
        why: String,
    },
    /// The gate stayed red for `--max-gate-rounds` rounds.
    GateRed,
    /// The iteration limit was reached.
    IterationLimit,
    /// The model provider failed.
    Provider(kode_model::ProviderError),
    /// The user ended the run.
    Interrupted,
    /// kode itself could not go on; one sentence.
    Failed(String),
}

impl RunEnd {
    /// The process's exit code.
    pub fn status(&self) -> ExitStatus {
        match self {
            Self::Completed(_) => ExitStatus::Success,
            Self::Denied { .. } => ExitStatus::Denied,
            Self::GateRed => ExitStatus::GateRed,
            Self::IterationLimit => ExitStatus::Limit,
            Self::Provider(error) if is_interrupt(error) => ExitStatus::Interrupted,
            Self::Provider(_) => ExitStatus::Provider,
            Self::Interrupted => ExitStatus::Interrupted,
            Self::Failed(_) => ExitStatus::Error,
        }
    }
}

fn is_interrupt(error: &kode_model::ProviderError) -> bool {
    error.kind == kode_model::ProviderErrorKind::Interrupted
}

/// Everything a caller shows of an ended run.
#[derive(Debug)]
pub struct RunReport {
    /// Why it ended.
    pub end: RunEnd,
    /// The model's final message.
    pub summary: Untrusted<String>,
    /// Model turns taken.
    pub turns: u32,
    /// Actions refused or denied.
    pub refusals: u32,
    /// Tokens used.
    pub usage: Usage,
    /// The label of everything the model had in context: what takes this
    /// report's summary in, takes the label in.
    pub label: Label,
    /// Files that differ from the base.
    pub files: Vec<TouchedFile>,
}
