//! Text that would end the process: some grammars keep what is open (indents, quotes,
//! heredocs) and write it into a buffer of 1,024 bytes, where an assertion ends the
//! process if it does not fit or can't be read back. Such text is never parsed.
//!
//! Looked at for each grammar: Python's indents and Ruby's heredocs can get there. C# and
//! PHP check the room they have, C++ and Rust keep a delimiter of bounded length, and the
//! others keep nothing.

use crate::Language;

/// Different indents a Python file may have: two bytes each, beside 255 open quotes.
const INDENTS_MAX: usize = 380;
/// Bytes that so many different indents take at least, with a tab counted as eight.
const INDENTED_BYTES: usize = INDENTS_MAX * INDENTS_MAX / 16;
/// Indents are counted in 16 bits.
const INDENT_WORDS: usize = (u16::MAX as usize + 1) / 64;
/// Bytes of a heredoc's word; its length is kept in one byte.
const WORD_MAX: usize = 100;
/// What Ruby's scanner may keep: five bytes an open literal, four and its word a heredoc.
const OPEN_MAX: usize = 1_000;
/// Bytes of open literals and heredocs on one line, or of literals open at once, that
/// code comes nowhere near.
const NESTED_MAX: usize = 300;

/// Whether the scanner's state for this text stays within its bounds.
pub(crate) fn is_bounded(language: Language, source: &[u8]) -> bool {
    match language {
        Language::Python => source.len() < INDENTED_BYTES || !has_many_indents(source),
        Language::Ruby => !has_odd_heredocs(source),
        _ => true,
    }
}

/// The scanner keeps ascending indents, so no more than there are different ones.
fn has_many_indents(source: &[u8]) -> bool {
    let mut seen: Vec<u64> = Vec::new();
    let (mut different, mut continued) = (0, 0);
    for newline in memchr::memchr2_iter(b'\n', b'\r', source) {
        let (indent, goes_on) = indent(&source[newline + 1..]);
        continued += usize::from(goes_on);
        if indent == 0 {
            continue;
        }
        if seen.is_empty() {
            seen.resize(INDENT_WORDS, 0);
        }
        let (word, bit) = (usize::from(indent) / 64, 1 << (indent % 64));
        if seen.get(word).is_some_and(|word| word & bit == 0) {
            seen[word] |= bit;
            different += 1;
        }
    }
    // Blank lines ended by a backslash are added up: each may make one more.
    different + continued > INDENTS_MAX
}

/// How far a line is indented as the scanner counts, and whether a backslash follows.
fn indent(line: &[u8]) -> (u16, bool) {
    let mut indent: u16 = 0;
    for byte in line {
        match byte {
            b' ' => indent = indent.wrapping_add(1),
            b'\t' => indent = indent.wrapping_add(8),
            b'\x0c' => indent = 0,
            other => return (indent, *other == b'\\'),
        }
    }
    (indent, false)
}

/// Ruby: a heredoc's word that is too long, or more open than fits. What a whole file
/// opens seldom comes near the bound; where it does, lines and nesting are looked at.
fn has_odd_heredocs(source: &[u8]) -> bool {
    let mut heredocs = 0;
    for at in memchr::memmem::find_iter(source, b"<<") {
        let word = heredoc_word(&source[at + 2..]);
        if word > WORD_MAX {
            return true;
        }
        heredocs += if word > 0 { word + 4 } else { 0 };
    }
    let literals = 5 * (memchr::memmem::find_iter(source, b"#{").count() + 1);
    heredocs > 0 && heredocs + literals > OPEN_MAX && is_deeply_nested(source)
}

/// Whether one line, or literals inside each other, open far more than code does.
fn is_deeply_nested(source: &[u8]) -> bool {
    let mut depth: usize = 0;
    source.split(|byte| *byte == b'\n').any(|line| {
        let heredocs: usize = memchr::memmem::find_iter(line, b"<<")
            .map(|at| heredoc_word(&line[at + 2..]))
            .filter(|word| *word > 0)
            .map(|word| word + 4)
            .sum();
        let opened = 5 * memchr::memmem::find_iter(line, b"#{").count();
        let closed = 5 * memchr::memchr_iter(b'}', line).count();
        depth = (depth + opened).saturating_sub(closed);
        heredocs + opened > NESTED_MAX || depth > NESTED_MAX
    })
}

