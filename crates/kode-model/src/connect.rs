//! The single entry: from a choice of provider to something that answers.

use kode_base::Secret;

use crate::openai::OPENAI_BASE_URL;
use crate::{
    ANTHROPIC_BASE_URL, Anthropic, AnthropicSettings, OpenAi, OpenAiSettings, Options, Provider,
    ProviderError, Scripted,
};

/// Which protocol is spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderKind {
    /// OpenAI Chat Completions, and every server that speaks it.
    OpenAi,
    /// Anthropic Messages.
    Anthropic,
    /// The built-in scripted model.
    Scripted {
        /// The script's YAML text; see `docs/scripted-model.md`.
        script: String,
    },
}

/// Everything needed to reach a model.
#[derive(Debug)]
pub struct ProviderChoice {
    /// The protocol.
    pub kind: ProviderKind,
    /// What stands before `/chat/completions` or `/v1/messages`; the provider's
    /// own address when absent.
    pub base_url: Option<String>,
    /// Model name; the script's own name wins for the scripted model.
    pub model: String,
    /// The key, if there is one.
    pub api_key: Option<Secret>,
}

/// Makes the chosen provider with default [`Options`]. Nothing is sent and
/// nothing heavy built before the first request.
///
/// # Errors
/// When the choice can't work: an unusable base URL, a missing key, a key that
/// would travel unprotected, a script with mistakes.
pub fn connect(choice: ProviderChoice) -> Result<Box<dyn Provider>, ProviderError> {
    connect_with(choice, Options::default())
}

/// As [`connect`], with limits and waits of the caller's.
///
/// # Errors
/// As [`connect`].
pub fn connect_with(
    choice: ProviderChoice,
    options: Options,
) -> Result<Box<dyn Provider>, ProviderError> {
    let ProviderChoice { kind, base_url, model, api_key } = choice;
    match kind {
        ProviderKind::OpenAi => {
            let base_url = base_url.unwrap_or_else(|| OPENAI_BASE_URL.to_owned());
            OpenAi::new(OpenAiSettings { base_url, model, api_key, options })
        }
        ProviderKind::Anthropic => {
            let base_url = base_url.unwrap_or_else(|| ANTHROPIC_BASE_URL.to_owned());
            Anthropic::new(AnthropicSettings { base_url, model, api_key, options })
        }
        ProviderKind::Scripted { script } => Ok(Box::new(Scripted::from_yaml(&script)?)),
    }
}
