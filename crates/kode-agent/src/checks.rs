//! The project's own checks (`"checks": ["cargo test"]`), from trusted
//! configuration only, run in a sandbox of their own on a throw-away copy: what
//! they build or overwrite never reaches the project.

use std::time::Duration;

use kode_base::{ProjectPath, ShellCommand, Untrusted};
use kode_gate::Permit;
use kode_sandbox::{CommandEnd, CommandOutput, Sandbox, SandboxSettings, ThrowawayCopy};

use crate::connection_records;
use crate::tools::Workspace;

/// A check that runs longer has failed.
const CHECK_SECONDS_MAX: u64 = 1800;
/// How much of a failed check's output the model gets, in characters.
const OUTPUT_CHARACTERS_MAX: usize = 8000;

/// A check that did not pass.
#[derive(Debug)]
pub(crate) struct FailedCheck {
    /// The configured command line.
    pub(crate) command: String,
    /// `exit code 1`, `timed out`, …
    pub(crate) end: String,
    /// The end of its output.
    pub(crate) output: Untrusted<String>,
}

/// Runs every check; what keeps a check from running goes into `failures`.
pub(crate) fn run_checks(
    workspace: &mut Workspace,
    checks: &[String],
    failures: &mut Vec<String>,
) -> Vec<FailedCheck> {
    if checks.is_empty() {
        return Vec::new();
    }
    let copy = match ThrowawayCopy::of(&workspace.root, &std::env::temp_dir()) {
        Ok(copy) => copy,
        Err(error) => {
            failures.push(format!("the project's checks could not run: {error}"));
            return Vec::new();
        }
    };
    let settings = SandboxSettings::clone(workspace.sandbox.settings());
    let sandbox = match Sandbox::start(copy.root(), settings) {
        Ok(sandbox) => sandbox,
        Err(error) => {
            failures.push(format!("the project's checks could not run: {error}"));
            return Vec::new();
        }
    };
    if let Some(witness) = workspace.sandbox.witness() {
        sandbox.seen_by(witness);
    }
    checks.iter().filter_map(|check| run_check(workspace, &sandbox, check, failures)).collect()
}

fn run_check(
    workspace: &mut Workspace,
    sandbox: &Sandbox,
    check: &str,
    failures: &mut Vec<String>,
) -> Option<FailedCheck> {
    let permit = match permit(workspace, check) {
        Ok(permit) => permit,
        Err(why) => {
            failures.push(format!("check `{check}` was not allowed to run: {why}"));
            return None;
        }
    };
    let intent = permit.intent();
    match sandbox.run(permit, &workspace.interrupt, &mut |_| {}) {
        Ok(output) => {
            for record in &connection_records(&output.connections, intent) {
                if let Err(error) = workspace.gate.record(record) {
                    failures.push(error.to_string());
                }
            }
            failed(check, output)
        }
        Err(error) => {
            failures.push(format!("check `{check}` could not run: {error}"));
            None
        }
    }
}

fn permit(workspace: &mut Workspace, check: &str) -> Result<Permit<ShellCommand>, String> {
    let command = ShellCommand {
        command: Untrusted::from(check),
        description: None,
        directory: ProjectPath::root(),
        timeout: Duration::from_secs(CHECK_SECONDS_MAX),
    };
    let authorized = workspace.gate.authorize_configured(command);
    authorized.map(|(permit, _)| permit).map_err(|denial| denial.decision.reason.text)
}

fn failed(check: &str, output: CommandOutput) -> Option<FailedCheck> {
    let end = match output.end {
        CommandEnd::Exited(0) => return None,
        CommandEnd::Exited(code) => format!("exit code {code}"),
        CommandEnd::Signalled(signal) => format!("killed by signal {signal}"),
        CommandEnd::TimedOut => "timed out".to_owned(),
        CommandEnd::Interrupted => "interrupted".to_owned(),
    };
    let output = output.output.map(|bytes| {
        let text = String::from_utf8_lossy(&bytes);
        let start = text.ceil_char_boundary(text.len().saturating_sub(OUTPUT_CHARACTERS_MAX));
        text[start..].to_owned()
    });
    Some(FailedCheck { command: check.to_owned(), end, output })
}
