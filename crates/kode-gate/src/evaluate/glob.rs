//! Matching of shell patterns: `*`, `?`, `[…]`. Iterative, so no pattern is
//! slower than text length times pattern length.

/// Whether `pattern` matches all of `text`.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    const SPECIAL: [char; 4] = ['*', '?', '[', '\\'];
    // Most patterns of the tables differ before anything special stands in them.
    let Some(plain) = pattern.find(SPECIAL) else { return pattern == text };
    if !text.starts_with(&pattern[..plain]) {
        return false;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, t));
            p += 1;
            continue;
        }
        if let Some(length) = element(&pattern[p..], text[t]) {
            p += length;
            t += 1;
            continue;
        }
        let Some((at, from)) = star else { return false };
        p = at + 1;
        t = from + 1;
        star = Some((at, t));
    }
    pattern[p..].iter().all(|rest| *rest == '*')
}

/// The length of the first pattern element if it matches `character`.
fn element(pattern: &[char], character: char) -> Option<usize> {
    match pattern.first()? {
        '?' => Some(1),
        '[' => bracket(pattern, character),
        '\\' if pattern.get(1) == Some(&character) => Some(2),
        first => (*first == character).then_some(1),
    }
}

fn bracket(pattern: &[char], character: char) -> Option<usize> {
    let negated = matches!(pattern.get(1), Some('!' | '^'));
    let start = if negated { 2 } else { 1 };
    let close = (start + 1..pattern.len()).find(|at| pattern[*at] == ']');
    let Some(close) = close else {
        return (character == '[').then_some(1);
    };
    let mut found = false;
    let mut at = start;
    while at < close {
        if at + 2 < close && pattern[at + 1] == '-' {
            found |= (pattern[at]..=pattern[at + 2]).contains(&character);
            at += 3;
        } else {
            found |= pattern[at] == character;
            at += 1;
        }
    }
    (found != negated).then_some(close + 1)
}

/// The longest (or shortest) prefix of `text` that `pattern` matches, in bytes.
pub(crate) fn prefix(pattern: &str, text: &str, longest: bool) -> Option<usize> {
    let mut ends = boundaries(text);
    if longest {
        ends.reverse();
    }
    ends.into_iter().find(|end| matches(pattern, &text[..*end]))
}

/// The start of the longest (or shortest) suffix that `pattern` matches.
pub(crate) fn suffix(pattern: &str, text: &str, longest: bool) -> Option<usize> {
    let mut starts = boundaries(text);
    if !longest {
        starts.reverse();
    }
    starts.into_iter().find(|start| matches(pattern, &text[*start..]))
}

/// Character boundaries of `text`; of a long text only the first thousand, so
/// that matching stays bounded.
fn boundaries(text: &str) -> Vec<usize> {
    let mut all: Vec<usize> = text.char_indices().map(|(at, _)| at).take(1_000).collect();
    all.push(text.len());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_the_shell() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("r?", "rm", true),
            ("[rq]m", "rm", true),
            ("[!r]m", "rm", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("[a-c]x", "bx", true),
            ("[", "[", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn prefixes_and_suffixes_are_shortest_or_longest() {
        assert_eq!(prefix("*/", "a/b/c", false), Some(2));
        assert_eq!(prefix("*/", "a/b/c", true), Some(4));
        assert_eq!(suffix("/*", "a/b/c", false), Some(3));
        assert_eq!(suffix("/*", "a/b/c", true), Some(1));
    }
}
