//! What a sandbox will look like, decided by kode before anything is built.
//!
//! The helper carries a [`Plan`] out and decides nothing.

mod container;
mod environment;
mod git_settings;
mod links;
mod mounts;
mod network;
mod private_parts;
mod repository;
mod socket_list;
mod sockets;
mod system_view;
mod toolchain_list;
mod toolchains;
mod types;

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::guard::InProject;
use crate::root::EXCHANGED;
use crate::{ProjectRoot, SandboxError, SandboxSettings};

pub(crate) use container::{
    ContainerMount, ContainerView, FOLDER, HOME, TEMPORARY_WITH_PROGRAMS, WORKSPACE,
    inside as inside_container,
};
pub(crate) use environment::{CONTAINER_USER, bare_environment, variable};
pub(crate) use links::on_the_way as links_on_the_way;
#[cfg(test)]
pub(crate) use network::set_variables as set_network_variables;
pub(crate) use network::{
    Additions, CERTIFICATES_FOLDER, CERTIFICATES_NAME, JAVA_CERTIFICATES_NAME, SYSTEM_LIST,
};
pub(crate) use repository::{Linked, linked};
pub(crate) use sockets::bound_below as sockets_bound_below;
pub use types::Wall;
pub(crate) use types::{Access, Bind, Identity, Limits, PROXY_PORT, Plan, Step};

/// Host ids of root's sandboxes: systemd's table of ids leaves this range
/// unused (<https://systemd.io/UIDS-GIDS/>).
const SESSION_ID_FIRST: u32 = 0x7000_0000;
const SESSION_ID_MASK: u32 = 0x07ff_ffff;
/// The id root's sandboxes see themselves as.
const INSIDE_ID: u32 = 1000;

/// Processes alive at once unless chosen otherwise.
const PROCESSES_MAX: u64 = 4096;

/// Room for one of the kernel's lists.
const LIST_PIECE_BYTES: usize = 16 * 1024;

/// What programs may leave in a toolchain's root outside home.
const TOOLCHAIN_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Home folder inside when the host's is unknown.
const HOME_WITHOUT_HOST: &str = "/home/kode";

/// How root's sandboxes come to own the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// Id-mapped mounts show it as the session's unused id's.
    Mapped,
    /// Where the file system has none: commands run as the project's owner,
    /// who is not root.
    Owner,
}

/// What a sandbox is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape<'a> {
    /// A session's commands, without network.
    Session,
    /// One command with hosts open, beside the session's own sandbox.
    Networked(&'a Networked),
}

/// What a networked sandbox takes over from its session's, and adds.
#[derive(Debug)]
pub(crate) struct Networked {
    pub(crate) identity: Identity,
    /// Private folders, in the order the session's sandbox kept them.
    pub(crate) folders: Vec<String>,
    /// Files of the project that look like credentials; absolute.
    pub(crate) masked: Vec<String>,
    pub(crate) additions: network::Additions,
}

/// What is decided before anybody looks at the project: who the commands are, and what
/// every sandbox shows them.
#[derive(Debug)]
pub(crate) struct Beginning {
    identity: Identity,
    pub(crate) steps: Vec<Step>,
}

impl Beginning {
    pub(crate) fn new(settings: &SandboxSettings, identity: Identity) -> Self {
        let memory = limits(settings).memory_bytes_max;
        let steps = system_view::steps(&identity, &home(settings), memory);
        Self { identity, steps }
    }
}

