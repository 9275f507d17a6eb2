//! What is known of frameworks: sources, sinks, types, cleaners and guards, by
//! canonical name. The knowledge itself is in `models/*.toml`.
//!
//! A canonical name is a path through a tree: `pg.Pool().query` is the field
//! `query` of what calling (or constructing) `Pool` of module `pg` gives.

mod file;
mod handing;
mod keeping;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

use kode_syntax::Language;

use crate::category::{Category, CategorySet};
pub(crate) use file::{ArgumentChoice, Context};
pub(crate) use handing::{Gives, Handing, Part};
pub(crate) use keeping::Keeping;

/// A place in the tree of canonical names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place(u32);

/// What is known of one canonical name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Knowledge {
    /// Reading or calling it gives input; how that is called.
    pub(crate) source: Option<String>,
    /// What that input can't harm from the start.
    pub(crate) source_cleans: CategorySet,
    pub(crate) sinks: Vec<Sink>,
    /// Its result (or, as a type, its values) is clean for these.
    pub(crate) cleans: Option<CategorySet>,
    /// Its result is its first argument.
    pub(crate) identity: bool,
    /// Its result keeps nothing of its arguments.
    pub(crate) opaque: bool,
    /// It checks its first argument: when true, the argument is clean for these.
    pub(crate) guards: Option<CategorySet>,
    /// What the parameters of functions handed to it are, by event.
    pub(crate) callbacks: Vec<(Option<String>, Vec<Place>)>,
    /// Decorated functions answer requests: parameters are input.
    pub(crate) route: bool,
    /// Methods of derived classes whose parameters are input.
    pub(crate) handlers: Vec<String>,
    /// What it gives when a keyword argument is on.
    pub(crate) variant: Option<(String, Place)>,
    /// It ties a route's text to the function it is handed.
    pub(crate) routes_to: bool,
    /// Its result is that of the function it is handed.
    pub(crate) calls: bool,
    /// It fills a template: which argument names it, or is its text.
    pub(crate) template: Option<(usize, bool)>,
    /// It makes a component's state, as React's `useState`.
    pub(crate) state: bool,
    /// Decorated functions' return value is markup.
    pub(crate) returns_markup: bool,
    /// The result is a path without `..` and links.
    pub(crate) normalizes: bool,
    /// Calling it declares that the response is not HTML.
    pub(crate) content_type: bool,
    /// What input from here begins with.
    pub(crate) begins: Option<String>,
    /// The argument that what it reads is put into.
    pub(crate) fills: Option<usize>,
    /// Its result keeps the input of its arguments.
    pub(crate) carries: bool,
    /// What it does with values that wait for somebody else.
    pub(crate) keeps: Option<Keeping>,
    /// Its result is what its first argument stands for: checks of that say nothing of it.
    pub(crate) decodes: bool,
    /// It does not return unless its first argument is true.
    pub(crate) asserts: bool,
    /// It never returns.
    pub(crate) stops: bool,
    /// Its result is the module that its first argument names.
    pub(crate) loads: bool,
}

/// One way a call, assignment or attribute is dangerous.
#[derive(Debug, Clone)]
pub(crate) struct Sink {
    pub(crate) category: Category,
    pub(crate) argument: ArgumentChoice,
    pub(crate) keyword: Option<String>,
    pub(crate) context: Context,
    /// Only when this keyword argument (or option) is true.
    pub(crate) when: Option<String>,
}

/// The models of one family.
#[derive(Debug)]
pub(crate) struct Models {
    /// The places below places, by number and segment.
    edges: HashMap<(u32, &'static str), Place, BuildHasherDefault<SegmentHasher>>,
    /// By a place's number: what it is another name of, where in `knowledge` what is
    /// known of it stands, and whether any segment leads on from it.
    places: Vec<PlaceEntry>,
    knowledge: Vec<Knowledge>,
    /// Ways of handing a function on, by the name of what it is handed to.
    handings: HashMap<&'static str, Vec<Handing>, BuildHasherDefault<SegmentHasher>>,
    /// Last segments of sinks and dialogs, for the prefilter.
    pub(crate) words: Vec<&'static str>,
}

/// Places that a family has about.
const EDGES: usize = 1_700;

/// What the tree holds of one place.
#[derive(Debug, Clone, Copy, Default)]
struct PlaceEntry {
    alias: Option<Place>,
    knowledge: Option<u32>,
    any: Option<Place>,
}

/// Hashes segments of names, multiplying word by word as FxHash does: the names are
/// this crate's own, so nobody can choose them to collide.
#[derive(Debug, Default)]
struct SegmentHasher(u64);

impl Hasher for SegmentHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(u64::from(byte));
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Families of languages that have models.
pub(crate) const FAMILIES: [&str; 4] = ["javascript", "python", "java", "go"];

static JAVASCRIPT: LazyLock<Models> = LazyLock::new(|| Models::of("javascript"));
static PYTHON: LazyLock<Models> = LazyLock::new(|| Models::of("python"));
static JAVA: LazyLock<Models> = LazyLock::new(|| Models::of("java"));
static GO: LazyLock<Models> = LazyLock::new(|| Models::of("go"));

/// A family's built-in models, read when first needed; places of one family mean
/// nothing in another's.
pub(crate) fn models(family: &str) -> &'static Models {
    match family {
        "python" => &PYTHON,
        "java" => &JAVA,
        "go" => &GO,
        _ => &JAVASCRIPT,
    }
}

