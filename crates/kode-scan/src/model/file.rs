//! The form of a model file.

use serde::Deserialize;

use crate::category::Category;

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
pub(crate) struct ModelFile {
    pub(crate) language: String,
    #[serde(default)]
    pub(crate) is: Vec<AliasEntry>,
    #[serde(default)]
    pub(crate) source: Vec<SourceEntry>,
    #[serde(default)]
    pub(crate) sink: Vec<SinkEntry>,
    #[serde(default)]
    pub(crate) clean: Vec<CleanEntry>,
    #[serde(default)]
    pub(crate) guard: Vec<CleanEntry>,
    #[serde(default)]
    pub(crate) callback: Vec<CallbackEntry>,
    #[serde(default)]
    pub(crate) route: Vec<RouteEntry>,
    #[serde(default)]
    pub(crate) template: Vec<TemplateEntry>,
    #[serde(default)]
    pub(crate) handler: Vec<HandlerEntry>,
    #[serde(default)]
    pub(crate) variant: Vec<VariantEntry>,
    pub(crate) identity: Option<Names>,
    pub(crate) opaque: Option<Names>,
    pub(crate) normalizes: Option<Names>,
    pub(crate) content_type: Option<Names>,
    pub(crate) stops: Option<Names>,
    pub(crate) carries: Option<Names>,
    #[serde(default)]
    pub(crate) fill: Vec<FillEntry>,
    /// Called with a route's text and its function, as Django's `path`.
    pub(crate) routes_to: Option<Names>,
    /// Gives what the function it is handed gives.
    pub(crate) calls: Option<Names>,
    /// Gives a component's state and its setter.
    pub(crate) state: Option<Names>,
}

/// A list of canonical names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Names {
    pub(crate) names: Vec<String>,
}

/// These names are values of that kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AliasEntry {
    pub(crate) kind: String,
    pub(crate) names: Vec<String>,
}

/// Where input enters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceEntry {
    pub(crate) text: String,
    pub(crate) names: Vec<String>,
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
pub(crate) struct SinkEntry {
    pub(crate) category: Category,
    pub(crate) names: Vec<String>,
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
pub(crate) struct FillEntry {
    pub(crate) names: Vec<String>,
    #[serde(default)]
    pub(crate) argument: usize,
    pub(crate) text: Option<String>,
}

/// What makes a value harmless; all categories where none are named.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CleanEntry {
    pub(crate) names: Vec<String>,
    pub(crate) categories: Option<Vec<Category>>,
}

/// What functions handed to these are called with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallbackEntry {
    pub(crate) names: Vec<String>,
    pub(crate) parameters: Vec<String>,
    /// Only when the first argument is this text: the event listened to.
    pub(crate) event: Option<String>,
}

/// Decorators that make a function answer requests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RouteEntry {
    pub(crate) names: Vec<String>,
    #[serde(default)]
    pub(crate) returns_markup: bool,
    /// Its parameters are none of the request's.
    #[serde(default)]
    pub(crate) no_input: bool,
}

/// Methods of classes derived from these answer requests: their parameters are input.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HandlerEntry {
    pub(crate) names: Vec<String>,
    pub(crate) methods: Vec<String>,
}

/// These fill a template: named by the argument at this position, or given there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TemplateEntry {
    pub(crate) names: Vec<String>,
    pub(crate) argument: usize,
    #[serde(default)]
    pub(crate) inline: bool,
}

/// Called with this keyword argument on, these give a value of another kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VariantEntry {
    pub(crate) names: Vec<String>,
    pub(crate) keyword: String,
    pub(crate) kind: String,
}

/// Which argument is dangerous.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum ArgumentChoice {
    /// The one at this position.
    At(usize),
    /// `"all"`, `"receiver"`, `"value"` (what is assigned), `"call"` (no argument matters),
    /// `"from-1"` (all from that position), `"list"` and `"list-from-1"` (all as one
    /// argument list), `"location"` (that field of an object), `"properties"` (markup among an element's).
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
pub(crate) fn parse(text: &str) -> Result<ModelFile, toml::de::Error> {
    toml::from_str(text)
}
