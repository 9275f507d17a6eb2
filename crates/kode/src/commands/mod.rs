//! One file a command.

mod audit;
mod completions;
mod demo;
mod desk;
mod doctor;
mod edit;
mod editor;
mod init;
mod interactive;
mod lab;
mod man;
mod not_started;
mod policy;
mod review;
mod review_screen;
pub(crate) mod reviewing;
mod run;
pub(crate) mod sandbox;
mod scan;
mod session;
mod terminal;
mod trust;
mod undo;

use kode_base::ExitStatus;

use crate::cli::{Cli, Command};
use crate::failure::Failure;
use crate::wiring::Start;

/// Runs the chosen command; returns the process's exit code.
pub(crate) fn dispatch(cli: Cli) -> Result<u8, Failure> {
    match cli.command {
        None => interactive::run(cli.session).map(ExitStatus::code),
        Some(Command::Sandbox(arguments)) => sandbox::run(&arguments),
        Some(own) => kode_status(own).map(ExitStatus::code),
    }
}

/// Commands that end with one of kode's own codes.
fn kode_status(command: Command) -> Result<ExitStatus, Failure> {
    match command {
        Command::Run(arguments) => run::run(arguments, Start::Fresh),
        Command::Continue(arguments) if arguments.run.task.is_empty() => {
            interactive::open(arguments.run, interactive::Opening::Saved(arguments.id))
        }
        Command::Continue(arguments) => run::run(arguments.run, Start::Saved(arguments.id)),
        Command::Session(command) => session::run(&command),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Scan(arguments) => scan::run(&arguments),
        Command::Edit(_) => edit::run(),
        Command::Undo(arguments) => undo::undo(&arguments),
        Command::Redo(arguments) => undo::redo(&arguments),
        Command::Review(arguments) => review::run(&arguments),
        Command::Audit(command) => audit::run(&command),
        Command::Policy(command) => policy::run(&command),
        Command::Init => init::run(),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Lab(arguments) => lab::run(&arguments),
        Command::Trust => trust::run(),
        Command::Man(arguments) => man::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Sandbox(_) => Err(Failure::error("sandbox ends with its command's own code")),
    }
}
