//! The `docker` command: where it is, which variables it gets, and what its
//! complaints mean for a person. It is called by absolute path and never by
//! a path of the project's.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::plan::variable;
use crate::{Host, ProjectRoot, SandboxError};

/// Where the command is looked for after `PATH`.
const USUAL_FOLDERS: &[&str] = &["/usr/local/bin", "/usr/bin", "/bin", "/snap/bin"];

/// What the command needs of kode's own environment to find its daemon.
const PASSED: &[&str] = &[
    "DOCKER_API_VERSION",
    "DOCKER_CERT_PATH",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "DOCKER_TLS",
    "DOCKER_TLS_VERIFY",
    "XDG_RUNTIME_DIR",
];

const NATIVE: &str = "or leave --sandbox out: kode's native sandbox needs no Docker";

/// The command, ready to be called.
#[derive(Debug, Clone)]
pub(super) struct Engine {
    pub(super) program: PathBuf,
    pub(super) environment: Vec<(String, String)>,
}

impl Engine {
    /// Finds it outside of the project.
    pub(super) fn find(host: &Host, root: &ProjectRoot) -> Result<Self, SandboxError> {
        let path = variable(&host.variables, "PATH").unwrap_or_default();
        let folders = path.split(':').chain(USUAL_FOLDERS.iter().copied()).map(Path::new);
        let outside = folders.filter(|folder| {
            let real = folder.canonicalize().unwrap_or_default();
            folder.is_absolute() && !real.starts_with(root.path())
        });
        let mut places = outside.map(|folder| folder.join("docker"));
        let program = places.find(|place| place.is_file()).ok_or_else(|| {
            SandboxError::unavailable(
                "there is no `docker` command",
                format!("install Docker (`docker.io` on Debian), {NATIVE}"),
            )
        })?;
        let passed = PASSED.iter().filter_map(|name| {
            Some(((*name).to_owned(), variable(&host.variables, name)?.to_owned()))
        });
        let mut environment: Vec<(String, String)> = passed.collect();
        // The user's contexts are below it.
        environment.extend(host.home.to_str().map(|home| ("HOME".to_owned(), home.to_owned())));
        environment.push(("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()));
        Ok(Self { program, environment })
    }

    /// Asks something that is answered at once.
    pub(super) fn ask(&self, arguments: &[&str]) -> Result<String, SandboxError> {
        let cannot = |error: std::io::Error| complaint(&error.to_string(), "");
        let Output { status, stdout, stderr } = self.command(arguments).output().map_err(cannot)?;
        if !status.success() {
            return Err(complaint(&String::from_utf8_lossy(&stderr), ""));
        }
        Ok(String::from_utf8_lossy(&stdout).trim().to_owned())
    }

    /// The command with these arguments, its standard input empty.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        #[expect(clippy::disallowed_methods, reason = "the docker command is the container's wall")]
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .stdin(Stdio::null());
        command
    }
}

/// What the command printed, with the remedy that fits.
pub(super) fn complaint(printed: &str, image: &str) -> SandboxError {
    let said = said(printed);
    let holds = |words: &[&str]| words.iter().any(|word| printed.contains(word));
    let remedy = if holds(&["No such image", "Unable to find image", "pull access denied"]) {
        format!("fetch it with `docker pull {image}`, or name one with --sandbox-image")
    } else if holds(&["permission denied while trying to connect"]) {
        format!("let this user talk to Docker (its group `docker`, or rootless Docker), {NATIVE}")
    } else if holds(&["Cannot connect to the Docker daemon", "Is the docker daemon running"]) {
        format!("start the daemon (`systemctl start docker`), {NATIVE}")
    } else if holds(&["manifest unknown", "invalid reference format"]) {
        "name another image with --sandbox-image".to_owned()
    } else {
        format!("see what `docker info` says, {NATIVE}")
    };
    SandboxError::unavailable(format!("Docker: {said}"), remedy)
}

/// The lines that say something, on one line.
fn said(printed: &str) -> String {
    const CHARACTERS_MAX: usize = 600;
    let telling = |line: &&str| !line.is_empty() && !line.starts_with("Run 'docker");
    let lines: Vec<&str> = printed.lines().map(str::trim).filter(telling).collect();
    let text = lines.join("; ");
    let text = text.strip_prefix("docker: ").unwrap_or(&text);
    text.chars().filter(|character| !character.is_control()).take(CHARACTERS_MAX).collect()
}
