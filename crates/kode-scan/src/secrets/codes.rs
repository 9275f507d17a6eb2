//! Constants that stand under names which speak of secrets and are none: codes of a list,
//! and values that only spell the name they have.

/// The shortest value that counts as spelled by its name.
const SPELLED_BYTES_MIN: usize = 8;

/// `SensitiveDataCredentials = "SensitiveData/Credentials"`: the name says all that the
/// value holds, so it keeps nothing.
pub(super) fn is_spelled_by_name(name: &[u8], value: &[u8]) -> bool {
    let plain = |text: &[u8]| -> Vec<u8> {
        let letters = text.iter().filter(|byte| byte.is_ascii_alphanumeric());
        letters.map(u8::to_ascii_lowercase).collect()
    };
    let (name, value) = (plain(name), plain(value));
    value.len() >= SPELLED_BYTES_MIN && memchr::memmem::find(&name, &value).is_some()
}

/// `NULL_PASSWORD = "XBCX5.S"` beside `ILLEGAL_LENGTH = "XBCX2.S"`: one of several codes
/// that begin alike, of which others stand under names that promise nothing. Credentials
/// share no beginning with what stands around them.
pub(super) fn is_listed_code(
    content: &[u8],
    (start, end): (usize, usize),
    promises: impl Fn(&[u8]) -> bool,
) -> bool {
    let code = &content[start..end];
    let line_start = memchr::memrchr(b'\n', &content[..start]).map_or(0, |at| at + 1);
    let before = line_start.checked_sub(1).map(|end| {
        let from = memchr::memrchr(b'\n', &content[..end]).map_or(0, |at| at + 1);
        &content[from..end]
    });
    let after = content[end..].split(|byte| *byte == b'\n').nth(1);
    [before, after].into_iter().flatten().any(|line| {
        let Some((name, other)) = quoted_constant(line) else { return false };
        let alike = code.iter().zip(other).take_while(|(one, other)| one == other).count();
        other.len() == code.len() && other != code && alike * 2 >= code.len() && !promises(name)
    })
}

/// The last word before a line's only `=` or `:` and the text in quotes behind it.
fn quoted_constant(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let open = line.iter().position(|byte| matches!(byte, b'"' | b'\''))?;
    let length = line[open + 1..].iter().position(|byte| *byte == line[open])?;
    let before = line[..open].trim_ascii_end();
    let before = before.strip_suffix(b"=").or_else(|| before.strip_suffix(b":"))?;
    let name = before.trim_ascii_end().rsplit(|byte| byte.is_ascii_whitespace()).next()?;
    Some((name, &line[open + 1..open + 1 + length]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(text: &str, code: &str) -> bool {
        let start = text.find(code).unwrap();
        let promises = |name: &[u8]| name.windows(8).any(|part| part == b"PASSWORD");
        is_listed_code(text.as_bytes(), (start, start + code.len()), promises)
    }

    #[test]
    fn codes_of_a_list_begin_alike() {
        let codes = "  A_LENGTH = \"XBCX2.S\";\n  NULL_PASSWORD\t= \"XBCX5.S\";\n  B = 1;\n";
        assert!(listed(codes, "XBCX5.S"));
        assert!(listed("NO_PASSWORD: 'E08001'\nNO_NAME: 'E08002'\n", "E08001"));
        assert!(!listed("HOST = \"db-1-xq\"\nDB_PASSWORD = \"k3Jd82h\"\n", "k3Jd82h"));
        let two = "OLD_PASSWORD = \"k3Jd82hT1\"\nNEW_PASSWORD = \"k3Jd82hT2\"\n";
        assert!(!listed(two, "k3Jd82hT2"));
    }

    #[test]
    fn a_name_may_say_all_that_its_value_holds() {
        let name = b"FindingTypeSensitiveDataS3objectCredentials";
        assert!(is_spelled_by_name(name, b"SensitiveData:S3Object/Credentials"));
        assert!(!is_spelled_by_name(b"password", b"password1"));
        assert!(!is_spelled_by_name(b"API_TOKEN", b"token"));
    }
}
