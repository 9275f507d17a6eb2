//! Taking the memory of a program as big as kode apart takes the kernel a third of a
//! millisecond, and flushing its last record as long; whoever waits for the program's end
//! would wait for both. A process that shares the memory and ends right behind it has
//! that done beside.

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};

use rustix::io::Errno;
use rustix::pipe::PipeFlags;

use super::kernel;

/// What the process beside has open.
struct Kept {
    /// Ends with the program.
    end: RawFd,
    /// What it flushes.
    flushed: Option<RawFd>,
}

/// Starts that process. It flushes the file to the disk once this program has ended,
/// however it did, and does nothing else.
pub(crate) fn clear_up_afterwards(flushed: Option<&File>) -> io::Result<()> {
    let (end, open) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    let kept = Kept { end: end.as_raw_fd(), flushed: flushed.map(|file| file.as_raw_fd()) };
    let kept = std::ptr::from_mut(Box::leak(Box::new(kept))).cast();
    // Handlers of this program's must not run in it.
    kernel::with_signals_blocked(|| kernel::start_sharing(clear_up, kept, 0).map(|_| ()))?;
    // Closed when this program ends.
    std::mem::forget(open);
    Ok(())
}

/// The life of the process beside. Nothing here allocates or sets the C library's error
/// number: that memory is the program's.
extern "C" fn clear_up(kept: *mut c_void) -> libc::c_int {
    // SAFETY: what `clear_up_afterwards` made and leaves there for good.
    let kept = unsafe { &*kept.cast::<Kept>() };
    if kernel::keep_only([Some(kept.end), kept.flushed]).is_ok() {
        // SAFETY: both, just put there, stay open as long as this process lives.
        let [end, flushed] = [0, 1].map(|number| unsafe { BorrowedFd::borrow_raw(number) });
        while rustix::io::read(end, &mut [0_u8]) == Err(Errno::INTR) {}
        if kept.flushed.is_some() {
            let _ = rustix::fs::fdatasync(flushed);
        }
    }
    kernel::leave(0)
}
