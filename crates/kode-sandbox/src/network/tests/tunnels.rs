//! Tunnels and plain requests: what is reached, what is refused, what is noted.

use std::io::{self, Read as _, Write as _};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kode_base::AuditSequence;

use super::super::record::Via;
use super::super::{Connection, Departure, Refusal, Sighting, Witness};
use super::world::{PUBLIC, World, ok, read_all, read_head};

fn only(connections: Vec<Connection>) -> Connection {
    assert_eq!(connections.len(), 1, "{connections:?}");
    connections.into_iter().next().unwrap()
}

fn refusal(connections: Vec<Connection>) -> Refusal {
    only(connections).refusal.expect("it was refused")
}

fn world() -> World {
    let world = World::new();
    world.serve_tls(PUBLIC, &["allowed.test", "denied.test"], |_| ok("hello"));
    world
}

#[test]
fn an_open_host_is_reached_and_its_bytes_counted() {
    let world = world();
    let proxy = world.proxy(&["allowed.test"]);
    let mut stream = proxy.tls(proxy.tunnel("Allowed.Test.:443").unwrap(), "allowed.test");
    stream.write_all(b"GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n").unwrap();
    assert!(read_head(&mut stream).starts_with("HTTP/1.1 200 OK"));
    drop(stream);
    let connection = only(proxy.close());
    assert_eq!(
        (connection.via, connection.host.as_str(), connection.port),
        (Via::Connect, "allowed.test", 443)
    );
    assert_eq!(connection.refusal, None);
    assert!(connection.bytes_sent > 200 && connection.bytes_received > 200, "{connection:?}");
    assert_eq!(world.dialled.lock().unwrap()[0].to_string(), format!("{PUBLIC}:443"));
}

/// The witness may look at the world: nothing was dialled when it is told.
#[test]
fn a_connection_is_kept_before_anything_leaves() {
    let world = world();
    let (kept, dialled) = (Arc::new(Mutex::new(Vec::new())), Arc::clone(&world.dialled));
    let seen = Arc::clone(&kept);
    let witness = Witness::new(move |sighting: Sighting| {
        let Sighting::Departs(departure) = sighting else { return Ok(()) };
        let before = dialled.lock().unwrap().len();
        seen.lock().unwrap().push((departure, before));
        Ok(())
    });
    let outside = world.outside().seen_by(Some(witness.of(AuditSequence(7))));
    let proxy = world.proxy_over(&["allowed.test"], outside);
    assert!(
        proxy
            .request(
                "allowed.test",
                "GET / HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n\r\n"
            )
            .contains("hello")
    );
    assert!(proxy.tunnel("denied.test:443").is_err());
    let departure =
        Departure { intent: AuditSequence(7), host: "allowed.test".to_owned(), port: 443 };
    assert_eq!(*kept.lock().unwrap(), [(departure, 0)]);
}

/// What is killed before the command ends has told of every connection that
/// ended before, and tells of none twice.
#[test]
fn the_end_of_a_connection_is_kept_while_the_command_runs() {
    let world = world();
    let kept = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&kept);
    let witness = Witness::new(move |sighting: Sighting| {
        if let Sighting::Ended(intent, connection) = sighting {
            seen.lock().unwrap().push((intent, connection));
        }
        Ok(())
    });
    let proxy = world
        .proxy_over(&["allowed.test"], world.outside().seen_by(Some(witness.of(AuditSequence(7)))));
    let request = "GET / HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n\r\n";
    assert!(proxy.request("allowed.test", request).contains("hello"));
    assert!(proxy.tunnel("denied.test:443").is_err());
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while kept.lock().unwrap().len() < 2 && std::time::Instant::now() < until {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let lasting = proxy.tunnel("allowed.test:443").unwrap();
    let told = proxy.close();
    drop(lasting);
    let kept = kept.lock().unwrap().clone();
    assert!(kept.iter().all(|(intent, _)| *intent == AuditSequence(7)));
    let carried = kept.iter().find(|(_, connection)| connection.refusal.is_none()).unwrap();
    assert!(carried.1.bytes_sent > 100 && carried.1.bytes_received > 100, "{carried:?}");
    let refused = kept.iter().find(|(_, connection)| connection.refusal.is_some()).unwrap();
    assert_eq!(refused.1.host, "denied.test");
    assert_eq!(kept.len(), 2);
    let (before, cut): (Vec<_>, Vec<_>) = told.iter().partition(|connection| connection.is_kept);
    assert_eq!((before.len(), cut.len()), (2, 1), "{told:?}");
}

