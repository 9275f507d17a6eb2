//! Append-only, hash-chained audit log.
//!
//! Every decision is written, and durable, before its effect. A record holds
//! the hash of the one before it, so a changed, removed or reordered record
//! breaks the chain and `verify` names it.

mod log;
mod record;

pub use log::{AuditError, AuditLog};
pub use record::{DecisionRecord, Entry, Outcome, Record};
