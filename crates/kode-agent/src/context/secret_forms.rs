//! The forms a secret is looked for in: as it is, percent-encoded, in both
//! base64 alphabets at each of the three alignments, in hexadecimal, and
//! backwards. Encodings nobody names here are not found; labels and masking
//! hold those.

/// Shorter encoded pieces would match ordinary text.
const PIECE_LENGTH_MIN: usize = 10;

/// Every form of `secret` that is searched for as it stands.
pub(super) fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let reversed: Vec<u8> = bytes.iter().rev().copied().collect();
    let mut all = Vec::new();
    for spelled in [bytes, &reversed] {
        all.push(hexadecimal(spelled, ""));
        all.push(hexadecimal(spelled, "").to_ascii_uppercase());
        for alignment in 0..3 {
            let text = aligned_base64(spelled, alignment);
            all.push(text.replace('+', "-").replace('/', "_"));
            all.push(text);
        }
    }
    all.push(hexadecimal(bytes, " "));
    all.push(hexadecimal(bytes, ":"));
    all.push(hexadecimal(bytes, "\\x"));
    all.retain(|form| form.len() >= PIECE_LENGTH_MIN);
    all.extend(plain_forms(secret));
    all
}

/// Those forms that are neither base64 nor hexadecimal.
pub(super) fn plain_forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let mut all = vec![secret.chars().rev().collect()];
    let url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let escaped = [
        percent(bytes, url),
        percent(bytes, |byte| byte.is_ascii_alphanumeric()),
        percent(bytes, |_| false),
    ];
    for text in escaped {
        all.push(text.to_ascii_lowercase());
        all.push(text);
    }
    all.retain(|form| form.len() >= PIECE_LENGTH_MIN && *form != secret);
    all.push(secret.to_owned());
    all
}

pub(super) fn hexadecimal(bytes: &[u8], between: &str) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.join(between)
}

/// Percent-encoded, but for the bytes that stay as they are.
fn percent(bytes: &[u8], stays: impl Fn(u8) -> bool) -> String {
    let spelled = |byte: &u8| match *byte {
        byte if stays(byte) => (byte as char).to_string(),
        byte => format!("%{byte:02X}"),
    };
    bytes.iter().map(spelled).collect()
}

/// Base64 of the secret behind `alignment` unknown bytes, without the letters
/// that depend on what stands before and after.
pub(super) fn aligned_base64(bytes: &[u8], alignment: usize) -> String {
    let mut padded = vec![0; alignment];
    padded.extend_from_slice(bytes);
    let text = base64(&padded);
    let first = [0, 2, 3][alignment];
    // A last group that is not whole shares its last letter with what follows.
    let last = if padded.len().is_multiple_of(3) { text.len() } else { text.len() - 1 };
    text.get(first..last).unwrap_or_default().to_owned()
}

/// Standard base64 without padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, byte| (word << 8) | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for index in 0..=chunk.len() {
            let sextet = (word >> (18 - 6 * index)) & 0x3f;
            text.push(ALPHABET[sextet as usize] as char);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_found_at_every_alignment() {
        let forms = forms("hunter2-hunter2");
        for before in ["", "a", "ab", "abc", "user:"] {
            for after in ["", "z", "zz"] {
                let text = base64(format!("{before}hunter2-hunter2{after}").as_bytes());
                assert!(forms.iter().any(|form| text.contains(form.as_str())), "{before}{after}");
            }
        }
    }
}
