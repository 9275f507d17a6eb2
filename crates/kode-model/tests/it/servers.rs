//! What local servers tell when probed, and what follows from it. The answers
//! are in the form of the programs' own API references.

use kode_base::{Interrupt, TokenCount};
use kode_model::ProviderErrorKind::ContextWindow;
use kode_model::{ProviderKind, ServerFacts, ServerSoftware, StopReason};
use kode_testkit::wire::answer::{events, status};
use kode_testkit::wire::{Step, WireServer};
use serde_json::{Value, json};

use crate::ask::{ask, body, provider_at, user};

fn route(path: &str, answer: Value) -> (String, Vec<Step>) {
    (path.to_owned(), status(200, &[], &answer.to_string()))
}

fn ollama(capabilities: Value, parameters: &str, running: Value) -> Vec<(String, Vec<Step>)> {
    vec![
        route(
            "/v1/models",
            json!({"object":"list","data":[{"id":"test-model","owned_by":"library"}]}),
        ),
        route("/api/version", json!({"version":"0.12.3"})),
        route(
            "/api/show",
            json!({"capabilities":capabilities,"parameters":parameters,"model_info":{"llama.context_length":131072}}),
        ),
        route("/api/ps", json!({"models":running})),
    ]
}

fn facts(routes: Vec<(String, Vec<Step>)>) -> ServerFacts {
    let server = WireServer::start_with_routes(Vec::new(), routes).unwrap();
    provider_at(&server, ProviderKind::OpenAi).facts(&Interrupt::new()).unwrap()
}

#[test]
fn ollama_tells_its_effective_window_and_tools() {
    let default = facts(ollama(json!(["completion", "tools"]), "stop \"x\"", json!([])));
    assert_eq!(default.software, ServerSoftware::Ollama);
    assert_eq!(default.context_window, Some(TokenCount(4096)));
    assert_eq!(default.native_tools, Some(true));
    assert!(default.warnings[0].contains("OLLAMA_CONTEXT_LENGTH"));
    assert_eq!(default.models, ["test-model"]);

    let configured =
        facts(ollama(json!(["completion"]), "num_ctx    65536\nstop \"x\"", json!([])));
    assert_eq!(configured.context_window, Some(TokenCount(65536)));
    assert_eq!(configured.native_tools, Some(false));
    assert!(configured.warnings.is_empty());

    let loaded = json!([{"name":"test-model:latest","context_length":8192}]);
    let loaded = facts(ollama(json!(["tools"]), "num_ctx 65536", loaded));
    assert_eq!(loaded.context_window, Some(TokenCount(8192)));
}

#[test]
fn llama_cpp_and_vllm_tell_their_windows() {
    let llama = facts(vec![
        route("/v1/models", json!({"data":[{"id":"m.gguf","owned_by":"llamacpp"}]})),
        route(
            "/props",
            json!({"default_generation_settings":{"n_ctx":32768},"chat_template_caps":{"supports_tool_calls":true}}),
        ),
    ]);
    assert_eq!(llama.software, ServerSoftware::LlamaCpp);
    assert_eq!((llama.context_window, llama.native_tools), (Some(TokenCount(32768)), Some(true)));
    assert!(llama.warnings.is_empty());
    let vllm = facts(vec![route(
        "/v1/models",
        json!({"data":[{"id":"other","owned_by":"vllm","max_model_len":1},{"id":"test-model","owned_by":"vllm","max_model_len":8192}]}),
    )]);
    assert_eq!(vllm.software, ServerSoftware::Vllm);
    assert_eq!(vllm.context_window, Some(TokenCount(8192)));
    assert_eq!(vllm.warnings.len(), 1);
}

#[test]
fn an_unknown_server_is_unknown_and_a_wrong_key_is_told() {
    assert_eq!(facts(Vec::new()), ServerFacts::default());
    let refuse = vec![("/v1/models".to_owned(), status(401, &[], "{}"))];
    let server = WireServer::start_with_routes(Vec::new(), refuse).unwrap();
    let error = provider_at(&server, ProviderKind::OpenAi).facts(&Interrupt::new()).unwrap_err();
    assert_eq!(error.kind, kode_model::ProviderErrorKind::Authentication);
}

