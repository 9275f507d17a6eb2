//! Taking the inside identity, and giving up every privilege before the first
//! command.

use std::io;

use rustix::process::{DumpableBehavior, Gid, Resource, Rlimit, Uid};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::{StepError, at, kernel};
use crate::landlock_wall;
use crate::plan::{Identity, Plan};
use crate::seccomp::Filter;

/// Open files per process.
const OPEN_FILES_MAX: u64 = 65_536;

pub(super) fn take_identity(identity: &Identity) -> Result<(), StepError> {
    let (user, group) = (Uid::from_raw(identity.inside_user), Gid::from_raw(identity.inside_group));
    rustix::thread::set_thread_res_gid(group, group, group).map_err(at("identity"))?;
    rustix::thread::set_thread_res_uid(user, user, user).map_err(at("identity"))
}

/// In this order: what needs a capability first, the filter last.
/// Returns what Landlock offers, see [`landlock_wall::confine`].
pub(super) fn drop_all(plan: &Plan, filter: &Filter) -> Result<(i32, bool), StepError> {
    let processes = Some(plan.limits.processes_max);
    limits(processes).map_err(at("resource limits"))?;
    drop_capabilities().map_err(at("capabilities"))?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(at("core dumps"))?;
    rustix::thread::set_no_new_privs(true).map_err(at("no_new_privs"))?;
    let landlock = landlock_wall::confine(&plan.writable)
        .map_err(|error| at("landlock")(io::Error::other(error)))?;
    filter.install().map_err(at("seccomp"))?;
    Ok(landlock)
}

/// What a sandbox of Landlock and the filter alone gives up before commands
/// start; they add the two themselves.
pub(super) fn drop_for_partial(plan: &Plan) -> Result<(), StepError> {
    let processes = Some(plan.limits.processes_max);
    limits(processes).map_err(at("resource limits"))?;
    drop_capabilities().map_err(at("capabilities"))?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(at("core dumps"))?;
    rustix::thread::set_no_new_privs(true).map_err(at("no_new_privs"))
}

/// Of each process. Without a user namespace of its own a user's processes are
/// counted on the whole host, so in a container Docker bounds their number.
/// Memory is watched for all together: a limit of each would count what sanitizers
/// reserve and never use.
pub(super) fn limits(processes: Option<u64>) -> rustix::io::Result<()> {
    let set = |resource, value: u64| {
        let hard = rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let value = value.min(hard);
        let limit = Rlimit { current: Some(value), maximum: Some(value) };
        rustix::process::setrlimit(resource, limit)
    };
    set(Resource::Core, 0)?;
    set(Resource::Nofile, OPEN_FILES_MAX)?;
    if let Some(processes) = processes {
        set(Resource::Nproc, processes)?;
    }
    set(Resource::Msgqueue, 0)?;
    set(Resource::Memlock, 64 * 1024 * 1024)?;
    set(Resource::Rtprio, 0)
}

fn drop_capabilities() -> rustix::io::Result<()> {
    rustix::thread::clear_ambient_capability_set()?;
    for capability in CapabilitySet::all().iter() {
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            // A capability this kernel does not know.
            Ok(()) | Err(rustix::io::Errno::INVAL) => {}
            // An ordinary user has none and may not take any away; what
            // bubblewrap started has none left, and the self-test looks.
            Err(rustix::io::Errno::PERM) => {}
            Err(error) => return Err(error),
        }
    }
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    rustix::thread::set_capabilities(None, sets)
}

/// Half of what a user has on the whole host, unless somebody chose otherwise: these
/// count for whoever started kode too, who needs some (linux/kernel/ucount.c).
const INOTIFY_INSTANCES_MAX: &[u8] = b"64";

/// No user namespace can be made below this one. `/proc` is the new root's own.
pub(super) fn forbid_user_namespaces() -> Result<(), StepError> {
    kernel::write_file("/proc/sys/user/max_user_namespaces", b"0")
        .map_err(at("forbidding user namespaces"))?;
    match kernel::write_file("/proc/sys/user/max_inotify_instances", INOTIFY_INSTANCES_MAX) {
        // A kernel without inotify.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        written => written.map_err(at("bounding inotify")),
    }
}
