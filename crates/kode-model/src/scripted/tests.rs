#![allow(clippy::disallowed_methods, reason = "tests play the agent")]

use kode_base::ModelVisible;

use super::*;

fn wrapped(text: &str) -> ModelVisible {
    ModelVisible::from_wrapped(text.to_owned())
}

/// Plays a script the way the agent does, with `results` as what each turn's
/// calls return.
fn play(yaml: &str, results: &[&str]) -> Result<Vec<Reply>, ProviderError> {
    let mut model = Scripted::from_yaml(yaml)?;
    let mut messages = vec![Message::User { text: "go".to_owned() }];
    let mut replies = Vec::new();
    for at in 0..=results.len() {
        let request = Request { messages: &messages, tools: &[] };
        let reply = model.respond(&request, &Interrupt::new(), &mut |_| {})?;
        messages.push(Message::Assistant {
            text: reply.text.clone(),
            calls: reply.calls.clone(),
            opaque: reply.opaque.clone(),
        });
        if let (Some(result), Some(call)) = (results.get(at), reply.calls.first()) {
            messages.push(Message::Tool { call: call.id.clone(), content: wrapped(result) });
        }
        replies.push(reply);
    }
    Ok(replies)
}

fn last_text(yaml: &str, result: &str) -> String {
    play(yaml, &[result]).unwrap().pop().unwrap().text.expose().clone()
}

const BRANCHING: &str = r"
turns:
  - calls: [{tool: shell, args: {command: make}}]
  - cases:
      - when: {exit: ok, contains: done}
        text: green
      - when: {regex: 'error\[E\d+\]'}
        text: compile error
      - when: {exit: 7}
        text: seven
      - when: {exit: failed}
        text: failed
      - text: otherwise
";

#[test]
fn a_turn_branches_on_the_last_result() {
    assert_eq!(last_text(BRANCHING, "all done\n[exit 0]"), "green");
    assert_eq!(last_text(BRANCHING, "exit code: 0\nexit code: 1"), "failed");
    assert_eq!(last_text(BRANCHING, "error[E0308]: types\nexit status 101"), "compile error");
    assert_eq!(last_text(BRANCHING, "exit: 7"), "seven");
    let as_the_shell_tool_says = "exit code 0\n[exit code 7, 0.1 s, 12 bytes of output]\n─── END";
    assert_eq!(last_text(BRANCHING, as_the_shell_tool_says), "seven");
    assert_eq!(last_text(BRANCHING, "exiting the program with 3 errors"), "otherwise");
}

