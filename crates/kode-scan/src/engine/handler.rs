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
    /// `environ['app.folders']`: what the server or what stands around puts into the
    /// environment of a call has names with dots; the client's are `HTTP_…` and the like.
    pub(super) fn is_server_setting(&self, place: crate::model::Place, name: &str) -> bool {
        const OF_REQUEST: [&str; 8] =
            ["input", "form", "query", "body", "routing", "param", "parsed", "request"];
        self.place("global.Environ()") == Some(place)
            && !OF_REQUEST.iter().any(|part| name.contains(part))
            && !name.starts_with(|first: char| first.is_ascii_uppercase())
    }

    /// `make_response(dict(…))`: Flask and Quart send a mapping as JSON.
    pub(super) fn is_sent_as_data(&self, site: &super::site::Site) -> bool {
        let program = self.program();
        let first = site.argument(0).map(|first| &program.expression(first).kind);
        let Some(Kind::Call(call)) = first else { return false };
        let is_mapping = matches!(&program.expression(call.callee).kind, Kind::Global(name) if &**name == "dict");
        is_mapping && &*site.method == "make_response"
    }

    /// A method `resolve_name(parent, info, …)`, or one in a file that names GraphQL.
    pub(super) fn resolves_field(&self, function: &Function) -> bool {
        let name = function.name.as_deref().unwrap_or_default();
        let has_info = || {
            let second = function.parameters.get(1).and_then(|second| second.name.as_deref());
            second.is_some_and(|name| name.contains("info") || matches!(name, "ctx" | "context"))
        };
        let in_schema = || {
            const LIBRARIES: [&[u8]; 4] = [b"graphene", b"ariadne", b"strawberry", b"graphql"];
            let source = self.unit(self.file).source;
            LIBRARIES.iter().any(|library| memchr::memmem::find(source, library).is_some())
        };
        name.starts_with("resolve_") && (has_info() || in_schema())
    }

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
