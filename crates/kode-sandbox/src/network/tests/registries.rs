//! Registries: packages come, nothing goes.

use std::io::Write as _;

use super::super::Refusal;
use super::super::record::Via;
use super::world::{PUBLIC, World, ok, read_all, read_head};

fn world() -> World {
    let world = World::new();
    world.serve_tls(
        PUBLIC,
        &["registry.npmjs.org", "upload.pypi.org", "files.pythonhosted.org"],
        |head| match head.split(' ').nth(1) {
            Some("/chunked") => {
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n".to_vec()
            }
            Some("/moved") => {
                b"HTTP/1.1 302 Found\r\nLocation: https://169.254.169.254/\r\nContent-Length: 0\r\n\r\n".to_vec()
            }
            _ => ok("package"),
        },
    );
    world
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: registry.npmjs.org\r\nConnection: close\r\n\r\n")
}

#[test]
fn packages_are_read_through_the_fetcher() {
    let world = world();
    let proxy = world.proxy(&["registry.npmjs.org"]);
    let said = proxy.request("registry.npmjs.org", &get("/left-pad"));
    assert!(said.starts_with("HTTP/1.1 200 ") && said.ends_with("package"), "{said}");
    assert!(!said.to_lowercase().contains("set-cookie"));
    let said = proxy.request("registry.npmjs.org", &get("/chunked"));
    assert!(said.contains("abc") && said.contains("de") && said.ends_with("0\r\n\r\n"), "{said}");
    let connections = proxy.close();
    assert!(
        connections
            .iter()
            .all(|one| one.via == Via::Registry && one.requests == 1 && one.refusal.is_none())
    );
    assert!(connections.iter().all(|one| one.bytes_received > 0 && one.bytes_sent > 0));
}

#[test]
fn plain_http_to_a_registry_is_read_over_tls() {
    let world = world();
    let proxy = world.proxy(&["registry.npmjs.org"]);
    let said = proxy.say(b"GET http://registry.npmjs.org/left-pad HTTP/1.1\r\nHost: registry.npmjs.org\r\nConnection: close\r\n\r\n");
    assert!(said.ends_with("package"), "{said}");
    assert_eq!(world.dialled.lock().unwrap()[0].port(), 443);
}

#[test]
fn many_requests_go_over_one_connection() {
    let world = world();
    let proxy = world.proxy(&["registry.npmjs.org"]);
    let mut stream =
        proxy.tls(proxy.tunnel("registry.npmjs.org:443").unwrap(), "registry.npmjs.org");
    for _ in 0..5 {
        stream.write_all(b"GET /left-pad HTTP/1.1\r\nHost: registry.npmjs.org\r\n\r\n").unwrap();
        assert!(read_head(&mut stream).starts_with("HTTP/1.1 200"));
        let mut body = [0; 7];
        std::io::Read::read_exact(&mut stream, &mut body).unwrap();
    }
    drop(stream);
    let connections = proxy.close();
    assert_eq!((connections.len(), connections[0].requests), (1, 5));
    assert_eq!(world.dialled.lock().unwrap().len(), 1);
}

#[test]
fn nothing_is_published_whatever_the_way() {
    let world = world();
    for request in [
        "PUT /left-pad HTTP/1.1\r\nHost: registry.npmjs.org\r\nAuthorization: Bearer t0ken\r\nContent-Length: 2\r\n\r\n{}",
        "POST /left-pad HTTP/1.1\r\nHost: registry.npmjs.org\r\nContent-Length: 0\r\n\r\n",
        "DELETE /left-pad/-rev/1 HTTP/1.1\r\nHost: registry.npmjs.org\r\n\r\n",
        "PUT /-/user/org.couchdb.user:x HTTP/1.1\r\nHost: registry.npmjs.org\r\n\r\n",
        "GET /-/user/org.couchdb.user:x HTTP/1.1\r\nHost: registry.npmjs.org\r\n\r\n",
        "GET /-/whoami HTTP/1.1\r\nHost: registry.npmjs.org\r\n\r\n",
        "GET /%2d/whoami HTTP/1.1\r\nHost: registry.npmjs.org\r\n\r\n",
        "GET /a/../-/whoami HTTP/1.1\r\nHost: registry.npmjs.org\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: evil.test\r\n\r\n",
        "GET http://evil.test/x HTTP/1.1\r\nHost: registry.npmjs.org\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: registry.npmjs.org\r\nContent-Length: 44\r\n\r\nPUT /left-pad HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: registry.npmjs.org\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nPUT /left-pad HTTP/1.1\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: registry.npmjs.org\r\nX-HTTP-Method-Override : PUT\r\n\r\n",
        "get /x HTTP/1.1\r\nHost: registry.npmjs.org\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let proxy = world.proxy(&["registry.npmjs.org"]);
        let said = proxy.request("registry.npmjs.org", request);
        assert!(!said.contains("HTTP/1.1 200"), "{request} {said}");
        let connections = proxy.close();
        assert!(connections[0].refusal.is_some(), "{request}");
    }
    assert!(world.asked().is_empty(), "{:?}", world.asked());
}

