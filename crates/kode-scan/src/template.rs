//! Templates of servers (Jinja, Django, Nunjucks, EJS, Handlebars, Mustache, Pug):
//! what they put out without escaping, and of which names. It reads marks, not
//! whole languages, and refuses to say where a name's value comes from.

use std::sync::LazyLock;

use kode_base::ProjectPath;
use regex::Regex;

use crate::coverage;

/// Outputs of one template that are looked at.
const OUTPUTS_MAX: usize = 400;

/// `{{ x|safe }}`, `<%- x %>`, `{{{ x }}}`, `{{& x}}`; Thymeleaf's `th:utext="${x}"` and
/// `[(${x})]`; Angular's `[innerHTML]="x"`.
static OUTPUT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?s)\{\{\{~?\s*([^{}]{1,400}?)\s*~?\}\}\}|\{\{&\s*([^{}]{1,400}?)\s*\}\}|<%-\s*(.{1,400}?)\s*[-_]?%>|\{\{-?\s*([^{}]{1,400}?)\s*-?\}\}|(?:th:utext\s*=\s*[\x22']|\[\()[$*]\{\s*([^{}]{1,400}?)\s*\}|\[(?:innerHTML|outerHTML|srcdoc)\]\s*=\s*\x22([^\x22]{1,400})\x22",
    )
    .ok()
});
/// Pug's `!{x}` and `!= x`.
static PUG: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"!\{([^{}]{1,400})\}|(?m)^[^'\n]*?[\w)\]]?!=\s*(\S[^\n]*)$").ok());
/// Parts that are not escaped, and their ends.
static REGION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\{%-?\s*(?:autoescape\s+(?:false|off)|(endautoescape))\s*-?%\}").ok()
});
/// A name with its members at the beginning of an expression.
static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?:locals\.|this\.)?([A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*)").ok()
});

/// One unescaped output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawOutput {
    /// The name put out and its members: `["user", "bio"]`.
    pub(crate) name: Vec<String>,
    /// Where the expression stands.
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// Whether a file is a server's template by its extension.
pub(crate) fn is_template(path: &ProjectPath) -> bool {
    matches!(
        coverage::extension(path).as_str(),
        "ejs" | "hbs" | "handlebars" | "mustache" | "njk" | "jinja" | "jinja2" | "j2" | "pug"
    )
}

/// What a template puts out without escaping.
pub(crate) fn raw_outputs(path: Option<&ProjectPath>, text: &[u8]) -> Vec<RawOutput> {
    let Ok(text) = std::str::from_utf8(text) else { return Vec::new() };
    let is_pug = path.is_some_and(|path| coverage::extension(path) == "pug");
    let pattern = if is_pug { &PUG } else { &OUTPUT };
    let regions = if is_pug { Vec::new() } else { unescaped_regions(text) };
    let mut found = Vec::new();
    for output in pattern.iter().flat_map(|pattern| pattern.captures_iter(text)) {
        let Some((at, part)) = (1..=6).find_map(|at| Some((at, output.get(at)?))) else { continue };
        let braces = at == 4 && !is_pug;
        let is_raw = !braces
            || is_marked_safe(part.as_str())
            || regions.iter().any(|(from, to)| (*from..*to).contains(&part.start()));
        if !is_raw || is_made_safe(part.as_str()) || found.len() >= OUTPUTS_MAX {
            continue;
        }
        let mut named = named(part.as_str(), part.start(), part.end());
        // Thymeleaf's `param` is the request's.
        if let Some(output) = named.as_mut().filter(|_| at == 5)
            && output.name.len() > 1
            && output.name[0] == "param"
        {
            output.name.splice(..1, ["request".to_owned(), "params".to_owned()]);
        }
        found.extend(named);
    }
    found
}

