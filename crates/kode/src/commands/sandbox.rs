//! `kode sandbox -- CMD`: runs a command under the agent's sandbox. A person
//! typed it, so the gate records and does not judge it.

use std::path::Path;
use std::time::Duration;

use kode_agent::{audit_witness, connection_records};
use kode_audit::{AuditLog, Outcome};
use kode_base::escape::escape_line;
use kode_base::{ExitStatus, ProjectPath, ShellCommand, Untrusted};
use kode_config::{FlagOverrides, Settings};
use kode_gate::{Gate, NoTerminal, Policy};
use kode_sandbox::{
    CommandEnd, Connection, Incident, OpenHosts, ProjectRoot, Sandbox, command_line, git_losses,
};

use super::not_started;
use crate::cli::SandboxArguments;
use crate::container::take_dockerfile;
use crate::failure::Failure;
use crate::places::{MANAGED_FILE, Places};
use crate::wiring::{sandbox_settings, settings, weakest_wall};

/// Masked files named at most.
const MASKED_NAMED_MAX: usize = 8;

/// The user's own settings, below kode's home.
const USER_FILE: &str = "config.json";

/// Runs it on kode's own standard streams; returns its exit code.
pub(crate) fn run(arguments: &SandboxArguments) -> Result<u8, Failure> {
    prepare_and_run(arguments).map_err(|failure| failure.with_status(ExitStatus::SandboxSetup))
}

fn prepare_and_run(arguments: &SandboxArguments) -> Result<u8, Failure> {
    OpenHosts::parse(&arguments.network).map_err(Failure::error)?;
    let places = Places::from_environment()?;
    let root = places.project_root()?;
    let mut chosen = sandbox_settings(&places, false, &[]);
    chosen.read_only = arguments.read_only;
    chosen.one_command = arguments.network.is_empty() && !arguments.docker;
    let configured = configured(&places, &root)?;
    chosen.weakest = configured.as_ref().and_then(weakest_wall);
    if arguments.docker {
        let network = configured.map(|settings| settings.container_network);
        arguments.container.choose(network.unwrap_or_default(), &mut chosen)?;
        if let Some(text) = take_dockerfile(&places, &root, &mut chosen)? {
            tell!("kode: {}", escape_line(&text));
        }
    }
    // The intent is made durable while the sandbox is built: both take
    // milliseconds, and the command needs both.
    let mut starting = Sandbox::begin(&root, chosen)?;
    kode_config::prepare_home(&places.kode_home)?;
    let audit = AuditLog::open(&places.audit_folder(), "")?;
    starting.flush_behind(audit.file()?);
    if !arguments.network.is_empty() {
        starting.seen_by(audit_witness(AuditLog::open(&places.audit_folder(), "")?));
    }
    let mut gate =
        Gate::new(Policy::default(), audit, Box::new(NoTerminal), true, Default::default());
    if is_gits(&arguments.command) {
        for loss in git_losses(&places.home, &root) {
            tell!("kode: {loss}");
        }
    }
    let command = command(arguments, &places, &root);
    let (permit, decision) = gate
        .authorize_person_with_hosts(command, arguments.network.clone())
        .map_err(|denial| Failure::error(denial.decision.reason.text))?;
    let mut record = |exit_code, result: &str, connections: &[Connection], is_flushed_behind| {
        for record in &connection_records(connections, decision.audit) {
            gate.record(record)?;
        }
        let outcome = Outcome { intent: decision.audit, exit_code, result: result.to_owned() };
        // Nothing is done after the command that the outcome would have to be there before.
        match is_flushed_behind {
            true => gate.record_last_outcome(outcome),
            false => gate.record_outcome(outcome),
        }
    };
    let mut warn = |warning: &str| tell!("kode: {}", escape_line(warning));
    let ran = starting.run_interactive(permit, &mut warn);
    crate::output::is_foreign();
    let (sandbox, ended) = match ran {
        Ok(ended) => ended,
        Err(error) => {
            record(None, "failed", &[], false)?;
            return Err(error.into());
        }
    };
    // The same at the end: everything inside ends while the outcome is kept.
    sandbox.begin_end();
    let (exit_code, result) = ended.end.recorded();
    record(exit_code, result, &ended.connections, sandbox.is_flushed_behind())?;
    drop(sandbox);
    report(&ended.incidents, &arguments.command[0]);
    report_refused(&ended.connections);
    report_masked(&ended.masked);
    Ok(shell_code(ended.end))
}

