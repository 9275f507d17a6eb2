//! Limits and waits of a provider, with defaults that fit hosted and local
//! servers.

use crate::retry::RetryPolicy;
use crate::transport::Patience;

/// How a provider is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Most tokens of one answer. Without it the server's default holds, or,
    /// where the protocol demands a number, a table by model.
    pub output_tokens_max: Option<u32>,
    /// Tokens the model may think before it answers, where the protocol can
    /// ask for thinking; `None` doesn't ask.
    pub thinking_tokens: Option<u32>,
    /// How the model asks for tools.
    pub tool_calls: ToolCalls,
    /// When a request is sent again.
    pub retry: RetryPolicy,
    /// How long to wait for a server.
    pub patience: Patience,
}

/// How the model asks for tools.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ToolCalls {
    /// Natively, unless the server says that it can't.
    #[default]
    Auto,
    /// Natively in any case.
    Native,
    /// By JSON actions under a schema (Chat Completions only).
    JsonActions,
}
