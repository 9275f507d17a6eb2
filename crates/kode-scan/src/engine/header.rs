//! Headers of a response: what they say of its content, and where they send the
//! browser.

use super::Engine;
use super::site::Site;
use super::value::{HOLE, Value};
use crate::category::Category;
use crate::ir::{ExprId, Kind};
use crate::model::Context;

/// Content types that no browser runs as markup.
const HARMLESS_TYPES: [&str; 8] =
    ["json", "text/plain", "csv", "octet-stream", "image/", "pdf", "txt", "javascript"];

impl Engine<'_> {
    /// A call that sets a header or the type of the response.
    pub(super) fn content_type(&mut self, site: &Site) {
        let first = site.value(0);
        let named = self.header_name(site);
        match (first.known_text().or(named.as_deref()), site.given.len()) {
            (_, 2..) if named.as_deref() == Some("content-type") => {
                self.note_content_type(&site.value(1))
            }
            (Some(_), 2..) if self.is_javascript() => {}
            _ => {
                for given in &site.given {
                    let declared = header(&given.value, "content-type");
                    self.note_content_type(&declared.unwrap_or_else(|| given.value.clone()));
                    // `MediaType.APPLICATION_JSON`
                    let named =
                        given.expression.map(|named| &self.program().expression(named).kind);
                    if let Some(Kind::Field(_, name)) = named {
                        let text = Value::text(&name.to_ascii_lowercase().replace('_', "/"));
                        self.note_content_type(&text);
                    }
                }
            }
        }
    }

    /// The header that a call's first argument names, in lower case: by a text, or by a
    /// constant of a library that says it (`HttpHeaders.LOCATION`, `echo.HeaderLocation`,
    /// `constants.HTTP2_HEADER_LOCATION`).
    pub(super) fn header_name(&self, site: &Site) -> Option<String> {
        let value = site.value(0);
        if let Some(name) = value.known_text() {
            return Some(name.to_ascii_lowercase());
        }
        let constant = site.argument(0).filter(|_| !value.is_tainted())?;
        self.header_constant(constant)
    }

    /// The header that a library's constant says.
    pub(super) fn header_constant(&self, constant: ExprId) -> Option<String> {
        let name = match &self.program().expression(constant).kind {
            Kind::Field(_, name) | Kind::Global(name) | Kind::Import(name) => name,
            Kind::Variable(variable) => {
                let name = &self.program().variables[variable.0 as usize];
                let is_constant = !name.bytes().any(|byte| byte.is_ascii_lowercase());
                is_constant.then_some(name)?
            }
            _ => return None,
        };
        let name = name.to_ascii_lowercase();
        let name = name.strip_prefix("http2_header_").unwrap_or(&name);
        let name = name.strip_prefix("header").unwrap_or(name).trim_matches('_').replace('_', "-");
        Some(if name == "contenttype" { "content-type".to_owned() } else { name })
    }

    /// Remembers whether the response is markup.
    pub(super) fn note_content_type(&mut self, value: &Value) {
        let Some(frame) = self.frames.last_mut() else { return };
        match is_markup_type(value) {
            Some(false) => frame.content = Some(false),
            Some(true) if frame.content.is_none() => frame.content = Some(true),
            _ => {}
        }
    }

    /// `response['Location'] = value`, `response.headers['Location'] = value`.
    pub(super) fn location_set(
        &mut self,
        name: &str,
        value: &Value,
        (object, from): (ExprId, Option<ExprId>),
    ) {
        if name.eq_ignore_ascii_case("content-type") {
            self.declared_plain(object, value);
        }
        if name != "Location" && !(name == "location" && self.is_headers(object)) {
            return;
        }
        let start = self.program().expression(object).start;
        let end = self.program().expression(from.unwrap_or(object)).end;
        // Go: a header's values are a list.
        let listed = super::builtin::items(value);
        let value = listed.first().unwrap_or(value);
        self.check(Category::OpenRedirect, Context::Url, value, (start, end), "Location");
    }

    /// `response.headers.update({…})`, `headers.extend([(name, value)])`,
    /// `headers.set(name, value)`, `start_response(status, [(name, value)])`.
    pub(super) fn headers_put(&mut self, site: &Site) {
        let on_headers = |engine: &Self| {
            site.receiver.as_ref().is_some_and(|(object, _)| engine.is_headers(*object))
        };
        let location = match &*site.method {
            "update" | "extend" if on_headers(self) => {
                let named = site.keyword("Location").or_else(|| site.keyword("location")).cloned();
                named.or_else(|| listed_header(&site.value(0), "location"))
            }
            "set" | "add" | "setdefault" | "append" | "__setitem__" if on_headers(self) => {
                let is_one = self.header_name(site).is_some_and(|name| name == "location");
                is_one.then(|| site.value(1))
            }
            "start_response" => listed_header(&site.value(1), "location"),
            _ => return,
        };
        if let Some(location) = location.filter(Value::is_tainted) {
            let place = (site.start, site.end);
            self.check(Category::OpenRedirect, Context::Url, &location, place, "Location");
        }
    }

    /// Python: `return body, 302, {"Location": value}`.
    pub(super) fn location_beside(&mut self, value: &Value, expression: ExprId) {
        let parts = ["1", "2"].iter().filter_map(|at| value.field(at));
        let Some(location) = parts.filter_map(|part| listed_header(part, "location")).next() else {
            return;
        };
        let at = self.program().expression(expression);
        let place = (at.start, at.end);
        self.check(Category::OpenRedirect, Context::Url, &location, place, "Location");
    }

    /// `return {statusCode: 302, headers: {Location: value}}` of a cloud function.
    pub(super) fn returned_location(&mut self, value: &Value, expression: ExprId) {
        if value.field("statusCode").is_none() {
            return;
        }
        let location = value.field("headers").and_then(|headers| header(headers, "location"));
        if let Some(location) = location {
            let at = self.program().expression(expression);
            let place = (at.start, at.end);
            self.check(Category::OpenRedirect, Context::Url, &location, place, "Location");
        }
    }

    /// `response.mimetype = 'text/plain'`: the response that the variable was made as, a
    /// statement before, is no page.
    pub(super) fn declared_plain(&mut self, object: ExprId, kind: &Value) {
        let object = match &self.program().expression(object).kind {
            Kind::Field(inner, name) if &**name == "headers" => *inner,
            _ => object,
        };
        let Kind::Variable(variable) = self.program().expression(object).kind else { return };
        if is_markup_type(kind) != Some(false) {
            return;
        }
        let name = self.program().variables[variable.0 as usize].clone();
        let (file, source) = (self.file, self.unit(self.file).source);
        let made_here = |start: usize| {
            let line = source[..start].rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
            let line = line.trim_ascii_start();
            let rest = line.strip_prefix(b"const ").or(line.strip_prefix(b"let ")).unwrap_or(line);
            let rest = rest.strip_prefix(name.as_bytes()).unwrap_or_default();
            rest.trim_ascii() == b"="
        };
        let rule = Category::CrossSiteScripting.rule();
        self.findings.retain(|finding| {
            finding.file != file || finding.rule != rule || !made_here(finding.start)
        });
    }

    fn is_headers(&self, object: ExprId) -> bool {
        matches!(&self.program().expression(object).kind,
            Kind::Field(_, name) if &**name == "headers")
    }
}

