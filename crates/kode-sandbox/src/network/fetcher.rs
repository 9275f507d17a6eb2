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
    HEAD_BYTES_MAX, Headers, RESPONSE_HEAD_BYTES_MAX, RequestBody, RequestHead, ResponseHead,
};
use super::host::parse_authority;
use super::outside::Outside;
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

/// Kinds of content that clients of registries ask for.
const KINDS: &[&str] = &[
    "*/*",
    "text/html",
    "text/plain",
    "application/json",
    "application/octet-stream",
    "application/vnd.npm.install-v1+json",
    "application/vnd.pypi.simple.v1+json",
    "application/vnd.pypi.simple.v1+html",
    "application/vnd.pypi.simple.latest+json",
];

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

/// The client's headers that only say what to read, each in a form that holds
/// nothing else.
fn reading_headers(headers: &Headers) -> Vec<(&'static str, String)> {
    let mut kept = Vec::new();
    let list = |name: &str, known: &dyn Fn(&str) -> bool| {
        let parts = headers.all(name).flat_map(|value| value.split(',')).map(str::trim);
        let known: Vec<String> =
            parts.filter(|part| known(part)).take(8).map(str::to_owned).collect();
        known.join(", ")
    };
    let accept = list("accept", &|part| weighted(part, KINDS));
    kept.push(("Accept", if accept.is_empty() { "*/*".to_owned() } else { accept }));
    let encodings =
        list("accept-encoding", &|part| weighted(part, &["gzip", "deflate", "br", "identity"]));
    if !encodings.is_empty() {
        kept.push(("Accept-Encoding", encodings));
    }
    for (name, sent) in [
        ("if-none-match", "If-None-Match"),
        ("if-modified-since", "If-Modified-Since"),
        ("range", "Range"),
    ] {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" ,:=\"/-_+.".contains(&byte);
        let value = headers.only(name).ok().flatten();
        let value = value.filter(|value| value.len() <= 128 && value.bytes().all(plain));
        kept.extend(value.map(|value| (sent, value.to_owned())));
    }
    kept
}

/// `kind` or `kind;q=0.5`, of a known kind.
fn weighted(part: &str, known: &[&str]) -> bool {
    let (kind, weight) =
        part.split_once(';').map_or((part, ""), |(kind, weight)| (kind.trim(), weight.trim()));
    let plain = weight.is_empty()
        || weight.strip_prefix("q=").is_some_and(|digits| {
            digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        });
    plain && known.contains(&kind)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(headers: &str) -> String {
        let head = format!("GET / HTTP/1.1\r\n{headers}\r\n");
        let head = RequestHead::parse(head.as_bytes()).unwrap();
        let kept = reading_headers(&head.headers);
        kept.into_iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
    }

    #[test]
    fn credentials_never_leave() {
        let sent = kept(
            "Authorization: Bearer t0ken\r\nCookie: s=t0ken\r\nX-Api-Key: t0ken\r\nnpm-auth-type: t0ken\r\n\
             Proxy-Authorization: Basic t0ken\r\nUser-Agent: t0ken\r\nReferer: t0ken\r\nAccept: t0ken\r\n\
             Accept-Encoding: t0ken\r\nIf-None-Match: \u{1f}t0ken\r\n"
                .replace('\u{1f}', "$").as_str(),
        );
        assert!(!sent.contains("t0ken"), "{sent}");
        assert_eq!(sent, "Accept: */*\n");
    }

    #[test]
    fn what_says_how_to_read_is_kept() {
        let sent = kept(
            "Accept: application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*, x/y\r\n\
             Accept-Encoding: gzip, br, zstd\r\nIf-None-Match: \"abc-1\"\r\nRange: bytes=0-99\r\n",
        );
        assert!(sent.contains(
            "Accept: application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*\n"
        ));
        assert!(sent.contains("Accept-Encoding: gzip, br\n"));
        assert!(sent.contains("If-None-Match: \"abc-1\"\nRange: bytes=0-99\n"));
    }
}
