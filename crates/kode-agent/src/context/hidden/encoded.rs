//! Instructions in base64, hexadecimal, percent, escape and character
//! references: decoded, and reported where they speak to an agent. Also words
//! spelled with a space after every letter.

use std::ops::Range;

use super::look_alike::drawn_together;
use super::markup::unescaped;
use super::suspicious::{Zone, is_suspicious};
use super::{Found, HiddenKind};

/// Shorter runs hold no sentence.
const RUN_BYTES_MIN: usize = 20;
/// Bytes of one run that are decoded.
const RUN_BYTES_MAX: usize = 8 * 1024;
/// Runs decoded in one text.
const RUNS_MAX: usize = 4000;

/// Looks for runs of encoded text.
pub(super) fn inspect(text: &str, found: &mut Found<'_>) {
    let bytes = text.as_bytes();
    let (mut at, mut runs) = (0, 0);
    while let Some(run) = next_run(bytes, at)
        && runs < RUNS_MAX
    {
        runs += 1;
        let (start, end) = (run.start, run.end.min(run.start + RUN_BYTES_MAX));
        if says_something(&text[start..end]) {
            found.add(HiddenKind::Encoded, start, &text[start..end]);
        }
        at = run.end;
    }
    // One word written in references is enough to hide an order.
    for (mark, least, decode) in [
        ("%", 8, percent as fn(&str) -> String),
        ("\\x", 8, escapes),
        ("\\u", 8, escapes),
        ("&#", 3, unescaped),
    ] {
        lines_with(text, (mark, least), decode, found);
    }
    spaced(text, found);
}

/// The next run that is long enough. Steps from one possible end of a shortest
/// run to the next, so that most bytes are never looked at.
fn next_run(bytes: &[u8], from: usize) -> Option<Range<usize>> {
    let mut start = from;
    loop {
        let last = start + RUN_BYTES_MIN - 1;
        let window = bytes.get(start..=last)?;
        if let Some(gap) = window.iter().rposition(|byte| !is_code(*byte)) {
            start += gap + 1;
            continue;
        }
        let more = bytes[last..].iter().position(|byte| !is_code(*byte));
        return Some(start..more.map_or(bytes.len(), |more| last + more));
    }
}

const fn is_code(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

fn says_something(run: &str) -> bool {
    let hexadecimal = run.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut decoded = if hexadecimal { from_hexadecimal(run) } else { from_base64(run) };
    decoded = decoded.or_else(|| from_wide_base64(run)).or_else(|| from_base32(run));
    for _ in 0..3 {
        let Some(text) = decoded else { return false };
        if is_suspicious(&text, Zone::Hidden) {
            return true;
        }
        let inner = text.trim();
        let again =
            inner.len() >= RUN_BYTES_MIN && inner.bytes().all(|byte| is_code(byte) || byte == b'=');
        decoded = again.then(|| from_base64(inner.trim_end_matches('='))).flatten();
    }
    false
}

fn from_hexadecimal(run: &str) -> Option<String> {
    let digit = |byte: u8| (byte as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes: Option<Vec<u8>> = run
        .as_bytes()
        .chunks_exact(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect();
    as_text(bytes?)
}

const fn sextet(byte: u8) -> u8 {
    match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        _ => 63,
    }
}

/// Either alphabet, with or without padding; binary is given up early.
fn from_base64(run: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(run.len() * 3 / 4);
    let (mut word, mut bits) = (0_u32, 0);
    for byte in run.bytes() {
        word = word << 6 | u32::from(sextet(byte));
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            let decoded = (word >> bits & 0xff) as u8;
            let printable =
                decoded >= 0x20 && decoded != 0x7f || matches!(decoded, b'\n' | b'\r' | b'\t');
            if !printable {
                return None;
            }
            bytes.push(decoded);
        }
    }
    as_text(bytes)
}

/// Base64 of two bytes a character, as PowerShell takes it: every other byte is zero.
fn from_wide_base64(run: &str) -> Option<String> {
    // `AA` and its shifts stand in every group of eight.
    let zeros = run.bytes().filter(|byte| *byte == b'A').count();
    if zeros * 4 < run.len() {
        return None;
    }
    let (mut bytes, mut word, mut bits) = (Vec::with_capacity(run.len() / 2), 0_u32, 0);
    for (at, byte) in run.bytes().enumerate() {
        word = word << 6 | u32::from(sextet(byte));
        bits += 6;
        if bits < 8 {
            continue;
        }
        bits -= 8;
        let decoded = (word >> bits & 0xff) as u8;
        // The byte before position 6·at/8 was the low one.
        match (at * 6 / 8 % 2, decoded) {
            (0, 0x20..=0x7e | b'\n' | b'\r' | b'\t') => bytes.push(decoded),
            (1, 0) => {}
            _ => return None,
        }
    }
    as_text(bytes)
}

/// RFC 4648's alphabet of capitals and digits.
fn from_base32(run: &str) -> Option<String> {
    let (mut bytes, mut word, mut bits) = (Vec::with_capacity(run.len() * 5 / 8), 0_u32, 0);
    for byte in run.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        word = word << 5 | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            let decoded = (word >> bits & 0xff) as u8;
            if !matches!(decoded, 0x20..=0x7e | b'\n' | b'\r' | b'\t') {
                return None;
            }
            bytes.push(decoded);
        }
    }
    as_text(bytes)
}

