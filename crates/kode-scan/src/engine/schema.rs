//! Validation schemas (zod, Joi, yup): what a schema lets through, and what the
//! values it has checked can still harm. A schema is a value: its kind is marked,
//! its members are its fields.

use std::collections::BTreeMap;

use super::Engine;
use super::guard::is_strict;
use super::site::Site;
use super::value::{Data, Value};
use crate::category::CategorySet;
use crate::ir::Name;

/// Marks what a schema lets through; no method of a program has such a name.
const MARK: &str = "@schema:";
/// Schemas within schemas that are followed.
const DEPTH_MAX: usize = 6;

/// What a schema lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Numbers, truth values, dates, one of several constants: no harm at all.
    Harmless,
    /// Any text, but no object.
    Text,
    /// An object whose members have schemas.
    Object,
    /// A list; its elements' schema is the field `*`.
    List,
    Anything,
}

impl Kind {
    fn of(value: &Value) -> Option<Self> {
        match value.data()?.method.as_deref()?.strip_prefix(MARK)? {
            "harmless" => Some(Self::Harmless),
            "text" => Some(Self::Text),
            "object" => Some(Self::Object),
            "list" => Some(Self::List),
            _ => Some(Self::Anything),
        }
    }

    fn value(self) -> Value {
        let name = match self {
            Self::Harmless => "harmless",
            Self::Text => "text",
            Self::Object => "object",
            Self::List => "list",
            Self::Anything => "anything",
        };
        Value::new(Data { method: Some(Name::from(format!("{MARK}{name}"))), ..Data::default() })
    }

    /// What a library's function of this name makes.
    fn made_by(method: &str) -> Option<Self> {
        Some(match method {
            "number" | "int" | "int32" | "float32" | "float64" | "boolean" | "bool" | "bigint"
            | "date" | "enum" | "nativeEnum" | "literal" | "uuid" | "guid" | "cuid" | "cuid2"
            | "ulid" | "nanoid" | "stringbool" | "null" | "undefined" | "never" | "valid" => {
                Self::Harmless
            }
            "string" | "email" | "url" | "base64" | "httpUrl" => Self::Text,
            "object" | "strictObject" | "looseObject" => Self::Object,
            "array" | "set" => Self::List,
            "any" | "unknown" | "mixed" | "record" | "map" | "lazy" | "custom" | "instanceof" => {
                Self::Anything
            }
            _ => return None,
        })
    }
}

