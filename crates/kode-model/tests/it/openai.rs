//! OpenAI Chat Completions over real sockets: the good case and every fault.

mod calls;
mod http;
mod stream;

use kode_model::ProviderKind::OpenAi;
use kode_testkit::wire::answer::events;
use serde_json::json;

use crate::ask::{Outcome, ask_server};

pub(super) const DONE: &str = "[DONE]";
pub(super) const USAGE: &str = r#"{"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":3}}}"#;

pub(super) fn text(text: &str) -> String {
    json!({"choices":[{"index":0,"delta":{"content":text},"finish_reason":null}]}).to_string()
}

pub(super) fn finish(reason: &str) -> String {
    json!({"choices":[{"index":0,"delta":{},"finish_reason":reason}]}).to_string()
}

/// A chunk with one piece of a call; `null` members are left out.
pub(super) fn piece(
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

pub(super) fn one(data: &[String]) -> Outcome {
    ask_server(OpenAi, vec![events(data)]).0
}

pub(super) fn chunks(data: &[&str]) -> Vec<String> {
    data.iter().map(|text| (*text).to_owned()).collect()
}
