//! The form of a model file.

use serde::Deserialize;

use super::handing::HandingEntry;
use super::keeping::{ChannelEntry, KeyedEntry, StoreEntry};
use crate::category::Category;
use crate::tables;

/// The built-in model files, with their names.
pub(crate) const SOURCES: &[(&str, &str)] = &[
    ("javascript-server", include_str!("../../models/javascript-server.toml")),
    ("javascript-browser", include_str!("../../models/javascript-browser.toml")),
    ("python", include_str!("../../models/python.toml")),
    ("go", include_str!("../../models/go.toml")),
    ("java", include_str!("../../models/java.toml")),
];

/// A model file: one language family's knowledge of some frameworks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelFile<'t> {
    pub(crate) language: &'t str,
    #[serde(default, borrow)]
    pub(crate) is: Vec<AliasEntry<'t>>,
    #[serde(default, borrow)]
    pub(crate) source: Vec<SourceEntry<'t>>,
    #[serde(default, borrow)]
    pub(crate) sink: Vec<SinkEntry<'t>>,
    #[serde(default, borrow)]
    pub(crate) clean: Vec<CleanEntry<'t>>,
    #[serde(default, borrow)]
    pub(crate) guard: Vec<CleanEntry<'t>>,
    #[serde(default, borrow)]
    pub(crate) callback: Vec<CallbackEntry<'t>>,
    #[serde(default, borrow)]
    pub(crate) route: Vec<RouteEntry<'t>>,
    #[serde(default, borrow)]
    pub(crate) template: Vec<TemplateEntry<'t>>,
    #[serde(default, borrow)]
    pub(crate) handler: Vec<HandlerEntry<'t>>,
    #[serde(default, borrow)]
    pub(crate) variant: Vec<VariantEntry<'t>>,
    #[serde(borrow)]
    pub(crate) identity: Option<Names<'t>>,
    /// Gives what its first argument stands for, such as a URL's `%2e`.
    #[serde(borrow)]
    pub(crate) decodes: Option<Names<'t>>,
    /// Does not return unless its first argument is true.
    #[serde(borrow)]
    pub(crate) asserts: Option<Names<'t>>,
    #[serde(borrow)]
    pub(crate) opaque: Option<Names<'t>>,
    #[serde(borrow)]
    pub(crate) normalizes: Option<Names<'t>>,
    #[serde(borrow)]
    pub(crate) content_type: Option<Names<'t>>,
    #[serde(borrow)]
    pub(crate) stops: Option<Names<'t>>,
    #[serde(borrow)]
    pub(crate) carries: Option<Names<'t>>,
    #[serde(default, borrow)]
    pub(crate) fill: Vec<FillEntry<'t>>,
    #[serde(default, borrow)]
    pub(crate) hand: Vec<HandingEntry<'t>>,
    #[serde(default, borrow)]
    pub(crate) store: Vec<StoreEntry<'t>>,
    #[serde(default, borrow)]
    pub(crate) keyed: Vec<KeyedEntry<'t>>,
    #[serde(default, borrow)]
    pub(crate) channel: Vec<ChannelEntry<'t>>,
    /// Called with a route's text and its function, as Django's `path`.
    #[serde(borrow)]
    pub(crate) routes_to: Option<Names<'t>>,
    /// Gives what the function it is handed gives.
    #[serde(borrow)]
    pub(crate) calls: Option<Names<'t>>,
    /// Gives the module that its first argument names.
    #[serde(borrow)]
    pub(crate) loads: Option<Names<'t>>,
    /// Gives a component's state and its setter.
    #[serde(borrow)]
    pub(crate) state: Option<Names<'t>>,
}

/// A list of canonical names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Names<'t> {
    #[serde(borrow)]
    pub(crate) names: Vec<&'t str>,
}

/// These names are values of that kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AliasEntry<'t> {
    pub(crate) kind: &'t str,
    #[serde(borrow)]
    pub(crate) names: Vec<&'t str>,
}

/// Where input enters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceEntry<'t> {
    pub(crate) text: String,
    #[serde(borrow)]
    pub(crate) names: Vec<&'t str>,
    /// What the input surely begins with: a request's URI with `/`.
    pub(crate) begins: Option<String>,
    /// Text, never an object.
    #[serde(default)]
    pub(crate) is_text: bool,
    /// What it harms; everything where nothing is named.
    pub(crate) categories: Option<Vec<Category>>,
}

