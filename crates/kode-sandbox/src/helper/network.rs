//! The sandbox's own network: a namespace with nothing in it but a loopback. It costs
//! the kernel twice what all the other namespaces cost together, so process 1 makes it
//! for itself while kode maps its identity and plans, and not with them while kode waits.

use std::io;

use rustix::fs::{AtFlags, CWD};
use rustix::thread::UnshareFlags;

use super::{StepError, at, kernel};

/// What steps about it are called.
const STEP: &str = "namespaces (network)";

/// The calling process's network namespace, as its `/proc` shows it.
const OWN: &std::ffi::CStr = c"/proc/self/ns/net";

/// Moves this process into a network of its own for good. `/proc` must be there.
pub(super) fn leave_the_hosts() -> Result<(), StepError> {
    let before = identity().map_err(at(STEP))?;
    // SAFETY: of the flags only that of the descriptor table would be unsafe.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNET) }.map_err(at(STEP))?;
    kernel::bring_loopback_up().map_err(at(STEP))?;
    // The kernel has said so; whatever else may be wrong, commands never run in the
    // host's.
    if identity().map_err(at(STEP))? == before {
        return Err(at(STEP)(io::Error::other("this is still the host's")));
    }
    Ok(())
}

/// Which network namespace this process is in.
fn identity() -> rustix::io::Result<(u64, u64)> {
    let stat = rustix::fs::statat(CWD, OWN, AtFlags::empty())?;
    Ok((stat.st_dev, stat.st_ino))
}