#[test]
fn what_can_not_be_kept_does_not_leave() {
    let world = world();
    let full = Witness::new(|_| Err(io::Error::from(io::ErrorKind::StorageFull)));
    let outside = world.outside().seen_by(Some(full.of(AuditSequence(1))));
    let proxy = world.proxy_over(&["allowed.test"], outside);
    assert!(proxy.tunnel("allowed.test:443").unwrap_err().starts_with("HTTP/1.1 403 "));
    assert!(matches!(refusal(proxy.close()), Refusal::NotKept(_)));
    assert!(world.dialled.lock().unwrap().is_empty() && world.asked().is_empty());
}

#[test]
fn a_host_that_is_not_open_is_not_even_resolved() {
    let world = world();
    for host in ["denied.test", "allowed.test.denied.test", "xallowed.test", "sub.allowed.test"] {
        let proxy = world.proxy(&["allowed.test"]);
        let said = proxy.say(format!("CONNECT {host}:443 HTTP/1.1\r\n\r\n").as_bytes());
        assert!(
            said.starts_with("HTTP/1.1 403 ") && said.contains("is not open for this command"),
            "{said}"
        );
        assert_eq!(refusal(proxy.close()), Refusal::HostNotOpen(host.to_owned()));
    }
    assert_eq!(world.resolved.load(Ordering::Relaxed), 0);
}

#[test]
fn no_spelling_of_an_address_is_carried() {
    let world = world();
    for target in [
        "127.0.0.1:443",
        "127.1:443",
        "2130706433:443",
        "0x7f000001:443",
        "0177.0.0.1:443",
        "[::1]:443",
        "[::ffff:127.0.0.1]:443",
        "127.0.0.1.:443",
        "169.254.169.254:443",
        "127%2e0%2e0%2e1:443",
    ] {
        let proxy = world.proxy(&["allowed.test"]);
        assert!(proxy.tunnel(target).is_err(), "{target}");
        let refusal = refusal(proxy.close());
        assert!(
            matches!(refusal, Refusal::AddressLiteral | Refusal::BadName(_)),
            "{target} {refusal:?}"
        );
    }
    for url in [
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://0x7f.1/",
        "http://169.254.169.254/latest/meta-data",
    ] {
        let proxy = world.proxy(&["allowed.test:80"]);
        assert!(
            !proxy.say(format!("GET {url} HTTP/1.1\r\n\r\n").as_bytes()).contains(" 200 "),
            "{url}"
        );
        assert_eq!(refusal(proxy.close()), Refusal::AddressLiteral);
    }
}

#[test]
fn other_ports_are_closed_in_every_form() {
    let world = world();
    for port in ["22", "80", "8443", "25", "65535"] {
        let proxy = world.proxy(&["allowed.test"]);
        assert!(proxy.tunnel(&format!("allowed.test:{port}")).is_err());
        assert_eq!(refusal(proxy.close()), Refusal::PortNotOpen(port.parse().unwrap()));
    }
    for target in [
        "allowed.test:0443",
        "allowed.test:+443",
        "allowed.test: 443",
        "allowed.test:443:22",
        "allowed.test",
        "allowed.test:",
        "allowed.test:70000",
        "allowed.test:4 43",
    ] {
        let proxy = world.proxy(&["allowed.test"]);
        assert!(proxy.tunnel(target).is_err(), "{target}");
        assert!(only(proxy.close()).refusal.is_some());
    }
    assert_eq!(world.resolved.load(Ordering::Relaxed), 0);
}

#[test]
fn the_hello_must_name_the_host_that_was_asked_for() {
    let world = world();
    let proxy = world.proxy(&["allowed.test"]);
    let mut stream = proxy.tls(proxy.tunnel("allowed.test:443").unwrap(), "denied.test");
    assert!(
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").and_then(|()| stream.read(&mut [0])).is_err()
    );
    let (named, asked) = ("denied.test".to_owned(), "allowed.test".to_owned());
    assert_eq!(refusal(proxy.close()), Refusal::OtherServerName { named, asked });
    // rustls sends no name for an address.
    let proxy = world.proxy(&["allowed.test"]);
    let mut stream = proxy.tls(proxy.tunnel("allowed.test:443").unwrap(), "10.0.0.1");
    assert!(stream.write_all(b"x").and_then(|()| stream.read(&mut [0])).is_err());
    assert_eq!(refusal(proxy.close()), Refusal::NoServerName);
    assert!(world.asked().is_empty());
}

