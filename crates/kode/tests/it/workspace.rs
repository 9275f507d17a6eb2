//! A throw-away project with a home of its own, and kode run in it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A project folder and a `KODE_HOME`, gone when dropped.
pub struct Workspace {
    folder: TempDir,
}

impl Workspace {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("kode-it-").tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("project/.git")).unwrap();
        std::fs::create_dir_all(folder.path().join("user")).unwrap();
        Self { folder }
    }

    pub fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    pub fn user_home(&self) -> PathBuf {
        self.folder.path().join("user")
    }

    pub fn kode_home(&self) -> PathBuf {
        self.user_home().join(".kode")
    }

    /// A path beside the project, outside of it.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.project().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.project().join(name)).unwrap()
    }

    /// The user's own configuration.
    pub fn configure(&self, text: &str) {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new().mode(0o700).recursive(true).create(self.kode_home()).unwrap();
        std::fs::write(self.kode_home().join("config.json"), text).unwrap();
    }

    /// kode with these arguments, without a terminal, in a known environment.
    pub fn kode(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kode"));
        command
            .args(arguments)
            .current_dir(self.project())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.user_home())
            .stdin(Stdio::null());
        without_terminal(&mut command);
        command
    }

    /// `kode run --json` with a script, under way: kode is the very process, so
    /// that signals reach it. Prompts are answered with yes.
    pub fn spawn_script(&self, script: &str, stdout: Stdio) -> Child {
        let path = self.beside("script.yaml");
        std::fs::write(&path, script).unwrap();
        Command::new(env!("CARGO_BIN_EXE_kode"))
            .args(["run", "--json", "--script", path.to_str().unwrap(), "do the task"])
            .current_dir(self.project())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.user_home())
            .env("KODE_NON_INTERACTIVE", "allow")
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Waits until the agent has made `name` in the project.
    pub fn wait_for(&self, name: &str) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !self.project().join(name).exists() {
            assert!(Instant::now() < deadline, "{name} did not appear");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// `kode run --json` with a script; the events and the exit code.
    pub fn run_script(&self, script: &str, more: &[&str]) -> Run {
        let path = self.beside("script.yaml");
        std::fs::write(&path, script).unwrap();
        let mut arguments = vec!["run", "--json", "--script", path.to_str().unwrap()];
        arguments.extend(more);
        arguments.push("do the task");
        Run::of(self.kode(&arguments).output().unwrap())
    }
}

/// Makes sure kode finds no controlling terminal, even where the tests have
/// one: the child begins a session of its own.
fn without_terminal(command: &mut Command) {
    let program = command.get_program().to_owned();
    let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    if Path::new("/usr/bin/setsid").exists() {
        let mut wrapped = Command::new("/usr/bin/setsid");
        wrapped.arg("--wait").arg(program).args(arguments);
        wrapped.env_clear();
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                wrapped.env(name, value);
            }
        }
        if let Some(folder) = command.get_current_dir() {
            wrapped.current_dir(folder);
        }
        wrapped.stdin(Stdio::null());
        *command = wrapped;
    }
}

/// A finished `kode run --json`.
pub struct Run {
    pub code: i32,
    pub events: Vec<Value>,
    pub stderr: String,
}

impl Run {
    pub fn of(output: Output) -> Self {
        let stdout = String::from_utf8(output.stdout).unwrap();
        let events = stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}")))
            .collect();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Self { code: output.status.code().unwrap_or(-1), events, stderr }
    }

    /// Events of one type.
    pub fn of_type(&self, kind: &str) -> Vec<&Value> {
        self.events.iter().filter(|event| event["type"] == kind).collect()
    }

    /// What the tools answered, one after the other.
    pub fn outputs(&self) -> String {
        let outputs = self.of_type("tool_result");
        outputs.iter().filter_map(|event| event["output"].as_str()).collect::<Vec<_>>().join("\n")
    }

    /// Asserts the exit code, with everything said when it is another.
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stderr: {}\nevents: {:#?}", self.stderr, self.events);
        self
    }
}

/// A script whose only turn before finishing runs `command`.
pub fn shell_script(command: &str) -> String {
    let quoted = serde_json::to_string(command).unwrap();
    format!(
        "model: test\nturns:\n  - calls:\n      - tool: shell\n        args:\n          command: {quoted}\n          description: a test\n  - calls:\n      - tool: finish\n        args:\n          summary: done\n"
    )
}
