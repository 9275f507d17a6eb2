//! kode in a tmux window of its own server: keys and mouse in, the screen out.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::workspace::Workspace;

/// Longest wait for anything that should appear.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longest wait for a screen to be drawn whole; one with a spinner never rests.
const SETTLING: Duration = Duration::from_millis(600);
/// Between two looks.
const BETWEEN: Duration = Duration::from_millis(40);

/// A window; its server ends with it.
pub struct Window {
    socket: PathBuf,
}

impl Window {
    /// Starts `kode ARGUMENTS` in the workspace; none without tmux.
    pub fn start(workspace: &Workspace, size: (u16, u16), arguments: &str) -> Option<Self> {
        Self::start_with(workspace, size, "", arguments)
    }

    /// The same with more environment, as `NAME=VALUE` words for a shell.
    pub fn start_with(
        workspace: &Workspace,
        size: (u16, u16),
        environment: &str,
        arguments: &str,
    ) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            kode_testkit::skip_or_fail("tmux is not installed");
            return None;
        }
        // A server that is ending would take a new window with it.
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let window = Self { socket: workspace.beside(&format!("tmux{number}")) };
        let line = format!(
            "cd '{}' && env -i PATH=\"$PATH\" TERM=\"$TERM\" NO_COLOR=1 HOME='{}' {environment} '{}' {arguments}; \
             echo \"ended with $?\"; sleep 30",
            workspace.project().display(),
            workspace.user_home().display(),
            env!("CARGO_BIN_EXE_kode"),
        );
        let (columns, rows) = (size.0.to_string(), size.1.to_string());
        window.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", &columns, "-y", &rows, &line]);
        Some(window)
    }

    /// A shell with job control in the workspace, to start kode from.
    pub fn shell(workspace: &Workspace, size: (u16, u16)) -> Option<Self> {
        let window =
            Self::start_with(workspace, size, "PS1='$ ' bash --norc --noprofile -i; ", "")?;
        Some(window)
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("tmux");
        let output = command.arg("-S").arg(&self.socket).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What is on the screen.
    pub fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// Waits until the screen shows `text`, and gives it as it is once drawn whole.
    pub fn wait_for(&self, text: &str) -> String {
        self.wait_until(text, |screen| screen.contains(text))
    }

    /// Waits until `holds` does.
    pub fn wait_until(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let started = Instant::now();
        loop {
            let screen = self.screen();
            if holds(&screen) {
                return self.settled(screen, holds);
            }
            assert!(started.elapsed() < PATIENCE, "{what:?} did not come:\n{screen}");
            std::thread::sleep(BETWEEN);
        }
    }

    /// The screen once two looks in a row are the same: one look may fall into
    /// the middle of a frame. The last one that `holds`, where it moves on.
    fn settled(&self, mut shown: String, holds: impl Fn(&str) -> bool) -> String {
        let started = Instant::now();
        while started.elapsed() < SETTLING {
            std::thread::sleep(BETWEEN);
            let again = self.screen();
            if again == shown || !holds(&again) {
                break;
            }
            shown = again;
        }
        shown
    }

    /// Presses one key, by tmux's name for it.
    pub fn key(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// Types text and Enter.
    pub fn line(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
        self.key("Enter");
    }

    /// Clicks on a column and row, both from 1, as a terminal reports it.
    pub fn click(&self, column: usize, row: usize) {
        self.tmux(&["send-keys", "-l", &format!("\u{1b}[<0;{column};{row}M")]);
        self.tmux(&["send-keys", "-l", &format!("\u{1b}[<0;{column};{row}m")]);
    }

    /// Types text without Enter.
    pub fn text(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
    }

    /// Clicks on the ✕ or ↶ of the row that holds `name`.
    pub fn click_cross(&self, name: &str) {
        let screen = self.screen();
        let sign_of = |line: &str| line.chars().position(|c| matches!(c, '✕' | '↶'));
        let mut rows = screen.lines().enumerate().filter(|(_, line)| line.contains(name));
        let (row, sign) = rows.find_map(|(row, line)| Some((row, sign_of(line)?))).unwrap();
        self.click(sign + 1, row + 1);
    }

    /// Kills kode, as a crash of the machine would: it can do nothing any more.
    pub fn kill(&self) {
        let shell = self.tmux(&["display-message", "-p", "#{pane_pid}"]);
        let shell = shell.trim();
        let children = format!("/proc/{shell}/task/{shell}/children");
        let kode = std::fs::read_to_string(children).unwrap();
        let status = Command::new("kill").arg("-9").args(kode.split_whitespace()).status();
        assert!(status.unwrap().success());
        self.wait_for("ended with 137");
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        let (columns, rows) = (columns.to_string(), rows.to_string());
        self.tmux(&["resize-window", "-x", &columns, "-y", &rows]);
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // A server that never started has nothing to end.
        let _ = Command::new("tmux").arg("-S").arg(&self.socket).arg("kill-server").output();
    }
}