#[test]
fn a_tunnel_carries_tls_and_nothing_else() {
    let world = world();
    for bytes in [
        &b"SSH-2.0-OpenSSH_9\r\n"[..],
        b"GET / HTTP/1.1\r\n\r\n",
        b"CONNECT denied.test:443 HTTP/1.1\r\n\r\n",
        b"\x05\x01\x00",
    ] {
        let proxy = world.proxy(&["allowed.test"]);
        let mut socket = proxy.tunnel("allowed.test:443").unwrap();
        socket.write_all(bytes).unwrap();
        assert_eq!(read_all(&mut socket), "");
        assert!(matches!(refusal(proxy.close()), Refusal::NotTls(_)));
    }
    // The same, sent together with the request.
    let proxy = world.proxy(&["allowed.test"]);
    let said = proxy
        .say(b"CONNECT allowed.test:443 HTTP/1.1\r\n\r\nCONNECT denied.test:443 HTTP/1.1\r\n\r\n");
    assert_eq!(said.matches("HTTP/1.1").count(), 1, "{said}");
    assert!(matches!(refusal(proxy.close()), Refusal::NotTls(_)));
}

#[test]
fn a_hello_in_many_small_pieces_is_still_read() {
    let world = world();
    let proxy = world.proxy(&["allowed.test"]);
    let socket = proxy.tunnel("allowed.test:443").unwrap();
    socket.set_nodelay(true).unwrap();
    let mut client = proxy.tls(socket, "allowed.test");
    let mut hello = Vec::new();
    client.conn.write_tls(&mut hello).unwrap();
    for piece in hello.chunks(7) {
        client.sock.write_all(piece).unwrap();
        std::thread::sleep(Duration::from_micros(300));
    }
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(read_head(&mut client).contains("200 OK"));
    drop(client);
    assert_eq!(only(proxy.close()).refusal, None);
}

#[test]
fn a_name_that_leads_inside_is_refused_whatever_else_it_leads_to() {
    let world = world();
    for (name, addresses) in [
        ("loop.test", vec!["127.0.0.1"]),
        ("mixed.test", vec![PUBLIC, "10.0.0.5"]),
        ("metadata.test", vec!["169.254.169.254"]),
        ("mapped.test", vec!["::ffff:127.0.0.1"]),
        ("nat64.test", vec!["64:ff9b::7f00:1"]),
        ("carrier.test", vec!["100.64.0.1"]),
        ("zero.test", vec!["0.0.0.0"]),
    ] {
        world.name(name, &[&addresses]);
        let proxy = world.proxy(&[name]);
        assert!(proxy.tunnel(&format!("{name}:443")).unwrap_err().starts_with("HTTP/1.1 403"));
        assert!(matches!(refusal(proxy.close()), Refusal::NotPublic { .. }), "{name}");
    }
    assert!(world.dialled.lock().unwrap().is_empty());
}

#[test]
fn a_rebinding_name_is_refused_and_the_checked_address_used() {
    let world = World::new();
    world.serve_tls(PUBLIC, &["first.test"], |_| ok("public"));
    // Public when checked, private when asked again: it is not asked again.
    world.name("first.test", &[&[PUBLIC], &["127.0.0.1"]]);
    let proxy = world.proxy(&["first.test"]);
    let mut stream = proxy.tls(proxy.tunnel("first.test:443").unwrap(), "first.test");
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(read_head(&mut stream).contains("200"));
    drop(stream);
    assert_eq!(world.resolved.load(Ordering::Relaxed), 1);
    assert!(proxy.tunnel("first.test:443").is_err());
    let connections = proxy.close();
    assert_eq!(connections[0].refusal, None);
    assert!(matches!(&connections[1].refusal, Some(Refusal::NotPublic { .. })));
    assert!(world.dialled.lock().unwrap().iter().all(|address| address.ip().to_string() == PUBLIC));
}