/// Languages that share canonical names.
pub(crate) fn family(language: Language) -> &'static str {
    match language {
        Language::Python => "python",
        Language::Java => "java",
        Language::Go => "go",
        _ => "javascript",
    }
}

impl Models {
    /// The models in the family's files; a test proves that every file parses.
    fn of(family: &str) -> Self {
        let mut models = Self::empty();
        let is_family = |name: &str| name.split('-').next() == Some(family);
        for (_, text) in file::SOURCES.iter().filter(|(name, _)| is_family(name)) {
            if let Ok(file) = file::parse(text) {
                models.add(&file);
            }
        }
        models
    }

    fn empty() -> Self {
        Self {
            edges: HashMap::with_capacity_and_hasher(EDGES, BuildHasherDefault::default()),
            places: vec![PlaceEntry::default()],
            knowledge: Vec::new(),
            handings: HashMap::default(),
            words: Vec::new(),
        }
    }

    /// The root of a language family's names.
    pub(crate) fn root(&self, family: &str) -> Option<Place> {
        self.edges.get(&(0, family)).copied()
    }

    /// The place a segment leads to, aliases followed.
    pub(crate) fn step(&self, from: Place, segment: &str) -> Option<Place> {
        let found = self.edges.get(&(from.0, segment)).copied();
        let any = || self.places.get(from.0 as usize)?.any.filter(|_| segment != "()");
        Some(self.resolved(found.or_else(any)?))
    }

    fn resolved(&self, place: Place) -> Place {
        let mut place = place;
        for _ in 0..8 {
            match self.places.get(place.0 as usize).and_then(|entry| entry.alias) {
                Some(next) => place = next,
                None => break,
            }
        }
        place
    }

    /// The place of a dotted path below `from`.
    pub(crate) fn path(&self, from: Place, path: &str) -> Option<Place> {
        segments(path).try_fold(from, |place, segment| self.step(place, segment))
    }

    /// What is known of a place.
    pub(crate) fn know(&self, place: Place) -> Option<&Knowledge> {
        let at = self.places.get(place.0 as usize)?.knowledge?;
        self.knowledge.get(at as usize)
    }

    /// What a function of this name does with a function it is handed.
    pub(crate) fn handings(&self, name: &str) -> &[Handing] {
        self.handings.get(name).map_or(&[], Vec::as_slice)
    }

    fn make(&mut self, family: &'static str, path: &'static str) -> Place {
        let mut place = self.child(Place(0), family);
        for segment in segments(path) {
            place = self.child(place, segment);
            place = self.resolved(place);
        }
        place
    }

    fn child(&mut self, from: Place, segment: &'static str) -> Place {
        if let Some(known) = self.edges.get(&(from.0, segment)) {
            return *known;
        }
        let place = Place(self.places.len() as u32);
        self.places.push(PlaceEntry::default());
        self.edges.insert((from.0, segment), place);
        if segment == "*" {
            self.places[from.0 as usize].any = Some(place);
        }
        place
    }

    fn entry(&mut self, family: &'static str, path: &'static str) -> &mut Knowledge {
        let place = self.make(family, path);
        let entry = &mut self.places[place.0 as usize];
        let at = *entry.knowledge.get_or_insert(self.knowledge.len() as u32) as usize;
        if at == self.knowledge.len() {
            self.knowledge.push(Knowledge::default());
        }
        &mut self.knowledge[at]
    }

