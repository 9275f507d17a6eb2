//! `kode man`: the manual pages, one a command.

use std::io::stdout;

use clap::CommandFactory;
use clap_mangen::Man;
use kode_base::ExitStatus;

use crate::cli::{Cli, ManArguments};
use crate::failure::Failure;

/// Prints the page of `kode` itself, or writes every page into a folder.
pub(crate) fn run(arguments: &ManArguments) -> Result<ExitStatus, Failure> {
    let command = Cli::command();
    match &arguments.dir {
        None => Man::new(command).render(&mut stdout())?,
        Some(folder) => clap_mangen::generate_to(command, folder)
            .map_err(|error| Failure::error(format!("{}: {error}", folder.display())))?,
    }
    Ok(ExitStatus::Success)
}
