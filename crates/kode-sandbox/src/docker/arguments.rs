//! What `docker run` is told: choices in, arguments out.

use std::path::{Path, PathBuf};

use super::folder::{GROUP, PASSWD, PrivateFolder, SOCKET_NAME};
use crate::container_plan::{INIT_NAME, SUPERVISOR_NAME};
use crate::plan::{
    CERTIFICATES_FOLDER, ContainerMount, ContainerView, FOLDER, HOME, SYSTEM_LIST,
    TEMPORARY_WITH_PROGRAMS, WORKSPACE,
};
use crate::{DockerNetwork, DockerSettings, SandboxError};

/// Processes of kode's own in the container: Docker's first one and the
/// supervisor.
const OWN_PROCESSES: u64 = 2;

/// There where the kernel has IPv6.
const IPV6: &str = "/proc/sys/net/ipv6";

/// Whom the container's processes run as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct User {
    pub(super) user: u32,
    pub(super) group: u32,
    /// The project's owner on disk, where that is shown as this user.
    pub(super) stands_for: Option<(u32, u32)>,
}

/// Everything for one container.
pub(super) fn run(
    view: &ContainerView,
    chosen: &DockerSettings,
    (name, image): (&str, &str),
    user: User,
    folder: &PrivateFolder,
) -> Result<Vec<String>, SandboxError> {
    let mut arguments = fixed();
    let mut set = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
    set("--name", name.to_owned());
    set("--security-opt", format!("seccomp={}", text(&folder.profile())?));
    set("--user", format!("{}:{}", user.user, user.group));
    let memory = view.limits.memory_bytes_max;
    set("--memory", memory.to_string());
    // The same: nothing is swapped.
    set("--memory-swap", memory.to_string());
    let processes = view.limits.processes_max.saturating_add(OWN_PROCESSES);
    set("--pids-limit", processes.to_string());
    if let Some(thousandths) = chosen.cpu_thousandths {
        set("--cpus", format!("{}.{:03}", thousandths / 1000, thousandths % 1000));
    }
    for folder in in_memory(view, user) {
        set("--tmpfs", folder);
    }
    if Path::new(IPV6).exists() {
        // The loopback's; Docker turns it off where there is no network.
        set("--sysctl", "net.ipv6.conf.all.disable_ipv6=0".to_owned());
        set("--sysctl", "net.ipv6.conf.lo.disable_ipv6=0".to_owned());
    }
    for mount in view.mounts.iter().chain(&own_mounts(folder, chosen.network)?) {
        set("--mount", mount.value()?);
    }
    set("--entrypoint", format!("{FOLDER}/{SUPERVISOR_NAME}"));
    arguments.extend([image.to_owned(), format!("{FOLDER}/{SOCKET_NAME}")]);
    Ok(arguments)
}

/// Private folders, and one over what the host's `/sys` shows of hardware,
/// kernel and control groups.
fn in_memory(view: &ContainerView, user: User) -> Vec<String> {
    let temporary = view.temporary.iter().map(|&path| {
        let programs = if path == TEMPORARY_WITH_PROGRAMS { "exec" } else { "noexec" };
        format!("{path}:rw,{programs},nosuid,nodev,mode=1777")
    });
    let User { user, group, .. } = user;
    let home = format!("{HOME}:rw,exec,nosuid,nodev,mode=0700,uid={user},gid={group}");
    temporary.chain([home, "/sys:ro,noexec,nosuid,nodev,size=4k".to_owned()]).collect()
}

/// What kode itself puts inside, all read-only.
fn own_mounts(
    folder: &PrivateFolder,
    network: DockerNetwork,
) -> Result<Vec<ContainerMount>, SandboxError> {
    let init = format!("/sbin/{INIT_NAME}");
    // For programs that know the system's list alone.
    let system =
        (network == DockerNetwork::Bridge).then(|| (folder.certificate_list(), SYSTEM_LIST));
    let places = [
        (folder.path.clone(), FOLDER),
        // In the place of Docker's own, whose descriptors commands could list.
        (folder.path.join(SUPERVISOR_NAME), init.as_str()),
        (folder.accounts(PASSWD), "/etc/passwd"),
        (folder.accounts(GROUP), "/etc/group"),
        (folder.certificates(), CERTIFICATES_FOLDER),
        // Docker would show the host's name servers.
        (folder.empty(), "/etc/resolv.conf"),
    ];
    let mount = |(source, target): (PathBuf, &str)| {
        Ok(ContainerMount { source: text(&source)?, target: target.to_owned(), read_only: true })
    };
    places.into_iter().chain(system).map(mount).collect()
}

/// What is the same for every container.
fn fixed() -> Vec<String> {
    let mut arguments: Vec<String> =
        ["run", "--detach", "--rm", "--init", "--read-only", "--no-healthcheck"]
            .map(str::to_owned)
            .into();
    let options = [
        // kode fetches nothing by itself.
        ("--pull", "never"),
        // Hosts are reached over kode's proxy, which needs no network of Docker's.
        ("--network", "none"),
        ("--cap-drop", "ALL"),
        ("--security-opt", "no-new-privileges"),
        ("--ipc", "private"),
        ("--cgroupns", "private"),
        ("--hostname", "kode"),
        ("--workdir", WORKSPACE),
        ("--log-driver", "none"),
        ("--label", "kode=session"),
    ];
    arguments.extend(options.iter().flat_map(|(name, value)| [*name, *value]).map(str::to_owned));
    arguments
}

fn text(path: &Path) -> Result<String, SandboxError> {
    let text = path.to_str().filter(|text| !text.contains(['\r', '\n']));
    text.map(str::to_owned).ok_or_else(|| {
        SandboxError::unavailable(
            format!("Docker can't be told the path {}", path.display()),
            "set KODE_HOME to a folder with a plain name",
        )
    })
}
