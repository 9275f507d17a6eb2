//! Bytes that are no clean UTF-8, made readable without moving any: a stray NUL
//! or Latin-1 byte turns no inspector off. UTF-16 is halved, and said to be.

use std::borrow::Cow;

/// Of how many bytes one may be no text before a file counts as binary.
const ODD_SHARE: usize = 10;

/// The bytes as UTF-8 of the same length: NULs become spaces, and bytes that are
/// no UTF-8 become `_`, which is part of a name as a Latin-1 letter is.
pub(crate) fn readable(content: &[u8]) -> Cow<'_, [u8]> {
    if !content.contains(&0) && std::str::from_utf8(content).is_ok() {
        return Cow::Borrowed(content);
    }
    let mut text = Vec::with_capacity(content.len());
    for chunk in content.utf8_chunks() {
        let valid = chunk.valid().bytes();
        text.extend(valid.map(|byte| if byte == 0 { b' ' } else { byte }));
        text.resize(text.len() + chunk.invalid().len(), b'_');
    }
    Cow::Owned(text)
}

/// The text with every end of a line that Python and Java know as the one that the
/// grammars know: a carriage return alone, and Java's `\\u000a`, which ends a comment
/// like any other. Every byte keeps its place; nothing where there is none.
pub(crate) fn line_ends(content: &[u8]) -> Option<Vec<u8>> {
    let (mut plain, mut at) = (Vec::new(), 0);
    while let Some(found) = memchr::memchr2(b'\r', b'\\', &content[at..]) {
        let (here, before) = (at + found, &content[..at + found]);
        at = here + 1;
        let escaped = before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
        let length = match content[here] {
            b'\r' if content.get(at) != Some(&b'\n') => 1,
            b'\\' if !escaped => escaped_line_end(&content[here..]),
            _ => 0,
        };
        if length > 0 {
            if plain.is_empty() {
                plain = content.to_vec();
            }
            plain[here..here + length].fill(b' ');
            plain[here] = b'\n';
        }
    }
    (!plain.is_empty()).then_some(plain)
}

/// The bytes of `\u000a` or `\uuu000D` at the beginning; 0 where there is none.
fn escaped_line_end(text: &[u8]) -> usize {
    let marks = text.iter().skip(1).take_while(|byte| **byte == b'u').count();
    let digits = text.get(1 + marks..5 + marks).unwrap_or_default().to_ascii_lowercase();
    if marks > 0 && (digits == b"000a" || digits == b"000d") { marks + 5 } else { 0 }
}

/// The encoding that a Python file says it is in, where its code is not what its bytes
/// look like (PEP 263: a comment in one of the first two lines).
pub(crate) fn unreadable_python(content: &[u8]) -> Option<String> {
    const READABLE: [&str; 14] = [
        "utf8", "ascii", "usascii", "latin", "iso8859", "iso88", "cp1", "cp4", "cp8", "windows",
        "koi8", "euc", "mac", "gb",
    ];
    let lines = content.split(|byte| matches!(byte, b'\n' | b'\r')).take(2);
    lines.filter(|line| line.trim_ascii_start().starts_with(b"#")).find_map(|line| {
        let line = String::from_utf8_lossy(line);
        let named = line.split_once("coding").map(|(_, rest)| rest)?;
        let named = named.strip_prefix([':', '=']).unwrap_or_default().trim_start();
        let is_part = |each: char| each.is_alphanumeric() || matches!(each, '-' | '_' | '.');
        let name: String = named.chars().take_while(|each| is_part(*each)).collect();
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let plain = plain.to_ascii_lowercase();
        let is_readable = plain.is_empty() || READABLE.iter().any(|it| plain.starts_with(it));
        (!is_readable).then_some(name)
    })
}

/// Java's `\\u0065xec` in code (not in texts and comments) as `exec` and the spaces
/// that keep every byte after it at its place; nothing where there is none.
pub(crate) fn java_names(content: &[u8]) -> Option<Vec<u8>> {
    memchr::memmem::find(content, b"\\u00")?;
    let (mut plain, mut at) = (content.to_vec(), 0);
    while at < content.len() {
        let rest = &content[at..];
        at += match rest[0] {
            b'/' if rest.starts_with(b"//") => length_until(rest, b"\n"),
            b'/' if rest.starts_with(b"/*") => length_until(rest, b"*/"),
            quote @ (b'"' | b'\'') => literal_length(rest, quote),
            b'\\' => {
                let (name, length) = escaped_name(rest);
                let end = at + length;
                plain[at..end].fill(b' ');
                plain[at..at + name.len()].copy_from_slice(&name);
                length
            }
            _ => 1,
        };
    }
    (plain != content).then_some(plain)
}

