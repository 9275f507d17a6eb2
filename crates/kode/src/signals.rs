//! Ctrl-C ends the step, twice the run; a third time kode stops at once. The
//! sandbox dies with the process, whatever happens.

use std::thread;
use std::time::{Duration, Instant};

use kode_base::{ExitStatus, Interrupt};
use signal_hook::consts::{SIGABRT, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

/// A second Ctrl-C within this time ends the run, even where the first has
/// already ended its step.
const TWICE: Duration = Duration::from_secs(2);
/// Raised this often, nobody is waiting for a clean end any more.
const PATIENCE: u8 = 3;

/// Connects the process's signals to `interrupt`.
pub(crate) fn connect(interrupt: &Interrupt) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT])?;
    let interrupt = interrupt.clone();
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let (mut count, mut last) = (0u8, None::<Instant>);
        for signal in signals.forever() {
            let again = last.is_some_and(|before| before.elapsed() < TWICE);
            count = if again { count.saturating_add(1) } else { 1 };
            last = Some(Instant::now());
            interrupt.raise();
            if again || signal != SIGINT {
                interrupt.raise();
            }
            if count >= PATIENCE {
                std::process::exit(i32::from(ExitStatus::Interrupted.code()));
            }
        }
    })?;
    Ok(())
}
