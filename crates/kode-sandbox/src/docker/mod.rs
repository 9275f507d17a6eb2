//! The Docker backend: a session's commands in one container, through the
//! `docker` command. The container's supervisor is spoken to as a native
//! sandbox's first process is, so a command costs what it costs there. Never
//! falls back to anything else.

mod accounts;
mod arguments;
mod diagnose;
mod engine;
mod folder;
mod image;
mod mount;
mod secrets;
mod start;

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use kode_base::{Interrupt, ProjectPath};

use crate::container_plan::Place;
use crate::credentials::Seen;
use crate::incident::Incident;
use crate::native::Native;
use crate::output::{Capture, CommandEnd, CommandOutput};
use crate::plan::{ContainerView, inside_container};
use crate::sandbox::Order;
use crate::{DockerNetwork, OpenHosts, ProjectRoot, SandboxError, SandboxSettings};
use arguments::User;
pub use diagnose::diagnose_docker;
pub use folder::context_places;
use secrets::Secrets;
pub(crate) use start::{Starting, sweep_mounts};

/// The image where none is named and the project brings none.
const DEFAULT_IMAGE: &str = "alpine:latest";

/// A session's container.
#[derive(Debug)]
pub(crate) struct Docker {
    native: Native,
    root: ProjectRoot,
    settings: SandboxSettings,
    secrets: Secrets,
    seen: Arc<Seen>,
    folder: PathBuf,
    /// What of the project it mounts, without masks.
    places: Vec<Place>,
}

impl Docker {
    /// Runs one command to its end. One that kills its own container ends with
    /// it; the next gets a new one.
    pub(crate) fn run(
        &mut self,
        order: &Order,
        interrupt: &Interrupt,
        on_output: &mut dyn FnMut(&[u8]),
    ) -> Result<CommandOutput, SandboxError> {
        self.revive()?;
        let started = std::time::Instant::now();
        let mut capture = Capture::default();
        let mut both = |bytes: &[u8]| {
            capture.push(bytes);
            on_output(bytes);
        };
        match self.native.run(&self.inside(order), interrupt, &mut both) {
            Err(SandboxError::Unavailable { .. }) if !self.native.is_alive() => {
                let end = CommandEnd::Signalled(libc::SIGKILL);
                let mut output = capture.finish(end, started.elapsed());
                output.incidents = self.native.after_command();
                output.incidents.push(Incident::ContainerEnded);
                Ok(output)
            }
            output => output,
        }
    }

    /// The same on the caller's own streams.
    pub(crate) fn run_interactive(
        &mut self,
        order: &Order,
    ) -> Result<(CommandEnd, Vec<Incident>), SandboxError> {
        self.revive()?;
        match self.native.run_interactive(&self.inside(order)) {
            Err(SandboxError::Unavailable { .. }) if !self.native.is_alive() => {
                let mut incidents = self.native.after_command();
                incidents.push(Incident::ContainerEnded);
                Ok((CommandEnd::Signalled(libc::SIGKILL), incidents))
            }
            ended => ended,
        }
    }

    /// Whether it answers and shows what stands in the project now: one that
    /// mounts other files than a new one would is no longer good.
    pub(crate) fn serves_on(&mut self) -> bool {
        let Ok(view) = ContainerView::new(&self.root, &self.settings) else { return false };
        let secrets = Secrets::of(&self.root, &self.settings, &self.seen);
        let is_current = view.places == self.places && secrets.is_ok_and(|it| it == self.secrets);
        is_current
            && self.native.is_alive()
            && self.native.end_processes().is_ok()
            && self.native.look_anew(&self.root, &self.settings).is_ok()
    }

    /// The conversation, for what is the same in every sandbox.
    pub(crate) fn native(&mut self) -> &mut Native {
        &mut self.native
    }

    /// A container instead of one that a command has ended.
    fn revive(&mut self) -> Result<(), SandboxError> {
        if !self.native.is_alive() {
            *self = Starting::begin(&self.root, &self.settings, &self.seen)?.finish()?;
        }
        Ok(())
    }

    /// Whether a command runs without a way to any host.
    ///
    /// # Errors
    /// When a person approved hosts and this session's container has no network.
    pub(crate) fn stays_offline(
        &self,
        open: &OpenHosts,
        approved: bool,
    ) -> Result<bool, SandboxError> {
        match self.settings.docker.network {
            DockerNetwork::Bridge => Ok(open.is_empty()),
            DockerNetwork::None if approved => Err(SandboxError::Command(
                "this session's container has no network, so no host can be opened; start kode \
                 with --sandbox-network bridge"
                    .to_owned(),
            )),
            DockerNetwork::None => Ok(true),
        }
    }

    /// Opens the proxy's door for the next command, which finds `certificates`.
    /// Secrets that are not masked yet are, in a new container.
    pub(crate) fn open_door(&mut self, certificates: &str) -> Result<TcpListener, SandboxError> {
        if self.native.is_alive()
            && Secrets::of(&self.root, &self.settings, &self.seen)? != self.secrets
        {
            self.native.begin_end();
        }
        self.revive()?;
        folder::trust(&self.folder, certificates)?;
        self.native.open_door()
    }

    /// Files that it masks although their names don't say why.
    pub(crate) fn masked(&self) -> Vec<ProjectPath> {
        self.secrets.unexpected.clone()
    }

    /// Every file that it masks; absolute.
    pub(crate) fn masked_files(&self) -> impl Iterator<Item = &str> {
        self.secrets.paths()
    }

    fn inside(&self, order: &Order) -> Order {
        Order { directory: inside_container(&self.root, &order.directory), ..order.clone() }
    }
}

/// The project's owner, unless somebody was chosen. Nobody is root without
/// having been chosen: root's project is shown to an unused number, where this
/// process can have that, and else commands are whoever started kode.
fn user(root: &ProjectRoot, settings: &SandboxSettings) -> Result<User, SandboxError> {
    if let Some((user, group)) = settings.docker.user {
        return Ok(User { user, group, stands_for: None });
    }
    let owner = std::fs::metadata(root.path())?;
    if owner.uid() != 0 {
        return Ok(User { user: owner.uid(), group: owner.gid(), stands_for: None });
    }
    let own = crate::plan::identity()?;
    Ok(User {
        user: own.host_user,
        group: own.host_group,
        stands_for: own.started_as_root.then(|| (owner.uid(), owner.gid())),
    })
}
