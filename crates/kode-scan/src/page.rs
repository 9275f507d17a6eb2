//! Scripts inside pages: `<script>` bodies and inline handlers (`onclick="…"`)
//! of HTML, Vue and Svelte files, as JavaScript at its own place in the file.
//! Everything else is blanked, so that every byte keeps its offset.

use std::ops::Range;

use kode_base::ProjectPath;

use crate::coverage;
use crate::markup::{self, Attribute, Form, Part};

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

/// By which rules a page of this name is read.
pub(crate) fn form(path: &ProjectPath) -> Form {
    match coverage::extension(path).as_str() {
        "svg" | "xhtml" | "jspx" | "tagx" | "zul" => Form::Xml,
        "vue" | "svelte" | "astro" => Form::Component,
        _ => Form::Html,
    }
}

/// The page with everything but its scripts blanked.
pub(crate) fn scripts_only(page: &[u8], form: Form) -> Vec<u8> {
    scripts_of(page, form, true)
}

/// The scripts of a page, and where it is a whole one those of pages in its frames.
fn scripts_of(page: &[u8], form: Form, is_whole: bool) -> Vec<u8> {
    let mut text = vec![b' '; page.len()];
    memchr::memchr_iter(b'\n', page).for_each(|at| text[at] = b'\n');
    for part in markup::parts(page, form) {
        let attributes = match part {
            Part::Tag(attributes) => attributes,
            Part::Script { attributes, body, is_markup } => {
                if is_javascript(page, &attributes) {
                    put_body(&mut text, page, body, is_markup);
                }
                attributes
            }
        };
        for attribute in &attributes {
            if let Some(script) = attribute_script(page, attribute, is_whole) {
                put_script(&mut text, attribute.value.clone(), &script);
                put_around(&mut text, page, attribute);
            }
        }
    }
    text
}

fn put_body(text: &mut [u8], page: &[u8], body: Range<usize>, is_markup: bool) {
    let script = &page[body.clone()];
    if is_markup {
        let plain = without_sections(script).unwrap_or_else(|| decoded(script));
        put_script(text, body, &plain);
    } else {
        put_script(text, body, script);
    }
}

/// A script in XML without the marks of the sections that its text stands in.
fn without_sections(script: &[u8]) -> Option<Vec<u8>> {
    let mut plain = script.to_vec();
    let mut at = memchr::memmem::find(script, b"<![CDATA[")?;
    loop {
        plain[at..at + 9].fill(b' ');
        let Some(end) = memchr::memmem::find(&script[at..], b"]]>") else { break };
        plain[at + end..at + end + 3].fill(b' ');
        at += end;
        let Some(next) = memchr::memmem::find(&script[at..], b"<![CDATA[") else { break };
        at += next;
    }
    Some(plain)
}

/// What an attribute's value is run as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    /// A handler in which only the page's globals are known.
    Native,
    /// A handler in which a component's own names are known too.
    Framed,
    /// An address, whose scheme may be `javascript:`.
    Address,
    /// A page of its own.
    Page,
    /// A text of another language that calls functions of the page.
    Calls,
}

fn run(name: &[u8], is_braced: bool) -> Option<Run> {
    let name = name.to_ascii_lowercase();
    let after = |start: &[u8]| name.strip_prefix(start);
    let is_word = |rest: &[u8]| !rest.is_empty() && rest.iter().all(u8::is_ascii_alphabetic);
    if is_braced {
        return Some(Run::Framed);
    }
    if [&b"@"[..], b"v-on:", b"x-on:", b"on:"].iter().any(|start| after(start).is_some())
        || matches!(&name[..], b"x-init" | b"x-effect")
    {
        return Some(Run::Framed);
    }
    let is_htmx = after(b"hx-on").or_else(|| after(b"data-hx-on"));
    if after(b"on").is_some_and(is_word)
        || is_htmx.is_some_and(|rest| rest.is_empty() || matches!(rest[0], b':' | b'-'))
    {
        return Some(Run::Native);
    }
    match &name[..] {
        b"href" | b"xlink:href" | b"src" | b"action" | b"formaction" | b"data" | b"to"
        | b"from" | b"values" => Some(Run::Address),
        b"srcdoc" => Some(Run::Page),
        b"_" | b"data-script" => Some(Run::Calls),
        _ => None,
    }
}

