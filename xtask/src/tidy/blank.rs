//! Rust source with comments, strings and characters blanked out, line for
//! line, so that what is left can be searched for words and braces.

/// Replaces the inside of comments, string and character literals with spaces;
/// line ends stay where they are.
pub(crate) fn blank(text: &str) -> String {
    let mut blanked = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let end = token_end(bytes, at);
        if end == at {
            blanked.push(bytes[at]);
            at += 1;
        } else {
            let hidden = &bytes[at..end];
            blanked.extend(hidden.iter().map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }));
            at = end;
        }
    }
    String::from_utf8_lossy(&blanked).into_owned()
}

/// Where the comment or literal that begins at `at` ends; `at` if none does.
fn token_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        return at + find(rest, b"\n").unwrap_or(rest.len());
    }
    if rest.starts_with(b"/*") {
        return block_comment_end(bytes, at);
    }
    let after_word = at > 0 && is_word(bytes[at - 1]);
    if !after_word && let Some(end) = raw_string_end(bytes, at) {
        return end;
    }
    match rest {
        [b'"', ..] => quoted_end(bytes, at),
        // The character after the backslash may itself be the quote.
        [b'\'', b'\\', _, body @ ..] => at + 3 + find(body, b"'").map_or(body.len(), |end| end + 1),
        [b'\'', ..] => character_end(bytes, at),
        _ => at,
    }
}

fn block_comment_end(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

/// `r"…"`, `r#"…"#`, and the same after `b` or `c`.
fn raw_string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let prefix = usize::from(matches!(rest.first(), Some(b'b' | b'c')));
    if rest.get(prefix) != Some(&b'r') {
        return None;
    }
    let hashes = rest[prefix + 1..].iter().take_while(|byte| **byte == b'#').count();
    let open = prefix + 1 + hashes;
    if rest.get(open) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.extend(std::iter::repeat_n(b'#', hashes));
    let body = &rest[open + 1..];
    Some(at + open + 1 + find(body, &close).map_or(body.len(), |end| end + close.len()))
}

fn quoted_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// `'x'` is a character, `'x` a lifetime.
fn character_end(bytes: &[u8], at: usize) -> usize {
    let text = std::str::from_utf8(&bytes[at + 1..bytes.len().min(at + 6)]);
    let valid = match &text {
        Ok(text) => *text,
        Err(error) => {
            std::str::from_utf8(&bytes[at + 1..at + 1 + error.valid_up_to()]).unwrap_or("")
        }
    };
    let mut characters = valid.chars();
    match (characters.next(), characters.next()) {
        (Some(one), Some('\'')) => at + 1 + one.len_utf8() + 1,
        _ => at,
    }
}

pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_strings_and_characters_are_blanked_and_lines_kept() {
        let text = "a // {\nb /* { /* { */ \n*/ c \"{\\\"{\n\" d '{' e '\\'' f 'g\n";
        let blanked = blank(text);
        assert_eq!(blanked.lines().count(), text.lines().count());
        let words: Vec<&str> = blanked.split_whitespace().collect();
        assert_eq!(words, ["a", "b", "c", "d", "e", "f", "'g"]);
    }

    #[test]
    fn raw_strings_end_at_their_own_mark() {
        let blanked = blank("x(r#\"a\"{\"# ,br\"{\\\", r##\"\"#{\"##) car\"}\"");
        assert!(!blanked.contains('{') && !blanked.contains('}'), "{blanked}");
        assert!(blanked.contains("car"));
    }

    #[test]
    fn lifetimes_are_not_characters() {
        assert_eq!(blank("fn f<'a>(x: &'a str) {}"), "fn f<'a>(x: &'a str) {}");
        assert_eq!(blank("'é' '日'").trim(), "");
    }
}
