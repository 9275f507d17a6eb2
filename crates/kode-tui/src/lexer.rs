//! Enough of a language's surface to colour one line: strings, comments,
//! numbers and the words most languages keep for themselves. It knows no
//! grammar, looks at single lines only, and may be wrong about a string that
//! spans lines; nothing but colour depends on it.

use std::ops::Range;

/// What a piece of code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    Keyword,
    Literal,
    Comment,
}

/// Words kept by at least one of the languages kode scans.
const KEYWORDS: &str = " abstract and as assert async await break case catch class const continue \
    def default defer delete do elif else enum except export extends false finally fn for from func \
    function go if impl implements import in instanceof interface is lambda let loop match mod module \
    move mut namespace new nil None not null or package pass private protected pub public raise \
    readonly return self static struct super switch this throw throws trait true True False try type \
    typeof undefined unless until use using var void when where while with yield ";

/// The tokens of a line, in order. `hash_comments` is for languages in which
/// `#` begins a comment.
pub(crate) fn tokens(line: &str, hash_comments: bool) -> Vec<(Range<usize>, Token)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(character) = line[at..].chars().next() {
        let rest = &line[at..];
        if rest.starts_with("//") || rest.starts_with("/*") || (hash_comments && character == '#') {
            found.push((at..line.len(), Token::Comment));
            break;
        }
        let (length, token) = match character {
            '"' | '\'' | '`' => string(rest, character),
            c if c.is_alphabetic() || c == '_' => word(rest),
            c if c.is_ascii_digit() => (run(rest), Some(Token::Literal)),
            c => (c.len_utf8(), None),
        };
        if let Some(token) = token {
            found.push((at..at + length, token));
        }
        at += length;
    }
    found
}

/// A string to its end, or a lone quote, such as an apostrophe or a lifetime.
fn string(rest: &str, quote: char) -> (usize, Option<Token>) {
    let mut escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return (at + 1, Some(Token::Literal)),
            _ => {}
        }
    }
    (1, None)
}

fn word(rest: &str) -> (usize, Option<Token>) {
    let length = run(rest);
    let is_keyword =
        KEYWORDS.split(' ').any(|keyword| !keyword.is_empty() && keyword == &rest[..length]);
    (length, is_keyword.then_some(Token::Keyword))
}

fn run(rest: &str) -> usize {
    rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
}

/// Whether `#` begins a comment in files of this name.
pub(crate) fn has_hash_comments(name: &str) -> bool {
    let extension = name.rsplit('.').next().unwrap_or_default();
    matches!(extension, "py" | "rb" | "sh" | "bash" | "yaml" | "yml" | "toml" | "pl" | "r")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(line: &str, hash: bool) -> Vec<(&str, Token)> {
        tokens(line, hash).into_iter().map(|(range, token)| (&line[range], token)).collect()
    }

    #[test]
    fn strings_numbers_words_and_comments_are_told_apart() {
        let expected = [
            ("let", Token::Keyword),
            ("\"a // b\"", Token::Literal),
            ("42", Token::Literal),
            ("// why", Token::Comment),
        ];
        assert_eq!(seen("let x1 = f(\"a // b\", 42); // why", false), expected);
    }

    #[test]
    fn an_apostrophe_swallows_nothing() {
        assert_eq!(seen("it's return", false), [("return", Token::Keyword)]);
        assert_eq!(seen("'日' # x", true)[1], ("# x", Token::Comment));
    }
}