/// Bytes of the word that a heredoc's `<<` is followed by; none where it is no heredoc.
fn heredoc_word(rest: &[u8]) -> usize {
    let rest = rest.strip_prefix(b"-").or_else(|| rest.strip_prefix(b"~")).unwrap_or(rest);
    match rest.first() {
        Some(quote @ (b'\'' | b'"' | b'`')) => {
            // A longer one is refused, so the rest of the file need not be read.
            let near = &rest[1..rest.len().min(WORD_MAX + 3)];
            memchr::memchr(*quote, near).unwrap_or(near.len())
        }
        _ => rest
            .iter()
            .take(4 * WORD_MAX)
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_' || !byte.is_ascii())
            .count(),
    }
}

#[cfg(test)]
mod tests {
    use super::is_bounded;
    use crate::{Language, parse};

    fn nested(levels: usize, indent: &str) -> String {
        let lines = (0..levels).map(|at| format!("{}if a:\n", indent.repeat(at)));
        lines.chain([format!("{}f(a['b'])\n", indent.repeat(levels))]).collect()
    }

    #[test]
    fn files_that_would_end_the_process_are_given_up() {
        let open = format!("{}x = {}", nested(400, " "), "f'{".repeat(300));
        let carried = format!("{}{}", nested(300, " "), " \\\n".repeat(200));
        for file in [&nested(511, " "), &nested(520, " "), &nested(700, "\t"), &open, &carried] {
            if Language::Python.grammar().is_some() {
                assert!(parse(Language::Python, file.as_bytes()).is_err());
                let old = file.replace('\n', "\r");
                assert!(!is_bounded(Language::Python, old.as_bytes()));
            }
        }
        let long = "A".repeat(300);
        let many: String = (0..93).map(|at| format!("<<A{at:06},")).collect();
        let deep = format!("x = {}<<ABCD", "\"#{".repeat(203));
        for file in [
            format!("x = <<{long}\n{long}\n"),
            format!("x = <<~\"{}\"\n", "a b".repeat(90)),
            format!("f({many}1)\n"),
            format!("f({many}<<B)\n{}", "\"#{a}\"\n".repeat(300)),
            deep,
        ] {
            if Language::Ruby.grammar().is_some() {
                assert!(parse(Language::Ruby, file.as_bytes()).is_err(), "{file}");
            }
        }
    }

    #[test]
    fn the_deepest_that_is_let_through_is_parsed() {
        let quotes = "f'{".repeat(300);
        for (language, file) in [
            (Language::Python, format!("{}x = {quotes}", nested(378, " "))),
            (Language::Python, format!("{}x = 1", " \t\\\n".repeat(379))),
            (Language::Ruby, format!("x = {}1", "\"#{".repeat(400))),
            (Language::Ruby, format!("x = <<{0}\n{0}\n", "A".repeat(100))),
            (Language::Ruby, "x = <<~SQL\n  a #{b} c\nSQL\n".repeat(2_000)),
            (Language::CSharp, format!("x = {}1", "$\"{".repeat(600))),
            (Language::Php, format!("<?php x({}1);", "<<<ABCDEFGHIJ\n{$a[".repeat(300))),
            (Language::Php, format!("<?php $x = <<<{0}\n{0};", "A".repeat(2_000))),
            (Language::Cpp, format!("auto x = R\"{0}(a){0}\";", "A".repeat(300))),
            (Language::Rust, format!("let x = r{0}\"a\"{0};", "#".repeat(700))),
            (Language::JavaScript, "`${".repeat(3_000)),
        ] {
            if language.grammar().is_some() {
                assert!(is_bounded(language, file.as_bytes()), "{file}");
                // Too deep for its length may be; ending the process may not.
                let _ = parse(language, file.as_bytes());
            }
        }
    }
}