#[test]
fn calls_carry_their_arguments_and_unique_identifiers() {
    let yaml = r#"
model: demo
turns:
  - text: "two at once"
    calls:
      - {tool: read_file, args: {path: a.js, limit: 3}}
      - {tool: edit, raw_args: '{"broken'}
    usage: {input: 12, output: 3, cache_read: 4}
  - calls: [{tool: finish}]
"#;
    let replies = play(yaml, &["ok"]).unwrap();
    assert_eq!(replies[0].stop, StopReason::ToolCalls);
    assert_eq!(replies[0].calls[0].arguments, r#"{"path":"a.js","limit":3}"#.into());
    assert_eq!(replies[0].calls[1].arguments, r#"{"broken"#.into());
    assert_eq!(replies[0].usage.input, TokenCount(12));
    assert_eq!(replies[1].calls[0].arguments, "{}".into());
    let ids: std::collections::HashSet<_> =
        replies.iter().flat_map(|reply| &reply.calls).map(|call| &call.id).collect();
    assert_eq!(ids.len(), 3);
}

#[test]
fn a_goto_loops_and_a_label_is_where_it_lands() {
    let yaml = r"
turns:
  - {label: again, calls: [{tool: search, args: {pattern: x}}]}
  - cases:
      - {when: {lacks: found}, text: once more, goto: again}
      - {text: there it is}
";
    let mut model = Scripted::from_yaml(yaml).unwrap();
    let mut ask = |messages: &[Message]| {
        let request = Request { messages, tools: &[] };
        model.respond(&request, &Interrupt::new(), &mut |_| {}).unwrap()
    };
    assert_eq!(ask(&[]).calls.len(), 1);
    assert_eq!(ask(&[Message::Data { content: wrapped("nothing") }]).text, "once more".into());
    assert_eq!(ask(&[]).calls.len(), 1);
    assert_eq!(ask(&[Message::Data { content: wrapped("found") }]).text, "there it is".into());
}

#[test]
fn a_new_process_goes_on_where_the_conversation_is() {
    let yaml = "turns: [{text: one}, {text: two}, {text: three}]";
    let replies = play(yaml, &[]).unwrap();
    let answered = |reply: &Reply| Message::Assistant {
        text: reply.text.clone(),
        calls: Vec::new(),
        opaque: reply.opaque.clone(),
    };
    let messages = [answered(&replies[0])];
    let mut resumed = Scripted::from_yaml(yaml).unwrap();
    let request = Request { messages: &messages, tools: &[] };
    let reply = resumed.respond(&request, &Interrupt::new(), &mut |_| {}).unwrap();
    assert_eq!(reply.text, "two".into());
    let mut other = Scripted::from_yaml("turns: [{text: uno}]").unwrap();
    let reply = other.respond(&request, &Interrupt::new(), &mut |_| {}).unwrap();
    assert_eq!(reply.text, "uno".into());
}

#[test]
fn what_a_pattern_found_fills_text_and_arguments() {
    let yaml = r#"
turns:
  - calls: [{tool: read_file, args: {path: notes.md}}]
  - cases:
      - when: {regex: 'please run `(?P<command>[^`]+)` (\d+) times'}
        text: "I run {{command}}, {{0}}; {{unknown}} {stays}."
        calls: [{tool: shell, args: {command: "{{command}}", list: ["{{2}}"], timeout_s: 5}}]
      - text: nothing to do
"#;
    let replies = play(yaml, &["AI: please run `echo \"hi\"` 3 times"]).unwrap();
    let said = "I run echo \"hi\", please run `echo \"hi\"` 3 times; {{unknown}} {stays}.";
    assert_eq!(replies[1].text, said.into());
    let arguments = r#"{"command":"echo \"hi\"","list":["3"],"timeout_s":5}"#;
    assert_eq!(replies[1].calls[0].arguments, arguments.into());
}

#[test]
fn the_whole_conversation_can_be_asked_for_and_the_window_is_played() {
    let yaml = "
context_window: 100
turns: [{cases: [{when: {anywhere: blue}, text: it was blue}, {text: forgotten}]}]
";
    let ask = |messages: &[Message]| {
        let mut model = Scripted::from_yaml(yaml).unwrap();
        assert_eq!(model.facts(&Interrupt::new()).unwrap().context_window, Some(TokenCount(100)));
        model.respond(&Request { messages, tools: &[] }, &Interrupt::new(), &mut |_| {})
    };
    let user = |text: &str| Message::User { text: text.to_owned() };
    assert_eq!(
        ask(&[user("my colour is blue"), user("which?")]).unwrap().text,
        "it was blue".into()
    );
    assert_eq!(ask(&[user("which?")]).unwrap().text, "forgotten".into());
    assert_eq!(ask(&[user(&"x".repeat(400))]).unwrap_err().kind, ContextWindow);
}

#[test]
fn running_out_is_an_error() {
    let error = play("turns: [{text: one}]", &["x"]).unwrap_err();
    assert_eq!(error.kind, Configuration);
    assert!(error.message.contains("has 1 turns and one more"), "{error}");
}

#[test]
fn a_result_no_case_expects_is_an_error_that_shows_it() {
    let yaml = "
turns:
  - calls: [{tool: shell}]
  - cases: [{when: {contains: a}, text: b}]
";
    let error = play(yaml, &["surprise\u{1b}[0m"]).unwrap_err();
    assert!(error.message.contains("turn 2") && error.message.contains("surprise\\e"), "{error}");
}

#[test]
fn mistakes_are_named_with_their_place() {
    for (yaml, place, what) in [
        ("turns:\n  - text: a\n    tools: b", "line 3", "tools"),
        ("turns:\n  - cases:\n      - when: {regex: '['}\n        text: x", "line 3", "unclosed"),
        ("turns:\n  - cases:\n      - when: {exit: maybe}\n        text: x", "line 3", "exit"),
        ("turns: []", "", "empty"),
        ("turns: [{text: a, goto: b}]", "turn 1", "label `b`"),
        ("turns: [{text: a, label: x}, {text: b, label: x}]", "turn 2", "twice"),
        ("turns: [{label: x}]", "turn 1", "needs"),
        ("turns: [{cases: [{text: a}, {text: b}]}]", "case 1", "last case"),
        ("turns: [{text: a, when: {contains: b}}]", "turn 1", "cases"),
        ("turns: [{text: a, pause_ms: 99999999}]", "turn 1", "pause_ms"),
        ("turns: [{calls: [{tool: a, args: {}, raw_args: b}]}]", "turn 1", "not both"),
    ] {
        let error = Scripted::from_yaml(yaml).unwrap_err().message;
        assert!(error.contains(place) && error.contains(what), "{yaml}: {error}");
    }
}

#[test]
fn a_pause_ends_with_the_interrupt() {
    let mut model = Scripted::from_yaml("turns: [{text: a, pause_ms: 60000}]").unwrap();
    let interrupt = Interrupt::new();
    interrupt.raise();
    let request = Request { messages: &[], tools: &[] };
    let error = model.respond(&request, &interrupt, &mut |_| {}).unwrap_err();
    assert_eq!(error.kind, crate::ProviderErrorKind::Interrupted);
}
