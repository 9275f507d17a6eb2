//! Puts a Messages answer together from its content blocks.
//!
//! Thinking, redacted thinking and block types unknown today are kept whole for
//! replay; a tool call counts only once its block and the message have ended.

use kode_base::{TokenCount, Untrusted, Usage};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::conversation::CallIds;
use crate::stream::{Assembler, Out, Taken, broken_off};
use crate::{ProviderError, Reply, StopReason, ToolCall};

/// Most content blocks of one answer.
const BLOCKS_MAX: usize = 1024;

/// A block kept for replay and where it stood.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The block.
    pub(super) anthropic: Value,
    /// Bytes of the answer's text before it.
    pub(super) after_text_bytes: usize,
    /// Calls before it.
    pub(super) after_calls: usize,
}

impl Kept {
    /// Reads one entry of [`Reply::opaque`]; another protocol's is `None`.
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

#[derive(Debug)]
struct Block {
    index: Option<u64>,
    ended: bool,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Text(String),
    Call { id: String, name: String, input: Value, arguments: String },
    Other(Map<String, Value>),
}

/// The answer so far.
#[derive(Debug)]
pub(super) struct AnthropicAssembler {
    ids: CallIds,
    blocks: Vec<Block>,
    stop_reason: Option<String>,
    usage: Figures,
    complete: bool,
}

#[derive(Debug, Default)]
struct Figures {
    input: u64,
    output: u64,
    cache_read: u64,
    cache_write: u64,
}

impl AnthropicAssembler {
    pub(super) fn new(ids: CallIds) -> Self {
        Self {
            ids,
            blocks: Vec::new(),
            stop_reason: None,
            usage: Figures::default(),
            complete: false,
        }
    }

    fn start(
        &mut self,
        index: Option<u64>,
        block: &Value,
        out: &mut Out<'_, '_>,
    ) -> Result<(), Taken> {
        if self.blocks.len() >= BLOCKS_MAX {
            return Err(ProviderError::protocol("the model's answer has too many blocks").into());
        }
        let text =
            |name: &str| block.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let content = match block.get("type").and_then(Value::as_str) {
            Some("text") => {
                out.text(&text("text"))?;
                Content::Text(text("text"))
            }
            Some("tool_use") => {
                let input = block.get("input").cloned().unwrap_or_else(|| json!({}));
                Content::Call {
                    id: text("id"),
                    name: text("name"),
                    input,
                    arguments: String::new(),
                }
            }
            _ => Content::Other(block.as_object().cloned().unwrap_or_default()),
        };
        if !matches!(content, Content::Text(_)) {
            out.count(block.to_string().len())?;
        }
        self.blocks.push(Block { index, ended: false, content });
        Ok(())
    }

    fn delta(
        &mut self,
        index: Option<u64>,
        delta: &Value,
        out: &mut Out<'_, '_>,
    ) -> Result<(), Taken> {
        let kind = delta.get("type").and_then(Value::as_str).unwrap_or_default();
        let piece = |name: &str| delta.get(name).and_then(Value::as_str).unwrap_or_default();
        let at = self.open_block(index);
        let Some(block) = at.and_then(|at| self.blocks.get_mut(at)) else {
            let message = "the server sent a piece of a block that never began";
            return Err(ProviderError::protocol(message).into());
        };
        match (&mut block.content, kind) {
            (Content::Text(text), "text_delta") => {
                text.push_str(piece("text"));
                out.text(piece("text"))?;
            }
            (Content::Call { arguments, .. }, "input_json_delta") => {
                arguments.push_str(piece("partial_json"));
                out.count(piece("partial_json").len())?;
            }
            (Content::Other(fields), _) => {
                out.count(delta.to_string().len())?;
                merge(fields, delta);
            }
            // Citations and what may come: nothing kode replays or shows.
            _ => {}
        }
        Ok(())
    }

    fn open_block(&self, index: Option<u64>) -> Option<usize> {
        let fits = |block: &Block| !block.ended && (index.is_none() || block.index == index);
        self.blocks.iter().rposition(fits)
    }

    fn take_message(&mut self, message: &Value) {
        if let Some(usage) = message.get("usage") {
            self.usage.take(usage);
        }
        let delta = message.get("delta").unwrap_or(message);
        if let Some(reason) = delta.get("stop_reason").and_then(Value::as_str) {
            self.stop_reason = Some(reason.to_owned());
        }
    }

