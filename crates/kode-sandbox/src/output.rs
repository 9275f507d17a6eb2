//! What a command printed and how it ended. Output is kept up to a cap: the
//! head and the tail, with a line in between that says how much is missing.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use kode_base::{ProjectPath, Untrusted};

use crate::Connection;

/// Bytes kept from the beginning and from the end.
const HEAD_BYTES_MAX: usize = 256 * 1024;
const TAIL_BYTES_MAX: usize = 256 * 1024;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandEnd {
    /// With this exit code.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
    /// Killed at its time limit.
    TimedOut,
    /// Killed because the user interrupted.
    Interrupted,
}

impl CommandEnd {
    /// The exit code, and the end's name in the audit log.
    pub fn recorded(self) -> (Option<i32>, &'static str) {
        match self {
            Self::Exited(0) => (Some(0), "done"),
            Self::Exited(code) => (Some(code), "failed"),
            Self::Signalled(_) => (None, "failed"),
            Self::TimedOut => (None, "timed_out"),
            Self::Interrupted => (None, "interrupted"),
        }
    }
}

/// What a command left behind.
#[derive(Debug, Clone)]
pub struct CommandOutput {
    /// Standard output and error interleaved; head and tail past 512 KiB.
    pub output: Untrusted<Vec<u8>>,
    /// Bytes produced in all.
    pub bytes_total: u64,
    /// How it ended.
    pub end: CommandEnd,
    /// Wall-clock time from start to the last process's end.
    pub elapsed: Duration,
    /// What the sandbox had to do about the command; a person should see it.
    pub incidents: Vec<Incident>,
    /// Every connection it tried, carried or refused, where hosts were open.
    pub connections: Vec<Connection>,
    /// Files it could not read because hosts were open and they hold, or are what
    /// once was, a credential; those that are named like one only where it failed.
    pub masked: Vec<ProjectPath>,
}

/// Something a command tried that the sandbox undid or could not look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incident {
    /// A file that git or kode itself would obey appeared or changed; it was
    /// renamed.
    Quarantined {
        /// Where it appeared.
        path: ProjectPath,
        /// Where it is now.
        moved_to: ProjectPath,
    },
    /// A protected file changed so that the command could have changed it too,
    /// though it may have been a person. It was renamed, and what stood there
    /// before the command is back.
    PutBack {
        /// The file.
        path: ProjectPath,
        /// Where the change is now.
        moved_to: ProjectPath,
    },
    /// The same, but renaming failed: don't run git there before looking.
    NotQuarantined {
        /// Where it appeared.
        path: ProjectPath,
        /// What the system said.
        error: String,
    },
    /// The same in the repository of a project that is a linked worktree.
    InRepository {
        /// Absolute.
        folder: String,
        /// What happened; its paths are below the folder.
        incident: Box<Incident>,
    },
    /// More files that git or kode would obey than are named one by one.
    MorePutAside {
        /// How many were renamed.
        count: usize,
        /// How many could not be.
        failed: usize,
    },
    /// Files that git runs, because its configuration names them, appeared or changed.
    GitRuns {
        /// The setting.
        key: String,
        /// Some of the files.
        paths: Vec<ProjectPath>,
        /// How many there are besides.
        more: usize,
    },
    /// Not all could be looked at: too many folders or files, or one was exchanged.
    Unchecked,
    /// Another file system is mounted in the project: commands could write there, and
    /// nobody looked for forged files.
    NotLookedInto {
        /// Where.
        path: ProjectPath,
    },
    /// A file got set-id bits, or bits that let everybody write; they were
    /// taken away again.
    PermissionsTightened {
        /// The file.
        path: ProjectPath,
        /// The bits that went.
        bits: u32,
    },
    /// A program with capabilities of its own was changed or named anew; they, and
    /// its set-id bits, were taken away.
    CapabilitiesTaken {
        /// The program.
        path: ProjectPath,
    },
    /// The same, but the bits could not be taken away.
    PermissionsLeft {
        /// The file.
        path: ProjectPath,
        /// The bits that are still there.
        bits: u32,
        /// What the system said.
        error: String,
    },
    /// More files of these two kinds than are named one by one.
    MorePermissions {
        /// How many.
        count: usize,
    },
    /// The project's file system ran so full that everything was killed.
    LowSpace {
        /// Bytes that must stay free.
        free_bytes_min: u64,
    },
    /// The command ended the container it ran in, and everything with it.
    ContainerEnded,
    /// The processes together went over the memory limit and were killed.
    MemoryLimit {
        /// The limit in bytes.
        bytes_max: u64,
    },
}

