//! `web_fetch`: one page, from a public address, if its host is open.

use kode_base::Interrupt;

use super::super::{OpenHosts, Refusal, Via, redirected, web, web_address};
use super::world::{PUBLIC, World, ok};

fn read(world: &World, open: &[&str], url: &str) -> (Result<web::Page, Refusal>, Option<Refusal>) {
    let open = OpenHosts::parse(open).unwrap();
    let address = web_address(url).unwrap();
    let (page, connections) = web::read(&world.outside(), &open, &address, &Interrupt::new());
    assert_eq!(connections.len(), 1);
    assert_eq!(connections[0].via, Via::WebFetch);
    (page, connections[0].refusal.clone())
}

#[test]
fn a_page_of_an_open_host_is_read_without_credentials() {
    let world = World::new();
    world.serve_tls(PUBLIC, &["page.test"], |_| {
        b"HTTP/1.1 200 OK\r\nContent-Type: Text/HTML\r\nContent-Length: 4\r\n\r\n<p>x".to_vec()
    });
    let (page, refusal) = read(&world, &["page.test"], "http://page.test/a?b#c");
    let page = page.unwrap();
    assert_eq!((page.status, refusal, page.cut), (200, None, false));
    assert_eq!(page.body.expose(), b"<p>x");
    assert_eq!(page.content_type.expose(), "text/html");
    let asked = world.asked().remove(0);
    assert!(asked.starts_with("GET /a?b HTTP/1.1\r\nHost: page.test\r\n"), "{asked}");
    assert!(
        !asked.to_lowercase().contains("cookie") && !asked.to_lowercase().contains("authorization")
    );
}

#[test]
fn a_redirect_is_told_and_not_followed() {
    let world = World::new();
    world.serve_tls(PUBLIC, &["page.test"], |_| {
        b"HTTP/1.1 302 Found\r\nLocation: https://inside.test/\r\nContent-Length: 0\r\n\r\n"
            .to_vec()
    });
    world.name("inside.test", &[&["169.254.169.254"]]);
    let (page, _) = read(&world, &["page.test"], "https://page.test/");
    let location = page.unwrap().location.unwrap();
    let next = redirected(&web_address("https://page.test/").unwrap(), &location).unwrap();
    assert_eq!(next.host, "inside.test");
    // Followed without being open, and open but private: neither is reached.
    assert!(matches!(
        read(&world, &["page.test"], "https://inside.test/").1,
        Some(Refusal::HostNotOpen(_))
    ));
    assert!(matches!(
        read(&world, &["inside.test"], "https://inside.test/").1,
        Some(Refusal::NotPublic { .. })
    ));
    assert_eq!(world.dialled.lock().unwrap().len(), 1);
}

#[test]
fn a_long_page_is_cut() {
    let world = World::new();
    world.serve_tls(PUBLIC, &["page.test"], |_| ok(&"x".repeat(3 * 1024 * 1024)));
    let page = read(&world, &["page.test"], "https://page.test/").0.unwrap();
    assert!(page.cut && page.body.expose().len() == 2 * 1024 * 1024);
}
