//! One file a command.

mod audit;
mod completions;
mod demo;
mod policy;
mod review;
mod run;
mod session;
mod trust;

use kode_base::ExitStatus;

use crate::cli::Command;
use crate::failure::Failure;
use crate::wiring::Start;

/// Runs the chosen command.
pub(crate) fn dispatch(command: Command) -> Result<ExitStatus, Failure> {
    match command {
        Command::Run(arguments) => run::run(arguments, Start::Fresh),
        Command::Continue(arguments) => run::run(arguments.run, Start::Saved(arguments.id)),
        Command::Session(command) => session::run(&command),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Review(arguments) => review::run(&arguments),
        Command::Audit(command) => audit::run(&command),
        Command::Policy(command) => policy::run(&command),
        Command::Trust => trust::run(),
        Command::Completions(arguments) => completions::run(&arguments),
    }
}
