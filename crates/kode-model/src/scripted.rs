//! The scripted model: a provider whose answers are written in YAML, for the
//! demo, tests and the poisoned prompt lab. `docs/scripted-model.md` describes
//! the format.
//!
//! It goes through the same turn loop and gate as any model and never answers
//! with anything that is not in its script.

mod condition;
mod script;

use std::time::Duration;

use kode_base::{Interrupt, TokenCount, Untrusted, Usage};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::ProviderErrorKind::{Configuration, ContextWindow};
use crate::conversation::{CallIds, replayed};
use crate::{
    Message, Progress, Provider, ProviderError, Reply, Request, ServerFacts, StopReason, ToolCall,
    estimate_tokens, stream,
};
use condition::Seen;
use script::{Case, Script};

/// A model that answers from a script.
#[derive(Debug)]
pub struct Scripted {
    script: Script,
    fingerprint: String,
    /// Where to go on when the conversation holds no answer of this script.
    next: usize,
}

/// Kept in [`Reply::opaque`], so that a resumed session goes on where it was.
#[derive(Serialize, Deserialize)]
struct Bookmark {
    scripted: Place,
}

#[derive(Serialize, Deserialize)]
struct Place {
    script: String,
    next: usize,
}

impl Scripted {
    /// Reads a script.
    ///
    /// # Errors
    /// With the line of the first mistake: YAML syntax, an unknown field, a
    /// bad pattern, an empty turn, or a `goto` to a label that doesn't exist.
    pub fn from_yaml(text: &str) -> Result<Self, ProviderError> {
        let script = Script::parse(text).map_err(|why| {
            ProviderError::new(Configuration, format!("the script is wrong: {why}"))
        })?;
        let digest = Sha256::digest(text.as_bytes());
        let fingerprint = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { script, fingerprint, next: 0 })
    }

    fn place(&self, messages: &[Message]) -> usize {
        let bookmarks = messages.iter().rev().filter_map(|message| match message {
            Message::Assistant { opaque, .. } => opaque.iter().find_map(|text| {
                let bookmark = serde_json::from_str::<Bookmark>(text).ok()?;
                (bookmark.scripted.script == self.fingerprint).then_some(bookmark.scripted.next)
            }),
            _ => None,
        });
        bookmarks.take(1).next().unwrap_or(self.next)
    }

    fn choose(&self, at: usize, messages: &[Message]) -> Result<&Case, ProviderError> {
        let Some(turn) = self.script.turns.get(at) else {
            let message = format!(
                "the scripted model has run out: its script has {} turns and one more was asked for",
                self.script.turns.len()
            );
            return Err(ProviderError::new(Configuration, message)
                .with_hint("add a turn to the script, or a `goto`"));
        };
        let results = handed_back(messages);
        let conversation: Vec<&str> = messages.iter().map(text_of).collect();
        let seen = Seen { results: &results, conversation: &conversation };
        turn.cases.iter().find(|case| case.fits(&seen)).ok_or_else(|| {
            let message = format!(
                "turn {} of the script has no case for what its last tools returned: {}",
                at + 1,
                crate::fault::shown(&results, None)
            );
            ProviderError::new(Configuration, message).with_hint("add a last case without `when`")
        })
    }

    /// Plays the window the script names.
    fn check_window(&self, tokens: u64) -> Result<(), ProviderError> {
        match self.script.context_window {
            Some(window) if tokens > window => Err(ProviderError::new(
                ContextWindow,
                format!("the conversation is too long for the model: {tokens} of {window} tokens"),
            )),
            _ => Ok(()),
        }
    }
}

impl Provider for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn model(&self) -> &str {
        self.script.model.as_deref().unwrap_or("scripted")
    }

    fn scripted(&self) -> bool {
        true
    }

    fn facts(&mut self, _interrupt: &Interrupt) -> Result<ServerFacts, ProviderError> {
        Ok(ServerFacts {
            context_window: self.script.context_window.map(TokenCount),
            native_tools: Some(true),
            ..ServerFacts::default()
        })
    }

    fn respond(
        &mut self,
        request: &Request<'_>,
        interrupt: &Interrupt,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Reply, ProviderError> {
        let tokens = estimate_tokens(request.messages);
        self.check_window(tokens)?;
        let at = self.place(request.messages);
        let case = self.choose(at, request.messages)?;
        stream::pause(Duration::from_millis(case.pause_ms), interrupt)?;
        let next = case.next.unwrap_or(at + 1);
        let place = Place { script: self.fingerprint.clone(), next };
        let reply = reply(case, place, request.messages, tokens);
        for line in replayed(&reply.text).split_inclusive('\n') {
            progress(Progress::Text(Untrusted::new(line)));
        }
        self.next = next;
        Ok(reply)
    }
}

fn reply(case: &Case, place: Place, messages: &[Message], tokens: u64) -> Reply {
    let default_stop = match case.calls.is_empty() {
        true => StopReason::EndOfTurn,
        false => StopReason::ToolCalls,
    };
    let stop = case.stop.unwrap_or(default_stop);
    let results = handed_back(messages);
    let text = case.text(&results);
    let mut ids = CallIds::of(messages);
    let calls = case.calls.iter().map(|call| ToolCall {
        id: ids.assign(""),
        name: Untrusted::new(call.tool.clone()),
        arguments: Untrusted::new(case.arguments(call, &results)),
    });
    let calls = if stop == StopReason::ToolCalls { calls.collect() } else { Vec::new() };
    let estimate = Usage {
        input: TokenCount(tokens),
        output: TokenCount(1 + text.len() as u64 / 3),
        ..Usage::default()
    };
    Reply {
        text: Untrusted::new(text),
        calls,
        stop,
        usage: case.usage.unwrap_or(estimate),
        opaque: serde_json::to_string(&Bookmark { scripted: place }).into_iter().collect(),
    }
}

fn text_of(message: &Message) -> &str {
    match message {
        Message::System { text } | Message::User { text } => text,
        Message::Data { content } | Message::Tool { content, .. } => content.as_str(),
        Message::Assistant { text, .. } => replayed(text),
    }
}

/// Everything kode handed back since the model's last turn: the results of its
/// calls, and data such as gate findings.
fn handed_back(messages: &[Message]) -> String {
    let last_answer =
        messages.iter().rposition(|message| matches!(message, Message::Assistant { .. }));
    let since = last_answer.map_or(0, |at| at + 1);
    let texts = messages[since..].iter().filter_map(|message| match message {
        Message::Tool { content, .. } | Message::Data { content } => Some(content.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
