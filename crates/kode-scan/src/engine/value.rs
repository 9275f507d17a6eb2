//! What the analysis knows of a value: where it comes from, what it is called,
//! its constant text, and its parts.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::category::{Category, CategorySet};
use crate::ir::{ClassId, FunctionId, Name, VariableId};
use crate::model::Place;

/// Stands for an unknown part in [`Data::text`].
pub(crate) const HOLE: char = '\u{fffc}';
/// Longer known texts are cut, with a hole at the end.
const TEXT_MAX: usize = 600;
/// More parts of one value are not told apart.
pub(super) const FIELDS_MAX: usize = 64;
/// Parts of a nested value that are searched for input.
const VISITS_MAX: usize = 128;
/// Parts of two values that one join looks at; what is nested deeper is only
/// searched for input.
const JOIN_VISITS_MAX: usize = 200;
/// Parts within parts that are told apart.
const NESTING_MAX: u8 = 8;
/// Input from more places than this is represented by these.
const TAINTS_MAX: usize = 4;

/// A value; nothing at all is known of the default one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Value(Option<Rc<Data>>);

/// What is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Data {
    pub(crate) taints: Vec<Taint>,
    pub(crate) constant: Option<Constant>,
    /// Text with [`HOLE`] for each unknown part.
    pub(crate) text: Option<Rc<str>>,
    pub(crate) place: Option<Place>,
    pub(crate) function: Option<Closure>,
    pub(crate) class: Option<(usize, ClassId)>,
    pub(crate) instance: Option<(usize, ClassId)>,
    pub(crate) module: Option<usize>,
    pub(crate) fields: Option<Rc<BTreeMap<Name, Value>>>,
    /// How deep fields are nested below.
    pub(crate) nesting: u8,
    /// All fields are known: what is not there does not exist.
    pub(crate) closed: bool,
    /// How many elements, for lists with known ones.
    pub(crate) length: Option<usize>,
    pub(crate) facts: Option<Rc<Vec<Fact>>>,
    pub(crate) regex: Option<Name>,
    /// A query method of this name, of something unknown.
    pub(crate) method: Option<Name>,
    /// The variable part this was computed from, for guards on parsed forms.
    pub(crate) origin: Option<Rc<Path>>,
    /// Whether it is a parameter of unknown origin, or text with one in it.
    pub(crate) open: Open,
    /// A path without `..` left in it; of a pattern, that it replaces every match.
    pub(crate) normalized: bool,
    /// What is known of it is what it begins as: something else may set it.
    pub(crate) loose: bool,
    /// An object made of nothing that is input: what its constructor alone may set holds none.
    pub(crate) fresh: bool,
    /// Another value with text that is written down put behind it, and nothing else.
    pub(crate) ended: bool,
}

/// What a value has of a parameter that nothing is known of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Open {
    #[default]
    No,
    /// It is one, and nothing else.
    Bare,
    /// It is text with one in it.
    Part,
}

/// A known scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Constant {
    Number(i64),
    Boolean(bool),
    Null,
}

/// Input in a value.
#[derive(Debug, Clone)]
pub(crate) struct Taint {
    /// File and byte offset of the source.
    pub(crate) source: (usize, u32),
    /// What it can no longer harm.
    pub(crate) cleaned: CategorySet,
    pub(crate) step: Rc<Step>,
}

impl Taint {
    /// What is known of it as a whole is not known of a part of it, or of more than it.
    pub(crate) fn parted(&mut self) {
        self.cleaned = self.cleaned.of_part();
    }
}

/// One step of how input got here, newest first.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) file: usize,
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) text: String,
    pub(crate) before: Option<Rc<Step>>,
    pub(crate) depth: u32,
}

impl Step {
    /// Whether the flow begins with a step of this text.
    pub(crate) fn begins_as(&self, text: &str) -> bool {
        let mut step = self;
        while let Some(before) = &step.before {
            step = before;
        }
        step.text.starts_with(text)
    }
}

