//! Anthropic Messages, as spoken by Anthropic and by local servers that offer
//! the same endpoint.

mod assemble;
mod request;

use kode_base::escape::escape_line;
use kode_base::{Interrupt, Secret};

use crate::conversation::CallIds;
use crate::server::{Server, Wiring};
use crate::stream::NoReply;
use crate::{
    Options, Progress, Provider, ProviderError, ProviderErrorKind, ProviderKind, Reply, Request,
    ServerFacts,
};

/// Where Anthropic itself answers.
pub const ANTHROPIC_BASE_URL: &str = "https://api.anthropic.com";

/// The version is the only one the API has had since 2023.
const WIRING: Wiring = Wiring {
    models_path: "/v1/models",
    ask_path: "/v1/messages",
    fixed_headers: &[("anthropic-version", "2023-06-01")],
    key_header: ("x-api-key", ""),
};

/// What the client needs to know.
#[derive(Debug)]
pub struct AnthropicSettings {
    /// What stands before `/v1/messages`.
    pub base_url: String,
    /// Model name.
    pub model: String,
    /// The key; local servers need none.
    pub api_key: Option<Secret>,
    /// Limits and waits.
    pub options: Options,
}

/// A client for one server and model.
pub struct Anthropic {
    server: Server,
}

impl Anthropic {
    /// Checks the settings; connects to nothing.
    ///
    /// # Errors
    /// When the base URL can't be used, the host is known to need a key and
    /// there is none, or the key would travel unprotected.
    #[expect(clippy::new_ret_no_self, reason = "callers only ever hold a provider")]
    pub fn new(settings: AnthropicSettings) -> Result<Box<dyn Provider>, ProviderError> {
        let AnthropicSettings { base_url, model, api_key, options } = settings;
        let kind = ProviderKind::Anthropic;
        let server = Server::new(&base_url, &kind, &WIRING, model, api_key, options)?;
        Ok(Box::new(Self { server }))
    }
}

impl Provider for Anthropic {
    fn name(&self) -> &'static str {
        "anthropic"
    }

    fn model(&self) -> &str {
        &self.server.model
    }

    fn facts(&mut self, interrupt: &Interrupt) -> Result<ServerFacts, ProviderError> {
        self.server.facts(interrupt)
    }

    fn respond(
        &mut self,
        request: &Request<'_>,
        interrupt: &Interrupt,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Reply, ProviderError> {
        self.server.probe_if_local(interrupt)?;
        let body = request::body(&self.server.model, request, &self.server.options).to_string();
        let new_assembler = || assemble::AnthropicAssembler::new(CallIds::of(request.messages));
        let outcome = self.server.ask(body, interrupt, progress, new_assembler);
        outcome.map_err(|no_reply| match no_reply {
            NoReply::Failed(error) => error,
            NoReply::WithoutNativeTools => {
                let model = escape_line(&self.server.model);
                let message = format!("the model `{model}` can't call tools on this server");
                ProviderError::new(ProviderErrorKind::Server, message).with_hint(
                    "use --provider openai with this server: there kode can do without native tool calls",
                )
            }
        })
    }
}
