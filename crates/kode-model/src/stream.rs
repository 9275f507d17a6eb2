//! One turn over HTTP, whatever the protocol: send, decode events, assemble,
//! and send again only while nothing of the answer was seen.

mod body;

use std::time::{Duration, Instant};

use kode_base::Interrupt;
use reqwest::Url;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::ProviderErrorKind::Connection;
use crate::fault::{Failure, Fault, Retry};
use crate::retry::RetryPolicy;
use crate::transport::{Outgoing, Transport};
use crate::{Progress, ProviderError, Reply};
use body::Body;
#[cfg(test)]
pub(crate) use body::reply_to;

/// Most bytes of text, arguments and provider blocks of one answer together.
pub(crate) const REPLY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// How an answer is put together from one protocol's events.
pub(crate) trait Assembler {
    /// Takes one event's JSON; `name` is the event's name.
    fn take(&mut self, name: &str, payload: &Value, out: &mut Out<'_, '_>) -> Result<(), Taken>;

    /// Takes a whole answer of a server that ignored `stream`.
    fn take_whole(&mut self, payload: &Value, out: &mut Out<'_, '_>) -> Result<(), Taken>;

    /// Whether the event is a terminal marker that is no JSON.
    fn is_end_marker(&self, data: &str) -> bool;

    /// Marks the stream as complete: its terminal event came.
    fn complete(&mut self);

    /// Whether the terminal event has come.
    fn is_complete(&self) -> bool;

    /// Whether a tool call has begun, so that damaged text matters.
    fn has_calls(&self) -> bool;

    /// The answer, once the stream is over.
    fn finish(self) -> Result<Reply, ProviderError>;
}

/// Why an event could not be taken.
#[derive(Debug)]
pub(crate) enum Taken {
    /// The server reports an error inside the stream.
    Fault(Fault),
    /// The event makes no sense or is too large.
    Invalid(ProviderError),
}

impl From<ProviderError> for Taken {
    fn from(error: ProviderError) -> Self {
        Self::Invalid(error)
    }
}

/// Where an assembler reports what it saw.
pub(crate) struct Out<'a, 'b> {
    progress: &'a mut (dyn FnMut(Progress<'_>) + 'b),
    seen: &'a mut bool,
    bytes: &'a mut usize,
}

impl Out<'_, '_> {
    /// A piece of text for the user.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), ProviderError> {
        self.count(text.len())?;
        if !text.is_empty() {
            (self.progress)(Progress::Text(kode_base::Untrusted::new(text)));
        }
        Ok(())
    }

    /// A piece of a call or provider block: output that forbids a retry.
    pub(crate) fn count(&mut self, bytes: usize) -> Result<(), ProviderError> {
        *self.seen |= bytes > 0;
        *self.bytes = self.bytes.saturating_add(bytes);
        if *self.bytes > REPLY_BYTES_MAX {
            return Err(ProviderError::protocol("the model's answer is larger than 32 MiB"));
        }
        Ok(())
    }
}

/// A request that can be sent repeatedly.
pub(crate) struct Call<'a> {
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) model: &'a str,
    pub(crate) key: Option<&'a str>,
    pub(crate) server: String,
}

/// Why a turn ended without an answer.
pub(crate) enum NoReply {
    /// For good.
    Failed(ProviderError),
    /// The server has no native tool calls; nothing was received.
    WithoutNativeTools,
}

/// Asks until an answer is complete, the policy is exhausted or the user
/// interrupts.
pub(crate) fn ask<A: Assembler>(
    transport: &mut Transport,
    call: &Call<'_>,
    policy: &RetryPolicy,
    interrupt: &Interrupt,
    progress: &mut dyn FnMut(Progress<'_>),
    new_assembler: impl Fn() -> A,
) -> Result<Reply, NoReply> {
    let mut attempt = 1;
    loop {
        let mut seen = false;
        let outcome =
            attempt_once(transport, call, interrupt, progress, new_assembler(), &mut seen);
        let failure = match outcome {
            Ok(reply) => return Ok(reply),
            Err(failure) => failure,
        };
        let asked = match failure.retry {
            Retry::WithoutNativeTools if !seen => return Err(NoReply::WithoutNativeTools),
            Retry::After(asked) if !seen => asked,
            _ => return Err(NoReply::Failed(failure.error)),
        };
        let Some(after) = policy.wait_after(attempt, asked) else {
            return Err(NoReply::Failed(given_up(failure.error, attempt)));
        };
        progress(Progress::Retrying { after, why: why(&failure.error) });
        pause(after, interrupt).map_err(NoReply::Failed)?;
        attempt += 1;
    }
}

fn attempt_once<A: Assembler>(
    transport: &mut Transport,
    call: &Call<'_>,
    interrupt: &Interrupt,
    progress: &mut dyn FnMut(Progress<'_>),
    mut assembler: A,
    seen: &mut bool,
) -> Result<Reply, Failure> {
    let outgoing = Outgoing {
        url: call.url.clone(),
        headers: call.headers.clone(),
        body: Some(call.body.clone()),
        model: call.model,
        key: call.key,
    };
    let mut bytes = 0;
    let mut body = Body::new();
    let mut out = Out { progress, seen, bytes: &mut bytes };
    let fail = |taken| match taken {
        Taken::Fault(fault) => fault.into_failure(&call.server, call.model, call.key),
        Taken::Invalid(error) => Failure::from(error),
    };
    transport.send(outgoing, interrupt, &mut |piece| {
        body.push(piece, &mut assembler, &mut out).map_err(fail)?;
        Ok(assembler.is_complete())
    })?;
    body.end(&mut assembler, &mut out).map_err(fail)?;
    if !assembler.is_complete() && !*seen {
        let message = "the server closed the stream without an answer";
        return Err(Failure::transient(ProviderError::protocol(message)));
    }
    Ok(assembler.finish()?)
}

fn why(error: &ProviderError) -> &'static str {
    use crate::ProviderErrorKind::*;
    match error.kind {
        RateLimited => "the provider limits requests",
        Overloaded => "the provider is overloaded",
        Connection => "the connection failed",
        Protocol => "the answer was empty",
        _ => "the provider had an internal error",
    }
}

fn given_up(mut error: ProviderError, attempts: u32) -> ProviderError {
    if attempts > 1 {
        error.message = format!("{} (tried {attempts} times)", error.message);
    }
    error
}

/// Sleeps, looking at the interrupt flag.
pub(crate) fn pause(wait: Duration, interrupt: &Interrupt) -> Result<(), ProviderError> {
    let end = Instant::now() + wait;
    loop {
        if interrupt.step_ended() {
            return Err(ProviderError::interrupted());
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(Duration::from_millis(25)));
    }
}

/// The error for an answer that ended before its terminal event.
pub(crate) fn broken_off(calls: bool) -> ProviderError {
    let message = match calls {
        true => "the answer broke off before its end; none of its tool calls was run",
        false => "the answer broke off before its end",
    };
    ProviderError::new(Connection, message)
}
