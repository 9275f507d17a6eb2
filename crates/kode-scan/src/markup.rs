//! The tags and scripts of a page, told apart as a browser's parser does it: comments,
//! elements whose content is mere text (`<title>`, `<textarea>`), drawings in pages. It
//! refuses to hide what it is not sure about: what never ends hides nothing.

mod tag;

use std::ops::Range;

pub(crate) use tag::Attribute;

/// By which rules a page is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// HTML, and what servers make it of.
    Html,
    /// XML, in which no element's content is mere text.
    Xml,
    /// A component (Vue, Svelte, Astro), in whose tags braces hold expressions.
    Component,
}

/// A part of a page that may hold scripts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A tag with attributes.
    Tag(Vec<Attribute>),
    /// A script's tag and what stands in it.
    Script {
        /// The tag's attributes.
        attributes: Vec<Attribute>,
        /// The bytes up to its end.
        body: Range<usize>,
        /// Whether that is markup itself, with references and `<![CDATA[`.
        is_markup: bool,
    },
}

/// Elements whose content a browser takes for text.
const TEXTS: [&[u8]; 8] =
    [b"textarea", b"title", b"style", b"xmp", b"iframe", b"noembed", b"noframes", b"noscript"];
/// Elements of drawings and formulas in which there is HTML again.
const ISLANDS: [&[u8]; 9] =
    [b"foreignobject", b"desc", b"title", b"annotation-xml", b"mi", b"mo", b"mn", b"ms", b"mtext"];
/// Elements that end a drawing that was left open.
const BREAKOUTS: [&[u8]; 23] = [
    b"b", b"body", b"br", b"center", b"code", b"div", b"dl", b"em", b"h1", b"h2", b"h3", b"h4",
    b"head", b"hr", b"i", b"img", b"li", b"ol", b"p", b"pre", b"span", b"table", b"ul",
];
/// Work that is done in vain, for each byte of a page.
const VAIN_FACTOR: usize = 8;

/// What stands around a place.
struct Around {
    /// The element's name.
    name: Range<usize>,
    /// Whether it is a drawing's or formula's, not HTML.
    is_foreign: bool,
}

/// The parts of a page in their order.
pub(crate) fn parts(page: &[u8], form: Form) -> Vec<Part> {
    let mut reader = Reader {
        page,
        form,
        at: 0,
        around: Vec::new(),
        endless: [false; TEXTS.len()],
        vain: 0,
        parts: Vec::new(),
    };
    reader.read();
    reader.parts
}

struct Reader<'a> {
    page: &'a [u8],
    form: Form,
    at: usize,
    around: Vec<Around>,
    /// Which of [`TEXTS`] have no end after here.
    endless: [bool; TEXTS.len()],
    /// Bytes that were read in vain.
    vain: usize,
    parts: Vec<Part>,
}

