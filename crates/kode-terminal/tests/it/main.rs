//! Presses the keys of a real prompt on a real pseudo-terminal.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod prompt;
