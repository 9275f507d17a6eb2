//! One client's connection: which protocol it speaks, which host it asks for,
//! whether that is open, and who carries it.

use std::sync::Arc;
use std::time::Duration;

use rustls::{ServerConnection, StreamOwned};

use super::allow::{HTTP, HTTPS, OpenHosts};
use super::authority::Authority;
use super::fetcher::{Fetcher, tell};
use super::head::{HEAD_BYTES_MAX, RequestHead};
use super::hello::{self, Hello};
use super::host::parse_authority;
use super::outside::Outside;
use super::record::{Entry, Via};
use super::registry::{self, Kind, Registry};
use super::stream::{Socket, Stream, read_head};
use super::{HostName, Refusal, plain, socks, tunnel};

/// For a request to be whole.
const REQUEST_MAX: Duration = Duration::from_secs(20);
/// For the TLS hello, and for the handshake with the fetcher.
const HELLO_MAX: Duration = Duration::from_secs(20);
/// For sending on what was read.
const SEND_MAX: Duration = Duration::from_secs(30);

/// What all connections of one command share.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) open: OpenHosts,
    pub(crate) outside: Outside,
    pub(crate) authority: Arc<Authority>,
}

/// How the client is told that its tunnel stands, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Connect,
    Socks,
}

/// Serves the connection to its end and notes what came of it.
pub(crate) fn serve(rules: &Rules, entry: &Arc<Entry>, socket: Socket) {
    entry.owns(&socket);
    let mut client = Stream::new(socket, REQUEST_MAX);
    let refusal = converse(rules, entry, &mut client).err();
    // What closed the hosts is why, whatever broke off for it.
    if let Some(refusal) = rules.outside.closed().or(refusal) {
        entry.refused(&refusal);
    }
    // The client sees the end at once, whatever keeping it takes.
    entry.end_sockets();
    drop(client);
    entry.ended(rules.outside.witness());
}

fn converse(rules: &Rules, entry: &Arc<Entry>, client: &mut Stream) -> Result<(), Refusal> {
    let mut first = [0];
    client.read_exactly(&mut first)?;
    client.give_back(first.to_vec());
    match first[0] {
        5 => by_socks(rules, entry, client),
        4 => {
            entry.carried(Via::Socks);
            Err(Refusal::Socks("only version 5 is spoken"))
        }
        _ => by_http(rules, entry, client),
    }
}

fn by_socks(rules: &Rules, entry: &Arc<Entry>, client: &mut Stream) -> Result<(), Refusal> {
    entry.carried(Via::Socks);
    let mut note = |host: &str, port| entry.asked(Via::Socks, host, port);
    match socks::request(client, &mut note) {
        Ok((host, port)) => tunnel_to(rules, entry, client, &host, port, Asked::Socks),
        Err(refusal) => {
            socks::refuse(client, &refusal);
            Err(refusal)
        }
    }
}

fn by_http(rules: &Rules, entry: &Arc<Entry>, client: &mut Stream) -> Result<(), Refusal> {
    let mut rest = Vec::new();
    let head = read_head(client, &mut rest, HEAD_BYTES_MAX)
        .and_then(|head| RequestHead::parse(&head))
        .inspect_err(|refusal| tell(client, refusal))?;
    if head.method == "CONNECT" {
        entry.asked(Via::Connect, &head.target, 0);
        let (host, port) = connect_target(&head).inspect_err(|refusal| tell(client, refusal))?;
        client.give_back(rest);
        return tunnel_to(rules, entry, client, &host, port, Asked::Connect);
    }
    entry.asked(Via::Http, &head.target, 0);
    let (host, port, path) =
        plain::addressed(&head).inspect_err(|refusal| tell(client, refusal))?;
    entry.asked(Via::Http, host.as_str(), port);
    let carried = match on_plain_port(rules, &host, port) {
        Ok(Some(registry)) => {
            entry.carried(Via::Registry);
            return fetcher(rules, entry, registry, &host).serve(client, Some(head), rest);
        }
        Ok(None) => forward(rules, entry, client, rest, &head, &host, &path),
        Err(refusal) => Err(refusal),
    };
    carried.inspect_err(|refusal| tell(client, refusal))
}

fn connect_target(head: &RequestHead) -> Result<(HostName, u16), Refusal> {
    let (host, port) = parse_authority(&head.target, None)?;
    if let Some(named) = head.headers.only("host")?
        && parse_authority(named, Some(port))? != (host.clone(), port)
    {
        return Err(Refusal::Malformed("its Host header names another host"));
    }
    Ok((host, port))
}

/// Whether plain HTTP may go to `host`, and the registry if it is one's. A
/// registry is read over TLS whatever the client speaks.
fn on_plain_port(
    rules: &Rules,
    host: &HostName,
    port: u16,
) -> Result<Option<&'static Registry>, Refusal> {
    match allowed(rules, host, HTTPS)? {
        Some(registry) if port == HTTP => Ok(Some(registry)),
        None if port == HTTP => rules.open.check(host, port).map(|()| None),
        _ => Err(Refusal::PortNotOpen(port)),
    }
}

