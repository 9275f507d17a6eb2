//! `sandboxed [--ro] -- CMD…`: runs a command in this folder's sandbox, as
//! `kode sandbox` does. For trying things out and for the start-up benchmark.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a small program for developers"
)]

use std::process::ExitCode;
use std::time::Duration;

use kode_audit::AuditLog;
use kode_base::{ProjectPath, ShellCommand};
use kode_gate::{Gate, NoTerminal, Policy, SessionState};
use kode_sandbox::{CommandEnd, Host, ProjectRoot, Sandbox, SandboxSettings, command_line};

fn main() -> ExitCode {
    if let Some(code) = kode_sandbox::run_helper_if_requested() {
        return ExitCode::from(code);
    }
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let read_only = arguments.first().is_some_and(|first| first == "--ro");
    arguments.drain(..usize::from(read_only));
    arguments.retain({
        let mut before = true;
        move |argument| !(before && std::mem::replace(&mut before, false) && argument == "--")
    });
    match run(&arguments, read_only) {
        Ok(CommandEnd::Exited(code)) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        Ok(CommandEnd::Signalled(signal)) => {
            ExitCode::from(u8::try_from(128 + signal).unwrap_or(1))
        }
        Ok(_) => ExitCode::from(1),
        Err(error) => {
            eprintln!("sandboxed: {error}");
            ExitCode::from(125)
        }
    }
}

fn run(arguments: &[String], read_only: bool) -> Result<CommandEnd, Box<dyn std::error::Error>> {
    let home = std::env::var("HOME")?;
    let kode_home = std::env::temp_dir().join("kode-sandboxed-example");
    let root = ProjectRoot::find(&std::env::current_dir()?, home.as_ref(), &kode_home)?;
    let host = Host {
        home: home.into(),
        kode_home: kode_home.clone(),
        variables: std::env::vars().collect(),
        ..Host::default()
    };
    let sandbox = Sandbox::start(&root, SandboxSettings { read_only, host, ..Default::default() })?;
    let audit = AuditLog::open(&kode_home, "example")?;
    let state = SessionState::default();
    let mut gate = Gate::new(Policy::default(), audit, Box::new(NoTerminal), true, state);
    let command = ShellCommand {
        command: command_line(arguments).into(),
        description: None,
        directory: ProjectPath::root(),
        timeout: Duration::MAX,
    };
    let (permit, _) = gate.authorize_person(command).map_err(|_| "no permit")?;
    let ended = sandbox.run_interactive(permit)?;
    let (end, incidents) = (ended.end, ended.incidents);
    for incident in incidents {
        eprintln!("sandboxed: {incident}");
    }
    Ok(end)
}