fn as_text(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    let readable =
        text.chars().filter(|each| each.is_alphanumeric() || each.is_whitespace()).count();
    (readable * 2 > text.chars().count()).then_some(text)
}

/// Lines in which `mark` stands at least so many times, decoded.
fn lines_with(
    text: &str,
    (mark, least): (&str, usize),
    decode: fn(&str) -> String,
    found: &mut Found<'_>,
) {
    let finder = memchr::memmem::Finder::new(mark);
    let mut line_end = 0;
    for at in finder.find_iter(text.as_bytes()) {
        if at < line_end {
            continue;
        }
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        line_end = text[at..].find('\n').map_or(text.len(), |end| at + end);
        let line = &text[start..line_end];
        let line = &line[..line.floor_char_boundary(RUN_BYTES_MAX)];
        if line.matches(mark).take(least).count() == least {
            let decoded = decode(line);
            if decoded != line
                && is_suspicious(&decoded, Zone::Hidden)
                && !is_suspicious(line, Zone::Hidden)
            {
                found.add(HiddenKind::Encoded, start, line);
            }
        }
    }
}

fn percent(line: &str) -> String {
    two_digits(line, "%")
}

/// `\x41` and `\u0041`.
fn escapes(line: &str) -> String {
    two_digits(&line.replace("\\u00", "\\x"), "\\x")
}

fn two_digits(line: &str, mark: &str) -> String {
    let mut parts = line.split(mark);
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code.filter(u8::is_ascii) {
            Some(byte) => {
                result.push(byte as char);
                result.push_str(&part[2..]);
            }
            None => {
                result.push_str(mark);
                result.push_str(part);
            }
        }
    }
    result
}

/// Words whose letters stand apart: `i g n o r e`.
fn spaced(text: &str, found: &mut Found<'_>) {
    let bytes = text.as_bytes();
    let mut line_end = 0;
    for at in memchr::memchr_iter(b' ', bytes) {
        let apart = (0..4).all(|step| {
            bytes.get(at + 2 * step) == Some(&b' ')
                && bytes.get(at + 2 * step + 1).is_some_and(u8::is_ascii_alphabetic)
        });
        if !apart || at < line_end {
            continue;
        }
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        line_end = text[at..].find('\n').map_or(text.len(), |end| at + end);
        let line = &text[start..line_end];
        let line = &line[..line.floor_char_boundary(RUN_BYTES_MAX)];
        if is_suspicious(&drawn_together(line), Zone::Hidden) {
            found.add(HiddenKind::Disguised, start, line);
        }
    }
}
