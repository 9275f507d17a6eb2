//! Checked, syntax-aware edits and diffs.
//!
//! Pure: source bytes and an operation in, new bytes or a refusal out. Nothing
//! is read or written here; paths on disk are the caller's to check.

mod diff;
mod exact;
mod guard;
mod loss;
mod nearest;
mod newline;
mod placeholder;
mod refusal;
mod whole;

pub use diff::{FileDiff, diff};
pub use exact::{ExactEdit, edit};
pub use refusal::EditRefusal;
pub use whole::write;

/// The largest file an edit touches, in bytes: beyond it parsing twice would
/// take longer than a person waits.
pub const MAX_FILE_BYTES: usize = 16 * 1024 * 1024;
