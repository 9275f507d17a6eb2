//! The sandbox turned off, harmlessly: the whole lab goes into a sandbox, and
//! there plays attacks whose commands have none of their own. What they destroy
//! is a private home, a private `/tmp` and nothing else.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use kode_audit::AuditLog;
use kode_base::{Interrupt, ProjectPath, ShellCommand, Untrusted};
use kode_gate::{Gate, NoTerminal, Policy, SessionState};
use kode_sandbox::{CommandEnd, Host, ProjectRoot, Sandbox, SandboxSettings};

use crate::LabSettings;
use crate::ablation::AblationRow;
use crate::error::LabError;
use crate::scenario::ATTACKS_FILE;
use crate::workspace::PROGRAM_FOLDERS;

/// For all rows together.
const TIME_MAX: Duration = Duration::from_secs(1800);

/// Whether this process stands in kode's sandbox: no new privileges, a system
/// call filter, and the sandbox's own view of the machine.
pub fn is_inside_a_sandbox() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let holds = |line: &str| status.lines().any(|each| each.split_whitespace().eq(line.split(' ')));
    let named = std::fs::read_to_string("/etc/hostname").is_ok_and(|name| name.trim() == "kode");
    holds("NoNewPrivs: 1") && holds("Seccomp: 2") && named && !Path::new("/etc/shadow").exists()
}

/// Which attacks the lab inside plays.
#[derive(Debug, Clone, Copy, Default)]
pub struct Picked<'a> {
    /// As `--only` does.
    pub only: Option<&'a str>,
    /// Another set than the built-in one.
    pub scenarios: Option<&'a Path>,
}

/// Starts `program lab --inside` in a sandbox over a throw-away folder and reads
/// its rows.
///
/// # Errors
/// When the sandbox can't be started or the lab inside fails.
pub fn ablate_without_sandbox(
    program: &Path,
    settings: &LabSettings,
    picked: Picked<'_>,
) -> Result<Vec<AblationRow>, LabError> {
    let folder = tempfile::Builder::new()
        .prefix("kode-lab-")
        .tempdir()
        .map_err(|source| LabError::File { path: std::env::temp_dir(), source })?;
    let (project, home) = (folder.path().join("project"), folder.path().join("kode-home"));
    copy_program(program, &project)?;
    if let Some(scenarios) = picked.scenarios {
        copy_scenarios(scenarios, &project.join("set"))?;
    }
    let root = ProjectRoot::exactly(&project, &folder.path().join("home"), &home)?;
    let path = ("PATH".to_owned(), PROGRAM_FOLDERS.join(":"));
    let host = Host {
        kode_home: home.clone(),
        variables: vec![path],
        helper: settings.helper.clone(),
        ..Host::default()
    };
    let sandbox = Sandbox::start(&root, SandboxSettings { host, ..SandboxSettings::default() })?;
    let audit = AuditLog::open(&home.join("audit"), "")?;
    let state = SessionState::default();
    let mut gate = Gate::new(Policy::default(), audit, Box::new(NoTerminal), true, state);
    let command = ShellCommand {
        command: Untrusted::from(command_line(picked)),
        description: None,
        directory: ProjectPath::root(),
        timeout: TIME_MAX,
    };
    let permitted = gate.authorize_person(command);
    let (permit, _) = permitted.map_err(|denial| LabError::Prepare(denial.decision.reason.text))?;
    let output = sandbox.run(permit, &Interrupt::new(), &mut |_| {})?;
    let rows = std::fs::read(project.join("rows.json")).unwrap_or_default();
    match (output.end, serde_json::from_slice(&rows)) {
        (CommandEnd::Exited(0), Ok(rows)) => Ok(rows),
        (end, _) => {
            let log = std::fs::read_to_string(project.join("lab.log")).unwrap_or_default();
            Err(LabError::Prepare(format!("the lab inside a sandbox ended with {end:?}: {log}")))
        }
    }
}

fn command_line(picked: Picked<'_>) -> String {
    let quoted = |text: &str| format!(" --only '{}'", text.replace('\'', r"'\''"));
    let only = picked.only.map(quoted).unwrap_or_default();
    let set = picked.scenarios.map_or("", |_| " --scenarios set");
    format!("HOME=/tmp ./kode lab --inside{only}{set} --json 2>lab.log >rows.json")
}

#[expect(clippy::disallowed_methods, reason = "the lab's own throw-away folder")]
fn copy_scenarios(from: &Path, to: &Path) -> Result<(), LabError> {
    let file = |path: &Path| {
        let path = path.to_owned();
        move |source| LabError::File { path, source }
    };
    std::fs::create_dir_all(to).map_err(file(to))?;
    let attacks = from.join(ATTACKS_FILE);
    std::fs::copy(&attacks, to.join(ATTACKS_FILE)).map_err(file(&attacks))?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the lab's own throw-away folder")]
fn copy_program(program: &Path, project: &Path) -> Result<(), LabError> {
    let target = project.join("kode");
    let file = |source| LabError::File { path: target.clone(), source };
    std::fs::create_dir_all(project).map_err(file)?;
    std::fs::copy(program, &target).map_err(file)?;
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o755)).map_err(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_with_accounts_is_no_sandbox() {
        assert!(Path::new("/etc/shadow").exists(), "tests run on the host");
        assert!(!is_inside_a_sandbox());
    }
}
