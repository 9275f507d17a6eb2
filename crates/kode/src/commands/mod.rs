//! One file a command.

mod audit;
mod completions;
mod demo;
mod edit;
mod policy;
mod review;
mod reviewing;
mod run;
mod session;
mod terminal;
mod trust;
mod undo;

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
        Command::Edit(_) => edit::run(),
        Command::Undo(arguments) => undo::undo(&arguments),
        Command::Redo(arguments) => undo::redo(&arguments),
        Command::Review(arguments) => review::run(&arguments),
        Command::Audit(command) => audit::run(&command),
        Command::Policy(command) => policy::run(&command),
        Command::Trust => trust::run(),
        Command::Completions(arguments) => completions::run(&arguments),
    }
}
