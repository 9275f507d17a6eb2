//! The helper as a process of kode's: started from a thread that lives as long
//! as it does, ended by closing the socket, and killed when it does not end.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal};

use super::{KILL_MAX, image, remedy};
use crate::SandboxError;
use crate::helper::HELPER_NAME;
use crate::settings::HelperImage;

/// A helper and the thread that keeps it.
#[derive(Debug)]
pub(super) struct HelperProcess {
    /// `None` once the sandbox is given up.
    pub(super) socket: Option<UnixStream>,
    started: Receiver<io::Result<(OwnedFd, Pid)>>,
    handle: Option<OwnedFd>,
    pid: Option<Pid>,
    keeper: Option<JoinHandle<()>>,
    ended: Receiver<()>,
}

/// A helper that was started before anybody asked for a sandbox.
static EARLY: Mutex<Option<HelperProcess>> = Mutex::new(None);

/// Starts a helper ahead of the next sandbox, while the program still reads its
/// arguments and settings. Without a next sandbox it ends with this process.
pub fn launch_early() {
    // Should this fail, starting the sandbox says why.
    let helper = HelperProcess::launch(&HelperImage::Embedded).ok();
    *EARLY.lock().unwrap_or_else(PoisonError::into_inner) = helper;
}

impl HelperProcess {
    /// The helper that runs already, or a new one.
    pub(super) fn begin(image: &HelperImage) -> Result<Self, SandboxError> {
        if *image == HelperImage::Embedded {
            let early = EARLY.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(early) = early {
                return Ok(early);
            }
        }
        Self::launch(image)
    }

    /// Begins to start the helper, from a thread that lives as long as the
    /// helper does: the death signal follows the thread that forked, not the
    /// process. Returns at once.
    fn launch(image: &HelperImage) -> Result<Self, SandboxError> {
        let (ours, theirs) = UnixStream::pair()?;
        let image = image.clone();
        let (report, started) = mpsc::sync_channel::<io::Result<(OwnedFd, Pid)>>(1);
        let (end, ended) = mpsc::sync_channel::<()>(1);
        let keeper = std::thread::Builder::new().name("kode-sandbox".to_owned());
        let keeper = keeper.spawn(move || {
            let mut child = match spawn(&image, theirs) {
                Ok((handle, pid, child)) => {
                    let _ = report.send(Ok((handle, pid)));
                    child
                }
                Err(error) => {
                    let _ = report.send(Err(error));
                    return;
                }
            };
            let _ = child.wait();
            let _ = end.send(());
        })?;
        let (socket, keeper) = (Some(ours), Some(keeper));
        Ok(Self { socket, started, handle: None, pid: None, keeper, ended })
    }

    /// Waits until the helper runs.
    pub(super) fn started(&mut self) -> Result<(), SandboxError> {
        let started = self.started.recv().unwrap_or_else(|_| Err(io::Error::other("no thread")));
        let cannot = |error: io::Error| {
            SandboxError::unavailable(
                format!("the helper did not start: {error}"),
                remedy::START_DIRECTLY,
            )
        };
        let (handle, pid) = started.map_err(cannot)?;
        (self.handle, self.pid) = (Some(handle), Some(pid));
        Ok(())
    }

    /// Closes the lifeline: the helper and everything below it begins to end.
    pub(super) fn close(&mut self) {
        self.socket = None;
    }

    /// The helper's process id, while it is waited for.
    pub(super) fn id(&self) -> Option<Pid> {
        self.socket.as_ref()?;
        self.pid
    }

    /// Lets everything end by itself; false when that takes longer.
    pub(super) fn end_within(&mut self, limit: Duration) -> bool {
        self.close();
        let waited = self.ended.recv_timeout(limit);
        !matches!(waited, Err(RecvTimeoutError::Timeout))
    }

    /// Waits until every process is gone, and helps along where that takes too
    /// long.
    pub(super) fn end(&mut self) {
        if !self.end_within(KILL_MAX)
            && let Some(handle) = &self.handle
        {
            let _ = rustix::process::pidfd_send_signal(handle, Signal::KILL);
        }
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

impl Drop for HelperProcess {
    fn drop(&mut self) {
        self.end();
    }
}

fn spawn(image: &HelperImage, socket: UnixStream) -> io::Result<(OwnedFd, Pid, Child)> {
    let socket = OwnedFd::from(socket);
    let child = match execute(image, socket.try_clone()?) {
        // Some systems execute nothing from memory (`vm.memfd_noexec`).
        Err(_) if *image == HelperImage::Embedded => execute(&HelperImage::CurrentProgram, socket)?,
        child => child?,
    };
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::other("no process id"))?;
    let handle = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
    Ok((handle, pid, child))
}

fn execute(image: &HelperImage, socket: OwnedFd) -> io::Result<Child> {
    let program = image::path(image)?;
    #[expect(clippy::disallowed_methods, reason = "starts kode's own helper")]
    let mut command = Command::new(program);
    command
        .arg0(HELPER_NAME)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(socket))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // The helper's end of the socket is only the helper's: `command` goes here.
    command.spawn()
}
