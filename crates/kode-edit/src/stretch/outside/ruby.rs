//! Ruby's many literals. Whether a slash, a percent sign or `<<` begins one depends on
//! what stands before it; where both can be meant and end differently, it is in doubt.

use std::ops::Range;

use memchr::{memchr, memmem};

use super::{Around, Reader, is_word_byte};

/// Words after which an expression begins: what stands there is no operator.
const BEFORE_EXPRESSION: [&[u8]; 17] = [
    b"and", b"begin", b"case", b"do", b"else", b"elsif", b"if", b"in", b"not", b"or", b"return",
    b"then", b"unless", b"until", b"when", b"while", b"yield",
];

/// A here-document that is to come.
pub(super) struct Heredoc {
    name: Range<usize>,
    /// Whether its end may be indented.
    indented: bool,
    literal: bool,
}

impl Reader<'_> {
    pub(super) fn ruby_step(&mut self) -> Option<()> {
        let start = self.at;
        match self.text[start] {
            b'\n' => return self.ruby_line_end(),
            b'#' => {
                self.skip_line();
                return Some(());
            }
            byte if byte.is_ascii_whitespace() => {
                self.at += 1;
                return Some(());
            }
            byte if is_word_byte(byte) || byte == b'@' => self.ruby_word()?,
            b'\\' => self.ruby_backslash()?,
            b'"' => self.enter_literal(1, b'"', b'"')?,
            b'`' if self.names_a_method() => self.at += 1,
            b'`' => self.enter_literal(1, b'`', b'`')?,
            b'\'' => self.string(b'\'', true)?,
            b':' => self.ruby_colon()?,
            b'?' => self.ruby_question()?,
            b'%' => self.ruby_percent()?,
            b'/' => self.ruby_slash()?,
            b'<' if self.starts(b"<<") => self.ruby_heredoc()?,
            _ => self.plain()?,
        }
        self.token_end = self.at.min(self.text.len());
        let lines = memchr(b'\n', &self.text[start..self.token_end]).is_some();
        // A literal over lines between a here-document's begin and its text.
        (!lines || self.heredocs.is_empty()).then_some(())
    }

    /// Two lines that are one; in doubt before what is no operator where one begins.
    fn ruby_backslash(&mut self) -> Option<()> {
        let rest = self.text[self.at + 1..].trim_ascii_start();
        self.at += 2;
        (!rest.first().is_some_and(|byte| b"/%<?:".contains(byte))).then_some(())
    }

    /// Past a line's end, the here-documents behind it, and comments between
    /// `=begin` and `=end`.
    fn ruby_line_end(&mut self) -> Option<()> {
        self.at += 1;
        for heredoc in std::mem::take(&mut self.heredocs) {
            self.skip_heredoc(&heredoc)?;
        }
        while self.starts(b"=begin") {
            self.at += memmem::find(&self.text[self.at..], b"\n=end")? + 5;
            self.skip_line();
            self.at += usize::from(self.at < self.text.len());
        }
        Some(())
    }

    fn skip_heredoc(&mut self, heredoc: &Heredoc) -> Option<()> {
        let name = &self.text[heredoc.name.clone()];
        loop {
            let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
            let line = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
            self.at = (self.at + line.len() + 1).min(self.text.len());
            let bare = line.strip_suffix(b"\r").unwrap_or(line);
            let bare = if heredoc.indented { bare.trim_ascii_start() } else { bare };
            if bare == name {
                return Some(());
            }
            if !heredoc.literal && !ends_all_code(line) {
                return None;
            }
        }
    }

    fn ruby_word(&mut self) -> Option<()> {
        while self.text.get(self.at).is_some_and(|byte| is_word_byte(*byte) || *byte == b'@') {
            let global = self.text[self.at] == b'$';
            self.at += 1;
            match self.text.get(self.at) {
                Some(next) if global && b"!?'\"/`@$~&*_-".contains(next) => self.at += 1,
                Some(next) if global && !is_word_byte(*next) => return None,
                _ => {}
            }
        }
        Some(())
    }

    /// Whether the last token is a value, or a method's name that may take one.
    fn follows_value(&self) -> bool {
        let before = &self.text[..self.token_end];
        if memchr(b'\n', &self.text[self.token_end..self.at]).is_some() {
            return false;
        }
        match before.last() {
            Some(byte) if is_word_byte(*byte) => {
                let length = before.iter().rev().take_while(|byte| is_word_byte(**byte)).count();
                let word = &before[before.len() - length..];
                let member = before[..before.len() - length].ends_with(b".");
                member || !BEFORE_EXPRESSION.contains(&word)
            }
            Some(b'?' | b'!') => self.token_end > 1 && is_word_byte(before[before.len() - 2]),
            Some(b')' | b']' | b'}' | b'"' | b'\'' | b'`' | b'/') => true,
            _ => false,
        }
    }

    /// Whether space stands before the next token and none behind its `length` bytes:
    /// an argument's begin as well as an operator.
    fn is_ambiguous(&self, length: usize) -> bool {
        let next = self.text.get(self.at + length);
        self.token_end < self.at && !next.is_none_or(u8::is_ascii_whitespace)
    }

    /// Whether `def` or a dot stands right before: operators are names there.
    fn names_a_method(&self) -> bool {
        let before = &self.text[..self.token_end];
        before.ends_with(b"def") || before.ends_with(b".")
    }

    fn enter_literal(&mut self, length: usize, open: u8, close: u8) -> Option<()> {
        self.at += length;
        self.literal(open, close, 0)
    }

    /// The text of a literal with code in it, inside `depth` nested pairs.
    pub(super) fn literal(&mut self, open: u8, close: u8, mut depth: usize) -> Option<()> {
        loop {
            match *self.text.get(self.at)? {
                b'\\' => self.at += 2,
                b'#' if self.starts(b"#{") => {
                    self.enter(2, Around::Literal(open, close, depth));
                    return Some(());
                }
                byte if byte == close => {
                    self.at += 1;
                    match depth.checked_sub(1) {
                        Some(outer) => depth = outer,
                        None => break,
                    }
                }
                byte => {
                    depth += usize::from(byte == open);
                    self.at += 1;
                }
            }
        }
        self.token_end = self.at.min(self.text.len());
        Some(())
    }

    fn ruby_colon(&mut self) -> Option<()> {
        let next = *self.text.get(self.at + 1)?;
        match next {
            b':' => self.at += 2,
            b'?' | b'$' => return None,
            // Symbols of operators that begin literals elsewhere: `reduce(:/)`.
            b'/' | b'%' | b'`' | b'<' => {
                let operators = self.text[self.at + 1..].iter();
                let length = operators.take_while(|byte| b"/%`<=>".contains(byte)).count();
                let symbol = !self.follows_value() && !self.text[..self.token_end].ends_with(b"?");
                self.at += 1 + length;
                return (symbol && length <= 3).then_some(());
            }
            _ => self.at += 1,
        }
        Some(())
    }

    /// `?a` is a string, `x ? a : b` and `empty?` are none.
    fn ruby_question(&mut self) -> Option<()> {
        let next = self.text.get(self.at + 1).copied()?;
        let suffix = self.token_end == self.at && self.follows_value();
        if !self.follows_value() && next.is_ascii_punctuation() && next != b'\\' {
            self.at += 2;
            return Some(());
        }
        let harmless = suffix || next.is_ascii_alphanumeric() || next.is_ascii_whitespace();
        self.at += 1;
        (harmless || matches!(next, b'_' | b'@' | b'.' | b',' | b':')).then_some(())
    }

    fn ruby_percent(&mut self) -> Option<()> {
        if self.names_a_method() {
            self.at += 1;
            return Some(());
        }
        if self.follows_value() {
            if self.starts(b"%=") || !self.is_ambiguous(1) {
                self.at += 1;
                return Some(());
            }
            return self.skip_either_way();
        }
        let kind = *self.text.get(self.at + 1)?;
        let (length, plain) = match kind {
            b'w' | b'i' | b'q' | b's' => (2, true),
            b'W' | b'I' | b'Q' | b'r' | b'x' => (2, false),
            _ => (1, false),
        };
        let open = *self.text.get(self.at + length)?;
        let close = match open {
            b'(' => b')',
            b'[' => b']',
            b'{' => b'}',
            b'<' => b'>',
            _ if open.is_ascii_punctuation() && open != b'\\' => open,
            _ => return None,
        };
        let start = self.at;
        self.enter_literal(length + 1, if open == close { 0 } else { open }, close)?;
        // In some `#{` is text.
        let code = self.holes.last().is_some_and(|hole| matches!(hole.around, Around::Literal(..)));
        let entered = code && self.text[start..self.at].ends_with(b"#{");
        (!plain || !entered).then_some(())
    }

    /// `a %w[b]`: a literal or a remainder, where both end alike.
    fn skip_either_way(&mut self) -> Option<()> {
        let rest = &self.text[self.at + 1..];
        let kind = usize::from(rest.first().is_some_and(u8::is_ascii_alphabetic));
        let close = match rest.get(kind)? {
            b'(' => b')',
            b'[' => b']',
            b'{' => b'}',
            _ => return None,
        };
        let end = memchr(close, rest)?;
        let content = &rest[kind + 1..end];
        self.at += end + 2;
        let nests = content.iter().any(|byte| b"()[]{}\n".contains(byte));
        (!nests && is_balanced(content)).then_some(())
    }

    fn ruby_slash(&mut self) -> Option<()> {
        if self.names_a_method() {
            self.at += 1;
            return Some(());
        }
        if !self.follows_value() {
            return self.enter_literal(1, b'/', b'/');
        }
        if self.is_ambiguous(1) && !self.starts(b"/= ") {
            // `a /b` or `a /b/`: what both leave alike.
            let rest = &self.text[self.at + 1..];
            let line = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
            let end = memchr(b'/', line)?;
            self.at += end + 2;
            return is_balanced(&line[..end]).then_some(());
        }
        // `a / b`, `a/b`
        self.at += 1;
        Some(())
    }

    /// `<<` as an operator or as the begin of a here-document.
    fn ruby_heredoc(&mut self) -> Option<()> {
        let mut at = self.at + 2;
        let indented = matches!(self.text.get(at), Some(b'~' | b'-'));
        at += usize::from(indented);
        let quote = self.text.get(at).copied().filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
        at += usize::from(quote.is_some());
        let length = self.text[at..].iter().take_while(|byte| is_word_byte(**byte)).count();
        let name = at..at + length;
        let first = self.text.get(at).copied().unwrap_or(b' ');
        let named = length > 0 && !first.is_ascii_digit();
        if !named || self.names_a_method() {
            // `a << b`, `1 << 2`, `class << self`
            let operator = quote.is_none() && (!indented || first.is_ascii_digit());
            self.at += 2;
            return operator.then_some(());
        }
        // One that is none has no line of its name alone to end it.
        let sure = !self.follows_value() || self.token_end < self.at;
        let quoted = quote.is_none_or(|quote| self.text.get(name.end) == Some(&quote));
        if !sure || !quoted || quote.is_none() && !indented && !first.is_ascii_uppercase() {
            return None;
        }
        self.at = name.end + usize::from(quote.is_some());
        self.heredocs.push(Heredoc { name, indented, literal: quote == Some(b'\'') });
        Some(())
    }
}

