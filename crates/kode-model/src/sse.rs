//! Server-sent events from raw bytes, after the WHATWG event stream
//! interpretation: any split of the bytes gives the same events.
//!
//! Buffers are bounded; a line or event over the limit is an error, never a
//! truncation.

use std::mem;

/// Most bytes of one event's data, and of one line.
pub const EVENT_BYTES_MAX: usize = 16 * 1024 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One dispatched event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The `event:` field; empty when there was none.
    pub name: String,
    /// All `data:` lines, joined with newlines.
    pub data: String,
    /// Whether invalid UTF-8 was replaced by U+FFFD in `name` or `data`.
    pub replaced: bool,
}

/// A line or an event is larger than [`EVENT_BYTES_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server sent an event of more than {} MiB", EVENT_BYTES_MAX / 1024 / 1024)]
pub struct EventTooLarge;

/// Turns bytes into events; keeps what is not complete yet.
#[derive(Debug, Default)]
pub struct Decoder {
    line: Vec<u8>,
    after_carriage_return: bool,
    past_first_line: bool,
    name: String,
    data: Option<String>,
    replaced: bool,
}

impl Decoder {
    /// A decoder at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and returns the events they complete.
    ///
    /// # Errors
    /// When a line or an event grows over [`EVENT_BYTES_MAX`].
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<Vec<Event>, EventTooLarge> {
        let mut events = Vec::new();
        if self.after_carriage_return && !bytes.is_empty() {
            self.after_carriage_return = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.extend_line(&bytes[..end])?;
            let carriage_return = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            if carriage_return {
                match bytes.strip_prefix(b"\n") {
                    Some(rest) => bytes = rest,
                    None => self.after_carriage_return = bytes.is_empty(),
                }
            }
            events.extend(self.end_line()?);
        }
        self.extend_line(bytes)?;
        Ok(events)
    }

    /// Ends the stream. Servers exist that omit the last blank line, so what is
    /// pending is dispatched here rather than dropped; a payload cut in the
    /// middle then fails to parse.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn finish(mut self) -> Result<Option<Event>, EventTooLarge> {
        if !self.line.is_empty()
            && let Some(event) = self.end_line()?
        {
            return Ok(Some(event));
        }
        Ok(self.dispatch())
    }

    fn extend_line(&mut self, bytes: &[u8]) -> Result<(), EventTooLarge> {
        if self.line.len() + bytes.len() > EVENT_BYTES_MAX {
            return Err(EventTooLarge);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self) -> Result<Option<Event>, EventTooLarge> {
        let line = mem::take(&mut self.line);
        let mut line = line.as_slice();
        if !mem::replace(&mut self.past_first_line, true) {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        if line.is_empty() {
            return Ok(self.dispatch());
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (field, value) = match colon {
            Some(0) => return Ok(None),
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => self.append_data(value)?,
            b"event" => self.name = self.decode(value),
            // llama.cpp before 2025 put errors into a field of that name.
            b"error" => {
                self.name = "error".to_owned();
                self.append_data(value)?;
            }
            // `id` and `retry` serve reconnection, which kode never does.
            _ => {}
        }
        Ok(None)
    }

    fn append_data(&mut self, value: &[u8]) -> Result<(), EventTooLarge> {
        let value = self.decode(value);
        match &mut self.data {
            Some(data) if data.len() + value.len() >= EVENT_BYTES_MAX => return Err(EventTooLarge),
            Some(data) => {
                data.push('\n');
                data.push_str(&value);
            }
            None => self.data = Some(value),
        }
        Ok(())
    }

    fn decode(&mut self, value: &[u8]) -> String {
        let text = String::from_utf8_lossy(value);
        self.replaced |= matches!(text, std::borrow::Cow::Owned(_));
        text.into_owned()
    }

    fn dispatch(&mut self) -> Option<Event> {
        let name = mem::take(&mut self.name);
        let replaced = mem::take(&mut self.replaced);
        let data = self.data.take()?;
        // Empty data lines are heartbeats of some servers, not events.
        (!data.is_empty()).then_some(Event { name, data, replaced })
    }
}

#[cfg(test)]
mod tests;