    fn add(&mut self, file: &file::ModelFile<'static>) {
        let family = file.language;
        for alias in &file.is {
            let target = self.make(family, alias.kind);
            for name in &alias.names {
                let place = self.make(family, name);
                if place != target {
                    self.places[place.0 as usize].alias = Some(target);
                }
            }
        }
        for entry in &file.hand {
            for name in &entry.names {
                self.handings.entry(name).or_default().push(Handing::of(entry));
            }
        }
        self.add_keeping(family, file);
        self.add_sources(family, file);
        for fill in &file.fill {
            for name in &fill.names {
                let known = self.entry(family, name);
                known.fills = Some(fill.argument);
                known.source.clone_from(&fill.text);
            }
        }
        for entry in &file.sink {
            self.add_sink(family, entry);
        }
        for entry in &file.clean {
            let set = entry.categories.as_ref().map_or(CategorySet::EVERY, |c| CategorySet::of(c));
            for name in &entry.names {
                self.entry(family, name).cleans = Some(set);
            }
        }
        for entry in &file.guard {
            let set = entry.categories.as_ref().map_or(CategorySet::EVERY, |c| CategorySet::of(c));
            for name in &entry.names {
                self.entry(family, name).guards = Some(set);
            }
        }
        for entry in &file.callback {
            let places = entry.parameters.iter().map(|path| self.make(family, path)).collect();
            let places: Vec<Place> = places;
            for name in &entry.names {
                let listed = (entry.event.clone(), places.clone());
                self.entry(family, name).callbacks.push(listed);
            }
        }
        self.add_routes(family, file);
        for (names, set) in [
            (&file.identity, (|k: &mut Knowledge| k.identity = true) as fn(&mut Knowledge)),
            (&file.opaque, |k| k.opaque = true),
            (&file.normalizes, |k| k.normalizes = true),
            (&file.content_type, |k| k.content_type = true),
            (&file.decodes, |k| k.decodes = true),
            (&file.asserts, |k| k.asserts = true),
            (&file.stops, |k| k.stops = true),
            (&file.carries, |k| k.carries = true),
            (&file.routes_to, |k| k.routes_to = true),
            (&file.state, |k| k.state = true),
            (&file.calls, |k| k.calls = true),
            (&file.loads, |k| k.loads = true),
        ] {
            for name in names.iter().flat_map(|list| &list.names) {
                set(self.entry(family, name));
            }
        }
    }

    fn add_keeping(&mut self, family: &'static str, file: &file::ModelFile<'static>) {
        let mut all: Vec<(&[&'static str], Keeping)> = Vec::new();
        for entry in &file.store {
            all.push((&entry.puts, Keeping::Put(entry.argument)));
            all.push((&entry.takes, Keeping::Take));
        }
        for entry in &file.keyed {
            all.push((&entry.puts, Keeping::PutByName(entry.store)));
            all.push((&entry.takes, Keeping::TakeByName(entry.store)));
            all.push((&entry.objects, Keeping::Named(entry.store)));
        }
        for entry in &file.channel {
            let receive = Keeping::Receive(entry.channel, entry.event, entry.field);
            all.push((&entry.sends, Keeping::Send(entry.channel)));
            all.push((&entry.receives, receive));
        }
        for (names, keeping) in all {
            for name in names {
                self.entry(family, name).keeps = Some(keeping);
            }
        }
    }

    fn add_sources(&mut self, family: &'static str, file: &file::ModelFile<'static>) {
        for source in &file.source {
            let mut cleans = CategorySet::NONE;
            if let Some(harms) = &source.categories {
                cleans = CategorySet::of(harms).complement();
                // What harms a page came with a request, from somebody else.
                if harms.contains(&Category::CrossSiteScripting) {
                    cleans = cleans.intersection(CategorySet::INDIRECT.complement());
                }
            }
            if source.is_text {
                cleans = cleans.union(CategorySet::DOCUMENT);
            }
            for name in &source.names {
                let known = self.entry(family, name);
                known.source = Some(source.text.clone());
                known.source_cleans = cleans;
                known.begins.clone_from(&source.begins);
            }
        }
    }

    fn add_routes(&mut self, family: &'static str, file: &file::ModelFile<'static>) {
        for entry in &file.route {
            for name in &entry.names {
                let known = self.entry(family, name);
                known.route |= !entry.no_input;
                known.returns_markup |= entry.returns_markup;
            }
        }
        for entry in &file.template {
            for name in &entry.names {
                self.entry(family, name).template = Some((entry.argument, entry.inline));
            }
        }
        for entry in &file.handler {
            for name in &entry.names {
                self.entry(family, name).handlers =
                    entry.methods.iter().map(|name| (*name).to_owned()).collect();
            }
        }
        for entry in &file.variant {
            let place = self.make(family, entry.kind);
            for name in &entry.names {
                self.entry(family, name).variant = Some((entry.keyword.clone(), place));
            }
        }
    }

    fn add_sink(&mut self, family: &'static str, entry: &file::SinkEntry<'static>) {
        for name in &entry.names {
            let last = name.rsplit('.').next().unwrap_or(name).trim_end_matches("()");
            if !last.is_empty() {
                self.words.push(last);
            }
            let sink = Sink {
                category: entry.category,
                argument: entry.argument.clone(),
                keyword: entry.keyword.clone(),
                context: entry.context,
                when: entry.when.clone(),
            };
            self.entry(family, name).sinks.push(sink);
        }
    }
}

/// Splits `pg.Pool().query` into `pg`, `Pool`, `()`, `query`.
pub(crate) fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('.').filter(|part| !part.is_empty()).flat_map(|part| {
        let mut name = part;
        while let Some(called) = name.strip_suffix("()") {
            name = called;
        }
        let calls = (part.len() - name.len()) / 2;
        let name = Some(name).filter(|name| !name.is_empty());
        name.into_iter().chain(std::iter::repeat_n("()", calls))
    })
}

#[cfg(test)]
mod tests;