/// Whether the host is open; the registry if it is one's.
fn allowed(
    rules: &Rules,
    host: &HostName,
    port: u16,
) -> Result<Option<&'static Registry>, Refusal> {
    if !rules.open.names(host) {
        return Err(Refusal::HostNotOpen(host.to_string()));
    }
    match registry::kind(host) {
        Kind::Writes => Err(Refusal::RegistryWrite("an upload".to_owned())),
        Kind::Registry(registry) if matches!(port, HTTP | HTTPS) => Ok(Some(registry)),
        Kind::Registry(_) => Err(Refusal::PortNotOpen(port)),
        Kind::Other => rules.open.check(host, port).map(|()| None),
    }
}

fn fetcher<'a>(
    rules: &'a Rules,
    entry: &'a Arc<Entry>,
    registry: &'static Registry,
    host: &HostName,
) -> Fetcher<'a> {
    Fetcher { registry, host: host.clone(), outside: &rules.outside, entry }
}

fn tunnel_to(
    rules: &Rules,
    entry: &Arc<Entry>,
    client: &mut Stream,
    host: &HostName,
    port: u16,
    asked: Asked,
) -> Result<(), Refusal> {
    let via = if asked == Asked::Socks { Via::Socks } else { Via::Connect };
    entry.asked(via, host.as_str(), port);
    let registry =
        allowed(rules, host, port).inspect_err(|refusal| deny(client, asked, refusal))?;
    if let Some(registry) = registry {
        entry.carried(Via::Registry);
        grant(client, asked)?;
        let fetcher = fetcher(rules, entry, registry, host);
        return match port {
            HTTPS => terminate(rules, client, &fetcher, host),
            _ => fetcher.serve(client, None, Vec::new()),
        };
    }
    if port == HTTP {
        grant(client, asked)?;
        return plain_in_tunnel(rules, entry, client, host);
    }
    let mut upstream = rules
        .outside
        .connect(host, port, &entry.counters, SEND_MAX)
        .inspect_err(|refusal| deny(client, asked, refusal))?;
    entry.owns(upstream.socket());
    grant(client, asked)?;
    let hello = checked_hello(client, host)?;
    upstream.write_all(&hello)?;
    tunnel::carry(client, &mut upstream);
    Ok(())
}

fn grant(client: &mut Stream, asked: Asked) -> Result<(), Refusal> {
    match asked {
        Asked::Connect => client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n"),
        Asked::Socks => socks::grant(client),
    }
}

fn deny(client: &mut Stream, asked: Asked, refusal: &Refusal) {
    match asked {
        Asked::Connect => tell(client, refusal),
        Asked::Socks => socks::refuse(client, refusal),
    }
}

/// Reads the first bytes until they are a TLS hello for `host`; returns them,
/// and whatever came with them.
fn checked_hello(client: &mut Stream, host: &HostName) -> Result<Vec<u8>, Refusal> {
    client.within(HELLO_MAX);
    let mut bytes = Vec::new();
    loop {
        let mut block = [0; 4096];
        let count = std::io::Read::read(client, &mut block)?;
        if count == 0 {
            return Err(Refusal::BrokeOff);
        }
        bytes.extend_from_slice(&block[..count]);
        if let Hello::For(named) = hello::read(&bytes)? {
            if named != *host {
                let (named, asked) = (named.to_string(), host.to_string());
                return Err(Refusal::OtherServerName { named, asked });
            }
            return Ok(bytes);
        }
    }
}

/// Ends the client's TLS here, for a registry.
fn terminate(
    rules: &Rules,
    client: &mut Stream,
    fetcher: &Fetcher<'_>,
    host: &HostName,
) -> Result<(), Refusal> {
    let hello = checked_hello(client, host)?;
    client.give_back(hello);
    client.within(HELLO_MAX);
    let broken = |cause: String| Refusal::Unreachable { host: host.to_string(), cause };
    let config = rules.authority.server(host).map_err(broken)?;
    let connection = ServerConnection::new(config).map_err(|error| broken(error.to_string()))?;
    // The client's own deadline goes on with the socket.
    let socket = client.socket().try_clone()?;
    let mut own = Stream::new(socket, HELLO_MAX);
    own.give_back(client.take_ahead());
    let mut stream = StreamOwned::new(connection, own);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidData => broken(format!("with the client: {error}")),
            _ => error.into(),
        })?;
    }
    let served = fetcher.serve(&mut stream, None, Vec::new());
    stream.conn.send_close_notify();
    let _ = stream.conn.write_tls(&mut stream.sock);
    served
}

/// Plain HTTP inside a tunnel to port 80: one request, as on the proxy itself.
fn plain_in_tunnel(
    rules: &Rules,
    entry: &Arc<Entry>,
    client: &mut Stream,
    host: &HostName,
) -> Result<(), Refusal> {
    client.within(REQUEST_MAX);
    let mut rest = Vec::new();
    let head = RequestHead::parse(&read_head(client, &mut rest, HEAD_BYTES_MAX)?)?;
    let carried = plain::addressed_on(&head, host, HTTP)
        .and_then(|path| forward(rules, entry, client, rest, &head, host, &path));
    carried.inspect_err(|refusal| tell(client, refusal))
}

fn forward(
    rules: &Rules,
    entry: &Arc<Entry>,
    client: &mut Stream,
    rest: Vec<u8>,
    head: &RequestHead,
    host: &HostName,
    path: &str,
) -> Result<(), Refusal> {
    let mut upstream = rules.outside.connect(host, HTTP, &entry.counters, SEND_MAX)?;
    entry.owns(upstream.socket());
    entry.request();
    plain::exchange(client, rest, &mut upstream, head, host, path)
}
