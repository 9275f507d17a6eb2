//! Addresses of the site's own: an address whose path is set anew, a slash before what has
//! lost its own, texts too short to name a host.

use super::Engine;
use super::site::Site;
use super::value::Value;
use crate::category::{Category, CategorySet};
use crate::ir::{ExprId, Kind, Operator};

/// What can no longer lead to another host.
fn local() -> CategorySet {
    CategorySet::of(&[Category::OpenRedirect])
}

impl Engine<'_> {
    /// Go: the text of a request's address whose path was set. Its host is the client's own,
    /// so where it leads the new path decides.
    pub(super) fn rebuilt_address(&self, site: &Site) -> Option<Value> {
        if &*site.method != "String" || !site.given.is_empty() {
            return None;
        }
        let (_, address) = site.receiver.as_ref()?;
        let place = address.data()?.place?;
        let path = address
            .field("Path")
            .filter(|_| Some(place) == self.place("net/http.Request().URL"))?;
        let rest = Value::carrying(address.taints().to_vec()).cleaned(local());
        Some(super::expression::joined(&[path.clone(), rest]))
    }

    /// Django's `request.build_absolute_uri(text)`: the text with the site's own host in front,
    /// unless it has one itself.
    pub(super) fn absolute_address(&self, site: &Site) -> Option<Value> {
        let is_one = &*site.method == "build_absolute_uri" && !site.given.is_empty();
        let is_python = self.unit(self.file).language == kode_syntax::Language::Python;
        (is_one && is_python).then(|| super::expression::mixed(&site.values()))
    }

    /// `"/" + strings.TrimLeft(text, "/\\")`: one slash, and no second one behind it.
    pub(super) fn rooted_once(&self, parts: &[ExprId], text: Value) -> Value {
        let [first, second, ..] = parts else { return text };
        let is_slash = |id: ExprId| matches!(&self.program().expression(id).kind, Kind::Text(it) if &**it == "/");
        let Kind::Call(call) = &self.program().expression(*second).kind else { return text };
        let trims = match &self.program().expression(call.callee).kind {
            Kind::Import(name) | Kind::Field(_, name) => {
                ["TrimLeft", "lstrip", "stripStart"].iter().any(|trims| name.ends_with(trims))
            }
            _ => false,
        };
        let of_both = call.arguments.last().is_some_and(|last| {
            let kind = &self.program().expression(last.value).kind;
            matches!(kind, Kind::Text(marks) if marks.contains('/') && marks.contains('\\'))
        });
        match is_slash(*first) && trims && of_both {
            true => text.cleaned(local()),
            false => text,
        }
    }

    /// `len(text) > 1`: where that is false, nothing follows the first character.
    pub(super) fn too_short(
        &mut self,
        operator: Operator,
        asked: ExprId,
        least: &Value,
    ) -> Option<Value> {
        let is_short = matches!(
            (operator, least.number()?),
            (Operator::Greater, 1) | (Operator::GreaterEqual, 2)
        );
        let text = match &self.program().expression(asked).kind {
            Kind::Field(text, name) if is_short && &**name == "length" => *text,
            Kind::Call(call) if is_short => match &self.program().expression(call.callee).kind {
                Kind::Global(name) if &**name == "len" => call.arguments.first()?.value,
                Kind::Field(text, name) if &**name == "length" => *text,
                _ => return None,
            },
            _ => return None,
        };
        self.evaluate(text).is_tainted().then(|| self.fact(text, false, local()))
    }

    /// `text[0] == '/'` of a text that is known to begin with a slash is never false.
    pub(super) fn first_character(
        &mut self,
        (operator, left): (Operator, ExprId),
        other: &Value,
    ) -> Option<Value> {
        let Kind::Index(text, at) = &self.program().expression(left).kind else { return None };
        let (text, at) = (*text, *at);
        let is_first = matches!(self.program().expression(at).kind, Kind::Number(0));
        let is_slash = other.known_text() == Some("/") || other.number() == Some(47);
        let begins = |engine: &mut Self| {
            engine.evaluate(text).skeleton().is_some_and(|text| text.starts_with('/'))
        };
        (is_first && is_slash && begins(self))
            .then(|| self.fact(text, operator == Operator::NotEqual, local()))
    }
}

/// A text that begins with a slash, of whose slashes only one is ever left in a row, names no
/// other host.
pub(super) fn one_slash(text: &Value, pattern: &str, to: &Value) -> CategorySet {
    const SLASHES: [&str; 14] = [
        "/+",
        "\\/+",
        "//+",
        "\\/\\/+",
        "/{2,}",
        "\\/{2,}",
        "[\\\\/]{2,}",
        "[\\\\/]+",
        "[\\/]+",
        "[\\/\\\\]+",
        "[/\\\\]+",
        "[\\/\\\\]{2,}",
        "[/\\\\]{2,}",
        "(\\/)+",
    ];
    let begins = text.skeleton().is_some_and(|text| text.starts_with('/'));
    match begins && to.known_text() == Some("/") && SLASHES.contains(&pattern) {
        true => local(),
        false => CategorySet::NONE,
    }
}
