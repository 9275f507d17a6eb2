//! The attributes of one tag: as a browser reads them, or as the template means them that
//! the tag stands in (`{{ a > b }}`, `<% … %>`, `on:click={…}`).

use std::ops::Range;

/// An attribute, by the places of its name and value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) name: Range<usize>,
    pub(crate) value: Range<usize>,
    /// Whether the value is an expression in braces.
    pub(crate) is_braced: bool,
}

/// Whether a tag has what a template may mean otherwise than a browser reads it.
pub(super) fn is_doubtful(tag: &[u8]) -> bool {
    memchr::memchr3(b'{', b'<', b'@', tag).is_some()
}

/// A tag's attributes from behind its name, and the place behind the tag. `meant` is
/// `None` for what a browser reads, else whether braces hold expressions.
pub(super) fn attributes(
    page: &[u8],
    from: usize,
    meant: Option<bool>,
) -> Option<(Vec<Attribute>, usize)> {
    let mut reader = Tag { page, at: from, meant, failed: 0 };
    let mut found = Vec::new();
    loop {
        reader.skip_space();
        match page.get(reader.at)? {
            b'>' => return Some((found, reader.at + 1)),
            b'<' if reader.is_script() => return Some((found, reader.at)),
            _ if reader.skip_template() => {}
            _ => found.extend(reader.attribute()?),
        }
    }
}

struct Tag<'a> {
    page: &'a [u8],
    at: usize,
    meant: Option<bool>,
    /// How many parts of a template had no end near them.
    failed: usize,
}

/// A tag with more parts of a template that have no end is not meant so.
const FAILED_MAX: usize = 8;

impl Tag<'_> {
    fn is_meant(&self) -> bool {
        self.meant.is_some() && self.failed < FAILED_MAX
    }

    fn skip_space(&mut self) {
        while self.page.get(self.at).is_some_and(|it| it.is_ascii_whitespace() || *it == b'/') {
            self.at += 1;
        }
    }

    fn skip_white(&mut self) {
        while self.page.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    /// A script's tag in another, which only a template leaves open.
    fn is_script(&self) -> bool {
        super::is_script_tag(&self.page[self.at..])
    }

    /// What ends a value without quotes: a template's statement, a script.
    fn is_statement(&self) -> bool {
        let rest = &self.page[self.at..];
        let is_part = matches!(rest, [b'{', b'%', ..] | [b'<', b'%', b' ', ..]);
        self.is_script() || is_part && self.meant.is_some()
    }

    /// Goes behind a template's part that begins here.
    fn skip_template(&mut self) -> bool {
        let Some(braces) = self.meant.filter(|_| self.failed < FAILED_MAX) else { return false };
        let rest = &self.page[self.at..];
        let end: &[u8] = match rest {
            [b'{', b'{', ..] => b"}}",
            [b'{', b'%', ..] => b"%}",
            [b'<', b'%', ..] => b"%>",
            [b'<', b'?', ..] => b"?>",
            [b'{', ..] if braces => b"}",
            _ => return false,
        };
        // Far away it is no end of this.
        let near = &rest[..rest.len().min(4096)];
        let length = match end {
            b"}" => balanced(near, b'{', b'}'),
            _ => memchr::memmem::find(&near[2..], end).map(|found| 2 + found + end.len()),
        };
        self.at += length.unwrap_or(0);
        self.failed += usize::from(length.is_none());
        length.is_some()
    }

    /// One attribute; `None` at the page's end.
    fn attribute(&mut self) -> Option<Option<Attribute>> {
        let start = self.at;
        self.at += 1;
        while let Some(byte) = self.page.get(self.at) {
            if byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>' | b'=') || self.is_script()
            {
                break;
            }
            if *byte == b'(' && self.page[start] == b'@' && self.is_meant() {
                // A directive with its condition.
                let length = balanced(&self.page[self.at..], b'(', b')');
                self.failed += usize::from(length.is_none());
                self.at += length.unwrap_or(1);
            } else if !self.skip_template() {
                self.at += 1;
            }
        }
        let name = start..self.at;
        self.skip_white();
        if self.page.get(self.at) != Some(&b'=') {
            return Some(None);
        }
        self.at += 1;
        self.skip_white();
        let (value, is_braced) = self.value()?;
        Some(Some(Attribute { name, value, is_braced }))
    }

    fn value(&mut self) -> Option<(Range<usize>, bool)> {
        let start = self.at;
        match *self.page.get(start)? {
            quote @ (b'"' | b'\'') => {
                self.at += 1;
                self.skip_quoted(quote)?;
                Some((start + 1..self.at - 1, false))
            }
            b'{' if self.meant == Some(true) => {
                self.at += balanced(&self.page[start..], b'{', b'}')?;
                Some((start + 1..self.at - 1, true))
            }
            _ => {
                while let Some(byte) = self.page.get(self.at) {
                    if byte.is_ascii_whitespace() || *byte == b'>' || self.is_statement() {
                        break;
                    }
                    if !self.skip_template() {
                        self.at += 1;
                    }
                }
                Some((start..self.at, false))
            }
        }
    }

    /// Goes behind the quote that ends a value; one in a template's part is none.
    fn skip_quoted(&mut self, quote: u8) -> Option<()> {
        loop {
            self.at += memchr::memchr3(quote, b'{', b'<', &self.page[self.at..])?;
            if self.page[self.at] == quote {
                self.at += 1;
                return Some(());
            }
            if !self.skip_inner(quote) {
                self.at += 1;
            }
        }
    }

    /// Goes behind a template's part in a value, if a quote of the value's own is in it: a
    /// server's tag (`<c:url value="/x"/>`) or output.
    fn skip_inner(&mut self, quote: u8) -> bool {
        let start = self.at;
        let rest = &self.page[start..];
        let is_server = self.meant.is_some() && rest[0] == b'<' && {
            let name = rest[1..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            name > 0 && rest.get(1 + name) == Some(&b':')
        };
        if is_server {
            let length = rest.iter().take(400).position(|byte| *byte == b'>');
            self.at += length.map_or(0, |length| length + 1);
        } else if rest.get(1) != Some(&b'?') {
            self.skip_template();
        }
        let skipped = &self.page[start..self.at];
        if memchr::memchr(quote, skipped).is_none() {
            return !skipped.is_empty();
        }
        // Quotes come in pairs there; one alone ends the value.
        let is_paired = memchr::memchr_iter(quote, skipped).count().is_multiple_of(2);
        if !is_paired {
            self.at = start;
        }
        is_paired
    }
}

/// The length of what a bracket holds with both brackets, strings left out.
fn balanced(text: &[u8], open: u8, close: u8) -> Option<usize> {
    counted(text, open, close, true).or_else(|| counted(text, open, close, false))
}

/// Longer expressions stand in no tag.
const EXPRESSION_BYTES_MAX: usize = 32 << 10;

fn counted(text: &[u8], open: u8, close: u8, has_strings: bool) -> Option<usize> {
    let (mut depth, mut string) = (0_usize, None);
    let mut at = 0;
    while at < text.len().min(EXPRESSION_BYTES_MAX) {
        let byte = text[at];
        match string {
            Some(_) if byte == b'\\' => at += 1,
            Some(quote) if byte == quote => string = None,
            Some(_) => {}
            None if has_strings && matches!(byte, b'"' | b'\'' | b'`') => string = Some(byte),
            None if byte == open => depth += 1,
            None if byte == close => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            None => {}
        }
        at += 1;
    }
    None
}
