//! Values that stand where a secret will be: examples, templates, references.

use super::entropy::bits_per_byte;

/// Words that only stand-ins hold, lower case.
const WORDS: [&str; 41] = [
    "example",
    "placeholder",
    "changeme",
    "change_me",
    "change-me",
    "replace",
    "your_",
    "your-",
    "yourkey",
    "yourtoken",
    "yourpass",
    "yoursecret",
    "insert",
    "dummy",
    "sample",
    "fake",
    "foobar",
    "redacted",
    "xxxx",
    "****",
    "....",
    "todo",
    "fixme",
    "undefined",
    "notreal",
    "not-a-real",
    "not_a_real",
    "notasecret",
    "not-a-secret",
    "mock",
    "lorem",
    "123456789",
    "abcdefgh",
    "abcdef123",
    "abc123",
    "qwerty",
    "${",
    "{{",
    "%(",
    "#{",
    "enter_",
];

/// Whether `value` is evidently not a real credential.
pub(crate) fn is_placeholder(value: &[u8]) -> bool {
    let lower = String::from_utf8_lossy(value).to_ascii_lowercase();
    WORDS.iter().any(|word| lower.contains(word))
        || lower.ends_with("...")
        || is_bracketed(&lower)
        || is_reference(&lower)
        || has_long_run(value)
        || bits_per_byte(value) < 1.5
}

/// `<token>`, also in the middle.
fn is_bracketed(lower: &str) -> bool {
    lower.starts_with('<')
        || lower.split_once('<').is_some_and(|(_, rest)| rest.contains('>') || rest.contains('/'))
}

/// `$NAME`, `%NAME%`, `env:`, `process.env`, `os.environ`, `secrets.` …
fn is_reference(lower: &str) -> bool {
    let lower = lower.trim_matches(['\'', '"']);
    lower.starts_with('$') && !lower.starts_with("$2") && !lower.starts_with("$argon")
        || ['%', '@'].iter().any(|mark| lower.starts_with(*mark) && lower.ends_with(*mark))
        || [
            "env.", "env[", "env:", "environ", "getenv", "secrets.", "vault:", "arn:", "ssm:",
            "op://",
        ]
        .iter()
        .any(|part| lower.contains(part))
}

/// Six of the same byte, or eight that count up or down, in a row.
fn has_long_run(value: &[u8]) -> bool {
    let (mut same, mut up) = (1, 1);
    for pair in value.windows(2) {
        same = if pair[0] == pair[1] { same + 1 } else { 1 };
        up = if pair[0].checked_add(1) == Some(pair[1]) { up + 1 } else { 1 };
        if same >= 6 || up >= 8 {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::is_placeholder;

    #[test]
    fn stand_ins_are_told_from_values() {
        for stand_in in [
            "your-api-key",
            "9cbaf023786cd7...",
            "xxxxxxxx",
            "${TOKEN}",
            "<token>",
            "@db.password1@",
            "'$PASSWORD1'",
            "$TOKEN",
            "AAAAAAAAAA",
        ] {
            assert!(is_placeholder(stand_in.as_bytes()), "{stand_in}");
        }
        assert!(!is_placeholder(b"k3Jd82hTqPz71LmV"));
    }
}
