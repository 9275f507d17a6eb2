//! Values that stand where a secret will be: examples, templates, references.

use super::entropy::bits_per_byte;

/// Words that only stand-ins hold, lower case.
const WORDS: [&str; 55] = [
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
    "nonexist",
    "non_exist",
    "non-exist",
    "dontuse",
    "don'tuse",
    "donotuse",
    "do-not-use",
    // The keys of the standards' own examples: FIPS 197, RFC 6238.
    "2b7e151628aed2a6",
    "jbswy3dpehpk3pxp",
    // The keys of Azure's storage and database emulators, the same for everyone.
    "eby8vdm02xnocqflquwjpllmetlcdxj1ouzft50usrz6ifsufq2uverc",
    "c2y6ydjf5/r+ob0n8a7cgv30vrdjiwehlm+4qdu5de2nq9nduvtqobd4",
    // The token of RFC 6750's examples, and those of MinIO's public playground.
    "mf_9.b5f-4.1jqm",
    "q3am3uq867spqqa43p2f",
    "zuf+tfteslswru7bj86wekitnifilbzam1kyy3tg",
];

/// Whether `value` is evidently not a real credential.
pub(crate) fn is_placeholder(value: &[u8]) -> bool {
    let lower = String::from_utf8_lossy(value).to_ascii_lowercase();
    WORDS.iter().any(|word| lower.contains(word) && is_written_as_word(value, word))
        || lower.ends_with("...")
        || is_bracketed(&lower)
        || is_reference(&lower)
        || has_long_run(value)
        || is_counted(value)
        || bits_per_byte(value) < 1.5
}

/// Short words turn up among random letters too, but there in letters of either case.
fn is_written_as_word(value: &[u8], word: &str) -> bool {
    let is_short = word.len() <= 5 && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_cased = |found: &[u8]| {
        let small = |letters: &[u8]| letters.iter().all(u8::is_ascii_lowercase);
        found.eq_ignore_ascii_case(word.as_bytes())
            && (small(&found[1..]) || found.iter().all(u8::is_ascii_uppercase))
    };
    !is_short || value.windows(word.len()).any(is_cased)
}

/// `<token>`, also in the middle.
fn is_bracketed(lower: &str) -> bool {
    lower.starts_with('<')
        || lower.split_once('<').is_some_and(|(_, rest)| rest.contains('>') || rest.contains('/'))
}

/// `$NAME`, `%NAME%`, `env:`, `process.env`, `os.environ`, `secrets.` …
fn is_reference(lower: &str) -> bool {
    let lower = lower.trim_matches(['\'', '"']);
    lower.starts_with('$')
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

/// `000102030405…`, `00112233…`: hexadecimal bytes that count, as in test vectors.
fn is_counted(value: &[u8]) -> bool {
    const LEAST: usize = 8;
    if value.len() < 2 * LEAST || !value.len().is_multiple_of(2) {
        return false;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |pair: &[u8]| Some(digit(pair[0])? << 4 | digit(pair[1])?);
    let Some(bytes) = value.chunks_exact(2).map(byte).collect::<Option<Vec<u32>>>() else {
        return false;
    };
    let step = |pair: &[u32]| pair[1].wrapping_sub(pair[0]) & 0xff;
    let first = step(&bytes[..2]);
    bytes.windows(2).all(|pair| step(pair) == first)
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
            "don'tuseme4real",
            "NonExistentValueSpK3hnufdHfeBUXCfqVK",
            "AAAAAAAAAA",
            "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
        ] {
            assert!(is_placeholder(stand_in.as_bytes()), "{stand_in}");
        }
        for vector in ["000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff"] {
            assert!(is_placeholder(vector.as_bytes()), "{vector}");
        }
        assert!(!is_placeholder(b"000102030405060708090a0b0c0d0e1f"));
        // Words by chance.
        assert!(!is_placeholder(b"zgUOVm0HnCO3V3xkhTOa1bFFHiCv1JtcdMoCkcXSUyQB"));
        assert!(is_placeholder(b"MockToken1") && is_placeholder(b"x-FAKE-key1"));
        assert!(!is_placeholder(b"k3Jd82hTqPz71LmV"));
    }
}
