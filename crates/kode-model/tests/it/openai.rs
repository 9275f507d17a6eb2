//! OpenAI Chat Completions over real sockets: the good case and every fault.

use std::time::{Duration, Instant};

use kode_base::{Interrupt, ModelVisible, Secret, TokenCount, Untrusted};
use kode_model::ProviderErrorKind::{self, *};
use kode_model::ProviderKind::OpenAi;
use kode_model::{Message, ProviderChoice, StopReason, ToolCall, connect_with};
use kode_testkit::wire::answer::{events, send, status, stream_head};
use kode_testkit::wire::{Step, WireServer};
use serde_json::json;

use crate::ask::{Outcome, ask, ask_server, ask_until, body, provider_at, quick, user};

const DONE: &str = "[DONE]";
const USAGE: &str = r#"{"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":3}}}"#;

fn text(text: &str) -> String {
    json!({"choices":[{"index":0,"delta":{"content":text},"finish_reason":null}]}).to_string()
}

fn finish(reason: &str) -> String {
    json!({"choices":[{"index":0,"delta":{},"finish_reason":reason}]}).to_string()
}

/// A chunk with one piece of a call; `null` members are left out.
fn piece(
    index: Option<u64>,
    id: Option<&str>,
    name: Option<&str>,
    arguments: Option<&str>,
) -> String {
    let mut call = json!({"type":"function","function":{}});
    if let Some(index) = index {
        call["index"] = json!(index);
    }
    if let Some(id) = id {
        call["id"] = json!(id);
    }
    if let Some(name) = name {
        call["function"]["name"] = json!(name);
    }
    if let Some(arguments) = arguments {
        call["function"]["arguments"] = json!(arguments);
    }
    json!({"choices":[{"index":0,"delta":{"tool_calls":[call]},"finish_reason":null}]}).to_string()
}

fn one(data: &[String]) -> Outcome {
    ask_server(OpenAi, vec![events(data)]).0
}

