//! Guards: what a condition says of the values it looks at, and the paths
//! (variables and fields below them) it says it of.

use std::rc::Rc;

use super::Engine;
use super::archive::ARCHIVE_ENTRY;
use super::value::{Fact, Open, Path, Value};
use crate::category::{Category, CategorySet};
use crate::ir::{ExprId, Kind, Name, Operator, VariableId};

/// Fields below a variable that are told apart.
const FIELD_DEPTH_MAX: usize = 6;
/// A value computed from another, that from a third: so many are followed.
pub(super) const ORIGINS_MAX: usize = 5;

impl Engine<'_> {
    /// The path an expression names.
    pub(super) fn path_of(&mut self, expression: ExprId) -> Option<Path> {
        match &self.program().expression(expression).kind {
            Kind::Variable(variable) => {
                Some(Path { file: self.file, variable: *variable, fields: Vec::new() })
            }
            Kind::Global(name) => self.package_variable(name),
            Kind::Field(object, name) => {
                if let Some(path) = self.module_member(*object, name) {
                    return Some(path);
                }
                let mut path = self.path_of(*object)?;
                path.fields.push(name.clone());
                (path.fields.len() <= FIELD_DEPTH_MAX).then_some(path)
            }
            Kind::Index(object, index) => {
                let key = match &self.program().expression(*index).kind {
                    Kind::Text(text) => text.clone(),
                    Kind::Number(number) => Name::from(number.to_string()),
                    _ => return None,
                };
                let mut path = self.path_of(*object)?;
                path.fields.push(key);
                (path.fields.len() <= FIELD_DEPTH_MAX).then_some(path)
            }
            Kind::Typed(_, inner) => self.path_of(*inner),
            _ => None,
        }
    }

    fn path_slot(&self, path: &Path) -> usize {
        self.slot_in(path.file, path.variable)
    }

    /// The value at a path.
    pub(super) fn value_at(&self, path: &Path) -> Value {
        let mut value = self.variables[self.path_slot(path)].clone();
        for name in &path.fields {
            value = self.field_of(&value, name, None);
        }
        value
    }

    /// Sets what `fields` below a path's variable lead to.
    pub(super) fn set_path(&mut self, path: &Path, fields: &[Name], value: Value) {
        let slot = self.path_slot(path);
        let root = self.variables[slot].clone();
        let changed = self.with_path(&root, fields, value);
        self.write_slot(slot, changed);
    }

    fn with_path(&self, root: &Value, fields: &[Name], value: Value) -> Value {
        let Some((first, rest)) = fields.split_first() else { return value };
        let inner = if rest.is_empty() {
            value
        } else {
            let current = self.field_of(root, first, None);
            let current = self.entering(current);
            self.with_path(&current, rest, value)
        };
        root.with_field(first, inner)
    }

    /// A part of a request that is about to be changed is input in its other parts.
    fn entering(&self, value: Value) -> Value {
        let place = value.data().filter(|data| data.taints.is_empty()).and_then(|data| data.place);
        match place {
            Some(place) => self.at_place(place, self.here.0, self.here.1),
            None => value,
        }
    }

    /// Marks the value at a path clean, and what it was computed from.
    pub(super) fn clean_path(&mut self, path: &Path, set: CategorySet) {
        self.note_assumed(path, set);
        let mut next = Some(Rc::new(path.clone()));
        for _ in 0..ORIGINS_MAX {
            let Some(path) = next else { return };
            let value = self.value_at(&path);
            if !value.is_tainted() {
                if value.open() != Open::No && set == CategorySet::EVERY {
                    self.set_path(&path, &path.fields.clone(), Value::default());
                }
                return;
            }
            let origin = value.data().and_then(|data| data.origin.clone());
            let cleaned = value.cleaned(set);
            self.set_path(&path, &path.fields.clone(), cleaned);
            self.clean_entry(&path, set);
            next = origin.filter(|origin| **origin != *path);
        }
    }

    /// An archive's entry leads where its name does: what is known of that is known of it.
    fn clean_entry(&mut self, path: &Path, set: CategorySet) {
        let Some((last, above)) = path.fields.split_last() else { return };
        if !matches!(&**last, "name" | "filename") || !set.holds(Category::PathTraversal) {
            return;
        }
        let above = Path { fields: above.to_vec(), ..path.clone() };
        let entry = self.value_at(&above);
        let is_entry = |taint: &super::value::Taint| taint.step.begins_as(ARCHIVE_ENTRY);
        if entry.is_tainted() && entry.taints().iter().all(is_entry) {
            let set = CategorySet::of(&[Category::PathTraversal]);
            self.set_path(&above, &above.fields.clone(), entry.cleaned(set));
        }
    }

    /// Marks the value at a path clean, and nothing that it was computed from.
    pub(super) fn clean_alone(&mut self, path: &Path, set: CategorySet) {
        let value = self.value_at(path);
        if value.is_tainted() {
            self.set_path(path, &path.fields.clone(), value.cleaned(set));
        }
    }

    /// Puts input that enters at a path there, so that a guard on it is kept.
    pub(super) fn settle(&mut self, path: &Path, expression: ExprId) {
        if path.fields.is_empty() || self.value_at(path).is_tainted() {
            return;
        }
        let value = self.evaluate(expression);
        if value.is_tainted() {
            self.set_path(path, &path.fields.clone(), value);
        }
    }

    /// Applies what a condition says when it is `truth`.
    pub(super) fn assume(&mut self, condition: &Value, truth: bool) {
        let Some(facts) = condition.data().and_then(|data| data.facts.clone()) else { return };
        for fact in facts.iter().filter(|fact| fact.when == truth) {
            match &fact.given {
                Some(given) => self.suppose(given, fact),
                None if fact.alone => self.clean_alone(&fact.path, fact.cleans),
                None => self.clean_path(&fact.path, fact.cleans),
            }
        }
    }

    /// A truth value that says something of `expression`.
    pub(super) fn fact(&mut self, expression: ExprId, when: bool, cleans: CategorySet) -> Value {
        let mut facts = Vec::new();
        let value_path = self.guarded_path(expression);
        if let Some(path) = value_path {
            // What it was made from is known as well, also where it can't be seen.
            let origin = self.value_at(&path).data().and_then(|data| data.origin.clone());
            if let Some(origin) = origin.filter(|origin| **origin != path) {
                facts.push(Fact::new((*origin).clone(), when, cleans));
            }
            facts.push(Fact::new(path, when, cleans));
        }
        truth_with(facts)
    }

    /// The path a guard on `expression` is about: itself, or what it was made from.
    pub(super) fn guarded_path(&mut self, expression: ExprId) -> Option<Path> {
        if let Some(path) = self.path_of(expression) {
            self.settle(&path, expression);
            return Some(path);
        }
        match &self.program().expression(expression).kind {
            // `x.trim()`, `str(x)`, `String(x).toLowerCase()`: about x.
            Kind::Call(call) => match &self.program().expression(call.callee).kind {
                Kind::Field(_, name) if matches!(&**name, "commonpath" | "commonprefix") => {
                    let parts = call.arguments.first().map(|argument| argument.value)?;
                    let Kind::List(parts) = &self.program().expression(parts).kind else {
                        return None;
                    };
                    let checked = parts.iter().find(|part| self.evaluate(**part).is_tainted())?;
                    self.guarded_path(*checked)
                }
                Kind::Field(_, name) if matches!(&**name, "abspath" | "realpath" | "normpath") => {
                    let first = call.arguments.first().map(|argument| argument.value)?;
                    self.guarded_path(first)
                }
                Kind::Field(object, name) => {
                    let (object, same) = (*object, is_same_text(name));
                    same.then(|| self.guarded_path(object)).flatten()
                }
                Kind::Global(name) if matches!(&**name, "str" | "String" | "Number" | "BigInt") => {
                    let first = call.arguments.first()?.value;
                    self.guarded_path(first)
                }
                _ => None,
            },
            Kind::Assign(target, _) => match &**target {
                crate::ir::Target::Variable(variable) => {
                    Some(Path { file: self.file, variable: *variable, fields: Vec::new() })
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// What a comparison says of its sides.
    pub(super) fn comparison(
        &mut self,
        operator: Operator,
        (left, a): (ExprId, &Value),
        (right, b): (ExprId, &Value),
    ) -> Value {
        match operator {
            Operator::Equal | Operator::NotEqual => {
                let when = operator == Operator::Equal;
                if let Some(begins) = self.cut_and_compared((left, right), b, when) {
                    return begins;
                }
                if let Some(begins) = self.begins_at_zero(left, b, when) {
                    return begins;
                }
                if let Some(near) = self.same_host(left, right, when) {
                    return near;
                }
                if let Some(local) = self.second_character((operator, left), b) {
                    return local;
                }
                if let Some(parsed) = self.parsed_or_nothing(left, b, when) {
                    return parsed;
                }
                if let Some(flipped) = self.compared_with_truth((left, a), (right, b), when) {
                    return flipped;
                }
                let asks_type = |side: ExprId| match &self.program().expression(side).kind {
                    Kind::Call(call) => is_typeof(self.program(), call.callee),
                    _ => false,
                };
                let is_left = a.is_tainted() || asks_type(left);
                let (tainted, other, known) =
                    if is_left { (left, right, b) } else { (right, left, a) };
                let about_host = self.host_owner(tainted).is_some();
                if let Some(nothing) = self.nothing_there(tainted, known, when) {
                    return nothing;
                }
                let says_nothing = is_null(known) && !about_host;
                if known.is_tainted() || says_nothing || self.is_shape_test(tainted) {
                    return truth_with(Vec::new());
                }
                self.equality(tainted, other, known, when)
            }
            Operator::In | Operator::NotIn => {
                let when = operator == Operator::In;
                self.below_parents(right, a, when)
                    .unwrap_or_else(|| self.membership(left, b, a, when))
            }
            _ => self.order(operator, (left, a), (right, b)),
        }
    }

    /// `x == null`: where it holds there is nothing that could do harm.
    fn nothing_there(&mut self, tainted: ExprId, known: &Value, when: bool) -> Option<Value> {
        let is_nothing = known.data()?.constant == Some(super::value::Constant::Null);
        let path = self.path_of(tainted).filter(|_| is_nothing)?;
        let is_input = self.value_at(&path).is_tainted();
        let fact = Fact { alone: true, ..Fact::new(path, when, CategorySet::EVERY) };
        is_input.then(|| truth_with(vec![fact]))
    }

    /// `x === trusted`: clean for everything, or for its host only.
    fn equality(&mut self, tainted: ExprId, _other: ExprId, known: &Value, when: bool) -> Value {
        if let Kind::Call(call) = &self.program().expression(tainted).kind
            && is_typeof(self.program(), call.callee)
        {
            let numeric = matches!(known.known_text(), Some("number" | "boolean" | "bigint"));
            let set = match known.known_text() {
                _ if numeric => CategorySet::EVERY,
                Some("string") => CategorySet::DOCUMENT,
                _ => CategorySet::NONE,
            };
            let argument = call.arguments.first().map(|argument| argument.value);
            return argument.map_or_else(Value::default, |value| self.fact(value, when, set));
        }
        if let Some(child) = self.child_of(tainted) {
            return self.directly_below(child, when);
        }
        match self.host_owner(tainted) {
            Some(object) => {
                let owner = self.parsed_from(object);
                self.fact(owner, when, CategorySet::of(&[Category::OpenRedirect]))
            }
            None => self.fact(tainted, when, CategorySet::EVERY),
        }
    }

    /// The path whose folder an expression is: `path.getParent()`, `dirname(path)`.
    fn child_of(&self, expression: ExprId) -> Option<ExprId> {
        match &self.program().expression(expression).kind {
            Kind::Field(object, name) => (&**name == "parent").then_some(*object),
            Kind::Call(call) => match &self.program().expression(call.callee).kind {
                Kind::Field(object, name) => match &**name {
                    "getParentFile" | "getParent" => Some(*object),
                    "dirname" | "Dir" => call.arguments.first().map(|argument| argument.value),
                    // `file.getParentFile().getCanonicalFile()` is the folder too.
                    name if is_same_text(name) => self.child_of(*object),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }

    /// `path.getParent().equals(root)`, of a path without `..` left in it.
    fn directly_below(&mut self, child: ExprId, when: bool) -> Value {
        let value = self.evaluate(child);
        match value.data().is_some_and(|data| data.normalized) {
            true => self.fact(child, when, CategorySet::of(&[Category::PathTraversal])),
            false => truth_with(Vec::new()),
        }
    }

    /// A URL without a host stays on this one.
    pub(super) fn without_host(&mut self, object: ExprId) -> Value {
        let owner = self.parsed_from(object);
        self.fact(owner, false, CategorySet::of(&[Category::OpenRedirect]))
    }

    /// The URL whose host (or scheme) an expression is.
    pub(super) fn host_owner(&self, expression: ExprId) -> Option<ExprId> {
        const PARTS: [&str; 5] = ["host", "hostname", "origin", "netloc", "Host"];
        const METHODS: [&str; 4] = ["getHost", "getAuthority", "Hostname", "IsAbs"];
        match &self.program().expression(expression).kind {
            Kind::Field(object, name) => PARTS.contains(&&**name).then_some(*object),
            Kind::Call(call) => match &self.program().expression(call.callee).kind {
                Kind::Field(object, name) => METHODS.contains(&&**name).then_some(*object),
                _ => None,
            },
            _ => None,
        }
    }

    /// What a URL parsed on the spot was parsed from.
    pub(super) fn parsed_from(&self, expression: ExprId) -> ExprId {
        match &self.program().expression(expression).kind {
            Kind::Call(call) => call.arguments.first().map_or(expression, |first| first.value),
            _ => expression,
        }
    }

    /// Whether an expression asks for form (`x.length`, `x.indexOf(…)`), not content.
    fn is_shape_test(&self, expression: ExprId) -> bool {
        match &self.program().expression(expression).kind {
            Kind::Field(_, name) => matches!(&**name, "length" | "size" | "type"),
            _ => false,
        }
    }

    /// `guard(x) == true`, `x in … == false`, `indexOf(x) === -1`.
    fn compared_with_truth(
        &mut self,
        (_, a): (ExprId, &Value),
        (_, b): (ExprId, &Value),
        when: bool,
    ) -> Option<Value> {
        let (facts, other) = match (facts_of(a), facts_of(b)) {
            (Some(facts), None) => (facts, b),
            (None, Some(facts)) => (facts, a),
            _ => return None,
        };
        // `indexOf` facts are "found"; -1 means not found.
        let truth = match (other.truth(), other.number()) {
            (_, Some(-1)) => false,
            (Some(truth), _) => truth,
            (None, _) => return None,
        };
        Some(if truth == when { truth_with(facts) } else { truth_with(flipped(&facts)) })
    }

    fn order(
        &mut self,
        operator: Operator,
        (left, a): (ExprId, &Value),
        (_, b): (ExprId, &Value),
    ) -> Value {
        if let Some(subset) = self.subset(left, b).filter(|_| operator == Operator::LessEqual) {
            return subset;
        }
        if let Some(short) = self.too_short(operator, left, b) {
            return short;
        }
        // `list.indexOf(x) >= 0`, `> -1`, `< 0`.
        let Some(facts) = facts_of(a) else { return truth_with(Vec::new()) };
        match (operator, b.number()) {
            (Operator::GreaterEqual, Some(0)) | (Operator::Greater, Some(-1)) => truth_with(facts),
            (Operator::Less, Some(0)) => truth_with(flipped(&facts)),
            _ => truth_with(Vec::new()),
        }
    }

    /// `text.indexOf(part) === 0`: the same as that it begins with it.
    fn begins_at_zero(&mut self, left: ExprId, other: &Value, when: bool) -> Option<Value> {
        let Kind::Call(call) = &self.program().expression(left).kind else { return None };
        let Kind::Field(object, name) = &self.program().expression(call.callee).kind else {
            return None;
        };
        let (object, argument) = (*object, call.arguments.first()?.value);
        if other.number() != Some(0) || !matches!(&**name, "indexOf" | "find" | "index") {
            return None;
        }
        let (value, part) = (self.evaluate(object), self.evaluate(argument));
        let begins =
            value.is_tainted().then(|| self.text_test("startsWith", object, &value, &part))?;
        let facts = facts_of(&begins).unwrap_or_default();
        Some(truth_with(if when { facts } else { flipped(&facts) }))
    }

    /// `root in path.parents`, of a path without `..` left in it.
    fn below_parents(&mut self, collection: ExprId, root: &Value, when: bool) -> Option<Value> {
        let Kind::Field(object, name) = &self.program().expression(collection).kind else {
            return None;
        };
        let object = *object;
        if &**name != "parents" || root.is_tainted() {
            return None;
        }
        let value = self.evaluate(object);
        let normalized = value.data().is_some_and(|data| data.normalized);
        normalized.then(|| self.fact(object, when, CategorySet::of(&[Category::PathTraversal])))
    }

    /// `x in collection`: clean when the collection is not input itself.
    pub(super) fn membership(
        &mut self,
        element: ExprId,
        collection: &Value,
        element_value: &Value,
        when: bool,
    ) -> Value {
        if collection.is_tainted() {
            // `".." in path`: a path without it does not climb.
            let separator = self.is_separator(element).then_some("/");
            let Some(part) = element_value.known_text().or(separator) else {
                return truth_with(Vec::new());
            };
            let set = absent_part(part);
            let path = collection.data().and_then(|data| data.origin.clone());
            let facts = path.map(|path| Fact::new((*path).clone(), !when, set));
            return truth_with(facts.into_iter().collect());
        }
        let is_closed = !element_value.is_tainted() && element_value.open() == Open::No;
        if collection.known_text().is_some() || is_closed {
            return truth_with(Vec::new());
        }
        if let Some(object) = self.host_owner(element) {
            let owner = self.parsed_from(object);
            return self.fact(owner, when, CategorySet::of(&[Category::OpenRedirect]));
        }
        self.fact(element, when, CategorySet::EVERY)
    }

    /// `os.path.sep`, `path.sep`, `File.separator`
    fn is_separator(&self, expression: ExprId) -> bool {
        let kind = &self.program().expression(expression).kind;
        matches!(kind, Kind::Field(_, name) if matches!(&**name, "sep" | "separator"))
    }

    /// Facts of a tainted text asked whether it holds, starts or ends with something.
    pub(super) fn text_test(
        &mut self,
        method: &str,
        receiver: ExprId,
        value: &Value,
        argument: &Value,
    ) -> Value {
        let part = argument.skeleton().unwrap_or_default();
        match method {
            "includes" | "contains" | "Contains" | "indexOf" | "find" | "Index" => {
                self.fact(receiver, false, absent_part(part))
            }
            "startsWith" | "startswith" | "HasPrefix" => {
                let mut cleans = CategorySet::NONE;
                let normalized = value.data().is_some_and(|data| data.normalized);
                let harms =
                    |taint: &super::value::Taint| !taint.cleaned.holds(Category::PathTraversal);
                if normalized && !argument.deep_taints().iter().any(harms) {
                    cleans = cleans.union(CategorySet::of(&[Category::PathTraversal]));
                }
                if is_fixed_host(part) {
                    cleans = cleans.union(CategorySet::of(&[Category::OpenRedirect]));
                }
                if part == "//" || part == "/\\" {
                    return self.fact(receiver, false, CategorySet::of(&[Category::OpenRedirect]));
                }
                // `"../"`, or with the separator of the system it runs on.
                if part == ".." || part == "../" || part.strip_prefix("..").is_some_and(is_hole) {
                    return self.fact(receiver, false, CategorySet::of(&[Category::PathTraversal]));
                }
                self.fact(receiver, true, cleans)
            }
            "endsWith" | "endswith" | "HasSuffix" => self.ends_with(receiver, argument),
            _ => truth_with(Vec::new()),
        }
    }

    /// A host that ends with a dot and a domain is one of the domain's.
    pub(super) fn ends_with(&mut self, subject: ExprId, end: &Value) -> Value {
        let domain = end.known_text().is_some_and(|text| text.starts_with('.') && text.len() > 3);
        match self.host_owner(subject).filter(|_| domain) {
            Some(object) => {
                let owner = self.parsed_from(object);
                self.fact(owner, true, CategorySet::of(&[Category::OpenRedirect]))
            }
            None if domain && self.is_named_host(subject) => {
                self.fact(subject, true, CategorySet::of(&[Category::OpenRedirect]))
            }
            None => self.named_segment(subject, end).unwrap_or_else(|| truth_with(Vec::new())),
        }
    }

    /// A part between two slashes that ends with letters is not `..`.
    fn named_segment(&mut self, subject: ExprId, end: &Value) -> Option<Value> {
        let value = self.evaluate(subject);
        let mut taints = value.taints().iter();
        let is_segment =
            value.is_tainted() && taints.all(|taint| taint.cleaned.covers(CategorySet::SEGMENT));
        let is_name = end.known_text()?.contains(|c: char| c.is_ascii_alphanumeric());
        (is_segment && is_name)
            .then(|| self.fact(subject, true, CategorySet::of(&[Category::PathTraversal])))
    }

    /// A variable called `host`, `hostname` or the like.
    fn is_named_host(&self, expression: ExprId) -> bool {
        let program = self.program();
        match &program.expression(expression).kind {
            Kind::Variable(variable) => {
                let name = program.variables[variable.0 as usize].to_ascii_lowercase();
                name.contains("host") || name.contains("domain") || name == "netloc"
            }
            _ => false,
        }
    }

    /// Facts of a match against a regular expression.
    pub(super) fn matched(&mut self, pattern: &str, full: bool, subject: ExprId) -> Value {
        if is_strict(pattern, full) {
            return self.fact(subject, true, strict_cleans(pattern));
        }
        // A slash and no second one: a path on this host.
        let local = [
            "^\\/(?!",
            "^\\/[^/",
            "^\\/[^\\/",
            "^\\/\\w",
            "^\\/[a-z",
            "^/(?!",
            "^/[^/",
            "^/\\w",
            "^/[a-z",
        ];
        if local.iter().any(|start| pattern.starts_with(start)) {
            return self.fact(subject, true, CategorySet::of(&[Category::OpenRedirect]));
        }
        match super::characters::unmatched_cleans(pattern) {
            set if full || set == CategorySet::NONE => truth_with(Vec::new()),
            set => self.fact(subject, false, set),
        }
    }

    /// Facts of a match of what is kept at a path.
    pub(super) fn matched_path(&mut self, pattern: &str, full: bool, path: &Path) -> Value {
        let strict = is_strict(pattern, full);
        let facts = strict.then(|| Fact::new(path.clone(), true, strict_cleans(pattern)));
        truth_with(facts.into_iter().collect())
    }

    /// A variable's path in the current file.
    pub(super) fn variable_path(&self, variable: VariableId) -> Path {
        Path { file: self.file, variable, fields: Vec::new() }
    }
}

/// Methods whose result is the same text in another form.
fn is_same_text(method: &str) -> bool {
    matches!(
        method,
        "trim"
            | "strip"
            | "toLowerCase"
            | "toUpperCase"
            | "lower"
            | "upper"
            | "toString"
            | "getCanonicalPath"
            | "getCanonicalFile"
            | "toRealPath"
            | "normalize"
            | "toPath"
            | "toAbsolutePath"
            | "getAbsolutePath"
            | "getPath"
            | "String"
            | "Clean"
    )
}

/// The categories a text is harmless for when it lacks `part`.
fn absent_part(part: &str) -> CategorySet {
    match part {
        ".." | "../" | "/" => CategorySet::of(&[Category::PathTraversal]),
        "://" | "//" => CategorySet::of(&[Category::OpenRedirect]),
        _ => CategorySet::NONE,
    }
}

/// `https://host/…`: a fixed host ended by a slash.
pub(super) fn is_fixed_host(prefix: &str) -> bool {
    let rest = prefix.strip_prefix("https://").or_else(|| prefix.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        rest.find(['/', '?', '#'])
            .is_some_and(|at| at > 0 && !rest[..at].contains(super::value::HOLE))
    })
}

fn is_typeof(program: &crate::ir::Program, callee: ExprId) -> bool {
    matches!(&program.expression(callee).kind, Kind::Global(name) if &**name == "typeof")
}

fn is_hole(text: &str) -> bool {
    text.strip_prefix(super::value::HOLE).is_some_and(str::is_empty)
}

fn is_null(value: &Value) -> bool {
    value.data().is_some_and(|data| data.constant == Some(super::value::Constant::Null))
        || value.known_text() == Some("")
}

pub(super) fn facts_of(value: &Value) -> Option<Vec<Fact>> {
    let facts = value.data()?.facts.as_ref()?;
    (!facts.is_empty()).then(|| facts.to_vec())
}

pub(super) fn flipped(facts: &[Fact]) -> Vec<Fact> {
    facts.iter().map(|fact| Fact { when: !fact.when, ..fact.clone() }).collect()
}

/// A truth value with facts.
pub(super) fn truth_with(facts: Vec<Fact>) -> Value {
    if facts.is_empty() {
        return Value::default();
    }
    Value::new(super::value::Data { facts: Some(Rc::new(facts)), ..Default::default() })
}

/// What both of two conditions say (for `a && b`, with `when` true).
pub(super) fn both_facts(a: &Value, b: &Value, when: bool) -> Vec<Fact> {
    let of = |value: &Value| facts_of(value).unwrap_or_default();
    let (left, right) = (of(a), of(b));
    let mut facts: Vec<Fact> =
        left.iter().chain(&right).filter(|fact| fact.when == when).cloned().collect();
    // The other way round only what each side says by itself holds.
    for fact in left.iter().filter(|fact| fact.when != when) {
        facts.extend(right.iter().find_map(|other| fact.common(other)));
    }
    facts
}

/// Whether a pattern only lets harmless text through: anchored, and nothing
/// but letters, digits, underscores, hyphens, spaces and the like.
pub(super) fn is_strict(pattern: &str, full: bool) -> bool {
    let begins = full || pattern.starts_with('^') || pattern.starts_with("\\A");
    let ends =
        full || pattern.ends_with('$') || pattern.ends_with("\\z") || pattern.ends_with("\\Z");
    if !(begins && ends) {
        return false;
    }
    let inner = pattern.trim_start_matches('^').trim_end_matches('$');
    let mut rest = inner.chars().peekable();
    let (mut in_class, mut first) = (false, false);
    while let Some(character) = rest.next() {
        match character {
            '\\' => match rest.next() {
                Some(
                    'd' | 'w' | 'A' | 'z' | 'Z' | 'b' | '.' | '-' | '_' | '/' | ':' | '@' | '+',
                ) => {}
                _ => return false,
            },
            '[' if !in_class => {
                in_class = true;
                first = true;
                continue;
            }
            ']' if in_class => in_class = false,
            '^' if in_class && first => return false,
            '.' if !in_class => return false,
            '\'' | '"' | ';' | '<' | '>' | '`' | '&' => return false,
            '|' if !in_class && rest.peek().is_none() => return false,
            '$' if in_class => return false,
            _ => {}
        }
        first = false;
    }
    true
}

/// What text is harmless for that a strict pattern lets through: dots and slashes climb,
/// and begin an address of another host.
pub(super) fn strict_cleans(pattern: &str) -> CategorySet {
    let mut in_class = false;
    let mut dots = false;
    let mut previous = ' ';
    for character in pattern.chars() {
        match character {
            '[' if previous != '\\' => in_class = true,
            ']' if previous != '\\' => in_class = false,
            '.' if in_class => dots = true,
            _ => {}
        }
        previous = character;
    }
    if !(dots && pattern.contains('/')) {
        return CategorySet::EVERY;
    }
    let harmful = match pattern.trim_start_matches('^').starts_with('[') {
        true => CategorySet::of(&[Category::PathTraversal, Category::OpenRedirect]),
        false => CategorySet::of(&[Category::PathTraversal]),
    };
    harmful.complement()
}

/// Whether all that a pattern's groups (or, without any, the whole match) can be
/// is harmless text.
pub(super) fn captures_harmless(pattern: &str) -> bool {
    let bytes = pattern.as_bytes();
    let (mut opened, mut groups) = (Vec::new(), 0);
    let (mut at, mut in_class) = (0, false);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'(' if !in_class => {
                let rest = &pattern[at + 1..];
                let named = rest.starts_with("?P<") || rest.starts_with("?<");
                let skipped = if named { rest.find('>').map_or(0, |end| end + 1) } else { 0 };
                let captures = !rest.starts_with('?') || named;
                opened.push((at + 1 + skipped, captures));
            }
            b')' if !in_class => match opened.pop() {
                Some((start, true)) => {
                    groups += 1;
                    if !pattern.get(start..at).is_some_and(|inner| is_strict(inner, true)) {
                        return false;
                    }
                }
                Some(_) => {}
                None => return false,
            },
            _ => {}
        }
        at += 1;
    }
    groups > 0 || is_strict(pattern, true)
}

#[cfg(test)]
mod tests {
    use super::{captures_harmless, is_strict};

    #[test]
    fn captures_are_harmless_when_every_group_is_narrow() {
        assert!(captures_harmless(r"id=(\d+)&"));
        assert!(captures_harmless(r"^(?P<name>[a-z]+)-(?:.*)$"));
        assert!(captures_harmless(r"\d+"));
        assert!(!captures_harmless(r"url=([^&]*)"));
        assert!(!captures_harmless(r"(\d+)(.*)"));
    }

    #[test]
    fn only_anchored_narrow_patterns_are_strict() {
        for strict in ["^[a-z0-9_-]+$", r"^\d+$", "^(asc|desc)$", r"^\w{1,20}$", "^[A-Za-z]+$"] {
            assert!(is_strict(strict, false), "{strict}");
        }
        for loose in ["[a-z]+", "^[a-z]+", "^.*$", "^[^;]+$", r"^\S+$", "^.+$", "^[a-z']+$"] {
            assert!(!is_strict(loose, false), "{loose}");
        }
        assert!(is_strict("[a-z]+", true));
    }
}
