//! The body of a Messages request: blocks in the order they were received,
//! thinking replayed unchanged, cache marks where the conversation will not
//! change any more.

use kode_base::Untrusted;
use serde_json::{Value, json};

use super::assemble::Kept;
use crate::conversation::{Conversation, Turn, arguments_object, replayed};
use crate::{Options, Request, ToolCall, ToolSpec};

/// Most tokens of one answer by beginning of the model's name; the first that
/// fits. Source: Anthropic's model overview; unknown models get what every
/// server accepts.
const OUTPUT_TOKENS_MAX: &[(&str, u32)] = &[
    ("claude-3-5", 8_192),
    ("claude-3-7", 32_000),
    ("claude-3", 4_096),
    ("claude-", 32_000),
    ("", 8_192),
];

/// How many of the last user turns carry a cache mark: the newest, and the one
/// whose prefix the previous request wrote.
const MARKED_TURNS: usize = 2;

pub(super) fn body(model: &str, request: &Request<'_>, options: &Options) -> Value {
    let conversation = Conversation::new(request.messages);
    let output = options.output_tokens_max.unwrap_or_else(|| output_tokens_max(model));
    let thinking = options.thinking_tokens.unwrap_or(0);
    let mut body = json!({
        "model": model,
        "max_tokens": output.saturating_add(thinking),
        "messages": messages(&conversation),
        "stream": true,
    });
    if thinking > 0 {
        body["thinking"] = json!({ "type": "enabled", "budget_tokens": thinking });
    }
    let mut tools: Vec<Value> = request.tools.iter().map(tool).collect();
    if conversation.system.is_empty() {
        // Tools stand before the system text, whose mark covers them.
        tools.last_mut().map(mark);
    } else {
        let mut system = json!({ "type": "text", "text": conversation.system });
        mark(&mut system);
        body["system"] = json!([system]);
    }
    if !tools.is_empty() {
        body["tools"] = Value::Array(tools);
    }
    body
}

fn output_tokens_max(model: &str) -> u32 {
    let known = OUTPUT_TOKENS_MAX.iter().find(|(start, _)| model.starts_with(start));
    known.map_or(8_192, |(_, tokens)| *tokens)
}

fn messages(conversation: &Conversation<'_>) -> Vec<Value> {
    let mut messages: Vec<Value> = conversation
        .turns
        .iter()
        .map(|turn| match turn {
            Turn::User { results, texts } => {
                json!({ "role": "user", "content": user_blocks(results, texts) })
            }
            Turn::Assistant { text, calls, opaque } => {
                json!({ "role": "assistant", "content": assistant_blocks(text, calls, opaque) })
            }
        })
        .collect();
    let users = messages.iter_mut().rev().filter(|message| message["role"] == "user");
    for message in users.take(MARKED_TURNS) {
        message["content"].as_array_mut().and_then(|blocks| blocks.last_mut()).map(mark);
    }
    messages
}

fn user_blocks(results: &[(&str, &str)], texts: &[&str]) -> Vec<Value> {
    let results = results.iter().map(
        |(call, content)| json!({ "type": "tool_result", "tool_use_id": call, "content": content }),
    );
    let texts = texts.iter().filter_map(|text| text_block(text));
    let blocks: Vec<Value> = results.chain(texts).collect();
    if blocks.is_empty() { vec![json!({ "type": "text", "text": "(empty)" })] } else { blocks }
}

/// Text, calls and kept blocks in the order they were received.
fn assistant_blocks(text: &Untrusted<String>, calls: &[ToolCall], opaque: &[String]) -> Vec<Value> {
    let text = replayed(text);
    let (mut texts_done, mut calls_done) = (0, 0);
    let mut blocks = Vec::new();
    let mut catch_up = |blocks: &mut Vec<Value>, text_bytes: usize, call_count: usize| {
        let until = text_bytes.min(text.len());
        // A text that was changed since (redacted) may not divide there.
        if let Some(part) = text.get(texts_done..until) {
            blocks.extend(text_block(part));
            texts_done = until;
        }
        let until = call_count.min(calls.len());
        blocks.extend(calls.get(calls_done..until).unwrap_or_default().iter().map(tool_use));
        calls_done = calls_done.max(until);
    };
    for kept in opaque.iter().filter_map(|text| Kept::read(text)) {
        catch_up(&mut blocks, kept.after_text_bytes, kept.after_calls);
        blocks.push(kept.anthropic);
    }
    catch_up(&mut blocks, text.len(), calls.len());
    if blocks.is_empty() {
        blocks.push(json!({ "type": "text", "text": "(empty)" }));
    }
    blocks
}

