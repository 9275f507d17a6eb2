//! The view of a plan as arguments for bubblewrap, for systems that let only
//! `/usr/bin/bwrap` make namespaces (AppArmor profiles of that program). What it
//! shows is checked from inside by kode's own helper, which adds Landlock and
//! the system-call filter.
//!
//! Refuses a program that others than root may change. Started by an ordinary
//! user only.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::fs::MemfdFlags;

use super::image;
use crate::helper::HELPER_NAME;
use crate::plan::{Access, Plan, Step};
use crate::settings::HelperImage;

/// Never from the caller's `PATH`.
pub(super) const PROGRAM: &str = "/usr/bin/bwrap";

/// Bytes of its complaint that are told.
const COMPLAINT_BYTES_MAX: u64 = 400;

/// Files of `/proc` that tell of the kernel.
const PROC_HIDDEN: &[&str] =
    &["kcore", "keys", "key-users", "kmsg", "sysrq-trigger", "timer_list", "latency_stats"];

/// Whether the program is there and nobody but root can have changed it.
pub(super) fn is_usable() -> bool {
    let safe = |path: &Path| {
        std::fs::symlink_metadata(path)
            .is_ok_and(|found| found.uid() == 0 && found.mode() & 0o022 == 0)
    };
    let program = Path::new(PROGRAM);
    program.is_file() && program.ancestors().all(safe)
}

/// Arguments, and what they name by number.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    words: Vec<String>,
    files: Vec<OwnedFd>,
    /// What the plan's own files hold, by their paths.
    contents: HashMap<String, String>,
    complaints: Option<File>,
}

impl Arguments {
    /// What shows the plan's view and starts the helper in it as process 1.
    pub(super) fn of(plan: &Plan, image: &HelperImage) -> io::Result<Self> {
        let mut arguments = Self::default();
        let identity = &plan.identity;
        for kind in ["user", "ipc", "pid", "net", "uts", "cgroup"] {
            arguments.add(&[&format!("--unshare-{kind}")]);
        }
        arguments.add(&["--uid", &identity.inside_user.to_string()]);
        arguments.add(&["--gid", &identity.inside_group.to_string()]);
        arguments.add(&["--hostname", "kode", "--die-with-parent", "--new-session"]);
        arguments.add(&["--as-pid-1", "--clearenv", "--cap-drop", "ALL"]);
        arguments.add(&["--dev", "/dev", "--proc", "/proc"]);
        for name in PROC_HIDDEN.iter().map(|name| format!("/proc/{name}")) {
            if Path::new(&name).exists() {
                arguments.add(&["--ro-bind", "/dev/null", &name]);
            }
        }
        for step in &plan.steps {
            arguments.step(step)?;
        }
        let helper = format!("/{HELPER_NAME}");
        arguments.add(&["--perms", "0555"]);
        arguments.file("--ro-bind-data", image::data(image)?, &helper);
        arguments.add(&["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/", "--"]);
        arguments.add(&[&helper]);
        Ok(arguments)
    }

    fn add(&mut self, words: &[&str]) {
        self.words.extend(words.iter().map(|&word| word.to_owned()));
    }

    fn file(&mut self, option: &str, file: OwnedFd, path: &str) {
        self.add(&[option, &file.as_raw_fd().to_string(), path]);
        self.files.push(file);
    }

    fn step(&mut self, step: &Step) -> io::Result<()> {
        match step {
            // Its own `/dev` has all of this.
            Step::Folder { path, .. } | Step::Link { path, .. } if path.starts_with("/dev/") => {}
            Step::Terminals => {}
            Step::Bind(bind) if bind.access == Access::Device => {}
            Step::Folder { path, mode } => {
                self.add(&["--perms", &format!("{mode:04o}"), "--dir", path]);
            }
            Step::File { path, content } => {
                self.contents.insert(path.clone(), content.clone());
                self.add(&["--perms", "0644"]);
                self.file("--ro-bind-data", memory(content.as_bytes())?, path);
            }
            Step::Link { path, target } => self.add(&["--symlink", target, path]),
            Step::Tmpfs { path, bytes_max, mode } => {
                self.add(&["--perms", &format!("{mode:04o}"), "--size", &bytes_max.to_string()]);
                self.add(&["--tmpfs", path]);
            }
            Step::Bind(bind) => {
                let option = if bind.access == Access::ReadWrite { "--bind" } else { "--ro-bind" };
                self.add(&[option, &bind.source, &bind.target]);
            }
            Step::Mask { path, .. } => {
                self.add(&["--perms", "0000"]);
                self.file("--ro-bind-data", memory(b"")?, path);
            }
            // For networked sandboxes, which there are none of beside this wall.
            Step::Keep { .. } => {}
            Step::Cover { from, over } if self.contents.contains_key(from) => {
                self.add(&["--perms", "0644"]);
                self.file("--ro-bind-data", memory(self.contents[from].as_bytes())?, over);
            }
            Step::Bytes { .. } | Step::Inherit { .. } | Step::Cover { .. } => {
                return Err(io::Error::other("hosts can't be opened in this sandbox"));
            }
        }
        Ok(())
    }

    /// Has the program's complaints kept for [`complaint`].
    pub(super) fn keep_complaints(&mut self) -> io::Result<File> {
        let kept = File::from(memory(b"")?);
        self.complaints = Some(kept.try_clone()?);
        Ok(kept)
    }

    /// Starts it with `socket` as the helper's standard input.
    pub(super) fn start(self, socket: OwnedFd) -> io::Result<Child> {
        #[expect(clippy::disallowed_methods, reason = "builds the sandbox that runs commands")]
        let mut command = Command::new(PROGRAM);
        let complaints = self.complaints.map_or_else(Stdio::null, Stdio::from);
        command
            .args(&self.words)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(socket))
            .stdout(Stdio::null())
            .stderr(complaints);
        let numbers: Vec<i32> = self.files.iter().map(AsRawFd::as_raw_fd).collect();
        let keep_open = move || {
            for number in &numbers {
                // SAFETY: only clears a flag of a descriptor that `files` keeps open.
                if unsafe { libc::fcntl(*number, libc::F_SETFD, 0) } < 0 {
                    return Err(io::Error::last_os_error());
                }
            }
            Ok(())
        };
        // SAFETY: `fcntl` is async-signal-safe; nothing is allocated.
        unsafe { command.pre_exec(keep_open) };
        command.spawn()
    }
}

/// The first line it complained with.
pub(super) fn complaint(mut kept: &File) -> String {
    let mut text = Vec::new();
    let read = kept
        .seek(SeekFrom::Start(0))
        .and_then(|_| kept.take(COMPLAINT_BYTES_MAX).read_to_end(&mut text));
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().next().filter(|_| read.is_ok()).unwrap_or_default();
    line.chars().filter(|character| !character.is_control()).collect()
}

/// A file in memory, to be read from its beginning.
fn memory(content: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(rustix::fs::memfd_create(c"kode-sandbox", MemfdFlags::CLOEXEC)?);
    file.write_all(content)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file.into())
}
