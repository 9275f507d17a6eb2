//! Ctrl-C ends the step, twice the run; a third time kode stops at once. The
//! sandbox dies with the process, whatever happens.

use std::thread;

use kode_base::{ExitStatus, Interrupt};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Raised this often, nobody is waiting for a clean end any more.
const PATIENCE: u8 = 3;

/// Connects the process's signals to `interrupt`.
pub(crate) fn connect(interrupt: &Interrupt) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let interrupt = interrupt.clone();
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            let count = interrupt.raise();
            if signal != SIGINT {
                interrupt.raise();
            }
            if count >= PATIENCE {
                std::process::exit(i32::from(ExitStatus::Interrupted.code()));
            }
        }
    })?;
    Ok(())
}
