//! Judges every action and mints permits.
//!
//! [`judge`] is pure: action, policy and session state in, verdict out.
//! [`Gate`] stands beside it: it asks the person, writes the audit record and
//! only then mints the [`Permit`] that the sandbox consumes. An inspector that
//! fails denies.

mod approval;
mod assess;
mod assessment;
mod effects;
mod evaluate;
mod gate;
mod judge;
mod paths;
mod permit;
mod policy;
pub mod policy_check;
mod resolve;
mod rules;
mod shell;
mod subject;

pub use approval::{Answer, ApprovalError, ApprovalRequest, Approver, NoTerminal, TrustScope};
pub use gate::{Decision, Denial, DenialKind, Gate};
pub use judge::{Judgement, SessionState, judge};
pub use permit::Permit;
pub use policy::{LayerPolicy, NonInteractive, Policy, Rule, default_action};
pub use rules::{RuleError, check_rules};
