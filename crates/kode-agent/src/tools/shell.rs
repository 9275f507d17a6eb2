//! `shell`: one command line through the gate into the sandbox.

use std::path::Path;
use std::time::Duration;

use kode_audit::{AuditError, Outcome, Record};
use kode_base::escape::escape_line;
use kode_base::{AuditSequence, ProjectPath, RiskClass, ShellCommand, Untrusted};
use kode_gate::Decision;
use kode_sandbox::{CommandEnd, CommandOutput, Connection};
use kode_session::Session;
use serde::Deserialize;

use super::credential_watch::CredentialWatch;
use super::output::{bytes_to_text, cap};
use super::request::lenient_number;
use super::{ToolOutcome, Workspace};
use crate::connection_records;

/// Without `timeout_s`.
const TIMEOUT_SECONDS_DEFAULT: u64 = 120;
/// `timeout_s` at most.
const TIMEOUT_SECONDS_MAX: u64 = 3600;

/// Refused connections told to the model at most.
const REFUSALS_TOLD_MAX: usize = 5;

/// Masked files told at most.
const MASKED_TOLD_MAX: usize = 5;

/// Arguments of `shell`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shell {
    pub(crate) command: String,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default, deserialize_with = "lenient_number")]
    pub(crate) timeout_s: Option<u64>,
}

impl Shell {
    /// The action the gate is asked about.
    fn action(&self) -> ShellCommand {
        let seconds = self.timeout_s.unwrap_or(TIMEOUT_SECONDS_DEFAULT);
        ShellCommand {
            command: Untrusted::from(self.command.as_str()),
            description: self.description.clone().map(Untrusted::from),
            directory: ProjectPath::root(),
            timeout: Duration::from_secs(seconds.clamp(1, TIMEOUT_SECONDS_MAX)),
        }
    }

    /// Asks the gate, runs in the sandbox, records the outcome.
    pub(crate) fn run(&self, workspace: &mut Workspace, session: &mut Session) -> ToolOutcome {
        if self.command.contains('\0') {
            return ToolOutcome::failed("the command contains a NUL byte");
        }
        workspace.tell_scripts(&self.command);
        let (permit, decision) = match workspace.gate.authorize(self.action()) {
            Ok(permitted) => permitted,
            Err(denial) => return ToolOutcome::denied(denial),
        };
        let intent = permit.intent();
        // Not before: a person may have edited while the question stood.
        if let Err(error) = session.command_begins(&workspace.files) {
            return not_started(workspace, intent, error.to_string()).with_decision(decision);
        }
        CredentialWatch::begin(&workspace.sandbox);
        let run = workspace.sandbox.run(permit, &workspace.interrupt, &mut |_| {});
        workspace.credentials.end(&workspace.sandbox);
        let mut outcome = match run {
            Ok(output) => {
                let refused = refused(&output.connections);
                let mut outcome = recorded(workspace, intent, output);
                if !outcome.ok && workspace.sandbox.name() != "none" {
                    let open =
                        decision.opened || !workspace.sandbox.settings().open_hosts.is_empty();
                    let hint = network_hint(&decision, open, &refused);
                    if hint.is_empty() && !open && met_no_network(&outcome.text) {
                        remedy(&mut outcome, FETCH_FIRST);
                    }
                    remedy(&mut outcome, &hint);
                }
                outcome
            }
            Err(error) => ToolOutcome::failed(error.to_string()),
        };
        outcome.effect = true;
        outcome.with_decision(decision)
    }
}

/// The project could not be looked at before the command.
fn not_started(workspace: &mut Workspace, intent: AuditSequence, why: String) -> ToolOutcome {
    let outcome = Outcome { intent, exit_code: None, result: "failed".to_owned() };
    match workspace.gate.record_outcome(outcome) {
        Ok(_) => ToolOutcome::failed(why),
        Err(error) => ToolOutcome::failed(format!("{why}; {error}")),
    }
}

/// What a command is told that is no network command and failed for want of one.
const FETCH_FIRST: &str = "no host is open to this command. What fetches its dependencies (`cargo \
                           fetch`, `npm ci`, `go mod download`, `pip download`) is asked about and \
                           opens their registries; then run this again";

/// What build tools say of a dependency that they may not or can't fetch.
const NO_NETWORK: [&str; 6] = [
    "--offline was specified",
    "because --offline",
    "module lookup disabled by GOPROXY=off",
    "getaddrinfo EAI_AGAIN",
    "Temporary failure in name resolution",
    "Could not resolve host",
];

#[expect(clippy::disallowed_methods, reason = "looked at for known words only")]
fn met_no_network(text: &Untrusted<String>) -> bool {
    NO_NETWORK.iter().any(|words| text.expose().contains(words))
}

