//! What only host root can bring in: detached, id-mapped mounts of the project
//! and of root's own toolchains, made before the namespaces and moved into
//! place from inside. Nothing on disk changes its owner.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use rustix::fs::CWD;
use rustix::mount::OpenTreeFlags;
use rustix::process::Pid;

use super::{StepError, at, kernel};
use crate::plan::{Access, Bind, Identity, Plan, Step};
use crate::wire::{self, Handover};

/// The step in which the host's side hands its mounts over.
pub(super) const HAND_OVER: &str = "hand-over";

/// Detached mounts by the number of their step, made while the first process
/// does what needs none of them.
#[derive(Debug)]
pub(super) struct Grafts<'a> {
    handover: &'a UnixStream,
    mounts: Option<HashMap<usize, OwnedFd>>,
}

impl<'a> Grafts<'a> {
    /// Mounts that come over `handover`.
    pub(super) fn awaited(handover: &'a UnixStream) -> Self {
        Self { handover, mounts: None }
    }

    /// The mount of this step, which has an owner.
    pub(super) fn take(&mut self, step: usize) -> Result<OwnedFd, StepError> {
        let gone = || at(HAND_OVER)(io::ErrorKind::UnexpectedEof);
        if self.mounts.is_none() {
            let received = wire::receive::<Handover>(self.handover).map_err(at(HAND_OVER))?;
            let (Handover { grafted }, mounts) = received.ok_or_else(gone)?;
            self.mounts = Some(grafted.into_iter().zip(mounts).collect());
        }
        self.mounts.as_mut().and_then(|mounts| mounts.remove(&step)).ok_or_else(gone)
    }
}

/// Whether a step takes a mount made by the host's side.
pub(super) fn is_grafted(step: &Step) -> bool {
    matches!(step, Step::Bind(Bind { owner: Some(_), .. }))
}

/// Mounts by the number of their step, and the processes that lent namespaces for them,
/// which end by themselves.
type Prepared = (Vec<(usize, OwnedFd)>, Vec<Pid>);

/// Opens and maps everything that has an owner in the plan.
pub(super) fn prepare(plan: &Plan, identity: &Identity) -> Result<Prepared, StepError> {
    let (mut grafts, mut donors) = (Vec::new(), Vec::new());
    let mut namespaces: HashMap<(u32, u32), OwnedFd> = HashMap::new();
    let host = (identity.host_user, identity.host_group);
    for (number, step) in plan.steps.iter().enumerate() {
        let Step::Bind(bind @ Bind { owner: Some(owner), .. }) = step else { continue };
        if !namespaces.contains_key(owner) {
            let donor = Donor::fork()?;
            donors.push(donor.process);
            let namespace = donor.namespace(*owner, host);
            namespaces.insert(*owner, namespace.map_err(at("user namespace of the id map"))?);
        }
        if let Some(namespace) = namespaces.get(owner) {
            grafts.push((number, graft(bind, namespace)?));
        }
    }
    Ok((grafts, donors))
}

/// Opens and maps parts of a project for a container whose user is `host`: the
/// mounts in their order. Each must have an owner.
pub(super) fn map(binds: &[Bind], host: (u32, u32)) -> Result<Vec<OwnedFd>, StepError> {
    let Some(owner) = binds.iter().find_map(|bind| bind.owner) else { return Ok(Vec::new()) };
    let namespace = Donor::fork()?.namespace(owner, host);
    let namespace = namespace.map_err(at("user namespace of the id map"))?;
    binds.iter().map(|bind| graft(bind, &namespace)).collect()
}

fn graft(bind: &Bind, donor: &OwnedFd) -> Result<OwnedFd, StepError> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_SYMLINK_NOFOLLOW;
    let tree = rustix::mount::open_tree(CWD, bind.source.as_str(), flags)
        .map_err(at(format!("opening {}", bind.source)))?;
    super::new_root::same_place(&tree, bind)?;
    let read_only = bind.access == Access::ReadOnly;
    let attributes =
        kernel::NO_SET_ID | kernel::NO_DEVICES | if read_only { kernel::READ_ONLY } else { 0 };
    match kernel::map_ids(&tree, donor, attributes) {
        Ok(()) => {}
        // A toolchain on another file system: what all may read is enough.
        Err(_) if read_only && !bind.in_project => {
            kernel::set_attributes(&tree, attributes, false)
                .map_err(at(format!("showing {}", bind.source)))?;
        }
        Err(error) => {
            return Err(at(format!("{} of {}", super::ID_MAP_STEP, bind.source))(error));
        }
    }
    Ok(tree)
}

/// A process whose only use is its user namespace. It ends by itself when this
/// handle is dropped.
#[derive(Debug)]
struct Donor {
    process: Pid,
    _alive: OwnedFd,
}

impl Donor {
    fn fork() -> Result<Self, StepError> {
        let (gate, opener) =
            rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(at("pipe"))?;
        let process = kernel::park_in_user_namespace(&gate, &opener).map_err(at("namespaces"))?;
        Ok(Self { process, _alive: opener })
    }

    /// The namespace, with a map that shows files of the on-disk `owner` as
    /// the sandbox's `host` ids, and all others as themselves.
    fn namespace(self, owner: (u32, u32), host: (u32, u32)) -> io::Result<OwnedFd> {
        let folder = format!("/proc/{}", self.process.as_raw_nonzero());
        kernel::write_file(&format!("{folder}/uid_map"), id_map(owner.0, host.0).as_bytes())?;
        kernel::write_file(&format!("{folder}/gid_map"), id_map(owner.1, host.1).as_bytes())?;
        Ok(File::open(format!("{folder}/ns/user"))?.into())
    }
}

/// Lines of `<on-disk id> <host id> <count>`: `owner` becomes `host`, both
/// ids' own identity is left out, every other id stays itself.
fn id_map(owner: u32, host: u32) -> String {
    let mut lines = format!("{owner} {host} 1\n");
    let mut from = 0_u32;
    let mut cuts = [owner, host];
    cuts.sort_unstable();
    for cut in cuts {
        if cut > from {
            lines.push_str(&format!("{from} {from} {}\n", cut - from));
        }
        from = cut.saturating_add(1).max(from);
    }
    // The last id, 2^32 - 1, means "none".
    lines.push_str(&format!("{from} {from} {}\n", u32::MAX - from));
    lines
}

#[cfg(test)]
mod tests {
    use super::id_map;

    #[test]
    fn the_owner_becomes_the_session_and_others_stay() {
        assert_eq!(id_map(0, 1000), "0 1000 1\n1 1 999\n1001 1001 4294966294\n");
        assert_eq!(id_map(5, 3), "5 3 1\n0 0 3\n4 4 1\n6 6 4294967289\n");
    }
}
