//! OpenAI Chat Completions, as spoken by OpenAI, Ollama, llama.cpp, vLLM and
//! the gateways that imitate it.

mod actions;
mod assemble;
mod request;

use std::time::Duration;

use kode_base::escape::escape_line;
use kode_base::{Interrupt, Secret, Untrusted};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};

use crate::conversation::{CallIds, replayed};
use crate::endpoint::{self, BaseUrl};
use crate::probe::Probe;
use crate::stream::{self, Call, NoReply};
use crate::transport::Transport;
use crate::{
    Options, Progress, Provider, ProviderError, ProviderErrorKind, Reply, Request, ServerFacts,
    ToolCalls,
};

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
    facts: Option<ServerFacts>,
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
        Ok(Box::new(Self { base, model, api_key, options, transport, facts: None }))
    }
}

impl Provider for OpenAi {
    fn name(&self) -> &'static str {
        "openai"
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
            models_path: "/models",
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
        if !self.json_actions(request, interrupt)? {
            match self.ask(request, false, interrupt, progress) {
                Ok(reply) => return Ok(reply),
                Err(NoReply::Failed(error)) => return Err(error),
                Err(NoReply::WithoutNativeTools)
                    if self.options.tool_calls == ToolCalls::Native =>
                {
                    return Err(self.without_tools());
                }
                Err(NoReply::WithoutNativeTools) => {
                    self.options.tool_calls = ToolCalls::JsonActions
                }
            }
            let why = "the model has no native tool calls, so kode asks for JSON actions";
            progress(Progress::Retrying { after: Duration::ZERO, why });
        }
        match self.ask(request, true, interrupt, progress) {
            Ok(reply) => {
                let reply = actions::interpret(reply, request);
                if !reply.text.is_empty() {
                    progress(Progress::Text(Untrusted::new(replayed(&reply.text))));
                }
                Ok(reply)
            }
            Err(NoReply::Failed(error)) => Err(error),
            Err(NoReply::WithoutNativeTools) => Err(self.without_tools()),
        }
    }
}

impl OpenAi {
    /// Whether tools are offered as JSON actions. The server is asked only where
    /// it is this machine's: elsewhere its refusal tells.
    fn json_actions(
        &mut self,
        request: &Request<'_>,
        interrupt: &Interrupt,
    ) -> Result<bool, ProviderError> {
        if self.base.is_loopback() && self.facts.is_none() {
            // A server too busy for a probe may still answer the question.
            match self.facts(interrupt) {
                Err(error) if error.kind == ProviderErrorKind::Interrupted => return Err(error),
                Err(_) => self.facts = Some(ServerFacts::default()),
                Ok(_) => {}
            }
        }
        Ok(!request.tools.is_empty()
            && match self.options.tool_calls {
                ToolCalls::Native => false,
                ToolCalls::JsonActions => true,
                ToolCalls::Auto => {
                    self.facts.as_ref().and_then(|facts| facts.native_tools) == Some(false)
                }
            })
    }

    fn ask(
        &mut self,
        request: &Request<'_>,
        json_actions: bool,
        interrupt: &Interrupt,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Reply, NoReply> {
        let key = self.base.admit_key(self.api_key.as_ref()).map_err(NoReply::Failed)?;
        // OpenAI's newer models refuse the old name; local servers may not know
        // the new one.
        let field = match self.base.is_host("api.openai.com") {
            true => "max_completion_tokens",
            false => "max_tokens",
        };
        let output_limit = self.options.output_tokens_max.map(|tokens| (field, tokens));
        let body = request::body(&self.model, request, output_limit, json_actions).to_string();
        if let Some(facts) = &self.facts {
            facts.refuse_silent_cut(body.len()).map_err(NoReply::Failed)?;
        }
        let call = Call {
            url: self.base.join("/chat/completions"),
            headers: headers(key).map_err(NoReply::Failed)?,
            body: body.into_bytes(),
            model: &self.model,
            key,
            server: self.base.origin(),
        };
        let new_assembler =
            || assemble::OpenAiAssembler::new(CallIds::of(request.messages), json_actions);
        let policy = &self.options.retry;
        stream::ask(&mut self.transport, &call, policy, interrupt, progress, new_assembler)
    }

    fn without_tools(&self) -> ProviderError {
        let model = escape_line(&self.model);
        let message = format!("the model `{model}` can't call tools on this server");
        ProviderError::new(ProviderErrorKind::Server, message)
            .with_hint("start llama.cpp with --jinja, or choose a model with tool support")
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
