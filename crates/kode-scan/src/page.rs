//! Scripts inside pages: `<script>` bodies and inline handlers (`onclick="…"`)
//! of HTML, Vue and Svelte files, as JavaScript at its own place in the file.
//! Everything else is blanked, so that every byte keeps its offset.

use std::sync::LazyLock;

use kode_base::ProjectPath;
use regex::bytes::{Regex, RegexBuilder};

use crate::coverage;

/// A comment, or an opening script tag's attributes and the body up to its end:
/// what begins first decides, so that `"<!--"` in a script hides nothing of it.
static SCRIPT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(r#"(?s)<!--.*?-->|<script\b((?:"[^"]*"|'[^']*'|[^>"'])*)>(.*?)</script"#)
});
/// The type in a script tag's attributes.
static TYPE: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r#"(?:^|\s)type\s*=\s*["']?([^"'>]*)"#));
/// Handlers: `onclick="…"`, Vue's `@click="…"`, Svelte's `on:click={…}`.
static HANDLER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r#"[\s"'/](?:on[a-z]+|@[a-z.:-]+|v-on:[a-z.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>{=`][^\s"'>]*))|[\s"'/]on:?[a-z|]+=\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"#,
    )
});
/// Attributes that are addresses, whose scheme may be `javascript:`, and whole pages.
static ADDRESS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r#"[\s"'/](?:(?:xlink:)?href|src|action|formaction|data|to|from|values|(srcdoc))\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>{=`][^\s"'>]*))"#,
    )
});
fn pattern(text: &str) -> Option<Regex> {
    RegexBuilder::new(text).case_insensitive(true).unicode(false).build().ok()
}

/// Whether a file is a page that may hold scripts.
pub(crate) fn is_page(path: &ProjectPath) -> bool {
    let extension = coverage::extension(path);
    matches!(extension.as_str(), "html" | "htm" | "xhtml" | "vue" | "svelte" | "svg")
        || crate::template::is_template(path)
}

/// Whether a page that can't be analysed is code: a drawing only with a script.
pub(crate) fn is_code(path: &ProjectPath, page: &[u8]) -> bool {
    let has_script = || page.windows(7).any(|window| window.eq_ignore_ascii_case(b"<script"));
    coverage::extension(path) != "svg" || has_script()
}

/// The page with everything but its scripts blanked.
pub(crate) fn scripts_only(page: &[u8]) -> Vec<u8> {
    scripts_of(page, true)
}

/// The scripts of a page, and where it is a whole one those of pages in its frames.
fn scripts_of(page: &[u8], is_whole: bool) -> Vec<u8> {
    let mut visible: Vec<u8> = page.to_vec();
    let mut text: Vec<u8> = page.to_vec();
    blank(&mut text);
    let mut bodies: Vec<(usize, usize)> = Vec::new();
    for found in SCRIPT.iter().flat_map(|script| script.captures_iter(page)) {
        match (found.get(0), found.get(1), found.get(2)) {
            (_, Some(attributes), Some(body)) => {
                if is_javascript(attributes.as_bytes()) {
                    bodies.push((body.start(), body.end()));
                }
                // A handler's form inside a script is text of the script.
                blank(&mut visible[body.start()..body.end()]);
            }
            (Some(comment), ..) => blank(&mut visible[comment.start()..comment.end()]),
            _ => {}
        }
    }
    for (start, end) in bodies {
        put_script(&mut text, (start, end), &page[start..end]);
    }
    blank_outside_tags(&mut visible);
    for found in HANDLER.iter().flat_map(|handler| handler.captures_iter(&visible)) {
        for part in (1..=4).filter_map(|at| found.get(at)) {
            // What a server puts there is a value.
            let mut script = decoded(&crate::server_page::without_server(part.as_bytes()));
            if !is_native(found.get(0).map_or(b"", |whole| whole.as_bytes())) {
                crate::bound::hide_own_dialogs(page, &mut script);
            }
            put_script(&mut text, (part.start(), part.end()), &script);
        }
    }
    for found in ADDRESS.iter().flat_map(|address| address.captures_iter(&visible)) {
        let Some(part) = (2..=4).find_map(|at| found.get(at)) else { continue };
        let script = match found.get(1) {
            Some(_) if is_whole => scripts_of(&decoded(part.as_bytes()), false),
            Some(_) => continue,
            None => match address_script(part.as_bytes()) {
                Some(script) => script,
                None => continue,
            },
        };
        put_script(&mut text, (part.start(), part.end()), &script);
    }
    text
}

