//! Query documents of databases without SQL: input that may be an object can put
//! operators (`{"$ne": null}`) where a value is meant.

use super::Engine;
use super::site::Site;
use super::value::{Taint, Value};
use crate::category::{Category, CategorySet};
use crate::ir::{ExprId, Kind};
use crate::model::Context;

/// Objects nested deeper than this are not looked into.
const DEPTH_MAX: usize = 4;
/// Methods that take a query document first.
const METHODS: [&str; 27] = [
    "find",
    "findOne",
    "findOneAndUpdate",
    "findOneAndDelete",
    "findOneAndRemove",
    "findOneAndReplace",
    "update",
    "updateOne",
    "updateMany",
    "replaceOne",
    "deleteOne",
    "deleteMany",
    "remove",
    "count",
    "countDocuments",
    "distinct",
    "aggregate",
    "exists",
    "findAndModify",
    "find_one",
    "find_one_and_update",
    "find_one_and_delete",
    "update_one",
    "update_many",
    "delete_one",
    "delete_many",
    "count_documents",
];

/// The input in a query document that may be an operator, or is code of `$where`.
pub(super) fn operator_in(document: &Value) -> Option<Taint> {
    operator_below(document, 0)
}

fn operator_below(value: &Value, depth: usize) -> Option<Taint> {
    let blocked = |taint: &&Taint| {
        !taint.cleaned.covers(CategorySet::DOCUMENT) && !taint.cleaned.holds(Category::SqlInjection)
    };
    if let Some(taint) = value.taints().iter().find(blocked) {
        return Some(taint.clone());
    }
    let fields = value.data().and_then(|data| data.fields.as_ref())?;
    if depth >= DEPTH_MAX {
        return None;
    }
    fields.iter().find_map(|(name, field)| match &**name {
        "$where" => field.harm(Category::SqlInjection).cloned(),
        // A value compared as it is; SQL mappers take values below `where`.
        "$eq" | "where" => None,
        _ => operator_below(field, depth + 1),
    })
}

impl Engine<'_> {
    /// A query method of something that looks like a collection or model.
    pub(super) fn guessed_document(&mut self, site: &Site) {
        let Some((object, receiver)) = &site.receiver else { return };
        let is_open = receiver.data().is_none_or(|data| !data.closed && data.length.is_none());
        if !METHODS.contains(&&*site.method) || !is_open || !self.is_collection(*object) {
            return;
        }
        // What SQL mappers are told beside a row's values.
        let options = site.value(1);
        let is_mapper = ["withRelated", "transacting", "transaction", "require", "trx"]
            .iter()
            .any(|name| options.field(name).is_some());
        if is_mapper {
            return;
        }
        let (place, value) = ((site.start, site.end), site.value(0));
        self.check(Category::SqlInjection, Context::Document, &value, place, &site.method);
    }

    /// `JSON.parse(text)`, `json.loads(text)`: what was only text may be an object now.
    pub(super) fn parsed_text(&self, site: &Site) -> Option<Value> {
        let (object, _) = site.receiver.as_ref()?;
        let owner = match &self.program().expression(*object).kind {
            Kind::Variable(variable) => &self.program().variables[variable.0 as usize],
            Kind::Global(name) => name,
            _ => return None,
        };
        let parses = matches!(
            (&**owner, &*site.method),
            ("JSON", "parse") | ("json" | "ujson" | "orjson" | "simplejson", "loads")
        );
        let text = site.value(0);
        if !parses || text.taints().is_empty() {
            return None;
        }
        let parsed = text.with(|data| {
            for taint in &mut data.taints {
                taint.cleaned = taint.cleaned.intersection(CategorySet::DOCUMENT.complement());
            }
            data.text = None;
            data.constant = None;
        });
        Some(self.of_the_server(parsed, site))
    }

    /// `db.collection('users')`, `User`, `this.userModel`, `db.users`.
    fn is_collection(&self, object: ExprId) -> bool {
        let program = self.program();
        let named = |name: &str| {
            name.starts_with(|first: char| first.is_ascii_uppercase())
                || ["model", "collection"]
                    .iter()
                    .any(|end| name.to_ascii_lowercase().ends_with(end))
        };
        match &program.expression(object).kind {
            Kind::Call(call) => match &program.expression(call.callee).kind {
                Kind::Field(_, name) => {
                    matches!(&**name, "collection" | "model" | "getCollection" | "get_collection")
                }
                _ => false,
            },
            Kind::Variable(variable) => named(&program.variables[variable.0 as usize]),
            Kind::Global(name) => named(name) && &**name != "Array" && &**name != "Object",
            Kind::Field(owner, name) => {
                let owner = match &program.expression(*owner).kind {
                    Kind::Variable(variable) => &program.variables[variable.0 as usize],
                    Kind::Global(name) | Kind::Field(_, name) => name,
                    _ => return named(name),
                };
                matches!(&**owner, "db" | "database" | "mongo") || named(name)
            }
            _ => false,
        }
    }
}
