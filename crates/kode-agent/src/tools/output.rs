//! Output caps: what goes to the model keeps its head and its tail.

use kode_base::Untrusted;

/// Most characters of one tool result the model gets.
pub(super) const OUTPUT_CHARACTERS_MAX: usize = 30_000;

/// Keeps the first and last half of `text` and says how much is missing.
pub(super) fn cap(text: Untrusted<String>) -> Untrusted<String> {
    text.map(|text| {
        if text.len() <= OUTPUT_CHARACTERS_MAX {
            return text;
        }
        let half = OUTPUT_CHARACTERS_MAX / 2;
        let head = &text[..text.floor_char_boundary(half)];
        let tail = &text[text.ceil_char_boundary(text.len() - half)..];
        let missing = text.len() - head.len() - tail.len();
        format!("{head}\n[… {missing} bytes left out …]\n{tail}")
    })
}

/// Bytes as text: UTF-8 stays, other bytes become U+FFFD; output that is mostly
/// not text is described instead of shown.
pub(super) fn bytes_to_text(bytes: Untrusted<Vec<u8>>) -> Untrusted<String> {
    bytes.map(|bytes| match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => text,
        Ok(text) => describe_binary(text.as_bytes()),
        Err(error) => {
            let bytes = error.as_bytes();
            if looks_binary(bytes) {
                describe_binary(bytes)
            } else {
                String::from_utf8_lossy(bytes).into_owned()
            }
        }
    })
}

/// Whether bytes hold a NUL or are mostly outside UTF-8 (first 8 KiB).
pub(super) fn looks_binary(bytes: &[u8]) -> bool {
    let sample = &bytes[..bytes.len().min(8192)];
    let lossy = String::from_utf8_lossy(sample);
    let replaced = lossy.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER).count();
    sample.contains(&0) || replaced * 10 > lossy.chars().count()
}

fn describe_binary(bytes: &[u8]) -> String {
    let text: String = bytes
        .iter()
        .take(200)
        .map(|byte| if (0x20..0x7f).contains(byte) { *byte as char } else { '.' })
        .collect();
    format!("[{} bytes of binary output; it begins: {text}]", bytes.len())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests look inside")]
mod tests {
    use super::*;

    #[test]
    fn long_text_keeps_head_and_tail() {
        let capped = cap(Untrusted::from(format!("HEAD{}TAIL", "é".repeat(40_000))));
        let text = capped.expose();
        assert!(text.starts_with("HEAD") && text.ends_with("TAIL"));
        assert!(text.contains("bytes left out") && text.len() < OUTPUT_CHARACTERS_MAX + 100);
    }

    #[test]
    fn binary_output_is_described() {
        let text = bytes_to_text(Untrusted::new(vec![0x7f, b'E', b'L', b'F', 0, 0xff]));
        assert!(text.expose().contains("6 bytes of binary"));
    }

    #[test]
    fn a_stray_latin_1_byte_does_not_make_text_binary() {
        let mut bytes = b"caf\xe9 and a long line of plain text".to_vec();
        bytes.extend_from_slice(b" more");
        assert!(bytes_to_text(Untrusted::new(bytes)).expose().contains("plain text"));
    }
}