#[test]
fn plain_http_is_carried_only_to_hosts_listed_with_port_80() {
    let world = World::new();
    world.serve_plain(PUBLIC, "plain.test", |head| match head.starts_with("GET /away") {
        true => b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n".to_vec(),
        false => ok("plain"),
    });
    let proxy = world.proxy(&["plain.test"]);
    assert!(
        proxy
            .say(b"GET http://plain.test/ HTTP/1.1\r\nHost: plain.test\r\n\r\n")
            .starts_with("HTTP/1.1 403")
    );
    assert_eq!(refusal(proxy.close()), Refusal::PortNotOpen(80));
    let proxy = world.proxy(&["plain.test:80"]);
    let said = proxy.say(b"GET http://plain.test/ HTTP/1.1\r\nHost: plain.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nProxy-Authorization: x\r\nX-A: b\r\n\r\n");
    assert!(said.contains("200") && said.ends_with("plain"), "{said}");
    let asked = world.asked().remove(0).to_lowercase();
    assert!(
        asked.contains("x-a: b") && !asked.contains("upgrade") && !asked.contains("proxy-"),
        "{asked}"
    );
    // The redirect comes back, and following it does not lead anywhere.
    let said = proxy.say(b"GET http://plain.test/away HTTP/1.1\r\nHost: plain.test\r\n\r\n");
    assert!(said.contains("302") && said.contains("169.254.169.254"), "{said}");
    assert!(
        proxy
            .say(b"GET http://169.254.169.254/latest HTTP/1.1\r\n\r\n")
            .starts_with("HTTP/1.1 403")
    );
    let connections = proxy.close();
    assert_eq!(connections.len(), 3);
    assert_eq!(connections[2].refusal, Some(Refusal::AddressLiteral));
    assert_eq!(world.dialled.lock().unwrap().len(), 2);
}

#[test]
fn requests_that_say_two_things_are_refused() {
    let world = World::new();
    world.serve_plain(PUBLIC, "plain.test", |_| ok("plain"));
    for request in [
        "GET http://plain.test/ HTTP/1.1\r\nHost: denied.test\r\n\r\n",
        "GET http://plain.test/ HTTP/1.1\r\nHost: plain.test\r\nHost: denied.test\r\n\r\n",
        "GET http://plain.test@denied.test/ HTTP/1.1\r\n\r\n",
        "GET http://user:pass@plain.test/ HTTP/1.1\r\n\r\n",
        "POST http://plain.test/ HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
        "POST http://plain.test/ HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
        "GET http://plain.test/\u{b} HTTP/1.1\r\n\r\n",
        "GET http://plain.test/ HTTP/1.1\r\nX: a\rHost: denied.test\r\n\r\n",
        "GET http://plain.test/ HTTP/1.1\nHost: denied.test\n\r\n\r\n",
        "CONNECT plain.test:80 HTTP/1.1\r\nHost: denied.test:80\r\n\r\n",
        "CONNECT http://plain.test:80 HTTP/1.1\r\n\r\n",
        "GET gopher://plain.test/ HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: plain.test\r\n\r\n",
        "GET http://plain.test:22/ HTTP/1.1\r\n\r\n",
        "GET http://plain.test:443/ HTTP/1.1\r\n\r\n",
    ] {
        let proxy = world.proxy(&["plain.test:80"]);
        let said = proxy.say(request.as_bytes());
        assert!(said.starts_with("HTTP/1.1 4"), "{request:?} {said}");
        assert!(only(proxy.close()).refusal.is_some());
    }
    assert!(world.asked().is_empty(), "{:?}", world.asked());
}

#[test]
fn a_head_that_does_not_end_is_cut() {
    let world = world();
    let proxy = world.proxy(&["allowed.test"]);
    let long = format!("GET http://allowed.test/ HTTP/1.1\r\nX: {}", "a".repeat(64 * 1024));
    let mut socket = proxy.connect();
    let _ = socket.write_all(long.as_bytes());
    read_all(&mut socket);
    drop(socket);
    assert!(matches!(refusal(proxy.close()), Refusal::Malformed(_)));
}

fn socks(kind: u8, address: &[u8], port: u16, command: u8) -> Vec<u8> {
    let mut bytes = vec![5, 1, 0, 5, command, 0, kind];
    if kind == 3 {
        bytes.push(u8::try_from(address.len()).unwrap());
    }
    bytes.extend(address);
    bytes.extend(port.to_be_bytes());
    bytes
}

