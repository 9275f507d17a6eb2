//! A throw-away project with a sandbox around it, and permits for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kode_audit::AuditLog;
use kode_base::{Action, Interrupt, ProjectPath, ShellCommand};
use kode_gate::{Gate, NoTerminal, Permit, Policy, SessionState};
use kode_sandbox::{
    Backend, CommandEnd, CommandOutput, HelperImage, Host, Incident, ProjectRoot, Refusal, Sandbox,
    SandboxSettings,
};

pub(crate) struct Place {
    folder: tempfile::TempDir,
    audit: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("kode-sandbox-").tempdir().unwrap();
        let place = Self { folder, audit: tempfile::tempdir().unwrap() };
        fs::create_dir_all(place.project()).unwrap();
        fs::create_dir_all(place.home().join(".kode")).unwrap();
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.home().join("project")
    }

    pub(crate) fn root(&self) -> ProjectRoot {
        ProjectRoot::find(&self.project(), &self.home(), &self.home().join(".kode")).unwrap()
    }

    pub(crate) fn settings(&self, backend: Backend) -> SandboxSettings {
        let variables = std::env::vars().chain([
            ("KODE_API_KEY".to_owned(), "canary-key".to_owned()),
            ("SSH_AUTH_SOCK".to_owned(), "/run/canary.sock".to_owned()),
        ]);
        SandboxSettings {
            backend,
            host: Host {
                home: self.home(),
                kode_home: self.home().join(".kode"),
                variables: variables.collect(),
                helper: HelperImage::Embedded,
            },
            ..SandboxSettings::default()
        }
    }

    /// With the toolchains of whoever runs the tests.
    pub(crate) fn settings_with_toolchains(&self) -> SandboxSettings {
        let mut settings = self.settings(Backend::Native);
        let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
        for (name, folder) in
            [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup"), ("PYENV_ROOT", ".pyenv")]
        {
            let folder = home.join(folder);
            if std::env::var_os(name).is_none() && folder.is_dir() {
                let folder = folder.to_str().unwrap().to_owned();
                settings.host.variables.push((name.to_owned(), folder));
            }
        }
        settings
    }

    pub(crate) fn sandbox(&self, backend: Backend) -> Sandbox {
        Sandbox::start(&self.root(), self.settings(backend)).unwrap()
    }

    pub(crate) fn permit<A: Clone + Into<Action>>(&self, action: A) -> Permit<A> {
        let audit = AuditLog::open(self.audit.path(), "test").unwrap();
        let state = SessionState::default();
        let mut gate = Gate::new(Policy::default(), audit, Box::new(NoTerminal), true, state);
        gate.authorize_person(action).unwrap().0
    }

    pub(crate) fn run(&self, sandbox: &Sandbox, command: &str) -> Ended {
        self.run_with(sandbox, command, Duration::from_secs(60), &Interrupt::new())
    }

    /// As [`Self::run`], with a host that a person opened for it.
    pub(crate) fn run_reaching(&self, sandbox: &Sandbox, host: &str, command: &str) -> Ended {
        self.try_reaching(sandbox, host, command).unwrap()
    }

    /// The same, or why it could not run.
    pub(crate) fn try_reaching(
        &self,
        sandbox: &Sandbox,
        host: &str,
        command: &str,
    ) -> Result<Ended, String> {
        let audit = AuditLog::open(self.audit.path(), "test").unwrap();
        let state = SessionState::default();
        let mut gate = Gate::new(Policy::default(), audit, Box::new(NoTerminal), true, state);
        let command = ShellCommand {
            command: command.into(),
            description: None,
            directory: ProjectPath::root(),
            timeout: Duration::from_secs(60),
        };
        let permit = gate.authorize_person_with_hosts(command, vec![host.to_owned()]).unwrap().0;
        let ran = sandbox.run(permit, &Interrupt::new(), &mut |_| {});
        ran.map(Ended::new).map_err(|error| error.to_string())
    }

    /// Why the command could not run.
    pub(crate) fn refused(&self, sandbox: &Sandbox, command: &str) -> String {
        let command = ShellCommand {
            command: command.into(),
            description: None,
            directory: ProjectPath::root(),
            timeout: Duration::from_secs(60),
        };
        let ran = sandbox.run(self.permit(command), &Interrupt::new(), &mut |_| {});
        ran.unwrap_err().to_string()
    }

    pub(crate) fn run_with(
        &self,
        sandbox: &Sandbox,
        command: &str,
        timeout: Duration,
        interrupt: &Interrupt,
    ) -> Ended {
        let command = ShellCommand {
            command: command.into(),
            description: None,
            directory: ProjectPath::root(),
            timeout,
        };
        let permit = self.permit(command);
        Ended::new(sandbox.run(permit, interrupt, &mut |_| {}).unwrap())
    }
}

/// A command's output as text.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) incidents: Vec<Incident>,
    pub(crate) text: String,
    pub(crate) end: CommandEnd,
    pub(crate) elapsed: Duration,
    /// Why connections were not carried.
    pub(crate) refusals: Vec<Refusal>,
    pub(crate) masked: Vec<ProjectPath>,
}

impl Ended {
    fn new(output: CommandOutput) -> Self {
        let refusals = output.connections.into_iter().filter_map(|it| it.refusal).collect();
        let text = String::from_utf8_lossy(output.output.expose()).into_owned();
        let (end, elapsed, masked) = (output.end, output.elapsed, output.masked);
        Self { incidents: output.incidents, text, end, elapsed, refusals, masked }
    }

    #[track_caller]
    pub(crate) fn worked(self) -> String {
        assert_eq!(self.end, CommandEnd::Exited(0), "{}", self.text);
        self.text
    }
}
