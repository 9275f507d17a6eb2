//! Drives a program on a real pseudo-terminal: its own session, this terminal
//! as its controlling one, so that `/dev/tty` opens it. Bounded in time.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

/// Longest wait for anything a program should do.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program on a pseudo-terminal of 80 columns and 24 rows.
pub struct TerminalSession {
    master: File,
    /// Kept open, so that the terminal's modes can be looked at.
    slave: OwnedFd,
    child: Child,
    output: Vec<u8>,
    waited_to: usize,
}

impl TerminalSession {
    /// Starts `program`, with `environment` added to this process's own.
    ///
    /// # Errors
    /// When no terminal or process can be had; `setsid` (util-linux) is needed.
    #[expect(clippy::disallowed_methods, reason = "tests start the programs they test")]
    pub fn start(
        program: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> io::Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let slave = ioctl_tiocgptpeer(&master, flags)?;
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size)?;
        let child = Command::new("setsid")
            .arg("--ctty")
            .arg(program)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::from(slave.try_clone()?))
            .stdout(Stdio::from(slave.try_clone()?))
            .stderr(Stdio::from(slave.try_clone()?))
            .spawn()?;
        let master = File::from(master);
        Ok(Self { master, slave, child, output: Vec::new(), waited_to: 0 })
    }

    /// Types `bytes`, all at once.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.master.write_all(bytes)
    }

    /// Waits until `text` appears after what was waited for before, and
    /// returns the output up to its end.
    ///
    /// # Errors
    /// When it does not appear in 20 seconds; the message shows the output.
    pub fn wait_for(&mut self, text: &str) -> io::Result<String> {
        let started = Instant::now();
        loop {
            let fresh = &self.output[self.waited_to..];
            if let Some(at) = find(fresh, text.as_bytes()) {
                let end = self.waited_to + at + text.len();
                let seen = String::from_utf8_lossy(&self.output[self.waited_to..end]).into_owned();
                self.waited_to = end;
                return Ok(seen);
            }
            if started.elapsed() > PATIENCE {
                let message = format!("{text:?} did not appear in:\n{}", self.output());
                return Err(io::Error::new(io::ErrorKind::TimedOut, message));
            }
            self.collect(Duration::from_millis(50))?;
        }
    }

    /// Gathers output for `time`.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn watch(&mut self, time: Duration) -> io::Result<()> {
        let started = Instant::now();
        while let Some(left) = time.checked_sub(started.elapsed()) {
            self.collect(left.min(Duration::from_millis(50)))?;
        }
        Ok(())
    }

    /// Everything the program has written so far, with CR LF as LF.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&self.output).replace("\r\n", "\n")
    }

    /// Process id of the program.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Whether the terminal echoes, edits lines and turns Ctrl-C into a signal,
    /// as a shell expects to find it.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn is_line_mode(&self) -> io::Result<bool> {
        let usual = LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        Ok(tcgetattr(&self.slave)?.local_modes.contains(usual))
    }

    /// Waits for the end of the program; returns its status and all output.
    ///
    /// # Errors
    /// When it does not end in 20 seconds; it is killed then.
    pub fn finish(mut self) -> io::Result<(ExitStatus, String)> {
        let status = self.wait_for_exit()?;
        while self.collect(Duration::from_millis(20))? {}
        Ok((status, self.output()))
    }

    /// Like [`Self::finish`], but the session stays, to look at its terminal.
    ///
    /// # Errors
    /// As [`Self::finish`].
    pub fn wait_for_exit(&mut self) -> io::Result<ExitStatus> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if started.elapsed() > PATIENCE {
                let message = format!("the program did not end:\n{}", self.output());
                return Err(io::Error::new(io::ErrorKind::TimedOut, message));
            }
            self.collect(Duration::from_millis(20))?;
        }
    }

    /// Takes the terminal away, as a closed window or a lost connection does, and
    /// waits for the end of the program.
    ///
    /// # Errors
    /// When it does not end in 20 seconds; it is killed then.
    pub fn hang_up(mut self) -> io::Result<ExitStatus> {
        self.master = File::open("/dev/null")?;
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, "the program outlived its terminal"))
    }

    /// Takes what is there, waiting at most `wait`; whether something was.
    fn collect(&mut self, wait: Duration) -> io::Result<bool> {
        let wait = Timespec::try_from(wait).map_err(io::Error::other)?;
        let mut watched = [PollFd::new(&self.master, PollFlags::IN)];
        if poll(&mut watched, Some(&wait))? == 0 {
            return Ok(false);
        }
        let mut chunk = [0_u8; 4096];
        let count = self.master.read(&mut chunk)?;
        self.output.extend_from_slice(&chunk[..count]);
        Ok(count > 0)
    }
}

impl Drop for TerminalSession {
    fn drop(&mut self) {
        // Already ended, most of the time; then both do nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
