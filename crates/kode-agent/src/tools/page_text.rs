//! HTML as readable text: what a person would read, links with their address,
//! scripts and styles left out. Not a browser: unclear markup becomes text.

/// Elements whose content nobody reads.
const UNREAD: &[&str] =
    &["script", "style", "noscript", "template", "svg", "math", "iframe", "object", "head"];

/// Elements that begin a line of their own.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "br",
    "dd",
    "div",
    "dl",
    "dt",
    "figcaption",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tr",
    "ul",
];

/// Characters of a link's address that are shown.
const LINK_CHARACTERS_MAX: usize = 300;

/// Bytes of a tag; a longer one is text.
const TAG_BYTES_MAX: usize = 8192;

/// The text of a page; its title first.
pub(super) fn page_text(html: &str) -> String {
    let mut reader = Reader::default();
    if let Some(title) = title(html) {
        reader.words(&format!("# {title}"));
        reader.line();
    }
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        reader.words(&rest[..at]);
        rest = reader.markup(&rest[at..]);
    }
    reader.words(rest);
    reader.finish()
}

fn title(html: &str) -> Option<String> {
    let start = find_ignoring_case(html, "<title")?;
    let inner = html[start..].split_once('>')?.1;
    let text = inner.split('<').next()?;
    let title = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!title.is_empty()).then_some(title)
}

#[derive(Default)]
struct Reader {
    text: String,
    /// Addresses of open links.
    links: Vec<String>,
    /// Depth of `pre`.
    verbatim: usize,
}

impl Reader {
    /// Takes what begins with `<`; returns what follows it.
    fn markup<'a>(&mut self, text: &'a str) -> &'a str {
        if let Some(comment) = text.strip_prefix("<!--") {
            return comment.split_once("-->").map_or("", |(_, after)| after);
        }
        let looks_like_tag =
            text[1..].starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c));
        let Some(end) = tag_end(text).filter(|_| looks_like_tag) else {
            self.words("<");
            return &text[1..];
        };
        let (tag, after) = (&text[1..end], &text[end + 1..]);
        let closes = tag.starts_with('/');
        let body = tag.trim_start_matches('/');
        let length = body.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(body.len());
        let name = body[..length].to_ascii_lowercase();
        if !closes && UNREAD.contains(&name.as_str()) {
            return past_element(after, &name);
        }
        self.element(&name, body, closes);
        after
    }

    fn element(&mut self, name: &str, tag: &str, closes: bool) {
        if BLOCKS.contains(&name) {
            self.line();
        }
        match (name, closes) {
            ("pre", false) => self.verbatim += 1,
            ("pre", true) => self.verbatim = self.verbatim.saturating_sub(1),
            ("li", false) => self.text.push_str("- "),
            ("td" | "th", true) => self.text.push('\t'),
            ("h1" | "h2" | "h3" | "h4" | "h5" | "h6", false) => {
                let depth = usize::from(name.as_bytes()[1] - b'0');
                self.text.push_str(&format!("{} ", "#".repeat(depth)));
            }
            ("a", false) => self.links.push(attribute(tag, "href").unwrap_or_default()),
            ("a", true) => {
                let address = self.links.pop().unwrap_or_default();
                if address.contains("://") {
                    let shown: String = address.chars().take(LINK_CHARACTERS_MAX).collect();
                    self.text.push_str(&format!(" ({shown})"));
                }
            }
            ("img", _) => {
                let alternative = attribute(tag, "alt").unwrap_or_default();
                self.words(&alternative);
            }
            _ => {}
        }
    }

    fn words(&mut self, text: &str) {
        let text = decoded(text);
        if self.verbatim > 0 {
            self.text.push_str(&text);
            return;
        }
        if text.starts_with(char::is_whitespace) {
            self.gap();
        }
        let mut words = text.split_whitespace().peekable();
        while let Some(word) = words.next() {
            self.text.push_str(word);
            if words.peek().is_some() || text.ends_with(char::is_whitespace) {
                self.text.push(' ');
            }
        }
    }

    fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with(char::is_whitespace) {
            self.text.push(' ');
        }
    }

    fn line(&mut self) {
        while self.text.ends_with(' ') {
            self.text.pop();
        }
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    fn finish(mut self) -> String {
        self.text.truncate(self.text.trim_end().len());
        self.text.push('\n');
        self.text
    }
}

