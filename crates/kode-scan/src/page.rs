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
        r#"[\s"'](?:on[a-z]+|@[a-z.:-]+|v-on:[a-z.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')|on:[a-z|]+=\{([^}]*)\}"#,
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
    for found in HANDLER.iter().flat_map(|handler| handler.captures_iter(&visible)) {
        let parts = (1..=3).filter_map(|at| found.get(at));
        bodies.extend(parts.map(|part| (part.start(), part.end())));
    }
    for (start, end) in bodies {
        text[start..end].copy_from_slice(&page[start..end]);
        // One handler ends before the next begins.
        if let Some(after) = text.get_mut(end).filter(|byte| **byte == b' ') {
            *after = b';';
        }
    }
    text
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
    fn neither_a_comment_mark_in_a_script_nor_a_strange_attribute_hides_code() {
        let shown = |page: &str| String::from_utf8(scripts_only(page.as_bytes())).unwrap();
        assert!(shown("<script>a = '<!--'; go(); b = '-->'</script>").contains("go()"));
        assert!(shown("<SCRIPT data-json='>'>go()</SCRIPT>").contains("go()"));
        assert!(shown("<script type='module'>go()</script >").contains("go()"));
        assert!(!shown("<script type=\"application/ld+json\">go()</script>").contains("go"));
        assert!(!shown("<script type=text/x-template>go()</script>").contains("go"));
    }
}
