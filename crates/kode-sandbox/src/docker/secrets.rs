//! The project's secrets in a container that may reach hosts: all of them are
//! masked from the beginning, since a container's mounts are made once. A mask
//! lies on the file that was there; one that came later, or was replaced, needs
//! a new container.

use std::os::unix::fs::MetadataExt;

use super::folder::PrivateFolder;
use crate::network::find_secrets;
use crate::plan::ContainerView;
use crate::{DockerNetwork, ProjectRoot, SandboxError, SandboxSettings};

/// Each secret file with its device and inode, in the order of their paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Secrets(Vec<(String, (u64, u64))>);

impl Secrets {
    /// Those of the project now; none where no host can be reached.
    ///
    /// # Errors
    /// When they can't all be found.
    pub(super) fn of(root: &ProjectRoot, settings: &SandboxSettings) -> Result<Self, SandboxError> {
        if settings.docker.network == DockerNetwork::None {
            return Ok(Self(Vec::new()));
        }
        let found = find_secrets(root)?.into_iter().filter_map(|path| {
            let metadata = std::fs::symlink_metadata(&path).ok()?;
            Some((path, (metadata.dev(), metadata.ino())))
        });
        Ok(Self(found.collect()))
    }

    /// Lays a mask over each.
    pub(super) fn cover(
        &self,
        root: &ProjectRoot,
        view: &mut ContainerView,
        folder: &PrivateFolder,
    ) -> Result<(), SandboxError> {
        for (path, _) in &self.0 {
            view.cover(root, path, &folder.mask())?;
        }
        Ok(())
    }
}
