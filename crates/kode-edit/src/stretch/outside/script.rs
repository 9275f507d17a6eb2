//! What JavaScript, TypeScript and JSX have beside ordinary strings: regular expressions,
//! templates and elements, with code in them.

use memchr::memchr;

use super::{Around, Reader, is_word_byte};

/// Words after which JavaScript has a regular expression, not a division.
const BEFORE_EXPRESSION: [&[u8]; 13] = [
    b"return",
    b"typeof",
    b"case",
    b"in",
    b"of",
    b"instanceof",
    b"new",
    b"delete",
    b"void",
    b"throw",
    b"else",
    b"do",
    b"yield",
];

impl Reader<'_> {
    pub(super) fn regex_or_division(&mut self) -> Option<()> {
        let before = &self.text[..self.token_end];
        let word = before.iter().rev().take_while(|byte| is_word_byte(**byte)).count();
        let (start, word) = (before.len() - word, &before[before.len() - word..]);
        let member = before[..start].trim_ascii_end().ends_with(b".");
        let ends_value = match before.last() {
            Some(byte) if is_word_byte(*byte) => member || !BEFORE_EXPRESSION.contains(&word),
            Some(b')' | b']' | b'}' | b'"' | b'\'' | b'`') => true,
            _ => before.ends_with(b"++") || before.ends_with(b"--"),
        };
        let rest = &self.text[self.at + 1..];
        let line = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
        if ends_value {
            // `if (x) /'/.test(y)`: what could be a regular expression after all.
            let harmless = !line.iter().any(|byte| b"\"'`/*".contains(byte));
            let plain_value = before.last().is_some_and(|byte| is_word_byte(*byte));
            self.at += 1;
            return (harmless || plain_value).then_some(());
        }
        let (mut in_class, mut index) = (false, 0);
        while let Some(byte) = line.get(index) {
            match byte {
                b'\\' => index += 1,
                b'[' => in_class = true,
                b']' => in_class = false,
                b'/' if !in_class => {
                    self.at += index + 2;
                    return Some(());
                }
                _ => {}
            }
            index += 1;
        }
        None
    }

    /// The text of a template string, up to its end or the code in it.
    pub(super) fn template(&mut self) -> Option<()> {
        loop {
            match self.text.get(self.at)? {
                b'\\' => self.at += 2,
                b'`' => {
                    self.at += 1;
                    return Some(());
                }
                b'$' if self.starts(b"${") => {
                    self.enter(2, Around::Template);
                    return Some(());
                }
                _ => self.at += 1,
            }
        }
    }

    /// `<` as an operator, around type arguments, or as the begin of an element.
    pub(super) fn less_than(&mut self) -> Option<()> {
        if self.starts(b"</") || self.starts(b"<!--") {
            return None;
        }
        let next = self.text.get(self.at + 1).copied()?;
        let opens = next.is_ascii_alphabetic() || matches!(next, b'_' | b'$' | b'>');
        if !self.has_elements() || !opens {
            self.at += 1;
            return Some(());
        }
        let before = &self.text[..self.token_end];
        let apart = before.len() < self.at;
        match before.last() {
            Some(byte) if is_word_byte(*byte) => {
                let length = before.iter().rev().take_while(|byte| is_word_byte(**byte)).count();
                let word = &before[before.len() - length..];
                let member = before[..before.len() - length].ends_with(b".");
                match apart && !member && BEFORE_EXPRESSION.contains(&word) {
                    true => self.tag(0),
                    // `f<T>()`, `a <b`
                    false => {
                        self.at += 1;
                        (!apart).then_some(())
                    }
                }
            }
            Some(b'(' | b',' | b'=' | b'?' | b':' | b'&' | b'|' | b'{' | b'[') => self.tag(0),
            Some(b'>') if before.ends_with(b"=>") => self.tag(0),
            _ => None,
        }
    }

    /// The opening tag of an element inside `depth` others, from its `<` on or behind
    /// the code in it.
    pub(super) fn tag(&mut self, depth: usize) -> Option<()> {
        if self.starts(b"<") {
            self.at += 1;
            while is_name_byte(*self.text.get(self.at)?) {
                self.at += 1;
            }
            self.skip_type_arguments()?;
        }
        loop {
            match *self.text.get(self.at)? {
                b'{' => {
                    self.enter(1, Around::Tag(depth));
                    return Some(());
                }
                b'>' => {
                    self.at += 1;
                    // `<T>(a: T) => …` is a function.
                    let function =
                        depth == 0 && self.text[self.at..].trim_ascii_start().starts_with(b"(");
                    return if function { None } else { self.children(depth + 1) };
                }
                b'/' if self.starts(b"/>") => {
                    self.at += 2;
                    return if depth == 0 { Some(()) } else { self.children(depth) };
                }
                b'/' if self.starts(b"//") => self.skip_line(),
                b'/' if self.starts(b"/*") => self.skip_past(2, b"*/")?,
                quote @ (b'"' | b'\'') => self.skip_past(1, &[quote])?,
                b'=' if matches!(self.text.get(self.at + 1)?, b'"' | b'\'' | b'{') => self.at += 1,
                byte if byte.is_ascii_whitespace() => self.at += 1,
                byte if is_name_byte(byte) => {
                    let start = self.at;
                    while is_name_byte(*self.text.get(self.at)?) {
                        self.at += 1;
                    }
                    if &self.text[start..self.at] == b"extends" {
                        return None;
                    }
                }
                _ => return None,
            }
        }
    }

    /// Past `<T>` behind an element's name, when it names types only.
    fn skip_type_arguments(&mut self) -> Option<()> {
        if !self.starts(b"<") {
            return Some(());
        }
        let end = memchr(b'>', &self.text[self.at..])?;
        let names = &self.text[self.at + 1..self.at + end];
        self.at += end + 1;
        let simple = |byte: &u8| is_name_byte(*byte) || b", []|".contains(byte);
        names.iter().all(simple).then_some(())
    }

    /// The content of `depth` open elements, up to their end or the code in them.
    pub(super) fn children(&mut self, mut depth: usize) -> Option<()> {
        loop {
            match *self.text.get(self.at)? {
                b'{' => {
                    self.enter(1, Around::Children(depth));
                    return Some(());
                }
                b'<' if self.starts(b"</") => {
                    let rest = &self.text[self.at + 2..];
                    let end = memchr(b'>', rest)?;
                    let named = |byte: &u8| is_name_byte(*byte) || byte.is_ascii_whitespace();
                    if !rest[..end].iter().all(named) {
                        return None;
                    }
                    self.at += end + 3;
                    depth -= 1;
                    if depth == 0 {
                        return Some(());
                    }
                }
                b'<' => return self.tag(depth),
                b'>' | b'}' => return None,
                _ => self.at += 1,
            }
        }
    }
}

/// Whether it stands in the names of elements and attributes.
const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'-' | b'.' | b':')
}
