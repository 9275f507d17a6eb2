//! Matching the argument patterns people write. A doubtful word counts as a
//! match for `deny` and `prompt`, never for `allow`.

use crate::assessment::KnownWord;
use crate::policy::Rule;

/// Whether `argv` could be a command this `prompt` or `deny` rule means. The
/// pattern need only cover the command's beginning.
pub(crate) fn may_match(rule: &Rule, argv: &[KnownWord]) -> bool {
    let pattern = without_rest(&rule.command).0;
    if argv.is_empty() || pattern.is_empty() || pattern.len() > argv.len() {
        return false;
    }
    pattern.iter().zip(argv).enumerate().all(|(at, (want, word))| {
        want == "*"
            || match word {
                KnownWord::Exact(text) => named(at, text) == want || text == want,
                KnownWord::Prefix(start) => want.starts_with(start.as_str()),
            }
    })
}

/// Whether every word of `argv` is known and this `allow` rule covers all.
pub(crate) fn surely_matches(rule: &Rule, argv: &[KnownWord]) -> bool {
    let (pattern, open) = without_rest(&rule.command);
    let length = if open { argv.len() >= pattern.len() } else { argv.len() == pattern.len() };
    let known = argv.iter().all(|word| matches!(word, KnownWord::Exact(_)));
    let covered = pattern
        .iter()
        .zip(argv)
        .all(|(want, word)| want == "*" || matches!(word, KnownWord::Exact(text) if text == want));
    !pattern.is_empty() && length && known && covered
}

/// A command word is also known by its last path component: `/bin/rm` is `rm`.
fn named(at: usize, text: &str) -> &str {
    if at == 0 { text.rsplit('/').next().unwrap_or(text) } else { text }
}

fn without_rest(pattern: &[String]) -> (&[String], bool) {
    match pattern.split_last() {
        Some((last, start)) if last == "**" => (start, true),
        _ => (pattern, false),
    }
}
