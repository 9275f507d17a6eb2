//! Anthropic Messages, as spoken by Anthropic and by local servers that offer
//! the same endpoint.

mod assemble;
mod request;

use kode_base::{Interrupt, Secret};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::conversation::CallIds;
use crate::endpoint::{self, BaseUrl};
use crate::probe::Probe;
use crate::stream::{self, Call, NoReply};
use crate::transport::Transport;
use crate::{
    Options, Progress, Provider, ProviderError, ProviderErrorKind, ProviderKind, Reply, Request,
    ServerFacts,
};

/// Where Anthropic itself answers.
pub const ANTHROPIC_BASE_URL: &str = "https://api.anthropic.com";

/// The protocol version sent along; the only one the API has had since 2023.
const VERSION: &str = "2023-06-01";

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
    base: BaseUrl,
    model: String,
    api_key: Option<Secret>,
    options: Options,
    transport: Transport,
    facts: Option<ServerFacts>,
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
        let base = BaseUrl::parse(&base_url, &ProviderKind::Anthropic)?;
        base.admit_key(api_key.as_ref())?;
        let transport = Transport::new(base.clone(), options.patience);
        Ok(Box::new(Self { base, model, api_key, options, transport, facts: None }))
    }
}

impl Provider for Anthropic {
    fn name(&self) -> &'static str {
        "anthropic"
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn facts(&mut self, interrupt: &Interrupt) -> Result<ServerFacts, ProviderError> {
        if let Some(facts) = &self.facts {
            return Ok(facts.clone());
        }
        let key = self.base.admit_key(self.api_key.as_ref())?;
        let probe = Probe {
            base: &self.base,
            models_path: "/v1/models",
            model: &self.model,
            key,
            headers: headers(key)?,
            interrupt,
        };
        let facts = probe.run()?;
        Ok(self.facts.insert(facts).clone())
    }

    fn respond(
        &mut self,
        request: &Request<'_>,
        interrupt: &Interrupt,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Reply, ProviderError> {
        if self.base.is_loopback() && self.facts.is_none() {
            // A server too busy for a probe may still answer the question.
            match self.facts(interrupt) {
                Err(error) if error.kind == ProviderErrorKind::Interrupted => return Err(error),
                Err(_) => self.facts = Some(ServerFacts::default()),
                Ok(_) => {}
            }
        }
        let key = self.base.admit_key(self.api_key.as_ref())?;
        let body = request::body(&self.model, request, &self.options).to_string().into_bytes();
        if let Some(facts) = &self.facts {
            facts.refuse_silent_cut(body.len())?;
        }
        let call = Call {
            url: self.base.join("/v1/messages"),
            headers: headers(key)?,
            body,
            model: &self.model,
            key,
            server: self.base.origin(),
        };
        let new_assembler = || assemble::AnthropicAssembler::new(CallIds::of(request.messages));
        let policy = &self.options.retry;
        stream::ask(&mut self.transport, &call, policy, interrupt, progress, new_assembler).map_err(
            |no_reply| match no_reply {
                NoReply::Failed(error) => error,
                NoReply::WithoutNativeTools => ProviderError::new(
                    ProviderErrorKind::Server,
                    format!("the model `{}` can't call tools on this server", self.model),
                )
                .with_hint("use --provider openai with this server: kode can do without native tool calls there"),
            },
        )
    }
}

fn headers(key: Option<&str>) -> Result<HeaderMap, ProviderError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(HeaderName::from_static("anthropic-version"), HeaderValue::from_static(VERSION));
    if let Some(key) = key {
        headers.insert(HeaderName::from_static("x-api-key"), endpoint::sensitive(key)?);
    }
    Ok(headers)
}