/// Where input does harm. `bad` must be reported, `good` must not.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SinkEntry<'t> {
    pub(crate) category: Category,
    #[serde(borrow)]
    pub(crate) names: Vec<&'t str>,
    #[serde(default)]
    pub(crate) argument: ArgumentChoice,
    pub(crate) keyword: Option<String>,
    #[serde(default)]
    pub(crate) context: Context,
    pub(crate) when: Option<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "examples that the tests run"))]
    #[serde(default)]
    pub(crate) bad: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "examples that the tests run"))]
    #[serde(default)]
    pub(crate) good: String,
}

/// What these read is put into an argument; input where `text` says so.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FillEntry<'t> {
    #[serde(borrow)]
    pub(crate) names: Vec<&'t str>,
    #[serde(default)]
    pub(crate) argument: usize,
    pub(crate) text: Option<String>,
}

/// What makes a value harmless; all categories where none are named.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CleanEntry<'t> {
    #[serde(borrow)]
    pub(crate) names: Vec<&'t str>,
    pub(crate) categories: Option<Vec<Category>>,
}

/// What functions handed to these are called with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallbackEntry<'t> {
    #[serde(borrow)]
    pub(crate) names: Vec<&'t str>,
    #[serde(borrow)]
    pub(crate) parameters: Vec<&'t str>,
    /// Only when the first argument is this text: the event listened to.
    pub(crate) event: Option<String>,
}

/// Decorators that make a function answer requests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RouteEntry<'t> {
    #[serde(borrow)]
    pub(crate) names: Vec<&'t str>,
    #[serde(default)]
    pub(crate) returns_markup: bool,
    /// Its parameters are none of the request's.
    #[serde(default)]
    pub(crate) no_input: bool,
}

/// Methods of classes derived from these answer requests: their parameters are input.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HandlerEntry<'t> {
    #[serde(borrow)]
    pub(crate) names: Vec<&'t str>,
    #[serde(borrow)]
    pub(crate) methods: Vec<&'t str>,
}

/// These fill a template: named by the argument at this position, or given there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TemplateEntry<'t> {
    #[serde(borrow)]
    pub(crate) names: Vec<&'t str>,
    pub(crate) argument: usize,
    #[serde(default)]
    pub(crate) inline: bool,
}

/// Called with this keyword argument on, these give a value of another kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VariantEntry<'t> {
    #[serde(borrow)]
    pub(crate) names: Vec<&'t str>,
    pub(crate) keyword: String,
    pub(crate) kind: &'t str,
}

/// Which argument is dangerous.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum ArgumentChoice {
    /// The one at this position.
    At(usize),
    /// `"all"`, `"receiver"`, `"value"` (what is assigned), `"call"` (no argument matters),
    /// `"from-1"` (all from that position), `"list"` and `"list-from-1"` (all as one
    /// argument list), `"location"` (that field of an object), `"keyword-only"`, `"properties"` (markup among an element's).
    Named(String),
}

impl Default for ArgumentChoice {
    fn default() -> Self {
        Self::At(0)
    }
}

/// How a sink reads its argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Context {
    /// Text that is interpreted: SQL, HTML, a shell line, a path.
    #[default]
    Text,
    /// A program and its arguments; only the program, or a shell's script, matters.
    Argv,
    /// A URL that the browser is sent to.
    Url,
    /// Text that is markup only when it is no object (which would be sent as JSON).
    Body,
    /// The dangerous part is under a key of the argument: `__html`, `sql`, `text`.
    Options,
    /// An object whose parts are filled into a template.
    Parts,
    /// A view's name: `redirect:` sends the browser to the rest.
    View,
    /// The call itself is the finding.
    Call,
    /// Markup only when it may begin with `<`: jQuery's `$(…)`.
    Selector,
    /// A database query as an object, whose values may be operators.
    Document,
}

/// Parses a model file.
pub(crate) fn parse(text: &str) -> Result<ModelFile<'_>, tables::Error> {
    tables::read(text)
}