#[test]
fn an_unknown_model_is_answered_with_those_there_are() {
    let list = json!({"data":[{"id":"qwen3:8b","owned_by":"library"},{"id":"x\u{1b}[2J","owned_by":"library"}]});
    let missing = r#"{"error":{"message":"model \"test-model\" not found, try pulling it first"}}"#;
    let answers = vec![status(404, &[], missing)];
    let server = WireServer::start_with_routes(answers, vec![route("/v1/models", list)]).unwrap();
    let outcome = ask(&mut *provider_at(&server, ProviderKind::OpenAi), &[user("hi")]);
    let shown = outcome.error().to_string();
    assert!(
        shown.contains("no model `test-model`")
            && shown.contains("the server has qwen3:8b, x\\e[2J"),
        "{shown}"
    );
}

#[test]
fn what_ollama_would_cut_silently_is_not_sent() {
    for kind in [ProviderKind::OpenAi, ProviderKind::Anthropic] {
        let routes = ollama(json!(["tools"]), "", json!([]));
        let server = WireServer::start_with_routes(Vec::new(), routes).unwrap();
        let outcome = ask(&mut *provider_at(&server, kind), &[user(&"word ".repeat(6000))]);
        assert_eq!(outcome.error().kind, ContextWindow);
        assert!(server.requests().is_empty());
    }
}

fn action(json: &Value) -> Vec<Step> {
    let text = json.to_string();
    let (left, right) = text.split_at(text.len() / 2);
    let chunk = |text: &str| json!({"choices":[{"delta":{"content":text}}]}).to_string();
    let end = json!({"choices":[{"delta":{},"finish_reason":"stop"}]}).to_string();
    events(&[chunk(left), chunk(right), end, "[DONE]".to_owned()])
}

#[test]
fn without_native_tools_one_json_action_a_turn_is_asked_for() {
    let call = action(&json!({"action":"shell","arguments":{"command":"ls"}}));
    let say = action(&json!({"action":"say","text":"done"}));
    let routes = ollama(json!(["completion"]), "num_ctx 65536", json!([]));
    let server = WireServer::start_with_routes(vec![call, say], routes).unwrap();
    let mut provider = provider_at(&server, ProviderKind::OpenAi);
    let outcome = ask(&mut *provider, &[user("hi")]);
    assert_eq!(outcome.reply().stop, StopReason::ToolCalls);
    assert_eq!((outcome.calls()[0].1, outcome.calls()[0].2), ("shell", r#"{"command":"ls"}"#));
    assert!(outcome.streamed.is_empty(), "JSON is not shown to the user");
    let sent = body(&server, 0);
    assert!(sent.get("tools").is_none());
    let variants = &sent["response_format"]["json_schema"]["schema"]["anyOf"];
    assert_eq!(variants[0]["properties"]["action"]["enum"], json!(["shell"]));
    assert!(sent["messages"][0]["content"].as_str().unwrap().contains("## shell"));
    let outcome = ask(&mut *provider, &[user("hi")]);
    assert_eq!(
        (outcome.text(), outcome.streamed.as_slice()),
        ("done", ["done".to_owned()].as_slice())
    );
}

#[test]
fn a_refusal_of_tools_switches_to_json_actions() {
    let refusal = r#"{"error":{"message":"registry.ollama.ai/library/x does not support tools","type":"api_error"}}"#;
    let say = action(&json!({"action":"say","text":"ok"}));
    let server = WireServer::start(vec![status(400, &[], refusal), say.clone(), say]).unwrap();
    let mut provider = provider_at(&server, ProviderKind::OpenAi);
    let outcome = ask(&mut *provider, &[user("hi")]);
    assert_eq!((outcome.text(), outcome.retries.len()), ("ok", 1));
    assert!(outcome.retries[0].1.contains("JSON actions"));
    assert_eq!(ask(&mut *provider, &[user("hi")]).text(), "ok");
    assert_eq!(server.requests().len(), 3);
}
