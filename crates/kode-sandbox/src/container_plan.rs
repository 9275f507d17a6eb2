//! What kode tells the two programs of its own around a container: the keeper
//! outside, who starts and removes it, and the supervisor inside. Plain data;
//! kode decides it, both are built from this file.

use serde::{Deserialize, Serialize};

use crate::plan::{Bind, Limits};

/// The name the supervisor is called by, inside; its argument is the path of
/// kode's socket.
pub(crate) const SUPERVISOR_NAME: &str = "kode-container-supervisor";

/// The name the keeper is called by, outside; its arguments are the container's
/// name and its private folder on the host, which is removed with it.
pub(crate) const KEEPER_NAME: &str = "kode-container-keeper";

/// The name of the container's first process, as Docker calls it: kode's own
/// program is mounted where Docker would put its own.
pub(crate) const INIT_NAME: &str = "docker-init";

/// The keeper's orders. It obeys them once, and undoes them when kode's end of
/// the socket closes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeeperPlan {
    /// The `docker` program, absolute.
    pub(crate) program: String,
    pub(crate) environment: Vec<(String, String)>,
    /// `run …`, which returns once the container runs.
    pub(crate) create: Vec<String>,
    /// Where root's project is shown to another user.
    pub(crate) mapped: Option<MappedMounts>,
}

/// Id-mapped mounts of root's project, from which Docker mounts it. They stand
/// while the container starts, and no longer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct MappedMounts {
    /// The folder with their mount points.
    pub(crate) folder: String,
    /// What is mounted where; each has an owner, who becomes `user`.
    pub(crate) binds: Vec<Bind>,
    /// The container's user and group.
    pub(crate) user: (u32, u32),
}

/// What the keeper says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum KeeperReply {
    /// Docker says that the container runs.
    Started,
    /// Docker could not start it; this is what it printed.
    Failed(String),
    /// The project's file system can't show it to another user.
    NotMapped(String),
}

/// The supervisor's orders, and what it checks before it obeys any command.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SupervisorPlan {
    /// Over the image's own variables.
    pub(crate) environment: Vec<(String, String)>,
    /// Files to write into the private folders, by absolute path.
    pub(crate) files: Vec<(String, String)>,
    /// Folders that stay writable under Landlock.
    pub(crate) writable: Vec<String>,
    /// Folders that live in memory.
    pub(crate) in_memory: Vec<String>,
    pub(crate) limits: Limits,
    /// What must be where, or the daemon serves another file system.
    pub(crate) places: Vec<Place>,
}

/// A file or folder of the host that must be found inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) path: String,
    pub(crate) device_and_inode: (u64, u64),
    pub(crate) writable: bool,
}
