//! Whether what matched a pattern has the inner structure of the real thing.

/// Whether a PEM match holds a key's body and not just the header of one.
pub(crate) fn is_pem_body(matched: &[u8]) -> bool {
    let text = String::from_utf8_lossy(matched);
    let Some(begin) = text.find("KEY").map(|at| &text[at + 3..]) else { return false };
    let Some((_, body)) = begin.split_once("-----") else { return false };
    let body = body.split("-----END").next().unwrap_or(body);
    // Escaped line breaks (`\n` inside a string) are not part of the body.
    let body = body.replace("\\r", "").replace("\\n", "");
    if is_cut_short(&body) || is_pattern(&body) {
        return false;
    }
    // What stands between its lines in source: quotes, commas, plus signs.
    let between = |c: &char| c.is_whitespace() || "\"'`,;\\".contains(*c);
    let letters: String = body
        .lines()
        .filter(|line| !line.contains(": "))
        .flat_map(str::chars)
        .filter(|c| !between(c))
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '.' | '-'))
        .collect();
    letters.len() >= 48 && super::entropy::bits_per_byte(letters.as_bytes()) > 3.5
}

/// A key of which the middle was left out: nothing opens with it.
fn is_cut_short(body: &str) -> bool {
    let dots = |line: &str| !line.is_empty() && line.chars().all(|c| c == '.' || c == '…');
    body.contains("...") || body.lines().any(|line| dots(line.trim()))
}

/// A header with a pattern behind it: `-----[\s\S]{0,2200}`.
fn is_pattern(body: &str) -> bool {
    body.trim_start().starts_with(['[', '(', '*', '^'])
}

/// Whether the first part of a JSON Web Token decodes to a header with an algorithm.
pub(crate) fn is_jwt(matched: &[u8]) -> bool {
    let head = matched.split(|byte| *byte == b'.').next().unwrap_or_default();
    let Some(decoded) = base64(head) else { return false };
    let Ok(header) = serde_json::from_slice::<serde_json::Value>(&decoded) else { return false };
    header.get("alg").is_some_and(serde_json::Value::is_string) && !is_sample_jwt(matched)
}

/// The tokens of jwt.io, PyJWT and their kin, which every manual shows: their claims are
/// about nobody.
fn is_sample_jwt(matched: &[u8]) -> bool {
    let body = matched.split(|byte| *byte == b'.').nth(1).and_then(base64).unwrap_or_default();
    let has = |part: &[u8]| memchr::memmem::find(&body, part).is_some();
    has(b"\"John Doe\"") && has(b"\"1234567890\"") || body == b"{\"some\":\"payload\"}"
}

/// Whether a token ends with the CRC-32 of its thirty characters before, in base 62,
/// as GitHub's and npm's tokens do.
pub(crate) fn has_checksum(token: &[u8]) -> bool {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let Some(at) = token.iter().position(|byte| *byte == b'_') else { return false };
    let body = &token[at + 1..];
    if body.len() != 36 {
        return false;
    }
    let mut rest = crc32(&body[..30]);
    body[30..].iter().rev().all(|byte| {
        let digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
        digit == *byte
    })
}

/// CRC-32 as in IEEE 802.3, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0xEDB8_8320 & (sum & 1).wrapping_neg());
        }
    }
    !sum
}

/// Decodes base64, of either alphabet, padded or not (RFC 4648 §4 and §5).
pub(crate) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let (mut bits, mut held) = (0u32, 0u32);
    let mut decoded = Vec::with_capacity(text.len() * 3 / 4);
    for byte in text.iter().take_while(|byte| **byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            decoded.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_that_of_the_characters_before() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        let body = "k3Jd82hTqPz71LmVb4Rn6Yw0Xc5Gs9";
        let mut rest = crc32(body.as_bytes());
        let mut sum = [b'0'; 6];
        for place in sum.iter_mut().rev() {
            let digit = (rest % 62) as u8;
            rest /= 62;
            *place = match digit {
                0..=9 => b'0' + digit,
                10..=35 => b'A' + digit - 10,
                _ => b'a' + digit - 36,
            };
        }
        let token = [b"ghp_", body.as_bytes(), &sum[..]].concat();
        assert!(has_checksum(&token));
        let other = [&token[..39], b"!"].concat();
        assert!(!has_checksum(&other) && !has_checksum(b"ghp_short"));
    }

    #[test]
    fn a_token_without_an_algorithm_is_no_jwt() {
        assert!(is_jwt(b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"));
        assert!(!is_jwt(b"eyJ4IjoiSFMyNTYifQ.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"));
        assert!(!is_jwt(b"eyJ!.x.y"));
        let sample = b"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c";
        assert!(!is_jwt(sample));
    }

    #[test]
    fn a_pem_header_alone_is_no_key() {
        assert!(!is_pem_body(b"-----BEGIN PRIVATE KEY-----\n...\n-----END"));
        assert!(!is_pem_body(b"-----BEGIN PRIVATE KEY-----"));
    }

    #[test]
    fn a_key_that_is_cut_short_or_a_pattern_is_no_key() {
        let line = "MIIEpAIBAAKCAQEA7bq3vX9kQm2Lr8TzP5sWc1Yd4Hf6Jg0NnKxUoEiRtVwZyBaCbDe3F7";
        let key = |middle: &str| {
            format!(
                "-----BEGIN PRIVATE KEY-----\n{line}\n{middle}\n{line}\n-----END PRIVATE KEY-----"
            )
        };
        assert!(is_pem_body(key(line).as_bytes()));
        for middle in ["...", "  .\n  .", "…"] {
            assert!(!is_pem_body(key(middle).as_bytes()), "{middle}");
        }
        let pattern = format!("-----BEGIN PRIVATE KEY-----[\\s\\S]{{0,2200}}': 'X'\n{line}\n");
        assert!(!is_pem_body(pattern.as_bytes()));
    }
}
