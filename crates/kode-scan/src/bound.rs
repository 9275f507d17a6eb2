//! Names of the browser's dialogs that a page's framework gives another meaning: methods,
//! properties and state of a component, and what its template's loops and slots bind. A
//! template's handler means those. It refuses to look into other files, so a component
//! that takes its parts from elsewhere is believed to have the name.

use regex::bytes::Regex;

/// The browser's dialogs.
const DIALOGS: [&str; 3] = ["alert", "confirm", "prompt"];

/// What defines a name in a component's script; `NAME` stands for it.
const DEFINED: [&str; 7] = [
    // A key, a declared property, a method, a getter.
    r#"(?:^|[{,;(])\s*["']?NAME["']?\s*\??\s*:"#,
    r"(?:^|[{,;}*]|\basync\s|\bget\s)\s*NAME\s*(?:<[^<>]*>)?\([^()]*\)\s*(?::[^{};]*)?[{;]",
    // What `setup` gives.
    r"return\s*\(?\s*\{[^}]*\bNAME\b[^}]*\}",
    // Lists of properties, of mapped methods.
    r#"["']NAME["']"#,
    // Parts from elsewhere.
    r"\b(?:mixins|extends)\s*:|return\s*\(?\s*\{[^}]*\.\.\.|<script[^>]*\ssrc\s*=",
    // Slots, loops and data of the template.
    r#"(?:\b(?:v-for|x-for|slot-scope|x-data)|\bv-slot[^\s=]*|\s#[^\s=]+)\s*=\s*(?:"[^"]*\bNAME\b[^"]*"|'[^']*\bNAME\b[^']*')"#,
    r"\{[#:@](?:each|then|catch|await|const|snippet)[^{}]*\bNAME\b|\blet:NAME\b",
];

/// Turns a handler's use of a dialog's name that the component defines into another name.
pub(crate) fn hide_own_dialogs(page: &[u8], handler: &mut [u8]) {
    for name in DIALOGS {
        let places = bare(handler, name);
        if !places.is_empty() && is_defined(page, name) {
            places.into_iter().for_each(|at| handler[at] = b'_');
        }
    }
}

/// Whether a script has the name of a dialog at all.
pub(crate) fn names_dialog(script: &[u8]) -> bool {
    DIALOGS.iter().any(|name| memchr::memmem::find(script, name.as_bytes()).is_some())
}

/// A text of hyperscript (`on click call confirm('x')`) with all but its calls of dialogs
/// blank; `None` where it has none.
pub(crate) fn calls_only(text: &[u8]) -> Option<Vec<u8>> {
    let mut calls = vec![b' '; text.len()];
    let mut has_call = false;
    for name in DIALOGS {
        for at in bare(text, name) {
            let rest = &text[at + name.len()..];
            let end = memchr::memchr(b')', rest).filter(|_| rest.first() == Some(&b'('));
            let Some(end) = end.map(|end| at + name.len() + end + 1) else { continue };
            calls[at..end].copy_from_slice(&text[at..end]);
            if let Some(after) = calls.get_mut(end) {
                *after = b';';
            }
            has_call = true;
        }
    }
    has_call.then_some(calls)
}

/// Where a name stands by itself, with no object before it.
fn bare(text: &[u8], name: &str) -> Vec<usize> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.');
    let ends =
        |at: usize| !text.get(at + name.len()).is_some_and(|byte| is_part(byte) && *byte != b'.');
    memchr::memmem::find_iter(text, name)
        .filter(|at| at.checked_sub(1).is_none_or(|before| !is_part(&text[before])) && ends(*at))
        .collect()
}

/// Few handlers name a dialog, so the patterns are made when one does.
fn is_defined(page: &[u8], name: &str) -> bool {
    let is_match = |pattern: &str| {
        let pattern = format!("(?mi-u){}", pattern.replace("NAME", name));
        Regex::new(&pattern).is_ok_and(|pattern| pattern.is_match(page))
    };
    DEFINED.iter().any(|pattern| is_match(pattern)) || has_foreign_data(page)
}

/// Whether a function that is not the page's own makes the data of an Alpine component.
fn has_foreign_data(page: &[u8]) -> bool {
    let Ok(maker) = Regex::new(r#"(?-u)\bx-data\s*=\s*["']\s*([A-Za-z_$][\w$.]*)\s*["'(]"#) else {
        return false;
    };
    maker.captures_iter(page).any(|found| {
        let name = found.get(1).map_or(&b""[..], |name| name.as_bytes());
        memchr::memmem::find_iter(page, name).count() < 2
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(page: &str) -> String {
        let mut handler = b"confirm(x)".to_vec();
        hide_own_dialogs(page.as_bytes(), &mut handler);
        String::from_utf8(handler).unwrap()
    }

    #[test]
    fn a_name_that_the_component_defines_is_no_dialog() {
        for page in [
            "<script>export default { methods: { confirm(x) { go(x) } } }</script>",
            "<script>export default { methods: {\n async confirm(x) { go(x) } } }</script>",
            "<script>export default { methods: { confirm: debounce(go) } }</script>",
            "<script>export default { props: ['confirm'] }</script>",
            "<script>export default { methods: { ...mapActions(['confirm']) } }</script>",
            "<script setup>defineProps<{ confirm?: () => void }>()</script>",
            "<script setup>defineProps<{ confirm(x: string): void; }>()</script>",
            "<script>export default { setup() { const { confirm } = use(); return { confirm } } }</script>",
            "<script>export default { mixins: [dialogs] }</script>",
            "<li v-for=\"confirm in confirms\"></li>",
            "<x v-slot=\"{ confirm }\"></x>",
            "<x #default=\"{ confirm }\"></x>",
            "<x x-data=\"{ confirm() { open() } }\"></x>",
            "{#each all as confirm}",
        ] {
            assert_eq!(shown(page), "_onfirm(x)", "{page}");
        }
    }

    #[test]
    fn a_name_that_is_only_used_stays_the_browsers() {
        for page in [
            "<script>export default { methods: { go() { if (confirm('x')) run() } } }</script>",
            "<script>export default { methods: { confirmAll() { run() } } }</script>",
            "<script>export default { props: ['item'] }</script>",
            "<p>confirm</p><li v-for=\"item in items\"></li>",
        ] {
            assert_eq!(shown(page), "confirm(x)", "{page}");
        }
        let mut handler = b"window.confirm(x), ui.confirm(x)".to_vec();
        hide_own_dialogs(b"{ confirm: 1 }", &mut handler);
        assert_eq!(handler, b"window.confirm(x), ui.confirm(x)");
    }
}
