//! Tool calls for models without native ones: the model is held to a JSON
//! schema by `response_format` and answers with one action a turn.
//!
//! What doesn't parse as an action is text, never a guessed call.

use kode_base::Untrusted;
use serde_json::{Map, Value, json};

use crate::conversation::{CallIds, Conversation, Turn, arguments_object, replayed};
use crate::{Reply, Request, StopReason, ToolCall, ToolSpec};

/// What the model is told; the tools follow.
const INSTRUCTIONS: &str = include_str!("../../data/json_actions.md");

/// The action that is no tool.
const SAY: &str = "say";

/// The messages, with the instructions in the system text and everything about
/// tools as text.
pub(super) fn messages(conversation: &Conversation<'_>, tools: &[ToolSpec]) -> Vec<Value> {
    let system = format!("{}\n\n{}", conversation.system, instructions(tools));
    let mut messages = vec![json!({ "role": "system", "content": system.trim_start() })];
    for turn in &conversation.turns {
        messages.push(match turn {
            Turn::User { results, texts } => {
                let results = results.iter().map(|(_, content)| *content);
                let parts: Vec<&str> = results.chain(texts.iter().copied()).collect();
                json!({ "role": "user", "content": parts.join("\n\n") })
            }
            Turn::Assistant { text, calls, .. } => {
                json!({ "role": "assistant", "content": spoken(text, calls) })
            }
        });
    }
    messages
}

fn instructions(tools: &[ToolSpec]) -> String {
    let mut text = INSTRUCTIONS.to_owned();
    for tool in tools {
        text.push_str(&format!(
            "\n## {}\n\n{}\n\nJSON schema of `arguments`: {}\n",
            tool.name, tool.description, tool.parameters
        ));
    }
    text
}

/// An earlier answer in the form the model is asked for.
fn spoken(text: &Untrusted<String>, calls: &[ToolCall]) -> String {
    if calls.is_empty() {
        return json!({ "action": SAY, "text": replayed(text) }).to_string();
    }
    let calls = calls.iter().map(|call| {
        let arguments = arguments_object(&call.arguments);
        json!({ "action": replayed(&call.name), "arguments": arguments }).to_string()
    });
    calls.collect::<Vec<_>>().join("\n")
}

/// The `response_format` that holds the model to one action.
pub(super) fn response_format(tools: &[ToolSpec]) -> Value {
    let variant = |name: &str, field: &str, schema: Value| {
        json!({
            "type": "object",
            "properties": { "action": { "type": "string", "enum": [name] }, field: schema },
            "required": ["action", field],
            "additionalProperties": false,
        })
    };
    let mut variants: Vec<Value> = tools
        .iter()
        .map(|tool| variant(&tool.name, "arguments", tool.parameters.clone()))
        .collect();
    variants.push(variant(SAY, "text", json!({ "type": "string" })));
    json!({
        "type": "json_schema",
        "json_schema": { "name": "action", "schema": { "anyOf": variants } },
    })
}

/// Turns the JSON text of an answer into a call or into what the model says.
pub(super) fn interpret(mut reply: Reply, request: &Request<'_>) -> Reply {
    let Ok(mut action) = serde_json::from_str::<Map<String, Value>>(replayed(&reply.text).trim())
    else {
        return reply;
    };
    let Some(Value::String(name)) = action.remove("action") else { return reply };
    if name == SAY {
        if let Some(Value::String(text)) = action.remove("text") {
            reply.text = Untrusted::new(text);
        }
        return reply;
    }
    if reply.stop != StopReason::EndOfTurn {
        return reply;
    }
    let arguments = action.remove("arguments").unwrap_or_else(|| json!({}));
    reply.calls.push(ToolCall {
        id: CallIds::of(request.messages).assign(""),
        name: Untrusted::new(name),
        arguments: Untrusted::new(arguments.to_string()),
    });
    reply.text = Untrusted::default();
    reply.stop = StopReason::ToolCalls;
    reply
}

#[cfg(test)]
mod tests {
    use kode_base::Usage;

    use super::*;

    fn interpreted(text: &str, stop: StopReason) -> Reply {
        let reply = Reply {
            text: text.into(),
            calls: Vec::new(),
            stop,
            usage: Usage::default(),
            opaque: Vec::new(),
        };
        interpret(reply, &Request { messages: &[], tools: &[] })
    }

    #[test]
    fn an_action_is_a_call_and_say_is_text() {
        let reply = interpreted(
            r#" {"action":"shell","arguments":{"command":"ls"}} "#,
            StopReason::EndOfTurn,
        );
        assert_eq!(reply.stop, StopReason::ToolCalls);
        assert_eq!(reply.calls[0].name, "shell".into());
        assert_eq!(reply.calls[0].arguments, r#"{"command":"ls"}"#.into());
        assert!(reply.text.is_empty());
        let reply = interpreted(r#"{"action":"say","text":"hi"}"#, StopReason::EndOfTurn);
        assert_eq!((reply.text, reply.calls.len()), ("hi".into(), 0));
    }

    #[test]
    fn what_is_no_whole_action_runs_nothing() {
        for (text, stop) in [
            (r#"{"action":"shell","arguments":{"command":"ls"}}"#, StopReason::Length),
            (r#"{"action":"shell","argum"#, StopReason::EndOfTurn),
            (r#"I would run {"action":"shell","arguments":{}}"#, StopReason::EndOfTurn),
            (r#"{"action":7}"#, StopReason::EndOfTurn),
            ("plain", StopReason::EndOfTurn),
        ] {
            let reply = interpreted(text, stop);
            assert!(reply.calls.is_empty(), "{text}");
            assert_eq!((reply.text, reply.stop), (text.into(), stop));
        }
    }
}
