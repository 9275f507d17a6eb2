//! OpenAI Chat Completions, as spoken by OpenAI, Ollama, llama.cpp, vLLM and
//! the gateways that imitate it.

mod actions;
mod assemble;
mod extras;
mod request;

use std::time::Duration;

use kode_base::escape::escape_line;
use kode_base::{Interrupt, Secret, Untrusted};

use crate::conversation::{CallIds, replayed};
use crate::server::{Server, Wiring};
use crate::stream::NoReply;
use crate::{
    Options, Progress, Provider, ProviderError, ProviderErrorKind, ProviderKind, Reply, Request,
    ServerFacts, ToolCalls,
};
use request::Form;

/// Where OpenAI itself answers.
pub const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";

const WIRING: Wiring = Wiring {
    models_path: "/models",
    ask_path: "/chat/completions",
    fixed_headers: &[],
    key_header: ("authorization", "Bearer "),
};

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
    server: Server,
    /// The server refused fields it had sent itself.
    refuses_extras: bool,
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
        let kind = ProviderKind::OpenAi;
        let server = Server::new(&base_url, &kind, &WIRING, model, api_key, options)?;
        Ok(Box::new(Self { server, refuses_extras: false }))
    }
}

impl Provider for OpenAi {
    fn name(&self) -> &'static str {
        "openai"
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
        if self.uses_json_actions(request) {
            return self.respond_with_action(request, interrupt, progress);
        }
        let again = |why| Progress::Retrying { after: Duration::ZERO, why };
        match self.ask(request, false, interrupt, progress) {
            Ok(reply) => Ok(reply),
            Err(NoReply::WithoutNativeTools)
                if self.server.options.tool_calls == ToolCalls::Native =>
            {
                Err(self.without_tools())
            }
            Err(NoReply::WithoutNativeTools) => {
                self.server.options.tool_calls = ToolCalls::JsonActions;
                progress(again(
                    "the model has no native tool calls, so kode asks for JSON actions",
                ));
                self.respond_with_action(request, interrupt, progress)
            }
            Err(NoReply::Failed(error)) if self.refused_extras(&error, request) => {
                self.refuses_extras = true;
                progress(again(
                    "the server refuses fields it sent itself, so kode leaves them out",
                ));
                self.ask(request, false, interrupt, progress)
                    .map_err(|no_reply| self.error(no_reply))
            }
            Err(NoReply::Failed(error)) => Err(error),
        }
    }
}

impl OpenAi {
    fn respond_with_action(
        &mut self,
        request: &Request<'_>,
        interrupt: &Interrupt,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Reply, ProviderError> {
        let outcome = self.ask(request, true, interrupt, progress);
        let reply = actions::interpret(outcome.map_err(|no_reply| self.error(no_reply))?, request);
        if !reply.text.is_empty() {
            progress(Progress::Text(Untrusted::new(replayed(&reply.text))));
        }
        Ok(reply)
    }

    fn ask(
        &mut self,
        request: &Request<'_>,
        json_actions: bool,
        interrupt: &Interrupt,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Reply, NoReply> {
        // OpenAI's newer models refuse the old name; local servers may not know
        // the new one.
        let field = match self.server.base.is_host("api.openai.com") {
            true => "max_completion_tokens",
            false => "max_tokens",
        };
        let form = Form {
            output_limit: self.server.options.output_tokens_max.map(|tokens| (field, tokens)),
            json_actions,
            replay_extras: !self.refuses_extras,
        };
        let body = request::body(&self.server.model, request, form).to_string();
        let new_assembler =
            || assemble::OpenAiAssembler::new(CallIds::of(request.messages), json_actions);
        self.server.ask(body, interrupt, progress, new_assembler)
    }

    /// Whether tools are offered as JSON actions.
    fn uses_json_actions(&self, request: &Request<'_>) -> bool {
        let facts = self.server.facts.as_ref();
        !request.tools.is_empty()
            && match self.server.options.tool_calls {
                ToolCalls::Native => false,
                ToolCalls::JsonActions => true,
                ToolCalls::Auto => facts.and_then(|facts| facts.native_tools) == Some(false),
            }
    }

    /// Whether an error names a replayed field that is not of the protocol.
    fn refused_extras(&self, error: &ProviderError, request: &Request<'_>) -> bool {
        !self.refuses_extras
            && error.kind == ProviderErrorKind::Server
            && request::extra_names(request).iter().any(|name| error.message.contains(name))
    }

    fn error(&self, no_reply: NoReply) -> ProviderError {
        match no_reply {
            NoReply::Failed(error) => error,
            NoReply::WithoutNativeTools => self.without_tools(),
        }
    }

    fn without_tools(&self) -> ProviderError {
        let model = escape_line(&self.server.model);
        let message = format!("the model `{model}` can't call tools on this server");
        ProviderError::new(ProviderErrorKind::Server, message)
            .with_hint("start llama.cpp with --jinja, or choose a model with tool support")
    }
}
