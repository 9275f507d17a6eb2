//! Model providers: wire protocols, streaming, retry, token accounting and the
//! scripted model. The only crate with provider HTTP.

#![allow(missing_docs, clippy::todo, reason = "interface sketch, being built")]

use kode_base::{Interrupt, ModelVisible, Untrusted, Usage};
use serde::{Deserialize, Serialize};

/// One message of the conversation, built only from typed fragments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Message {
    /// kode's own safety rules and role text, then project context under its header.
    System {
        text: String,
    },
    /// What the user typed.
    User {
        text: String,
    },
    /// Data handed over in the user's turn (piped input, attached files, gate findings): wrapped.
    Data {
        content: ModelVisible,
    },
    Assistant {
        text: Untrusted<String>,
        calls: Vec<ToolCall>,
        /** Provider blocks replayed byte for byte (thinking + signatures). */
        #[serde(default)]
        opaque: Vec<String>,
    },
    Tool {
        call: String,
        content: ModelVisible,
    },
}
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    pub id: String,
    pub name: Untrusted<String>,
    /** Exactly as received; may be invalid JSON. */
    pub arguments: Untrusted<String>,
}
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolSpec {
    pub name: String,
    pub description: String,
    /** JSON Schema. */
    pub parameters: serde_json::Value,
}
#[derive(Debug, Clone)]
pub struct Request<'a> {
    pub messages: &'a [Message],
    pub tools: &'a [ToolSpec],
}
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    EndOfTurn,
    ToolCalls,
    /** Output limit: no call of this turn may run. */
    Length,
    Refusal,
    ContentFilter,
}
#[derive(Debug, Clone)]
pub struct Reply {
    pub text: Untrusted<String>,
    pub calls: Vec<ToolCall>,
    pub stop: StopReason,
    pub usage: Usage,
    pub opaque: Vec<String>,
}
pub enum Progress<'a> {
    Text(Untrusted<&'a str>),
    Retrying { after: std::time::Duration, why: &'a str },
}

/// A model that can be asked for one turn. Blocking; polls `interrupt`.
pub trait Provider: Send {
    /// `openai`, `anthropic` or `scripted`.
    fn name(&self) -> &'static str;
    fn model(&self) -> &str;
    /// Answers come from the built-in scripted model.
    fn scripted(&self) -> bool {
        false
    }
    fn respond(
        &mut self,
        request: &Request<'_>,
        interrupt: &Interrupt,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Reply, ProviderError>;
}
#[derive(Debug, thiserror::Error)]
#[error("{message}{}", hint.as_deref().map(|h| format!("\nhint: {h}")).unwrap_or_default())]
pub struct ProviderError {
    pub kind: ProviderErrorKind,
    pub message: String,
    pub hint: Option<String>,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderErrorKind {
    Connection,
    Authentication,
    UnknownModel,
    RateLimited,
    Overloaded,
    ContextWindow,
    Protocol,
    Server,
    Configuration,
    Interrupted,
}
