//! What holds a sandbox, layer by layer, for `kode doctor`.

use crate::native::Standing;
use crate::wire::SelfTest;
use crate::{ProjectRoot, Sandbox, SandboxError, SandboxSettings, Wall};

/// How a layer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerState {
    /// It holds.
    Holds,
    /// It holds less than it could; the others still stand.
    Weaker,
    /// It is not there.
    Missing,
}

/// One wall, limit or convenience of the sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Its name.
    pub name: &'static str,
    /// How it is.
    pub state: LayerState,
    /// What was found.
    pub detail: String,
    /// What a person can do, where there is something to do.
    pub remedy: Option<String>,
}

/// Builds a sandbox around `root`, and reports on every layer of it; where none
/// can be built, on why.
pub fn diagnose(root: &ProjectRoot, settings: SandboxSettings) -> Vec<Layer> {
    match Sandbox::start(root, settings) {
        Ok(sandbox) => sandbox.layers(),
        Err(SandboxError::Unavailable { cause, remedy }) => {
            let (name, state) = ("native sandbox", LayerState::Missing);
            vec![Layer { name, state, detail: cause, remedy: Some(remedy) }]
        }
        Err(error) => {
            let (name, state) = ("native sandbox", LayerState::Missing);
            vec![Layer { name, state, detail: error.to_string(), remedy: None }]
        }
    }
}

/// The report of a sandbox that stands. What must hold was checked before it
/// said so, see the helper's self-test.
pub(crate) fn of(
    standing: &Standing,
    test: &SelfTest,
    group: Result<String, String>,
) -> Vec<Layer> {
    let partial = standing.wall == Wall::Partial;
    let mut layers = vec![wall(standing)];
    if partial {
        layers.push(landlock(test));
        layers.push(holds("system calls", "filtered; no sockets, foreign architectures refused"));
        layers.push(holds("limits", "processes and memory of each, open files, disk"));
    } else {
        layers.extend([
            holds("namespaces", "own users, mounts, processes, network, ipc, host name, cgroups"),
            holds("root", "private and read-only; home hidden, only the project shown"),
            holds("privileges", "no capabilities, none to regain; no further user namespaces"),
            landlock(test),
            holds("system calls", "filtered; foreign architectures refused"),
            holds("limits", "processes, memory of all together, open files, private folders, disk"),
        ]);
    }
    layers.extend([control_group(group), caches(test)]);
    layers
}

fn holds(name: &'static str, detail: &str) -> Layer {
    Layer { name, state: LayerState::Holds, detail: detail.to_owned(), remedy: None }
}

fn wall(standing: &Standing) -> Layer {
    let name = "wall";
    match weaker(standing) {
        None => holds(name, "full: namespaces and a root of kode's own making"),
        Some(detail) => Layer { name, state: LayerState::Weaker, detail, remedy: None },
    }
}

/// What less than the full wall means, and why there is no more.
pub(crate) fn weaker(standing: &Standing) -> Option<String> {
    let what = match standing.wall {
        Wall::Full => return None,
        Wall::Bubblewrap => {
            "bubblewrap makes the namespaces here; hosts can't be opened and toolchain caches are \
             read-only"
        }
        Wall::Partial => {
            "only Landlock and the system-call filter hold commands: no sockets; names and \
             permission bits of this user's files are not protected, and git's hooks are looked \
             after only when a command has ended"
        }
    };
    let because = standing.because.as_ref().map(|because| format!(" ({because})"));
    Some(format!("{what}{}", because.unwrap_or_default()))
}

/// The same for a container whose supervisor found everything in order.
pub(crate) fn of_container(test: &SelfTest) -> Vec<Layer> {
    let detail = "a container without network, capabilities or writable root; the project at \
                  /workspace; removed at the end of the session";
    let (name, state) = ("container", LayerState::Holds);
    let container = Layer { name, state, detail: detail.to_owned(), remedy: None };
    vec![container, landlock(test)]
}

fn landlock(test: &SelfTest) -> Layer {
    let (state, detail, remedy) = match test.landlock_abi {
        0 => (
            LayerState::Missing,
            "this kernel has none; namespaces and the system-call filter hold".to_owned(),
            Some("use Linux 5.13 or newer with `landlock` among its `lsm=` modules".to_owned()),
        ),
        abi if test.landlock_complete => {
            (LayerState::Holds, format!("version {abi} of this kernel"), None)
        }
        abi => (
            LayerState::Weaker,
            format!("version {abi} of this kernel lacks some of what newer ones have"),
            Some("use Linux 6.12 or newer".to_owned()),
        ),
    };
    Layer { name: "Landlock", state, detail, remedy }
}

fn control_group(group: Result<String, String>) -> Layer {
    let name = "control group";
    match group {
        Ok(detail) => Layer { name, state: LayerState::Holds, detail, remedy: None },
        Err(reason) => Layer {
            name,
            state: LayerState::Weaker,
            detail: format!(
                "none can be made here ({reason}); resource limits and the end of the process \
                 namespace hold"
            ),
            remedy: Some(
                "start kode in a delegated group, as `systemd-run --user --scope -p Delegate=yes` \
                 makes one"
                    .to_owned(),
            ),
        },
    }
}

fn caches(test: &SelfTest) -> Layer {
    let (state, detail) = match test.caches_read_only {
        0 => (LayerState::Holds, "writable inside, into memory".to_owned()),
        count => (LayerState::Weaker, format!("{count} can't be layered here and stay read-only")),
    };
    Layer { name: "toolchain caches", state, detail, remedy: None }
}