/// Hosts that were asked for and not open, and other reasons, each once.
fn refused(connections: &[Connection]) -> Vec<String> {
    let mut reasons: Vec<String> = Vec::new();
    for refusal in connections.iter().filter_map(|connection| connection.refusal.as_ref()) {
        let text = escape_line(&refusal.to_string());
        if !reasons.contains(&text) && reasons.len() < REFUSALS_TOLD_MAX {
            reasons.push(text);
        }
    }
    reasons
}

/// What a failed command that wanted the network is told: why it had none, and
/// how a person allows it.
fn network_hint(decision: &Decision, open: bool, refused: &[String]) -> String {
    let class = decision.reason.class;
    let wants_network = matches!(class, RiskClass::NetworkEgress | RiskClass::Install);
    if open && !refused.is_empty() {
        return format!(
            "the proxy did not carry everything: {}. A person opens a host by approving a command \
             that names it, or lists it in sandbox.network.allow",
            refused.join("; ")
        );
    }
    if open || !wants_network {
        return String::new();
    }
    let hosts = match decision.hosts.as_slice() {
        [] => "the host".to_owned(),
        hosts => escape_line(&hosts.join(", ")),
    };
    format!(
        "no host was open for this command, because no person approved it at the prompt. A \
         person opens {hosts} by approving the command in a terminal, by listing hosts in \
         sandbox.network.allow of ~/.kode/config.json, or by running it as \
         `kode sandbox --network HOST -- COMMAND`"
    )
}

/// Why some files could not be read, where their names don't say it, and the way out.
fn masked(files: &[ProjectPath], register: Option<&Path>) -> String {
    if files.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = files.iter().take(MASKED_TOLD_MAX).map(ProjectPath::as_str).collect();
    let more = match files.len() - names.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let forgets = register.map_or_else(String::new, |file| {
        format!(", or when a person removes {} to have all of them forgotten", file.display())
    });
    format!(
        "while hosts were open {}{more} could not be read: a credential stands there or once did, \
         or a command wrote it that had opened one. A file with an ordinary name that holds none is \
         readable again once an edit of kode's changes it{forgets}",
        escape_line(&names.join(", "))
    )
}

/// The outcome is in the audit log before the model learns it.
fn recorded(
    workspace: &mut Workspace,
    intent: AuditSequence,
    output: CommandOutput,
) -> ToolOutcome {
    let (exit_code, result) = output.end.recorded();
    let connections = connection_records(&output.connections, intent);
    let record = Outcome { intent, exit_code, result: result.to_owned() };
    let notices: Vec<String> = output.incidents.iter().map(ToString::to_string).collect();
    if let Err(error) = record_all(workspace, record, &connections, &notices) {
        return ToolOutcome::failed(error.to_string());
    }
    let masked = masked(&output.masked, workspace.sandbox.credential_register());
    let mut outcome = rendered(output);
    for notice in &notices {
        outcome.say(&format!("\n[kode: {notice}]"));
    }
    outcome.notices = notices;
    remedy(&mut outcome, &masked);
    outcome
}

/// Told to the model below the output, and to the person by itself: a screen folds
/// long output away.
fn remedy(outcome: &mut ToolOutcome, text: &str) {
    if text.is_empty() {
        return;
    }
    outcome.say(&format!("\n[kode: {text}]"));
    outcome.notices.push(text.to_owned());
}

fn record_all(
    workspace: &mut Workspace,
    outcome: Outcome,
    connections: &[Record],
    notices: &[String],
) -> Result<(), AuditError> {
    for connection in connections {
        workspace.gate.record(connection)?;
    }
    workspace.gate.record_outcome(outcome)?;
    for text in notices {
        // What the command tried to plant may stand in other places too.
        workspace.gate.sensitive_place_changed();
        let (name, text) = ("sandbox.incident".to_owned(), text.clone());
        workspace.gate.record(&Record::Notice { name, text })?;
    }
    Ok(())
}

fn rendered(output: CommandOutput) -> ToolOutcome {
    let (exit_code, end) = match output.end {
        CommandEnd::Exited(code) => (Some(code), format!("exit code {code}")),
        CommandEnd::Signalled(signal) => (None, format!("killed by signal {signal}")),
        CommandEnd::TimedOut => (None, "stopped: the time limit was reached".to_owned()),
        CommandEnd::Interrupted => (None, "stopped by the user".to_owned()),
    };
    // Short times are left out, so that the same result reads the same.
    let seconds = match output.elapsed.as_secs() {
        0 => String::new(),
        seconds => format!(", {seconds} s"),
    };
    let text = cap(bytes_to_text(output.output)).map(|text| {
        let newline = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        format!("{text}{newline}[{end}{seconds}, {} bytes of output]", output.bytes_total)
    });
    let ok = exit_code == Some(0);
    ToolOutcome {
        text,
        ok,
        exit_code,
        decision: None,
        effect: true,
        notices: Vec::new(),
        written: Vec::new(),
        own_from: None,
    }
}
