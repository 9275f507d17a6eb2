//! What both protocols' clients share: one server, the model on it, the key for
//! it, and what is known about it.

use kode_base::{Interrupt, Secret};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::endpoint::BaseUrl;
use crate::probe::Probe;
use crate::stream::{self, Assembler, Call, NoReply};
use crate::transport::Transport;
use crate::{
    Options, Progress, ProviderError, ProviderErrorKind, ProviderKind, Reply, ServerFacts,
};

/// Most model names in a hint.
const MODELS_SHOWN_MAX: usize = 8;

/// What differs between the protocols on the way out.
pub(crate) struct Wiring {
    /// Path of the model list below the base URL.
    pub(crate) models_path: &'static str,
    /// Path of questions below the base URL.
    pub(crate) ask_path: &'static str,
    /// Headers of every request.
    pub(crate) fixed_headers: &'static [(&'static str, &'static str)],
    /// Name of the key's header and what stands before the key.
    pub(crate) key_header: (&'static str, &'static str),
}

/// One server and the model on it.
pub(crate) struct Server {
    pub(crate) base: BaseUrl,
    pub(crate) model: String,
    pub(crate) options: Options,
    pub(crate) facts: Option<ServerFacts>,
    wiring: &'static Wiring,
    api_key: Option<Secret>,
    transport: Transport,
}

impl Server {
    /// Checks the settings; connects to nothing.
    pub(crate) fn new(
        base_url: &str,
        kind: &ProviderKind,
        wiring: &'static Wiring,
        model: String,
        api_key: Option<Secret>,
        options: Options,
    ) -> Result<Self, ProviderError> {
        let base = BaseUrl::parse(base_url, kind)?;
        base.admit_key(api_key.as_ref())?;
        let transport = Transport::new(base.clone(), options.patience);
        Ok(Self { base, model, options, facts: None, wiring, api_key, transport })
    }

    /// The server's facts, asked for once.
    pub(crate) fn facts(&mut self, interrupt: &Interrupt) -> Result<ServerFacts, ProviderError> {
        if let Some(facts) = &self.facts {
            return Ok(facts.clone());
        }
        let key = self.base.admit_key(self.api_key.as_ref())?;
        let probe = Probe {
            base: &self.base,
            models_path: self.wiring.models_path,
            model: &self.model,
            key,
            headers: headers(self.wiring, key)?,
            interrupt,
        };
        let facts = probe.run()?;
        Ok(self.facts.insert(facts).clone())
    }

    /// Probes a server on this machine before the first question. One too busy
    /// for a probe may still answer the question.
    pub(crate) fn probe_if_local(&mut self, interrupt: &Interrupt) -> Result<(), ProviderError> {
        if !self.base.is_loopback() || self.facts.is_some() {
            return Ok(());
        }
        match self.facts(interrupt) {
            Err(error) if error.kind == ProviderErrorKind::Interrupted => Err(error),
            Err(_) => {
                self.facts = Some(ServerFacts::default());
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    /// Sends a question and assembles the answer.
    pub(crate) fn ask<A: Assembler>(
        &mut self,
        body: String,
        interrupt: &Interrupt,
        progress: &mut dyn FnMut(Progress<'_>),
        new_assembler: impl Fn() -> A,
    ) -> Result<Reply, NoReply> {
        if let Some(facts) = &self.facts {
            facts.refuse_silent_cut(body.len()).map_err(NoReply::Failed)?;
        }
        let key = self.base.admit_key(self.api_key.as_ref()).map_err(NoReply::Failed)?;
        let call = Call {
            url: self.base.join(self.wiring.ask_path),
            headers: headers(self.wiring, key).map_err(NoReply::Failed)?,
            body: body.into_bytes(),
            model: &self.model,
            key,
            server: self.base.origin(),
        };
        let policy = &self.options.retry;
        let outcome =
            stream::ask(&mut self.transport, &call, policy, interrupt, progress, new_assembler);
        outcome.map_err(|no_reply| match no_reply {
            NoReply::Failed(error) => NoReply::Failed(self.with_models(error)),
            other => other,
        })
    }

    /// An unknown model's error names the models there are.
    fn with_models(&self, error: ProviderError) -> ProviderError {
        let models = self.facts.as_ref().map_or(&[][..], |facts| &facts.models);
        if error.kind != ProviderErrorKind::UnknownModel || models.is_empty() {
            return error;
        }
        let shown: Vec<&str> = models.iter().take(MODELS_SHOWN_MAX).map(String::as_str).collect();
        let more = if models.len() > shown.len() { ", …" } else { "" };
        error.with_hint(format!(
            "the server has {}{more}; choose one with --model",
            shown.join(", ")
        ))
    }
}

fn headers(wiring: &Wiring, key: Option<&str>) -> Result<HeaderMap, ProviderError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in wiring.fixed_headers {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if let Some(key) = key {
        let (name, before) = wiring.key_header;
        let mut value = HeaderValue::from_str(&format!("{before}{key}")).map_err(|_| {
            let message = "the API key can't be sent as an HTTP header";
            ProviderError::new(ProviderErrorKind::Configuration, message)
        })?;
        // Kept out of every log of the HTTP library.
        value.set_sensitive(true);
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}