#[test]
fn socks_takes_names_and_nothing_else() {
    let world = world();
    for (bytes, code) in [
        (socks(1, &[127, 0, 0, 1], 443, 1), 8),
        (socks(4, &[0; 16], 443, 1), 8),
        (socks(3, b"127.0.0.1", 443, 1), 8),
        (socks(3, b"allowed.test\0.denied.test", 443, 1), 8),
        (socks(3, b"allowed.test\0", 443, 1), 8),
        (socks(3, b"", 443, 1), 8),
        (socks(3, "\u{430}llowed.test".as_bytes(), 443, 1), 8),
        (socks(3, b"denied.test", 443, 1), 2),
        (socks(3, b"allowed.test", 22, 1), 2),
        (socks(3, b"allowed.test", 0, 1), 2),
        (socks(3, b"allowed.test", 443, 2), 7),
        (socks(3, b"allowed.test", 443, 3), 7),
        (socks(9, b"allowed.test", 443, 1), 7),
    ] {
        let proxy = world.proxy(&["allowed.test"]);
        let mut socket = proxy.connect();
        socket.write_all(&bytes).unwrap();
        let mut answer = [0; 4];
        socket.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [5, 0, 5, code], "{bytes:?}");
        drop(socket);
        let connection = only(proxy.close());
        assert!(connection.refusal.is_some() && connection.via == Via::Socks, "{connection:?}");
        // What was asked for is on record, whatever it was.
        let named = bytes.len() > 12 && code != 7;
        assert_eq!(!connection.host.is_empty(), named, "{bytes:?} {connection:?}");
    }
    let proxy = world.proxy(&["allowed.test"]);
    let mut socket = proxy.connect();
    socket.write_all(&socks(3, b"allowed.test\0.denied.test", 443, 1)).unwrap();
    socket.read_exact(&mut [0; 12]).unwrap();
    let connection = only(proxy.close());
    assert_eq!((connection.host.contains("denied.test"), connection.port), (true, 443));
    assert!(!connection.host.contains('\0'), "{connection:?}");
    for bytes in [&b"\x04\x01\x01\xbb\x7f\x00\x00\x01\x00"[..], b"\x05\x01\x02"] {
        let proxy = world.proxy(&["allowed.test"]);
        proxy.say(bytes);
        assert!(matches!(refusal(proxy.close()), Refusal::Socks(_)));
    }
    assert_eq!(world.resolved.load(Ordering::Relaxed), 0);
}

#[test]
fn socks_reaches_an_open_host_under_the_same_checks() {
    let world = world();
    let proxy = world.proxy(&["allowed.test"]);
    let mut socket = proxy.connect();
    socket.write_all(&socks(3, b"ALLOWED.test", 443, 1)).unwrap();
    socket.read_exact(&mut [0; 12]).unwrap();
    let mut stream = proxy.tls(socket, "allowed.test");
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(read_head(&mut stream).contains("200 OK"));
    drop(stream);
    let mut socket = proxy.connect();
    socket.write_all(&socks(3, b"allowed.test", 443, 1)).unwrap();
    socket.read_exact(&mut [0; 12]).unwrap();
    let mut stream = proxy.tls(socket, "denied.test");
    assert!(stream.write_all(b"x").and_then(|()| stream.read(&mut [0])).is_err());
    let connections = proxy.close();
    assert_eq!(connections[0].refusal, None);
    assert!(matches!(connections[1].refusal, Some(Refusal::OtherServerName { .. })));
}

#[test]
fn closing_the_proxy_cuts_what_it_carries() {
    let world = world();
    let proxy = world.proxy(&["allowed.test"]);
    let mut stream = proxy.tls(proxy.tunnel("allowed.test:443").unwrap(), "allowed.test");
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(read_head(&mut stream).contains("200 OK"));
    let port = proxy.port;
    let connection = only(proxy.close());
    assert!(connection.bytes_received > 0);
    let mut rest = Vec::new();
    let _ = stream.sock.read_to_end(&mut rest);
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn connections_at_once_are_bounded() {
    let world = world();
    let proxy = world.proxy(&["allowed.test"]);
    let idle: Vec<_> = (0..140).map(|_| proxy.connect()).collect();
    std::thread::sleep(Duration::from_millis(300));
    let connections = proxy.close();
    drop(idle);
    let refused = connections.iter().filter(|one| one.refusal == Some(Refusal::TooMany)).count();
    assert_eq!(connections.len(), 140);
    assert_eq!(refused, 12);
}
