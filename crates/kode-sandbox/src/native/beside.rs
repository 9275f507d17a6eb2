//! A sandbox for one command with hosts open, beside its session's: the same
//! private folders and project, a loopback with kode's proxy, and masks over
//! the project's secrets.

use std::net::TcpListener;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::PathBuf;

use super::{Native, Starting, remedy};
use crate::plan::{Additions, Identity, Networked, Ownership, Plan, Shape, Step, Wall};
use crate::{ProjectRoot, SandboxError, SandboxSettings};

/// What the session's sandboxes share, one after another.
#[derive(Debug)]
pub(crate) struct Heritage {
    identity: Identity,
    ownership: Ownership,
    /// Inside paths of the private folders.
    paths: Vec<String>,
    /// Their mounts, each good for one sandbox; none after a failure.
    mounts: Vec<OwnedFd>,
}

impl Heritage {
    /// Sorts what the first process handed out; the door comes first.
    pub(super) fn take(
        plan: &Plan,
        ownership: Ownership,
        mut handed: Vec<OwnedFd>,
    ) -> (Self, Option<OwnedFd>) {
        let door = (plan.proxy_port.is_some() && !handed.is_empty()).then(|| handed.remove(0));
        let kept = plan.steps.iter().filter_map(|step| match step {
            Step::Keep { path } => Some(path.clone()),
            _ => None,
        });
        let (paths, identity) = (kept.collect(), plan.identity.clone());
        (Self { identity, ownership, paths, mounts: handed }, door)
    }
}

impl Native {
    /// The session's private folders: their paths inside, and where this process finds
    /// them.
    pub(crate) fn private_folders(&self) -> Vec<(String, PathBuf)> {
        let heritage = self.heritage.iter();
        let pairs = heritage.flat_map(|it| it.paths.iter().zip(&it.mounts));
        pairs
            .map(|(path, mount)| {
                (path.clone(), PathBuf::from(format!("/proc/self/fd/{}", mount.as_raw_fd())))
            })
            .collect()
    }

    /// Starts the other sandbox; no command may run in this one meanwhile.
    /// Returns where its proxy accepts.
    pub(crate) fn beside(
        &mut self,
        root: &ProjectRoot,
        settings: &SandboxSettings,
        masked: Vec<String>,
        additions: Additions,
    ) -> Result<(Self, TcpListener), SandboxError> {
        self.settle()?;
        if self.standing.wall != Wall::Full {
            let cause = "hosts can be opened only where the full sandbox stands";
            return Err(SandboxError::unavailable(cause, remedy::SEE_DOCTOR));
        }
        let broken = || {
            let cause = "its private folders were lost in an earlier failure";
            SandboxError::unavailable(cause, remedy::START_AGAIN)
        };
        let heritage = self.heritage.as_mut().ok_or_else(broken)?;
        // A mount moves into the one sandbox it is given to.
        let mounts = std::mem::take(&mut heritage.mounts);
        if mounts.len() != heritage.paths.len() {
            return Err(broken());
        }
        let networked = Networked {
            identity: heritage.identity.clone(),
            folders: heritage.paths.clone(),
            masked,
            additions,
        };
        let shape = Shape::Networked(&networked);
        let ownership = heritage.ownership;
        let starting = Starting::begin_as(root, settings, ownership, shape, &mounts)?;
        // The helper has copies of its own; a mount moves only once.
        drop(mounts);
        let (mut native, door) = starting.finish_with_door()?;
        let door = door.ok_or_else(broken)?;
        if let Some(next) = native.heritage.take() {
            heritage.mounts = next.mounts;
        }
        Ok((native, TcpListener::from(door)))
    }
}
