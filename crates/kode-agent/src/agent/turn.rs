//! One turn: a request, a streamed reply, and what follows from it.

use kode_base::{Event, Untrusted};
use kode_model::{
    Message, Progress, ProviderError, ProviderErrorKind, Reply, Request, StopReason, ToolCall,
};

use super::room::has_history;
use super::{Agent, BeginError};
use crate::context::{Leak, wrap};
use crate::outcome::RunEnd;

/// Stands for an answer that quoted the system message.
const SYSTEM_MESSAGE_KEPT: &str = "[kode: the answer held kode's system message; it is not shown]";

/// How a turn ended.
pub(super) enum TurnEnd {
    /// The model gets another turn.
    Continue,
    /// The run is over.
    Ended(RunEnd),
}

impl Agent<'_> {
    pub(super) fn turn(&mut self) -> Result<TurnEnd, BeginError> {
        self.emit(&Event::TurnStarted { turn: self.progress.turns });
        self.record_divergence()?;
        self.make_room()?;
        let reply = match self.ask() {
            Ok(reply) => reply,
            Err(error) => return self.after_provider_error(error),
        };
        let leaks = self.leaks(&reply);
        let reply = self.without_secrets(reply);
        self.progress.usage += reply.usage;
        self.push(Message::Assistant {
            text: reply.text.clone(),
            calls: reply.calls.clone(),
            opaque: reply.opaque.clone(),
        })?;
        match reply.stop {
            StopReason::Length => self.after_length(&reply),
            StopReason::Refusal | StopReason::ContentFilter => Ok(TurnEnd::Ended(refused(&reply))),
            StopReason::EndOfTurn | StopReason::ToolCalls if reply.calls.is_empty() => {
                self.progress.summary = reply.text;
                self.close(None)
            }
            StopReason::EndOfTurn | StopReason::ToolCalls => self.run_calls(&reply.calls, &leaks),
        }
    }

    /// Which calls would carry out a known secret or the system message.
    #[expect(clippy::disallowed_methods, reason = "searched, not shown")]
    fn leaks(&self, reply: &Reply) -> Vec<(String, Leak)> {
        let leak = |call: &ToolCall| {
            let raw = call.arguments.expose();
            let decoded = serde_json::from_str(raw).map(|value| texts(&value)).unwrap_or_default();
            [raw.as_str(), &decoded]
                .iter()
                .find_map(|text| self.redactor.outbound_check(text.as_bytes()).err())
                .map(|leak| (call.id.clone(), leak))
        };
        reply.calls.iter().filter_map(leak).collect()
    }

    /// A known secret in what the model writes goes no further: not to a tool,
    /// an event, the journal or the audit log.
    fn without_secrets(&self, reply: Reply) -> Reply {
        let redact = |text: Untrusted<String>| text.map(|text| self.redactor.redact(&text));
        let calls = reply.calls.into_iter().map(|call| ToolCall {
            id: call.id,
            name: redact(call.name),
            arguments: redact(call.arguments),
        });
        let text = reply.text.map(|text| match self.redactor.outbound_check(text.as_bytes()) {
            Err(Leak::SystemMessage) => SYSTEM_MESSAGE_KEPT.to_owned(),
            _ => self.redactor.redact(&text),
        });
        Reply { text, calls: calls.collect(), ..reply }
    }

    fn ask(&mut self) -> Result<Reply, ProviderError> {
        let request = Request { messages: &self.messages, tools: &self.specs };
        let (observer, session) = (&mut *self.observer, &mut self.session);
        let redactor = &self.redactor;
        let mut progress = |progress: Progress<'_>| {
            let event = match progress {
                Progress::Text(text) => {
                    Event::Text { text: text.map(|text| redactor.redact(text)) }
                }
                Progress::Retrying { after, why } => Event::Notice {
                    text: format!("asking the model again in {:.1} s: {why}", after.as_secs_f32()),
                },
            };
            observer.observe(&event);
            // Kept for display only; a failure here loses no step.
            let _ = session.keep_event(&event);
        };
        self.provider.respond(&request, &self.workspace.interrupt, &mut progress)
    }

    fn after_provider_error(&mut self, error: ProviderError) -> Result<TurnEnd, BeginError> {
        let interrupted = error.kind == ProviderErrorKind::Interrupted;
        if interrupted && !self.workspace.interrupt.run_ended() {
            self.workspace.interrupt.clear_step();
            self.notice("step interrupted; press Ctrl-C again to end the run");
            self.push_note("The user interrupted your last answer. Go on with the task.")?;
            return Ok(TurnEnd::Continue);
        }
        let overflow = error.kind == ProviderErrorKind::ContextWindow;
        if overflow && has_history(&self.messages) && self.make_room_after_overflow()? {
            return Ok(TurnEnd::Continue);
        }
        Ok(TurnEnd::Ended(if interrupted { RunEnd::Interrupted } else { RunEnd::Provider(error) }))
    }

    /// The reply was cut off: none of its calls may run.
    fn after_length(&mut self, reply: &Reply) -> Result<TurnEnd, BeginError> {
        self.notice("the model's answer was cut off at its output limit; nothing of it ran");
        let why = "Your answer was cut off at the output limit. None of its tool calls ran. \
                   Answer again in smaller steps.";
        for call in &reply.calls {
            let content = wrap("kode", &Untrusted::from(why), &self.redactor)?;
            self.push(Message::Tool { call: call.id.clone(), content })?;
        }
        if reply.calls.is_empty() {
            self.push_note(why)?;
        }
        Ok(TurnEnd::Continue)
    }

    /// Tells the model something of kode's own, as data.
    pub(super) fn push_note(&mut self, text: &str) -> Result<(), BeginError> {
        let content = wrap("kode", &Untrusted::from(text), &self.redactor)?;
        self.push(Message::Data { content })?;
        Ok(())
    }
}

/// All strings of some arguments, one a line.
fn texts(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => format!("{text}\n"),
        serde_json::Value::Array(values) => values.iter().map(texts).collect(),
        serde_json::Value::Object(fields) => fields.values().map(texts).collect(),
        _ => String::new(),
    }
}

fn refused(reply: &Reply) -> RunEnd {
    let what = if reply.stop == StopReason::Refusal { "refused" } else { "filtered" };
    RunEnd::Provider(ProviderError {
        kind: ProviderErrorKind::Server,
        message: format!("the model's answer was {what} by its provider"),
        hint: Some("put the task in other words, or use another model".to_owned()),
    })
}
