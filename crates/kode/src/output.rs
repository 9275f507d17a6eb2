//! The command's answer on standard output, and what people are told on
//! standard error. A reader that went away ends the printing, never the work;
//! an answer that was lost in any other way is an error at the end.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write, stderr, stdout};
use std::sync::Mutex;

use crate::failure::Failure;

/// Why the answer is not whole; the first reason stays.
static LOST: Mutex<Option<io::Error>> = Mutex::new(None);

/// Prints a line of the command's answer.
macro_rules! say {
    ($($text:tt)*) => { $crate::output::answer(format_args!("{}\n", format_args!($($text)*))) };
}

/// Prints a part of a line of the command's answer.
macro_rules! say_part {
    ($($text:tt)*) => { $crate::output::answer(format_args!($($text)*)) };
}

/// Tells a person something on standard error.
macro_rules! tell {
    ($($text:tt)*) => { $crate::output::aside(format_args!("{}\n", format_args!($($text)*))) };
}

/// Writes to standard output; `say!` and `say_part!` end here.
pub(crate) fn answer(text: Arguments<'_>) {
    let mut out = stdout().lock();
    if let Err(error) = out.write_fmt(text).and_then(|()| out.flush()) {
        lost(error);
    }
}

/// Writes to standard error; `tell!` ends here. Nothing is left to tell when
/// standard error is gone.
pub(crate) fn aside(text: Arguments<'_>) {
    let _ = stderr().write_fmt(text);
}

/// Remembers that the answer is not whole. A reader that has seen enough
/// (`kode audit list | head`) is no failure.
pub(crate) fn lost(error: io::Error) {
    if error.kind() == ErrorKind::BrokenPipe {
        return;
    }
    if let Ok(mut first) = LOST.lock() {
        first.get_or_insert(error);
    }
}

/// The failure of a command whose answer was lost.
pub(crate) fn failure() -> Option<Failure> {
    let error = LOST.lock().ok()?.take()?;
    let failure = Failure::error(format!("standard output could not be written: {error}"));
    Some(failure.hint("the work itself is done; `kode session list` shows a run's session"))
}
