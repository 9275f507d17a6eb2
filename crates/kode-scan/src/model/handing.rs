//! What functions do with functions they are handed: which of their arguments is one,
//! what it is called with, and what then comes of it. The entries are in `models/*.toml`.

use serde::Deserialize;

/// An entry as it is written down. `bad` must be reported, `good` must not.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HandingEntry<'t> {
    /// Names of methods or functions, whatever they belong to.
    #[serde(borrow)]
    pub(crate) names: Vec<&'t str>,
    /// The position of the function that is handed over.
    #[serde(default)]
    pub(crate) function: usize,
    /// Its name, where it is handed over by name.
    #[serde(borrow)]
    pub(crate) keyword: Option<&'t str>,
    /// What it is called with, in the words of [`Part`].
    #[serde(default, borrow)]
    pub(crate) parameters: Vec<&'t str>,
    #[serde(default)]
    pub(crate) gives: Gives,
    #[cfg_attr(not(test), expect(dead_code, reason = "examples that the tests run"))]
    #[serde(default)]
    pub(crate) bad: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "examples that the tests run"))]
    #[serde(default)]
    pub(crate) good: String,
}

/// What a call that is handed a function gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Gives {
    /// Nothing of use: the function runs by itself.
    #[default]
    Nothing,
    /// What the function gives, now or as a promise.
    Result,
    /// A collection of what it gives.
    List,
    /// What the method was called on.
    Receiver,
    /// That, or what the function gives in its place.
    Otherwise,
    /// The function itself, to be called later.
    Function,
    /// What the function gives, having been handed what it gave before.
    Folded,
    /// A function that calls all that it is handed, each with what the one before gave.
    Composed,
    /// The same, the last first.
    ComposedBack,
    /// What the function lets through, or whether it lets something through.
    Asked,
}

/// One of the things that a function is called with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// `it`: what the method was called on.
    Receiver,
    /// `element`: an element of that.
    Element,
    /// `2`: an argument.
    At(usize),
    /// `2..`: all arguments from a position on.
    From(usize),
    /// `each 1`: an element of an argument.
    Each(usize),
    /// `each 1..`: an element of each argument from a position on.
    EachFrom(usize),
    /// `items 1 args`: the elements of an argument, by position or name.
    Items(usize, &'static str),
    /// `spread 1`: the parts of any element of an argument.
    Spread(usize),
    /// `named 4 kwargs`: the entries of an argument, by their names.
    Named(usize, &'static str),
    /// `rejected`: what the promise that a method is called on is rejected with.
    Rejected,
    /// `number`: nothing but a number.
    Number,
}

/// One way of handing a function on.
#[derive(Debug, Clone)]
pub(crate) struct Handing {
    pub(crate) function: usize,
    pub(crate) keyword: Option<&'static str>,
    pub(crate) parameters: Vec<Part>,
    pub(crate) gives: Gives,
}

impl Handing {
    /// The entry with its parameters understood; a test proves that all of them are.
    pub(super) fn of(entry: &HandingEntry<'static>) -> Self {
        Self {
            function: entry.function,
            keyword: entry.keyword,
            parameters: entry.parameters.iter().filter_map(|part| Part::of(part)).collect(),
            gives: entry.gives,
        }
    }
}

impl Part {
    /// The part that words stand for.
    pub(super) fn of(text: &'static str) -> Option<Self> {
        let mut words = text.split(' ');
        let (kind, at, name) = (words.next()?, words.next(), words.next());
        let number = |text: Option<&str>| text?.parse::<usize>().ok();
        let from = |text: &str| number(text.strip_suffix(".."));
        Some(match (kind, at, name) {
            ("it", None, None) => Self::Receiver,
            ("element", None, None) => Self::Element,
            ("rejected", None, None) => Self::Rejected,
            ("number", None, None) => Self::Number,
            (only, None, None) => match from(only) {
                Some(at) => Self::From(at),
                None => Self::At(number(Some(only))?),
            },
            ("each", Some(at), None) => match from(at) {
                Some(at) => Self::EachFrom(at),
                None => Self::Each(number(Some(at))?),
            },
            ("spread", at, None) => Self::Spread(number(at)?),
            ("items", at, Some(name)) => Self::Items(number(at)?, name),
            ("named", at, Some(name)) => Self::Named(number(at)?, name),
            _ => return None,
        })
    }
}
