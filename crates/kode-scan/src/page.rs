//! Scripts inside pages: `<script>` bodies and inline handlers (`onclick="…"`)
//! of HTML, Vue and Svelte files, as JavaScript at its own place in the file.
//! Everything else is blanked, so that every byte keeps its offset.

use std::sync::LazyLock;

use kode_base::ProjectPath;
use regex::bytes::{Regex, RegexBuilder};

/// An opening script tag's attributes and the body up to its end.
static SCRIPT: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"<script\b([^>]*)>((?:[^<]|<[^/]|</[^s])*)</script"));
/// Handlers: `onclick="…"`, Vue's `@click="…"`, Svelte's `on:click={…}`.
static HANDLER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r#"[\s"'](?:on[a-z]+|@[a-z.:-]+|v-on:[a-z.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')|on:[a-z|]+=\{([^}]*)\}"#,
    )
});
/// Comments hold no code.
static COMMENT: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"<!--(?:[^-]|-[^-])*-->"));

fn pattern(text: &str) -> Option<Regex> {
    RegexBuilder::new(text).case_insensitive(true).unicode(false).build().ok()
}

/// Whether a file is a page that may hold scripts.
pub(crate) fn is_page(path: &ProjectPath) -> bool {
    matches!(path.extension(), Some("html" | "htm" | "xhtml" | "vue" | "svelte"))
}

/// The page with everything but its scripts blanked.
pub(crate) fn scripts_only(page: &[u8]) -> Vec<u8> {
    let mut text: Vec<u8> = page.to_vec();
    if let Some(comment) = COMMENT.as_ref() {
        for found in comment.find_iter(page) {
            blank(&mut text[found.start()..found.end()]);
        }
    }
    let visible = text.clone();
    blank(&mut text);
    let mut copy = |start: usize, end: usize| {
        text[start..end].copy_from_slice(&visible[start..end]);
        // One handler ends before the next begins.
        if let Some(after) = text.get_mut(end).filter(|byte| **byte == b' ') {
            *after = b';';
        }
    };
    if let Some(script) = SCRIPT.as_ref() {
        for found in script.captures_iter(&visible) {
            let attributes = found.get(1).map_or(&b""[..], |part| part.as_bytes());
            if let Some(body) = found.get(2).filter(|_| is_javascript(attributes)) {
                copy(body.start(), body.end());
            }
        }
    }
    if let Some(handler) = HANDLER.as_ref() {
        for found in handler.captures_iter(&visible) {
            for body in (1..=3).filter_map(|at| found.get(at)) {
                copy(body.start(), body.end());
            }
        }
    }
    text
}

fn blank(text: &mut [u8]) {
    for byte in text.iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

/// Templates and data blocks are no scripts.
fn is_javascript(attributes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(attributes).to_ascii_lowercase();
    !(text.contains("json") || text.contains("template") || text.contains("text/x-"))
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
}
