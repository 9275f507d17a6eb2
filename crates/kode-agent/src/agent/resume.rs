//! Going on with a saved session: the conversation as it was acknowledged, and
//! a clear word to the model about calls whose end nobody recorded.

use std::collections::HashSet;

use kode_base::Untrusted;
use kode_gate::Label;
use kode_model::{Message, ToolCall};

use super::{Agent, BeginError};
use crate::context::wrap;
use crate::journal::JournalEntry;

/// What a kill interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interrupted {
    /// A command, perhaps.
    Command,
    /// Another tool.
    Tool,
}

impl Interrupted {
    #[expect(clippy::disallowed_methods, reason = "compared, not shown")]
    fn among<'a>(calls: impl Iterator<Item = &'a ToolCall>) -> Option<Self> {
        let of = |call: &ToolCall| match call.name.expose().as_str() {
            "shell" => Self::Command,
            _ => Self::Tool,
        };
        calls.map(of).reduce(|one, two| if one == Self::Command { one } else { two })
    }
}

impl Agent<'_> {
    /// Loads the journal's conversation. Returns whether there was one.
    pub(super) fn reload(&mut self) -> Result<bool, BeginError> {
        let entries: Vec<JournalEntry> = self.session.journal()?;
        let mut started = HashSet::new();
        for entry in entries {
            match entry {
                JournalEntry::Message { message } => self.messages.push(message),
                JournalEntry::CallStarted { call, .. } => {
                    started.insert(call);
                }
                JournalEntry::GitBase { base } => self.git_base = base,
                JournalEntry::Compacted { messages } => self.messages = messages,
                JournalEntry::Label { label } => self.workspace.gate.context_joined(label),
                JournalEntry::Accepted { path, digest } => {
                    self.acceptance.remember(path, digest);
                }
                JournalEntry::Gate { .. } => {}
            }
        }
        if self.messages.is_empty() {
            return Ok(false);
        }
        // Whatever was read then is still in the context.
        self.workspace.gate.context_joined(Label::DATA);
        self.labelled = self.workspace.gate.state.label();
        for text in user_words(&self.messages) {
            self.workspace.gate.user_said(&text);
        }
        let open = unanswered(&self.messages);
        if let Some(call) = open.first().filter(|_| self.session.has_unfinished_command()) {
            // Calls run one after the other.
            started.insert(call.id.clone());
        }
        let interrupted = Interrupted::among(open.iter().filter(|it| started.contains(&it.id)));
        self.answer_unfinished(&started)?;
        if interrupted.is_some() {
            self.expose_after_a_kill()?;
        }
        self.hold_leftovers(interrupted)?;
        Ok(true)
    }

    /// Every call needs an answer before the next request.
    fn answer_unfinished(&mut self, started: &HashSet<String>) -> Result<(), BeginError> {
        for call in unanswered(&self.messages) {
            let text = if started.contains(&call.id) {
                "kode was stopped while this call ran. It may have had its effect or not: look \
                 before you do it again."
            } else {
                "kode was stopped before this call began. It did not run."
            };
            let content = wrap("kode", &Untrusted::from(text), &self.redactor)?;
            self.push(Message::Tool { call: call.id, content })?;
        }
        Ok(())
    }
}

/// Calls of the last assistant message without a result.
fn unanswered(messages: &[Message]) -> Vec<ToolCall> {
    let Some(at) = messages.iter().rposition(|each| matches!(each, Message::Assistant { .. }))
    else {
        return Vec::new();
    };
    let answered: HashSet<&str> = messages[at..]
        .iter()
        .filter_map(|message| match message {
            Message::Tool { call, .. } => Some(call.as_str()),
            _ => None,
        })
        .collect();
    match &messages[at] {
        Message::Assistant { calls, .. } => {
            calls.iter().filter(|call| !answered.contains(call.id.as_str())).cloned().collect()
        }
        _ => Vec::new(),
    }
}

fn user_words(messages: &[Message]) -> Vec<String> {
    messages
        .iter()
        .filter_map(|message| match message {
            Message::User { text } => Some(text.clone()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Redactor;

    fn call(id: &str) -> ToolCall {
        ToolCall { id: id.to_owned(), name: "shell".into(), arguments: "{}".into() }
    }

    #[test]
    fn only_calls_without_a_result_are_unanswered() {
        let content = wrap("shell", &Untrusted::from("x"), &Redactor::default()).unwrap();
        let messages = [
            Message::User { text: "t".to_owned() },
            Message::Assistant {
                text: "".into(),
                calls: vec![call("a"), call("b")],
                opaque: Vec::new(),
            },
            Message::Tool { call: "a".to_owned(), content },
        ];
        let open = unanswered(&messages);
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].id, "b");
    }

    #[test]
    fn a_finished_conversation_has_no_unanswered_call() {
        let text = "done".into();
        let messages = [Message::Assistant { text, calls: Vec::new(), opaque: Vec::new() }];
        assert!(unanswered(&messages).is_empty());
    }
}
