//! `kode completions`: a completion script for a shell.

use std::io::stdout;

use clap::CommandFactory;
use kode_base::ExitStatus;

use crate::cli::{Cli, CompletionsArguments};
use crate::failure::Failure;

/// Prints the script.
pub(crate) fn run(arguments: &CompletionsArguments) -> Result<ExitStatus, Failure> {
    clap_complete::generate(arguments.shell, &mut Cli::command(), "kode", &mut stdout());
    Ok(ExitStatus::Success)
}