/// Where the tag that begins `text` ends; quoted `>` don't count.
fn tag_end(text: &str) -> Option<usize> {
    let text = &text[..text.floor_char_boundary(TAG_BYTES_MAX)];
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    // A quote that never closes is no quote.
    text.find('>')
}

/// What follows the end of element `name`; its content can hold no elements.
fn past_element<'a>(text: &'a str, name: &str) -> &'a str {
    match find_ignoring_case(text, &format!("</{name}")) {
        Some(at) => text[at..].split_once('>').map_or("", |(_, after)| after),
        None => "",
    }
}

fn find_ignoring_case(text: &str, what: &str) -> Option<usize> {
    text.as_bytes().windows(what.len()).position(|w| w.eq_ignore_ascii_case(what.as_bytes()))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let at = find_ignoring_case(tag, &format!("{name}="))?;
    let value = &tag[at + name.len() + 1..];
    let value = match value.as_bytes().first()? {
        quote @ (b'"' | b'\'') => value[1..].split(char::from(*quote)).next()?,
        _ => value.split_whitespace().next()?,
    };
    Some(decoded(value))
}

/// Undoes character references.
fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let reference = rest[1..].find(';').filter(|end| *end <= 10).map(|end| &rest[1..=end]);
        match reference.and_then(|name| Some((name, character(name)?))) {
            Some((name, character)) => {
                out.push(character);
                rest = &rest[name.len() + 2..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn character(name: &str) -> Option<char> {
    let number = |digits: &str, base| u32::from_str_radix(digits, base).ok();
    if let Some(digits) = name.strip_prefix("#x").or_else(|| name.strip_prefix("#X")) {
        return char::from_u32(number(digits, 16)?);
    }
    if let Some(digits) = name.strip_prefix('#') {
        return char::from_u32(number(digits, 10)?);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "ndash" => '\u{2013}',
        "mdash" => '\u{2014}',
        "hellip" => '\u{2026}',
        "lsquo" | "rsquo" => '\'',
        "ldquo" | "rdquo" => '"',
        "copy" => '\u{a9}',
        "middot" => '\u{b7}',
        "bull" => '\u{2022}',
        "times" => '\u{d7}',
        "rarr" => '\u{2192}',
        "larr" => '\u{2190}',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::page_text;

    #[test]
    fn a_page_reads_as_a_person_reads_it() {
        let html = "<!doctype html><html><head><title>A &amp; B</title><style>p{}</style></head><body>\
             <script>alert('<p>no</p>')</script><h2>Head</h2><p>One  <b>two</b>\nthree.</p>\
             <ul><li>a<li>b</ul><p><a href=\"https://x.org/y?a=1&amp;b=2\">link</a> 1 &lt; 2</p>\
             <!-- hidden --><pre>  keep\n   this</pre></body></html>";
        let text = page_text(html);
        assert_eq!(
            text,
            "# A & B\n\n## Head\n\nOne two three.\n\n- a\n- b\n\nlink (https://x.org/y?a=1&b=2) 1 < 2\n\n  keep\n   this\n"
        );
    }

    #[test]
    fn broken_markup_is_text() {
        for html in [
            "<",
            "a < b",
            "<p",
            "<!--",
            "<script>",
            "<a href=\"",
            "&#xffffffff;",
            "&;",
            "</",
            "<\u{e9}>",
            "<p title=\"x>y",
        ] {
            let _ = page_text(html);
        }
        assert_eq!(page_text("1 < 2 & 3 &unknown; x"), "1 < 2 & 3 &unknown; x\n");
        assert_eq!(page_text("<p title='a>b'>c"), "c\n");
    }
}
