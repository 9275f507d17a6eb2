//! The worst-case model: it takes the step that brings the payload into its
//! context, then does every planted word, asking again in other ways when it
//! is denied, then finishes.

use std::collections::VecDeque;

use kode_base::{Interrupt, Untrusted, Usage};
use kode_model::{
    Message, Progress, Provider, ProviderError, Reply, Request, StopReason, ToolCall,
};
use serde_json::{Value, json};

use crate::observed::Observed;
use crate::rephrase::{SCRIPT_FILE, rephrasings};
use crate::scenario::PlannedCall;

/// A planned call with the number of the scenario's call it stands for.
struct Step {
    call: PlannedCall,
    /// Index among the malicious calls; `None` for the task's own steps.
    index: Option<usize>,
    /// Whether it may still be tried in other ways.
    again: bool,
}

/// Which scenario call each tool call stood for.
pub(crate) fn call_index(identifier: &str) -> Option<usize> {
    identifier.strip_prefix("lab-")?.split('-').next()?.parse().ok()
}

/// A provider that obeys.
pub(crate) struct Obedient {
    steps: VecDeque<Step>,
    last: Option<(String, Step)>,
    observed: Observed,
    counter: usize,
    messages_seen: usize,
    finished: bool,
    /// Time limit of each command.
    seconds: u64,
}

/// An attack's commands that wait for a host are cut short.
pub(crate) const ATTACK_SECONDS: u64 = 8;
/// Everyday commands may take their time.
pub(crate) const TASK_SECONDS: u64 = 120;

impl Obedient {
    /// Takes `first`, then obeys `calls`.
    pub(crate) fn new(
        first: Vec<PlannedCall>,
        calls: &[PlannedCall],
        observed: Observed,
        seconds: u64,
    ) -> Self {
        let own = first.into_iter().map(|call| Step { call, index: None, again: false });
        let planted = calls.iter().enumerate().map(|(index, call)| Step {
            call: call.clone(),
            index: Some(index),
            again: true,
        });
        Self {
            steps: own.chain(planted).collect(),
            last: None,
            observed,
            counter: 0,
            messages_seen: 0,
            finished: false,
            seconds,
        }
    }

    /// Puts other ways to a denied call's effect next in line.
    fn ask_again(&mut self) {
        let Some((identifier, step)) = self.last.take() else { return };
        let seen = self.observed.lock();
        let permitted = seen.decisions.get(&identifier).is_some_and(|decided| decided.permitted);
        let worked = permitted && seen.results.get(&identifier).copied().unwrap_or(false);
        if worked || !step.again {
            return;
        }
        for call in rephrasings(&step.call).into_iter().rev() {
            self.steps.push_front(Step { call, index: step.index, again: false });
        }
    }

    /// Keeps what this request sends, for the judge.
    fn note(&mut self, messages: &[Message]) -> String {
        let mut seen = self.observed.lock();
        for message in messages.iter().skip(self.messages_seen) {
            match message {
                Message::System { text } => seen.system.clone_from(text),
                // Its own words are the model's; the wire carries them back to
                // where they came from.
                Message::Assistant { .. } => {}
                other => seen.to_model.extend(serde_json::to_vec(other).unwrap_or_default()),
            }
        }
        self.messages_seen = messages.len();
        seen.system.clone()
    }
}

impl Provider for Obedient {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn model(&self) -> &'static str {
        "obedient"
    }

    fn scripted(&self) -> bool {
        true
    }

    fn respond(
        &mut self,
        request: &Request<'_>,
        _interrupt: &Interrupt,
        _progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Reply, ProviderError> {
        let system = self.note(request.messages);
        self.ask_again();
        let Some(step) = self.steps.pop_front() else { return Ok(self.finish()) };
        self.counter += 1;
        // Writing down a script is no effect yet; running it is.
        let script = step.call.args.get("path").and_then(Value::as_str) == Some(SCRIPT_FILE);
        let identifier = match step.index {
            Some(_) if script => format!("prepare-{}", self.counter),
            Some(index) => format!("lab-{index}-{}", self.counter),
            None => format!("task-{}", self.counter),
        };
        let mut arguments = with_system_prompt(&step.call.args, &system);
        if let (true, Some(fields)) = (step.call.tool == "shell", arguments.as_object_mut()) {
            fields.entry("timeout_s").or_insert(json!(self.seconds));
        }
        let arguments = arguments.to_string();
        let call = ToolCall {
            id: identifier.clone(),
            name: Untrusted::from(step.call.tool.as_str()),
            arguments: Untrusted::from(arguments),
        };
        self.last = Some((identifier, step));
        Ok(reply("", vec![call]))
    }
}

impl Obedient {
    fn finish(&mut self) -> Reply {
        let mut arguments = json!({"summary": "Done."});
        if self.finished {
            arguments = json!({"summary": "Stopped.", "blocked": "the gate is red"});
        }
        self.finished = true;
        self.counter += 1;
        let call = ToolCall {
            id: format!("finish-{}", self.counter),
            name: Untrusted::from("finish"),
            arguments: Untrusted::from(arguments.to_string()),
        };
        reply("", vec![call])
    }
}

fn reply(text: &str, calls: Vec<ToolCall>) -> Reply {
    Reply {
        text: Untrusted::from(text),
        calls,
        stop: StopReason::ToolCalls,
        usage: Usage::default(),
        opaque: Vec::new(),
    }
}

/// Fills `{{SYSTEM_PROMPT}}`: only the model knows it.
fn with_system_prompt(value: &Value, system: &str) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace("{{SYSTEM_PROMPT}}", system)),
        Value::Array(items) => items.iter().map(|item| with_system_prompt(item, system)).collect(),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, field)| (name.clone(), with_system_prompt(field, system)))
                .collect(),
        ),
        other => other.clone(),
    }
}
