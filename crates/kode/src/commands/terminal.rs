//! Some commands are a person's alone: without a live terminal they refuse.

use std::io::IsTerminal;

use kode_base::ExitStatus;

use crate::failure::Failure;

/// Refuses `kode COMMAND` where no terminal is there.
pub(super) fn require_terminal(command: &str) -> Result<(), Failure> {
    let terminal = std::fs::File::open("/dev/tty");
    if terminal.is_ok_and(|terminal| terminal.is_terminal()) {
        return Ok(());
    }
    Err(Failure::new(ExitStatus::Usage, format!("kode {command} needs a terminal"))
        .hint("run it yourself in the project's folder; scripts and agents can't"))
}
