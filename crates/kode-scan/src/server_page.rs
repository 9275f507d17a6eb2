//! Pages that a server makes of templates in languages without rules (JSP, PHP, ERB,
//! Razor, Astro and the like): their scripts and inline handlers are read as those of
//! any page. It refuses to understand the server's parts; where one stands in a script
//! there is a number, nothing or the markup it prints from a text, so that every byte keeps
//! its offset.

use kode_base::ProjectPath;

use crate::{coverage, given_handlers, page, printed};

/// Extensions of such templates.
const EXTENSIONS: [&str; 41] = [
    "jsp", "jspf", "jspx", "tag", "tagx", "jhtml", "ftl", "ftlh", "vm", "gsp", "zul", "php",
    "phtml", "php3", "php4", "php5", "ctp", "erb", "rhtml", "eex", "heex", "leex", "cshtml",
    "vbhtml", "razor", "aspx", "ascx", "asp", "twig", "latte", "tpl", "tmpl", "gotmpl", "gohtml",
    "liquid", "mako", "mak", "shtml", "eta", "cfm", "astro",
];
/// How the server's parts begin and end, and whether they put something out. The first
/// that fits counts.
const PARTS: [(&[u8], &[u8], bool); 6] = [
    (b"<%--", b"--%>", false),
    (b"<%=", b"%>", true),
    (b"<%-", b"%>", true),
    (b"<%", b"%>", false),
    (b"<?=", b"?>", true),
    (b"<?", b"?>", false),
];

/// Whether a file is such a template by its extension.
pub(crate) fn is_server_page(path: &ProjectPath) -> bool {
    EXTENSIONS.contains(&coverage::extension(path).as_str())
}

/// The template's scripts, everything else blank; `None` where there are none.
pub(crate) fn scripts(path: &ProjectPath, template: &[u8]) -> Option<Vec<u8>> {
    let shown = crate::comments::without_comments(path, template);
    let template = shown.as_deref().unwrap_or(template);
    let scripts = if is_script(path) {
        without_server(template)
    } else {
        let mut shown = with_helpers(template);
        given_handlers::show_in_marks(&mut shown, template, &coverage::extension(path));
        page::scripts_only(&shown, page::form(path))
    };
    scripts.iter().any(|byte| !byte.is_ascii_whitespace()).then_some(scripts)
}

/// Whether a template makes a script: `create.js.erb`.
fn is_script(path: &ProjectPath) -> bool {
    let name = path.file_name().to_ascii_lowercase();
    name.rsplit('.').nth(1) == Some("js")
}

/// The template without what the server does in it.
pub(crate) fn without_server(template: &[u8]) -> Vec<u8> {
    blanked(template, false)
}

/// The same, with the handlers and scripts that helpers make tags of.
fn with_helpers(template: &[u8]) -> Vec<u8> {
    let mut page = blanked(template, true);
    given_handlers::show_script_blocks(&mut page, template);
    page
}

fn blanked(template: &[u8], with_helpers: bool) -> Vec<u8> {
    let mut page = template.to_vec();
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'<', &template[at..]) {
        let start = at + found;
        let part = PARTS.iter().find(|(begins, ..)| template[start..].starts_with(begins));
        let Some((begins, ends, puts_out)) = part else {
            at = start + 1;
            continue;
        };
        let inside = start + begins.len();
        let close = memchr::memmem::find(&template[inside..], ends);
        let end = close.map_or(template.len(), |close| inside + close + ends.len());
        page[start..end].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
        if *puts_out {
            page[start] = b'0';
        }
        if *begins != b"<%--" {
            let place = inside..close.map_or(template.len(), |close| inside + close);
            let is_php = begins.starts_with(b"<?");
            let part = printed::Part { template, place, is_php };
            if !puts_out {
                printed::show(&mut page, &part);
            }
            if with_helpers {
                given_handlers::show(&mut page, &part);
            }
        }
        at = end;
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(template: &str) -> String {
        let scripts =
            scripts(&ProjectPath::new("a.php").unwrap(), template.as_bytes()).unwrap_or_default();
        assert!(scripts.is_empty() || scripts.len() == template.len());
        String::from_utf8(scripts).unwrap()
    }

    #[test]
    fn scripts_and_handlers_stay_and_the_server_goes() {
        for template in [
            "<%@ page import=\"x\" %><a onclick=\"return confirm('<%= a %>')\">x</a>",
            "<?php if ($a < 1) { ?><script>if (!confirm('<?= $n ?>')) { back(); }</script><?php } ?>",
            "<script>var n = <%= n %>; confirm(n);</script>",
            "<?php echo \"<script>confirm('x')</script>\";",
            "<% out.println(\"<script>confirm('x')</script>\"); %>",
            "---\nconst a = 1;\n---\n<script>confirm('x')</script>",
        ] {
            assert!(shown(template).contains("confirm("), "{template}");
        }
        for template in [
            "<%= link_to 'x', data: { confirm: 'y' } %>",
            "<?php $x = \"<script>confirm('x')</script>\";",
            "<%-- <script>confirm('x')</script> --%>",
            "<p>confirm('x')</p>",
        ] {
            assert!(!shown(template).contains("confirm"), "{template}");
        }
        assert!(shown("<script>var n = <%= n %>;</script>").contains("var n = 0 "));
        let script = |path: &str| scripts(&ProjectPath::new(path).unwrap(), b"confirm(<%= n %>)");
        assert!(script("a.js.erb").is_some() && script("a.html.erb").is_none());
    }
}
