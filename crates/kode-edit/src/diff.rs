//! Line counts and unified diffs, in bounded time.

use std::ops::Range;
use std::time::Duration;

use kode_base::{ProjectPath, Untrusted};
use kode_diff::{Difference, differences};

use crate::wide::{is_binary, shown};

/// After this long the rest of a diff is shown as wholly replaced.
const TIME_LIMIT: Duration = Duration::from_secs(2);
/// Lines of context around a hunk.
const CONTEXT_LINES: usize = 3;

/// What changed in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDiff {
    /// Lines added; 0 for a binary file.
    pub added: usize,
    /// Lines removed; 0 for a binary file.
    pub removed: usize,
    /// Whether either side is binary; there is no text then.
    pub binary: bool,
    /// Raw text of the file: show escaped.
    pub unified: Untrusted<String>,
}

/// Lines added and removed, and a unified diff with three lines of context and
/// `a/`, `b/` headers (`/dev/null` for a missing side); empty when nothing
/// changed or a side is binary. UTF-16 shows as text, other
/// bytes that are not UTF-8 as U+FFFD.
pub fn diff(path: &ProjectPath, before: Option<&[u8]>, after: Option<&[u8]>) -> FileDiff {
    let (old, new) = (shown(before.unwrap_or_default()), shown(after.unwrap_or_default()));
    let (old, new) = (&*old, &*new);
    let mut result =
        FileDiff { added: 0, removed: 0, binary: false, unified: Untrusted::default() };
    if before == after {
        return result;
    }
    if is_binary(old) || is_binary(new) {
        result.binary = true;
        return result;
    }
    let (old, new) = (lines(old), lines(new));
    let found = differences(&old, &new, Some(TIME_LIMIT));
    result.added = found.iter().map(|at| at.new.len()).sum();
    result.removed = found.iter().map(|at| at.old.len()).sum();
    let header = |side: Option<&[u8]>, letter| match side {
        Some(_) => quoted_name(&format!("{letter}/{}", path.as_str())),
        None => "/dev/null".to_owned(),
    };
    let mut text = format!("--- {}\n+++ {}\n", header(before, 'a'), header(after, 'b'));
    for hunk in hunks(&found) {
        write_hunk(&mut text, hunk, &old, &new);
    }
    result.unified = Untrusted::new(text);
    result
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    let ends = memchr::memchr_iter(b'\n', text).map(|newline| newline + 1);
    let mut start = 0;
    let mut lines = Vec::with_capacity(text.len() / 32);
    for end in ends.chain((!text.ends_with(b"\n")).then_some(text.len())) {
        if start < end {
            lines.push(&text[start..end]);
        }
        start = end;
    }
    lines
}

/// The differences whose lines of context meet, together.
fn hunks(found: &[Difference]) -> impl Iterator<Item = &[Difference]> {
    found.chunk_by(|one, next| next.old.start - one.old.end <= 2 * CONTEXT_LINES)
}

/// Writes one hunk with its context; the text between differences is the same in both.
fn write_hunk(text: &mut String, hunk: &[Difference], old: &[&[u8]], new: &[&[u8]]) {
    let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else { return };
    let before = CONTEXT_LINES.min(first.old.start);
    let after = CONTEXT_LINES.min(old.len() - last.old.end);
    let old_lines = first.old.start - before..last.old.end + after;
    let new_lines = first.new.start - before..last.new.end + after;
    text.push_str(&format!("@@ -{} +{} @@\n", side(&old_lines), side(&new_lines)));
    let mut at = old_lines.start;
    for difference in hunk {
        write_lines(text, ' ', &old[at..difference.old.start]);
        write_lines(text, '-', &old[difference.old.clone()]);
        write_lines(text, '+', &new[difference.new.clone()]);
        at = difference.old.end;
    }
    write_lines(text, ' ', &old[at..old_lines.end]);
}