/// Whether a handler is the browser's own, in which only the page's globals are known.
fn is_native(attribute: &[u8]) -> bool {
    let name = attribute.get(1..).unwrap_or_default();
    let is_framed = name.starts_with(b"@") || name.contains(&b':') && name.starts_with(b"v-");
    !is_framed && !name.starts_with(b"on:") && !name.ends_with(b"}")
}

/// Leaves only tags: what stands in text runs nowhere. Quotes count after `=` only, as
/// in browsers; ends of a server's parts (`<%…%>`), of arrows and in braces end no tag.
fn blank_outside_tags(page: &mut [u8]) {
    let mut at = 0;
    while at < page.len() {
        let start = memchr::memchr(b'<', &page[at..]).map_or(page.len(), |found| at + found);
        blank(&mut page[at..start]);
        at = start + 1;
        if page.get(at).is_none_or(|byte| !byte.is_ascii_alphabetic()) {
            continue;
        }
        let (mut before, mut braces) = (b' ', 0_usize);
        while at < page.len() {
            match page[at] {
                quote @ (b'"' | b'\'') if before == b'=' => {
                    let close = memchr::memchr(quote, &page[at + 1..]);
                    at = close.map_or(page.len(), |found| at + 1 + found);
                    before = b'"';
                }
                b'<' if matches!(page.get(at + 1), Some(b'%' | b'?')) => {
                    let end = [page[at + 1], b'>'];
                    let close = memchr::memmem::find(&page[at + 2..], &end);
                    at = close.map_or(page.len(), |found| at + 3 + found);
                }
                b'{' => braces += 1,
                b'}' => braces = braces.saturating_sub(1),
                b'>' if braces == 0 && before != b'=' => break,
                byte if !byte.is_ascii_whitespace() => before = byte,
                _ => {}
            }
            at += 1;
        }
        at = page.len().min(at + 1);
    }
}

/// Puts a script where it stands. One handler ends before the next begins.
fn put_script(text: &mut [u8], (start, end): (usize, usize), script: &[u8]) {
    text[start..end].copy_from_slice(script);
    if let Some(after) = text.get_mut(end).filter(|byte| **byte == b' ') {
        *after = b';';
    }
}

/// The script of a `javascript:` address, at its own place among spaces.
fn address_script(address: &[u8]) -> Option<Vec<u8>> {
    // Most addresses begin otherwise, and are neither encoded nor script.
    let first = address.trim_ascii_start().first()?;
    if !matches!(first, b'j' | b'J' | b'&' | 0..32) {
        return None;
    }
    let plain = decoded(address);
    let script = script_address(std::str::from_utf8(&plain).ok()?)?;
    let mut text = vec![b' '; plain.len()];
    text[plain.len() - script.len()..].copy_from_slice(script.as_bytes());
    Some(text)
}

/// An attribute's value with its character references resolved, and spaces at the end
/// for the bytes that this saves.
fn decoded(value: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(value.len());
    let mut at = 0;
    while at < value.len() {
        let found = match value[at] {
            b'&' => reference(&value[at + 1..]),
            _ => None,
        };
        match found {
            Some((character, length)) => {
                plain.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                at += length + 1;
            }
            None => {
                plain.push(value[at]);
                at += 1;
            }
        }
    }
    plain.resize(value.len(), b' ');
    plain
}

/// The character of a reference after its `&`, and its length.
fn reference(text: &[u8]) -> Option<(char, usize)> {
    if let Some(digits) = text.strip_prefix(b"#") {
        let (radix, skipped) =
            if matches!(digits.first()?, b'x' | b'X') { (16, 1) } else { (10, 0) };
        let digits = &digits[skipped..];
        let count =
            digits.iter().take(9).take_while(|byte| char::from(**byte).is_digit(radix)).count();
        let code = std::str::from_utf8(&digits[..count]).ok()?;
        let character = char::from_u32(u32::from_str_radix(code, radix).ok()?)?;
        let ends = usize::from(digits.get(count) == Some(&b';'));
        return Some((character, 1 + skipped + count + ends));
    }
    const NAMED: [(&str, char); 17] = [
        ("amp", '&'),
        ("lt", '<'),
        ("gt", '>'),
        ("quot", '"'),
        ("apos", '\''),
        ("lpar", '('),
        ("rpar", ')'),
        ("colon", ':'),
        ("Tab", '\t'),
        ("NewLine", '\n'),
        ("grave", '`'),
        ("period", '.'),
        ("sol", '/'),
        ("semi", ';'),
        ("equals", '='),
        ("comma", ','),
        ("lbrack", '['),
    ];
    NAMED.iter().find_map(|(name, character)| {
        let rest = text.strip_prefix(name.as_bytes())?;
        (rest.first() == Some(&b';')).then_some((*character, name.len() + 1))
    })
}