fn chunks(data: &[&str]) -> Vec<String> {
    data.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn text_streams_and_usage_is_counted() {
    let data = [text("Hel"), text("lo"), finish("stop"), USAGE.into(), DONE.into()];
    let (outcome, server) = ask_server(OpenAi, vec![events(&data)]);
    assert_eq!(outcome.streamed, ["Hel", "lo"]);
    assert_eq!(outcome.text(), "Hello");
    let reply = outcome.reply();
    assert_eq!(reply.stop, StopReason::EndOfTurn);
    assert_eq!((reply.usage.input, reply.usage.output), (TokenCount(11), TokenCount(5)));
    assert_eq!(reply.usage.cache_read, TokenCount(3));
    let request = &server.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(request.header("authorization"), Some("Bearer sk-test"));
    let sent = body(&server, 0);
    assert_eq!(sent["model"], "test-model");
    assert_eq!(sent["stream_options"]["include_usage"], true);
    assert_eq!(sent["tools"][0]["function"]["name"], "shell");
}

#[test]
fn parallel_calls_and_their_results_make_the_round_trip() {
    let first = [
        piece(Some(0), Some("a1"), Some("shell"), Some("")),
        piece(Some(0), None, None, Some(r#"{"command":"#)),
        piece(Some(1), Some("b2"), Some("shell"), Some(r#"{"command":"two"}"#)),
        piece(Some(0), None, None, Some(r#""one"}"#)),
        finish("tool_calls"),
        DONE.into(),
    ];
    let second = [text("done"), finish("stop"), DONE.into()];
    let server = WireServer::start(vec![events(&first), events(&second)]).unwrap();
    let mut provider = provider_at(&server, OpenAi);
    let outcome = ask(&mut *provider, &[user("hi")]);
    assert_eq!(
        outcome.calls(),
        [("a1", "shell", r#"{"command":"one"}"#), ("b2", "shell", r#"{"command":"two"}"#)]
    );
    assert_eq!(outcome.reply().stop, StopReason::ToolCalls);
    let reply = outcome.result.unwrap();
    let result = |call: &str, text: &str| Message::Tool {
        call: call.to_owned(),
        content: ModelVisible::from_wrapped(text.to_owned()),
    };
    let messages = [
        Message::System { text: "rules".to_owned() },
        user("hi"),
        Message::Assistant { text: reply.text, calls: reply.calls, opaque: reply.opaque },
        result("b2", "B"),
        result("a1", "A"),
    ];
    assert_eq!(ask(&mut *provider, &messages).text(), "done");
    let sent = body(&server, 1);
    assert_eq!(sent["messages"][0], json!({"role":"system","content":"rules"}));
    assert_eq!(sent["messages"][2]["content"], json!(null));
    assert_eq!(
        sent["messages"][2]["tool_calls"][1]["function"]["arguments"],
        r#"{"command":"two"}"#
    );
    assert_eq!(sent["messages"][3], json!({"role":"tool","tool_call_id":"b2","content":"B"}));
    assert_eq!(sent["messages"].as_array().unwrap().len(), 5);
}

#[test]
fn calls_that_all_have_index_0_are_told_apart_by_identifier() {
    let outcome = one(&[
        piece(Some(0), Some("a"), Some("shell"), Some(r#"{"command":"1"}"#)),
        piece(Some(0), Some("b"), Some("shell"), Some(r#"{"comm"#)),
        piece(Some(0), Some("b"), None, Some(r#"and":"2"}"#)),
        finish("tool_calls"),
        DONE.into(),
    ]);
    assert_eq!(
        outcome.calls(),
        [("a", "shell", r#"{"command":"1"}"#), ("b", "shell", r#"{"command":"2"}"#)]
    );
}

#[test]
fn calls_without_index_and_identifier_are_told_apart_by_their_beginning() {
    for index in [None, Some(0)] {
        let outcome = one(&[
            piece(index, None, Some("shell"), Some(r#"{"command""#)),
            piece(index, None, None, Some(r#":"1"}"#)),
            piece(index, None, Some("shell"), Some(r#"{"command":"2"}"#)),
            finish("stop"),
            DONE.into(),
        ]);
        let calls = outcome.calls();
        assert_eq!(
            calls.iter().map(|call| call.2).collect::<Vec<_>>(),
            [r#"{"command":"1"}"#, r#"{"command":"2"}"#]
        );
        assert_ne!(calls[0].0, calls[1].0);
        assert_eq!(outcome.reply().stop, StopReason::ToolCalls, "`stop` despite calls");
    }
}

#[test]
fn an_identifier_that_changes_with_every_piece_is_one_call() {
    let outcome = one(&[
        piece(Some(0), Some("a"), Some("shell"), Some("")),
        piece(Some(0), Some("b"), None, Some(r#"{"command""#)),
        piece(Some(0), Some("c"), None, Some(r#":"1"}"#)),
        finish("tool_calls"),
        DONE.into(),
    ]);
    assert_eq!(outcome.calls(), [("a", "shell", r#"{"command":"1"}"#)]);
}

#[test]
fn pieces_of_interleaved_calls_find_their_call_by_identifier() {
    let outcome = one(&[
        piece(Some(0), Some("a"), Some("shell"), Some(r#"{"command":"#)),
        piece(Some(0), Some("b"), Some("shell"), Some(r#"{"command":"#)),
        piece(Some(0), Some("a"), None, Some(r#""1"}"#)),
        piece(Some(0), Some("b"), None, Some(r#""2"}"#)),
        finish("tool_calls"),
        DONE.into(),
    ]);
    let expected = [("a", "shell", r#"{"command":"1"}"#), ("b", "shell", r#"{"command":"2"}"#)];
    assert_eq!(outcome.calls(), expected);
}

#[test]
fn a_call_that_is_repeated_in_pieces_is_one_call() {
    let whole = [
        piece(Some(0), Some("a"), Some("shell"), Some(r#"{"command":"#)),
        piece(Some(0), None, None, Some(r#""1"}"#)),
    ];
    let mut data = [whole.clone(), whole].concat();
    data.extend([finish("tool_calls"), DONE.to_owned()]);
    assert_eq!(one(&data).calls(), [("a", "shell", r#"{"command":"1"}"#)]);
}

#[test]
fn one_identifier_for_two_calls_without_index_is_two_calls() {
    let outcome = one(&[
        piece(None, Some("x"), Some("shell"), Some(r#"{"command":"1"}"#)),
        piece(None, Some("x"), Some("shell"), Some(r#"{"command":"2"}"#)),
        finish("tool_calls"),
        DONE.into(),
    ]);
    let arguments: Vec<_> = outcome.calls().iter().map(|call| call.2).collect();
    assert_eq!(arguments, [r#"{"command":"1"}"#, r#"{"command":"2"}"#]);
}

#[test]
fn identifiers_that_repeat_or_restart_become_unique() {
    let data = [
        piece(Some(0), Some("call_0"), Some("shell"), Some("{}")),
        piece(Some(1), Some("call_0"), Some("shell"), Some(r#"{"command":"2"}"#)),
        finish("tool_calls"),
        DONE.into(),
    ];
    let server = WireServer::start(vec![events(&data)]).unwrap();
    let earlier = ToolCall { id: "call_0".into(), name: "shell".into(), arguments: "{}".into() };
    let history =
        [user("hi"), Message::Assistant { text: "".into(), calls: vec![earlier], opaque: vec![] }];
    let outcome = ask(&mut *provider_at(&server, OpenAi), &history);
    let mut ids: Vec<&str> = outcome.calls().iter().map(|call| call.0).collect();
    ids.push("call_0");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3, "{ids:?}");
}

#[test]
fn arguments_may_come_in_no_piece_as_an_object_or_twice() {
    let whole = r#"{"command":"x"}"#;
    let object = json!({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"shell","arguments":{"command":"x"}}}]}}]});
    for (pieces, expected) in [
        (vec![piece(Some(0), Some("a"), Some("shell"), None)], ""),
        (vec![object.to_string()], whole),
        (vec![piece(Some(0), Some("a"), Some("shell"), Some(whole)); 2], whole),
        (
            vec![
                piece(Some(0), Some("a"), Some("shell"), Some("{}")),
                piece(Some(0), Some("a"), Some("shell"), Some(whole)),
            ],
            whole,
        ),
        (vec![piece(Some(0), Some("a"), Some("shell"), Some(r#"{"a":"#))], r#"{"a":"#),
    ] {
        let mut data = pieces;
        data.extend([finish("tool_calls"), DONE.to_owned()]);
        assert_eq!(one(&data).calls(), [("a", "shell", expected)]);
    }
}

#[test]
fn odd_chunks_are_no_trouble() {
    let outcome = one(&chunks(&[
        r#"{"choices":[]}"#,
        r#"{"choices":[{"index":0,"finish_reason":null}]}"#,
        r#"{"choices":[{"index":0,"delta":null}]}"#,
        r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":null}}]}"#,
        r#"{"id":"x","object":"ping"}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"ok"},"finish_reason":""}],"usage":null}"#,
        r#"{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}],"error":null}"#,
        USAGE,
        DONE,
    ]));
    assert_eq!(outcome.text(), "ok");
    assert_eq!(outcome.streamed, ["ok"]);
    assert_eq!(outcome.reply().usage.output, TokenCount(5));
}

#[test]
fn events_split_inside_a_character_and_between_comments_are_whole() {
    let stream = format!(
        ": hi\r\n\r\ndata:\n\ndata: {}\r\n\r\ndata: {}\n\ndata: {DONE}\n\n",
        text("né 日本"),
        finish("stop")
    );
    let mut steps = vec![stream_head()];
    for byte in stream.as_bytes().chunks(3) {
        steps.extend([send(byte), Step::Pause(Duration::from_millis(1))]);
    }
    let (outcome, _server) = ask_server(OpenAi, vec![steps]);
    assert_eq!(outcome.text(), "né 日本");
}

#[test]
fn an_answer_cut_by_length_filter_or_refusal_has_no_calls() {
    for (reason, stop) in [
        ("length", StopReason::Length),
        ("content_filter", StopReason::ContentFilter),
        ("refusal", StopReason::Refusal),
    ] {
        let call = piece(Some(0), Some("a"), Some("shell"), Some(r#"{"command":"x"}"#));
        let outcome = one(&[call, finish(reason), DONE.into()]);
        assert_eq!(outcome.reply().stop, stop);
        assert!(outcome.reply().calls.is_empty());
    }
    let refusal = r#"{"choices":[{"delta":{"refusal":"I can't help."}}]}"#;
    let outcome = one(&[refusal.into(), finish("stop"), DONE.into()]);
    assert_eq!((outcome.reply().stop, outcome.text()), (StopReason::Refusal, "I can't help."));
}

#[test]
fn a_stream_without_its_end_runs_nothing() {
    let call = piece(Some(0), Some("a"), Some("shell"), Some(r#"{"command":"x"}"#));
    for data in [
        vec![call.clone()],
        vec![call.clone(), finish("tool_calls")],
        vec![text("half an ans")],
        vec![call.clone(), finish("insufficient_system_resource"), DONE.into()],
    ] {
        let outcome = one(&data);
        assert!(matches!(outcome.error().kind, Connection | Protocol), "{data:?}");
        assert!(outcome.retries.is_empty(), "{data:?}");
    }
    // Text with a finish reason is whole even without the marker.
    assert_eq!(one(&[text("whole"), finish("stop")]).text(), "whole");
}

#[test]
fn a_payload_cut_in_the_middle_runs_nothing() {
    let call = piece(Some(0), Some("a"), Some("shell"), Some(r#"{"command":"x"}"#));
    let cut = format!("data: {}", &call[..call.len() - 2]);
    let (outcome, _server) = ask_server(OpenAi, vec![vec![stream_head(), send(cut)]]);
    assert_eq!(outcome.error().kind, Protocol);
}

#[test]
fn invalid_utf8_in_a_call_runs_nothing_but_text_survives() {
    let with_bad_byte = |json: String| {
        let mut bytes = format!("data: {json}\n\n").into_bytes();
        let at = bytes.iter().position(|byte| *byte == b'@').unwrap();
        bytes[at] = 0xff;
        send(bytes)
    };
    let end = send(format!("data: {}\n\ndata: {DONE}\n\n", finish("stop")));
    let call = piece(Some(0), Some("a"), Some("shell"), Some(r#"{"command":"@"}"#));
    let steps = vec![stream_head(), with_bad_byte(call), end.clone()];
    assert_eq!(ask_server(OpenAi, vec![steps]).0.error().kind, Protocol);
    let steps = vec![stream_head(), with_bad_byte(text("a@b")), end];
    assert_eq!(ask_server(OpenAi, vec![steps]).0.text(), "a\u{fffd}b");
}

#[test]
fn an_error_event_after_200_is_an_error_and_retried_only_before_output() {
    let overloaded = r#"{"error":{"message":"Overloaded","type":"overloaded_error"}}"#.to_owned();
    let good = vec![text("ok"), finish("stop"), DONE.into()];
    let (outcome, _server) = ask_server(OpenAi, vec![events(&[&overloaded]), events(&good)]);
    assert_eq!((outcome.text(), outcome.retries.len()), ("ok", 1));
    let (outcome, server) =
        ask_server(OpenAi, vec![events(&[text("a"), overloaded]), events(&good)]);
    assert_eq!(outcome.error().kind, Overloaded);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn limits_are_waited_for_in_every_form_and_capped() {
    let good = events(&[text("ok"), finish("stop"), DONE.into()]);
    let body = r#"{"error":{"message":"Rate limit. Please try again in 20ms.","code":"rate_limit_exceeded"}}"#;
    for (answer, wait_ms) in [
        (status(429, &[("retry-after", "0.03")], ""), 30),
        (status(429, &[("retry-after", "99999999999")], ""), 50),
        (status(429, &[("retry-after", "Fri, 31 Dec 9998 23:59:59 GMT")], ""), 50),
        (status(429, &[("retry-after", "-3")], ""), 10),
        (status(429, &[], body), 20),
        (status(500, &[], ""), 10),
        (
            status(
                529,
                &[],
                r#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#,
            ),
            10,
        ),
        (status(503, &[], "<html>"), 10),
        (Vec::new(), 10),
        (vec![stream_head()], 10),
    ] {
        let (outcome, server) = ask_server(OpenAi, vec![answer, good.clone()]);
        assert_eq!(outcome.text(), "ok");
        assert_eq!(outcome.retries.len(), 1);
        assert_eq!(outcome.retries[0].0, Duration::from_millis(wait_ms));
        assert_eq!(server.requests().len(), 2);
    }
}

#[test]
fn retries_end() {
    let (outcome, server) = ask_server(OpenAi, vec![status(500, &[], ""); 5]);
    assert_eq!(outcome.error().kind, Server);
    assert_eq!(server.requests().len(), 3);
    assert!(outcome.error().message.contains("tried 3 times"));
}

#[test]
fn clear_faults_are_not_retried() {
    let quota = r#"{"error":{"message":"quota","code":"insufficient_quota"}}"#;
    let window = r#"{"error":{"code":400,"message":"exceeds the available context size","type":"exceed_context_size_error"}}"#;
    let cases: [(u16, &str, ProviderErrorKind); 6] = [
        (401, r#"{"error":{"message":"bad key sk-test"}}"#, Authentication),
        (
            404,
            r#"{"error":{"message":"The model `x` does not exist","code":"model_not_found"}}"#,
            UnknownModel,
        ),
        (404, "page not found", Configuration),
        (429, quota, RateLimited),
        (400, window, ContextWindow),
        (307, "", Configuration),
    ];
    for (code, text, kind) in cases {
        let answer = status(code, &[("location", "http://127.0.0.1:1/steal")], text);
        let (outcome, server) = ask_server(OpenAi, vec![answer]);
        assert_eq!(outcome.error().kind, kind, "{code} {text}");
        assert_eq!(server.requests().len(), 1);
        assert!(!outcome.error().to_string().contains("sk-test"));
    }
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let server = WireServer::start(Vec::new()).unwrap();
    let (origin, mut provider) = (server.origin(), provider_at(&server, OpenAi));
    drop(server);
    let outcome = ask(&mut *provider, &[user("hi")]);
    assert_eq!(outcome.error().kind, Connection);
    assert!(outcome.error().to_string().contains(&format!("is the server running at {origin}")));
    assert!(outcome.retries.is_empty());
}

#[test]
fn a_server_without_tls_is_told_from_one_that_is_gone() {
    let server = WireServer::start(Vec::new()).unwrap();
    let choice = ProviderChoice {
        kind: OpenAi,
        base_url: Some(server.origin().replace("http://", "https://")),
        model: "m".to_owned(),
        api_key: Some(Secret::new("sk-test".to_owned())),
    };
    let outcome = ask(&mut *connect_with(choice, quick()).unwrap(), &[user("hi")]);
    assert_eq!(outcome.error().kind, Connection);
    assert!(outcome.error().to_string().contains("http://?"), "{}", outcome.error());
    assert!(outcome.retries.is_empty() && server.requests().is_empty());
}

#[test]
fn long_silence_ends_the_answer() {
    let quiet = Step::Pause(Duration::from_secs(20));
    let steps = vec![stream_head(), send(format!("data: {}\n\n", text("a"))), quiet.clone()];
    let (outcome, _server) = ask_server(OpenAi, vec![steps]);
    assert_eq!(outcome.error().kind, Connection);
    assert!(outcome.error().message.contains("silent"));
    let good = events(&[text("ok"), finish("stop"), DONE.into()]);
    let (outcome, _server) = ask_server(OpenAi, vec![vec![quiet], good]);
    assert_eq!((outcome.text(), outcome.retries.len()), ("ok", 1));
}

#[test]
fn a_reset_in_the_middle_runs_nothing() {
    let call = piece(Some(0), Some("a"), Some("shell"), Some(r#"{"command":"x"}"#));
    let wait = Step::Pause(Duration::from_millis(50));
    let steps = vec![stream_head(), send(format!("data: {call}\n\n")), wait, Step::Reset];
    let (outcome, server) = ask_server(OpenAi, vec![steps]);
    assert_eq!(outcome.error().kind, Connection);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn an_interrupt_ends_the_wait() {
    let server = WireServer::start(vec![vec![Step::Pause(Duration::from_secs(20))]]).unwrap();
    let mut provider = provider_at(&server, OpenAi);
    let interrupt = Interrupt::new();
    let raiser = interrupt.clone();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(60));
        raiser.raise();
    });
    let started = Instant::now();
    let outcome = ask_until(&mut *provider, &[user("hi")], &interrupt);
    thread.join().unwrap();
    assert_eq!(outcome.error().kind, Interrupted);
    assert!(started.elapsed() < Duration::from_millis(350));
}

#[test]
fn unknown_fields_come_back_in_the_next_request() {
    let data = [
        r#"{"choices":[{"delta":{"reasoning_content":"think "}}]}"#.to_owned(),
        r#"{"choices":[{"delta":{"reasoning_content":"hard","reasoning_details":[{"n":1}]}}]}"#.to_owned(),
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","extra_content":{"sig":"Zm9v"},"function":{"name":"shell","arguments":"{}"}}]}}]}"#.to_owned(),
        finish("tool_calls"),
        DONE.to_owned(),
    ];
    let server =
        WireServer::start(vec![events(&data), events(&[text("ok"), finish("stop")])]).unwrap();
    let mut provider = provider_at(&server, OpenAi);
    let reply = ask(&mut *provider, &[user("hi")]).result.unwrap();
    assert_eq!(reply.text, Untrusted::from(""));
    let answer = Message::Assistant { text: reply.text, calls: reply.calls, opaque: reply.opaque };
    ask(&mut *provider, &[user("hi"), answer]);
    let sent = &body(&server, 1)["messages"][1];
    assert_eq!(sent["reasoning_content"], "think hard");
    assert_eq!(sent["reasoning_details"], json!([{"n":1}]));
    assert_eq!(sent["tool_calls"][0]["extra_content"], json!({"sig":"Zm9v"}));
}

#[test]
fn a_server_that_refuses_its_own_fields_is_asked_without_them() {
    let first = [
        r#"{"choices":[{"delta":{"reasoning":"hm","content":"a"}}]}"#.to_owned(),
        finish("stop"),
        DONE.into(),
    ];
    let refusal = r#"{"error":{"message":"'messages.1': property 'reasoning' is unsupported","type":"invalid_request_error"}}"#;
    let good = events(&[text("ok"), finish("stop"), DONE.into()]);
    let answers = vec![events(&first), status(400, &[], refusal), good.clone(), good];
    let server = WireServer::start(answers).unwrap();
    let mut provider = provider_at(&server, OpenAi);
    let reply = ask(&mut *provider, &[user("hi")]).result.unwrap();
    let answer = Message::Assistant { text: reply.text, calls: reply.calls, opaque: reply.opaque };
    let history = [user("hi"), answer, user("more")];
    assert_eq!(ask(&mut *provider, &history).text(), "ok");
    assert_eq!(ask(&mut *provider, &history).text(), "ok");
    let replayed = |at| body(&server, at)["messages"][1].get("reasoning").is_some();
    assert_eq!([1, 2, 3].map(replayed), [true, false, false]);
}

#[test]
fn endless_and_foreign_answers_are_refused() {
    let mut steps = vec![stream_head(), send("data: ")];
    steps.extend(std::iter::repeat_n(send(vec![b'x'; 1024 * 1024]), 17));
    let (outcome, _server) = ask_server(OpenAi, vec![steps]);
    assert_eq!(outcome.error().kind, Protocol);
    let (outcome, server) =
        ask_server(OpenAi, vec![status(200, &[], "<html><body>Login</body></html>")]);
    assert_eq!(outcome.error().kind, Protocol);
    assert!(outcome.error().to_string().contains("web page"));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_server_that_does_not_stream_is_understood() {
    let whole = json!({"choices":[{"message":{"role":"assistant","content":"hi","tool_calls":[
        {"id":"a","type":"function","function":{"name":"shell","arguments":"{}"}}]},
        "finish_reason":"tool_calls"}],"usage":{"prompt_tokens":2,"completion_tokens":1}});
    let (outcome, _server) = ask_server(OpenAi, vec![status(200, &[], &whole.to_string())]);
    assert_eq!(outcome.calls(), [("a", "shell", "{}")]);
    let (outcome, _server) =
        ask_server(OpenAi, vec![status(200, &[], r#"{"error":"model 'x' not found"}"#)]);
    assert_eq!(outcome.error().kind, UnknownModel);
}
