//! Starts a command from process 1 with the few system calls that it takes: the C library's
//! way looks at every signal there is, three times, and copies what needs no copy.
//!
//! The new process shares this one's memory until it is another program, and this one
//! waits meanwhile. It must have one thread and no signal handlers.

use std::ffi::{CString, c_char, c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};
use std::path::Path;
use std::ptr;

use rustix::process::{Pid, WaitOptions};

use super::kernel;

/// Pointers of a null-terminated list, and the texts they lead to.
struct List {
    pointers: Vec<*const c_char>,
    _texts: Vec<CString>,
}

impl List {
    fn new(texts: impl Iterator<Item = String>) -> io::Result<Self> {
        let texts: Vec<CString> = texts.map(CString::new).collect::<Result<_, _>>()?;
        let pointers = texts.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect();
        Ok(Self { pointers, _texts: texts })
    }
}

/// What the new process needs; each pointer leads to something that outlives it.
struct Birth {
    program: *const c_char,
    arguments: *const *const c_char,
    environment: *const *const c_char,
    directory: *const c_char,
    streams: [RawFd; 3],
    /// What kept it from becoming the program; 0 for nothing.
    error: c_int,
}

/// Starts `program` as the leader of a process group of its own, with the default
/// reaction to a broken pipe and no signal blocked. Nothing else that this process has
/// open stays open in it, since all of that is closed on execution.
///
/// # Errors
/// As execve(2) and chdir(2), and for a null byte in a text.
pub(super) fn start(
    program: &Path,
    arguments: &[String],
    directory: &str,
    environment: &[(String, String)],
    streams: [BorrowedFd<'_>; 3],
) -> io::Result<Pid> {
    let program = CString::new(program.as_os_str().as_encoded_bytes())?;
    let directory = CString::new(directory)?;
    let arguments = List::new(arguments.iter().cloned())?;
    let environment = List::new(environment.iter().map(|(name, value)| format!("{name}={value}")))?;
    let mut birth = Birth {
        program: program.as_ptr(),
        arguments: arguments.pointers.as_ptr(),
        environment: environment.pointers.as_ptr(),
        directory: directory.as_ptr(),
        streams: streams.map(|stream| stream.as_raw_fd()),
        error: 0,
    };
    let process = kernel::start_borrowing(begin, ptr::from_mut(&mut birth).cast())?;
    // SAFETY: the new process has ended or is another program, and wrote what it had to say.
    match unsafe { ptr::read_volatile(&raw const birth.error) } {
        0 => Ok(process),
        error => {
            let _ = rustix::process::waitpid(Some(process), WaitOptions::empty());
            Err(io::Error::from_raw_os_error(error))
        }
    }
}

/// The life of the new process until it is the program. The C library's error number is
/// shared, but who else would look at it waits.
extern "C" fn begin(birth: *mut c_void) -> c_int {
    // SAFETY: what `start` made, which waits until this process has ended or is another.
    let birth = unsafe { &mut *birth.cast::<Birth>() };
    let failed = prepare(birth);
    if failed.is_ok() {
        // SAFETY: a string and two null-terminated lists of strings.
        unsafe { libc::execve(birth.program, birth.arguments, birth.environment) };
    }
    birth.error = io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO);
    kernel::leave(127)
}

fn prepare(birth: &Birth) -> Result<(), ()> {
    kernel::default_signals();
    // SAFETY: takes integers; no memory or descriptor is involved.
    done(unsafe { libc::setpgid(0, 0) })?;
    for (number, stream) in (0..).zip(birth.streams) {
        // SAFETY: this process has a table of descriptors of its own, and nothing in it
        // uses the standard streams.
        done(unsafe { libc::dup2(stream, number) })?;
    }
    // SAFETY: a string.
    done(unsafe { libc::chdir(birth.directory) })
}

fn done(result: c_int) -> Result<(), ()> {
    if result < 0 { Err(()) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
