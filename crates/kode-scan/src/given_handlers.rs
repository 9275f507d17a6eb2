//! Handlers that a server's page hands to its framework's helpers, which make tags of them:
//! `link_to "x", y, onclick: "…"`, `Html::a('x', $y, ['onclick' => "…"])`,
//! `new { onclick = "…" }`, and the bodies of Rails' `javascript_tag`. Tags are put where
//! these stand. It refuses whatever names none of the browser's dialogs, and `data-confirm`,
//! of which a page does not say what asks.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::bound::names_dialog;
use crate::printed::{Part, plain, text_length};

/// A handler's name and the quote before its text, in Ruby, PHP and the languages of templates.
static PAIR: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?i-u)[^\w-](on[a-z]{3,20})["']?\s*(?:=>|:)\s*["']"#).ok());
/// The same as a member of an object in C#.
static MEMBER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?i-u)[{,]\s*@?(on[a-z]{3,20})\s*=\s*["']"#).ok());
/// Rails' helper that makes a script of a text.
static SCRIPT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?-u)^\s*(javascript_tag)[\s(]+["']"#).ok());
/// Puts the handlers that a server's part hands to helpers into the page.
pub(crate) fn show(page: &mut [u8], part: &Part<'_>) {
    let text = &part.template[part.place.clone()];
    if text.starts_with(b"#") || !names_dialog(text) {
        return;
    }
    put_all(page, part, &PAIR);
    put_all(page, part, &SCRIPT);
}

/// The same of what stands in a template's marks, or in C# anywhere.
pub(crate) fn show_in_marks(page: &mut [u8], template: &[u8], extension: &str) {
    if !names_dialog(template) {
        return;
    }
    let part = |place: Range<usize>| Part { template, place, is_php: true };
    if matches!(extension, "cshtml" | "vbhtml" | "razor") {
        return put_all(page, &part(0..template.len()), &MEMBER);
    }
    if !matches!(extension, "php" | "twig" | "latte") {
        return;
    }
    for (begins, ends) in [(&b"{{"[..], &b"}}"[..]), (b"{!!", b"!!}")] {
        let mut at = 0;
        while let Some(found) = memchr::memmem::find(&template[at..], begins) {
            let start = at + found;
            let Some(length) = memchr::memmem::find(&template[start..], ends) else { break };
            put_all(page, &part(start..start + length), &PAIR);
            at = start + length;
        }
    }
}

/// Puts a tag wherever a pattern finds a handler.
fn put_all(page: &mut [u8], part: &Part<'_>, pattern: &LazyLock<Option<Regex>>) {
    let Some(pattern) = pattern.as_ref() else { return };
    let text = &part.template[part.place.clone()];
    for found in pattern.captures_iter(text) {
        let (Some(whole), Some(name)) = (found.get(0), found.get(1)) else { continue };
        let quote = whole.end() - 1;
        let end = quote + ruby_length(&text[quote..]);
        let is_whole = end > quote + 1 && text[end - 1] == text[quote];
        if is_whole && names_dialog(&text[quote..end]) && !is_in_comment(text, name.start()) {
            let start = part.place.start;
            put(page, part, start + name.start()..start + name.end(), start + quote..start + end);
        }
    }
}

/// Puts `<b onclick="…">` where a handler's name and text stand.
fn put(page: &mut [u8], part: &Part<'_>, name: Range<usize>, text: Range<usize>) {
    if name.start < 3 || text.end >= page.len() || page[text.end] == b'\n' {
        return;
    }
    let quote = part.template[text.start];
    let mut handler = plain(&part.template[text.start + 1..text.end - 1], quote == b'"');
    // A quote of its own would end the attribute.
    let other = if quote == b'"' { b'\'' } else { b'"' };
    handler.iter_mut().filter(|byte| **byte == quote).for_each(|byte| *byte = other);
    page[name.start - 3..name.start].copy_from_slice(b"<b ");
    let known = &part.template[name.clone()];
    let is_handler = known.len() < 14;
    page[name.clone()].fill(b' ');
    let known = if is_handler { known } else { b"onclick" };
    page[name.start..name.start + known.len()].copy_from_slice(known);
    page[name.end..text.start].fill(b' ');
    page[text.start - 1] = b'=';
    page[text.start] = quote;
    page[text.start + 1..text.end - 1].copy_from_slice(&handler);
    page[text.end - 1] = quote;
    page[text.end] = b'>';
}

/// The length of a text with its quotes; quotes in Ruby's `#{…}` do not end it.
fn ruby_length(text: &[u8]) -> usize {
    let mut length = text_length(text);
    while let Some(open) = memchr::memmem::rfind(&text[..length], b"#{")
        && memchr::memchr(b'}', &text[open..length]).is_none()
        && let Some(close) = memchr::memchr(b'}', &text[open..])
    {
        // The rest is a text that begins with the same quote.
        let mut rest = vec![text[0]];
        rest.extend_from_slice(&text[open + close + 1..]);
        length = open + close + text_length(&rest);
    }
    length
}

fn is_in_comment(text: &[u8], at: usize) -> bool {
    let line = memchr::memrchr(b'\n', &text[..at]).map_or(0, |end| end + 1);
    let line = text[line..at].trim_ascii_start();
    let line = line.strip_prefix(b"php").unwrap_or(line).trim_ascii_start();
    [&b"//"[..], b"#", b"*", b"/*"].iter().any(|mark| line.starts_with(mark))
}

/// Puts tags of scripts around the bodies of `javascript_tag do`.
pub(crate) fn show_script_blocks(page: &mut [u8], template: &[u8]) {
    const OPEN: &[u8] = b"<script>";
    const CLOSE: &[u8] = b"</script>";
    if memchr::memmem::find(template, b"javascript_tag").is_none() {
        return;
    }
    let mut open = None;
    for (place, step) in steps(template) {
        match (step, open) {
            (Step::Script, None) => open = Some((place.start, 1)),
            (Step::Script | Step::Opens, Some((start, depth))) => open = Some((start, depth + 1)),
            (Step::Ends, Some((start, 1))) => {
                open = None;
                // A short `<%end%>` may need the line end before it.
                let Some(from) = place.end.checked_sub(CLOSE.len()) else { continue };
                if page[from.min(place.start)..place.start].iter().all(u8::is_ascii_whitespace) {
                    page[start..start + OPEN.len()].copy_from_slice(OPEN);
                    page[from..place.end].copy_from_slice(CLOSE);
                }
            }
            (Step::Ends, Some((start, depth))) => open = Some((start, depth - 1)),
            _ => {}
        }
    }
}

/// What a part of ERB does to the blocks around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It opens one whose text is a script.
    Script,
    Opens,
    Ends,
}

/// The parts of ERB that open and end blocks.
fn steps(template: &[u8]) -> Vec<(Range<usize>, Step)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = memchr::memmem::find(&template[at..], b"<%") {
        let start = at + next;
        let Some(length) = memchr::memmem::find(&template[start..], b"%>") else { break };
        at = start + length + 2;
        found.extend(step(&template[start + 2..at - 2]).map(|step| (start..at, step)));
    }
    found
}

fn step(part: &[u8]) -> Option<Step> {
    const OPENING: [&[u8]; 7] = [b"if", b"unless", b"case", b"while", b"until", b"for", b"begin"];
    let is_mark = |byte: &u8| matches!(byte, b'=' | b'-') || byte.is_ascii_whitespace();
    let start = part.iter().position(|byte| !is_mark(byte))?;
    let end = part.iter().rposition(|byte| !is_mark(byte))? + 1;
    let code = &part[start..end];
    let length = code.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    let word = &code[..length.unwrap_or(code.len())];
    if word == b"end" {
        return Some(Step::Ends);
    }
    // `do |f|`
    let given = code
        .strip_suffix(b"|")
        .and_then(|code| memchr::memrchr(b'|', code).map(|bar| code[..bar].trim_ascii_end()));
    if given.unwrap_or(code).ends_with(b" do") {
        return Some(if word == b"javascript_tag" { Step::Script } else { Step::Opens });
    }
    OPENING.contains(&word).then_some(Step::Opens)
}

#[cfg(test)]
mod tests {
    use kode_base::ProjectPath;

    fn shown(name: &str, template: &str) -> String {
        let path = ProjectPath::new(name).unwrap();
        let scripts = crate::server_page::scripts(&path, template.as_bytes()).unwrap_or_default();
        assert!(scripts.is_empty() || scripts.len() == template.len());
        String::from_utf8(scripts).unwrap()
    }

    #[test]
    fn handlers_that_helpers_make_tags_of_are_scripts() {
        for (name, template) in [
            ("a.erb", "<%= f.submit \"x\", onclick: \"return confirm('#{t \"x\"}')\" %>"),
            ("a.erb", "<%= link_to 'x', y, :onclick => 'alert(1); confirm(2)' %>"),
            ("a.erb", "<%= link_to 'x', y, 'onclick' => \"confirm(\\\"x\\\")\" do %>x<% end %>"),
            ("a.erb", "<%= form_with html: { onsubmit: \"return confirm('x')\" } do |f| %>"),
            ("a.erb", "<%= button_to 'x', y, onclick: \"return confirm('#{t(\"x\")}')\" %>"),
            ("a.erb", "<%= javascript_tag \"confirm('x')\" %>"),
            ("a.erb", "<%= javascript_tag nonce: true do -%>\nconfirm('x');\n<% end %><b>x</b>"),
            ("a.erb", "<%= javascript_tag do %>\n<% if x %>confirm(1);<% end %>\n<%end%>"),
            ("a.php", "<?= Html::a('x', $u, ['onclick' => \"return confirm('$x')\"]) ?>"),
            ("a.php", "<?php Html::a('x', ['onclick' => 'return confirm(\\'x\\')']);"),
            ("a.blade.php", "{!! Form::submit('x', ['onclick' => \"return confirm('x')\"]) !!}"),
            ("a.twig", "{{ form_row(f.x, {attr: {onclick: \"return confirm('x')\"}}) }}"),
            (
                "a.cshtml",
                "@Html.ActionLink(\"x\", \"y\", new { @onclick = \"return confirm('x')\" })",
            ),
        ] {
            assert!(shown(name, template).contains("confirm("), "{template}");
        }
    }

    #[test]
    fn what_is_no_handler_is_no_script() {
        for (name, template) in [
            ("a.erb", "<%= link_to 'x', y, data: { confirm: \"confirm('x')\" } %>"),
            ("a.erb", "<%= f.submit \"x\", title: \"confirm('x')\" %>"),
            ("a.erb", "<%# f.submit \"x\", onclick: \"confirm('x')\" %>"),
            ("a.erb", "<%= content_tag :p do %>\nconfirm('x');\n<% end %>"),
            ("a.erb", "<%= javascript_tag do %>\n1;\n<% end %>confirm('x')"),
            ("a.php", "<?php // ['onclick' => \"confirm('x')\"]"),
            ("a.twig", "<p>{onclick: \"confirm('x')\"}</p>"),
        ] {
            assert!(!shown(name, template).contains("confirm("), "{template}");
        }
    }
}
