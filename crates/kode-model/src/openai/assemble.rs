//! Puts a Chat Completions answer together from its chunks.
//!
//! Servers differ: calls without index or all with index 0, missing or repeated
//! identifiers, arguments in one piece, in many, in none or twice. What can be
//! told apart is; a call whose pieces can't be is left as invalid JSON for the
//! agent to report, never guessed.

use kode_base::{TokenCount, Untrusted, Usage};
use serde_json::{Map, Value};

use super::extras::{Extras, merge};
use crate::conversation::CallIds;
use crate::stream::{Assembler, Out, Taken, broken_off};
use crate::{ProviderError, Reply, StopReason, ToolCall};

/// Most calls of one answer.
const CALLS_MAX: usize = 128;

/// Arguments that some servers send before the real ones.
const PLACEHOLDER: &str = "{}";

/// Fields of a delta that have a place of their own.
const KNOWN_FIELDS: &[&str] = &["role", "content", "tool_calls", "refusal", "function_call"];

#[derive(Debug, Default)]
struct PartialCall {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
    extra: Map<String, Value>,
}

/// One delta of a call; what is missing is empty.
struct Piece<'a> {
    id: &'a str,
    name: &'a str,
    arguments: &'a str,
}

impl Piece<'_> {
    fn continues(&self, call: &PartialCall) -> bool {
        if self.name.is_empty() || call.name.is_empty() {
            return true;
        }
        let other_id = !self.id.is_empty() && !call.id.is_empty() && self.id != call.id;
        // Whole arguments followed by the same once more are a repetition.
        let whole = call.arguments != PLACEHOLDER && is_object(&call.arguments);
        let more = !self.arguments.is_empty() && self.arguments != call.arguments;
        self.name == call.name && !other_id && !(whole && more)
    }
}

/// The answer so far.
#[derive(Debug)]
pub(super) struct OpenAiAssembler {
    ids: CallIds,
    text: String,
    refused: bool,
    calls: Vec<PartialCall>,
    finish_reason: Option<String>,
    usage: Usage,
    extra: Map<String, Value>,
    complete: bool,
    /// Text is JSON for kode, not words for the user.
    quiet: bool,
}

impl OpenAiAssembler {
    pub(super) fn new(ids: CallIds, quiet: bool) -> Self {
        Self {
            quiet,
            ids,
            text: String::new(),
            refused: false,
            calls: Vec::new(),
            finish_reason: None,
            usage: Usage::default(),
            extra: Map::new(),
            complete: false,
        }
    }