/// A function value.
#[derive(Debug, Clone)]
pub(crate) struct Closure {
    pub(crate) file: usize,
    pub(crate) function: FunctionId,
    pub(crate) this: Option<Box<Value>>,
}

/// A variable of a file and a path of fields below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) file: usize,
    pub(crate) variable: VariableId,
    pub(crate) fields: Vec<Name>,
}

/// What a condition says of a variable part when it is true or false.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) path: Path,
    pub(crate) when: bool,
    pub(crate) cleans: CategorySet,
    /// It says nothing of what the part was computed from.
    pub(crate) alone: bool,
    /// It only holds where this truth value is so.
    pub(crate) given: Option<Rc<(Path, bool)>>,
}

impl Fact {
    pub(crate) fn new(path: Path, when: bool, cleans: CategorySet) -> Self {
        Self { path, when, cleans, alone: false, given: None }
    }

    /// What two facts say alike.
    pub(crate) fn common(&self, other: &Self) -> Option<Self> {
        let given = match (&self.given, &other.given) {
            (Some(one), Some(other)) if one != other => return None,
            (one, other) => one.as_ref().or(other.as_ref()).cloned(),
        };
        let is_same = (&self.path, self.when) == (&other.path, other.when);
        let cleans = self.cleans.intersection(other.cleans);
        let alone = self.alone || other.alone;
        is_same.then(|| Self { cleans, alone, given, ..self.clone() })
    }
}

impl Value {
    pub(crate) fn new(data: Data) -> Self {
        Self(Some(Rc::new(data)))
    }

    pub(crate) fn data(&self) -> Option<&Data> {
        self.0.as_deref()
    }

    /// A copy with changes.
    pub(crate) fn with(&self, change: impl FnOnce(&mut Data)) -> Self {
        let mut data = self.data().cloned().unwrap_or_default();
        if data.open == Open::Bare {
            data.open = Open::No;
        }
        change(&mut data);
        Self::new(data)
    }

    pub(crate) fn text(text: &str) -> Self {
        let text = cut(text);
        Self::new(Data { text: Some(Rc::from(text.as_str())), ..Data::default() })
    }

    pub(crate) fn constant(constant: Constant) -> Self {
        Self::new(Data { constant: Some(constant), ..Data::default() })
    }

    pub(crate) fn place(place: Place) -> Self {
        Self::new(Data { place: Some(place), ..Data::default() })
    }

    pub(crate) fn record(fields: BTreeMap<Name, Self>, closed: bool) -> Self {
        let nesting = nesting_of(fields.values());
        Self::new(Data { fields: Some(Rc::new(fields)), closed, nesting, ..Data::default() })
    }

    pub(crate) fn list(items: Vec<Self>) -> Self {
        let length = items.len();
        let kept = items.into_iter().take(FIELDS_MAX).enumerate();
        let fields: BTreeMap<Name, Self> =
            kept.map(|(at, item)| (Name::from(at.to_string()), item)).collect();
        let closed = length <= FIELDS_MAX;
        Self::new(Data {
            nesting: nesting_of(fields.values()),
            fields: Some(Rc::new(fields)),
            closed,
            length: Some(length),
            ..Data::default()
        })
    }

    pub(crate) fn is_unknown(&self) -> bool {
        self.data().is_none_or(|data| data.open == Open::Bare)
    }

    /// A parameter of unknown origin.
    pub(crate) fn parameter() -> Self {
        Self::new(Data { open: Open::Bare, ..Data::default() })
    }

    /// What the value has of a parameter of unknown origin.
    pub(crate) fn open(&self) -> Open {
        self.data().map_or(Open::No, |data| data.open)
    }

    pub(crate) fn taints(&self) -> &[Taint] {
        self.data().map_or(&[], |data| &data.taints)
    }

    /// The whole text, when all of it is known.
    pub(crate) fn known_text(&self) -> Option<&str> {
        self.skeleton().filter(|text| !text.contains(HOLE))
    }

    /// The text with holes.
    pub(crate) fn skeleton(&self) -> Option<&str> {
        self.data()?.text.as_deref()
    }

