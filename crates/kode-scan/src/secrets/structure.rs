//! Whether what matched a pattern has the inner structure of the real thing.

/// Whether a PEM match holds a key's body and not just the header of one.
pub(crate) fn is_pem_body(matched: &[u8]) -> bool {
    let text = String::from_utf8_lossy(matched);
    let Some(begin) = text.find("KEY").map(|at| &text[at + 3..]) else { return false };
    let Some((_, body)) = begin.split_once("-----") else { return false };
    let body = body.split("-----END").next().unwrap_or(body);
    // Escaped line breaks (`\n` inside a string) are not part of the body.
    let body = body.replace("\\r", "").replace("\\n", "");
    let letters: String = body
        .lines()
        .filter(|line| !line.contains(": "))
        .flat_map(str::chars)
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '='))
        .collect();
    letters.len() >= 48 && super::entropy::bits_per_byte(letters.as_bytes()) > 3.5
}

/// Whether the first part of a JSON Web Token decodes to a header with an algorithm.
pub(crate) fn is_jwt(matched: &[u8]) -> bool {
    let head = matched.split(|byte| *byte == b'.').next().unwrap_or_default();
    let Some(decoded) = base64_url(head) else { return false };
    let Ok(header) = serde_json::from_slice::<serde_json::Value>(&decoded) else { return false };
    header.get("alg").is_some_and(serde_json::Value::is_string)
}

/// Decodes base64url without padding (RFC 4648 §5).
fn base64_url(text: &[u8]) -> Option<Vec<u8>> {
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
    fn a_token_without_an_algorithm_is_no_jwt() {
        assert!(is_jwt(b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"));
        assert!(!is_jwt(b"eyJ4IjoiSFMyNTYifQ.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"));
        assert!(!is_jwt(b"eyJ!.x.y"));
    }

    #[test]
    fn a_pem_header_alone_is_no_key() {
        assert!(!is_pem_body(b"-----BEGIN PRIVATE KEY-----\n...\n-----END"));
        assert!(!is_pem_body(b"-----BEGIN PRIVATE KEY-----"));
    }
}
