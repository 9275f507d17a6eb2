//! The same proxy for a container: on a unix socket in a private folder that
//! the container has mounted. Inside, the helper program called as
//! `kode-proxy-bridge FOLDER` carries the loopback to it; it is static.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::authority::Authority;
use super::connection::Rules;
use super::door::{Door, SocketDoor};
use super::outside::Outside;
use super::proxy::Proxy;
use super::record::Connection;
use super::{OpenHosts, masks};
use crate::plan::{Additions, CERTIFICATES, network_variables};
use crate::{ProjectRoot, SandboxError, SandboxSettings};

/// A proxy for the commands of one container. Dropping it closes it and removes
/// its folder; what a killed kode left is removed when the next one is made.
#[derive(Debug)]
pub struct ContainerNetwork {
    proxy: Proxy,
    folder: std::path::PathBuf,
    certificates: String,
    masked: Vec<String>,
}

impl ContainerNetwork {
    /// Opens `open` to whoever connects to the socket below `runtime`, a folder
    /// of the user's own (`$KODE_HOME/run`). Processes of `users` may, besides
    /// this process's own user's: the ids that the container's user has on the
    /// host.
    ///
    /// # Errors
    /// When the project's secrets can't be found, or the socket not be made.
    pub fn start(
        root: &ProjectRoot,
        settings: &SandboxSettings,
        open: OpenHosts,
        runtime: &Path,
        users: &[u32],
    ) -> Result<Self, SandboxError> {
        let masked = masks::find(root)?;
        let authority = Authority::new().map_err(io::Error::other)?;
        let certificates = Additions::new(settings, &authority.certificate()).certificates();
        let door = SocketDoor::open(runtime, users)?;
        let folder = door.folder().to_owned();
        let rules = Rules { open, outside: Outside::real(), authority: Arc::new(authority) };
        let proxy = Proxy::start(Door::Socket(door), rules)?;
        Ok(Self { proxy, folder, certificates, masked })
    }

    /// To be mounted in the container, read-only; holds the socket alone.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The list of certificates that is to stand at the returned path inside.
    pub fn certificates(&self) -> (&'static str, &str) {
        (CERTIFICATES, &self.certificates)
    }

    /// Variables for the container's commands.
    pub fn variables(&self) -> Vec<(String, String)> {
        network_variables()
    }

    /// Files of the project, absolute on the host, over which an empty file that
    /// nobody can read must be laid.
    pub fn masked(&self) -> &[String] {
        &self.masked
    }

    /// Ends it and tells what it carried and refused.
    pub fn close(self) -> Vec<Connection> {
        self.proxy.close()
    }
}