    pub(crate) fn number(&self) -> Option<i64> {
        match self.data()?.constant? {
            Constant::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Whether the value is surely true or surely false.
    pub(crate) fn truth(&self) -> Option<bool> {
        match self.data()?.constant {
            Some(Constant::Boolean(value)) => Some(value),
            Some(Constant::Number(number)) => Some(number != 0),
            Some(Constant::Null) => Some(false),
            None => None,
        }
    }

    /// Whether the value is true or false whatever else the program does.
    pub(crate) fn settled(&self) -> Option<bool> {
        self.truth().filter(|_| !self.is_loose())
    }

    /// Whether something else may set what this is read from.
    pub(crate) fn is_loose(&self) -> bool {
        self.data().is_some_and(|data| data.loose)
    }

    /// The value as what is read where others may set it: a constant, or an object's.
    pub(crate) fn loosened(&self) -> Self {
        let Some(data) = self.data().filter(|data| !data.loose && data.taints.is_empty()) else {
            return self.clone();
        };
        if data.constant.is_some() || data.text.is_some() {
            return self.with(|data| data.loose = true);
        }
        let fields = data.fields.as_ref().filter(|_| data.length.is_none());
        let Some(fields) = fields.filter(|fields| fields.values().any(Self::is_scalar)) else {
            return self.clone();
        };
        let loosened =
            |field: &Self| if field.is_scalar() { field.loosened() } else { field.clone() };
        let fields = fields.iter().map(|(name, field)| (name.clone(), loosened(field)));
        let fields = fields.collect();
        self.with(|data| data.fields = Some(Rc::new(fields)))
    }

    fn is_scalar(&self) -> bool {
        self.data().is_some_and(|data| data.constant.is_some())
    }

    /// Input anywhere in the value, as if all of it were used.
    pub(crate) fn deep_taints(&self) -> Vec<Taint> {
        let mut found = self.taints().to_vec();
        let mut visits = VISITS_MAX;
        self.collect(&mut found, 0, &mut visits);
        found
    }

    fn collect(&self, found: &mut Vec<Taint>, depth: usize, visits: &mut usize) {
        let Some(fields) = self.data().and_then(|data| data.fields.as_ref()) else { return };
        if depth > 4 || found.len() >= TAINTS_MAX {
            return;
        }
        for field in fields.values() {
            if *visits == 0 {
                return;
            }
            *visits -= 1;
            merge_taints(found, field.taints());
            field.collect(found, depth + 1, visits);
        }
    }

    /// Whether any input is in the value.
    pub(crate) fn is_tainted(&self) -> bool {
        let mut visits = VISITS_MAX;
        !self.taints().is_empty() || self.holds_taint(0, &mut visits)
    }

    /// As far as [`Value::deep_taints`] looks.
    fn holds_taint(&self, depth: usize, visits: &mut usize) -> bool {
        let Some(fields) = self.data().and_then(|data| data.fields.as_ref()) else { return false };
        if depth > 4 {
            return false;
        }
        fields.values().any(|field| {
            *visits = visits.saturating_sub(1);
            *visits > 0 && (!field.taints().is_empty() || field.holds_taint(depth + 1, visits))
        })
    }

    /// Input that can still harm `category`.
    pub(crate) fn harm(&self, category: Category) -> Option<&Taint> {
        self.taints().iter().find(|taint| !taint.cleaned.holds(category))
    }

    /// The same value, cleaned for `set`, fields included.
    pub(crate) fn cleaned(&self, set: CategorySet) -> Self {
        if !self.is_tainted() {
            return self.clone();
        }
        self.with(|data| {
            for taint in &mut data.taints {
                taint.cleaned = taint.cleaned.union(set);
            }
            if let Some(fields) = &data.fields {
                let fields = fields.iter().map(|(name, field)| (name.clone(), field.cleaned(set)));
                data.fields = Some(Rc::new(fields.collect()));
            }
        })
    }

    /// What the value is once it is decoded: a check of the encoded form or an escape of it
    /// says nothing, unless it left no harm at all.
    pub(crate) fn undone(&self) -> Self {
        let is_partial = |taint: &Taint| taint.cleaned != CategorySet::EVERY;
        self.with(|data| {
            for taint in data.taints.iter_mut().filter(|taint| is_partial(taint)) {
                taint.cleaned = taint.cleaned.intersection(CategorySet::DOCUMENT);
            }
            data.normalized = false;
        })
    }

    /// A fresh value that only carries input.
    pub(crate) fn carrying(mut taints: Vec<Taint>) -> Self {
        if taints.is_empty() {
            return Self::default();
        }
        taints.iter_mut().for_each(Taint::parted);
        Self::new(Data { taints, ..Data::default() })
    }

    /// One more step of the flow.
    pub(crate) fn stepped(&self, file: usize, start: u32, end: u32, text: &str) -> Self {
        if self.taints().is_empty() {
            return self.clone();
        }
        self.with(|data| {
            for taint in &mut data.taints {
                let same = (taint.step.file, taint.step.start) == (file, start);
                if same || taint.step.depth > 24 {
                    continue;
                }
                taint.step = Rc::new(Step {
                    file,
                    start,
                    end,
                    text: text.to_owned(),
                    before: Some(Rc::clone(&taint.step)),
                    depth: taint.step.depth + 1,
                });
            }
        })
    }

    /// A known field.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        self.data()?.fields.as_ref()?.get(name)
    }

    /// The value with one field set.
    pub(crate) fn with_field(&self, name: &Name, value: Self) -> Self {
        let value = value.flattened();
        self.with(|data| {
            data.nesting = data.nesting.max(value.nesting() + 1);
            let fields = data.fields.get_or_insert_with(Rc::default);
            if fields.len() < FIELDS_MAX || fields.contains_key(name) {
                Rc::make_mut(fields).insert(name.clone(), value);
            } else {
                data.closed = false;
                merge_taints(&mut data.taints, value.taints());
            }
            data.facts = None;
        })
    }

    /// A table with an object under an unknown key: its parts stay what they are, so that
    /// input in one of them does not make input of all. `None` for what is no object.
    pub(crate) fn with_object_somewhere(&self, object: &Self) -> Option<Self> {
        let is_object = object.data().is_some_and(|data| {
            data.taints.is_empty() && data.length.is_none() && data.fields.is_some()
        });
        let any = Name::from("*");
        let joined = match self.field(&any) {
            Some(before) => before.join(object),
            None => object.clone(),
        };
        is_object.then(|| self.with_field(&any, joined).with(|data| data.closed = false))
    }

    fn nesting(&self) -> u8 {
        self.data().map_or(0, |data| data.nesting)
    }

    /// The value as a part of another: nested deepest, its own parts are one.
    fn flattened(self) -> Self {
        if self.nesting() < NESTING_MAX {
            return self;
        }
        let taints = self.deep_taints();
        self.with(|data| {
            data.taints = taints;
            data.fields = None;
            data.nesting = 0;
            data.closed = false;
        })
    }

    /// All elements of a collection as one.
    pub(crate) fn element(&self) -> Self {
        let mut joined = Self::carrying(self.taints().to_vec());
        if let Some(fields) = self.data().and_then(|data| data.fields.as_ref()) {
            for (at, field) in fields.values().enumerate() {
                let nothing_yet = at == 0 && joined.is_unknown();
                joined = if nothing_yet { field.clone() } else { joined.join(field) };
            }
        }
        joined
    }

    /// What holds whichever of two values it is.
    pub(crate) fn join(&self, other: &Self) -> Self {
        self.join_within(other, &mut { JOIN_VISITS_MAX })
    }

    /// A join that changes nothing gives the same value, not a copy: what is
    /// shared stays shared.
    fn join_within(&self, other: &Self, visits: &mut usize) -> Self {
        match (&self.0, &other.0) {
            (None, None) => Self::default(),
            (Some(a), Some(b)) if Rc::ptr_eq(a, b) => self.clone(),
            (None, Some(data)) | (Some(data), None) if is_weak(data) => Self(Some(Rc::clone(data))),
            (None, Some(data)) | (Some(data), None) => Self::new(weakened(data)),
            (Some(a), Some(b)) => {
                *visits = visits.saturating_sub(1);
                let joined = joined(a, b, visits);
                if is_unchanged(a, &joined) { self.clone() } else { Self::new(joined) }
            }
        }
    }

    /// Whether two values are evidently the same, so that a join changes nothing.
    pub(crate) fn same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(a), Some(b)) => Rc::ptr_eq(a, b),
            _ => false,
        }
    }
}