/// Decides about one sandbox. `found` was found in the project. The steps of its beginning
/// come first in the plan, unless it is a networked one, which takes over some of their
/// folders.
pub(crate) fn plan(
    root: &ProjectRoot,
    settings: &SandboxSettings,
    Beginning { identity, mut steps }: Beginning,
    ownership: Ownership,
    shape: Shape<'_>,
    found: &InProject,
) -> Result<Plan, SandboxError> {
    let project = fs::metadata(root.path()).map_err(|error| cannot_look(root.path(), &error))?;
    let maps = identity.started_as_root && ownership == Ownership::Mapped;
    let mapping = maps.then_some((project.uid(), project.gid()));
    let home = home(settings);
    let toolchains = toolchains::find(root, settings, &home);
    let mut writable = system_view::writable_folders(&home);
    writable.extend(toolchains.roots.iter().cloned());
    toolchain_steps(&toolchains, maps, &mut steps, &mut writable);
    match shape {
        Shape::Session if settings.one_command => {}
        Shape::Session => network::keep(&mut steps),
        Shape::Networked(networked) => network::inherit(&mut steps, &networked.folders),
    }
    let access = if settings.read_only { Access::ReadOnly } else { Access::ReadWrite };
    let project_bind = canonical_bind(root.path(), root.text(), access, mapping)
        .ok_or_else(|| cannot_look(root.path(), &std::io::Error::last_os_error()))?;
    let is_found = |step: &Step| match step {
        Step::Bind(bind) => root.is(bind.device_and_inode.0, bind.device_and_inode.1),
        _ => false,
    };
    if !is_found(&project_bind) {
        return Err(cannot_look(root.path(), &std::io::Error::other(EXCHANGED)));
    }
    steps.push(project_bind);
    steps.extend(repository::protections(
        root,
        settings.read_only,
        mapping,
        (&found.fixed, &found.read_only),
    )?);
    if maps {
        steps.extend(mounts::placeholders(root));
    }
    let sockets = sockets::bound_below(root, found)?;
    steps.extend(sockets.into_iter().map(|(path, inode)| Step::Mask { path, inode: Some(inode) }));
    let mut environment = environment::inside(settings, &identity, &home, &toolchains.grants);
    let mut proxy_port = None;
    match shape {
        Shape::Session => {
            let files = git_settings::of(Path::new(&settings.host.home), Some(root)).files(&home);
            steps.extend(files.into_iter().map(|(path, content)| Step::File { path, content }));
        }
        Shape::Networked(networked) => {
            network::add(networked, &mut steps, &mut environment);
            proxy_port = Some(PROXY_PORT);
        }
    }
    if !settings.read_only {
        writable.push(root.text().to_owned());
    }
    let limits = limits(settings);
    Ok(Plan { identity, steps, writable, environment, limits, proxy_port })
}

/// What was chosen, or the defaults.
fn limits(settings: &SandboxSettings) -> Limits {
    Limits {
        processes_max: settings.processes_max.unwrap_or(PROCESSES_MAX),
        memory_bytes_max: settings.memory_bytes_max.unwrap_or_else(default_memory_bytes),
    }
}

fn toolchain_steps(
    toolchains: &toolchains::Toolchains,
    maps: bool,
    steps: &mut Vec<Step>,
    writable: &mut Vec<String>,
) {
    for path in &toolchains.roots {
        let bytes_max = TOOLCHAIN_BYTES_MAX;
        steps.push(Step::Tmpfs { path: path.clone(), bytes_max, mode: 0o700 });
    }
    for grant in &toolchains.grants {
        let owner = maps.then(|| owner_of(&grant.source)).flatten();
        let bind = canonical_bind(&grant.source, &grant.target, Access::ReadOnly, owner);
        if let Some(Step::Bind(bind)) = bind {
            steps.push(Step::Bind(Bind { layered: grant.is_cache, ..bind }));
            writable.extend(grant.is_cache.then(|| grant.target.clone()));
        }
    }
    steps.extend(private_parts::cover(&toolchains.private));
}

fn home(settings: &SandboxSettings) -> String {
    let home = settings.host.home.to_str().unwrap_or_default().trim_end_matches('/');
    let usable = home.starts_with('/') && !home.contains("/../");
    if usable { home.to_owned() } else { HOME_WITHOUT_HOST.to_owned() }
}

/// What of the user's configuration of git does not hold inside, line by line.
pub fn git_losses(home: &Path, root: &ProjectRoot) -> Vec<&'static str> {
    git_settings::of(home, Some(root)).lost
}

/// Who the commands of one more sandbox are. Nothing of the project counts yet.
pub(crate) fn identity() -> Result<Identity, SandboxError> {
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    if !user.is_root() || !all_ids_are_mapped() {
        // Root of a user namespace is an ordinary user outside. It is not to
        // be root inside as well.
        let inside = |id: u32| if id == 0 { INSIDE_ID } else { id };
        return Ok(Identity {
            inside_user: inside(user.as_raw()),
            inside_group: inside(group.as_raw()),
            host_user: user.as_raw(),
            host_group: group.as_raw(),
            started_as_root: false,
            name: "user".to_owned(),
        });
    }
    let random = getrandom::u32().map_err(|error| {
        SandboxError::unavailable(format!("no random numbers: {error}"), "check /dev/urandom")
    })?;
    let session = SESSION_ID_FIRST | (random & SESSION_ID_MASK);
    Ok(Identity {
        inside_user: INSIDE_ID,
        inside_group: INSIDE_ID,
        host_user: session,
        host_group: session,
        started_as_root: true,
        name: "kode".to_owned(),
    })
}

