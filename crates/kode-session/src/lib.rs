//! Sessions, snapshots, touched files, review and reject.
//!
//! What a session needs to survive is on the disk before its effect: the
//! journal of the agent's steps, the base snapshot of the project, and every
//! change that was found afterwards. Project files are never written here:
//! putting one back goes through the gate and the sandbox like any write.
//! `docs/sessions.md` has the layout.

mod accepted;
mod again;
mod announced;
mod authored;
mod base;
mod blobs;
mod booking;
mod capture;
mod changes;
mod compare;
mod contents;
mod error;
mod held;
mod later;
mod ledger;
mod lock;
mod meeting;
pub mod merge;
mod meta;
mod pack;
mod renames;
mod restoration;
mod restore;
pub mod review;
mod reviewed;
mod room;
mod running;
mod session;
mod standing;
mod state;
mod store;
mod tree;
mod turns;
mod undo;
mod watched;
mod wishes;

pub use again::DoneAgain;
pub use changes::{Origin, StepId};
pub use compare::{Comparison, IGNORED_NAMED_MAX};
pub use error::{Later, LinesNamed, SessionError};
pub use held::{Changed, Held, HeldId, Holding, Holds, Stuck};
pub use meeting::MeetingShown;
pub use meta::SessionSummary;
pub use session::Session;
pub use store::{SessionDetail, SessionStore};
pub use undo::{Restored, UndoTarget};
pub use wishes::WishId;