/// What is left of a value that may also be something unknown.
fn weakened(data: &Data) -> Data {
    Data { constant: None, text: None, closed: false, facts: None, fresh: false, ..data.clone() }
}

/// Whether [`weakened`] would change nothing.
fn is_weak(data: &Data) -> bool {
    data.constant.is_none()
        && data.text.is_none()
        && !data.closed
        && data.facts.is_none()
        && !data.fresh
}

/// Whether what a join gave is what was there before.
fn is_unchanged(before: &Data, after: &Data) -> bool {
    let same_taints = before.taints.len() == after.taints.len()
        && before.taints.iter().zip(&after.taints).all(|(a, b)| {
            a.source == b.source && a.cleaned == b.cleaned && Rc::ptr_eq(&a.step, &b.step)
        });
    let same_fields = match (&before.fields, &after.fields) {
        (Some(a), Some(b)) => Rc::ptr_eq(a, b),
        (None, None) => true,
        _ => false,
    };
    let same_function = match (&before.function, &after.function) {
        (Some(a), Some(b)) => (a.file, a.function) == (b.file, b.function),
        (None, None) => true,
        _ => false,
    };
    same_taints
        && same_fields
        && same_function
        && before.constant == after.constant
        && before.text == after.text
        && (before.place, before.class, before.instance)
            == (after.place, after.class, after.instance)
        && (before.module, before.length, before.closed)
            == (after.module, after.length, after.closed)
        && before.facts.is_none()
        && after.facts.is_none()
        && before.regex == after.regex
        && before.method == after.method
        && before.origin == after.origin
        && before.normalized == after.normalized
        && (before.loose, before.fresh) == (after.loose, after.fresh)
        && before.ended == after.ended
}

