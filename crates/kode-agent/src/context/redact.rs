//! Known secrets are cut from tool output before the model or the disk sees
//! them: credentials in kode's environment, its own key, and the values of the
//! project's `.env` files.

use aho_corasick::{AhoCorasick, MatchKind};
use kode_base::Secret;

/// What stands in a secret's place. Writes that contain it are refused, so a
/// file is never overwritten with the mark.
pub const REDACTION_MARK: &str = "[redacted secret]";

/// Shorter values are too common in ordinary text to cut out.
const SECRET_LENGTH_MIN: usize = 8;

/// Finds known secrets in text.
#[derive(Debug, Default)]
pub struct Redactor {
    automaton: Option<AhoCorasick>,
}

impl Redactor {
    /// A redactor for `secrets`, each also in its hexadecimal, base64 and
    /// percent-encoded form.
    pub fn new(secrets: &[Secret]) -> Self {
        let mut patterns: Vec<String> = Vec::new();
        for secret in secrets.iter().filter(|secret| secret.reveal().len() >= SECRET_LENGTH_MIN) {
            patterns.extend(forms(secret.reveal()));
        }
        patterns.sort_unstable();
        patterns.dedup();
        let automaton = (!patterns.is_empty())
            .then(|| AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&patterns))
            .and_then(Result::ok);
        Self { automaton }
    }

    /// `text` without known secrets.
    pub fn redact(&self, text: &str) -> String {
        let Some(automaton) = &self.automaton else { return text.to_owned() };
        let mut result = String::with_capacity(text.len());
        automaton.replace_all_with(text, &mut result, |_, _, result| {
            result.push_str(REDACTION_MARK);
            true
        });
        result
    }

    /// Whether `text` holds a known secret.
    pub fn finds_in(&self, text: &str) -> bool {
        self.automaton.as_ref().is_some_and(|automaton| automaton.is_match(text))
    }
}

/// The credential in a `NAME=value` pair, if the name says it holds one. Of a
/// URL only the password is secret.
pub fn secret_in(name: &str, value: &str) -> Option<Secret> {
    let url_password = || {
        let (credentials, _) = value.split_once("://")?.1.split_once('@')?;
        Some(credentials.split_once(':')?.1)
    };
    let secret = if let Some(password) = url_password() {
        password
    } else if names_a_secret(name) {
        value
    } else {
        return None;
    };
    Some(Secret::new(secret.to_owned()))
}

/// Whether an environment variable or `.env` key names a credential.
fn names_a_secret(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let words = [
        "KEY",
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "PASS",
        "CREDENTIAL",
        "AUTH",
        "DSN",
        "PRIVATE",
    ];
    upper.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| {
        words.iter().any(|known| word == *known || word.strip_suffix('S') == Some(*known))
            || word.ends_with("KEY")
            || word.ends_with("TOKEN")
            || word.ends_with("PASSWORD")
    })
}

/// The secret values in a `.env` file's text.
pub(crate) fn env_file_secrets(text: &str) -> Vec<Secret> {
    text.lines()
        .filter_map(|line| {
            let line = line.trim().trim_start_matches("export ");
            let (name, value) = line.split_once('=')?;
            let value = value.trim().trim_matches(['"', '\'']);
            if line.starts_with('#') { None } else { secret_in(name.trim(), value) }
        })
        .collect()
}

fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = bytes
        .iter()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                (*byte as char).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect();
    vec![secret.to_owned(), hex, percent, base64(bytes)]
}

/// Standard base64 without padding, so that it matches with and without.
fn base64(bytes: &[u8]) -> String {
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

    fn redactor() -> Redactor {
        Redactor::new(&[Secret::new("hunter2-hunter2".to_owned())])
    }

    #[test]
    fn a_known_secret_is_cut_in_every_form() {
        let redactor = redactor();
        for text in ["hunter2-hunter2", "aHVudGVyMi1odW50ZXIy", "68756e746572322d68756e74657232"] {
            assert_eq!(redactor.redact(&format!("x {text} y")), format!("x {REDACTION_MARK} y"));
        }
    }

    #[test]
    fn short_values_stay() {
        let redactor = Redactor::new(&[Secret::new("1".to_owned())]);
        assert_eq!(redactor.redact("111"), "111");
    }

    #[test]
    fn names_of_credentials_are_recognised() {
        for name in
            ["OPENAI_API_KEY", "GITHUB_TOKEN", "db_password", "AWS_SECRET_ACCESS_KEY", "apikey"]
        {
            assert!(names_a_secret(name), "{name}");
        }
        for name in ["PATH", "LANG", "MONKEYS_COUNT", "PORT", "KEYBOARD", "BASE_URL"] {
            assert!(!names_a_secret(name), "{name}");
        }
    }

    #[test]
    fn of_a_url_only_the_password_is_secret() {
        let secret = secret_in("DATABASE_URL", "postgres://app:s3cr3t-pw@db/x").unwrap();
        assert_eq!(secret.reveal(), "s3cr3t-pw");
        assert!(secret_in("BASE_URL", "http://localhost:8080/v1").is_none());
    }

    #[test]
    fn env_files_yield_their_secret_values() {
        let secrets = env_file_secrets("# API_KEY=old\nexport API_KEY=\"abcdefgh1\"\nPORT=8080\n");
        let values: Vec<&str> = secrets.iter().map(Secret::reveal).collect();
        assert_eq!(values, ["abcdefgh1"]);
    }
}
