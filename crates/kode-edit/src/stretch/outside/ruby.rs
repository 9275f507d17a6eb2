//! Ruby's many literals, and its definitions around a change. A line that begins with
//! `def` behind one that is only `end` begins a statement, whatever stands around it,
//! where that is outside of literals, comments and brackets.

use std::ops::Range;

use kode_syntax::{Language, SourceTree};
use memchr::{memchr, memmem};

use super::super::{Stretch, line_begins};
use super::{Around, Reader, is_word_byte};

/// Words after which an expression begins: what stands there is no operator.
const BEFORE_EXPRESSION: [&[u8]; 17] = [
    b"and", b"begin", b"case", b"do", b"else", b"elsif", b"if", b"in", b"not", b"or", b"return",
    b"then", b"unless", b"until", b"when", b"while", b"yield",
];

/// Words that end a block or go on with it.
const CONTINUATIONS: [&[u8]; 9] =
    [b"end", b"else", b"elsif", b"when", b"in", b"rescue", b"ensure", b"then", b"do"];

/// A here-document that is to come.
pub(super) struct Heredoc {
    name: Range<usize>,
    /// Whether its end may be indented.
    indented: bool,
    literal: bool,
}

/// The definitions from the last begin of one before the change to the first one behind
/// it, or the end of what they stand in.
pub(in super::super) fn definitions_around(
    before: &[u8],
    after: &[u8],
    range: &Range<usize>,
) -> Option<Stretch> {
    // What is no code from the begin, or to the end.
    let ends =
        |text: &[u8]| text.starts_with(b"=begin") || memmem::find(text, b"__END__").is_some();
    if ends(before) || ends(after) {
        return None;
    }
    let start = definition_begin(before, range.start)?;
    let grown = |at: usize| (at + after.len()).checked_sub(before.len());
    let ends = |at: &usize| {
        let grown = grown(*at).filter(|grown| *grown >= start);
        ends_at(before, *at) && grown.is_some_and(|grown| ends_at(after, grown))
    };
    let end = line_begins(before, range.end).find(ends)?;
    Some(Stretch::new(start..end, start..grown(end)?))
}

/// Where the last line up to `until` begins that begins with `def` behind an `end` of its
/// own line.
fn definition_begin(text: &[u8], until: usize) -> Option<usize> {
    let mut reader = Reader::new(Language::Ruby, text)?;
    let (mut last, mut ended) = (None, false);
    while reader.at <= until && reader.at < text.len() {
        let at = reader.at;
        let outside = reader.open == 0 && reader.is_outside();
        if is_line_begin(text, at) && outside && ended && begins_definition(&text[at..]) {
            last = Some(at);
        }
        let behind = reader.token_end;
        reader.step()?;
        if reader.token_end > behind {
            ended = outside && &text[at..reader.at] == b"end" && ends_a_value(&text[..behind]);
        }
    }
    last
}

/// Whether `end` behind this text ends a block, and is no method's name.
fn ends_a_value(text: &[u8]) -> bool {
    let names = [b"def".as_slice(), b"alias", b"undef"].iter().any(|word| text.ends_with(word));
    !names && !matches!(text.last(), Some(b'.' | b':' | b'&' | b'\\' | b','))
}

fn is_line_begin(text: &[u8], at: usize) -> bool {
    at == 0 || text[at - 1] == b'\n'
}

fn begins_definition(text: &[u8]) -> bool {
    let line = &text[..memchr(b'\n', text).unwrap_or(text.len())];
    line.trim_ascii_start().starts_with(b"def ")
}

/// Whether the last filled line before `at` is only `end`, and the one at it begins a
/// definition or ends what they stand in.
fn ends_at(text: &[u8], at: usize) -> bool {
    let before = text[..at].trim_ascii_end();
    let last = memchr::memrchr(b'\n', before).map_or(before, |newline| &before[newline + 1..]);
    let line = &text[at..][..memchr(b'\n', &text[at..]).unwrap_or(text.len() - at)];
    is_line_begin(text, at)
        && last.trim_ascii() == b"end"
        && (begins_definition(line) || line.trim_ascii() == b"end")
}

