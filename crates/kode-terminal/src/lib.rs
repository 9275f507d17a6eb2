//! Asks a person on the terminal. [`TtyPrompt`] shows exactly what would run,
//! on lines that the model's text can't imitate, and takes one deliberate key:
//! nothing typed ahead, pasted or sent by the terminal itself counts.
//!
//! It talks to `/dev/tty`, never to standard input or output, and leaves the
//! terminal as it found it.

mod appearance;
mod keys;
mod prompt;
mod raw;
mod render;
mod rows;
mod tty;

pub use appearance::Appearance;
pub use prompt::TtyPrompt;
pub use raw::restore_terminal;
