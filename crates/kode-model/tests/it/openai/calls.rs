//! Tool calls: every way servers cut, number, name and repeat them.

use kode_base::{ModelVisible, Untrusted};
use kode_model::ProviderKind::OpenAi;
use kode_model::{Message, StopReason, ToolCall};
use kode_testkit::wire::WireServer;
use kode_testkit::wire::answer::{events, status};
use serde_json::json;

use crate::ask::{ask, body, provider_at, user};

use super::{DONE, finish, one, piece, text};

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
