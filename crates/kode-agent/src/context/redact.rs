//! Known secrets are cut from tool output before the model or the disk sees
//! them: credentials in kode's environment, its own key, and the values in the
//! project's credential files. Weak values are cut too, but tell nothing.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use kode_base::Secret;
use kode_gate::{Ablation, Control};
use thiserror::Error;

use super::broken_forms::{BrokenForms, is_run};
use super::known_secrets::env_file_secrets;
use super::secret_forms::{forms, plain_forms};
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

/// Shorter values of letters or digits alone are words such as `password` that
/// stand in many texts: seeing one is no sign that a credential was read.
const STRONG_WORD_LENGTH_MIN: usize = 16;

/// Finds known secrets in text, and the session's canary.
#[derive(Debug, Default)]
pub struct Redactor {
    secrets: Option<AhoCorasick>,
    canary: Option<AhoCorasick>,
    /// Both, to cut them in one pass: forms of the canary come after those of
    /// the secrets.
    known: Option<AhoCorasick>,
    /// Forms of strong secrets, then of weak ones.
    spellings: Vec<String>,
    strong_spellings: usize,
    /// Encoded strong secrets, with anything between the letters.
    broken: BrokenForms,
    /// What approved reads of credentials showed the model: it may see them,
    /// they may not leave.
    learned: Vec<String>,
    learned_forms: Option<AhoCorasick>,
    learned_broken: BrokenForms,
    ablation: Ablation,
}

impl Redactor {
    /// A redactor for `secrets`, each also percent-encoded, in base64, in
    /// hexadecimal and backwards.
    pub fn new(secrets: &[Secret]) -> Self {
        let known = secrets.iter().map(Secret::reveal);
        let (strong, weak): (Vec<&str>, Vec<&str>) = known.partition(|secret| is_strong(secret));
        let mut spellings = spellings(&strong, plain_forms);
        let strong_spellings = spellings.len();
        spellings.extend(self::spellings(&weak, forms));
        let secrets = search(&spellings);
        let broken = BrokenForms::new(strong);
        let known = secrets.clone();
        Self { known, secrets, spellings, strong_spellings, broken, ..Self::default() }
    }

    /// The same with this session's canary.
    #[must_use]
    pub fn with_canary(mut self, canary: &str) -> Self {
        let own = spellings(&[canary], forms);
        self.canary = search(&own);
        self.known = search(&[self.spellings.as_slice(), &own].concat());
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
        self.learned_forms = search(&spellings(&known, forms));
        self.learned_broken = BrokenForms::new(known.into_iter().filter(|word| is_strong(word)));
    }

    pub(super) fn keeps(&self, control: Control) -> bool {
        self.ablation.keeps(control)
    }

    /// `text` without known secrets and without the canary.
    pub fn redact(&self, text: &str) -> String {
        self.cut(text).0
    }

    /// `text` without known secrets and without the canary, and whether a strong
    /// secret was in it.
    pub(crate) fn cut(&self, text: &str) -> (String, bool) {
        if !self.keeps(Control::Secrets) {
            return (text.to_owned(), false);
        }
        let regions = self.broken.regions(text.as_bytes());
        let mut found_strong = !regions.is_empty();
        let text = without(text, &regions);
        let Some(known) = self.known.as_ref().filter(|known| known.is_match(&text)) else {
            return (text, found_strong);
        };
        let mut result = String::with_capacity(text.len());
        known.replace_all_with(&text, &mut result, |found, _, result| {
            let pattern = found.pattern().as_usize();
            found_strong |= pattern < self.strong_spellings;
            let is_secret = pattern < self.spellings.len();
            result.push_str(if is_secret { REDACTION_MARK } else { CANARY_MARK });
            true
        });
        (result, found_strong)
    }

    /// Whether `bytes` hold a known strong secret, in some form.
    pub fn finds_in(&self, bytes: &[u8]) -> bool {
        let strong = |known: &AhoCorasick| {
            known.find_iter(bytes).any(|found| found.pattern().as_usize() < self.strong_spellings)
        };
        let plain = || self.secrets.as_ref().is_some_and(strong);
        self.keeps(Control::Secrets) && (plain() || self.broken.is_in(bytes))
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
        let plain = finds(&self.secrets) || finds(&self.learned_forms);
        if plain || self.broken.is_in(bytes) || self.learned_broken.is_in(bytes) {
            Err(Leak::Secret)
        } else {
            Ok(())
        }
    }
}

/// `text` with a mark in each region's place.
fn without(text: &str, regions: &[Range<usize>]) -> String {
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for region in regions {
        result.push_str(text.get(at..region.start).unwrap_or_default());
        result.push_str(REDACTION_MARK);
        at = region.end;
    }
    result.push_str(text.get(at..).unwrap_or_default());
    result
}

/// Whether a value is no word or number that other texts hold as well.
fn is_strong(secret: &str) -> bool {
    let of = |kind: fn(char) -> bool| secret.chars().all(kind);
    let word = of(char::is_alphabetic) || of(|c| c.is_ascii_digit());
    secret.len() >= SECRET_LENGTH_MIN
        && !is_run(secret.as_bytes())
        && (!word || secret.len() >= STRONG_WORD_LENGTH_MIN)
}

/// Every form of the secrets that are long enough, each once.
fn spellings(secrets: &[&str], forms: fn(&str) -> Vec<String>) -> Vec<String> {
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
    fn broken_encodings_are_cut_whole_and_told() {
        let redactor = redactor();
        let spaced = "68 75 6e 74 65 72 32 2d 68 75 6e 74 65 72 32";
        for text in [spaced, "aHVudGVy\nMi1odW50\nZXIy", "0x68, 0x75, 0x6e, 0x74, 0x65, 0x72"] {
            let (cut, found) = redactor.cut(&format!("<{text}>"));
            assert!(found && cut.contains(REDACTION_MARK) && cut.len() < 25, "{cut}");
            assert!(redactor.finds_in(text.as_bytes()));
            assert_eq!(redactor.outbound_check(text.as_bytes()), Err(Leak::Secret), "{text}");
        }
        assert_eq!(redactor.cut("é harmless 日本").0, "é harmless 日本");
    }

    #[test]
    fn a_word_that_is_a_password_is_cut_but_tells_nothing() {
        let redactor = Redactor::new(&[Secret::new("password".to_owned())]);
        let (cut, found) = redactor.cut("the password field");
        assert_eq!((cut.as_str(), found), ("the [redacted secret] field", false));
        assert!(!redactor.finds_in(b"password"));
        assert_eq!(redactor.outbound_check(b"password"), Err(Leak::Secret));
    }

    #[test]
    fn what_was_learned_does_not_leave_in_pieces() {
        let mut redactor = Redactor::default();
        redactor.learn("API_KEY=s3cret-value-0123\n");
        let wrapped = b"czNjcmV0\nLXZhbHVl\nLTAxMjM=";
        assert_eq!(redactor.outbound_check(wrapped), Err(Leak::Secret));
        assert!(!redactor.cut("s3cret-value-0123").1, "it may be shown");
    }
}
