//! The conversation in the shape both wire protocols need: one system text, then
//! turns that alternate, every call answered.
//!
//! It repairs what providers would reject (a call without result, a result
//! without call) and never moves text into a stronger role.

use std::collections::HashSet;

use kode_base::Untrusted;
use serde_json::{Map, Value, json};

use crate::{Message, ToolCall};

/// Stands for the result of a call that was never run, such as after an
/// interrupt.
const NO_RESULT: &str = "[no result: this call was not run]";

/// The whole conversation, borrowed from its messages.
#[derive(Debug, Default)]
pub(crate) struct Conversation<'a> {
    /// All system messages, joined.
    pub(crate) system: String,
    /// The rest, in order.
    pub(crate) turns: Vec<Turn<'a>>,
}

/// One side's turn.
#[derive(Debug)]
pub(crate) enum Turn<'a> {
    /// Results first, then what the user or kode handed over.
    User { results: Vec<(&'a str, &'a str)>, texts: Vec<&'a str> },
    /// What the model said.
    Assistant { text: &'a Untrusted<String>, calls: &'a [ToolCall], opaque: &'a [String] },
}

impl<'a> Conversation<'a> {
    pub(crate) fn new(messages: &'a [Message]) -> Self {
        let mut conversation = Self::default();
        let mut open: Vec<&str> = Vec::new();
        for message in messages {
            if !matches!(message, Message::Tool { .. } | Message::System { .. }) {
                conversation.answer_open_calls(&mut open);
            }
            match message {
                Message::System { text } => conversation.push_system(text),
                Message::User { text } => conversation.user_turn().1.push(text),
                Message::Data { content } => conversation.user_turn().1.push(content.as_str()),
                Message::Assistant { text, calls, opaque } => {
                    open = calls.iter().map(|call| call.id.as_str()).collect();
                    conversation.turns.push(Turn::Assistant { text, calls, opaque });
                }
                Message::Tool { call, content } => {
                    let expected = open.iter().position(|id| id == call);
                    let (results, texts) = conversation.user_turn();
                    match expected {
                        Some(at) => results.push((open.remove(at), content.as_str())),
                        // Its call was compacted away: still data, in data's place.
                        None => texts.push(content.as_str()),
                    }
                }
            }
        }
        conversation.answer_open_calls(&mut open);
        conversation
    }

    fn push_system(&mut self, text: &str) {
        if !self.system.is_empty() {
            self.system.push_str("\n\n");
        }
        self.system.push_str(text);
    }

    fn answer_open_calls(&mut self, open: &mut Vec<&'a str>) {
        if open.is_empty() {
            return;
        }
        let (results, _) = self.user_turn();
        results.extend(open.drain(..).map(|id| (id, NO_RESULT)));
    }

    fn user_turn(&mut self) -> (&mut Vec<(&'a str, &'a str)>, &mut Vec<&'a str>) {
        if !matches!(self.turns.last(), Some(Turn::User { .. })) {
            self.turns.push(Turn::User { results: Vec::new(), texts: Vec::new() });
        }
        match self.turns.last_mut() {
            Some(Turn::User { results, texts }) => (results, texts),
            _ => unreachable!("a user turn was pushed above"),
        }
    }
}

/// What the model itself said, going back to it.
#[expect(clippy::disallowed_methods, reason = "the model's own words return to the model")]
pub(crate) fn replayed(text: &Untrusted<String>) -> &str {
    text.expose()
}

/// A call's arguments as the JSON object servers insist on. Arguments that
/// were not one are shown to the model as the text they were.
pub(crate) fn arguments_object(arguments: &Untrusted<String>) -> Map<String, Value> {
    let text = replayed(arguments);
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => object,
        _ if text.trim().is_empty() => Map::new(),
        _ => Map::from_iter([("invalid_arguments".to_owned(), json!(text))]),
    }
}

/// Hands out call identifiers that are unique in the conversation.
#[derive(Debug, Default)]
pub(crate) struct CallIds {
    used: HashSet<String>,
    next: usize,
}

impl CallIds {
    /// Knows the identifiers already used in `messages`.
    pub(crate) fn of(messages: &[Message]) -> Self {
        let mut used = HashSet::new();
        for message in messages {
            if let Message::Assistant { calls, .. } = message {
                used.extend(calls.iter().map(|call| call.id.clone()));
            }
        }
        Self { next: used.len(), used }
    }

    /// Keeps `received` where it is new and fit for every protocol, else makes
    /// one up: nine alphanumeric characters, which the strictest servers accept.
    pub(crate) fn assign(&mut self, received: &str) -> String {
        let fit = (1..=64).contains(&received.len())
            && received.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if fit && self.used.insert(received.to_owned()) {
            return received.to_owned();
        }
        loop {
            self.next += 1;
            let id = format!("call{:05}", self.next);
            if self.used.insert(id.clone()) {
                return id;
            }
        }
    }
}

#[cfg(test)]
mod tests;
