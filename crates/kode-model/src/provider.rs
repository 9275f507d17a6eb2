//! What a model provider is to the rest of kode: something that answers one
//! turn, streams its text and can be interrupted. Nothing here does I/O.

use std::time::Duration;

use kode_base::{Interrupt, Untrusted, Usage};
use serde::{Deserialize, Serialize};

use crate::{ProviderError, Request, ServerFacts, ToolCall};

/// Why the model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// It said all it wanted to say.
    EndOfTurn,
    /// It waits for the results of [`Reply::calls`].
    ToolCalls,
    /// Output limit: no call of this turn may run, so [`Reply::calls`] is empty.
    Length,
    /// The model declined; [`Reply::calls`] is empty.
    Refusal,
    /// The provider's filter cut the answer; [`Reply::calls`] is empty.
    ContentFilter,
}

/// One complete answer. An answer that broke off is an error instead, so every
/// call in here was received whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// All text of the turn.
    pub text: Untrusted<String>,
    /// Calls to run, in the order given; empty unless `stop` is
    /// [`StopReason::ToolCalls`].
    pub calls: Vec<ToolCall>,
    /// Why the turn ended.
    pub stop: StopReason,
    /// Tokens, as the provider reports them; zero when it doesn't.
    pub usage: Usage,
    /// To be kept as the `opaque` of [`crate::Message::Assistant`].
    pub opaque: Vec<String>,
}

/// What happens while an answer is under way.
pub enum Progress<'a> {
    /// The next piece of text.
    Text(Untrusted<&'a str>),
    /// Nothing was received yet and the request is sent again.
    Retrying {
        /// How long kode waits first.
        after: Duration,
        /// kode's own words, without text from the server.
        why: &'a str,
    },
}

/// A model that can be asked for one turn. Blocking; polls `interrupt` at least
/// every 50 ms.
pub trait Provider: Send {
    /// `openai`, `anthropic` or `scripted`.
    fn name(&self) -> &'static str;

    /// The model's name.
    fn model(&self) -> &str;

    /// Answers come from the built-in scripted model.
    fn scripted(&self) -> bool {
        false
    }

    /// What the server tells about itself and the model. Asks it once, later
    /// calls are answered from memory.
    ///
    /// # Errors
    /// When the server can't be reached or refuses the key.
    fn facts(&mut self, _interrupt: &Interrupt) -> Result<ServerFacts, ProviderError> {
        Ok(ServerFacts::default())
    }

    /// Asks for the next turn.
    ///
    /// # Errors
    /// When no complete answer was received; what was streamed before is then
    /// void, and no call of it may run.
    fn respond(
        &mut self,
        request: &Request<'_>,
        interrupt: &Interrupt,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Reply, ProviderError>;
}
