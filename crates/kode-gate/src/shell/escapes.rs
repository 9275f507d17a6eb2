//! Backslash escapes of `$'…'`, `echo -e`, `printf` and `tr`. Decoding only;
//! bytes that are no UTF-8 become U+FFFD.

/// Whose escapes are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Bash `$'…'`: `\nnn` octal, `\cx` control, `\'`.
    AnsiC,
    /// `echo -e` and `printf`: `\0nnn` octal, `\c` ends.
    Echo,
}

/// Decodes every escape of `text`.
pub(crate) fn decode(text: &str, dialect: Dialect) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '\\' {
            push(&mut bytes, character);
            continue;
        }
        let Some(escape) = characters.next() else {
            bytes.push(b'\\');
            break;
        };
        match escape {
            'a' => bytes.push(7),
            'b' => bytes.push(8),
            'e' | 'E' => bytes.push(27),
            'f' => bytes.push(12),
            'n' => bytes.push(b'\n'),
            'r' => bytes.push(b'\r'),
            't' => bytes.push(b'\t'),
            'v' => bytes.push(11),
            '\\' | '\'' | '"' | '?' => push(&mut bytes, escape),
            '0'..='7' => {
                let digits = if dialect == Dialect::Echo && escape == '0' { 3 } else { 2 };
                let first = escape.to_digit(8).unwrap_or(0);
                let value = number(&mut characters, 8, digits, first);
                bytes.push(u8::try_from(value & 0xff).unwrap_or(0));
            }
            'x' => {
                let value = number(&mut characters, 16, 2, 0);
                bytes.push(u8::try_from(value & 0xff).unwrap_or(0));
            }
            'u' => push(&mut bytes, codepoint(number(&mut characters, 16, 4, 0))),
            'U' => push(&mut bytes, codepoint(number(&mut characters, 16, 8, 0))),
            'c' if dialect == Dialect::Echo => break,
            'c' => {
                let control = characters.next().unwrap_or('@') as u32 & 0x1f;
                bytes.push(u8::try_from(control).unwrap_or(0));
            }
            other => {
                bytes.push(b'\\');
                push(&mut bytes, other);
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn push(bytes: &mut Vec<u8>, character: char) {
    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

fn codepoint(value: u32) -> char {
    char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn number(
    characters: &mut std::iter::Peekable<std::str::Chars<'_>>,
    radix: u32,
    digits_max: usize,
    start: u32,
) -> u32 {
    let mut value = start;
    for _ in 0..digits_max {
        let Some(digit) = characters.peek().and_then(|next| next.to_digit(radix)) else { break };
        value = value.wrapping_mul(radix).wrapping_add(digit);
        characters.next();
    }
    value
}
