//! OpenAI Chat Completions, as spoken by OpenAI, Ollama, llama.cpp, vLLM and
//! the gateways that imitate it.

mod assemble;
mod request;

use kode_base::{Interrupt, Secret};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};

use crate::conversation::CallIds;
use crate::endpoint::{self, BaseUrl};
use crate::stream::{self, Call, NoReply};
use crate::transport::Transport;
use crate::{Options, Progress, Provider, ProviderError, ProviderErrorKind, Reply, Request};

/// Where OpenAI itself answers.
pub const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";

/// What the client needs to know.
#[derive(Debug)]
pub struct OpenAiSettings {
    /// What stands before `/chat/completions`; usually ends in `/v1`.
    pub base_url: String,
    /// Model name, as the server lists it.
    pub model: String,
    /// The key; local servers need none.
    pub api_key: Option<Secret>,
    /// Limits and waits.
    pub options: Options,
}

/// A client for one server and model.
pub struct OpenAi {
    base: BaseUrl,
    model: String,
    api_key: Option<Secret>,
    options: Options,
    transport: Transport,
}

impl OpenAi {
    /// Checks the settings; connects to nothing.
    ///
    /// # Errors
    /// When the base URL can't be used, the host is known to need a key and
    /// there is none, or the key would travel unprotected.
    #[expect(clippy::new_ret_no_self, reason = "callers only ever hold a provider")]
    pub fn new(settings: OpenAiSettings) -> Result<Box<dyn Provider>, ProviderError> {
        let OpenAiSettings { base_url, model, api_key, options } = settings;
        let base = BaseUrl::parse(&base_url, &crate::ProviderKind::OpenAi)?;
        base.admit_key(api_key.as_ref())?;
        let transport = Transport::new(base.clone(), options.patience);
        Ok(Box::new(Self { base, model, api_key, options, transport }))
    }
}

impl Provider for OpenAi {
    fn name(&self) -> &'static str {
        "openai"
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn respond(
        &mut self,
        request: &Request<'_>,
        interrupt: &Interrupt,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Reply, ProviderError> {
        let key = self.base.admit_key(self.api_key.as_ref())?;
        // OpenAI's newer models refuse the old name; local servers may not know
        // the new one.
        let field = if self.base.is_host("api.openai.com") {
            "max_completion_tokens"
        } else {
            "max_tokens"
        };
        let output_limit = self.options.output_tokens_max.map(|tokens| (field, tokens));
        let body = request::body(&self.model, request, output_limit);
        let call = Call {
            url: self.base.join("/chat/completions"),
            headers: headers(key)?,
            body: body.to_string().into_bytes(),
            model: &self.model,
            key,
            server: self.base.origin(),
        };
        let new_assembler = || assemble::OpenAiAssembler::new(CallIds::of(request.messages));
        let policy = &self.options.retry;
        stream::ask(&mut self.transport, &call, policy, interrupt, progress, new_assembler).map_err(
            |no_reply| match no_reply {
                NoReply::Failed(error) => error,
                NoReply::WithoutNativeTools => ProviderError::new(
                    ProviderErrorKind::Server,
                    format!("the model `{}` can't call tools on this server", self.model),
                )
                .with_hint("start llama.cpp with --jinja, or choose a model with tool support"),
            },
        )
    }
}

fn headers(key: Option<&str>) -> Result<HeaderMap, ProviderError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(key) = key {
        headers.insert(AUTHORIZATION, endpoint::sensitive(&format!("Bearer {key}"))?);
    }
    Ok(headers)
}
