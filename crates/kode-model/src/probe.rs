//! What a server tells about itself before the first question: its window, and
//! whether the model calls tools natively.
//!
//! Every probe is a short, bounded request to the server the conversation goes
//! to; a server that doesn't answer one is simply unknown.

use std::time::Duration;

use kode_base::escape::escape_line;
use kode_base::{Interrupt, TokenCount};
use reqwest::Url;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::endpoint::BaseUrl;
use crate::transport::{Outgoing, Patience, Transport};
use crate::{ProviderError, ProviderErrorKind};

/// Most bytes of an answer to a probe.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Most model names kept.
const MODELS_MAX: usize = 100;

/// Ollama's window where neither the model nor the server sets one.
/// Source: Ollama's FAQ, "How can I specify the context window size?".
const OLLAMA_WINDOW: u64 = 4096;

/// A window under this leaves no room for an agent's work.
const SMALL_WINDOW: u64 = 16_384;

/// Windows of hosted models by beginning of the name; the first that fits.
/// Source: the providers' model pages, lower figure where variants differ.
const HOSTED_WINDOWS: &[(&str, u64)] = &[
    ("claude-", 200_000),
    ("gpt-4.1", 1_047_576),
    ("gpt-4o", 128_000),
    ("gpt-5", 272_000),
    ("o3", 200_000),
    ("o4", 200_000),
];

/// The program behind a base URL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ServerSoftware {
    /// Not recognised.
    #[default]
    Unknown,
    /// A provider's own service.
    Hosted,
    /// llama.cpp's `llama-server`.
    LlamaCpp,
    /// Ollama.
    Ollama,
    /// vLLM.
    Vllm,
}

/// What is known of a server and the model on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerFacts {
    /// The program.
    pub software: ServerSoftware,
    /// Tokens that fit into one request with its answer.
    pub context_window: Option<TokenCount>,
    /// Whether the model calls tools natively.
    pub native_tools: Option<bool>,
    /// Names of the models the server lists, escaped for display.
    pub models: Vec<String>,
    /// What the user should know, each a sentence with its remedy.
    pub warnings: Vec<String>,
}

impl ServerFacts {
    /// Ollama drops the beginning of a conversation that doesn't fit, which is
    /// where the safety rules stand, and says nothing. A request that certainly
    /// doesn't fit is not sent.
    pub(crate) fn refuse_silent_cut(&self, body_bytes: usize) -> Result<(), ProviderError> {
        let (ServerSoftware::Ollama, Some(TokenCount(window))) =
            (self.software, self.context_window)
        else {
            return Ok(());
        };
        // Models average about four bytes a token on prose and fewer on code,
        // so this is a lower bound for anything but long runs of spaces.
        let tokens_min = body_bytes as u64 / 6;
        if tokens_min <= window {
            return Ok(());
        }
        let message = format!(
            "the conversation of at least {tokens_min} tokens doesn't fit Ollama's window of {window}, \
             and Ollama would silently drop its beginning"
        );
        Err(ProviderError::new(ProviderErrorKind::ContextWindow, message).with_hint(
            "set OLLAMA_CONTEXT_LENGTH=32768 for the server, or `num_ctx` in a Modelfile",
        ))
    }
}

/// Asks questions of one server.
pub(crate) struct Probe<'a> {
    pub(crate) base: &'a BaseUrl,
    /// Path of the model list below the base URL.
    pub(crate) models_path: &'static str,
    pub(crate) model: &'a str,
    pub(crate) key: Option<&'a str>,
    pub(crate) headers: HeaderMap,
    pub(crate) interrupt: &'a Interrupt,
}