/// The bytes up to and with `end`, or all.
fn length_until(text: &[u8], end: &[u8]) -> usize {
    memchr::memmem::find(text, end).map_or(text.len(), |at| at + end.len())
}

/// The bytes of a literal that ends on its line.
fn literal_length(text: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < text.len() && text[at] != quote && text[at] != b'\n' {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(text.len())
}

/// The rest of a name from its first escape on, and how many bytes spell it.
fn escaped_name(text: &[u8]) -> (Vec<u8>, usize) {
    let (mut name, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let rest = &text[at..];
        let digits = rest.strip_prefix(b"\\u").and_then(|rest| rest.get(..4));
        let code = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        match byte.filter(|byte| byte.is_ascii_alphanumeric() || b"._".contains(byte)) {
            Some(byte) => {
                name.push(byte);
                at += 6;
            }
            None if at > 0 && (rest[0].is_ascii_alphanumeric() || rest[0] == b'_') => {
                name.push(rest[0]);
                at += 1;
            }
            None => break,
        }
    }
    match at {
        0 => (vec![b'\\'], 1),
        _ => (name, at),
    }
}

/// UTF-16 text, one byte for each unit (`_` for what is not ASCII), and how many
/// bytes its mark takes. Without a mark, text whose every other byte is NUL counts.
pub(crate) fn halved_utf16(content: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (big, mark) = match content {
        [0xfe, 0xff, ..] => (true, 2),
        [0xff, 0xfe, 0, 0, ..] => return None,
        [0xff, 0xfe, ..] => (false, 2),
        _ => (unmarked_utf16(content)?, 0),
    };
    let units = content[mark..].as_chunks::<2>().0;
    let unit =
        |pair: &[u8; 2]| if big { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) };
    let byte = |pair| u8::try_from(unit(pair)).ok().filter(|byte| byte.is_ascii() && *byte != 0);
    Some((units.iter().map(|pair| byte(pair).unwrap_or(b'_')).collect(), mark))
}

/// Whether the first bytes look like UTF-16 without a mark, and its order.
fn unmarked_utf16(content: &[u8]) -> Option<bool> {
    let pairs = content[..content.len().min(512)].as_chunks::<2>().0;
    let texty =
        |byte: u8| byte == b'\n' || byte == b'\t' || byte == b'\r' || (32..127).contains(&byte);
    let share =
        |at: usize| pairs.iter().filter(|pair| pair[1 - at] == 0 && texty(pair[at])).count() * 10;
    if pairs.len() < 8 {
        return None;
    }
    [(1, true), (0, false)]
        .into_iter()
        .find_map(|(at, big)| (share(at) > pairs.len() * 9).then_some(big))
}

/// Whether bytes are no text at all: a tenth of them controls or no UTF-8.
pub(crate) fn is_binary(content: &[u8]) -> bool {
    let control = |byte: &u8| *byte < 32 && !matches!(byte, b'\t' | b'\n' | b'\r' | 12 | 27);
    let odd: usize = content
        .utf8_chunks()
        .map(|chunk| chunk.invalid().len() + chunk.valid().bytes().filter(control).count())
        .sum();
    odd * ODD_SHARE > content.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_keeps_its_place() {
        let bytes = b"a\0b\xe9c \xc3\xa9 \xff\xfe";
        let text = readable(bytes);
        assert_eq!(text.len(), bytes.len());
        assert_eq!(&*text, "a b_c \u{e9} __".as_bytes());
        assert!(matches!(readable(b"plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn javas_escapes_are_resolved_in_code_only() {
        let plain = java_names(br#"run.\u0065x\u0065c(a); // \u0065"#);
        assert_eq!(plain.as_deref(), Some(&br#"run.exec          (a); // \u0065"#[..]));
        assert_eq!(java_names(br#"f("\u0041", '\u0042');"#), None);
        assert_eq!(java_names(br"a \u00e9 \u0"), None);
        assert_eq!(java_names(b"plain"), None);
    }

    #[test]
    fn both_orders_of_utf16_are_read() {
        let little: Vec<u8> = "\u{feff}key".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "\u{feff}k\u{e9}y".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let bare: Vec<u8> = "a longer text".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(halved_utf16(&little), Some((b"key".to_vec(), 2)));
        assert_eq!(halved_utf16(&big), Some((b"k_y".to_vec(), 2)));
        assert_eq!(halved_utf16(&bare), Some((b"a longer text".to_vec(), 0)));
        assert_eq!(halved_utf16(b"plain text of more than sixteen bytes"), None);
    }

    #[test]
    fn one_odd_byte_makes_no_text_binary() {
        assert!(!is_binary(b"KEY=value and more text\0"));
        assert!(!is_binary("a caf\u{e9} in UTF-8".as_bytes()));
        assert!(is_binary(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0"));
    }
}
