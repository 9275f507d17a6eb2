//! Plain HTTP to a host that is listed with port 80: one request a connection,
//! its host the one that was checked, never an upgrade to something else.

use std::io::Write as _;
use std::time::Duration;

use super::body::{Body, Framing, carry_on};
use super::fetcher::final_answer;
use super::head::{RequestBody, RequestHead};
use super::host::parse_authority;
use super::stream::Stream;
use super::{HostName, Refusal};

/// For the next block of a request's body.
const BLOCK_MAX: Duration = Duration::from_secs(60);

/// Headers that mean the connection to the proxy, or would turn it into
/// something other than HTTP.
const NOT_PASSED: &[&str] = &[
    "host",
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
    "content-length",
    "expect",
];

/// The host, port and path that a proxy request names.
///
/// # Errors
/// When it is no `http://` address, or its Host header says otherwise.
pub(crate) fn addressed(head: &RequestHead) -> Result<(HostName, u16, String), Refusal> {
    let rest = match head.target.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
        Some(_) => return Err(Refusal::Malformed("only http:// is carried so; use CONNECT")),
        None => return Err(Refusal::Malformed("this is a proxy: the target names no host")),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (host, port) = parse_authority(authority, Some(80))?;
    same_host(head, &host, port)?;
    Ok((host, port, origin_form(path)?))
}

/// The path a request names on a connection whose host is known.
///
/// # Errors
/// When it names another host.
pub(crate) fn addressed_on(
    head: &RequestHead,
    host: &HostName,
    port: u16,
) -> Result<String, Refusal> {
    if head.target.contains("://") {
        let (named, named_port, path) = addressed(head)?;
        if (&named, named_port) != (host, port) {
            return Err(Refusal::Malformed("another host on the same connection"));
        }
        return Ok(path);
    }
    same_host(head, host, port)?;
    origin_form(&head.target)
}

fn same_host(head: &RequestHead, host: &HostName, port: u16) -> Result<(), Refusal> {
    match head.headers.only("host")? {
        Some(named) if parse_authority(named, Some(80))? != (host.clone(), port) => {
            Err(Refusal::Malformed("its Host header names another host"))
        }
        _ => Ok(()),
    }
}

fn origin_form(path: &str) -> Result<String, Refusal> {
    if path.contains('#') {
        return Err(Refusal::Malformed("a fragment in its target"));
    }
    match path.as_bytes().first() {
        None => Ok("/".to_owned()),
        Some(b'/') => Ok(path.to_owned()),
        Some(b'?') => Ok(format!("/{path}")),
        Some(_) => Err(Refusal::Malformed("its target")),
    }
}

/// Carries one request and its answer.
pub(crate) fn exchange(
    client: &mut Stream,
    mut ahead: Vec<u8>,
    upstream: &mut Stream,
    head: &RequestHead,
    host: &HostName,
    path: &str,
) -> Result<(), Refusal> {
    if matches!(head.method.as_str(), "CONNECT" | "TRACE") {
        return Err(Refusal::Malformed("its method"));
    }
    let body = head.body()?;
    let mut request =
        format!("{} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n", head.method);
    for (name, value) in head.headers.iter().filter(|(name, _)| !NOT_PASSED.contains(name)) {
        // Read byte by byte, so written byte by byte.
        if value.is_ascii() {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    let length = if let RequestBody::Bytes(length) = body { length } else { 0 };
    if length > 0 {
        request.push_str(&format!("Content-Length: {length}\r\n"));
    }
    request.push_str("\r\n");
    upstream.within(BLOCK_MAX);
    upstream.write_all(request.as_bytes())?;
    let mut sent = Body::new(client, &mut ahead, Framing::Length(length));
    loop {
        let piece = sent.next()?;
        if piece.is_empty() {
            break;
        }
        upstream.within(BLOCK_MAX);
        upstream.write_all(&piece)?;
    }
    let mut rest = Vec::new();
    let answer = final_answer(upstream, &mut rest)?;
    let framing = Framing::of(&answer, &head.method)?;
    client.within(BLOCK_MAX);
    client.write_all(super::fetcher::passed_on(&answer, framing, false).as_bytes())?;
    carry_on(Body::new(upstream, &mut rest, framing), client)?;
    Ok(client.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> RequestHead {
        RequestHead::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn target_and_host_header_must_agree() {
        let good = parse("GET http://a.org/x?y HTTP/1.1\r\nHost: A.org:80\r\n\r\n");
        assert_eq!(
            addressed(&good).unwrap(),
            (HostName::parse("a.org").unwrap(), 80, "/x?y".to_owned())
        );
        for text in [
            "GET http://a.org/ HTTP/1.1\r\nHost: evil.org\r\n\r\n",
            "GET http://a.org/ HTTP/1.1\r\nHost: a.org:8080\r\n\r\n",
            "GET http://a.org/ HTTP/1.1\r\nHost: a.org\r\nHost: evil.org\r\n\r\n",
            "GET http://user:pass@a.org/ HTTP/1.1\r\nHost: a.org\r\n\r\n",
            "GET http://a.org@evil.org/ HTTP/1.1\r\n\r\n",
            "GET http://a.org\\@evil.org/ HTTP/1.1\r\n\r\n",
            "GET http://a.org#@evil.org/ HTTP/1.1\r\n\r\n",
            "GET https://a.org/ HTTP/1.1\r\n\r\n",
            "GET ftp://a.org/ HTTP/1.1\r\n\r\n",
            "GET /x HTTP/1.1\r\nHost: a.org\r\n\r\n",
            "GET http:///x HTTP/1.1\r\nHost: a.org\r\n\r\n",
            "GET http://a.org:080/ HTTP/1.1\r\n\r\n",
            "GET http://127.0.0.1/ HTTP/1.1\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: a.org\r\n\r\n",
        ] {
            assert!(addressed(&parse(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_connection_keeps_its_host() {
        let host = HostName::parse("a.org").unwrap();
        let on = |text: &str| addressed_on(&parse(text), &host, 80);
        assert_eq!(on("GET /x HTTP/1.1\r\nHost: a.org\r\n\r\n").unwrap(), "/x");
        assert!(on("GET http://b.org/x HTTP/1.1\r\nHost: b.org\r\n\r\n").is_err());
        assert!(on("GET /x HTTP/1.1\r\nHost: b.org\r\n\r\n").is_err());
    }
}
