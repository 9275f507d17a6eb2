//! The turn loop: model, gate, sandbox, context, completion gate.
//!
//! One [`Agent`] does one task. It owns no policy and no process of its own:
//! every tool call becomes an action the gate judges, every effect consumes a
//! permit, every byte that comes back is wrapped before the model sees it.

mod agent;
mod checks;
mod completion;
mod connections;
mod contents;
pub mod context;
pub mod editing;
mod git;
mod journal;
mod outcome;
mod surroundings;
mod tools;
mod unread;

pub use agent::{Agent, AgentParts, Interjection, Limits, Observer, StepDesk};
pub use completion::{Completed, Evidence, today};
pub use connections::{audit_witness, connection_records};
pub use outcome::{RunEnd, RunReport};
pub use tools::specs as tool_specs;
