//! The `kode` command: flags, configuration, wiring, errors to exit codes.
//! Everything it does lives in the library crates; here it is put together.

#[macro_use]
mod output;

mod cli;
mod commands;
mod container;
mod failure;
mod files;
mod places;
mod render;
mod signals;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

kode_sandbox::start_helper_before_main!();

fn main() -> ExitCode {
    // A re-executed sandbox helper never reaches the command line.
    if let Some(code) = kode_sandbox::run_helper_if_requested() {
        return ExitCode::from(code);
    }
    let is_sandbox = std::env::args_os().nth(1).is_some_and(|command| command == "sandbox");
    if is_sandbox {
        kode_sandbox::launch_early();
    }
    let ended = match is_sandbox.then(cli::SandboxArguments::quickly).flatten() {
        Some(arguments) => commands::sandbox::run(&arguments),
        None => commands::dispatch(cli::Cli::parse()),
    };
    match (ended, output::failure()) {
        (Ok(0), Some(lost)) => lost.report(),
        (Ok(code), _) => ExitCode::from(code),
        (Err(failure), _) => failure.report(),
    }
}
