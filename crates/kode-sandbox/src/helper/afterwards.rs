//! Taking the memory of a program as big as kode apart takes the kernel a third of a
//! millisecond, and whoever waits for the program's end waits for that too. A process
//! that shares the memory and ends right behind it has that done beside.

use std::ffi::c_void;
use std::io;
use std::process::id;

use rustix::process::Signal;

use super::kernel;

/// Starts that process, which has nothing open and does nothing; it is killed when the
/// thread that calls this ends, so this should be the program's first.
pub(crate) fn free_memory_afterwards() -> io::Result<()> {
    let parent = usize::try_from(id()).map_err(io::Error::other)?;
    // Handlers of this program's must not run in it.
    kernel::with_signals_blocked(|| {
        kernel::start_sharing(wait, std::ptr::without_provenance_mut(parent), 0).map(|_| ())
    })
}

/// The life of the process beside. Nothing here allocates or sets the C library's error
/// number: that memory is the program's.
extern "C" fn wait(parent: *mut c_void) -> libc::c_int {
    // Fails on no system that has what the sandbox needs.
    let closed = kernel::close_descriptors_from(0).is_ok();
    let held = rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).is_ok();
    let present = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get());
    if closed && held && present.and_then(|pid| usize::try_from(pid).ok()) == Some(parent.addr()) {
        // Every signal that can be is blocked.
        rustix::event::pause();
    }
    kernel::leave(0)
}