/// The script that a `javascript:` address runs. Browsers skip control characters and
/// spaces before the scheme and line ends within it.
pub(crate) fn script_address(address: &str) -> Option<&str> {
    let mut scheme = "javascript:".chars();
    let mut wanted = scheme.next();
    let trimmed = address.trim_start_matches(|first: char| first <= ' ');
    for (at, character) in trimmed.char_indices() {
        match wanted {
            None => return Some(&trimmed[at..]),
            Some(_) if matches!(character, '\n' | '\r' | '\t') => {}
            Some(letter) if character.to_ascii_lowercase() == letter => wanted = scheme.next(),
            Some(_) => return None,
        }
    }
    None
}

fn blank(text: &mut [u8]) {
    for byte in text.iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

/// Blocks of a type that no browser runs are templates or data.
fn is_javascript(attributes: &[u8]) -> bool {
    let Some(found) = TYPE.as_ref().and_then(|pattern| pattern.captures(attributes)) else {
        return true;
    };
    let kind = found.get(1).map_or(&b""[..], |part| part.as_bytes().trim_ascii());
    let kind = String::from_utf8_lossy(kind).to_ascii_lowercase();
    const RUN: [&str; 6] = ["javascript", "ecmascript", "module", "babel", "jsx", "typescript"];
    kind.is_empty() || RUN.iter().any(|run| kind.contains(run))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scripts_and_handlers_stay() {
        let page = b"<p>alert(1)</p><!-- <script>a()</script> -->\n<b onclick=\"go()\">x</b><script>run()</script>";
        let text = String::from_utf8(scripts_only(page)).unwrap();
        assert_eq!(text.len(), page.len());
        assert!(text.contains("go()") && text.contains("run()"));
        assert!(!text.contains("alert") && !text.contains("a()</"));
        assert_eq!(text.find("go()"), Some(page.windows(4).position(|w| w == b"go()").unwrap()));
    }

    #[test]
    fn handlers_and_addresses_are_read_as_a_browser_reads_them() {
        let shown = |page: &str| {
            let text = String::from_utf8(scripts_only(page.as_bytes())).unwrap();
            assert_eq!(text.len(), page.len());
            text
        };
        for page in [
            "<b onclick=\"&#97;lert(1)\">",
            "<b ONCLICK='a&#x6C;ert&lpar;1&rpar;'>",
            "<b onclick=alert(1)>",
            "<svg/onload=alert(1)>",
            "<a href=\"javascript:alert(1)\">",
            "<a href=' JavaScript&colon;alert(1)'>",
            "<a href='java&#10;script:alert(1)'>",
            "<form action=javascript:alert(1)>",
            "<button formaction=\"javascript:alert(1)\">",
            "<iframe src='javascript:alert(1)'>",
            "<svg><a xlink:href='javascript:alert(1)'>",
            "<iframe srcdoc=\"<b onclick='alert(1)'>\">",
            "<p don't title='>' onclick='alert(1)'>",
            "<a <% if (a > b) { %>id=x<% } %> onclick='alert(1)'>",
            "<a on:click={() => { if (a > b) alert(1) }}>",
            "<a on:click={() => { if (alert(1)) n = { a: 0 }; }}>",
            "<a onclick=\"if (alert(1)) drop(<%= i.id %>)\">",
            "<iframe srcdoc=\"&lt;script&gt;alert(1)&lt;/script&gt;\">",
        ] {
            assert!(shown(page).contains("alert(1)"), "{page}: {}", shown(page));
        }
        assert!(shown("<a on:click={() => { if (a()) n = {}; }}>").contains("n = {}; }"));
        assert!(shown("<a onclick=\"drop(<%= i.id %>)\">").contains("drop(0"));
        for page in [
            "<a href=/alert(1)>",
            "<a title='javascript:alert(1)'>",
            "<a href='#javascript:alert(1)'>",
        ] {
            assert!(!shown(page).contains("alert"), "{page}");
        }
        assert_eq!(decoded(b"a &amp; b &#x110000; &bogus; &#"), b"a & b &#x110000; &bogus; &#    ");
    }

    #[test]
    fn neither_a_comment_mark_in_a_script_nor_a_strange_attribute_hides_code() {
        let shown = |page: &str| String::from_utf8(scripts_only(page.as_bytes())).unwrap();
        assert!(shown("<script>a = '<!--'; go(); b = '-->'</script>").contains("go()"));
        assert!(shown("<SCRIPT data-json='>'>go()</SCRIPT>").contains("go()"));
        assert!(shown("<script type='module'>go()</script >").contains("go()"));
        assert!(!shown("<script type=\"application/ld+json\">go()</script>").contains("go"));
        assert!(!shown("<script type=text/x-template>go()</script>").contains("go"));
    }
}
