//! The one error of this crate: a sentence for the user, a kind for the exit
//! code and the agent's next step, and often a hint.
//!
//! Text from a server appears in it only shortened and escaped.

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", hint.as_deref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default())]
pub struct ProviderError {
    /// What to do about it, for code.
    pub kind: ProviderErrorKind,
    /// What happened, for people.
    pub message: String,
    /// The remedy, for people.
    pub hint: Option<String>,
}

/// The kinds of failure a caller tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderErrorKind {
    /// The server can't be reached, went silent or hung up.
    Connection,
    /// No key, a wrong key or no permission.
    Authentication,
    /// The server doesn't have this model.
    UnknownModel,
    /// Too many requests or no quota left.
    RateLimited,
    /// The provider is overloaded.
    Overloaded,
    /// The conversation doesn't fit the model's window: compact and ask again.
    ContextWindow,
    /// The server doesn't speak the protocol, or an answer broke off.
    Protocol,
    /// The server failed (5xx) or rejected the request.
    Server,
    /// Base URL, key or script can't be used as configured.
    Configuration,
    /// The user interrupted.
    Interrupted,
}

impl ProviderError {
    /// An error without a hint.
    pub fn new(kind: ProviderErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// The same error with the remedy `hint`.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn interrupted() -> Self {
        Self::new(ProviderErrorKind::Interrupted, "interrupted while waiting for the model")
    }

    pub(crate) fn protocol(message: impl Into<String>) -> Self {
        Self::new(ProviderErrorKind::Protocol, message)
    }
}