/// Whether a word that ends or goes on with a block stands where none is open: the
/// grammar takes it for a name.
pub(in super::super) fn holds_stray_words(tree: &SourceTree, text: &[u8]) -> bool {
    if tree.language != Language::Ruby {
        return false;
    }
    let mut cursor = tree.tree.walk();
    loop {
        let node = cursor.node();
        let word = &text[node.byte_range()];
        if node.kind() == "identifier" && CONTINUATIONS.contains(&word) {
            return true;
        }
        if cursor.goto_first_child() || cursor.goto_next_sibling() {
            continue;
        }
        loop {
            if !cursor.goto_parent() {
                return false;
            }
            if cursor.goto_next_sibling() {
                break;
            }
        }
    }
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
            b'\\' => self.at += 2,
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
            let code_ends = |at: usize| {
                let code = &line[at + 2..];
                memchr(b'}', code).is_some_and(|end| !code[..end].contains(&b'{'))
            };
            if !heredoc.literal && !memmem::find_iter(line, b"#{").all(code_ends) {
                return None;
            }
        }
    }

    fn ruby_word(&mut self) -> Option<()> {
        while self.text.get(self.at).is_some_and(|byte| is_word_byte(*byte) || *byte == b'@') {
            let global = self.text[self.at] == b'$';
            self.at += 1;
            match self.text.get(self.at) {
                Some(b'!' | b'?' | b'\'' | b'"' | b'/' | b'`' | b'@') if global => self.at += 1,
                Some(next) if global && !is_word_byte(*next) => return None,
                _ => {}
            }
        }
        Some(())
    }

    /// Whether the last token is a value, or a method's name that may take one.
    fn follows_value(&self) -> bool {
        let before = &self.text[..self.token_end];
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
        match *self.text.get(self.at + 1)? {
            b':' => self.at += 2,
            // Symbols of operators that begin literals elsewhere.
            b'/' | b'%' | b'`' | b'<' | b'?' | b'$' => return None,
            _ => self.at += 1,
        }
        Some(())
    }

    /// `?a` is a string, `x ? a : b` and `empty?` are none.
    fn ruby_question(&mut self) -> Option<()> {
        let next = self.text.get(self.at + 1).copied()?;
        let suffix = self.token_end == self.at && self.follows_value();
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
            let assigns = self.starts(b"%=");
            let sure = assigns || !self.is_ambiguous(1);
            self.at += 1;
            return sure.then_some(());
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
            b'|' | b'!' | b'/' | b'-' | b'^' | b'+' | b'~' | b'@' | b'"' => open,
            _ => return None,
        };
        let start = self.at;
        self.enter_literal(length + 1, if open == close { 0 } else { open }, close)?;
        // In some `#{` is text.
        let code = self.holes.last().is_some_and(|hole| matches!(hole.around, Around::Literal(..)));
        let entered = code && self.text[start..self.at].ends_with(b"#{");
        (!plain || !entered).then_some(())
    }

    fn ruby_slash(&mut self) -> Option<()> {
        if self.names_a_method() {
            self.at += 1;
            return Some(());
        }
        if !self.follows_value() {
            return self.enter_literal(1, b'/', b'/');
        }
        let rest = &self.text[self.at + 1..];
        let line = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
        if self.is_ambiguous(1) {
            // `a /b` or `a /b/`: what both leave alike.
            let end = memchr(b'/', line)?;
            self.at += end + 2;
            return is_balanced(&line[..end]).then_some(());
        }
        let harmless = !line.iter().any(|byte| b"\"'`/#%".contains(byte));
        let tight = self.token_end == self.at;
        self.at += 1;
        (harmless || tight).then_some(())
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
        let sure = !self.follows_value() || indented && self.token_end < self.at;
        let quoted = quote.is_none_or(|quote| self.text.get(name.end) == Some(&quote));
        if !sure || !quoted || quote.is_none() && !first.is_ascii_uppercase() {
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
