//! One page of the web, read by kode itself for `web_fetch`: over TLS, from a
//! public address, a GET without cookies or credentials, within bounds of size
//! and time. It follows nothing: a redirect is told, and judged like a new page.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kode_base::{Interrupt, Untrusted, WebFetch};

use super::body::{Body, Framing};
use super::fetcher::{USER_AGENT, connect_tls, final_answer};
use super::host::parse_authority;
use super::outside::Outside;
use super::record::{Connection, Ledger, Via};
use super::registry::{self, Kind};
use super::{HostName, OpenHosts, Refusal};

/// Bytes of an address.
const ADDRESS_BYTES_MAX: usize = 4096;
/// Bytes of a page that are read.
const PAGE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// For a whole page.
const PAGE_MAX: Duration = Duration::from_secs(30);

/// A page, or as much of it as is read.
#[derive(Debug)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// The content type, in lower case; empty when none was sent.
    pub content_type: Untrusted<String>,
    /// Where the page says it is instead.
    pub location: Option<Untrusted<String>>,
    /// What came.
    pub body: Untrusted<Vec<u8>>,
    /// There was more.
    pub cut: bool,
}

/// Reads the address of a page: `https://`, or `http://`, which is read over TLS
/// all the same.
///
/// # Errors
/// With why it is no address kode reads.
pub fn web_address(text: &str) -> Result<WebFetch, Refusal> {
    let (scheme, rest) = text.trim().split_once("://").ok_or(Refusal::Malformed("its scheme"))?;
    if !matches!(scheme.to_ascii_lowercase().as_str(), "https" | "http") {
        return Err(Refusal::Malformed("only https:// is read"));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(end);
    let (host, port) = parse_authority(authority, Some(443))?;
    if port != 443 && !(port == 80 && scheme.eq_ignore_ascii_case("http")) {
        return Err(Refusal::PortNotOpen(port));
    }
    let target = plain_target(target)?;
    Ok(WebFetch { host: host.to_string(), target: target.into() })
}

/// Where a redirect from `from` leads.
///
/// # Errors
/// As [`web_address`].
#[expect(clippy::disallowed_methods, reason = "an address is taken apart, not shown")]
pub fn redirected(from: &WebFetch, location: &Untrusted<String>) -> Result<WebFetch, Refusal> {
    let location = location.expose().trim();
    if location.contains("://") {
        return web_address(location);
    }
    if location.starts_with("//") {
        return web_address(&format!("https:{location}"));
    }
    let here = from.target.expose().split('?').next().unwrap_or("/");
    let folder = here.rsplit_once('/').map_or("", |(folder, _)| folder);
    let path = match location.as_bytes().first() {
        Some(b'/') => location.to_owned(),
        Some(b'?') => format!("{here}{location}"),
        _ => format!("{folder}/{location}"),
    };
    web_address(&format!("https://{}{path}", from.host))
}

/// A path and query of plain ASCII; the fragment is the reader's alone.
fn plain_target(text: &str) -> Result<String, Refusal> {
    let text = text.split('#').next().unwrap_or_default();
    let mut target = if text.starts_with('/') { String::new() } else { "/".to_owned() };
    for byte in text.bytes() {
        match byte {
            b'\\' | b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}' | b' ' | 0x80.. => {
                target.push_str(&format!("%{byte:02X}"));
            }
            _ if byte.is_ascii_graphic() => target.push(char::from(byte)),
            _ => return Err(Refusal::Malformed("a control character in it")),
        }
    }
    if target.len() > ADDRESS_BYTES_MAX {
        return Err(Refusal::Malformed("it is too long"));
    }
    Ok(target)
}

