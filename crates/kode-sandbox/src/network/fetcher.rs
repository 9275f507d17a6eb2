//! Reads package registries on a client's behalf: GET and HEAD, a path that
//! packages are read from, and headers made anew. What a client sends besides,
//! credentials above all, stays here.

use std::io::{Read, Write as _};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use super::body::{Body, Framing, carry_on, stays_open};
use super::head::{
    HEAD_BYTES_MAX, RESPONSE_HEAD_BYTES_MAX, RequestBody, RequestHead, ResponseHead,
};
use super::host::parse_authority;
use super::outside::Outside;
use super::reading::reading_headers;
use super::record::Entry;
use super::registry::Registry;
use super::stream::{Conversation, Stream, read_head};
use super::{HostName, Refusal};

/// For the next request on a connection, head and all.
const REQUEST_MAX: Duration = Duration::from_secs(60);
/// For the next block of an answer.
const BLOCK_MAX: Duration = Duration::from_secs(60);
/// For connecting outside, TLS included.
const CONNECT_MAX: Duration = Duration::from_secs(30);

/// For telling a client why not.
const TELLING_MAX: Duration = Duration::from_secs(5);

/// Sent in place of whatever the client calls itself.
pub(super) const USER_AGENT: &str = concat!("kode/", env!("CARGO_PKG_VERSION"));

/// Headers of an answer that mean this connection, or that clients need not
/// keep.
const NOT_PASSED: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "transfer-encoding",
    "trailer",
    "upgrade",
    "content-length",
    "set-cookie",
    "alt-svc",
    "strict-transport-security",
];

/// TLS to a host outside, certificate checked.
pub(crate) fn connect_tls(
    outside: &Outside,
    host: &HostName,
    port: u16,
    entry: &Entry,
) -> Result<StreamOwned<ClientConnection, Stream>, Refusal> {
    let unreachable = |cause: String| Refusal::Unreachable { host: host.to_string(), cause };
    let socket = outside.connect(host, port, &entry.counters, CONNECT_MAX)?;
    entry.owns(socket.socket());
    let config = outside.tls().map_err(unreachable)?;
    let name = ServerName::try_from(host.to_string()).map_err(|_| Refusal::BadName("for TLS"))?;
    let connection =
        ClientConnection::new(config, name).map_err(|error| unreachable(error.to_string()))?;
    let mut stream = StreamOwned::new(connection, socket);
    while stream.conn.is_handshaking() {
        stream
            .conn
            .complete_io(&mut stream.sock)
            .map_err(|error| unreachable(error.to_string()))?;
    }
    Ok(stream)
}

/// A connection outside, with what was read too far.
struct Upstream {
    stream: StreamOwned<ClientConnection, Stream>,
    rest: Vec<u8>,
    used: bool,
}

/// Serves one client's connection for one registry host.
pub(crate) struct Fetcher<'a> {
    pub(crate) registry: &'static Registry,
    pub(crate) host: HostName,
    pub(crate) outside: &'a Outside,
    pub(crate) entry: &'a Arc<Entry>,
}

