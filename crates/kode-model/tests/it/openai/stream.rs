//! The event stream: text, ends, damage, odd chunks.

use std::time::Duration;

use kode_base::TokenCount;
use kode_model::ProviderErrorKind::*;
use kode_model::ProviderKind::OpenAi;
use kode_model::StopReason;
use kode_testkit::wire::Step;
use kode_testkit::wire::answer::{events, send, status, stream_head};
use serde_json::json;

use crate::ask::{ask_server, body};

use super::{DONE, USAGE, chunks, finish, one, piece, text};

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