    fn take_choice(
        &mut self,
        payload: &Value,
        part: &str,
        out: &mut Out<'_, '_>,
    ) -> Result<(), Taken> {
        if let Some(usage) = payload.get("usage").filter(|usage| usage.is_object()) {
            self.usage = read_usage(usage);
        }
        let Some(choice) = payload.get("choices").and_then(|choices| choices.get(0)) else {
            return Ok(());
        };
        if let Some(delta) = choice.get(part).and_then(Value::as_object) {
            self.take_delta(delta, out)?;
        }
        if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str)
            && !reason.is_empty()
        {
            self.finish_reason = Some(reason.to_owned());
        }
        Ok(())
    }

    fn take_delta(
        &mut self,
        delta: &Map<String, Value>,
        out: &mut Out<'_, '_>,
    ) -> Result<(), Taken> {
        if let Some(text) = delta.get("content") {
            self.take_text(text, out)?;
        }
        if let Some(refusal) = delta.get("refusal").and_then(Value::as_str) {
            self.refused = true;
            self.text.push_str(refusal);
            out.text(refusal)?;
        }
        match delta.get("tool_calls") {
            Some(Value::Array(calls)) => {
                calls.iter().try_for_each(|call| self.take_call(call, out))?;
            }
            Some(call @ Value::Object(_)) => self.take_call(call, out)?,
            _ => {}
        }
        for (name, value) in delta {
            if !KNOWN_FIELDS.contains(&name.as_str()) && !value.is_null() {
                out.count(value.to_string().len())?;
                merge(self.extra.entry(name.as_str()).or_insert(Value::Null), value);
            }
        }
        Ok(())
    }

    /// Text, or the list of text parts some gateways send.
    fn take_text(&mut self, content: &Value, out: &mut Out<'_, '_>) -> Result<(), Taken> {
        let parts = match content {
            Value::String(text) => vec![text.as_str()],
            Value::Array(parts) => {
                parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect()
            }
            _ => Vec::new(),
        };
        for text in parts {
            self.text.push_str(text);
            if self.quiet { out.count(text.len())? } else { out.text(text)? }
        }
        Ok(())
    }

    fn take_call(&mut self, piece: &Value, out: &mut Out<'_, '_>) -> Result<(), Taken> {
        let Some(fields) = piece.as_object() else { return Ok(()) };
        let function = piece.get("function");
        let text =
            |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let id = text(fields.get("id"));
        let name = text(function.and_then(|function| function.get("name")));
        let index = fields.get("index").and_then(Value::as_u64);
        let arguments = match function.and_then(|function| function.get("arguments")) {
            Some(Value::String(piece)) => piece.clone(),
            // Some servers send the object itself.
            Some(object @ Value::Object(_)) => object.to_string(),
            _ => String::new(),
        };
        let at = self.locate(index, &Piece { id: &id, name: &name, arguments: &arguments })?;
        let call = &mut self.calls[at];
        if call.id.is_empty() {
            call.id = id;
        }
        if call.name.is_empty() {
            call.name = name;
        }
        if call.arguments == PLACEHOLDER && !arguments.is_empty() {
            call.arguments.clear();
        }
        call.arguments.push_str(&arguments);
        out.count(arguments.len() + 1)?;
        for (field, value) in fields {
            if !matches!(field.as_str(), "id" | "index" | "type" | "function") && !value.is_null() {
                out.count(value.to_string().len())?;
                merge(call.extra.entry(field.as_str()).or_insert(Value::Null), value);
            }
        }
        Ok(())
    }

    /// Which call a piece belongs to: the one with its identifier, else the one
    /// with its index, else the last. Servers that number every call 0, change
    /// the identifier with every piece or use it twice exist, so a piece with a
    /// name begins a new call where it can't continue that one.
    fn locate(&mut self, index: Option<u64>, piece: &Piece<'_>) -> Result<usize, Taken> {
        let fits = |call: &PartialCall| index.is_none() || call.index == index;
        let by_id = self
            .calls
            .iter()
            .rposition(|call| !piece.id.is_empty() && call.id == piece.id && fits(call));
        let known = by_id.or_else(|| self.calls.iter().rposition(fits));
        if let Some(at) = known
            && piece.continues(&self.calls[at])
        {
            return Ok(at);
        }
        if self.calls.len() >= CALLS_MAX {
            return Err(
                ProviderError::protocol("the model asked for too many tools at once").into()
            );
        }
        self.calls.push(PartialCall { index, ..PartialCall::default() });
        Ok(self.calls.len() - 1)
    }

    fn stop_reason(&self) -> Result<StopReason, ProviderError> {
        if self.refused {
            return Ok(StopReason::Refusal);
        }
        let has_calls = !self.calls.is_empty();
        match self.finish_reason.as_deref() {
            Some("length" | "max_tokens" | "model_context_window_exceeded") => {
                Ok(StopReason::Length)
            }
            Some("content_filter" | "safety") => Ok(StopReason::ContentFilter),
            Some("refusal") => Ok(StopReason::Refusal),
            // `stop` despite calls comes from several servers.
            None
            | Some(
                "tool_calls" | "function_call" | "tool_use" | "stop" | "eos" | "end_turn"
                | "stop_sequence",
            ) => Ok(if has_calls { StopReason::ToolCalls } else { StopReason::EndOfTurn }),
            Some(_) if !has_calls => Ok(StopReason::EndOfTurn),
            Some(other) => Err(ProviderError::protocol(format!(
                "the answer ended with `{}`; none of its tool calls was run",
                crate::fault::shown(other, None)
            ))),
        }
    }
}

