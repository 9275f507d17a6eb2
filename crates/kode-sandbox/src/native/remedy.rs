//! What a person can do when a step of the set-up fails.

use crate::SandboxError;
use crate::helper::ID_MAP_STEP;
use crate::plan::Plan;

pub(super) const START_DIRECTLY: &str = "start kode directly, not from inside another sandbox, \
                                         and see `kode doctor`";
pub(super) const NOT_AS_ROOT: &str = "run kode as an ordinary user who owns the project; a container \
    is started so with `docker run --user UID:GID`";
pub(super) const SEE_DOCTOR: &str = "see `kode doctor` for what is missing";
pub(super) const BUBBLEWRAP: &str = "install bubblewrap, so that root owns /usr/bin/bwrap";
pub(super) const START_AGAIN: &str = "start kode again";

const NAMESPACES: &str = "unprivileged user namespaces are not allowed here: on the host set \
    `kernel.unprivileged_userns_clone=1`, `user.max_user_namespaces` above 0 and, on Ubuntu, \
    `kernel.apparmor_restrict_unprivileged_userns=0`, an AppArmor profile for kode, or \
    /usr/bin/bwrap with the profile it comes with; in Docker \
    start the container with `--security-opt seccomp=unconfined --security-opt \
    systempaths=unconfined`; or pass `--no-sandbox` where the whole machine is disposable";
const PROC: &str = "a fresh /proc can't be mounted, as in a container that masks /proc: start the \
    container with `--security-opt systempaths=unconfined`, or run kode on the host";
pub(super) const MAPPED: &str = "this file system has no id-mapped mounts: run kode as an ordinary user \
    who owns the project; a container is started so with `docker run --user UID:GID`";

/// Whether the system forbids an ordinary user what the full wall needs, which
/// it may allow bubblewrap.
pub(super) fn is_forbidden(code: i32, plan: &Plan) -> bool {
    let forbidden = [libc::EPERM, libc::EACCES, libc::ENOSPC, libc::EUSERS];
    !plan.identity.started_as_root && forbidden.contains(&code)
}

/// The error for a failed step, with the remedy that fits.
pub(super) fn unavailable(step: &str, error: &str, code: i32, plan: &Plan) -> SandboxError {
    let remedy = if step.starts_with(ID_MAP_STEP) {
        MAPPED
    } else if step.contains("proc on") {
        PROC
    } else if step.starts_with("namespaces") || step.starts_with("user namespace") {
        NAMESPACES
    } else if code == libc::EPERM || code == libc::EACCES {
        match plan.identity.started_as_root {
            true => NOT_AS_ROOT,
            false => NAMESPACES,
        }
    } else {
        START_DIRECTLY
    };
    SandboxError::unavailable(format!("{step}: {error}"), remedy)
}