/// A header among an object's fields, whatever the case of its name.
pub(super) fn header(object: &Value, name: &str) -> Option<Value> {
    let fields = object.data()?.fields.as_ref()?;
    let found = fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.clone())
}

/// The same of an object, or of a list of names and values.
fn listed_header(headers: &Value, name: &str) -> Option<Value> {
    let is_one = |pair: &Value| {
        let key = pair.field("0").and_then(Value::known_text);
        key.is_some_and(|key| key.eq_ignore_ascii_case(name))
    };
    let pairs = super::builtin::items(headers);
    let listed = pairs.iter().find(|pair| is_one(pair)).and_then(|pair| pair.field("1").cloned());
    listed.or_else(|| header(headers, name))
}

/// Whether a call's own arguments say that the response is markup.
pub(super) fn declares_html(site: &Site) -> bool {
    let keywords = ["content_type", "mimetype", "media_type"];
    let mut declared: Vec<Value> =
        keywords.iter().filter_map(|name| site.keyword(name).cloned()).collect();
    for given in &site.given {
        let headers = given.value.field("headers").unwrap_or(&given.value);
        declared.extend(header(headers, "content-type"));
    }
    declared.iter().any(|kind| is_markup_type(kind) == Some(true))
}

pub(super) fn is_markup_type(value: &Value) -> Option<bool> {
    let text = value.skeleton()?.replace(HOLE, "").to_ascii_lowercase();
    if HARMLESS_TYPES.iter().any(|kind| text.contains(kind)) {
        return Some(false);
    }
    let is_markup = ["html", "svg", "xml"].iter().any(|kind| text.contains(kind));
    is_markup.then_some(true)
}
