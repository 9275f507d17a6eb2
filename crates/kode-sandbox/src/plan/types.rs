//! A plan as plain data: who commands are inside, what is mounted where, which
//! variables they see. kode decides it, the helper carries it out; both are
//! built from this file.

use serde::{Deserialize, Serialize};

/// Where the proxy listens on the inside's loopback. Each networked sandbox has
/// a loopback of its own, so the port is always free.
pub(crate) const PROXY_PORT: u16 = 3128;

/// How much stands between commands and the host. The order counts: later walls
/// hold less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Wall {
    /// Namespaces and a root of kode's own making, Landlock, the system-call
    /// filter.
    #[default]
    Full,
    /// The same view made by `/usr/bin/bwrap`, where the system lets only that
    /// make namespaces; Landlock and the filter inside. Hosts can't be opened.
    Bubblewrap,
    /// Landlock and the system-call filter alone: no namespaces, so no sockets
    /// either. Names of files, their permission bits and other processes'
    /// existence are not hidden, and quotas are weaker.
    Partial,
}

/// Everything the helper needs to know.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// As the helper knows it already.
    pub(crate) identity: Identity,
    /// In this order.
    pub(crate) steps: Vec<Step>,
    /// Folders that stay writable under Landlock.
    pub(crate) writable: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) limits: Limits,
    /// Port on the inside's loopback where kode's proxy listens.
    pub(crate) proxy_port: Option<u16>,
}

impl Plan {
    /// Inside paths of what is read-only in a writable project.
    pub(crate) fn protected_in_project(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match step {
            Step::Bind(bind) if bind.in_project && bind.access == Access::ReadOnly => {
                Some(bind.target.as_str())
            }
            _ => None,
        })
    }

    /// Inside paths of the folders that live in memory.
    pub(crate) fn folders_in_memory(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match step {
            Step::Tmpfs { path, .. } | Step::Inherit { path, .. } => Some(path.as_str()),
            _ => None,
        })
    }
}

/// Who the processes inside are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// Ids seen inside.
    pub(crate) inside_user: u32,
    pub(crate) inside_group: u32,
    /// Ids on the host.
    pub(crate) host_user: u32,
    pub(crate) host_group: u32,
    /// kode was started as root: the helper maps and becomes `host_user`.
    pub(crate) started_as_root: bool,
    pub(crate) name: String,
}

/// Bounds on what runs inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limits {
    pub(crate) processes_max: u64,
    pub(crate) memory_bytes_max: u64,
}

/// One thing in the new root. Paths are absolute and seen from inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Step {
    Folder {
        path: String,
        mode: u32,
    },
    File {
        path: String,
        content: String,
    },
    /// A file of any bytes, in hexadecimal.
    Bytes {
        path: String,
        hexadecimal: String,
    },
    Link {
        path: String,
        target: String,
    },
    Tmpfs {
        path: String,
        bytes_max: u64,
        mode: u32,
    },
    Bind(Bind),
    Terminals,
    /// Hands a folder made so far, with all that is mounted below it, to kode.
    Keep {
        path: String,
    },
    /// A folder that an earlier sandbox of the session kept.
    Inherit {
        path: String,
        number: usize,
    },
    /// Lays a file of the inside over another one, where that exists.
    Cover {
        from: String,
        over: String,
    },
    /// Lays an empty file that nobody can read over a file or socket of the
    /// project, where that exists, or over the very one with this inode.
    Mask {
        path: String,
        inode: Option<u64>,
    },
}

/// A part of the host's file system, shown inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bind {
    /// Canonical path on the host.
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) access: Access,
    /// The file or folder kode looked at; another one there fails the set-up.
    pub(crate) device_and_inode: (u64, u64),
    /// On-disk owner whose files belong to the inside user: the mount is
    /// id-mapped. Only when started as root.
    pub(crate) owner: Option<(u32, u32)>,
    /// The mount point lies in the project and must exist already.
    pub(crate) in_project: bool,
    /// Programs may write on top: into a layer in memory that is discarded.
    pub(crate) layered: bool,
}

impl Bind {
    /// Whether the sandbox is whole without it.
    pub(crate) fn is_spare(&self) -> bool {
        self.access == Access::ReadOnly && !self.in_project
    }
}

/// What a bind mount allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Access {
    ReadOnly,
    ReadWrite,
    /// A device node such as `/dev/null`.
    Device,
}
