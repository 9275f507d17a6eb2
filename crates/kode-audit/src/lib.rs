//! Append-only, hash-chained audit log.
//!
//! Every decision is written, and durable, before its effect. A record holds
//! the hash of the one before it, so a changed, removed or reordered record
//! breaks the chain and [`verify`] names it; a checkpoint beside the log gives
//! a shortened log away. `docs/audit.md` has the format and the limits.

mod checkpoint;
mod digest;
mod line;
mod lines;
mod log;
mod places;
pub mod private;
mod read;
mod record;
mod tail;
mod verify;

pub use digest::{Digest, DigestError};
pub use line::RECORD_BYTES_MAX;
pub use log::{AuditError, AuditLog};
pub use read::{Filter, read, show};
pub use record::{ConnectionRecord, DecisionRecord, Entry, Ingested, Outcome, Record};
pub use verify::{Problem, VerifyError, VerifyReport, verify};
