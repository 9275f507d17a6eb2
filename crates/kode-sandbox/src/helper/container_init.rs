//! The first process of a container, in the place of Docker's own: starts the
//! supervisor, reaps what is left to it, and ends with it. Unlike Docker's it is
//! not dumpable, so that no command can list what it has open.

use std::io;
use std::process::Command;

use rustix::process::{DumpableBehavior, Pid, WaitOptions, WaitStatus};

use super::kernel;

/// Its life; the exit code is the supervisor's.
pub(super) fn run() -> u8 {
    // Docker calls it with `-- PROGRAM ARGUMENT…`.
    let arguments: Vec<String> = std::env::args().skip(1).skip_while(|word| word == "--").collect();
    // Nothing else than process 1 of a container is started under this name.
    if std::process::id() != 1 {
        return 2;
    }
    start(&arguments).map_or(1, |child| {
        let status = wait_for(child);
        let code = status.exit_status().or_else(|| Some(128 + status.terminating_signal()?));
        code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
    })
}

fn start(arguments: &[String]) -> io::Result<Pid> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    // `docker stop` and the daemon's own end ask so; the kernel ends the rest.
    kernel::end_on_request()?;
    let (program, rest) = arguments.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    #[expect(clippy::disallowed_methods, reason = "kode's own supervisor, named by kode")]
    let child = Command::new(program).args(rest).spawn()?;
    let child = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    child.ok_or_else(|| io::Error::other("no process id"))
}

/// Reaps everything until `child` has ended.
fn wait_for(child: Pid) -> WaitStatus {
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((ended, status))) if ended == child => return status,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            // There is no child: nothing can end any more.
            Err(_) => kernel::leave(1),
        }
    }
}
