//! Checked, syntax-aware edits and diffs.
//!
//! Pure: source bytes and an operation in, new bytes or a refusal out. Nothing
//! is read or written here; paths on disk are the caller's to check.

mod diff;
mod doubts;
mod exact;
mod guard;
mod hindsight;
mod included_macros;
mod indentation;
mod insertion;
mod loss;
mod module_path;
mod nearest;
mod newline;
mod operation;
mod outline;
mod parallel;
mod passed_by_name;
mod patch;
mod placeholder;
mod project_rename;
mod project_rewrite;
mod recent_trees;
mod refusal;
mod rename;
mod replaced;
mod rewrite;
mod stretch;
mod symbol_edit;
mod undecodable;
mod whole;
mod wide;

pub use diff::{FileDiff, diff};
pub use exact::{ExactEdit, edit};
pub use hindsight::harm_done;
pub use insertion::Where;
pub use operation::{FileChange, NewMode, Operation, Project, apply, apply_in_project};
pub use outline::{MAX_FOUND_SYMBOLS, find_symbol, outline, render_outline};
pub use parallel::in_parallel;
pub use recent_trees::parse_ahead;
pub use refusal::EditRefusal;
pub use whole::write;
pub use wide::is_binary;

/// The largest file an edit touches, in bytes: beyond it parsing twice would
/// take longer than a person waits.
pub const MAX_FILE_BYTES: usize = 16 * 1024 * 1024;
