//! Model providers: wire protocols, streaming, retry, token accounting and the
//! scripted model. The only crate with provider HTTP.
//!
//! [`connect`] turns a [`ProviderChoice`] into a [`Provider`]. An answer that
//! broke off is an error, so no half-received tool call ever leaves this crate.

mod anthropic;
mod connect;
mod conversation;
mod endpoint;
mod error;
mod fault;
mod guess;
mod message;
mod openai;
mod options;
mod probe;
mod provider;
mod retry;
mod scripted;
mod server;
pub mod sse;
mod stream;
mod tokens;
mod transport;

pub use anthropic::{ANTHROPIC_BASE_URL, Anthropic, AnthropicSettings};
pub use connect::{ProviderChoice, ProviderKind, connect, connect_with};
pub use error::{ProviderError, ProviderErrorKind};
pub use guess::{Guess, guess_provider};
pub use message::{Message, Request, ToolCall, ToolSpec};
pub use openai::{OPENAI_BASE_URL, OpenAi, OpenAiSettings};
pub use options::{Options, ToolCalls};
pub use probe::{ServerFacts, ServerSoftware};
pub use provider::{Progress, Provider, Reply, StopReason};
pub use retry::RetryPolicy;
pub use scripted::Scripted;
pub use tokens::estimate_tokens;
pub use transport::Patience;
