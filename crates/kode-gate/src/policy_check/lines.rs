//! Lines of `kode policy check --stdin`, read with a bound: a line past it is
//! answered by its `id` and never allowed, and none of it is kept.

use std::io::{self, BufRead, Write};

use super::{Answer, check_line, written};
use crate::judge::SessionState;
use crate::policy::Policy;
use crate::shell::parser::SIZE_MAX;

/// Longest line that is read, in bytes: a command of [`SIZE_MAX`] with every
/// byte written as `\u00xx`, and room for the `id`.
const LINE_MAX: usize = 6 * SIZE_MAX + 4 * 1024;

/// One line as far as it was read.
enum Read {
    Whole(Vec<u8>),
    /// The beginning of a line that was too long.
    Cut(Vec<u8>),
}

/// Answers every line of `input` on a line of `output`, in order; empty lines
/// are passed over.
///
/// # Errors
///
/// When `input` can't be read or `output` not be written.
pub fn answer_lines(
    mut input: impl BufRead,
    mut output: impl Write,
    policy: &Policy,
    state: &SessionState,
) -> io::Result<()> {
    while let Some(line) = next_line(&mut input)? {
        match line {
            Read::Cut(beginning) => writeln!(output, "{}", too_long(&beginning))?,
            Read::Whole(line) if line.iter().all(u8::is_ascii_whitespace) => {}
            // A line that is no UTF-8 is a question of its own, not the end.
            Read::Whole(line) => {
                let line = String::from_utf8(line).unwrap_or_else(|_| "not UTF-8".to_owned());
                writeln!(output, "{}", check_line(&line, policy, state))?;
            }
        }
    }
    output.flush()
}

/// The next line without its newline; `None` at the end.
fn next_line(input: &mut impl BufRead) -> io::Result<Option<Read>> {
    let mut line = Vec::new();
    let mut cut = false;
    loop {
        let chunk = match input.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if chunk.is_empty() {
            return Ok(if cut {
                Some(Read::Cut(line))
            } else {
                Some(line).filter(|line| !line.is_empty()).map(Read::Whole)
            });
        }
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        let room = LINE_MAX - line.len();
        line.extend_from_slice(&part[..part.len().min(room)]);
        cut |= part.len() > room;
        let used = end.map_or(chunk.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() {
            return Ok(Some(if cut { Read::Cut(line) } else { Read::Whole(line) }));
        }
    }
}

/// The answer to a line that is too long: its `id`, where that stands first.
fn too_long(beginning: &[u8]) -> String {
    written(&Answer {
        id: &leading_id(beginning).unwrap_or_default(),
        verdict: "prompt",
        class: "code_execution",
        reason: "the command is longer than 64 KiB",
        rule: "input",
    })
}

/// The value of `id` where it is the first member of the object.
fn leading_id(beginning: &[u8]) -> Option<serde_json::Value> {
    let text = beginning.trim_ascii_start().strip_prefix(b"{")?.trim_ascii_start();
    let value = text.strip_prefix(b"\"id\"")?.trim_ascii_start().strip_prefix(b":")?;
    serde_json::Deserializer::from_slice(value).into_iter().next()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(input: &str) -> Vec<serde_json::Value> {
        let mut output = Vec::new();
        let state =
            SessionState { project_root: "/work/app".to_owned(), ..SessionState::default() };
        answer_lines(input.as_bytes(), &mut output, &Policy::default(), &state).unwrap();
        let text = String::from_utf8(output).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_without_end_is_answered_by_its_id_and_the_next_is_read() {
        let long = "a".repeat(2 * LINE_MAX);
        let found = answers(&format!(
            "{{\"id\": [7], \"cmd\": \"{long}\"}}\n{{\"id\":2,\"cmd\":\"ls\"}}\n{{\"cmd\":\"{long}"
        ));
        assert_eq!(found.len(), 3);
        assert_eq!((&found[0]["id"], &found[0]["verdict"]), (&[7].into(), &"prompt".into()));
        assert_eq!((&found[1]["id"], &found[1]["verdict"]), (&2.into(), &"allow".into()));
        assert_eq!((&found[2]["id"], &found[2]["verdict"]), (&().into(), &"prompt".into()));
    }

    #[test]
    fn a_command_past_the_limit_is_never_allowed_and_one_at_it_is_judged() {
        for (length, verdict) in [(SIZE_MAX, "allow"), (SIZE_MAX + 1, "prompt")] {
            let escaped = "\\u0061".repeat(length - 5);
            let found = answers(&format!("{{\"id\":1,\"cmd\":\"echo {escaped}\"}}\n"));
            assert_eq!(found[0]["verdict"], verdict, "{length}");
        }
    }

    #[test]
    fn empty_lines_and_a_missing_last_newline_are_no_trouble() {
        assert_eq!(answers("\n \n{\"id\":1,\"cmd\":\"ls\"}").len(), 1);
        assert!(answers("").is_empty());
    }
}