/// Lines as a hunk's header names them: the first one's number, or of an empty range
/// the one before, and how many unless one.
fn side(lines: &Range<usize>) -> String {
    match lines.len() {
        1 => format!("{}", lines.start + 1),
        0 => format!("{},0", lines.start),
        count => format!("{},{count}", lines.start + 1),
    }
}

fn write_lines(text: &mut String, mark: char, lines: &[&[u8]]) {
    for line in lines {
        text.push(mark);
        text.push_str(&String::from_utf8_lossy(line));
        if !line.ends_with(b"\n") {
            text.push_str("\n\\ No newline at end of file\n");
        }
    }
}

/// A name as git writes it in a header: in quotes with C escapes where it holds
/// what could end the line or the quotes, so that no name forges a line.
fn quoted_name(name: &str) -> String {
    let odd = |character: char| character.is_control() || matches!(character, '"' | '\\');
    if !name.chars().any(odd) {
        return name.to_owned();
    }
    let mut quoted = String::from("\"");
    for character in name.chars() {
        match character {
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => {
                for byte in control.encode_utf8(&mut [0; 4]).bytes() {
                    quoted.push_str(&format!("\\{byte:03o}"));
                }
            }
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}

/// What a quoted name stands for; `None` when the quoting is broken.
pub(crate) fn unquoted_name(quoted: &str) -> Option<String> {
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'"' => return None,
            b'\\' => match rest.next()? {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                literal @ (b'"' | b'\\') => literal,
                high @ b'0'..=b'3' => {
                    let digits = [high, rest.next()?, rest.next()?];
                    let text = std::str::from_utf8(&digits).ok()?;
                    u8::from_str_radix(text, 8).ok()?
                }
                _ => return None,
            },
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> ProjectPath {
        ProjectPath::new("a.txt").unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "the test looks at the text")]
    fn text(diff: &FileDiff) -> &str {
        diff.unified.expose()
    }

    #[test]
    fn counts_and_text_agree() {
        let change = diff(&at(), Some(b"a\nb\nc\n"), Some(b"a\nX\nY\nc\n"));
        assert_eq!((change.added, change.removed), (2, 1));
        assert_eq!(
            text(&change),
            "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,4 @@\n a\n-b\n+X\n+Y\n c\n"
        );
    }

    #[test]
    fn a_name_forges_no_line_and_reads_back() {
        for name in ["a\nb", "a\r\tb", "a\"b\\c", "a\u{85}b\u{1b}[0m", "plain é"] {
            let path = ProjectPath::new(name).unwrap();
            let change = diff(&path, Some(b"x\n"), Some(b"y\n"));
            let lines: Vec<&str> = text(&change).lines().collect();
            assert_eq!(lines.len(), 5, "{lines:?}");
            let header = lines[1].strip_prefix("+++ ").unwrap();
            let read = unquoted_name(header).unwrap_or_else(|| header.to_owned());
            assert_eq!(read, format!("b/{name}"));
        }
        assert_eq!(unquoted_name("\"a\\q\""), None);
    }

    #[test]
    fn new_and_deleted_files_name_dev_null() {
        assert!(text(&diff(&at(), None, Some(b"x\n"))).starts_with("--- /dev/null\n+++ b/a.txt\n"));
        assert!(text(&diff(&at(), Some(b"x\n"), None)).starts_with("--- a/a.txt\n+++ /dev/null\n"));
        assert_eq!(diff(&at(), None, Some(b"x")).added, 1);
    }

    #[test]
    fn binary_files_have_no_text() {
        let change = diff(&at(), Some(b"a\0b"), Some(b"a\0c"));
        assert!(change.binary && change.unified.is_empty());
    }

    #[test]
    fn a_huge_rewrite_ends_in_time() {
        let side = |seed: u32| {
            (0..200_000u32)
                .map(|n| format!("{}\n", n.wrapping_mul(seed) % 5000))
                .collect::<String>()
        };
        let started = std::time::Instant::now();
        let change = diff(&at(), Some(side(7919).as_bytes()), Some(side(104_729).as_bytes()));
        assert!(change.added > 0);
        assert!(started.elapsed() < Duration::from_secs(30));
    }
}