/// Reads the page. The connection is told whatever came of it.
#[expect(clippy::disallowed_methods, reason = "the permit's exact address is what is asked for")]
pub(crate) fn read(
    outside: &Outside,
    open: &OpenHosts,
    fetch: &WebFetch,
    interrupt: &Interrupt,
) -> (Result<Page, Refusal>, Vec<Connection>) {
    let ledger = Ledger::default();
    let Some(entry) = ledger.open() else { return (Err(Refusal::TooMany), Vec::new()) };
    entry.asked(Via::WebFetch, &fetch.host, 443);
    let page = HostName::parse(&fetch.host).and_then(|host| {
        open.check(&host, 443)?;
        if matches!(registry::kind(&host), Kind::Writes) {
            return Err(Refusal::RegistryWrite("an upload".to_owned()));
        }
        let mut stream = connect_tls(outside, &host, 443, &entry)?;
        entry.request();
        stream.sock.within(PAGE_MAX);
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {USER_AGENT}\r\nAccept: text/html, \
             text/plain, application/json, text/*;q=0.9, */*;q=0.5\r\nAccept-Encoding: identity\r\n\
             Connection: close\r\n\r\n",
            fetch.target.expose()
        );
        stream.write_all(request.as_bytes())?;
        stream.flush()?;
        let mut rest = Vec::new();
        let answer = final_answer(&mut stream, &mut rest)?;
        let framing = Framing::of(&answer, "GET")?;
        let begun = Instant::now();
        let (mut bytes, mut cut) = (Vec::new(), false);
        let mut body = Body::new(&mut stream, &mut rest, framing);
        loop {
            if interrupt.step_ended() || begun.elapsed() > PAGE_MAX {
                return Err(Refusal::TooSlow);
            }
            let piece = body.next()?;
            if piece.is_empty() {
                break;
            }
            bytes.extend(piece);
            if bytes.len() > PAGE_BYTES_MAX {
                bytes.truncate(PAGE_BYTES_MAX);
                cut = true;
                break;
            }
        }
        let header = |name: &str| answer.headers.only(name).ok().flatten();
        Ok(Page {
            status: answer.status,
            content_type: header("content-type").unwrap_or_default().to_lowercase().into(),
            location: header("location").map(Untrusted::from),
            body: Untrusted::new(bytes),
            cut,
        })
    });
    if let Err(refusal) = &page {
        entry.refused(refusal);
    }
    entry.end_sockets();
    entry.ended(outside.witness());
    drop(Arc::clone(&entry));
    (page, ledger.close())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests look at their own addresses")]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, String) {
        let fetch = web_address(text).unwrap();
        (fetch.host, fetch.target.expose().clone())
    }

    #[test]
    fn addresses_are_made_plain() {
        let pair = |host: &str, target: &str| (host.to_owned(), target.to_owned());
        assert_eq!(parts("https://Example.org"), pair("example.org", "/"));
        assert_eq!(
            parts("http://example.org/a b?c=\u{e9}#d"),
            pair("example.org", "/a%20b?c=%C3%A9")
        );
        assert_eq!(parts("https://example.org:443?x"), pair("example.org", "/?x"));
    }

    #[test]
    fn what_is_no_page_is_refused() {
        for text in [
            "file:///etc/passwd",
            "ftp://a.org/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://0x7f.1/",
            "https://u:p@a.org/",
            "https://a.org:22/",
            "https://a.org:80/",
            "https:///x",
            "a.org",
            "",
            "https://a.org/\r\nHost: b.org",
            "https://a.org\\@b.org/",
            "https://169.254.169.254/latest",
            "javascript:alert(1)",
            "https://a.org\0.b.org/",
        ] {
            assert!(web_address(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn redirects_are_resolved_against_their_page() {
        let from = web_address("https://a.org/x/y?z").unwrap();
        for (location, expected) in [
            ("/b", "a.org/b"),
            ("b?c", "a.org/x/b?c"),
            ("//b.org/c", "b.org/c"),
            ("http://b.org", "b.org/"),
            ("?q", "a.org/x/y?q"),
        ] {
            let to = redirected(&from, &location.into()).unwrap();
            assert_eq!(format!("{}{}", to.host, to.target.expose()), expected);
        }
        for location in
            ["http://169.254.169.254/", "https://[fd00::1]/", "//127.1/", "gopher://a.org/"]
        {
            assert!(redirected(&from, &location.into()).is_err(), "{location}");
        }
    }
}