impl Reader<'_> {
    fn read(&mut self) {
        while let Some(found) = memchr::memchr(b'<', &self.page[self.at..]) {
            self.at += found;
            match self.page.get(self.at + 1) {
                Some(b'!') => self.declaration(),
                Some(b'/') => self.end_tag(),
                Some(byte) if byte.is_ascii_alphabetic() => self.tag(),
                _ => self.at += 1,
            }
        }
    }

    /// A comment, or text of a drawing.
    fn declaration(&mut self) {
        let rest = &self.page[self.at..];
        let hidden = if rest.starts_with(b"<!-->") || rest.starts_with(b"<!--->") {
            Some(5)
        } else if rest.starts_with(b"<!--") {
            self.comment_end(self.at + 4).map(|end| end - self.at)
        } else if self.is_foreign() && rest.starts_with(b"<![CDATA[") {
            self.found(self.at, b"]]>").map(|end| end - self.at)
        } else {
            None
        };
        match hidden {
            Some(length) => self.at += length,
            None => self.at += 2,
        }
    }

    /// The place behind `-->`, or `--!>` before that.
    fn comment_end(&mut self, from: usize) -> Option<usize> {
        let end = self.found(from, b"-->")?;
        let other = memchr::memmem::find(&self.page[from..end], b"--!>");
        Some(other.map_or(end, |other| from + other + 4))
    }

    /// The place behind a mark.
    fn found(&mut self, from: usize, mark: &[u8]) -> Option<usize> {
        if self.is_tired() {
            return None;
        }
        let found = memchr::memmem::find(&self.page[from..], mark);
        if found.is_none() {
            self.vain += self.page.len() - from;
        }
        Some(from + found? + mark.len())
    }

    /// Whether too much was read in vain for more than what is needed.
    fn is_tired(&self) -> bool {
        self.vain > VAIN_FACTOR * self.page.len()
    }

    fn end_tag(&mut self) {
        let name = self.name(self.at + 2);
        let named = |open: &Around| {
            self.page[open.name.clone()].eq_ignore_ascii_case(&self.page[name.clone()])
        };
        if let Some(open) = self.around.iter().rposition(named) {
            self.around.truncate(open);
        }
        self.at += 2;
    }

    fn tag(&mut self) {
        let name = self.name(self.at + 1);
        let bytes = &self.page[name.clone()];
        let is_script = bytes.eq_ignore_ascii_case(b"script");
        let Some((attributes, end)) = self.attributes(name.end, is_script) else {
            self.at += 1;
            return;
        };
        self.at = end;
        let is_closed = self.page[..end].ends_with(b"/>");
        if is_script && !(is_closed && (self.is_foreign() || self.form == Form::Component)) {
            self.script(attributes);
            return;
        }
        if !attributes.is_empty() {
            self.parts.push(Part::Tag(attributes));
        }
        self.enter(name, is_closed);
    }

    /// What the content of an element is read as.
    fn enter(&mut self, name: Range<usize>, is_closed: bool) {
        let bytes = &self.page[name.clone()];
        if bytes.eq_ignore_ascii_case(b"plaintext") && !self.is_foreign() {
            self.at = self.page.len();
            return;
        }
        let is = |names: &[&[u8]]| names.iter().any(|one| one.eq_ignore_ascii_case(bytes));
        if self.form == Form::Xml {
            return;
        }
        if self.is_foreign() {
            if is(&BREAKOUTS) {
                self.around.retain(|open| !open.is_foreign);
            } else if is(&ISLANDS) && !is_closed {
                self.around.push(Around { name, is_foreign: false });
            }
        } else if is(&[b"svg", b"math"]) {
            if !is_closed {
                self.around.push(Around { name, is_foreign: true });
            }
        } else if is_closed {
            // Whoever wrote it so means nothing to be in it.
        } else if let Some(text) = TEXTS.iter().position(|one| one.eq_ignore_ascii_case(bytes)) {
            self.skip_text(text);
        }
    }

    /// Goes behind the text of an element, if it ends at all.
    fn skip_text(&mut self, text: usize) {
        if self.endless[text] {
            return;
        }
        match element_end(self.page, self.at, TEXTS[text]) {
            Some(end) => self.at = end,
            None => self.endless[text] = true,
        }
    }

    fn script(&mut self, attributes: Vec<Attribute>) {
        let is_markup = self.is_foreign();
        let end = script_end(self.page, self.at).unwrap_or(self.page.len());
        let body = self.at..end;
        self.at = end;
        self.parts.push(Part::Script { attributes, body, is_markup });
    }

    fn is_foreign(&self) -> bool {
        self.form == Form::Xml || self.around.last().is_some_and(|open| open.is_foreign)
    }

    fn name(&self, start: usize) -> Range<usize> {
        let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>' | b'<');
        let length = self.page[start..].iter().position(ends);
        start..length.map_or(self.page.len(), |length| start + length)
    }

    /// A tag's attributes and where it ends, as its template means it or, where that would
    /// hide a script, as a browser reads it.
    fn attributes(&mut self, from: usize, is_script: bool) -> Option<(Vec<Attribute>, usize)> {
        if self.is_tired() {
            let end = is_script.then(|| memchr::memchr(b'>', &self.page[from..]))??;
            return Some((Vec::new(), from + end + 1));
        }
        let braces = self.form == Form::Component;
        let meant = tag::attributes(self.page, from, Some(braces));
        if let Some((_, end)) = &meant
            && !tag::is_doubtful(&self.page[from..*end])
        {
            return meant;
        }
        let read = tag::attributes(self.page, from, None);
        let hides = |(_, strict): &(Vec<Attribute>, usize), end: usize| {
            end > *strict && has_script(&self.page[*strict..end])
        };
        match (meant, read) {
            (Some(meant), Some(read)) if hides(&read, meant.1) => {
                self.vain += meant.1 - from;
                Some(read)
            }
            (Some(meant), _) => Some(meant),
            (None, read) => {
                self.vain += self.page.len() - from;
                read
            }
        }
    }
}

fn has_script(text: &[u8]) -> bool {
    memchr::memchr_iter(b'<', text).any(|at| is_script_tag(&text[at..]))
}

fn is_script_tag(text: &[u8]) -> bool {
    text.get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"<script"))
}

/// Where an element's end tag begins.
fn element_end(page: &[u8], from: usize, name: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'<', &page[from..]).map(|at| from + at).find(|at| {
        let rest = page.get(at + 1..at + 2 + name.len()).unwrap_or_default();
        let after = page.get(at + 2 + name.len());
        rest.first() == Some(&b'/')
            && rest[1..].eq_ignore_ascii_case(name)
            && after.is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>'))
    })
}

/// Where a script ends. One that opens a comment and a script in it goes on behind that
/// script's end, as in browsers.
fn script_end(page: &[u8], from: usize) -> Option<usize> {
    let first = element_end(page, from, b"script")?;
    let mut end = first;
    let mut comment = from;
    while let Some(found) = memchr::memmem::find(&page[comment..end], b"<!--") {
        comment += found + 4;
        let close = memchr::memmem::find(&page[comment..], b"-->").map(|found| comment + found);
        let inside = &page[comment..close.unwrap_or(end).min(end)];
        if has_script(inside) && close.is_some_and(|close| close > end) {
            let Some(next) = element_end(page, end + 1, b"script") else { return Some(first) };
            end = next;
        }
        comment = close.map_or(end, |close| close.min(end));
    }
    Some(end)
}

#[cfg(test)]
mod tests;
