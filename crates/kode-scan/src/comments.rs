//! Comments of the languages that templates are written in, which no browser ever sees.
//! A file's extension says which there are; a page called `.html` may be any server's, so
//! there the file itself has to show one. It refuses to guess where the same marks may be
//! text.

use std::sync::LazyLock;

use kode_base::ProjectPath;
use memchr::memmem;
use regex::bytes::Regex;

use crate::coverage;

/// A kind of comment.
struct Comment {
    begin: &'static [u8],
    end: &'static [u8],
    /// The extensions of templates that have it.
    extensions: &'static [&'static str],
    /// What else a page called `.html` has to hold one of, if it may have it at all.
    in_pages: Option<&'static [&'static [u8]]>,
    /// What in a file says that the marks may be text.
    unless: &'static [&'static [u8]],
}

const HANDLEBARS: &[&str] = &["hbs", "handlebars", "mustache"];
const JINJA: &[&str] = &["njk", "jinja", "jinja2", "j2", "twig", "liquid"];
const BRACES_OFF: &[&[u8]] = &[b"{{{{", b"{{=", b"\\{{"];
const PERCENT_OFF: &[&[u8]] = &[b"raw", b"verbatim"];

const COMMENTS: [Comment; 14] = [
    Comment {
        begin: b"{{!--",
        end: b"--}}",
        extensions: HANDLEBARS,
        in_pages: Some(&[b"{{"]),
        unless: BRACES_OFF,
    },
    Comment {
        begin: b"{{!",
        end: b"}}",
        extensions: HANDLEBARS,
        in_pages: Some(&[]),
        unless: BRACES_OFF,
    },
    Comment {
        begin: b"{#",
        end: b"#}",
        extensions: JINJA,
        in_pages: Some(&[b"{%", b"{{"]),
        unless: PERCENT_OFF,
    },
    Comment {
        begin: b"<%#",
        end: b"%>",
        extensions: &["ejs", "erb", "rhtml", "eex", "heex", "leex", "eta"],
        in_pages: Some(&[]),
        unless: &[],
    },
    Comment {
        begin: b"<%--",
        end: b"--%>",
        extensions: &["jsp", "jspf", "tag", "gsp", "aspx", "ascx", "asp"],
        in_pages: Some(&[]),
        unless: &[],
    },
    Comment {
        begin: b"<%!--",
        end: b"--%>",
        extensions: &["heex", "leex", "eex"],
        in_pages: None,
        unless: &[],
    },
    Comment {
        begin: b"@*",
        end: b"*@",
        extensions: &["cshtml", "vbhtml", "razor"],
        in_pages: None,
        unless: &[],
    },
    // Blade's; the extension of its files is PHP's.
    Comment {
        begin: b"{{--",
        end: b"--}}",
        extensions: &["php"],
        in_pages: None,
        unless: &[b"verbatim"],
    },
    Comment {
        begin: b"{*",
        end: b"*}",
        extensions: &["tpl", "latte"],
        in_pages: None,
        unless: &[b"{literal"],
    },
    Comment {
        begin: b"<#--",
        end: b"-->",
        extensions: &["ftl", "ftlh"],
        in_pages: None,
        unless: &[b"<#noparse"],
    },
    Comment { begin: b"#*", end: b"*#", extensions: &["vm"], in_pages: None, unless: &[b"#[["] },
    Comment {
        begin: b"<%doc>",
        end: b"</%doc>",
        extensions: &["mako", "mak"],
        in_pages: None,
        unless: &[b"<%text"],
    },
    Comment {
        begin: b"{{- /*",
        end: b"*/ -}}",
        extensions: &["gohtml", "gotmpl", "tmpl", "tpl"],
        in_pages: Some(&[]),
        unless: &[],
    },
    Comment {
        begin: b"{{/*",
        end: b"*/}}",
        extensions: &["gohtml", "gotmpl", "tmpl", "tpl"],
        in_pages: Some(&[b"{{"]),
        unless: &[],
    },
];

/// `{% comment %}…{% endcomment %}` of Django and Liquid.
static BLOCK: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?s)\{%-?\s*comment\b[^%]*%\}.*?\{%-?\s*endcomment\s*-?%\}").ok()
});
/// Mako's and Velocity's lines.
static LINE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?m)^[ \t]*##.*$").ok());

/// Astro's, as an expression of its own. What else braces hold is code.
static BRACED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\{\s*/\*(?:[^*]|\*+[^*/])*\*+/\s*\}").ok());