impl Probe<'_> {
    /// Finds out what the server tells.
    ///
    /// # Errors
    /// When the server can't be reached or refuses the key; a server that only
    /// doesn't know a probe is no error.
    pub(crate) fn run(self) -> Result<ServerFacts, ProviderError> {
        if self.base.is_hosted() {
            return Ok(self.hosted());
        }
        let patience = Patience {
            connect: Duration::from_secs(3),
            first_byte: Duration::from_secs(5),
            silence: Duration::from_secs(5),
            answer: Duration::from_secs(10),
        };
        let mut transport = Transport::new(self.base.clone(), patience);
        let list = self.ask(&mut transport, self.base.join(self.models_path), None)?;
        let mut facts = ServerFacts { models: model_names(&list), ..ServerFacts::default() };
        match list["data"][0]["owned_by"].as_str() {
            Some("llamacpp") => self.llama_cpp(&mut transport, &mut facts)?,
            Some("vllm") => self.vllm(&list, &mut facts),
            _ => self.ollama(&mut transport, &mut facts)?,
        }
        Ok(facts)
    }

    fn hosted(&self) -> ServerFacts {
        let known = HOSTED_WINDOWS.iter().find(|(start, _)| self.model.starts_with(start));
        ServerFacts {
            software: ServerSoftware::Hosted,
            context_window: known.map(|(_, tokens)| TokenCount(*tokens)),
            native_tools: Some(true),
            ..ServerFacts::default()
        }
    }

    fn llama_cpp(
        &self,
        transport: &mut Transport,
        facts: &mut ServerFacts,
    ) -> Result<(), ProviderError> {
        facts.software = ServerSoftware::LlamaCpp;
        let props = self.ask(transport, self.base.host_path("/props"), None)?;
        let window = props["default_generation_settings"]["n_ctx"].as_u64();
        facts.context_window = window.map(TokenCount);
        facts.native_tools = props["chat_template_caps"]["supports_tool_calls"].as_bool();
        self.warn_small(facts, "start it with -c 32768");
        Ok(())
    }

    fn vllm(&self, list: &Value, facts: &mut ServerFacts) {
        facts.software = ServerSoftware::Vllm;
        let models = list["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        let own = models.iter().find(|entry| entry["id"] == self.model);
        facts.context_window =
            own.and_then(|entry| entry["max_model_len"].as_u64()).map(TokenCount);
        self.warn_small(facts, "start it with --max-model-len 32768");
    }

    fn ollama(
        &self,
        transport: &mut Transport,
        facts: &mut ServerFacts,
    ) -> Result<(), ProviderError> {
        let version = self.ask(transport, self.base.host_path("/api/version"), None)?;
        if !version["version"].is_string() {
            return Ok(());
        }
        facts.software = ServerSoftware::Ollama;
        let question = json!({ "model": self.model });
        let shown = self.ask(transport, self.base.host_path("/api/show"), Some(&question))?;
        if let Some(capabilities) = shown["capabilities"].as_array() {
            facts.native_tools = Some(capabilities.iter().any(|name| name == "tools"));
        }
        let running = self.ask(transport, self.base.host_path("/api/ps"), None)?;
        let window = loaded_window(&running, self.model)
            .or_else(|| configured_window(&shown))
            .unwrap_or(OLLAMA_WINDOW);
        facts.context_window = Some(TokenCount(window));
        if window < SMALL_WINDOW {
            facts.warnings.push(format!(
                "Ollama runs `{}` with a window of {window} tokens and silently drops the beginning of anything \
                 longer, kode's safety rules first; kode stops before that. Set OLLAMA_CONTEXT_LENGTH=32768 for \
                 the server, or `num_ctx` in a Modelfile.",
                escape_line(self.model)
            ));
        }
        Ok(())
    }

    fn warn_small(&self, facts: &mut ServerFacts, remedy: &str) {
        if let Some(TokenCount(window)) = facts.context_window
            && window < SMALL_WINDOW
        {
            facts.warnings.push(format!(
                "the server gives `{}` a window of {window} tokens, little for an agent's work; {remedy}.",
                escape_line(self.model)
            ));
        }
    }

    /// One question; `Null` when the server doesn't know it.
    fn ask(
        &self,
        transport: &mut Transport,
        url: Url,
        body: Option<&Value>,
    ) -> Result<Value, ProviderError> {
        let outgoing = Outgoing {
            url,
            headers: self.headers.clone(),
            body: body.map(|body| body.to_string().into_bytes()),
            model: self.model,
            key: self.key,
        };
        let mut answer = Vec::new();
        let outcome = transport.send(outgoing, self.interrupt, &mut |piece| {
            answer.extend_from_slice(piece);
            Ok(answer.len() > ANSWER_BYTES_MAX)
        });
        match outcome.map_err(|failure| failure.error) {
            Ok(()) => Ok(serde_json::from_slice(&answer).unwrap_or(Value::Null)),
            Err(error) => match error.kind {
                ProviderErrorKind::Connection
                | ProviderErrorKind::Authentication
                | ProviderErrorKind::Interrupted => Err(error),
                _ => Ok(Value::Null),
            },
        }
    }
}

fn model_names(list: &Value) -> Vec<String> {
    let models = list["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    let names = models.iter().filter_map(|entry| entry["id"].as_str());
    names.take(MODELS_MAX).map(escape_line).collect()
}

fn loaded_window(running: &Value, model: &str) -> Option<u64> {
    let latest = format!("{model}:latest");
    let own = |entry: &&Value| entry["name"] == model || entry["name"] == latest.as_str();
    running["models"].as_array()?.iter().find(own)?["context_length"].as_u64()
}

/// `num_ctx` of the Modelfile, among lines of `name value`.
fn configured_window(shown: &Value) -> Option<u64> {
    shown["parameters"].as_str()?.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("num_ctx")).then(|| words.next()?.parse().ok())?
    })
}
