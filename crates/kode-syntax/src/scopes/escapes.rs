//! Names that some place spells with an escape (`\u0061` for `a`): a rename would have
//! to rewrite the escape, so it is refused for all of that name.

use tree_sitter::Node;

use super::walk::Walk;
use crate::Language;

const WHY: &str = "a place writes it with an escape";

/// Blocks every name that is written with an escape outside of strings and comments.
pub(super) fn block_escaped(walk: &mut Walk<'_>, root: Node<'_>) {
    use Language::{CSharp, Java, JavaScript, Tsx, TypeScript};
    if !matches!(walk.language, JavaScript | TypeScript | Tsx | Java | CSharp) {
        return;
    }
    let source = walk.source;
    let mut end = 0;
    for at in memchr::memmem::find_iter(source, b"\\u") {
        let node = root.descendant_for_byte_range(at, at + 1);
        if at < end || !node.is_some_and(|node| node.kind().contains("identifier")) {
            continue;
        }
        let start = source[..at].iter().rposition(|byte| !is_word(*byte)).map_or(0, |at| at + 1);
        let (name, length) = decoded(&source[start..]);
        end = start + length;
        let written = std::str::from_utf8(&source[start..end]).unwrap_or_default();
        walk.block_name(written, WHY);
        walk.block_name(&name, WHY);
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}

/// The name at the start of the text, without its escapes, and how many bytes it is.
fn decoded(text: &[u8]) -> (String, usize) {
    let mut name = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        if is_word(byte) {
            name.push(byte);
            at += 1;
            continue;
        }
        let Some((character, length)) = escape(&text[at..]) else { break };
        name.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        at += length;
    }
    (String::from_utf8_lossy(&name).into_owned(), at)
}

/// `\u0061` or `\u{61}` at the start of the text, and its length.
fn escape(text: &[u8]) -> Option<(char, usize)> {
    let digits = text.strip_prefix(b"\\u")?;
    let (digits, length) = match digits.strip_prefix(b"{") {
        Some(inner) => {
            let end = inner.iter().take(8).position(|byte| *byte == b'}')?;
            (&inner[..end], end + 4)
        }
        None => (digits.get(..4)?, 6),
    };
    let code = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    Some((char::from_u32(code)?, length))
}
