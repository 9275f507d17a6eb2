//! A real model on this machine's CPU, behind a real llama-server: what no mock
//! can stand in for.

use kode_base::{Interrupt, ModelVisible, TokenCount};
use kode_model::ProviderErrorKind::ContextWindow;
use kode_model::{
    Message, Options, Provider, ProviderChoice, ProviderKind, Request, ServerSoftware, StopReason,
    ToolCall, connect_with,
};
use kode_testkit::wire_process::ServerProcess;

use crate::ask::{Outcome, ask, ask_request, user};

/// Tokens of the window, large enough for an answer.
const WINDOW: u32 = 2048;

fn provider(server: &ServerProcess, kind: ProviderKind, tokens: u32) -> Box<dyn Provider> {
    let path = if kind == ProviderKind::OpenAi { "/v1" } else { "" };
    let choice = ProviderChoice {
        kind,
        base_url: Some(format!("{}{path}", server.origin())),
        model: "SmolLM2".to_owned(),
        api_key: None,
    };
    connect_with(choice, Options { output_tokens_max: Some(tokens), ..Options::default() }).unwrap()
}

#[test]
fn answers_stream_and_a_full_window_is_told_over_both_protocols() {
    let Some(server) = ServerProcess::local_model(WINDOW) else { return };
    for kind in [ProviderKind::OpenAi, ProviderKind::Anthropic] {
        let mut provider = provider(&server, kind.clone(), 24);
        let outcome = ask_plainly(&mut *provider, &[user("Say hello and count to one hundred.")]);
        assert!(outcome.streamed.len() > 3, "{kind:?}: {:?}", outcome.streamed);
        assert_eq!(outcome.text(), outcome.streamed.concat());
        let reply = outcome.reply();
        assert!(matches!(reply.stop, StopReason::Length | StopReason::EndOfTurn));
        let usage = &reply.usage;
        // This llama-server now and then begins an Anthropic answer before it
        // counted the prompt, and says 0.
        let counted = usage.input.0 > 0 || kind == ProviderKind::Anthropic;
        assert!(counted && usage.output.0 > 0, "{kind:?}: {usage:?}");

        let long = user(&"word ".repeat(3 * WINDOW as usize));
        assert_eq!(ask_plainly(&mut *provider, &[long]).error().kind, ContextWindow, "{kind:?}");
    }
}

fn ask_plainly(provider: &mut dyn Provider, messages: &[Message]) -> Outcome {
    ask_request(provider, &Request { messages, tools: &[] }, &Interrupt::new())
}

#[test]
fn a_model_without_native_tools_calls_one_by_a_json_action() {
    let Some(server) = ServerProcess::local_model(WINDOW) else { return };
    let mut provider = provider(&server, ProviderKind::OpenAi, 120);
    let facts = provider.facts(&Interrupt::new()).unwrap();
    assert_eq!(facts.software, ServerSoftware::LlamaCpp);
    assert_eq!(facts.native_tools, Some(false));
    assert_eq!(facts.context_window, Some(TokenCount(u64::from(WINDOW))));
    assert!(facts.warnings[0].contains("2048"), "{:?}", facts.warnings);

    // A model of this size copies better than it understands, and its sampling
    // differs each time.
    let mut messages = an_earlier_call();
    messages.push(user("Run the shell command `ls`."));
    let outcome = (0..20)
        .map(|_| ask(&mut *provider, &messages))
        .find(|outcome| outcome.reply().stop == StopReason::ToolCalls);
    let reply = outcome.expect("one of twenty answers calls the tool").result.unwrap();
    let call = reply.calls[0].clone();
    assert_eq!(call.name.expose(), "shell");
    let arguments: serde_json::Value = serde_json::from_str(call.arguments.expose()).unwrap();
    assert!(arguments["command"].is_string(), "{arguments}");

    messages.push(answer("", reply.calls));
    messages.push(result(&call.id, "main.rs"));
    ask(&mut *provider, &messages).reply();
}

fn an_earlier_call() -> Vec<Message> {
    let call = ToolCall {
        id: "earlier".to_owned(),
        name: "shell".into(),
        arguments: r#"{"command":"pwd"}"#.into(),
    };
    vec![
        user("Run the shell command `pwd`."),
        answer("", vec![call]),
        result("earlier", "/work"),
        answer("It is /work.", Vec::new()),
    ]
}

fn answer(text: &str, calls: Vec<ToolCall>) -> Message {
    Message::Assistant { text: text.into(), calls, opaque: Vec::new() }
}

fn result(call: &str, text: &str) -> Message {
    let content = ModelVisible::from_wrapped(text.to_owned());
    Message::Tool { call: call.to_owned(), content }
}