/// The API refuses text blocks without anything to see.
fn text_block(text: &str) -> Option<Value> {
    (!text.trim().is_empty()).then(|| json!({ "type": "text", "text": text }))
}

fn tool_use(call: &ToolCall) -> Value {
    json!({
        "type": "tool_use",
        "id": call.id,
        "name": replayed(&call.name),
        "input": arguments_object(&call.arguments),
    })
}

fn tool(spec: &ToolSpec) -> Value {
    json!({
        "name": spec.name,
        "description": spec.description,
        "input_schema": spec.parameters,
    })
}

fn mark(block: &mut Value) {
    block["cache_control"] = json!({ "type": "ephemeral" });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;

    fn blocks(text: &str, calls: usize, opaque: &[&str]) -> Vec<Value> {
        let call = |at: usize| ToolCall {
            id: format!("c{at}"),
            name: "shell".into(),
            arguments: "{}".into(),
        };
        let calls: Vec<_> = (0..calls).map(call).collect();
        let opaque: Vec<_> = opaque.iter().map(|text| (*text).to_owned()).collect();
        assistant_blocks(&text.into(), &calls, &opaque)
    }

    fn kinds(blocks: &[Value]) -> Vec<&str> {
        blocks.iter().filter_map(|block| block["type"].as_str()).collect()
    }

    #[test]
    fn kept_blocks_return_to_their_places() {
        let thinking = r#"{"anthropic":{"type":"thinking"},"after_text_bytes":0,"after_calls":0}"#;
        let between =
            r#"{"anthropic":{"type":"redacted_thinking"},"after_text_bytes":3,"after_calls":1}"#;
        let foreign = r#"{"openai":{"message":{}}}"#;
        let blocks = blocks("abcdef", 2, &[thinking, foreign, between]);
        let expected = ["thinking", "text", "tool_use", "redacted_thinking", "text", "tool_use"];
        assert_eq!(kinds(&blocks), expected);
        assert_eq!((&blocks[1]["text"], &blocks[4]["text"]), (&json!("abc"), &json!("def")));
    }

    #[test]
    fn a_text_that_changed_since_is_kept_whole() {
        let inside = r#"{"anthropic":{"type":"thinking"},"after_text_bytes":1,"after_calls":0}"#;
        let blocks = blocks("é", 0, &[inside]);
        assert_eq!(kinds(&blocks), ["thinking", "text"]);
        assert_eq!(blocks[1]["text"], "é");
    }

    #[test]
    fn nothing_is_ever_an_empty_block() {
        assert_eq!(kinds(&blocks(" \n", 1, &[])), ["tool_use"]);
        assert_eq!(blocks("", 0, &[])[0]["text"], "(empty)");
        assert_eq!(user_blocks(&[], &["  "])[0]["text"], "(empty)");
    }

    #[test]
    fn marks_stand_on_the_system_text_and_the_last_user_turns() {
        let user = || Message::User { text: "u".to_owned() };
        let answer =
            || Message::Assistant { text: "a".into(), calls: Vec::new(), opaque: Vec::new() };
        let system = Message::System { text: "s".to_owned() };
        let messages = [system, user(), answer(), user(), answer(), user()];
        let request = Request { messages: &messages, tools: &[] };
        let body = body("claude-sonnet-4-5", &request, &Options::default());
        assert!(body["system"][0]["cache_control"].is_object());
        let marked = |at: usize| body["messages"][at]["content"][0]["cache_control"].is_object();
        let places: Vec<bool> = (0..5).map(marked).collect();
        assert_eq!(places, [false, false, true, false, true]);
    }

    #[test]
    fn output_limits_follow_the_model() {
        assert_eq!(output_tokens_max("claude-3-haiku-20240307"), 4_096);
        assert_eq!(output_tokens_max("claude-3-5-sonnet-latest"), 8_192);
        assert_eq!(output_tokens_max("claude-opus-4-1"), 32_000);
        assert_eq!(output_tokens_max("SmolLM2"), 8_192);
    }
}
