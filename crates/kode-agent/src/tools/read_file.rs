//! `read_file`: numbered lines of one text file.

use std::fmt::Write as _;

use kode_base::Untrusted;
use serde::Deserialize;

use super::output::{cap, looks_binary};
use super::request::lenient_number;
use super::{ToolOutcome, Workspace};

/// Lines shown without a limit.
const LINES_MAX: u64 = 2000;
/// Longer lines are cut.
const LINE_CHARACTERS_MAX: usize = 2000;

/// Arguments of `read_file`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadFile {
    pub(crate) path: String,
    #[serde(default, deserialize_with = "lenient_number")]
    pub(crate) offset: Option<u64>,
    #[serde(default, deserialize_with = "lenient_number")]
    pub(crate) limit: Option<u64>,
}

impl ReadFile {
    /// Reads through the gate.
    pub(crate) fn run(&self, workspace: &mut Workspace) -> ToolOutcome {
        match workspace.read(&self.path) {
            Ok((path, bytes, decision)) => {
                workspace.remember(&path, &bytes);
                ToolOutcome::done(cap(self.render(bytes)), decision)
            }
            Err(outcome) => *outcome,
        }
    }

    fn render(&self, bytes: Untrusted<Vec<u8>>) -> Untrusted<String> {
        bytes.map(|bytes| {
            if looks_binary(&bytes) {
                return format!("[binary file, {} bytes]", bytes.len());
            }
            let text = String::from_utf8_lossy(&bytes);
            numbered(&text, self.offset.unwrap_or(1).max(1), self.limit.unwrap_or(LINES_MAX))
        })
    }
}

fn numbered(text: &str, first: u64, count: u64) -> String {
    if text.is_empty() {
        return "[empty file]".to_owned();
    }
    let total = text.lines().count() as u64;
    if first > total {
        return format!("[the file has {total} lines; line {first} is past its end]");
    }
    let mut shown = String::new();
    let skipped = usize::try_from(first - 1).unwrap_or(usize::MAX);
    let wanted = usize::try_from(count.min(LINES_MAX)).unwrap_or(usize::MAX);
    for (index, line) in text.lines().enumerate().skip(skipped).take(wanted) {
        let cut = line.char_indices().nth(LINE_CHARACTERS_MAX).map(|(at, _)| at);
        let (line, mark) = cut.map_or((line, ""), |at| (&line[..at], " [line cut]"));
        // Writing to a String can't fail.
        let _ = writeln!(shown, "{:>6}\t{line}{mark}", index + 1);
    }
    let last = first - 1 + count.min(LINES_MAX);
    if last < total {
        let _ = writeln!(shown, "[lines {first} to {last} of {total}; use offset for more]");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_from_the_offset() {
        assert_eq!(
            numbered("a\nb\nc\n", 2, 1),
            "     2\tb\n[lines 2 to 2 of 3; use offset for more]\n"
        );
        assert_eq!(numbered("a\nb", 1, 9), "     1\ta\n     2\tb\n");
    }

    #[test]
    fn an_offset_past_the_end_says_so() {
        assert_eq!(numbered("a\n", 5, 1), "[the file has 1 lines; line 5 is past its end]");
    }

    #[test]
    fn a_very_long_line_is_cut() {
        assert!(numbered(&"x".repeat(9000), 1, 1).contains("[line cut]"));
    }
}
