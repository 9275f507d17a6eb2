//! Parameters that are told by a function's form: what a program is started with,
//! messages of brokers, resolvers of GraphQL, handlers written as lambdas.

use super::Engine;
use super::value::Value;
use crate::category::{Category, CategorySet};
use crate::ir::{Function, Kind};
use crate::model::family;

impl Engine<'_> {
    /// A program's own arguments, a broker's message, a lambda's request.
    pub(super) fn message_or_words(&mut self, function: &Function, at: usize, name: &str) -> Value {
        let parameter = &function.parameters[at];
        let (start, end) = (parameter.start, parameter.end);
        let named = |offset: usize| {
            function.parameters.get(offset).and_then(|p| p.name.as_deref()).unwrap_or_default()
        };
        let before = at.checked_sub(1).map(named).unwrap_or_default();
        match family(self.unit(self.file).language) {
            "java"
                if function.name.as_deref() == Some("main") && function.parameters.len() == 1 =>
            {
                // What a command line gives is the user's own for files and pages.
                let harmful = [Category::CommandInjection, Category::SqlInjection];
                let cleaned = CategorySet::of(&harmful).complement();
                self.source(start, end, "the command line", cleaned)
            }
            "java" if parameter.declared.is_none() && self.is_spark(function) => match at {
                0 => self.kind("global.SparkRequest()"),
                _ => self.kind("global.SparkResponse()"),
            },
            "python"
                if name == "body" && self.is_message_handler(function, before, named(at + 1)) =>
            {
                self.source(start, end, "the message", CategorySet::NONE)
            }
            _ => Value::default(),
        }
    }

    /// Spark's `(req, res) -> …`.
    fn is_spark(&self, function: &Function) -> bool {
        let names = function.parameters.iter().map(|p| p.name.as_deref().unwrap_or_default());
        let names: Vec<&str> = names.collect();
        matches!(names[..], ["req" | "request", "res" | "response" | "resp"])
            && memchr::memmem::find(self.unit(self.file).source, b"import static spark.").is_some()
    }

    /// Pika's `(channel, method, properties, body)` and Kombu's `(body, message)`.
    fn is_message_handler(&self, function: &Function, before: &str, after: &str) -> bool {
        let says = |word: &[u8]| memchr::memmem::find(self.unit(self.file).source, word).is_some();
        let count = function.parameters.len();
        let is_pika = before.ends_with("properties") || before.ends_with("props");
        is_pika && count >= 4 || after == "message" && (says(b"kombu") || says(b"celery"))
    }

    /// gqlgen's methods of resolvers: `func (r *queryResolver) Users(ctx context.Context, name string)`.
    pub(super) fn is_graphql_resolver(&self, function: &Function) -> bool {
        let Some(class) = function.class else { return false };
        let class = &self.program().classes[class.0 as usize];
        let resolves = class.name.as_deref().is_some_and(|name| name.ends_with("Resolver"));
        let first = function.parameters.first().and_then(|parameter| parameter.declared);
        let is_context = first.is_some_and(|declared| {
            matches!(&self.program().expression(declared).kind,
                Kind::Field(_, name) | Kind::Global(name) if &**name == "Context")
        });
        resolves && is_context
    }
}
