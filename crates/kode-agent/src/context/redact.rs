//! Known secrets are cut from tool output before the model or the disk sees
//! them: credentials in kode's environment, its own key, and the values of the
//! project's `.env` files.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use kode_base::Secret;
use kode_gate::{Ablation, Control};
use thiserror::Error;

use super::secret_forms::forms;
use super::system::repeats_rules;

/// What stands in a secret's place. Writes that contain it are refused, so a
/// file is never overwritten with the mark.
pub const REDACTION_MARK: &str = "[redacted secret]";

/// What stands in the canary's place.
const CANARY_MARK: &str = "[not shown]";

/// Shorter values are too common in ordinary text to cut out.
const SECRET_LENGTH_MIN: usize = 8;

/// Bytes of patterns up to which the search is a table of states: twice as fast
/// as the sparse form, at a quarter of a kilobyte for each.
const TABLE_PATTERN_BYTES_MAX: usize = 16 * 1024;

/// Words of a credential file that count as its secrets: so long at least, and
/// so many at most of one file.
const LEARNED_LENGTH_MIN: usize = 20;
const LEARNED_VALUES_MAX: usize = 64;

/// Something that must not leave was about to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Leak {
    /// A known secret, in some form.
    #[error("it holds a known secret")]
    Secret,
    /// This session's canary: the system message is being carried out.
    #[error("it holds kode's system message")]
    SystemMessage,
}

/// Finds known secrets in text, and the session's canary.
#[derive(Debug, Default)]
pub struct Redactor {
    secrets: Option<AhoCorasick>,
    canary: Option<AhoCorasick>,
    /// Both, to cut them in one pass: forms of the canary come after this many.
    known: (Option<AhoCorasick>, usize),
    spellings: Vec<String>,
    /// What approved reads of credentials showed the model: it may see them,
    /// they may not leave.
    learned: Vec<String>,
    learned_forms: Option<AhoCorasick>,
    ablation: Ablation,
}

impl Redactor {
    /// A redactor for `secrets`, each also percent-encoded, in base64, in
    /// hexadecimal and backwards.
    pub fn new(secrets: &[Secret]) -> Self {
        let known: Vec<&str> = secrets.iter().map(Secret::reveal).collect();
        let spellings = spellings(&known);
        let secrets = search(&spellings);
        Self { known: (secrets.clone(), spellings.len()), secrets, spellings, ..Self::default() }
    }

    /// The same with this session's canary.
    #[must_use]
    pub fn with_canary(mut self, canary: &str) -> Self {
        let own = spellings(&[canary]);
        self.canary = search(&own);
        let secrets = self.spellings.len();
        self.known = (search(&[self.spellings.as_slice(), &own].concat()), secrets);
        self
    }

    /// The same without the controls that the lab turned off.
    #[must_use]
    pub fn with_ablation(mut self, ablation: &Ablation) -> Self {
        self.ablation = ablation.clone();
        self
    }

    /// Remembers the values in a credential that the model was shown.
    pub(crate) fn learn(&mut self, text: &str) {
        let of_names = env_file_secrets(text);
        let values = of_names.iter().map(|secret| secret.reveal().to_owned());
        let lines = text.lines().map(|line| line.rsplit(['\t', '=', ' ']).next().unwrap_or(line));
        let long = lines.filter(|word| word.len() >= LEARNED_LENGTH_MIN).map(str::to_owned);
        self.learned.extend(values.chain(long).take(LEARNED_VALUES_MAX));
        let known: Vec<&str> =
            self.learned.iter().map(String::as_str).take(LEARNED_VALUES_MAX * 4).collect();
        self.learned_forms = search(&spellings(&known));
    }

    pub(super) fn keeps(&self, control: Control) -> bool {
        self.ablation.keeps(control)
    }

    /// `text` without known secrets and without the canary.
    pub fn redact(&self, text: &str) -> String {
        if !self.keeps(Control::Secrets) {
            return text.to_owned();
        }
        let (known, secrets) = &self.known;
        let Some(known) = known.as_ref().filter(|known| known.is_match(text)) else {
            return text.to_owned();
        };
        let mut result = String::with_capacity(text.len());
        known.replace_all_with(text, &mut result, |found, _, result| {
            let is_secret = found.pattern().as_usize() < *secrets;
            result.push_str(if is_secret { REDACTION_MARK } else { CANARY_MARK });
            true
        });
        result
    }

    /// Whether `text` holds a known secret.
    pub fn finds_in(&self, text: &str) -> bool {
        self.secrets.as_ref().is_some_and(|automaton| automaton.is_match(text))
    }

    /// Looks for what must not leave in bytes that kode itself is about to
    /// send or to hand on: a request, a fetch, a command, a commit message.
    ///
    /// # Errors
    /// When something is found; the bytes must not be sent.
    pub fn outbound_check(&self, bytes: &[u8]) -> Result<(), Leak> {
        if !self.keeps(Control::Secrets) {
            return Ok(());
        }
        let finds = |automaton: &Option<AhoCorasick>| {
            automaton.as_ref().is_some_and(|automaton| automaton.is_match(bytes))
        };
        if finds(&self.canary) || repeats_rules(bytes) {
            return Err(Leak::SystemMessage);
        }
        let secret = finds(&self.secrets) || finds(&self.learned_forms);
        if secret { Err(Leak::Secret) } else { Ok(()) }
    }
}

/// Every form of the secrets that are long enough, each once.
fn spellings(secrets: &[&str]) -> Vec<String> {
    let long = secrets.iter().filter(|secret| secret.len() >= SECRET_LENGTH_MIN);
    let mut patterns: Vec<String> = long.flat_map(|secret| forms(secret)).collect();
    patterns.sort_unstable();
    patterns.dedup();
    patterns
}

/// Finds any of `patterns`; as a table up to a size that caches hold.
fn search(patterns: &[String]) -> Option<AhoCorasick> {
    let bytes: usize = patterns.iter().map(String::len).sum();
    let kind = (bytes <= TABLE_PATTERN_BYTES_MAX).then_some(AhoCorasickKind::DFA);
    let mut builder = AhoCorasick::builder();
    builder.match_kind(MatchKind::LeftmostLongest).kind(kind);
    (!patterns.is_empty()).then(|| builder.build(patterns)).and_then(Result::ok)
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
    fn nothing_known_goes_out_in_any_form() {
        let redactor = redactor().with_canary("canary-0123456789abcdef");
        for text in [
            "hunter2-hunter2",
            "2retnuh-2retnuh",
            "hunter2%2Dhunter2",
            "%68%75%6e%74%65%72%32%2d%68%75%6e%74%65%72%32",
            "68756E746572322D68756E74657232",
            "dXNlcjpodW50ZXIyLWh1bnRlcjI=",
        ] {
            assert_eq!(redactor.outbound_check(text.as_bytes()), Err(Leak::Secret), "{text}");
        }
        let leak = redactor.outbound_check(b"x canary-0123456789abcdef y");
        assert_eq!(leak, Err(Leak::SystemMessage));
        assert_eq!(redactor.outbound_check(b"hunter2 and nothing else"), Ok(()));
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