/// The template with its comments blank; `None` where it has none.
pub(crate) fn without_comments(path: &ProjectPath, text: &[u8]) -> Option<Vec<u8>> {
    let extension = coverage::extension(path);
    let is_page = matches!(extension.as_str(), "html" | "htm");
    let mut plain = None;
    let kinds: Vec<&Comment> =
        COMMENTS.iter().filter(|kind| kind.is_in(&extension, is_page, text)).collect();
    if !kinds.is_empty() {
        blank_marked(&kinds, text, plain.get_or_insert_with(|| text.to_vec()));
    }
    let has_blocks = is_page || JINJA.contains(&extension.as_str());
    if has_blocks && memmem::find(text, b"endcomment").is_some() {
        blank_matches(&BLOCK, text, plain.get_or_insert_with(|| text.to_vec()));
    }
    if matches!(extension.as_str(), "mako" | "mak" | "vm") {
        blank_matches(&LINE, text, plain.get_or_insert_with(|| text.to_vec()));
    }
    if extension == "astro" && memmem::find(text, b"/*").is_some() {
        blank_matches(&BRACED, text, plain.get_or_insert_with(|| text.to_vec()));
    }
    plain
}

impl Comment {
    fn is_in(&self, extension: &str, is_page: bool, text: &[u8]) -> bool {
        let has = |mark: &&[u8]| memmem::find(text, mark).is_some();
        let shows =
            || self.in_pages.is_some_and(|others| others.is_empty() || others.iter().any(has));
        let is_named = self.extensions.contains(&extension);
        (is_named || is_page && self.in_pages.is_some())
            && has(&self.begin)
            && (is_named || shows())
            && !self.unless.iter().any(has)
    }
}

fn blank_marked(kinds: &[&Comment], text: &[u8], plain: &mut [u8]) {
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let Some(kind) = kinds.iter().find(|kind| rest.starts_with(kind.begin)) else {
            at += 1;
            continue;
        };
        let Some(length) = memmem::find(&rest[kind.begin.len()..], kind.end) else { break };
        let close = at + kind.begin.len() + length + kind.end.len();
        blank(&mut plain[at..close]);
        at = close;
    }
}

fn blank_matches(pattern: &LazyLock<Option<Regex>>, text: &[u8], plain: &mut [u8]) {
    for found in pattern.iter().flat_map(|pattern| pattern.find_iter(text)) {
        blank(&mut plain[found.range()]);
    }
}

fn blank(text: &mut [u8]) {
    text.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(path: &str, text: &str) -> Option<String> {
        let plain = without_comments(&ProjectPath::new(path).unwrap(), text.as_bytes());
        plain.map(|plain| String::from_utf8(plain).unwrap())
    }

    #[test]
    fn comments_of_templates_are_blank() {
        for (path, text) in [
            ("a.hbs", "a{{!-- b}} --}}c"),
            ("a.mustache", "a{{! bbbbbbbb }}c"),
            ("a.j2", "a{# bbbbbbbbb #}c"),
            ("a.html.twig", "a{# bbbbbbbbb #}c"),
            ("a.j2", "a{% comment %}b{% endcomment %}c"),
            ("a.ejs", "a<%# bbbbbbbb %>c"),
            ("a.html.erb", "a<%# bbbbbbbb %>c"),
            ("a.jsp", "a<%-- bbbbbb --%>c"),
            ("a.heex", "a<%!-- bbbbbb --%>c"),
            ("a.cshtml", "a@* bbbbbb *@c"),
            ("a.blade.php", "a{{-- bbbbbb --}}c"),
            ("a.tpl", "a{* bbbbbb *}c"),
            ("a.ftl", "a<#-- bbbbbb -->c"),
            ("a.vm", "a#* bbbbbb *#c"),
            ("a.mako", "a<%doc> bbbbbb </%doc>c"),
            ("a.gohtml", "a{{/* bbbbbb */}}c"),
            ("a.astro", "a{/* b } * bb */ }c"),
        ] {
            let plain = shown(path, text).unwrap();
            assert_eq!(plain, format!("a{}c", " ".repeat(text.len() - 2)), "{text}");
        }
        assert_eq!(shown("a.mako", "## b\nc").unwrap(), "    \nc");
        let code = "{/* a */ b}{c /* d */}";
        assert_eq!(shown("a.astro", code), Some(code.to_owned()));
        assert_eq!(shown("a.ejs", "<%% # b %><%# b"), Some("<%% # b %><%# b".to_owned()));
    }

    #[test]
    fn a_page_shows_by_itself_which_comments_it_has() {
        for text in [
            "{% a %}{# b #}{{ x }}",
            "{{ a }}{{!-- b --}}",
            "<%# b %>",
            "<%-- b --%>",
            "{{ a }}{{/* b */}}",
            "{% comment %}b{% endcomment %}",
            "{{ a }}{{! b }}",
            "{{- /* b */ -}}",
        ] {
            assert!(!shown("a.html", text).unwrap().contains('b'), "{text}");
        }
        for text in ["{# b #}", "a {* b *}", "@* b *@"] {
            assert_eq!(shown("a.html", text), None, "{text}");
        }
    }

    #[test]
    fn marks_that_may_be_text_are() {
        for (path, text) in [
            ("a.hbs", "{{{{x}}}}{{! b }}"),
            ("a.mustache", "{{=<% %>=}}{{! b }}"),
            ("a.j2", "{% raw %}{# b #}"),
            ("a.tpl", "{literal}{* b *}"),
            ("a.css", "{# b #}"),
        ] {
            assert_eq!(shown(path, text), None, "{text}");
        }
    }
}