impl fmt::Display for Incident {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quarantined { path, moved_to } => write!(
                formatter,
                "the command made or changed {path}, which git or kode would obey; it is now \
                 {moved_to}; to keep it, look at it (a HEAD: at its whole folder) and rename it back"
            ),
            Self::PutBack { path, moved_to } => write!(
                formatter,
                "{path}, which git or kode obeys, was replaced while the command ran, by you or by \
                 it; it is as it was before, and the change is now {moved_to}"
            ),
            Self::NotQuarantined { path, error } => write!(
                formatter,
                "the command made or changed {path}, which git or kode would obey, and it can't \
                 be renamed ({error}); don't run git there before looking"
            ),
            Self::InRepository { folder, incident } => {
                write!(formatter, "in {}: {incident}", kode_base::escape::escape_line(folder))
            }
            Self::MorePutAside { count, failed } => write!(
                formatter,
                "and {count} more such files were renamed, {failed} could not be; they are beside \
                 their places, with `.kode-quarantine-` in their names"
            ),
            Self::GitRuns { key, paths, more } => {
                let names: Vec<String> = paths.iter().map(ToString::to_string).collect();
                let more = if *more > 0 { format!(" and {more} more") } else { String::new() };
                write!(
                    formatter,
                    "the command made or changed {}{more}, which git runs on this machine ({} in \
                     .git/config); look at it before you run git",
                    names.join(", "),
                    kode_base::escape::escape_line(key)
                )
            }
            Self::Unchecked => {
                formatter.write_str("not all of the project could be looked at for forged files: it has too many, or something exchanged folders meanwhile")
            }
            Self::NotLookedInto { path } => write!(
                formatter,
                "{path} is another file system, where commands can write and kode does not look \
                 for forged files; don't run git there before looking"
            ),
            Self::PermissionsTightened { path, bits } => write!(
                formatter,
                "the command left {path} with mode bits {bits:04o}, which let others on this \
                 machine act; they are gone now"
            ),
            Self::CapabilitiesTaken { path } => write!(
                formatter,
                "the command changed {path}, a program with capabilities of its own; they are \
                 gone now (setcap gives them back)"
            ),
            Self::PermissionsLeft { path, bits, error } => write!(
                formatter,
                "the command left {path} with mode bits {bits:04o}, which let others on this \
                 machine act, and they can't be taken away ({error})"
            ),
            Self::MorePermissions { count } => {
                write!(formatter, "and {count} more files with such mode bits")
            }
            Self::LowSpace { free_bytes_min } => write!(
                formatter,
                "the command's processes were killed: the project's disk has less than \
                 {free_bytes_min} bytes free; make room before going on"
            ),
            Self::ContainerEnded => formatter.write_str(
                "the command ended its container; the next one runs in a new one, where temporary \
                 files and home are empty again",
            ),
            Self::MemoryLimit { bytes_max } => write!(
                formatter,
                "the command's processes went over the memory limit of {bytes_max} bytes and \
                 were killed"
            ),
        }
    }
}

/// Collects output within bounds.
#[derive(Debug, Default)]
pub(crate) struct Capture {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    bytes_total: u64,
}

impl Capture {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes_total += bytes.len() as u64;
        let room = HEAD_BYTES_MAX - self.head.len();
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(head);
        self.tail.extend(rest);
        let excess = self.tail.len().saturating_sub(TAIL_BYTES_MAX);
        self.tail.drain(..excess);
    }

    pub(crate) fn finish(self, end: CommandEnd, elapsed: Duration) -> CommandOutput {
        let kept = (self.head.len() + self.tail.len()) as u64;
        let mut output = self.head;
        if self.bytes_total > kept {
            let missing = self.bytes_total - kept;
            output.extend(format!("\n[… {missing} bytes left out …]\n").into_bytes());
        }
        output.extend(self.tail);
        let bytes_total = self.bytes_total;
        CommandOutput {
            output: Untrusted::new(output),
            bytes_total,
            end,
            elapsed,
            incidents: Vec::new(),
            connections: Vec::new(),
            masked: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(capture: Capture) -> (Vec<u8>, u64) {
        let done = capture.finish(CommandEnd::Exited(0), Duration::ZERO);
        #[expect(clippy::disallowed_methods, reason = "a test looks at its own bytes")]
        let bytes = done.output.expose().clone();
        (bytes, done.bytes_total)
    }

    #[test]
    fn small_output_is_kept_whole() {
        let mut capture = Capture::default();
        capture.push(b"one ");
        capture.push(b"two");
        assert_eq!(finished(capture), (b"one two".to_vec(), 7));
    }

    #[test]
    fn large_output_keeps_head_and_tail_and_says_what_is_missing() {
        let mut capture = Capture::default();
        for number in 0..200_000 {
            capture.push(format!("line {number:08}\n").as_bytes());
        }
        let (bytes, total) = finished(capture);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("line 00000000\n"));
        assert!(text.ends_with("line 00199999\n"));
        assert!(text.contains("bytes left out"));
        assert_eq!(total, 200_000 * 14);
        assert!(text.len() < HEAD_BYTES_MAX + TAIL_BYTES_MAX + 100);
    }
}
