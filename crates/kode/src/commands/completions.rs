//! `kode completions`: a completion script for a shell.

use clap::CommandFactory;
use kode_base::ExitStatus;

use crate::cli::{Cli, CompletionsArguments};
use crate::failure::Failure;

/// Prints the script.
pub(crate) fn run(arguments: &CompletionsArguments) -> Result<ExitStatus, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "kode", &mut script);
    say_part!("{}", String::from_utf8_lossy(&script));
    Ok(ExitStatus::Success)
}
