//! The command's answer on standard output, and what people are told on
//! standard error. A reader that went away ends the printing, never the work;
//! an answer that was lost in any other way is an error at the end.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, IsTerminal, Write, stderr, stdout};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::Failure;

/// Why the answer is not whole; the first reason stays.
static LOST: Mutex<Option<io::Error>> = Mutex::new(None);

/// Whether a program wrote to the terminal since kode did, which may have left it such that
/// nothing can be read.
static IS_FOREIGN: AtomicBool = AtomicBool::new(false);

/// What makes a terminal readable again (XTerm's ctlseqs; console_codes(4)).
const READABLE: &str = concat!(
    // Ends a sequence or a string that was begun, a printer's output, an old terminal's ways.
    "\x18\x1b\\\x1b[4i\x1b<\x1b%G",
    // Shows what is written, on the ordinary screen, and leaves the cursor where it is.
    "\x1b[?2026l\x1b7\x1b[?1049l\x1b7\x1b[r\x1b[?69l\x1b[?6l\x1b8",
    // Ordinary letters, in no colour, and the palette's own.
    "\x1b[4l\x1b[?7h\x1b[?5l\x1b(B\x0f\x1b[0m\x1b[?25h",
    "\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\",
    "\r\n",
);

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
    let mut out = stderr().lock();
    if IS_FOREIGN.swap(false, Ordering::Relaxed) && out.is_terminal() {
        let _ = out.write_all(READABLE.as_bytes());
    }
    let _ = out.write_fmt(text);
}

/// A program has written to kode's own streams, whatever it liked.
pub(crate) fn is_foreign() {
    IS_FOREIGN.store(true, Ordering::Relaxed);
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
