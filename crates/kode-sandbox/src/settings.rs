//! What a caller chooses about a sandbox, and what it must tell of the host.
//! This crate reads neither `$HOME` nor the environment by itself.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use kode_base::ProjectPath;

use crate::{Wall, Witness};

/// Which wall holds commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backend {
    /// Namespaces, Landlock and seccomp of this kernel.
    #[default]
    Native,
    /// `--sandbox`: a container, see [`DockerSettings`].
    Docker,
    /// `--no-sandbox`, from a flag or the user's own configuration only.
    BareHost,
}

/// Which program is executed as the helper that builds the namespaces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum HelperImage {
    /// The one that this crate carries inside, from sealed memory.
    #[default]
    Embedded,
    /// This very program, `/proc/self/exe`, for systems that execute nothing
    /// from memory (`vm.memfd_noexec`). Its `main` must begin with
    /// [`crate::run_helper_if_requested`].
    CurrentProgram,
    /// Another program (tests).
    Program(PathBuf),
}

/// What the binary knows of the host it runs on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Host {
    /// The user's home folder; hidden inside. `/home/kode` when empty.
    pub home: PathBuf,
    /// `$KODE_HOME`; hidden inside.
    pub kode_home: PathBuf,
    /// The environment kode was started with. Only names on the allow-list
    /// reach a command.
    pub variables: Vec<(String, String)>,
    /// Who answers the helper's call.
    pub helper: HelperImage,
}

/// What the commands of a container can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DockerNetwork {
    /// Nothing, whatever a person approves.
    #[default]
    None,
    /// Open hosts, over kode's proxy and nothing else. The project's secrets are
    /// masked for the whole session.
    Bridge,
}

/// What a session chooses about its container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DockerSettings {
    /// `--sandbox-image`; by default what `dockerfile` builds, else
    /// `alpine:latest`.
    pub image: Option<String>,
    /// The text of the project's `Dockerfile.kode`, once a person trusted it.
    pub dockerfile: Option<String>,
    /// Building it may use Docker's network.
    pub build_network: bool,
    /// `--sandbox-network`.
    pub network: DockerNetwork,
    /// Thousandths of a processor that all processes together may use.
    pub cpu_thousandths: Option<u64>,
    /// User and group inside; the project's owner by default.
    pub user: Option<(u32, u32)>,
    /// Files whose copies commands find in `/kode/context`.
    pub context_files: Vec<PathBuf>,
}

/// One session's choices. `None` limits mean the defaults stated there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SandboxSettings {
    /// Which wall.
    pub backend: Backend,
    /// The weakest wall that may hold commands where this system does not allow
    /// a stronger one: the user's own choice, never the project's.
    /// [`Wall::Bubblewrap`] by default; below it nothing runs.
    pub weakest: Option<Wall>,
    /// No stronger wall than this is tried (tests).
    pub strongest: Wall,
    /// It is for one command without hosts, after which the whole program ends:
    /// nothing is kept for another sandbox beside it, and nobody waits while
    /// the kernel takes its namespaces apart once every process in it is gone.
    pub one_command: bool,
    /// The project can't be written either.
    pub read_only: bool,
    /// Bytes of memory for all processes together; three quarters of the
    /// machine's by default.
    pub memory_bytes_max: Option<u64>,
    /// Processes and threads alive at once; 4096 by default.
    pub processes_max: Option<u64>,
    /// Bytes of the project's file system that stay free: below it the command
    /// is killed. 256 MiB by default, or half of what is free at the command's
    /// start where that is less.
    pub free_bytes_min: Option<u64>,
    /// Hosts that every command may reach, such as `pypi.org`, `*.example.org`
    /// or `example.org:80`: the user's own and managed configuration's, or
    /// `--network`'s. What can't be opened, such as an address, is left out.
    pub open_hosts: Vec<String>,
    /// Where the poisoned prompt lab's open hosts lead; `None` outside of it.
    pub lab_sink: Option<LabSink>,
    /// Who keeps each connection before it leaves; nobody by default.
    pub witness: Option<Witness>,
    /// Says of a file that perhaps holds a credential (`appsettings.json`) whether
    /// it does; without one each counts as holding one.
    pub credential_test: Option<CredentialTest>,
    /// What only containers have.
    pub docker: DockerSettings,
    /// Home, environment and helper.
    pub host: Host,
}

/// The lab's own world: every name below `.example` leads to one listener on
/// loopback, every other name nowhere. `clippy.toml` bans making one outside of
/// `kode-lab`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabSink(SocketAddr);

impl LabSink {
    /// A world that is `address`; `None` unless that is on loopback.
    pub fn on_loopback(address: SocketAddr) -> Option<Self> {
        address.ip().is_loopback().then_some(Self(address))
    }

    pub(crate) fn address(self) -> SocketAddr {
        self.0
    }
}

/// Says of a file's path and content whether a credential stands in it.
#[derive(Clone)]
pub struct CredentialTest(Arc<Test>);

type Test = dyn Fn(&ProjectPath, &[u8]) -> bool + Send + Sync;

impl CredentialTest {
    /// One that says so with `test`.
    pub fn new(test: impl Fn(&ProjectPath, &[u8]) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(test))
    }

    pub(crate) fn passes(&self, path: &ProjectPath, content: &[u8]) -> bool {
        (self.0)(path, content)
    }
}

/// Two are the same test: there is one.
impl PartialEq for CredentialTest {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for CredentialTest {}

impl fmt::Debug for CredentialTest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CredentialTest")
    }
}
