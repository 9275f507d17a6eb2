//! Enough of a language's surface to colour it line by line: strings, comments,
//! numbers and kept words, with what goes on over line ends. It knows no
//! grammar: a parser would need the whole of a file of hundreds of thousands of
//! lines for the forty on the screen. It may be wrong; only colour depends on it.

mod languages;

use std::ops::Range;

use languages::Language;

/// What a piece of code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    Keyword,
    Literal,
    Number,
    Comment,
}

/// What goes on at a line's begin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum State {
    #[default]
    Code,
    /// A comment, by its number in the language's table.
    Comment(u8),
    /// A string, likewise.
    Text(u8),
}

/// Colours lines of one language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lexer(&'static Language);

impl Lexer {
    /// For a file's name, or a code block's label.
    pub(crate) fn of(name: &str) -> Self {
        Self(languages::of(name))
    }

    /// Whether a line's colours can depend on the lines before.
    pub(crate) fn is_stateful(self) -> bool {
        !self.0.block_comments.is_empty() || !self.0.long_strings.is_empty()
    }

    /// The tokens of a line, in order, and what goes on after it.
    pub(crate) fn line(self, line: &str, state: State) -> (Vec<(Range<usize>, Token)>, State) {
        let mut found = Vec::new();
        let (mut at, mut state) = (0, state);
        if let Some((end, token)) = self.open(state) {
            let length = line.find(end).map(|place| place + end.len());
            found.push((0..length.unwrap_or(line.len()), token));
            let Some(length) = length else { return (found, state) };
            (at, state) = (length, State::Code);
        }
        while let Some(character) = line[at..].chars().next() {
            let rest = &line[at..];
            if let Some((next, start)) = self.begins_long(rest) {
                let (end, token) = self.open(next).unwrap_or(("", Token::Comment));
                let length = rest[start..].find(end).map(|place| start + place + end.len());
                found.push((at..at + length.unwrap_or(rest.len()), token));
                let Some(length) = length else { return (found, next) };
                at += length;
                continue;
            }
            if self.0.line_comments.iter().any(|mark| rest.starts_with(mark)) {
                found.push((at..line.len(), Token::Comment));
                break;
            }
            let (length, token) = self.piece(rest, character);
            if let Some(token) = token {
                found.push((at..at + length, token));
            }
            at += length;
        }
        (found, state)
    }

    /// How what goes on ends.
    fn open(self, state: State) -> Option<(&'static str, Token)> {
        let end = |pairs: &'static [(&'static str, &'static str)], number: u8| {
            pairs.get(usize::from(number)).map(|(_, end)| *end)
        };
        match state {
            State::Code => None,
            State::Comment(number) => Some((end(self.0.block_comments, number)?, Token::Comment)),
            State::Text(number) => Some((end(self.0.long_strings, number)?, Token::Literal)),
        }
    }

    /// A comment or string that may go on over lines, and the length of its mark.
    fn begins_long(self, rest: &str) -> Option<(State, usize)> {
        let begins = |pairs: &'static [(&'static str, &'static str)]| {
            let at = pairs.iter().position(|(start, _)| rest.starts_with(start))?;
            Some((u8::try_from(at).ok()?, pairs[at].0.len()))
        };
        if let Some((number, length)) = begins(self.0.block_comments) {
            return Some((State::Comment(number), length));
        }
        begins(self.0.long_strings).map(|(number, length)| (State::Text(number), length))
    }

    fn piece(self, rest: &str, character: char) -> (usize, Option<Token>) {
        match character {
            c if self.0.quotes.contains(c) => string(rest, c),
            '\'' if self.0.has_characters => character_literal(rest),
            '<' if self.0.has_tags => tag(rest),
            c if is_word(c) && !c.is_ascii_digit() => self.word(rest),
            '#' => self.word(rest),
            c if c.is_ascii_digit() => (1 + run(&rest[1..]), Some(Token::Number)),
            c => (c.len_utf8(), None),
        }
    }

    fn word(self, rest: &str) -> (usize, Option<Token>) {
        let first = rest.chars().next().map_or(1, char::len_utf8);
        let length = first + run(&rest[first..]);
        let word = &rest[..length];
        let words = self.0.words;
        let is_kept = words.match_indices(word).any(|(at, _)| {
            words.as_bytes().get(at.wrapping_sub(1)) == Some(&b' ')
                && words.as_bytes().get(at + length) == Some(&b' ')
        });
        (length, is_kept.then_some(Token::Keyword))
    }
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

