//! Asks a provider one question and keeps everything it said on the way.

use std::time::Duration;

use kode_base::{Interrupt, Secret};
use kode_model::{
    Message, Options, Patience, Progress, Provider, ProviderChoice, ProviderError, ProviderKind,
    Reply, Request, RetryPolicy, ToolSpec, connect_with,
};
use kode_testkit::wire::{Step, WireServer};
use serde_json::{Value, json};

/// Retries short enough for tests, with patience for a busy machine.
pub(crate) fn quick() -> Options {
    Options {
        retry: RetryPolicy {
            attempts_max: 3,
            wait_first: Duration::from_millis(10),
            wait_max: Duration::from_millis(50),
        },
        patience: Patience {
            connect: Duration::from_secs(20),
            first_byte: Duration::from_secs(20),
            silence: Duration::from_secs(20),
            answer: Duration::from_secs(60),
        },
        ..Options::default()
    }
}

/// As [`quick`], but a silence of `silence` is too long.
pub(crate) fn impatient(silence: Duration) -> Options {
    let quick = quick();
    let patience = Patience { first_byte: silence, silence, ..quick.patience };
    Options { patience, ..quick }
}

/// What one question brought.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) result: Result<Reply, ProviderError>,
    pub(crate) streamed: Vec<String>,
    pub(crate) retries: Vec<(Duration, String)>,
}

impl Outcome {
    pub(crate) fn reply(&self) -> &Reply {
        self.result.as_ref().unwrap()
    }

    pub(crate) fn error(&self) -> &ProviderError {
        self.result.as_ref().unwrap_err()
    }

    pub(crate) fn text(&self) -> &str {
        self.reply().text.expose()
    }

    /// Identifier, name and arguments of each call.
    pub(crate) fn calls(&self) -> Vec<(&str, &str, &str)> {
        let calls = self.reply().calls.iter();
        calls
            .map(|call| {
                (call.id.as_str(), call.name.expose().as_str(), call.arguments.expose().as_str())
            })
            .collect()
    }
}

pub(crate) fn user(text: &str) -> Message {
    Message::User { text: text.to_owned() }
}

pub(crate) fn shell_tool() -> ToolSpec {
    ToolSpec {
        name: "shell".to_owned(),
        description: "Runs a command".to_owned(),
        parameters: json!({
            "type": "object",
            "properties": { "command": { "type": "string" } },
            "required": ["command"],
        }),
    }
}

pub(crate) fn ask(provider: &mut dyn Provider, messages: &[Message]) -> Outcome {
    ask_until(provider, messages, &Interrupt::new())
}

pub(crate) fn ask_until(
    provider: &mut dyn Provider,
    messages: &[Message],
    interrupt: &Interrupt,
) -> Outcome {
    let tools = [shell_tool()];
    ask_request(provider, &Request { messages, tools: &tools }, interrupt)
}

pub(crate) fn ask_request(
    provider: &mut dyn Provider,
    request: &Request<'_>,
    interrupt: &Interrupt,
) -> Outcome {
    let (mut streamed, mut retries) = (Vec::new(), Vec::new());
    let result = provider.respond(request, interrupt, &mut |progress| match progress {
        Progress::Text(text) => streamed.push((*text.expose()).to_owned()),
        Progress::Retrying { after, why } => retries.push((after, why.to_owned())),
    });
    Outcome { result, streamed, retries }
}

/// A provider of `kind` at `server` with the key `sk-test`.
pub(crate) fn provider_at(server: &WireServer, kind: ProviderKind) -> Box<dyn Provider> {
    provider_with(server, kind, quick())
}

/// The same with other options.
pub(crate) fn provider_with(
    server: &WireServer,
    kind: ProviderKind,
    options: Options,
) -> Box<dyn Provider> {
    let path = if kind == ProviderKind::OpenAi { "/v1" } else { "" };
    let choice = ProviderChoice {
        kind,
        base_url: Some(format!("{}{path}", server.origin())),
        model: "test-model".to_owned(),
        api_key: Some(Secret::new("sk-test".to_owned())),
    };
    connect_with(choice, options).unwrap()
}

/// One question to a server that gives these answers.
pub(crate) fn ask_server(kind: ProviderKind, answers: Vec<Vec<Step>>) -> (Outcome, WireServer) {
    let server = WireServer::start(answers).unwrap();
    let outcome = ask(&mut *provider_at(&server, kind), &[user("hi")]);
    (outcome, server)
}

/// The JSON body of the n-th request.
pub(crate) fn body(server: &WireServer, at: usize) -> Value {
    serde_json::from_slice(&server.requests()[at].body).unwrap()
}
