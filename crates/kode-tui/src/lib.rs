//! The interactive session: transcript, prompt, approval dialog and the diff
//! sidebar, in a terminal.
//!
//! A pure state machine ([`App`]: inputs and keys in, [`Command`]s out), a view
//! of it, and a thin loop around both ([`run`]). It depends on no agent, gate or
//! session; the binary translates. Whatever comes from outside is escaped on
//! its way to the screen (`shown.rs`), and nothing is run or written here.

mod app;
mod approval;
mod completion;
mod diff;
mod draw;
mod exchange;
mod files;
mod lexer;
mod prompt;
mod reader;
mod run;
mod shown;
mod theme;
mod transcript;

pub use app::{App, Mode, model_name};
pub use exchange::{
    Answer, Change, Command, Done, FileContents, FileEntry, Hunk, Input, Met, Question, TurnEntry,
    UserMessage,
};
pub use run::{Inputs, Wake, channel, restore_terminal, run};
pub use theme::{Background, Theme};
