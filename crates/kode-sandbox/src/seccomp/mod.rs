//! The system-call filter, the last wall: what namespaces and Landlock leave
//! open is refused here by number and argument.
//!
//! The program is assembled by hand, because the x32 calls (bit 30 of the
//! number) and arguments that count only with certain flags need it; it is
//! checked in an interpreter, since this kernel may lack what it refuses.

mod program;
mod rules;

use std::io;

/// The filter, ready to be installed.
#[derive(Debug)]
pub(crate) struct Filter(Vec<program::Instruction>);

impl Filter {
    /// The filter that stands beside namespaces.
    pub(crate) fn assembled() -> Self {
        Self(rules::filter(rules::Beside::Namespaces))
    }

    /// Installs it for good, on this thread and its future children. `no_new_privs`
    /// must be set.
    pub(crate) fn install(&self) -> io::Result<()> {
        install_program(&self.0)
    }
}

/// Assembles and installs the filter.
pub(crate) fn install() -> io::Result<()> {
    Filter::assembled().install()
}

/// The same where Landlock is the only other wall: no sockets, and nothing that
/// processes of one user share.
pub(crate) fn install_alone() -> io::Result<()> {
    install_program(&rules::filter(rules::Beside::LandlockAlone))
}

fn install_program(program: &[program::Instruction]) -> io::Result<()> {
    let length = u16::try_from(program.len()).map_err(io::Error::other)?;
    let header = libc::sock_fprog {
        len: length,
        // The kernel's interface takes a mutable pointer and only reads.
        filter: program.as_ptr().cast::<libc::sock_filter>().cast_mut(),
    };
    // SAFETY: `header` points at `length` instructions laid out as the kernel's
    // `sock_filter` (`repr(C)`), and both outlive the call.
    let result = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const header)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests;
