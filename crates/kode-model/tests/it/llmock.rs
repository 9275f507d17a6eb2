//! Both protocols against `llmock`, an independent implementation of the
//! servers' side, tool results included.

use std::path::Path;

use kode_base::ModelVisible;
use kode_model::ProviderErrorKind::RateLimited;
use kode_model::{
    Message, Provider, ProviderChoice, ProviderKind, RetryPolicy, StopReason, connect_with,
};
use kode_testkit::wire_process::ServerProcess;

use crate::ask::{ask, quick, user};

fn server() -> Option<ServerProcess> {
    ServerProcess::llmock(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/llmock.json"))
}

fn provider(server: &ServerProcess, kind: ProviderKind) -> Box<dyn Provider> {
    let path = if kind == ProviderKind::OpenAi { "/v1" } else { "" };
    let mut options = quick();
    options.retry = RetryPolicy { attempts_max: 1, ..options.retry };
    options.patience = kode_model::Patience::default();
    let choice = ProviderChoice {
        kind,
        base_url: Some(format!("{}{path}", server.origin())),
        model: "claude-or-gpt".to_owned(),
        api_key: None,
    };
    connect_with(choice, options).unwrap()
}

#[test]
fn calls_results_and_errors_work_over_both_protocols() {
    let Some(server) = server() else { return };
    for kind in [ProviderKind::OpenAi, ProviderKind::Anthropic] {
        let mut provider = provider(&server, kind.clone());
        let first = ask(&mut *provider, &[user("which files are there?")]);
        assert_eq!(first.text(), "I look.", "{kind:?}");
        assert_eq!(first.reply().stop, StopReason::ToolCalls);
        let arguments: Vec<_> = first.calls().iter().map(|call| call.2.replace(' ', "")).collect();
        assert_eq!(arguments, [r#"{"command":"ls"}"#, r#"{"command":"gitstatus"}"#]);

        let reply = first.result.unwrap();
        let mut messages = vec![user("which files are there?")];
        let ids: Vec<_> = reply.calls.iter().map(|call| call.id.clone()).collect();
        messages.push(Message::Assistant {
            text: reply.text,
            calls: reply.calls,
            opaque: reply.opaque,
        });
        messages.extend(ids.into_iter().zip(["first result", "second result"]).map(
            |(call, text)| Message::Tool {
                call,
                content: ModelVisible::from_wrapped(text.to_owned()),
            },
        ));
        let second = ask(&mut *provider, &messages);
        assert_eq!(second.text(), "Two files: näive.rs and main.rs.");
        assert_eq!(second.reply().stop, StopReason::EndOfTurn);
        assert!(second.streamed.len() > 1);
        // llmock counts tokens over Chat Completions only.
        assert_eq!(second.reply().usage.output.0 > 0, kind == ProviderKind::OpenAi);

        assert_eq!(ask(&mut *provider, &[user("too fast")]).error().kind, RateLimited);
    }
}
