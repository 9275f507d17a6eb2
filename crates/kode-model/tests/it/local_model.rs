//! A real model on this machine's CPU, behind a real llama-server: what no mock
//! can stand in for.

use kode_model::ProviderErrorKind::ContextWindow;
use kode_model::{Options, Provider, ProviderChoice, ProviderKind, StopReason, connect_with};
use kode_testkit::wire_process::ServerProcess;

use crate::ask::{ask, user};

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
        let outcome = ask(&mut *provider, &[user("Say hello and count to one hundred.")]);
        assert!(outcome.streamed.len() > 3, "{kind:?}: {:?}", outcome.streamed);
        assert_eq!(outcome.text(), outcome.streamed.concat());
        let reply = outcome.reply();
        assert!(matches!(reply.stop, StopReason::Length | StopReason::EndOfTurn));
        assert!(reply.usage.input.0 > 0 && reply.usage.output.0 > 0);

        let long = user(&"word ".repeat(3 * WINDOW as usize));
        assert_eq!(ask(&mut *provider, &[long]).error().kind, ContextWindow, "{kind:?}");
    }
}
