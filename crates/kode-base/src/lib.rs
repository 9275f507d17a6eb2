//! The vocabulary every kode crate speaks.
//!
//! Types only: no file, process, clock or network is touched here. What may go
//! wrong between crates is written into these types, so that the compiler
//! refuses it: see [`Untrusted`], [`Secret`] and [`ProjectPath`].

pub mod action;
pub mod escape;
pub mod event;
pub mod exit;
pub mod finding;
pub mod interrupt;
pub mod path;
pub mod raw_name;
pub mod risk;
pub mod secret;
pub mod tokens;
pub mod untrusted;
pub mod verdict;
pub mod visible;

pub use action::{Action, FileRead, FileWrite, Listing, Search, ShellCommand, WebFetch, WriteMode};
pub use escape::{escape_command, escape_for_terminal};
pub use event::{AnsweredBy, AuditSequence, ChangeKind, Colour, Event, TouchedFile, UnreadCode};
pub use exit::ExitStatus;
pub use finding::{Finding, FlowStep, Severity, Span};
pub use interrupt::Interrupt;
pub use path::{PathError, ProjectPath};
pub use risk::RiskClass;
pub use secret::Secret;
pub use tokens::{TokenCount, Usage};
pub use untrusted::Untrusted;
pub use verdict::{Layer, Reason, Verdict};
pub use visible::ModelVisible;
