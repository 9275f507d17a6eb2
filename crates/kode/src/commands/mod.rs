//! One file a command.

mod audit;
mod completions;
mod demo;
mod policy;
mod review;
mod run;
mod trust;

use kode_base::ExitStatus;

use crate::cli::Command;
use crate::failure::Failure;

/// Runs the chosen command.
pub(crate) fn dispatch(command: Command) -> Result<ExitStatus, Failure> {
    match command {
        Command::Run(arguments) => run::run(arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Review(arguments) => review::run(&arguments),
        Command::Audit(command) => audit::run(&command),
        Command::Policy(command) => policy::run(&command),
        Command::Trust => trust::run(),
        Command::Completions(arguments) => completions::run(&arguments),
    }
}