fn nesting_of<'v>(values: impl Iterator<Item = &'v Value>) -> u8 {
    values.map(|value| value.nesting().saturating_add(1)).max().unwrap_or(0)
}

fn joined(a: &Data, b: &Data, visits: &mut usize) -> Data {
    let mut taints = a.taints.clone();
    merge_taints(&mut taints, &b.taints);
    let fields = if *visits == 0 {
        // Too much to tell apart: all of it as one.
        for side in [a, b].into_iter().filter(|side| side.fields.is_some()) {
            merge_taints(&mut taints, &Value::new(side.clone()).deep_taints());
        }
        None
    } else {
        joined_fields(a, b, visits)
    };
    Data {
        taints,
        nesting: if fields.is_some() { a.nesting.max(b.nesting) } else { 0 },
        constant: if a.constant == b.constant { a.constant } else { None },
        text: joined_text(a, b),
        place: either(a.place, b.place),
        function: a.function.clone().or_else(|| b.function.clone()),
        class: either(a.class, b.class),
        instance: either(a.instance, b.instance),
        module: either(a.module, b.module),
        closed: a.closed && b.closed && fields.is_some(),
        fields,
        // Of two lists the longer has what the other has not.
        length: a.length.zip(b.length).map(|(a, b)| a.max(b)),
        facts: joined_facts(a, b),
        regex: if a.regex == b.regex { a.regex.clone() } else { None },
        method: a.method.clone().or_else(|| b.method.clone()),
        origin: if a.origin == b.origin { a.origin.clone() } else { None },
        normalized: a.normalized && b.normalized,
        loose: a.loose || b.loose,
        fresh: a.fresh && b.fresh,
        ended: a.ended && b.ended,
        open: match a.open.max(b.open) {
            Open::No => Open::No,
            _ => Open::Part,
        },
    }
}