impl Engine<'_> {
    /// Calls that make a schema, narrow one, or check a value by one.
    pub(super) fn schema_call(&mut self, site: &Site) -> Option<Value> {
        if !self.is_javascript() {
            return None;
        }
        if let Some(schema) = self.made_schema(site) {
            return Some(schema);
        }
        let receiver = &site.receiver.as_ref()?.1;
        let kind = Kind::of(receiver)?;
        match &*site.method {
            "parse" | "parseAsync" | "cast" | "validate" | "validateAsync" | "validateSync"
            | "safeParse" | "safeParseAsync" | "spa" => {
                let schema = receiver.clone();
                Some(self.checked_by(&schema, site, 0))
            }
            _ => Some(narrowed(kind, receiver, site)),
        }
    }

    fn made_schema(&mut self, site: &Site) -> Option<Value> {
        let root = self.place("schema.root()")?;
        let is_root = |value: &Value| value.data().is_some_and(|data| data.place == Some(root));
        let of_root = site.receiver.as_ref().is_some_and(|(_, value)| is_root(value));
        let imported = || {
            let place = site.callee.data().and_then(|data| data.place)?;
            (self.models.step(root, &site.method) == Some(place)).then_some(())
        };
        if !of_root {
            imported()?;
        }
        match &*site.method {
            // `Joi.attempt(value, schema)`.
            "attempt" | "assert" => return Some(self.checked_by(&site.value(1), site, 0)),
            "optional" | "nullable" | "nullish" | "readonly" => return Some(site.value(0)),
            "preprocess" => return Some(site.value(1)),
            "union" | "alternatives" | "discriminatedUnion" => return Some(either(site)),
            _ => {}
        }
        let kind = Kind::made_by(&site.method)?;
        let made = kind.value();
        Some(match kind {
            Kind::Object => with_members(&made, &site.value(0)),
            Kind::List => made.with_field(&Name::from("*"), site.value(0)),
            _ => made,
        })
    }

    /// What is left of a value that a schema has let through. What it was read
    /// from is known as well: `schema.validate(req.body)`, then `req.body.id`.
    fn checked_by(&mut self, schema: &Value, site: &Site, at: usize) -> Value {
        let given = site.value(at);
        let checked = self.through(schema, &given, DEPTH_MAX);
        if let Some(path) = site.argument(at).and_then(|argument| self.path_of(argument)) {
            let members = schema.data().and_then(|data| data.fields.clone()).unwrap_or_default();
            for (name, member) in members.iter().filter(|(name, _)| &***name != "*") {
                let value = self.part(&given, name);
                let value = self.through(member, &value, DEPTH_MAX);
                let mut fields = path.fields.clone();
                fields.push(name.clone());
                self.set_path(&path, &fields, value);
            }
        }
        // zod's `safeParse` gives it as `data`, Joi's `validate` as `value`.
        match &*site.method {
            "parse" | "parseAsync" | "cast" | "validateSync" | "attempt" | "assert" => checked,
            "safeParse" | "safeParseAsync" | "spa" => {
                Value::default().with_field(&Name::from("data"), checked)
            }
            _ => {
                let whole = checked.clone();
                checked.with_field(&Name::from("value"), whole)
            }
        }
    }

    /// What a schema lets through of input.
    pub(super) fn let_through(&self, schema: &Value, input: &Value) -> Value {
        self.through(schema, input, DEPTH_MAX)
    }

    fn part(&self, value: &Value, name: &Name) -> Value {
        let part = self.field_of(value, name, None);
        match part.data().filter(|data| data.taints.is_empty()).and_then(|data| data.place) {
            Some(place) => self.at_place(place, self.here.0, self.here.1),
            None => part,
        }
    }

    fn through(&self, schema: &Value, value: &Value, depth: usize) -> Value {
        let members = schema.data().and_then(|data| data.fields.clone());
        match Kind::of(schema) {
            Some(Kind::Harmless) => Value::default(),
            Some(Kind::Text) => value.cleaned(CategorySet::DOCUMENT),
            Some(Kind::Object) if depth > 0 && members.is_some() => {
                let members = members.unwrap_or_default();
                let passed = |(name, member): (&Name, &Value)| {
                    let part = self.part(value, name);
                    (name.clone(), self.through(member, &part, depth - 1))
                };
                let fields: BTreeMap<Name, Value> = members.iter().map(passed).collect();
                Value::record(fields, true)
            }
            Some(Kind::List) if depth > 0 => {
                let inner = schema.field("*").cloned().unwrap_or_default();
                let element = self.through(&inner, &self.element_of(value), depth - 1);
                Value::record(BTreeMap::from([(Name::from("*"), element)]), false)
            }
            _ => value.clone(),
        }
    }
}

/// A schema after one of its methods: stricter, with more members, or the same.
fn narrowed(kind: Kind, schema: &Value, site: &Site) -> Value {
    let argument = site.value(0);
    match &*site.method {
        "regex" | "matches" | "pattern" => {
            let pattern = argument.data().and_then(|data| data.regex.clone());
            let strict = pattern.is_some_and(|pattern| {
                let inner = pattern.trim_start_matches('/');
                is_strict(inner.rsplit_once('/').map_or(inner, |(inner, _)| inner), false)
                    || is_strict(&pattern, false)
            });
            if strict { Kind::Harmless.value() } else { schema.clone() }
        }
        "valid" | "oneOf" | "equal" | "only" if !argument.is_tainted() => Kind::Harmless.value(),
        "uuid" | "guid" | "cuid" | "cuid2" | "ulid" | "nanoid" | "datetime" | "ip" | "ipv4"
        | "isoDate" | "hex" | "alphanum" | "integer" => Kind::Harmless.value(),
        "keys" | "extend" | "shape" | "merge" | "append" | "concat" | "and" => {
            with_members(schema, &argument)
        }
        "items" | "of" | "element" if kind == Kind::List => {
            schema.with_field(&Name::from("*"), argument)
        }
        "passthrough" | "loose" | "unknown" if kind == Kind::Object => Kind::Anything.value(),
        "array" => Kind::List.value().with_field(&Name::from("*"), schema.clone()),
        "pipe" => argument,
        "or" if Kind::of(&argument) != Some(Kind::Harmless) => Kind::Anything.value(),
        "try" => either(site),
        _ => schema.clone(),
    }
}

fn with_members(schema: &Value, members: &Value) -> Value {
    let fields = members.data().and_then(|data| data.fields.clone()).unwrap_or_default();
    let known = fields.iter().filter(|(_, member)| Kind::of(member).is_some());
    known.fold(schema.clone(), |schema, (name, member)| schema.with_field(name, member.clone()))
}

/// One of several schemas: harmless where all are.
fn either(site: &Site) -> Value {
    let mut options = super::builtin::items(&site.value(0));
    if options.is_empty() {
        options = site.values();
    }
    let harmless = |option: &Value| Kind::of(option) == Some(Kind::Harmless);
    let all = !options.is_empty() && options.iter().all(harmless);
    if all { Kind::Harmless.value() } else { Kind::Anything.value() }
}
