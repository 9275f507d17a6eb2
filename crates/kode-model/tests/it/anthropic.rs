//! Anthropic Messages over real sockets: the good case and every fault.

use std::time::Duration;

use kode_base::{ModelVisible, TokenCount};
use kode_model::ProviderErrorKind::*;
use kode_model::ProviderKind::Anthropic;
use kode_model::{Message, StopReason};
use kode_testkit::wire::answer::{send, status, stream_head};
use kode_testkit::wire::{Step, WireServer};
use serde_json::{Value, json};

use crate::ask::{Outcome, ask, ask_server, body, impatient, provider_at, provider_with, user};

/// Events as Anthropic sends them: named, and once more in the data.
fn events(payloads: &[Value]) -> Vec<Step> {
    let event = |payload: &Value| {
        send(format!("event: {}\ndata: {payload}\n\n", payload["type"].as_str().unwrap()))
    };
    std::iter::once(stream_head()).chain(payloads.iter().map(event)).collect()
}

fn message_start() -> Value {
    json!({"type":"message_start","message":{"role":"assistant","content":[],"usage":
        {"input_tokens":10,"cache_read_input_tokens":100,"cache_creation_input_tokens":7,"output_tokens":1}}})
}

fn block(index: u64, content: Value, deltas: &[Value]) -> Vec<Value> {
    let mut events =
        vec![json!({"type":"content_block_start","index":index,"content_block":content})];
    events.extend(
        deltas
            .iter()
            .map(|delta| json!({"type":"content_block_delta","index":index,"delta":delta})),
    );
    events.push(json!({"type":"content_block_stop","index":index}));
    events
}

fn text(index: u64, text: &str) -> Vec<Value> {
    block(index, json!({"type":"text","text":""}), &[json!({"type":"text_delta","text":text})])
}

fn call(index: u64, id: &str, pieces: &[&str]) -> Vec<Value> {
    let deltas: Vec<_> = pieces
        .iter()
        .map(|piece| json!({"type":"input_json_delta","partial_json":piece}))
        .collect();
    block(index, json!({"type":"tool_use","id":id,"name":"shell","input":{}}), &deltas)
}

fn end(reason: &str) -> Vec<Value> {
    vec![
        json!({"type":"message_delta","delta":{"stop_reason":reason},"usage":{"output_tokens":42}}),
        json!({"type":"message_stop"}),
    ]
}

fn message(parts: &[Vec<Value>]) -> Vec<Value> {
    std::iter::once(message_start()).chain(parts.concat()).collect()
}

fn one(payloads: &[Value]) -> Outcome {
    ask_server(Anthropic, vec![events(payloads)]).0
}