impl Assembler for OpenAiAssembler {
    fn take(&mut self, _name: &str, payload: &Value, out: &mut Out<'_, '_>) -> Result<(), Taken> {
        self.take_choice(payload, "delta", out)
    }

    fn take_whole(&mut self, payload: &Value, out: &mut Out<'_, '_>) -> Result<(), Taken> {
        self.take_choice(payload, "message", out)?;
        self.complete = self.finish_reason.is_some();
        Ok(())
    }

    fn is_end_marker(&self, data: &str) -> bool {
        data == "[DONE]"
    }

    fn complete(&mut self) {
        self.complete = true;
    }

    fn is_complete(&self) -> bool {
        self.complete
    }

    fn has_calls(&self) -> bool {
        !self.calls.is_empty()
    }

    fn finish(mut self) -> Result<Reply, ProviderError> {
        // Some servers leave out `[DONE]`. After a finish reason text is whole
        // all the same; calls are run only with the terminal event.
        if !self.complete && (self.finish_reason.is_none() || self.has_calls()) {
            return Err(broken_off(self.has_calls()));
        }
        let stop = self.stop_reason()?;
        let mut extras = Extras { message: self.extra, ..Extras::default() };
        let mut calls = Vec::new();
        if stop == StopReason::ToolCalls {
            for call in without_repeated_calls(self.calls) {
                let id = self.ids.assign(&call.id);
                if !call.extra.is_empty() {
                    extras.calls.insert(id.clone(), call.extra);
                }
                let (name, arguments) = (Untrusted::new(call.name), Untrusted::new(call.arguments));
                calls.push(ToolCall { id, name, arguments });
            }
        }
        let opaque = extras.write();
        Ok(Reply { text: Untrusted::new(self.text), calls, stop, usage: self.usage, opaque })
    }
}

/// A call that came twice, identifier, name and arguments alike, is one call:
/// nothing may be run twice because a server repeats itself.
fn without_repeated_calls(calls: Vec<PartialCall>) -> Vec<PartialCall> {
    let mut single: Vec<PartialCall> = Vec::with_capacity(calls.len());
    for mut call in calls {
        call.arguments = without_repetition(call.arguments);
        let repeated = single.iter().any(|earlier| {
            !call.id.is_empty()
                && (&earlier.id, &earlier.name, &earlier.arguments)
                    == (&call.id, &call.name, &call.arguments)
        });
        if !repeated {
            single.push(call);
        }
    }
    single
}

fn is_object(text: &str) -> bool {
    serde_json::from_str::<Map<String, Value>>(text).is_ok()
}

/// Arguments that arrived twice, as some servers repeat the whole call at the
/// end, count once. Different objects in a row stay as they are: invalid.
fn without_repetition(arguments: String) -> String {
    let mut values =
        serde_json::Deserializer::from_str(&arguments).into_iter::<Map<String, Value>>();
    let Some(Ok(first)) = values.next() else { return arguments };
    let end = values.byte_offset();
    let mut repeated = false;
    for value in values {
        match value {
            Ok(value) if value == first => repeated = true,
            _ => return arguments,
        }
    }
    if repeated { arguments[..end].to_owned() } else { arguments }
}

fn read_usage(usage: &Value) -> Usage {
    let count = |value: Option<&Value>| TokenCount(value.and_then(Value::as_u64).unwrap_or(0));
    let detail = |name| usage.get("prompt_tokens_details").and_then(|details| details.get(name));
    Usage {
        input: count(usage.get("prompt_tokens")),
        output: count(usage.get("completion_tokens")),
        cache_read: count(detail("cached_tokens")),
        cache_write: count(detail("cache_write_tokens")),
    }
}

#[cfg(test)]
mod tests;
