//! Scripts in Pug's pages, which have no tags: blocks under `script.` and handlers among a
//! tag's attributes. It reads lines and their indentation, not the language.

use std::sync::LazyLock;

use regex::bytes::Regex;

/// A handler or an address among attributes.
static HANDLER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?i-u)[(,\s]on[a-z]+\s*=\s*(?:"([^"\n]*)"|'([^'\n]*)')|[(,\s](?:href|action)\s*=\s*["']javascript:([^"'\n]*)"#,
    )
    .ok()
});
/// A script of which the lines below are the text.
static SCRIPT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?-u)^script(?:\((.*)\))?\.\s*$").ok());

/// The page with everything but its scripts blank.
pub(crate) fn scripts_only(page: &[u8]) -> Vec<u8> {
    let mut text = vec![b' '; page.len()];
    memchr::memchr_iter(b'\n', page).for_each(|at| text[at] = b'\n');
    let (mut start, mut below) = (0, None);
    for line in page.split_inclusive(|byte| *byte == b'\n') {
        let end = start + line.len();
        let indent = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let content = line.trim_ascii();
        if !content.is_empty() {
            below = below.filter(|(outer, _)| indent > *outer);
            match below {
                Some((_, true)) => text[start..end].copy_from_slice(line),
                Some((_, false)) => {}
                None => below = opened(content).map(|is_script| (indent, is_script)),
            }
            if below.is_none() {
                handlers(line, start, &mut text);
            }
        }
        start = end;
    }
    text
}

/// Whether the lines below belong to this one: those of a script, or of a comment or
/// plain text.
fn opened(line: &[u8]) -> Option<bool> {
    if line.starts_with(b"//") {
        return Some(false);
    }
    if let Some(found) = SCRIPT.as_ref().and_then(|script| script.captures(line)) {
        let attributes = found.get(1).map_or(&b""[..], |part| part.as_bytes());
        let is_data = ["json", "template", "text/x-", "text/html", "importmap"]
            .iter()
            .any(|kind| memchr::memmem::find(attributes, kind.as_bytes()).is_some());
        return Some(!is_data);
    }
    line.ends_with(b".").then_some(false)
}

fn handlers(line: &[u8], start: usize, text: &mut [u8]) {
    // Attributes stand in brackets right behind the tag; all else is text.
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"#.-_:+".contains(byte);
    let content = line.trim_ascii_start();
    let name = content.iter().take_while(|byte| is_name(byte)).count();
    let from = line.len() - content.len();
    let is_continued = content.starts_with(b"on");
    if content.get(name) != Some(&b'(') && !is_continued {
        return;
    }
    let from = if is_continued { from.saturating_sub(1) } else { from + name };
    for found in HANDLER.iter().flat_map(|handler| handler.captures_iter(&line[from..])) {
        let Some(part) = (1..=3).find_map(|at| found.get(at)) else { continue };
        let place = start + from + part.start()..start + from + part.end();
        text[place.clone()].copy_from_slice(part.as_bytes());
        if let Some(after) = text.get_mut(place.end).filter(|byte| **byte == b' ') {
            *after = b';';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(page: &str) -> String {
        let text = scripts_only(page.as_bytes());
        assert_eq!(text.len(), page.len());
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn scripts_and_handlers_stay() {
        for page in [
            "html\n  body\n    script.\n      go()\n    p x\n",
            "a(href=\"/x\", onclick=\"go()\") x\n",
            "button.btn#a(onclick='go()')\n",
            "a(\n  href='/x'\n  onclick='go()'\n)\n",
            "script(type='module').\n  go()\n",
        ] {
            assert!(shown(page).contains("go()"), "{page}");
        }
    }

    #[test]
    fn text_comments_and_data_do_not() {
        for page in [
            "p go()\n",
            "p use onclick='go()'\n",
            "//- script.\n  go()\n",
            "pre.\n  a(onclick='go()')\n",
            "script(type='application/json').\n  go()\n",
            "a(href='/x' title='go()') go()\n",
        ] {
            assert!(!shown(page).contains("go"), "{page}: {}", shown(page));
        }
    }
}