#[test]
fn text_streams_and_usage_counts_the_cache_in() {
    let mut payloads = message(&[text(0, "Hel"), text(1, "lo"), end("end_turn")]);
    payloads.insert(1, json!({"type":"ping"}));
    payloads.insert(2, json!({"type":"some_future_event","x":1}));
    let (outcome, server) = ask_server(Anthropic, vec![events(&payloads)]);
    assert_eq!((outcome.text(), outcome.reply().stop), ("Hello", StopReason::EndOfTurn));
    let usage = outcome.reply().usage;
    assert_eq!((usage.input, usage.output), (TokenCount(117), TokenCount(42)));
    assert_eq!((usage.cache_read, usage.cache_write), (TokenCount(100), TokenCount(7)));
    let request = &server.requests()[0];
    assert_eq!(request.path, "/v1/messages");
    assert_eq!(request.header("x-api-key"), Some("sk-test"));
    assert_eq!(request.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(body(&server, 0)["tools"][0]["input_schema"]["required"][0], "command");
}

#[test]
fn thinking_and_parallel_calls_make_the_round_trip_byte_for_byte() {
    let signature = "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds+/=";
    let thinking = block(
        0,
        json!({"type":"thinking","thinking":"","signature":""}),
        &[
            json!({"type":"thinking_delta","thinking":"Let me\u{2028}see: naïve "}),
            json!({"type":"thinking_delta","thinking":"日本"}),
            json!({"type":"signature_delta","signature":signature}),
        ],
    );
    let redacted = block(1, json!({"type":"redacted_thinking","data":"EmwKAhgB"}), &[]);
    let first = message(&[
        thinking,
        redacted,
        text(2, "I run two."),
        call(3, "toolu_1", &["", r#"{"comm"#, r#"and":"one"}"#]),
        call(4, "toolu_2", &[]),
        end("tool_use"),
    ]);
    let second = message(&[text(0, "done"), end("end_turn")]);
    let server = WireServer::start(vec![events(&first), events(&second)]).unwrap();
    let mut provider = provider_at(&server, Anthropic);
    let outcome = ask(&mut *provider, &[user("hi")]);
    let expected = [("toolu_1", "shell", r#"{"command":"one"}"#), ("toolu_2", "shell", "{}")];
    assert_eq!(outcome.calls(), expected);
    let reply = outcome.result.unwrap();
    let result = |call: &str| Message::Tool {
        call: call.to_owned(),
        content: ModelVisible::from_wrapped("out".to_owned()),
    };
    let messages = [
        Message::System { text: "rules".to_owned() },
        user("hi"),
        Message::Assistant { text: reply.text, calls: reply.calls, opaque: reply.opaque },
        result("toolu_1"),
        result("toolu_2"),
        Message::Data { content: ModelVisible::from_wrapped("data".to_owned()) },
    ];
    assert_eq!(ask(&mut *provider, &messages).text(), "done");
    let sent = body(&server, 1);
    let blocks = &sent["messages"][1]["content"];
    let expected =
        json!({"type":"thinking","thinking":"Let me\u{2028}see: naïve 日本","signature":signature});
    assert_eq!(blocks[0], expected);
    assert_eq!(blocks[1], json!({"type":"redacted_thinking","data":"EmwKAhgB"}));
    assert_eq!(blocks[2], json!({"type":"text","text":"I run two."}));
    assert_eq!(blocks[3]["input"], json!({"command":"one"}));
    let answers = &sent["messages"][2]["content"];
    assert_eq!(answers[0]["tool_use_id"], "toolu_1");
    assert_eq!(answers[1]["tool_use_id"], "toolu_2");
    assert_eq!(answers[2]["text"], "data");
    assert_eq!(sent["system"][0]["cache_control"]["type"], "ephemeral");
}

#[test]
fn a_stream_without_its_end_runs_nothing() {
    let whole = message(&[text(0, "a"), call(1, "t", &[r#"{"command":"x"}"#]), end("tool_use")]);
    for length in 2..whole.len() {
        let outcome = one(&whole[..length]);
        assert!(matches!(outcome.error().kind, Connection | Protocol), "{length}");
    }
    let mut without_stop = whole;
    without_stop.retain(|event| event["type"] != "content_block_stop");
    assert_eq!(one(&without_stop).error().kind, Connection);
}

#[test]
fn an_answer_cut_by_length_or_refusal_has_no_calls() {
    for (reason, stop) in [
        ("max_tokens", StopReason::Length),
        ("model_context_window_exceeded", StopReason::Length),
        ("refusal", StopReason::Refusal),
    ] {
        let outcome = one(&message(&[call(0, "t", &[r#"{"command":"x"}"#]), end(reason)]));
        assert_eq!(outcome.reply().stop, stop);
        assert!(outcome.reply().calls.is_empty());
    }
    let outcome = one(&message(&[call(0, "t", &["{}"]), end("new_reason")]));
    assert_eq!(outcome.error().kind, Protocol);
    // Calls despite `end_turn` still are calls.
    let outcome = one(&message(&[call(0, "t", &["{}"]), end("end_turn")]));
    assert_eq!(outcome.reply().stop, StopReason::ToolCalls);
}

#[test]
fn thinking_that_was_cut_off_is_not_replayed() {
    let thinking = block(0, json!({"type":"thinking","thinking":"half a th","signature":""}), &[]);
    let outcome = one(&message(&[thinking.clone(), end("max_tokens")]));
    assert_eq!(outcome.reply().stop, StopReason::Length);
    assert!(outcome.reply().opaque.is_empty());
    let outcome = one(&message(&[thinking, text(1, "a"), end("end_turn")]));
    assert_eq!(outcome.reply().opaque.len(), 1);
}

#[test]
fn calls_that_share_index_and_identifier_stay_apart() {
    let outcome = one(&message(&[
        call(0, "t", &[r#"{"command":"1"}"#]),
        call(0, "t", &[r#"{"command":"2"}"#]),
        end("tool_use"),
    ]));
    let calls = outcome.calls();
    assert_eq!((calls[0].2, calls[1].2), (r#"{"command":"1"}"#, r#"{"command":"2"}"#));
    assert_ne!(calls[0].0, calls[1].0);
}

#[test]
fn an_error_event_after_200_is_retried_only_before_output() {
    let overloaded =
        json!({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}});
    let good = message(&[text(0, "ok"), end("end_turn")]);
    let early = events(&[message_start(), overloaded.clone()]);
    let (outcome, _server) = ask_server(Anthropic, vec![early, events(&good)]);
    assert_eq!((outcome.text(), outcome.retries.len()), ("ok", 1));
    for begun in
        [text(0, "a"), call(0, "t", &[]), block(0, json!({"type":"thinking","thinking":"x"}), &[])]
    {
        let mut payloads = message(&[begun]);
        payloads.push(overloaded.clone());
        let (outcome, server) = ask_server(Anthropic, vec![events(&payloads), events(&good)]);
        assert_eq!(outcome.error().kind, Overloaded);
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn its_errors_are_understood() {
    let error = |kind: &str, message: &str| {
        json!({"type":"error","error":{"type":kind,"message":message}}).to_string()
    };
    for (code, text, kind) in [
        (401, error("authentication_error", "invalid x-api-key"), Authentication),
        (404, error("not_found_error", "model: claude-x"), UnknownModel),
        (
            400,
            error("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
            ContextWindow,
        ),
        (413, error("request_too_large", "Request exceeds the maximum size"), ContextWindow),
        (400, error("invalid_request_error", "Your credit balance is too low"), RateLimited),
        (400, error("invalid_request_error", "tools: bad"), Server),
    ] {
        let (outcome, server) = ask_server(Anthropic, vec![status(code, &[], &text)]);
        assert_eq!(outcome.error().kind, kind, "{text}");
        assert_eq!(server.requests().len(), 1);
    }
    let good = events(&message(&[text(0, "ok"), end("end_turn")]));
    for answer in [
        status(529, &[], &error("overloaded_error", "Overloaded")),
        status(429, &[("retry-after", "0.01")], &error("rate_limit_error", "slow down")),
        status(500, &[], &error("api_error", "Internal server error")),
    ] {
        let (outcome, _server) = ask_server(Anthropic, vec![answer, good.clone()]);
        assert_eq!((outcome.text(), outcome.retries.len()), ("ok", 1));
    }
}

#[test]
fn pings_break_the_silence() {
    let mut steps = vec![stream_head()];
    for _ in 0..8 {
        let ping = send("event: ping\ndata: {\"type\":\"ping\"}\n\n");
        steps.extend([ping, Step::Pause(Duration::from_millis(250))]);
    }
    steps.extend(events(&message(&[text(0, "late"), end("end_turn")])).into_iter().skip(1));
    let server = WireServer::start(vec![steps]).unwrap();
    let mut provider = provider_with(&server, Anthropic, impatient(Duration::from_millis(1500)));
    assert_eq!(ask(&mut *provider, &[user("hi")]).text(), "late");
}

#[test]
fn a_server_that_does_not_stream_is_understood() {
    let whole = json!({"type":"message","content":[{"type":"text","text":"hi"},
        {"type":"tool_use","id":"t","name":"shell","input":{"command":"x"}}],
        "stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":2}});
    let (outcome, _server) = ask_server(Anthropic, vec![status(200, &[], &whole.to_string())]);
    assert_eq!(outcome.calls(), [("t", "shell", r#"{"command":"x"}"#)]);
}
