//! Calls of what is neither in the scanned files nor in a model: what their
//! names say, and what passes through.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::Engine;
use super::expression::mixed;
use super::site::Site;
use super::value::Value;
use crate::category::{Category, CategorySet};
use crate::ir::Kind;

/// What a name says that promises something: one pass tells the many that don't.
static PROMISES: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::new(CLEANING.iter().chain(&STRIPPING).chain(&CHECKING).chain(&LINKS)).ok()
});
/// Names that make a value harmless.
const CLEANING: [&str; 13] = [
    "escape", "sanitiz", "sanitis", "purify", "encode", "quote", "clean", "hash", "digest", "slug",
    "md5", "sha1", "sha256",
];
const STRIPPING: [&str; 3] = ["strip_tags", "striptags", "stripxss"];
const CHECKING: [&str; 3] = ["validat", "whitelist", "allowlist"];
/// Functions that give an address of the program's own.
const LINKS: [&str; 4] = ["url_for", "urlfor", "reverse_url", "url_path_for"];

impl Engine<'_> {
    /// A call of something unknown passes on what it is handed, unless its name
    /// says that it looks something up, checks or cleans.
    pub(super) fn unknown_call(&mut self, site: &Site) -> Value {
        // What reads a record's component that holds no text.
        let receiver = site.receiver.as_ref().map(|(_, value)| value);
        if site.given.is_empty()
            && receiver.is_some_and(|of| self.is_number_field(of, &site.method))
        {
            return Value::default();
        }
        let component = receiver.filter(|of| site.given.is_empty() && is_instance(of));
        if let Some(component) = component.and_then(|of| of.field(&site.method)) {
            return component.clone();
        }
        // A field and the method that reads it share a name.
        let is_java = self.unit(self.file).language == kode_syntax::Language::Java;
        if is_java && component.is_some() && site.callee.is_tainted() {
            return site.callee.clone();
        }
        let name = self.bundled_name(site).unwrap_or_else(|| site.method.to_ascii_lowercase());
        // Where an application is mounted: nothing, or a path from the root.
        if name == "getcontextpath" {
            return Value::text("");
        }
        if let Some(result) = self.wrapped_request(&name, site) {
            return result;
        }
        if self.is_own_response(site) {
            return Value::default();
        }
        if let Some(result) = self.cleaned_by_name(&name, site) {
            return result;
        }
        if let Some(answer) = self.asked_by_name(site) {
            return answer;
        }
        const LOOKUPS: [&str; 26] = [
            "get", "find", "fetch", "load", "query", "select", "lookup", "count", "exist", "read",
            "list", "search", "execute", "request", "post", "save", "create", "insert", "update",
            "delete", "send", "open", "compare", "auth", "log", "parseint",
        ];
        let receiver = site.receiver.as_ref().map(|(_, value)| value.clone()).unwrap_or_default();
        let looks_up = LOOKUPS.iter().any(|prefix| name.starts_with(prefix));
        let mut parts = vec![receiver];
        if !looks_up || site.construct {
            parts.extend(site.values());
        }
        let result = mixed(&parts);
        self.as_far_as_known(&name, result, &parts, site)
    }

    /// What passed through something unknown, with a step that says where it is a guess.
    fn as_far_as_known(&self, name: &str, result: Value, parts: &[Value], site: &Site) -> Value {
        const SERVICES: [&str; 9] = [
            "query", "handler", "request", "resolve", "graphql", "dispatch", "invoke", "execute",
            "process",
        ];
        if name == "dumps" && self.unit(self.file).language == kode_syntax::Language::Python {
            return result.cleaned(CategorySet::of(&[Category::CrossSiteScripting]));
        }
        if self.is_rendered(name, site) {
            let text = format!("{GUESSED} `{}`", site.method);
            return result.stepped(self.file, site.start, site.end, &text);
        }
        let is_handed = site.given.iter().any(|given| given.value.is_tainted());
        if is_handed && !PLAIN.contains(&name) {
            let own = self.of_the_server(result.clone(), site);
            if !own.same(&result) {
                return own;
            }
        }
        let is_made = site.construct || site.method.starts_with(|c: char| c.is_ascii_uppercase());
        let in_python = self.unit(self.file).language == kode_syntax::Language::Python;
        if in_python && is_made && is_only_in_objects(parts) {
            let text = format!("{GUESSED} `{}`", site.method);
            return result.stepped(self.file, site.start, site.end, &text);
        }
        // Java: whatever method it is that a reflected one stands for.
        let in_java = self.unit(self.file).language == kode_syntax::Language::Java;
        let is_reflected = in_java && name == "invoke" && !site.given.is_empty();
        if is_reflected && !parts.first().is_some_and(Value::is_tainted) {
            let text = format!("{GUESSED} `{}`", site.method);
            return result.stepped(self.file, site.start, site.end, &text);
        }
        let is_service = name == "fetch" || SERVICES.iter().any(|part| name.contains(part));
        if !is_service || !self.is_javascript() || !is_only_in_objects(parts) {
            return result;
        }
        // What a service answers to a request with input in it may be anything.
        let text = format!("{GUESSED} `{}`", site.method);
        result.stepped(self.file, site.start, site.end, &text)
    }

    /// A template of an engine that nothing is known of, which may escape what it is handed,
    /// or a writer of some format: what it gives is text with input in it, and more is a guess.
    fn is_rendered(&self, name: &str, site: &Site) -> bool {
        let is_python = self.unit(self.file).language == kode_syntax::Language::Python;
        let has_place = |value: &Value| value.data().is_some_and(|data| data.place.is_some());
        // Where an engine is set up, what it escapes is known. It takes the whole file to see,
        // so it is asked last.
        let source = self.unit(self.file).source;
        let sets_up = || {
            let mut calls = [&b"Environment("[..], b"Template("].into_iter();
            calls.any(|call| memchr::memmem::find(source, call).is_some())
        };
        is_python
            && site.receiver.as_ref().is_some_and(|(_, of)| !has_place(of))
            && !has_place(&site.callee)
            && (name == "render" || name.contains("serialize"))
            && !name.contains("deserialize")
            && !sets_up()
    }

    /// An unknown Java object made of the request, asked for a part of it.
    fn wrapped_request(&mut self, name: &str, site: &Site) -> Option<Value> {
        if self.unit(self.file).language != kode_syntax::Language::Java {
            return None;
        }
        let wrapper = self.place("global.RequestWrapper()")?;
        let is_at = |value: &Value, place| value.data().is_some_and(|d| d.place == Some(place));
        if site.construct {
            let request = self.place("global.Request()")?;
            let wraps = site.given.iter().any(|given| is_at(&given.value, request));
            return wraps.then(|| Value::place(wrapper));
        }
        const PARTS: [&str; 7] = ["param", "header", "cookie", "query", "body", "input", "form"];
        let asked = is_at(&site.receiver.as_ref()?.1, wrapper);
        (asked && PARTS.iter().any(|part| name.contains(part)))
            .then(|| self.source(site.start, site.end, "the request's data", CategorySet::NONE))
    }

    /// `db.collection('users')` of whatever database.
    pub(super) fn collection(&self, site: &Site) -> Option<Value> {
        // TypeORM's builder, of a source of data that another file gives.
        if &*site.method == "createQueryBuilder" && self.is_javascript() {
            return Some(self.kind("global.ConditionBuilder()"));
        }
        let is_one = matches!(&*site.method, "collection" | "getCollection" | "get_collection");
        (is_one && site.receiver.is_some() && site.given.len() == 1)
            .then(|| self.kind("global.Collection()"))
    }

    /// Python: `super().dispatch(request, …)` of a framework's class: a response, which was
    /// checked when it was made.
    fn is_own_response(&self, site: &Site) -> bool {
        const METHODS: [&str; 7] = ["dispatch", "get", "post", "put", "patch", "delete", "head"];
        let is_request = |value: &Value| {
            let place = value.data().and_then(|data| data.place);
            place.is_some() && place == self.place("global.Request()")
        };
        let of_super = || {
            let program = self.program();
            let object =
                site.receiver.as_ref().map(|(object, _)| &program.expression(*object).kind);
            let Some(crate::ir::Kind::Call(call)) = object else { return false };
            matches!(&program.expression(call.callee).kind, crate::ir::Kind::Global(name) if &**name == "super")
        };
        METHODS.contains(&&*site.method)
            && self.unit(self.file).language == kode_syntax::Language::Python
            && is_request(&site.value(0))
            && of_super()
    }

    /// What a function's name promises to make safe.
    fn cleaned_by_name(&mut self, name: &str, site: &Site) -> Option<Value> {
        if !PROMISES.as_ref().is_none_or(|promises| promises.is_match(name)) {
            return None;
        }
        let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
        if has(&["unescape", "decode", "unquote", "base64", "tostring", "bytes"]) {
            return None;
        }
        if LINKS.contains(&name) {
            return Some(Value::default());
        }
        if has(&CHECKING) && !name.contains("invalidat") {
            return self.validated_by_name(site);
        }
        if self.is_reversible(site) {
            return None;
        }
        if !has(&CLEANING) && !has(&STRIPPING) {
            return None;
        }
        let set = if has(&["html", "xml", "xss", "tags"]) {
            CategorySet::of(&[Category::CrossSiteScripting])
        } else if has(&["sql"]) {
            CategorySet::of(&[Category::SqlInjection])
        } else if has(&["shell", "cmd"]) {
            CategorySet::of(&[Category::CommandInjection])
        } else if has(&["path", "file"]) {
            CategorySet::of(&[Category::PathTraversal])
        } else {
            CategorySet::EVERY
        };
        Some(mixed(&site.values()).cleaned(set))
    }

    /// `import_escape_html.default(…)`: what a bundler calls a package's only function.
    fn bundled_name(&self, site: &Site) -> Option<String> {
        let (object, _) = site.receiver.as_ref().filter(|_| &*site.method == "default")?;
        let Kind::Variable(variable) = self.program().expression(*object).kind else { return None };
        let name = &self.program().variables[variable.0 as usize];
        Some(name.strip_prefix("import_")?.to_ascii_lowercase())
    }

    /// Whether a call writes its argument in another alphabet, as Base64 does.
    fn is_reversible(&self, site: &Site) -> bool {
        let source = self.unit(self.file).source;
        let start = site.start as usize;
        let end = (site.end as usize).min(start + 120).min(source.len());
        let text = String::from_utf8_lossy(source.get(start..end).unwrap_or_default());
        let callee = text.rsplit_once(&*site.method).map_or("", |(before, _)| before);
        callee.to_ascii_lowercase().contains("base64")
    }
}

/// Names of functions that leave a text what it is.
const PLAIN: [&str; 10] = [
    "trim",
    "string",
    "tostring",
    "join",
    "concat",
    "format",
    "lowercase",
    "uppercase",
    "get",
    "parsehtml",
];

/// How the step of input begins that something unknown was handed in an object.
pub(super) const GUESSED: &str = "it goes in an object through the unknown";

/// Whether the input among the values is all in fields of objects.
fn is_only_in_objects(values: &[Value]) -> bool {
    let mut tainted = values.iter().filter(|value| value.is_tainted());
    let in_object = |value: &Value| {
        value.data().is_some_and(|data| data.taints.is_empty() && data.fields.is_some())
    };
    values.iter().any(Value::is_tainted) && tainted.all(in_object)
}

fn is_instance(value: &Value) -> bool {
    value.data().is_some_and(|data| data.instance.is_some())
}