/// A surely false value beside a condition: where it is true, it is the condition.
fn joined_facts(a: &Data, b: &Data) -> Option<Rc<Vec<Fact>>> {
    let when_other = |surely: &Data, other: &Data| {
        let truth = match surely.constant? {
            Constant::Boolean(truth) => truth,
            Constant::Null => false,
            Constant::Number(_) => return None,
        };
        let facts = other.facts.as_ref()?.iter().filter(|fact| fact.when != truth);
        let facts: Vec<Fact> = facts.cloned().collect();
        (!facts.is_empty()).then(|| Rc::new(facts))
    };
    // What both say holds however it came.
    let common = || {
        let (left, right) = (a.facts.as_ref()?, b.facts.as_ref()?);
        let same = |fact: &Fact| right.iter().find_map(|other| fact.common(other));
        let facts: Vec<Fact> = left.iter().filter_map(same).collect();
        (!facts.is_empty()).then(|| Rc::new(facts))
    };
    when_other(a, b).or_else(|| when_other(b, a)).or_else(common)
}

fn either<T: PartialEq + Copy>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => (a == b).then_some(a),
        (a, b) => a.or(b),
    }
}

fn is_query_mark(text: &str) -> bool {
    matches!(text, "?" | "&")
}

/// The common beginning and a hole. Null beside text does not count.
fn joined_text(a: &Data, b: &Data) -> Option<Rc<str>> {
    match (&a.text, &b.text) {
        (Some(left), Some(right)) if left == right => Some(Rc::clone(left)),
        // `"&" if "?" in url else "?"`: either way a query goes on.
        (Some(left), Some(right)) if is_query_mark(left) && is_query_mark(right) => {
            Some(Rc::from(format!("?{HOLE}")))
        }
        (Some(left), Some(right)) => {
            let common = left.chars().zip(right.chars()).take_while(|(x, y)| x == y);
            let mut text: String = common.map(|(character, _)| character).collect();
            if !text.ends_with(HOLE) {
                text.push(HOLE);
            }
            Some(Rc::from(text))
        }
        _ => None,
    }
}

fn joined_fields(a: &Data, b: &Data, visits: &mut usize) -> Option<Rc<BTreeMap<Name, Value>>> {
    let (left, right) = match (&a.fields, &b.fields) {
        (Some(left), Some(right)) => (left, right),
        (one, other) => return one.clone().or_else(|| other.clone()),
    };
    if Rc::ptr_eq(left, right) {
        return Some(Rc::clone(left));
    }
    let mut changed: Vec<(&Name, Value)> = Vec::new();
    for (name, value) in right.iter() {
        match left.get(name) {
            Some(known) => {
                let joined = known.join_within(value, visits);
                if !joined.same(known) {
                    changed.push((name, joined));
                }
            }
            None => changed.push((name, value.clone())),
        }
    }
    if changed.is_empty() {
        return Some(Rc::clone(left));
    }
    let mut fields = BTreeMap::clone(left);
    for (name, value) in changed {
        fields.insert(name.clone(), value);
    }
    Some(Rc::new(fields))
}

/// Adds input, keeping what harms most.
pub(crate) fn merge_taints(into: &mut Vec<Taint>, more: &[Taint]) {
    for taint in more {
        let Some(at) = into.iter().position(|known| known.source == taint.source) else {
            if into.len() < TAINTS_MAX {
                into.push(taint.clone());
            }
            continue;
        };
        let known = &mut into[at];
        let harms_more =
            known.cleaned != taint.cleaned && taint.cleaned.union(known.cleaned) == known.cleaned;
        if harms_more {
            known.step = Rc::clone(&taint.step);
        }
        known.cleaned = known.cleaned.intersection(taint.cleaned);
    }
}

/// Text within the length bound.
pub(crate) fn cut(text: &str) -> String {
    if text.len() <= TEXT_MAX {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(TEXT_MAX / 2).collect();
    cut.push(HOLE);
    cut
}
