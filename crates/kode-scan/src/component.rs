//! Vue and Svelte components: what their templates put out without escaping
//! (`v-html`, `{@html}`), as JavaScript behind the component's own script, so
//! that the engine sees it with the names it has there. It refuses to guess what
//! a parent hands over.

use std::sync::LazyLock;

use regex::bytes::Regex;

/// Outputs of one component that are followed.
const OUTPUTS_MAX: usize = 200;

/// `v-html="…"`, `:innerHTML="…"`, `:srcdoc="…"`; Svelte's `{@html …}`.
static OUTPUT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?:v-html|(?::|v-bind:)(?:innerHTML|inner-html|srcdoc)(?:\.prop)?)\s*=\s*(?:"([^"]*)"|'([^']*)')|\{@html\s+([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}"#,
    )
    .ok()
});
/// `v-for="(item, at) in items"`; Svelte's `{#each items as item}`.
static EACH: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"v-for\s*=\s*["']\s*\(?\s*(\w+)[^"']*?\)?\s+(?:in|of)\s+([^"']+)["']|\{#each\s+([^{}]+?)\s+as\s+(\w+)"#,
    )
    .ok()
});
/// Names in an expression that no dot precedes.
static NAME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?-u)(?:^|[^.\w$'\x22])([A-Za-z_$][\w$]*)").ok());

/// Text behind a component's script that stands elsewhere in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moved {
    /// Where it stands in what is parsed.
    pub(crate) from: u32,
    /// Its length in bytes.
    pub(crate) length: u32,
    /// Where it stands in the file.
    pub(crate) to: u32,
}

/// The scripts of a component followed by what its template puts out raw.
/// `page` is the file, `scripts` the same with all but the scripts blanked.
pub(crate) fn with_outputs(page: &[u8], scripts: Vec<u8>) -> (Vec<u8>, Vec<Moved>) {
    let outputs = outputs(page, &scripts);
    if outputs.is_empty() {
        return (scripts, Vec::new());
    }
    let loops = loops(page);
    let is_object = find(&scripts, b"export default").is_some();
    let mut text = scripts;
    let mut moved = Vec::new();
    text.extend_from_slice(b"\n;");
    if is_object {
        text.extend_from_slice(INSTANCE.as_bytes());
    }
    for (start, end) in outputs {
        let expression = &page[start..end];
        text.extend_from_slice(b"\n;{");
        let mut names = names_in(expression);
        let around: Vec<_> = loops.iter().filter(|(name, _)| names.contains(name)).collect();
        for (_, collection) in &around {
            names.extend(names_in(collection));
        }
        names.retain(|name| !around.iter().any(|(bound, _)| bound == name));
        if is_object {
            names.iter().for_each(|name| declare(&mut text, name));
        }
        for (name, collection) in &around {
            text.extend_from_slice(format!("for (const {name} of ").as_bytes());
            text.extend_from_slice(collection);
            text.extend_from_slice(b") ");
        }
        text.extend_from_slice(b"$HTML(");
        let length = u32::try_from(end - start).unwrap_or(0);
        moved.push(Moved { from: text.len() as u32, length, to: start as u32 });
        text.extend_from_slice(expression);
        text.extend_from_slice(b")}");
    }
    text.push(b'\n');
    (text, moved)
}

/// The component's instance: its data, what `setup` gives, after it was created.
const INSTANCE: &str = "import $component from '$self';
const $this = {...$component.data(), ...$component.setup()};
$this.$first = $component.created; $this.$first();
$this.$then = $component.mounted; $this.$then();";

/// A name of the template: of the instance's data, computed, or a method.
fn declare(text: &mut Vec<u8>, name: &str) {
    if matches!(name, "$route" | "$store" | "this" | "true" | "false" | "null") {
        return;
    }
    let line = format!(
        "let {name} = $this.{name} || $component.computed.{name}.call($this) || $component.methods.{name};"
    );
    text.extend_from_slice(line.as_bytes());
}

/// Ranges of what is put out raw, outside of scripts.
fn outputs(page: &[u8], scripts: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for output in OUTPUT.iter().flat_map(|pattern| pattern.captures_iter(page)) {
        let Some(part) = (1..=3).find_map(|at| output.get(at)) else { continue };
        let in_script = scripts.get(part.start()).is_some_and(|byte| !byte.is_ascii_whitespace());
        if !in_script && !part.as_bytes().trim_ascii().is_empty() && found.len() < OUTPUTS_MAX {
            found.push((part.start(), part.end()));
        }
    }
    found
}

/// The names that loops of the template bind, and what they go through.
fn loops(page: &[u8]) -> Vec<(String, Vec<u8>)> {
    let each = EACH.iter().flat_map(|pattern| pattern.captures_iter(page));
    each.filter_map(|one| {
        let (name, collection) =
            one.get(1).zip(one.get(2)).or_else(|| one.get(4).zip(one.get(3)))?;
        let name = String::from_utf8_lossy(name.as_bytes()).into_owned();
        Some((name, collection.as_bytes().to_vec()))
    })
    .take(OUTPUTS_MAX)
    .collect()
}

fn names_in(expression: &[u8]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in NAME.iter().flat_map(|pattern| pattern.captures_iter(expression)) {
        let name = name.get(1).map_or(&b""[..], |part| part.as_bytes());
        let name = String::from_utf8_lossy(name).into_owned();
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_outputs_stand_behind_the_script_and_know_their_place() {
        let page = b"<p v-html=\"shown\"/><script>let shown = 1</script>";
        let scripts = crate::page::scripts_only(page, crate::markup::Form::Component);
        let (text, moved) = with_outputs(page, scripts);
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("$HTML(shown)"), "{text}");
        let [one] = moved[..] else { panic!("{moved:?}") };
        assert_eq!(&text[one.from as usize..][..one.length as usize], "shown");
        assert_eq!(&page[one.to as usize..][..one.length as usize], b"shown");
    }

    #[test]
    fn a_page_without_raw_output_stays_as_it_is() {
        let page = b"<p>{{ shown }}</p><script>let html = '{@html x}'</script>";
        let scripts = crate::page::scripts_only(page, crate::markup::Form::Component);
        assert_eq!(with_outputs(page, scripts.clone()), (scripts, Vec::new()));
    }

    #[test]
    fn loops_bind_their_names() {
        let page =
            b"{#each posts as post}<p>{@html post.body}</p>{/each}<script>let posts</script>";
        let (text, _) =
            with_outputs(page, crate::page::scripts_only(page, crate::markup::Form::Component));
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("for (const post of posts) $HTML(post.body)"), "{text}");
    }
}
