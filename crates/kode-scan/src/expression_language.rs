//! What pages of JSP put out of the request by themselves: `${param.q}` outside of actions
//! that escape, a variable that `<c:set>` gave such a value, `<%= request.getParameter("q") %>`.
//! It reads expressions of one form and refuses all others; attributes of a request, which a
//! servlet has set, are none.

use std::sync::LazyLock;

use kode_base::ProjectPath;
use memchr::memmem;
use regex::Regex;

use crate::coverage;
use crate::template::RawOutput;

/// Outputs of one page that are looked at.
const OUTPUTS_MAX: usize = 400;

/// An action with a prefix or its end, a comment, a part of Java, an expression.
static MARK: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?s)<%--.*?--%>|<%=\s*(.*?)\s*%>|<%.*?%>|<(/?\w+:\w+)((?:[^<>"']|"[^"]*"|'[^']*')*)>|[$#]\{([^{}]{1,400})\}"#,
    )
    .ok()
});
/// An attribute of an action.
static ATTRIBUTE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?s)(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)')"#).ok());
/// The request's own data in the expression language, or a name.
static INPUT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"^(?:(?:param|paramValues|header|headerValues)(?:\.\w+|\[[^\]]+\])+|cookie(?:\.\w+|\[[^\]]+\])+\.value|pageContext\.request\.queryString)$"#,
    )
    .ok()
});
/// The same in Java.
static JAVA: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"^request\.(?:getParameter|getHeader)\(\s*"[^"]*"\s*\)$|^request\.getQueryString\(\)$"#,
    )
    .ok()
});
/// What changes a text and escapes nothing.
static CHANGED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^fn:(?:trim|toLowerCase|toUpperCase)\((.*)\)$").ok());

/// What a page puts out of the request without escaping.
pub(crate) fn outputs(path: &ProjectPath, page: &[u8]) -> Vec<RawOutput> {
    let is_jsp =
        matches!(coverage::extension(path).as_str(), "jsp" | "jspf" | "jspx" | "tag" | "tagx");
    let has = |mark: &[u8]| memmem::find(page, mark).is_some();
    let reads = || {
        [&b"param"[..], b"header", b"cookie", b"queryString", b"request.get"]
            .iter()
            .any(|mark| has(mark))
    };
    if !is_jsp || !reads() || has(b"isELIgnored=\"true\"") {
        return Vec::new();
    }
    let Ok(text) = std::str::from_utf8(page) else { return Vec::new() };
    let mut reader = Reader::default();
    for mark in MARK.iter().flat_map(|pattern| pattern.captures_iter(text)) {
        let Some(whole) = mark.get(0) else { continue };
        if let Some(java) = mark.get(1) {
            let is_input = JAVA.as_ref().is_some_and(|pattern| pattern.is_match(java.as_str()));
            reader.put(is_input, java.as_str(), java.start());
        } else if let (Some(name), Some(attributes)) = (mark.get(2), mark.get(3)) {
            reader.action(name.as_str(), attributes.as_str(), whole.start());
        } else if let Some(expression) = mark.get(4) {
            let is_input = reader.is_input(expression.as_str());
            reader.put(is_input, expression.as_str(), expression.start());
        }
    }
    reader.found
}

#[derive(Default)]
struct Reader {
    found: Vec<RawOutput>,
    /// Variables that hold the request's data.
    set: Vec<String>,
    /// The conditions around a place.
    conditions: Vec<String>,
    /// Whether what follows is no output but an action's, such as `<c:set>`'s.
    inside: usize,
}