/// `'x'` or `'\\n'`; anything else after a `'` is a name.
fn character_literal(rest: &str) -> (usize, Option<Token>) {
    let mut after = rest[1..].char_indices();
    let is_literal = match after.next() {
        Some((_, '\\')) => true,
        Some(_) => after.next().is_some_and(|(_, next)| next == '\''),
        None => false,
    };
    if is_literal { string(rest, '\'') } else { (1, None) }
}

fn tag(rest: &str) -> (usize, Option<Token>) {
    let start = if rest.starts_with("</") { 2 } else { 1 };
    let length = rest[start..].find(|c: char| !c.is_alphanumeric() && c != '-' && c != ':');
    let length = length.unwrap_or(rest.len() - start);
    if length == 0 { (1, None) } else { (start + length, Some(Token::Keyword)) }
}

fn run(rest: &str) -> usize {
    rest.find(|c: char| !is_word(c)).unwrap_or(rest.len())
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen<'a>(name: &str, lines: &'a str) -> Vec<(&'a str, Token)> {
        let (lexer, mut state) = (Lexer::of(name), State::Code);
        let mut all = Vec::new();
        for line in lines.lines() {
            let (tokens, next) = lexer.line(line, state);
            all.extend(tokens.into_iter().map(|(range, token)| (&line[range], token)));
            state = next;
        }
        all
    }

    #[test]
    fn strings_numbers_words_and_comments_are_told_apart() {
        let expected = [
            ("let", Token::Keyword),
            ("\"a // b\"", Token::Literal),
            ("42", Token::Number),
            ("// why", Token::Comment),
        ];
        assert_eq!(seen("a.rs", "let x1 = f(\"a // b\", 42); // why"), expected);
    }

    #[test]
    fn an_apostrophe_swallows_nothing() {
        assert_eq!(seen("a.rs", "fn f<'a>() -> &'a str"), [("fn", Token::Keyword)]);
        assert_eq!(seen("x.py", "'日' # x")[1], ("# x", Token::Comment));
    }

    #[test]
    fn comments_and_strings_go_on_over_lines() {
        let code = "a /* one\nreturn\ntwo */ return";
        let expected = [
            ("/* one", Token::Comment),
            ("return", Token::Comment),
            ("two */", Token::Comment),
            ("return", Token::Keyword),
        ];
        assert_eq!(seen("a.go", code), expected);
        assert_eq!(seen("a.py", "x = '''one\ndef\n''' if")[1], ("def", Token::Literal));
        assert_eq!(seen("a.html", "<p>a <!-- b")[1], ("<!-- b", Token::Comment));
    }

    #[test]
    fn each_language_keeps_its_own_words() {
        for (name, code) in [
            ("a.rs", "fn"),
            ("a.py", "def"),
            ("a.go", "func"),
            ("a.ts", "interface"),
            ("a.java", "class"),
            ("a.rb", "elsif"),
            ("run.sh", "esac"),
            ("Dockerfile", "RUN"),
            ("a.sql", "SELECT"),
            ("a.c", "#include"),
            ("a.php", "foreach"),
            ("a.json", "null"),
            ("a.yaml", "true"),
            ("rust", "fn"),
        ] {
            assert_eq!(seen(name, code), [(code, Token::Keyword)], "{name}");
        }
        assert!(seen("notes.txt", "if it is for me").is_empty());
    }

    proptest! {
        #[test]
        fn tokens_are_in_order_and_on_character_borders(
            line in "[a-z \"'`/*#<!=é日\\\\-]{0,40}", name in "a\\.(rs|py|html|js|lua|rb)",
        ) {
            let (tokens, _) = Lexer::of(&name).line(&line, State::Comment(0));
            let mut end = 0;
            for (range, _) in tokens {
                prop_assert!(range.start >= end && line.get(range.clone()).is_some());
                end = range.end;
            }
        }
    }
}
