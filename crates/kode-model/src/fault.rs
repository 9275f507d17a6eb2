//! What a server's error means: one reading for the forms of OpenAI, Anthropic,
//! Ollama, llama.cpp, vLLM and gateways in front of them.
//!
//! Server text is shortened and escaped before it enters a message, and a key
//! that a server repeats is masked.

use std::time::Duration;

use kode_base::escape::escape_line;
use serde_json::Value;

use crate::ProviderErrorKind::{self, *};
use crate::endpoint::KEY_HINT;
use crate::{ProviderError, retry};

/// Most characters of server text in a message.
const SHOWN_CHARS_MAX: usize = 400;

/// A failed attempt and whether another may help.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: ProviderError,
    pub(crate) retry: Retry,
}

/// Whether to send the request again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// It would fail again.
    Never,
    /// It may pass; the server may have asked for a wait.
    After(Option<Duration>),
    /// It would pass without native tool calls.
    WithoutNativeTools,
}

impl From<ProviderError> for Failure {
    fn from(error: ProviderError) -> Self {
        Self { error, retry: Retry::Never }
    }
}

impl Failure {
    pub(crate) fn transient(error: ProviderError) -> Self {
        Self { error, retry: Retry::After(None) }
    }
}

/// What a server said about a failure, whatever form it used.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    /// HTTP status; 200 for an error inside a stream.
    pub(crate) status: u16,
    /// Codes and types, lower case, space separated.
    labels: String,
    message: String,
    /// The wait the server asks for.
    pub(crate) asked: Option<Duration>,
}

/// Words that tell what a fault is, with the kind they mean. The first entry
/// whose words occur in labels or message (lower case) decides. Sources: the
/// providers' published error references and the texts their servers send.
const SIGNS: &[(ProviderErrorKind, &[&str])] = &[
    (
        ContextWindow,
        &[
            "context_length_exceeded",
            "exceed_context_size_error",
            "model_context_window_exceeded",
            "request_too_large",
            "maximum context length",
            "prompt is too long",
            "context window",
            "available context size",
            "reduce the length of the messages",
            "input length and `max_tokens` exceed context limit",
            "longer than the maximum model length",
            "exceeds the maximum number of tokens",
            "greater than the context length",
            "exceeded max context length",
            "maximum prompt length",
            "input is too long",
            // A request over the account's tokens per minute: waiting never helps.
            "request too large for",
        ],
    ),
    (
        UnknownModel,
        &[
            "model_not_found",
            "unknown_model",
            "model not found",
            "no such model",
            "invalid model",
            "unknown model",
        ],
    ),
    (
        Authentication,
        &[
            "invalid_api_key",
            "authentication_error",
            "permission_error",
            "incorrect api key",
            "invalid x-api-key",
        ],
    ),
    (RateLimited, &["insufficient_quota", "credit balance", "billing", "rate_limit"]),
    (Overloaded, &["overloaded"]),
];

/// Words of faults that waiting does not mend.
const NOT_MENDED_BY_WAITING: &[&str] = &["insufficient_quota", "credit balance", "billing"];

/// Words with which servers say that they have no native tool calls.
const NO_NATIVE_TOOLS: &[&str] = &[
    "does not support tools",
    "tools param requires --jinja",
    "tool choice requires",
    "tool use is not supported",
    "tools are not supported",
];

impl Fault {
    /// Reads the body of an HTTP response that is not a success.
    pub(crate) fn of_body(status: u16, asked: Option<Duration>, body: &str) -> Self {
        let asked = asked.or_else(|| retry::asked_in_body(body));
        let mut fault = match serde_json::from_str::<Value>(body) {
            Ok(value) => Self::of_json(&value),
            Err(_) => Self { message: plain(body), ..Self::default() },
        };
        fault.status = status;
        fault.asked = asked;
        fault
    }