#[test]
fn a_refused_write_is_told_and_noted() {
    let world = world();
    let proxy = world.proxy(&["registry.npmjs.org"]);
    let said = proxy.request(
        "registry.npmjs.org",
        "POST /left-pad HTTP/1.1\r\nHost: registry.npmjs.org\r\n\r\n",
    );
    assert!(said.starts_with("HTTP/1.1 405 ") && said.contains("can only be read"), "{said}");
    let connections = proxy.close();
    assert_eq!(connections[0].refusal, Some(Refusal::RegistryWrite("POST".to_owned())));
    assert_eq!(connections[0].requests, 0);
}

#[test]
fn override_headers_and_credentials_stay_inside() {
    let world = world();
    let proxy = world.proxy(&["registry.npmjs.org"]);
    proxy.request(
        "registry.npmjs.org",
        "GET /x?token=t0ken HTTP/1.1\r\nHost: registry.npmjs.org\r\nAuthorization: Bearer t0ken\r\nCookie: t0ken\r\n\
         X-HTTP-Method-Override: PUT\r\nX-Method-Override: PUT\r\nUser-Agent: t0ken\r\nConnection: close\r\n\r\n",
    );
    let asked = world.asked();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].starts_with("GET /x HTTP/1.1\r\nHost: registry.npmjs.org\r\n"), "{asked:?}");
    assert!(
        !asked[0].contains("t0ken") && !asked[0].to_lowercase().contains("override"),
        "{asked:?}"
    );
}

#[test]
fn hosts_that_only_publish_are_never_reached() {
    let world = world();
    let proxy = world.proxy(&["upload.pypi.org", "*.pypi.org"]);
    assert!(proxy.tunnel("upload.pypi.org:443").unwrap_err().starts_with("HTTP/1.1 405"));
    assert!(matches!(proxy.close()[0].refusal, Some(Refusal::RegistryWrite(_))));
    assert!(world.dialled.lock().unwrap().is_empty());
}

#[test]
fn a_registry_that_is_not_open_stays_shut() {
    let world = world();
    let proxy = world.proxy(&["files.pythonhosted.org"]);
    assert!(proxy.tunnel("registry.npmjs.org:443").is_err());
    assert!(
        proxy.say(b"GET http://registry.npmjs.org/x HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 403")
    );
    assert!(proxy.close().iter().all(|one| matches!(one.refusal, Some(Refusal::HostNotOpen(_)))));
}

#[test]
fn a_registrys_redirect_is_the_clients_to_follow() {
    let world = world();
    let proxy = world.proxy(&["registry.npmjs.org"]);
    let said = proxy.request("registry.npmjs.org", &get("/moved"));
    assert!(said.starts_with("HTTP/1.1 302 "), "{said}");
    assert!(proxy.tunnel("169.254.169.254:443").is_err());
    let connections = proxy.close();
    assert_eq!(connections[1].refusal, Some(Refusal::AddressLiteral));
    assert_eq!(world.dialled.lock().unwrap().len(), 1);
}

#[test]
fn the_fetcher_asks_for_the_hosts_own_certificate() {
    let world = world();
    // Another server stands at the registry's address.
    world.serve_tls("93.184.216.40", &["evil.test"], |_| ok("evil"));
    world.name("registry.npmjs.org", &[&["93.184.216.40"]]);
    let proxy = world.proxy(&["registry.npmjs.org"]);
    let said = proxy.request("registry.npmjs.org", &get("/left-pad"));
    assert!(said.starts_with("HTTP/1.1 502 "), "{said}");
    assert!(matches!(proxy.close()[0].refusal, Some(Refusal::Unreachable { .. })));
    assert!(world.asked().is_empty());
}

#[test]
fn the_hello_to_the_fetcher_is_checked_too() {
    let world = world();
    let proxy = world.proxy(&["registry.npmjs.org"]);
    let mut stream =
        proxy.tls(proxy.tunnel("registry.npmjs.org:443").unwrap(), "files.pythonhosted.org");
    let _ = stream.write_all(b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(read_all(&mut stream), "");
    assert!(matches!(proxy.close()[0].refusal, Some(Refusal::OtherServerName { .. })));
}
