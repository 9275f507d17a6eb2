//! The sandbox's own network: a namespace with nothing in it but a loopback. It costs
//! the kernel twice what all the other namespaces cost together, so a process beside
//! makes it while process 1 builds the root; before the first command process 1 is in it.

use std::ffi::c_void;
use std::io;
use std::os::fd::{AsFd as _, FromRawFd as _, IntoRawFd as _, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::process::{Pid, WaitOptions};
use rustix::thread::{LinkNameSpaceType, UnshareFlags};

use super::{StepError, at, kernel};

/// What steps about it are called.
const STEP: &str = "namespaces (network)";

/// The calling process's network namespace, as its `/proc` shows it.
const OWN: &std::ffi::CStr = c"/proc/self/ns/net";

/// A network namespace in the making.
#[derive(Debug)]
pub(super) struct Network {
    maker: Pid,
    /// What the maker leaves behind: a descriptor of this process's, or an error as a
    /// negative number.
    made: &'static AtomicI32,
    /// The one this process was started in.
    before: (u64, u64),
}

impl Network {
    /// Starts the process that makes it, which shares this one's memory and descriptors,
    /// so that nothing is copied. It has this processor while this process waits for the
    /// plan, which kode makes on the other. `/proc` must be there.
    pub(super) fn begin() -> Result<Self, StepError> {
        let before = identity().map_err(at(STEP))?;
        let made: &AtomicI32 = Box::leak(Box::new(AtomicI32::new(-libc::ECANCELED)));
        let flags = libc::CLONE_FILES;
        let maker = kernel::start_sharing(make, std::ptr::from_ref(made).cast_mut().cast(), flags);
        Ok(Self { maker: maker.map_err(at(STEP))?, made, before })
    }

    /// Waits until it is made, and moves into it for good.
    pub(super) fn enter(self) -> Result<(), StepError> {
        while let Err(rustix::io::Errno::INTR) =
            rustix::process::waitpid(Some(self.maker), WaitOptions::empty())
        {}
        let namespace = self.taken().map_err(at(STEP))?;
        let kind = Some(LinkNameSpaceType::Network);
        rustix::thread::move_into_link_name_space(namespace.as_fd(), kind).map_err(at(STEP))?;
        // The kernel has said so; whatever else may be wrong, commands never run in
        // the host's.
        if identity().map_err(at(STEP))? == self.before {
            return Err(at(STEP)(io::Error::other("this is still the host's")));
        }
        Ok(())
    }

    /// What the maker, which has ended, left behind.
    fn taken(&self) -> io::Result<OwnedFd> {
        let made = self.made.load(Ordering::Acquire);
        if made < 0 {
            return Err(io::Error::from_raw_os_error(-made));
        }
        // SAFETY: the maker opened it in the descriptor table they share, and nothing
        // else knows of it.
        Ok(unsafe { OwnedFd::from_raw_fd(made) })
    }
}

/// Which network namespace this process is in.
fn identity() -> rustix::io::Result<(u64, u64)> {
    let stat = rustix::fs::statat(CWD, OWN, AtFlags::empty())?;
    Ok((stat.st_dev, stat.st_ino))
}

/// The life of the process beside. Nothing here allocates or sets the C library's
/// error number: that memory is process 1's.
extern "C" fn make(made: *mut c_void) -> libc::c_int {
    // SAFETY: a leaked value of this type.
    let made = unsafe { &*made.cast::<AtomicI32>() };
    let outcome = match in_a_new_one() {
        Ok(namespace) => namespace.into_raw_fd(),
        Err(error) => -error.raw_os_error(),
    };
    made.store(outcome, Ordering::Release);
    kernel::leave(0)
}

fn in_a_new_one() -> rustix::io::Result<OwnedFd> {
    // SAFETY: of the flags only that of the descriptor table would be unsafe.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNET) }?;
    kernel::bring_loopback_up()?;
    rustix::fs::open(OWN, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}