/// Whether the text is the same in a regular expression as in code.
fn is_balanced(text: &[u8]) -> bool {
    let count = |byte: u8| text.iter().filter(|other| **other == byte).count();
    !text.iter().any(|byte| b"\"'`#%<?:$\\".contains(byte))
        && [b"()", b"[]", b"{}"].iter().all(|pair| count(pair[0]) == count(pair[1]))
}

/// Whether all code in a line of a here-document ends in it.
fn ends_all_code(line: &[u8]) -> bool {
    let mut rest = line;
    while let Some(at) = memmem::find(rest, b"#{") {
        match code_length(&rest[at + 2..]) {
            Some(length) => rest = &rest[at + 2 + length..],
            None => return false,
        }
    }
    true
}

/// How far code reaches up to the brace that ends it; `None` in doubt.
fn code_length(code: &[u8]) -> Option<usize> {
    let (mut at, mut open) = (0, 0usize);
    loop {
        match code.get(at)? {
            b'}' if open == 0 => return Some(at),
            b'}' => open -= 1,
            b'{' => open += 1,
            quote @ (b'"' | b'\'') => {
                let length = memchr(*quote, &code[at + 1..])?;
                let text = &code[at + 1..at + 1 + length];
                if text.iter().any(|byte| b"\\#{}".contains(byte)) {
                    return None;
                }
                at += length + 1;
            }
            b'\\' | b'`' | b'%' | b'/' | b'?' => return None,
            _ => {}
        }
        at += 1;
    }
}