    fn stop_reason(&self) -> Result<StopReason, ProviderError> {
        match self.stop_reason.as_deref() {
            Some("max_tokens" | "model_context_window_exceeded") => Ok(StopReason::Length),
            Some("refusal") => Ok(StopReason::Refusal),
            None | Some("tool_use" | "end_turn" | "stop_sequence" | "pause_turn") => {
                Ok(if self.has_calls() { StopReason::ToolCalls } else { StopReason::EndOfTurn })
            }
            Some(_) if !self.has_calls() => Ok(StopReason::EndOfTurn),
            Some(other) => Err(ProviderError::protocol(format!(
                "the answer ended with `{}`; none of its tool calls was run",
                crate::fault::shown(other, None)
            ))),
        }
    }
}

impl Assembler for AnthropicAssembler {
    fn take(&mut self, name: &str, payload: &Value, out: &mut Out<'_, '_>) -> Result<(), Taken> {
        let index = payload.get("index").and_then(Value::as_u64);
        let part = |name: &str| payload.get(name).unwrap_or(&Value::Null);
        match payload.get("type").and_then(Value::as_str).unwrap_or(name) {
            "message_start" => self.take_message(part("message")),
            "content_block_start" => self.start(index, part("content_block"), out)?,
            "content_block_delta" => self.delta(index, part("delta"), out)?,
            "content_block_stop" => {
                if let Some(at) = self.open_block(index) {
                    self.blocks[at].ended = true;
                }
            }
            "message_delta" => self.take_message(payload),
            "message_stop" => self.complete = true,
            // `ping`, and events the API reserves the right to add.
            _ => {}
        }
        Ok(())
    }

    fn take_whole(&mut self, payload: &Value, out: &mut Out<'_, '_>) -> Result<(), Taken> {
        let blocks = payload.get("content").and_then(Value::as_array);
        for block in blocks.map(Vec::as_slice).unwrap_or_default() {
            self.start(None, block, out)?;
        }
        self.blocks.iter_mut().for_each(|block| block.ended = true);
        self.take_message(payload);
        self.complete = self.stop_reason.is_some();
        Ok(())
    }

    fn is_end_marker(&self, _data: &str) -> bool {
        false
    }

    fn complete(&mut self) {
        self.complete = true;
    }

    fn is_complete(&self) -> bool {
        self.complete
    }

    fn has_calls(&self) -> bool {
        self.blocks.iter().any(|block| matches!(block.content, Content::Call { .. }))
    }

    fn finish(mut self) -> Result<Reply, ProviderError> {
        let half_call =
            |block: &Block| !block.ended && matches!(block.content, Content::Call { .. });
        if !self.complete || self.blocks.iter().any(half_call) {
            return Err(broken_off(self.has_calls()));
        }
        let stop = self.stop_reason()?;
        let whole = matches!(stop, StopReason::ToolCalls | StopReason::EndOfTurn);
        let (mut text, mut calls, mut opaque) = (String::new(), Vec::new(), Vec::new());
        for block in self.blocks {
            match block.content {
                Content::Text(piece) => text.push_str(&piece),
                Content::Call { .. } if stop != StopReason::ToolCalls => {}
                Content::Call { id, name, input, arguments } => {
                    // Without pieces the input of the start holds, usually `{}`.
                    let arguments =
                        if arguments.is_empty() { input.to_string() } else { arguments };
                    let id = self.ids.assign(&id);
                    let (name, arguments) = (Untrusted::new(name), Untrusted::new(arguments));
                    calls.push(ToolCall { id, name, arguments });
                }
                // Thinking that was cut off has no valid signature.
                Content::Other(_) if !whole || !block.ended => {}
                Content::Other(fields) => {
                    let kept = Kept {
                        anthropic: Value::Object(fields),
                        after_text_bytes: text.len(),
                        after_calls: calls.len(),
                    };
                    opaque.extend(serde_json::to_string(&kept));
                }
            }
        }
        let usage = self.usage.total();
        Ok(Reply { text: Untrusted::new(text), calls, stop, usage, opaque })
    }
}

/// Adds a delta to the block it continues: `thinking_delta` grows `thinking`,
/// `signature_delta` sets `signature`, and so on for types to come.
fn merge(fields: &mut Map<String, Value>, delta: &Value) {
    for (name, piece) in delta.as_object().into_iter().flatten().filter(|(name, _)| *name != "type")
    {
        match (fields.get_mut(name), piece) {
            (Some(Value::String(text)), Value::String(more)) => text.push_str(more),
            (Some(Value::Array(items)), Value::Array(more)) => items.extend(more.iter().cloned()),
            _ => {
                fields.insert(name.clone(), piece.clone());
            }
        }
    }
}

impl Figures {
    /// Later figures are cumulative; those missing leave earlier ones standing.
    fn take(&mut self, usage: &Value) {
        let figure = |name: &str, own: &mut u64| {
            if let Some(count) = usage.get(name).and_then(Value::as_u64) {
                *own = count;
            }
        };
        figure("input_tokens", &mut self.input);
        figure("output_tokens", &mut self.output);
        figure("cache_read_input_tokens", &mut self.cache_read);
        figure("cache_creation_input_tokens", &mut self.cache_write);
    }

    /// The API counts cached input apart; kode counts it in.
    fn total(&self) -> Usage {
        let input = self.input.saturating_add(self.cache_read).saturating_add(self.cache_write);
        Usage {
            input: TokenCount(input),
            output: TokenCount(self.output),
            cache_read: TokenCount(self.cache_read),
            cache_write: TokenCount(self.cache_write),
        }
    }
}

#[cfg(test)]
mod tests;