/// The output of a name; of a call or literal there is none.
fn named(expression: &str, start: usize, end: usize) -> Option<RawOutput> {
    let name = NAME.as_ref()?.captures(expression)?.get(1)?;
    let rest = expression[name.end()..].trim_start();
    const BLOCKS: [&str; 6] = ["include", "body", "content", "children", "yield", "super"];
    let name = name.as_str();
    if rest.starts_with('(') || BLOCKS.contains(&name) || name.ends_with("csrf_token") {
        return None;
    }
    let name = name.split('.').map(str::to_owned).collect();
    Some(RawOutput { name, start: u32::try_from(start).ok()?, end: u32::try_from(end).ok()? })
}

fn is_marked_safe(expression: &str) -> bool {
    expression.split('|').skip(1).any(|filter| matches!(filter.trim(), "safe" | "raw" | "safeseq"))
}

/// Whether a filter or function before made it harmless.
fn is_made_safe(expression: &str) -> bool {
    const SAFE: [&str; 14] = [
        "escape",
        "sanitiz",
        "sanitis",
        "purify",
        "bleach",
        "striptags",
        "tojson",
        "json_script",
        "stringify",
        "encode",
        "include",
        "|e|",
        "urlize",
        "linebreaks",
    ];
    let squeezed = expression.replace(' ', "").to_ascii_lowercase();
    SAFE.iter().any(|mark| squeezed.contains(mark)) || squeezed.ends_with("|e")
}

/// Where `{% autoescape off %}` holds.
fn unescaped_regions(text: &str) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut open = None;
    for mark in REGION.iter().flat_map(|pattern| pattern.captures_iter(text)) {
        let Some(whole) = mark.get(0) else { continue };
        match (mark.get(1), open) {
            (None, None) => open = Some(whole.end()),
            (Some(_), Some(from)) => {
                found.push((from, whole.start()));
                open = None;
            }
            _ => {}
        }
    }
    found.extend(open.map(|from| (from, text.len())));
    found
}

/// Whether a name is a request's own data in the template itself.
pub(crate) fn is_request_data(name: &[String]) -> bool {
    const PARTS: [&str; 12] = [
        "args", "form", "values", "cookies", "headers", "GET", "POST", "COOKIES", "META", "query",
        "params", "body",
    ];
    matches!(name, [first, second, ..]
        if matches!(first.as_str(), "request" | "req") && PARTS.contains(&second.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str, text: &str) -> Vec<String> {
        let path = ProjectPath::new(path).unwrap();
        let found = raw_outputs(Some(&path), text.as_bytes());
        found.into_iter().map(|output| output.name.join(".")).collect()
    }

    #[test]
    fn unescaped_outputs_are_named_in_every_dialect() {
        assert_eq!(names("a.html", "<p>{{ user.bio | safe }}</p>"), ["user.bio"]);
        assert_eq!(names("a.ejs", "<p><%- bio %></p>"), ["bio"]);
        assert_eq!(names("a.hbs", "<p>{{{bio}}} {{& name}}</p>"), ["bio", "name"]);
        assert_eq!(names("a.pug", "p!= bio\np #{x} !{name}"), ["bio", "name"]);
        let thymeleaf =
            "<p th:utext=\"${param.q}\">[(${user.bio})]</p><p th:text=\"${a}\">[[${b}]]</p>";
        assert_eq!(names("a.html", thymeleaf), ["request.params.q", "user.bio"]);
        assert_eq!(names("a.html", "<div [innerHTML]=\"bio\"></div>"), ["bio"]);
        let off = "{% autoescape false %}{{ a }}{% endautoescape %}{{ b }}";
        assert_eq!(names("a.j2", off), ["a"]);
    }

    #[test]
    fn escaped_outputs_includes_and_cleaned_ones_are_left_out() {
        for text in [
            "{{ bio }}",
            "<%= bio %>",
            "<%- include('head') %>",
            "{{ bio|escape|safe }}",
            "<%- sanitizeHtml(bio) %>",
            "{{{ body }}}",
            "{{ data|tojson|safe }}",
        ] {
            assert!(names("a.html", text).is_empty(), "{text}");
        }
    }
}
