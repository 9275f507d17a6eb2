//! What a command printed and how it ended. Output is kept up to a cap: the
//! head and the tail, with a line in between that says how much is missing.

use std::collections::VecDeque;
use std::time::Duration;

use kode_base::{ProjectPath, Untrusted};

use crate::{Connection, Incident};

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