impl Fetcher<'_> {
    /// Answers requests until the client has no more. `first` was read already;
    /// `ahead` is what came behind it.
    pub(crate) fn serve(
        &self,
        client: &mut dyn Conversation,
        first: Option<RequestHead>,
        ahead: Vec<u8>,
    ) -> Result<(), Refusal> {
        let mut rest = ahead;
        let mut first = first;
        let mut upstream = None;
        loop {
            client.within(REQUEST_MAX);
            let head = match first.take() {
                Some(head) => head,
                None => match read_head(client, &mut rest, HEAD_BYTES_MAX) {
                    // No further request is no failure.
                    Err(Refusal::BrokeOff | Refusal::TooSlow) if rest.is_empty() => return Ok(()),
                    head => RequestHead::parse(&head?)?,
                },
            };
            let target = match self.admit(&head) {
                Ok(target) => target,
                Err(refusal) => {
                    // What follows may be a body: nothing more is read.
                    tell(client, &refusal);
                    return Err(refusal);
                }
            };
            self.entry.request();
            let again = stays_open(&head.headers);
            let done = self.exchange(client, &mut upstream, &head, &target, again);
            if let Err(
                refusal @ (Refusal::NoAddress(_)
                | Refusal::Unreachable { .. }
                | Refusal::NotPublic { .. }),
            ) = &done
            {
                tell(client, refusal);
            }
            done?;
            if !again {
                return Ok(());
            }
        }
    }

    fn admit(&self, head: &RequestHead) -> Result<String, Refusal> {
        let target = match head.target.strip_prefix("http://") {
            Some(absolute) => {
                let at = absolute.find(['/', '?', '#']).unwrap_or(absolute.len());
                let (authority, path) = absolute.split_at(at);
                if parse_authority(authority, Some(80))?.0 != self.host {
                    return Err(Refusal::Malformed("another host on the same connection"));
                }
                path
            }
            None => head.target.as_str(),
        };
        if let Some(named) = head.headers.only("host")?
            && parse_authority(named, Some(443))?.0 != self.host
        {
            return Err(Refusal::Malformed("its Host header names another host"));
        }
        let target = self.registry.admit(&head.method, target)?;
        if head.body()? != RequestBody::None {
            return Err(Refusal::Malformed("a body on a request that only reads"));
        }
        Ok(target)
    }

    fn exchange(
        &self,
        client: &mut dyn Conversation,
        upstream: &mut Option<Upstream>,
        head: &RequestHead,
        target: &str,
        again: bool,
    ) -> Result<(), Refusal> {
        let request = self.request(head, target);
        let mut answer = self.ask(upstream, &request);
        if answer.is_err() && upstream.as_ref().is_some_and(|upstream| upstream.used) {
            // A kept connection may have been closed at the other end.
            *upstream = None;
            answer = self.ask(upstream, &request);
        }
        let answer = answer?;
        let framing = Framing::of(&answer, &head.method)?;
        client.within(BLOCK_MAX);
        client.write_all(passed_on(&answer, framing, again).as_bytes())?;
        let Some(open) = upstream.as_mut() else { return Err(Refusal::BrokeOff) };
        open.stream.within(BLOCK_MAX);
        let body = Body::new(&mut open.stream, &mut open.rest, framing);
        carry_on(body, client)?;
        open.used = true;
        if !stays_open(&answer.headers) || framing == Framing::UntilClose {
            *upstream = None;
        }
        Ok(())
    }

    fn ask(&self, upstream: &mut Option<Upstream>, request: &str) -> Result<ResponseHead, Refusal> {
        if upstream.is_none() {
            let stream = connect_tls(self.outside, &self.host, 443, self.entry)?;
            *upstream = Some(Upstream { stream, rest: Vec::new(), used: false });
        }
        let Some(open) = upstream.as_mut() else { return Err(Refusal::BrokeOff) };
        open.stream.within(BLOCK_MAX);
        open.stream.write_all(request.as_bytes())?;
        open.stream.flush()?;
        final_answer(&mut open.stream, &mut open.rest)
    }

    fn request(&self, head: &RequestHead, target: &str) -> String {
        let mut request = format!(
            "{} {target} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {USER_AGENT}\r\n",
            head.method, self.host
        );
        for (name, value) in reading_headers(&head.headers) {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        request
    }
}

/// Answers a request that is not carried, with the reason in plain text.
pub(crate) fn tell(client: &mut dyn Conversation, refusal: &Refusal) {
    let (status, phrase) = refusal.status();
    let text = format!("kode: {}\n", kode_base::escape::escape_line(&refusal.to_string()));
    client.within(TELLING_MAX);
    let answer = format!(
        "HTTP/1.1 {status} {phrase}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{text}",
        text.len()
    );
    // Whether the client hears it changes nothing.
    let _ = client.write_all(answer.as_bytes()).and_then(|()| client.flush());
}

/// Reads heads until one that is no interim answer.
pub(crate) fn final_answer(
    from: &mut dyn Read,
    rest: &mut Vec<u8>,
) -> Result<ResponseHead, Refusal> {
    for _ in 0..8 {
        let answer = ResponseHead::parse(&read_head(from, rest, RESPONSE_HEAD_BYTES_MAX)?)?;
        if answer.status >= 200 {
            return Ok(answer);
        }
    }
    Err(Refusal::Malformed("too many interim answers"))
}

pub(crate) fn passed_on(answer: &ResponseHead, framing: Framing, again: bool) -> String {
    let mut head = format!("HTTP/1.1 {} \r\n", answer.status);
    for (name, value) in answer.headers.iter().filter(|(name, _)| !NOT_PASSED.contains(name)) {
        // Read as ASCII or Latin-1, so written back as what is plain of it.
        if value.is_ascii() {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    match framing {
        Framing::Length(length) => head.push_str(&format!("content-length: {length}\r\n")),
        Framing::Chunked | Framing::UntilClose => head.push_str("transfer-encoding: chunked\r\n"),
        // What a HEAD would have had.
        Framing::Empty => {
            let length = answer.headers.only("content-length").ok().flatten();
            head.extend(length.map(|length| format!("content-length: {length}\r\n")));
        }
    }
    head.push_str(if again {
        "connection: keep-alive\r\n\r\n"
    } else {
        "connection: close\r\n\r\n"
    });
    head
}
