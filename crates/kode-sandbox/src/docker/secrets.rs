//! What is masked in a container from the beginning, since its mounts are made
//! once: sockets of programs outside, and where it may reach hosts the project's
//! secrets. A mask lies on the file that was there; one that came later, or was
//! replaced, needs a new container.

use std::os::unix::fs::MetadataExt;

use kode_base::ProjectPath;

use super::folder::PrivateFolder;
use crate::credentials::Seen;
use crate::guard::Guard;
use crate::network::{Masks, find_secrets};
use crate::plan::{ContainerView, sockets_bound_below};
use crate::{DockerNetwork, ProjectRoot, SandboxError, SandboxSettings};

/// Each masked file with its device and inode, in the order of their paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Secrets {
    files: Vec<(String, (u64, u64))>,
    /// Those whose names don't say why.
    pub(super) unexpected: Vec<ProjectPath>,
}

impl Secrets {
    /// Those of the project now; only sockets where no host can be reached.
    ///
    /// # Errors
    /// When they can't all be found.
    pub(super) fn of(
        root: &ProjectRoot,
        settings: &SandboxSettings,
        seen: &Seen,
    ) -> Result<Self, SandboxError> {
        let Masks { mut paths, unexpected, .. } = match settings.docker.network {
            DockerNetwork::None => Masks::default(),
            DockerNetwork::Bridge => find_secrets(root, seen)?,
        };
        let found = Guard::new(root, &settings.host.kode_home, false)?.in_project();
        paths.extend(sockets_bound_below(root, &found)?.into_iter().map(|(path, _)| path));
        let found = paths.into_iter().filter_map(|path| {
            let metadata = std::fs::symlink_metadata(&path).ok()?;
            Some((path, (metadata.dev(), metadata.ino())))
        });
        Ok(Self { files: found.collect(), unexpected })
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|(path, _)| path.as_str())
    }

    /// Lays a mask over each.
    pub(super) fn cover(
        &self,
        root: &ProjectRoot,
        view: &mut ContainerView,
        folder: &PrivateFolder,
    ) -> Result<(), SandboxError> {
        for (path, _) in &self.files {
            view.cover(root, path, &folder.mask())?;
        }
        Ok(())
    }
}
