//! Judges every action and mints permits.
//!
//! [`judge`] is pure: action, policy and session state in, verdict out. A
//! shell command is parsed (`shell`), walked without running it (`evaluate`),
//! and each command it would start is looked up in tables of effects
//! (`effects`, `data/commands`); the result is an assessment that `resolve`
//! answers with the layered policy. [`Gate`] stands beside it: it asks the
//! person, writes the audit record and only then mints the [`Permit`] that the
//! sandbox consumes. What can't be parsed or followed is never allowed.

mod ablation;
mod approval;
mod assess;
mod assessment;
mod denied;
mod departures;
mod effects;
mod evaluate;
mod foreign_code;
mod gate;
mod judge;
mod label;
mod memory;
mod paths;
mod patterns;
mod permit;
mod policy;
pub mod policy_check;
mod reachable;
mod resolve;
mod rules;
mod secret_names;
mod sensitive;
mod shell;
mod spellings;
mod subject;
mod unscanned;

pub use ablation::{Ablation, Control, UnknownControl};
pub use approval::{
    Answer, ApprovalError, ApprovalRequest, Approver, Lapse, NoTerminal, RUN, TrustScope,
};
pub use assess::{is_meant, looks_secret};
pub use gate::{Decision, Denial, DenialKind, Gate};
pub use judge::{Judgement, SessionState, judge};
pub use label::{Confidentiality, Integrity, Label};
pub use memory::GateMemory;
pub use permit::Permit;
pub use policy::{LayerPolicy, NonInteractive, Policy, Rule, default_action};
pub use rules::{RuleError, check_rules};
pub use secret_names::{FolderNames, NameKind};
pub use sensitive::{
    FileChange, enters_ignored, is_installed_place, is_watched, is_watched_place, sensitive_change,
};
pub use unscanned::{AcceptedBy, AcceptedGlob, UnscannedFile, UnscannedPolicy};