/// The script in an attribute, as long as its value.
fn attribute_script(page: &[u8], attribute: &Attribute, is_whole: bool) -> Option<Vec<u8>> {
    let value = &page[attribute.value.clone()];
    let run = run(&page[attribute.name.clone()], attribute.is_braced)?;
    match run {
        Run::Address => return address_script(value),
        Run::Page if is_whole => {
            return Some(scripts_of(&decoded(value), Form::Html, false));
        }
        Run::Page => return None,
        Run::Calls => return crate::bound::calls_only(value),
        Run::Native | Run::Framed => {}
    }
    if attribute.is_braced {
        // Most expressions are values, and none is a whole statement.
        let name = &page[attribute.name.clone()];
        let is_handler = name.starts_with(b"on") || crate::bound::names_dialog(value);
        let mut script = value.to_vec();
        crate::bound::hide_own_dialogs(page, &mut script);
        return is_handler.then_some(script);
    }
    // What a server puts there is a value.
    let mut script = decoded(&crate::server_page::without_server(value));
    if run == Run::Framed {
        crate::bound::hide_own_dialogs(page, &mut script);
    }
    Some(script)
}

/// Puts a script where it stands. One handler ends before the next begins.
fn put_script(text: &mut [u8], place: Range<usize>, script: &[u8]) {
    let end = place.end;
    text[place].copy_from_slice(script);
    put_end(text, end);
}

/// What stands around a handler: brackets of an expression, and of a handler that is asked
/// before the page is left the function that it is (the engine's `UNLOAD`).
fn put_around(text: &mut [u8], page: &[u8], attribute: &Attribute) {
    const HEAD: &[u8] = b"$unload=event=>{";
    let Range { start, end } = attribute.value;
    let name = page[attribute.name.clone()].to_ascii_lowercase();
    let is_unload = matches!(&name[..], b"onbeforeunload" | b"on:beforeunload");
    if attribute.is_braced {
        text[start - 1] = b'(';
        text[end] = b')';
        put_end(text, end + 1);
        if is_unload {
            text[attribute.name.start..][..8].copy_from_slice(&HEAD[..8]);
        }
    } else if is_unload && start >= attribute.name.start + HEAD.len() && end < text.len() {
        text[attribute.name.start..][..HEAD.len()].copy_from_slice(HEAD);
        text[end] = b'}';
        put_end(text, end + 1);
    }
}

fn put_end(text: &mut [u8], at: usize) {
    if let Some(after) = text.get_mut(at).filter(|byte| **byte == b' ') {
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

/// Blocks of a type that no browser runs are templates or data.
fn is_javascript(page: &[u8], attributes: &[Attribute]) -> bool {
    let is_type = |it: &&Attribute| page[it.name.clone()].eq_ignore_ascii_case(b"type");
    let Some(kind) = attributes.iter().find(is_type) else { return true };
    let kind = page[kind.value.clone()].trim_ascii();
    let kind = String::from_utf8_lossy(kind).to_ascii_lowercase();
    const RUN: [&str; 6] = ["javascript", "ecmascript", "module", "babel", "jsx", "typescript"];
    // What a server or template puts there may be anything.
    let is_open = ["{{", "{%", "${", "<%"].iter().any(|mark| kind.contains(mark)) || kind == "0";
    let runs = RUN.iter().any(|run| kind.contains(run)) && !kind.contains("template");
    kind.is_empty() || is_open || runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scripts_and_handlers_stay() {
        let page = b"<p>alert(1)</p><!-- <script>a()</script> -->\n<b onclick=\"go()\">x</b><script>run()</script>";
        let text = String::from_utf8(scripts_only(page, Form::Html)).unwrap();
        assert_eq!(text.len(), page.len());
        assert!(text.contains("go()") && text.contains("run()"));
        assert!(!text.contains("alert") && !text.contains("a()</"));
        assert_eq!(text.find("go()"), Some(page.windows(4).position(|w| w == b"go()").unwrap()));
    }

    #[test]
    fn handlers_and_addresses_are_read_as_a_browser_reads_them() {
        let shown = |page: &str| {
            let text = String::from_utf8(scripts_only(page.as_bytes(), Form::Component)).unwrap();
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
        let shown =
            |page: &str| String::from_utf8(scripts_only(page.as_bytes(), Form::Component)).unwrap();
        assert!(shown("<script>a = '<!--'; go(); b = '-->'</script>").contains("go()"));
        assert!(shown("<SCRIPT data-json='>'>go()</SCRIPT>").contains("go()"));
        assert!(shown("<script type='module'>go()</script >").contains("go()"));
        assert!(!shown("<script type=\"application/ld+json\">go()</script>").contains("go"));
        assert!(!shown("<script type=text/x-template>go()</script>").contains("go"));
    }
}