/// The identity that a sandbox around `root` must have; `None` for any that
/// [`identity`] chose and `chosen` is one of.
pub(crate) fn required_identity(
    root: &ProjectRoot,
    chosen: &Identity,
    ownership: Ownership,
    shape: Shape<'_>,
) -> Result<Option<Identity>, SandboxError> {
    if let Shape::Networked(networked) = shape {
        return Ok(Some(networked.identity.clone()));
    }
    if !chosen.started_as_root {
        return Ok(None);
    }
    let project = fs::metadata(root.path()).map_err(|error| cannot_look(root.path(), &error))?;
    let other = |user: u32, group: u32| {
        Some(Identity { host_user: user, host_group: group, ..chosen.clone() })
    };
    Ok(match ownership {
        Ownership::Owner => other(project.uid(), project.gid()),
        // The project's own ids are not unused.
        Ownership::Mapped if [project.uid(), project.gid()].contains(&chosen.host_user) => {
            let session = chosen.host_user ^ 2;
            let free = session != project.uid() && session != project.gid();
            other(session ^ u32::from(!free), session ^ u32::from(!free))
        }
        Ownership::Mapped => None,
    })
}

/// Whether this is the host's first user namespace, where root is root.
fn all_ids_are_mapped() -> bool {
    // One line in that case.
    let mut bytes = [0; 64];
    let read = fs::File::open("/proc/self/uid_map").and_then(|mut map| map.read(&mut bytes));
    let map = String::from_utf8_lossy(&bytes[..read.unwrap_or_default()]);
    map.split_ascii_whitespace().eq(["0", "0", "4294967295"])
}

/// One of the kernel's lists, at most so long. Nobody knows its length before, and each
/// piece that is read takes time: it is read in large ones. What is no UTF-8 is replaced.
fn kernel_list(path: &str, bytes_max: u64) -> std::io::Result<String> {
    let mut list = Vec::with_capacity(LIST_PIECE_BYTES);
    fs::File::open(path)?.take(bytes_max).read_to_end(&mut list)?;
    Ok(String::from_utf8_lossy(&list).into_owned())
}

/// Root's private toolchains belong to the inside user, as its project does.
fn owner_of(source: &Path) -> Option<(u32, u32)> {
    let metadata = fs::metadata(source).ok()?;
    Some((metadata.uid(), metadata.gid()))
}

/// A bind of what is at `source` now; `None` when there is nothing.
fn bind(source: &Path, target: &str, access: Access, owner: Option<(u32, u32)>) -> Option<Step> {
    let source = fs::canonicalize(source).ok()?;
    canonical_bind(&source, target, access, owner)
}

/// The same for a path that is canonical already.
fn canonical_bind(
    source: &Path,
    target: &str,
    access: Access,
    owner: Option<(u32, u32)>,
) -> Option<Step> {
    let metadata = fs::symlink_metadata(source).ok().filter(|metadata| !metadata.is_symlink())?;
    Some(Step::Bind(Bind {
        source: source.to_str()?.to_owned(),
        target: target.to_owned(),
        access,
        device_and_inode: (metadata.dev(), metadata.ino()),
        owner,
        in_project: false,
        layered: false,
    }))
}

fn default_memory_bytes() -> u64 {
    let system = rustix::system::sysinfo();
    #[allow(clippy::useless_conversion, reason = "the field's width differs between targets")]
    let total = u64::from(system.totalram).saturating_mul(u64::from(system.mem_unit));
    total / 4 * 3
}

fn cannot_look(path: &Path, error: &std::io::Error) -> SandboxError {
    SandboxError::unavailable(
        format!("{}: {error}", path.display()),
        "check that the project folder exists and is yours",
    )
}

#[cfg(test)]
mod tests;