/// What the user's file and policy say of sandboxes. Reading settings takes time,
/// and only these two can say it.
fn configured(places: &Places, root: &ProjectRoot) -> Result<Option<Settings>, Failure> {
    if !places.kode_home.join(USER_FILE).exists() && !Path::new(MANAGED_FILE).exists() {
        return Ok(None);
    }
    Ok(Some(settings(places, root.path(), FlagOverrides::default())?))
}

fn command(arguments: &SandboxArguments, places: &Places, root: &ProjectRoot) -> ShellCommand {
    ShellCommand {
        command: Untrusted::from(command_line(&arguments.command)),
        description: None,
        directory: places.directory_below(root),
        timeout: Duration::MAX,
    }
}

/// Whether git is run, by itself or in a shell's line.
fn is_gits(command: &[String]) -> bool {
    let mut words = command.iter().flat_map(|argument| argument.split_whitespace());
    words.any(|word| word == "git" || word.ends_with("/git"))
}

/// As a shell reports it: the code itself, or 128 and the signal.
fn shell_code(end: CommandEnd) -> u8 {
    let code = match end {
        CommandEnd::Exited(code) => code,
        CommandEnd::Signalled(signal) => 128 + signal,
        CommandEnd::TimedOut => 124,
        CommandEnd::Interrupted => i32::from(ExitStatus::Interrupted.code()),
    };
    u8::try_from(code & 0xff).unwrap_or(u8::MAX)
}

fn report(incidents: &[Incident], program: &str) {
    for incident in incidents {
        if let Incident::NotStarted { code } = incident {
            let path = std::env::var("PATH").unwrap_or_default();
            tell!("kode: {}", not_started::told(program, *code, &path));
            continue;
        }
        tell!("kode: {}", escape_line(&incident.to_string()));
    }
}

/// Says what the proxy did not carry, each reason once.
fn report_refused(connections: &[Connection]) {
    let mut said: Vec<String> = Vec::new();
    for refusal in connections.iter().filter_map(|connection| connection.refusal.as_ref()) {
        let text = refusal.to_string();
        if !said.contains(&text) {
            tell!("kode: not carried: {}", escape_line(&text));
            said.push(text);
        }
    }
}

/// Says which files could not be read although their names don't say why.
fn report_masked(masked: &[ProjectPath]) {
    for path in masked.iter().take(MASKED_NAMED_MAX) {
        let path = escape_line(path.as_str());
        tell!(
            "kode: masked while hosts were open, since a credential stands or stood in it: {path}"
        );
    }
    if masked.len() > MASKED_NAMED_MAX {
        tell!("kode: and {} more", masked.len() - MASKED_NAMED_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_of_gits_is_known_in_a_line_too() {
        let of =
            |words: &[&str]| is_gits(&words.iter().map(|&it| it.to_owned()).collect::<Vec<_>>());
        assert!(of(&["git", "commit"]) && of(&["sh", "-c", "git add ."]) && of(&["/usr/bin/git"]));
        assert!(!of(&["make"]) && !of(&["cat", "digit"]));
    }

    #[test]
    fn a_killed_command_ends_like_in_a_shell() {
        assert_eq!(shell_code(CommandEnd::Exited(3)), 3);
        assert_eq!(shell_code(CommandEnd::Signalled(9)), 137);
    }
}
