//! The body of a Chat Completions request.

use std::collections::BTreeSet;

use kode_base::Untrusted;
use serde_json::{Map, Value, json};

use super::actions;
use super::extras::Extras;
use crate::conversation::{Conversation, Turn, arguments_object, replayed};
use crate::{Message, Request, ToolCall, ToolSpec};

/// How a request is put.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    /// The field that limits the answer and its number of tokens; without it
    /// the server decides.
    pub(super) output_limit: Option<(&'static str, u32)>,
    /// Tools are offered as JSON actions.
    pub(super) json_actions: bool,
    /// Fields outside the protocol are replayed.
    pub(super) replay_extras: bool,
}

/// Builds the body.
pub(super) fn body(model: &str, request: &Request<'_>, form: Form) -> Value {
    let conversation = Conversation::new(request.messages);
    let mut body = json!({
        "model": model,
        "stream": true,
        "stream_options": { "include_usage": true },
    });
    if form.json_actions {
        body["messages"] = actions::messages(&conversation, request.tools).into();
        body["response_format"] = actions::response_format(request.tools);
    } else {
        body["messages"] = messages(&conversation, form.replay_extras).into();
        if !request.tools.is_empty() {
            body["tools"] = request.tools.iter().map(tool).collect();
        }
    }
    if let Some((field, tokens)) = form.output_limit {
        body[field] = json!(tokens);
    }
    body
}

fn messages(conversation: &Conversation<'_>, replay_extras: bool) -> Vec<Value> {
    let mut messages = Vec::new();
    if !conversation.system.is_empty() {
        messages.push(json!({ "role": "system", "content": conversation.system }));
    }
    for turn in &conversation.turns {
        match turn {
            Turn::User { results, texts } => {
                messages.extend(results.iter().map(|(call, content)| {
                    json!({ "role": "tool", "tool_call_id": call, "content": content })
                }));
                // One message: templates of some models refuse two users in a row.
                if !texts.is_empty() {
                    messages.push(json!({ "role": "user", "content": texts.join("\n\n") }));
                }
            }
            Turn::Assistant { text, calls, opaque } => {
                let opaque = if replay_extras { opaque } else { &[][..] };
                messages.push(assistant(text, calls, opaque));
            }
        }
    }
    messages
}

/// Names of the fields outside the protocol that a request would replay.
pub(super) fn extra_names(request: &Request<'_>) -> BTreeSet<String> {
    let opaque = request.messages.iter().filter_map(|message| match message {
        Message::Assistant { opaque, .. } => Some(opaque),
        _ => None,
    });
    opaque
        .flat_map(|opaque| Extras::read(opaque).names().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

fn assistant(text: &Untrusted<String>, calls: &[ToolCall], opaque: &[String]) -> Value {
    let extras = Extras::read(opaque);
    let mut message = Map::new();
    message.insert("role".to_owned(), json!("assistant"));
    // Servers refuse null without calls, and some an empty text with calls.
    let content = match text.is_empty() && !calls.is_empty() {
        true => Value::Null,
        false => json!(replayed(text)),
    };
    message.insert("content".to_owned(), content);
    if !calls.is_empty() {
        let calls = calls.iter().map(|call| tool_call(call, &extras)).collect();
        message.insert("tool_calls".to_owned(), calls);
    }
    for (name, value) in extras.message {
        message.entry(name).or_insert(value);
    }
    Value::Object(message)
}

fn tool_call(call: &ToolCall, extras: &Extras) -> Value {
    let text = replayed(&call.arguments);
    // What was received, byte for byte, where a server can parse it.
    let arguments = match serde_json::from_str::<Map<String, Value>>(text) {
        Ok(_) => text.to_owned(),
        Err(_) => Value::Object(arguments_object(&call.arguments)).to_string(),
    };
    let mut value = json!({
        "id": call.id,
        "type": "function",
        "function": { "name": replayed(&call.name), "arguments": arguments },
    });
    if let (Some(fields), Some(kept)) = (value.as_object_mut(), extras.calls.get(&call.id)) {
        for (name, extra) in kept {
            fields.entry(name.as_str()).or_insert_with(|| extra.clone());
        }
    }
    value
}

fn tool(spec: &ToolSpec) -> Value {
    json!({
        "type": "function",
        "function": {
            "name": spec.name,
            "description": spec.description,
            "parameters": spec.parameters,
        },
    })
}
