//! From a body's bytes to an assembler: which form the body has, which events
//! are errors, and what a damaged event means.

use serde_json::Value;

use super::{Assembler, Out, REPLY_BYTES_MAX, Taken};
use crate::ProviderError;
use crate::fault::Fault;
use crate::sse::{self, Decoder};

/// The body as it arrives: an event stream, or one JSON document from a server
/// that ignored `stream`. The first byte that is no white space tells.
pub(super) enum Body {
    Unknown,
    Events(Decoder),
    Document(Vec<u8>),
}

impl Body {
    pub(super) fn new() -> Self {
        Self::Unknown
    }

    pub(super) fn push<A: Assembler>(
        &mut self,
        piece: &[u8],
        assembler: &mut A,
        out: &mut Out<'_, '_>,
    ) -> Result<(), Taken> {
        if let Self::Unknown = self {
            *self = match piece.iter().find(|byte| !byte.is_ascii_whitespace()) {
                Some(b'{' | b'[') => Self::Document(Vec::new()),
                Some(b'<') => {
                    let message = "the server answered with a web page instead of a model's answer";
                    let hint = "check the base URL: it usually ends in /v1";
                    return Err(ProviderError::protocol(message).with_hint(hint).into());
                }
                Some(_) => Self::Events(Decoder::new()),
                None => return Ok(()),
            };
        }
        match self {
            Self::Events(decoder) => {
                for event in decoder.push(piece).map_err(too_large)? {
                    take_event(&event, assembler, out)?;
                }
            }
            Self::Document(document) => {
                if document.len() + piece.len() > REPLY_BYTES_MAX {
                    return Err(too_large(sse::EventTooLarge));
                }
                document.extend_from_slice(piece);
            }
            Self::Unknown => {}
        }
        Ok(())
    }

    pub(super) fn end<A: Assembler>(
        self,
        assembler: &mut A,
        out: &mut Out<'_, '_>,
    ) -> Result<(), Taken> {
        match self {
            Self::Unknown => Ok(()),
            Self::Events(decoder) => match decoder.finish().map_err(too_large)? {
                Some(event) => take_event(&event, assembler, out),
                None => Ok(()),
            },
            Self::Document(document) => {
                let payload: Value = serde_json::from_slice(&document).map_err(|error| {
                    ProviderError::protocol(format!("the server's answer is no JSON: {error}"))
                })?;
                reject_error(&payload)?;
                assembler.take_whole(&payload, out)
            }
        }
    }
}

fn take_event<A: Assembler>(
    event: &sse::Event,
    assembler: &mut A,
    out: &mut Out<'_, '_>,
) -> Result<(), Taken> {
    let data = event.data.trim();
    if data.is_empty() || assembler.is_complete() {
        return Ok(());
    }
    if assembler.is_end_marker(data) {
        assembler.complete();
        return Ok(());
    }
    let payload = match serde_json::from_str::<Value>(data) {
        Ok(payload) => payload,
        Err(_) if event.name == "error" => {
            return Err(Taken::Fault(Fault::of_body(200, None, data)));
        }
        Err(error) => {
            let message = format!("the server sent an event that is no JSON: {error}");
            return Err(ProviderError::protocol(message).into());
        }
    };
    if event.name == "error" {
        return Err(Taken::Fault(Fault::of_json(&payload)));
    }
    reject_error(&payload)?;
    assembler.take(&event.name, &payload, out)?;
    if event.replaced && assembler.has_calls() {
        let message = "the server sent invalid UTF-8 in an answer with tool calls; none was run";
        return Err(ProviderError::protocol(message).into());
    }
    Ok(())
}

/// Errors reported with status 200: `{"error": …}` and vLLM's
/// `{"object": "error", …}`.
fn reject_error(payload: &Value) -> Result<(), Taken> {
    let error = payload.get("error").is_some_and(|error| !error.is_null());
    if error || payload.get("object").and_then(Value::as_str) == Some("error") {
        return Err(Taken::Fault(Fault::of_json(payload)));
    }
    Ok(())
}

fn too_large(error: sse::EventTooLarge) -> Taken {
    Taken::Invalid(ProviderError::protocol(error.to_string()))
}

/// The reply to these pieces of a body, without any network.
#[cfg(test)]
pub(crate) fn reply_to<A: Assembler>(
    pieces: &[&[u8]],
    mut assembler: A,
) -> Result<crate::Reply, String> {
    let (mut seen, mut bytes) = (false, 0);
    let mut progress = |_: crate::Progress<'_>| {};
    let mut out = Out { progress: &mut progress, seen: &mut seen, bytes: &mut bytes };
    let mut body = Body::new();
    for piece in pieces {
        body.push(piece, &mut assembler, &mut out).map_err(|taken| format!("{taken:?}"))?;
    }
    body.end(&mut assembler, &mut out).map_err(|taken| format!("{taken:?}"))?;
    assembler.finish().map_err(|error| error.to_string())
}