impl Reader {
    fn put(&mut self, is_input: bool, expression: &str, start: usize) {
        if !is_input || self.inside > 0 || self.found.len() >= OUTPUTS_MAX {
            return;
        }
        let name = ["request", "params", expression].map(str::to_owned).to_vec();
        let end = start + expression.len();
        if let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(end)) {
            self.found.push(RawOutput { name, start, end });
        }
    }

    /// Whether an expression gives the request's data as it is.
    fn is_input(&self, expression: &str) -> bool {
        let expression = expression.trim();
        if let Some((condition, given)) = expression.split_once('?') {
            let Some((first, second)) = given.rsplit_once(':') else { return false };
            return !asks_value(condition) && (self.is_input(first) || self.is_input(second));
        }
        let changed = CHANGED.as_ref().and_then(|pattern| pattern.captures(expression));
        if let Some(inner) = changed.as_ref().and_then(|changed| changed.get(1)) {
            return self.is_input(inner.as_str());
        }
        let is_named = self.set.iter().any(|name| name == expression);
        let is_request = INPUT.as_ref().is_some_and(|pattern| pattern.is_match(expression));
        let is_asked = |condition: &String| condition.contains(expression) && asks_value(condition);
        (is_named || is_request) && !self.conditions.iter().any(is_asked)
    }

    /// A tag of an action.
    fn action(&mut self, name: &str, attributes: &str, start: usize) {
        let is_closed = attributes.ends_with('/');
        let value = |wanted: &str| {
            let all = ATTRIBUTE.iter().flat_map(|pattern| pattern.captures_iter(attributes));
            let mut all = all.filter(|one| one.get(1).is_some_and(|it| it.as_str() == wanted));
            all.next().and_then(|one| one.get(2).or(one.get(3))).map(|value| value.as_str())
        };
        match name {
            "c:set" => self.set_variable(value("var"), value("value"), is_closed),
            "/c:set" => self.inside = self.inside.saturating_sub(1),
            "c:if" | "c:when" if !is_closed => {
                self.conditions.push(value("test").unwrap_or_default().to_owned());
            }
            "/c:if" | "/c:when" => {
                self.conditions.pop();
            }
            "c:out" if value("escapeXml") == Some("false") => {
                let given = value("value").and_then(inner).unwrap_or_default();
                let is_input = self.is_input(given);
                self.put(is_input, given, start);
            }
            _ => {}
        }
    }

    fn set_variable(&mut self, name: Option<&str>, value: Option<&str>, is_closed: bool) {
        self.inside += usize::from(!is_closed);
        let (Some(name), Some(value)) = (name, value) else { return };
        let is_input = inner(value).is_some_and(|expression| self.is_input(expression));
        if is_input {
            self.set.push(name.to_owned());
        } else if self.conditions.is_empty() {
            self.set.retain(|known| known != name);
        }
    }
}

/// The expression that a whole attribute is.
fn inner(value: &str) -> Option<&str> {
    value.trim().strip_prefix("${").or_else(|| value.trim().strip_prefix("#{"))?.strip_suffix('}')
}

/// Whether a condition asks what a value is, not only whether there is one.
fn asks_value(condition: &str) -> bool {
    const ASKS: [&str; 5] = [" eq ", "==", ".matches(", ".contains(", " matches "];
    let is_empty = |condition: &str| condition.contains("''") || condition.contains("null");
    ASKS.iter().any(|ask| condition.contains(ask))
        && !condition.contains(" or ")
        && !condition.contains("||")
        && !is_empty(condition)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(page: &str) -> usize {
        outputs(&ProjectPath::new("a.jsp").unwrap(), page.as_bytes()).len()
    }

    #[test]
    fn the_requests_data_is_put_out() {
        for page in [
            "<p>${param.q}</p>",
            "<input value=\"${param['q']}\">",
            "<a href='?p=${ header[\"Referer\"] }'>x</a>",
            "<c:set var=\"q\" value=\"${param.q}\"/><p>${q}</p>",
            "<c:set var='q' value='${fn:trim(param.q)}'/><c:if test=\"${not empty q}\">${q}</c:if>",
            "${empty param.q ? 'none' : param.q}",
            "<c:out value=\"${param.q}\" escapeXml=\"false\"/>",
            "<c:if test=\"${param.a eq 'x'}\">${param.q}</c:if>",
            "<p><%= request.getParameter(\"q\") %></p>",
        ] {
            assert_eq!(count(page), 1, "{page}");
        }
    }

    #[test]
    fn what_is_escaped_asked_or_the_servers_own_is_not() {
        for page in [
            "<c:out value=\"${param.q}\"/>",
            "${fn:escapeXml(param.q)}",
            "<c:if test=\"${param.q > 1}\">x</c:if>",
            "<c:set var=\"q\"><c:out value=\"${param.q}\"/></c:set>${q}",
            "<c:set var=\"q\" value=\"${fn:escapeXml(param.q)}\"/>${q}",
            "<c:set var=\"q\" value=\"${param.q}\"/><c:out value=\"${q}\"/>",
            "<c:set var=\"q\" value=\"${param.q}\"/><c:set var=\"q\" value=\"x\"/>${q}",
            "<c:if test=\"${param.q eq 'a'}\">${param.q}</c:if>",
            "${param.q eq 'a' ? param.q : 'b'}",
            "${empty param.q}${fn:length(param.q)}${requestScope.q}${title}",
            "<%-- ${param.q} --%><% String x = request.getParameter(\"q\"); %>",
            "<form:input path=\"${param.q}\"/>",
            "<%= escape(request.getParameter(\"q\")) %>",
        ] {
            assert_eq!(count(page), 0, "{page}");
        }
    }
}
