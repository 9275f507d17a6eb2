#![allow(clippy::disallowed_methods, reason = "tests play the agent")]

use kode_base::ModelVisible;
use proptest::prelude::*;

use super::*;

fn wrapped(text: &str) -> ModelVisible {
    ModelVisible::from_wrapped(text.to_owned())
}

fn call(id: &str) -> ToolCall {
    ToolCall { id: id.to_owned(), name: "shell".into(), arguments: "{}".into() }
}

fn assistant(ids: &[&str]) -> Message {
    let calls = ids.iter().map(|id| call(id)).collect();
    Message::Assistant { text: "".into(), calls, opaque: Vec::new() }
}

fn tool(id: &str, text: &str) -> Message {
    Message::Tool { call: id.to_owned(), content: wrapped(text) }
}

fn user(text: &str) -> Message {
    Message::User { text: text.to_owned() }
}

#[test]
fn a_call_without_result_is_answered_before_the_next_turn() {
    let messages = [user("go"), assistant(&["a", "b"]), tool("b", "B"), user("stop")];
    let conversation = Conversation::new(&messages);
    let [_, _, Turn::User { results, texts }] = conversation.turns.as_slice() else {
        panic!("{conversation:?}")
    };
    assert_eq!(results.as_slice(), [("b", "B"), ("a", NO_RESULT)]);
    assert_eq!(texts.as_slice(), ["stop"]);
}

#[test]
fn a_result_without_call_stays_data() {
    let messages = [user("go"), tool("gone", "G")];
    let conversation = Conversation::new(&messages);
    let [Turn::User { results, texts }] = conversation.turns.as_slice() else { panic!() };
    assert!(results.is_empty());
    assert_eq!(texts.as_slice(), ["go", "G"]);
}

#[test]
fn all_system_text_goes_first() {
    let system = |text: &str| Message::System { text: text.to_owned() };
    let messages = [system("rules"), user("go"), system("context")];
    let conversation = Conversation::new(&messages);
    assert_eq!(conversation.system, "rules\n\ncontext");
    assert_eq!(conversation.turns.len(), 1);
}

#[test]
fn arguments_that_are_no_object_are_shown_as_text() {
    assert_eq!(Value::from(arguments_object(&"[1".into())), json!({"invalid_arguments": "[1"}));
    assert_eq!(Value::from(arguments_object(&" ".into())), json!({}));
    assert_eq!(Value::from(arguments_object(&r#"{"a":1}"#.into())), json!({"a": 1}));
}

#[test]
fn identifiers_are_unique_and_fit() {
    let messages = [assistant(&["call_0", "call00002"])];
    let mut ids = CallIds::of(&messages);
    assert_eq!(ids.assign("call_1"), "call_1");
    assert_eq!(ids.assign("call_0"), "call00003");
    assert_eq!(ids.assign(""), "call00004");
    assert_eq!(ids.assign("a b\u{1b}"), "call00005");
    assert_eq!(ids.assign(&"x".repeat(65)), "call00006");
}

/// Any message, with identifiers that often meet.
fn any_message() -> impl Strategy<Value = Message> {
    let id = || prop_oneof![Just("a"), Just("b"), Just("c")];
    prop_oneof![
        Just(user("u")),
        Just(Message::System { text: "s".to_owned() }),
        Just(Message::Data { content: wrapped("d") }),
        proptest::collection::btree_set(id(), 0..3)
            .prop_map(|ids| assistant(&ids.into_iter().collect::<Vec<_>>())),
        id().prop_map(|id| tool(id, "r")),
    ]
}

proptest! {
    #[test]
    fn every_call_is_answered_right_after_and_nothing_else_is(
        messages in proptest::collection::vec(any_message(), 0..14),
    ) {
        let conversation = Conversation::new(&messages);
        let mut expected: Vec<&str> = Vec::new();
        for turn in &conversation.turns {
            match turn {
                Turn::Assistant { calls, .. } => {
                    prop_assert!(expected.is_empty());
                    expected = calls.iter().map(|call| call.id.as_str()).collect();
                }
                Turn::User { results, .. } => {
                    let mut answered: Vec<&str> = results.iter().map(|(id, _)| *id).collect();
                    answered.sort_unstable();
                    prop_assert_eq!(answered, std::mem::take(&mut expected));
                }
            }
        }
        prop_assert!(expected.is_empty());
        let users = conversation.turns.windows(2).filter(|pair| matches!(pair, [Turn::User { .. }, Turn::User { .. }]));
        prop_assert_eq!(users.count(), 0);
    }
}