    /// Reads an error object from a stream or a body.
    pub(crate) fn of_json(value: &Value) -> Self {
        let value = value.get(0).unwrap_or(value);
        let error = value.get("error").filter(|error| !error.is_null()).unwrap_or(value);
        if let Some(message) = error.as_str() {
            return Self { status: 200, message: message.to_owned(), ..Self::default() };
        }
        let label = |name: &str| match error.get(name) {
            Some(Value::String(text)) => text.to_lowercase(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let labels = format!("{} {}", label("code"), label("type"));
        let message = ["message", "detail"].iter().find_map(|name| error.get(*name));
        let message = match message {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => error.to_string(),
        };
        let asked =
            retry::asked_in_body(&error.to_string()).or_else(|| retry::asked_in_body(&message));
        Self { status: 200, labels, message, asked }
    }

    fn says(&self, words: &[&str]) -> bool {
        let message = self.message.to_lowercase();
        words.iter().any(|word| self.labels.contains(word) || message.contains(word))
    }

    fn kind(&self) -> ProviderErrorKind {
        let sign = SIGNS.iter().find(|(_, words)| self.says(words)).map(|(kind, _)| *kind);
        let message = self.message.to_lowercase();
        let missing = self.status == 404
            || ["not found", "does not exist"].iter().any(|word| message.contains(word));
        let missing_model = missing && message.contains("model");
        match (sign, self.status) {
            (Some(kind), _) => kind,
            (None, 401 | 403) => Authentication,
            (None, 402 | 429) => RateLimited,
            (None, 200 | 400 | 404) if missing_model => UnknownModel,
            (None, 404) if self.labels.contains("not_found_error") => UnknownModel,
            (None, 404 | 405) => Configuration,
            (None, 413) => ContextWindow,
            (None, 503 | 529) => Overloaded,
            (None, _) => Server,
        }
    }

    fn retry(&self, kind: ProviderErrorKind) -> Retry {
        if self.says(NO_NATIVE_TOOLS) {
            return Retry::WithoutNativeTools;
        }
        let label_is_transient =
            ["server_error", "api_error", "internal_server_error", "timeout_error"]
                .iter()
                .any(|label| self.labels.split(' ').any(|own| own == *label));
        let transient = match kind {
            RateLimited => self.status != 402 && !self.says(NOT_MENDED_BY_WAITING),
            Overloaded => true,
            Server => {
                matches!(self.status, 408 | 409 | 425 | 500 | 502..=504 | 520..=529)
                    || self.status == 200 && label_is_transient
            }
            _ => false,
        };
        if transient { Retry::After(self.asked) } else { Retry::Never }
    }

    /// The failure this fault is, for a request to `server` about `model`.
    pub(crate) fn into_failure(self, server: &str, model: &str, key: Option<&str>) -> Failure {
        let kind = self.kind();
        let said = shown(&self.message, key);
        let status = if self.status == 200 { String::new() } else { format!(" ({})", self.status) };
        let message = match kind {
            Authentication if key.is_none() => {
                format!("{server} needs an API key and none is set{status}: {said}")
            }
            Authentication if self.status == 403 => {
                format!("{server} refused access{status}: {said}")
            }
            Authentication => format!("{server} refused the API key{status}: {said}"),
            UnknownModel => {
                format!("{server} has no model `{}`{status}: {said}", escape_line(model))
            }
            RateLimited => format!("{server} limits your requests{status}: {said}"),
            Overloaded => format!("{server} is overloaded{status}: {said}"),
            ContextWindow => format!("the conversation is too long for the model{status}: {said}"),
            _ => format!("{server} answered with an error{status}: {said}"),
        };
        let retry = self.retry(kind);
        let mut error = ProviderError::new(kind, message);
        error.hint = self.hint(kind);
        Failure { error, retry }
    }

    fn hint(&self, kind: ProviderErrorKind) -> Option<String> {
        let hint = match kind {
            Authentication => KEY_HINT,
            UnknownModel => {
                "choose one the server lists with --model; a local server must load or pull it first"
            }
            RateLimited if self.says(NOT_MENDED_BY_WAITING) || self.status == 402 => {
                "the account has no quota left: check its billing page"
            }
            RateLimited | Overloaded => "wait a while and run `kode continue`",
            Configuration => {
                "check the base URL: for OpenAI and local servers it usually ends in /v1"
            }
            ContextWindow => {
                "start a new session, or use a model or server setting with a larger window"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// Server text fit for a message: one escaped line, the key masked.
pub(crate) fn shown(text: &str, key: Option<&str>) -> String {
    let masked = match key.filter(|key| !key.is_empty()) {
        Some(key) => text.replace(key, "****"),
        None => text.to_owned(),
    };
    let words = masked.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = words.chars().take(SHOWN_CHARS_MAX).collect();
    if short.len() < words.len() {
        short.push('…');
    }
    if short.is_empty() { "no details".to_owned() } else { escape_line(&short) }
}

/// A body that is no JSON; of a web page only the fact.
fn plain(body: &str) -> String {
    let start = body.trim_start().get(..15).unwrap_or_default().to_ascii_lowercase();
    if start.starts_with("<!doctype") || start.starts_with("<html") {
        return "a web page instead of an API answer".to_owned();
    }
    body.trim().to_owned()
}

#[cfg(test)]
mod tests;
