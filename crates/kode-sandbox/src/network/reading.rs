//! A client's headers that only say what to read of a registry, each in a form
//! that holds next to nothing else. What has another form is left out: at worst
//! the registry sends more than was needed.

use super::head::Headers;

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
const ENCODINGS: &[&str] = &["gzip", "deflate", "br", "identity"];
/// Kinds or encodings of one header.
const LISTED_MAX: usize = 8;

/// Whether a value has the one form it may have.
type Form = fn(&str) -> bool;

/// Characters of an entity tag, which registries write in hexadecimal.
const TAG_LENGTH_MAX: usize = 64;
/// Digits of a place in a file: less than a terabyte.
const PLACE_DIGITS_MAX: usize = 12;

/// The headers to send.
pub(super) fn reading_headers(headers: &Headers) -> Vec<(&'static str, String)> {
    let mut kept = Vec::new();
    let accept = listed(headers, "accept", KINDS);
    kept.push(("Accept", if accept.is_empty() { "*/*".to_owned() } else { accept }));
    let encodings = listed(headers, "accept-encoding", ENCODINGS);
    if !encodings.is_empty() {
        kept.push(("Accept-Encoding", encodings));
    }
    let forms: [(&str, &str, Form); 3] = [
        ("if-none-match", "If-None-Match", is_tag),
        ("if-modified-since", "If-Modified-Since", is_date),
        ("range", "Range", is_range),
    ];
    for (name, sent, is_well_formed) in forms {
        let value = headers.only(name).ok().flatten().filter(|value| is_well_formed(value));
        kept.extend(value.map(|value| (sent, value.to_owned())));
    }
    kept
}

fn listed(headers: &Headers, name: &str, known: &[&str]) -> String {
    let parts = headers.all(name).flat_map(|value| value.split(',')).map(str::trim);
    let mut kept: Vec<&str> = Vec::new();
    for part in parts.filter(|part| is_weighted(part, known)) {
        if kept.len() < LISTED_MAX && !kept.contains(&part) {
            kept.push(part);
        }
    }
    kept.join(", ")
}

/// `kind` or `kind;q=0.5`, of a known kind.
fn is_weighted(part: &str, known: &[&str]) -> bool {
    let (kind, weight) =
        part.split_once(';').map_or((part, ""), |(kind, weight)| (kind.trim(), weight.trim()));
    let tenths = |weight: &str| {
        let digit = weight.strip_prefix("0.").or_else(|| weight.strip_prefix("1."));
        matches!(weight, "0" | "1") || digit.is_some_and(|rest| has_digits(rest, 1))
    };
    known.contains(&kind) && (weight.is_empty() || weight.strip_prefix("q=").is_some_and(tenths))
}

/// One entity tag of hexadecimal digits, weak or not.
fn is_tag(value: &str) -> bool {
    let tag = value.strip_prefix("W/").unwrap_or(value);
    let tag = tag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    (1..=TAG_LENGTH_MAX).contains(&tag.len()) && tag.bytes().all(plain)
}

/// A date as RFC 9110 has programs write it (§5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
fn is_date(value: &str) -> bool {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let parts: Vec<&str> = value.split(' ').collect();
    let [day, date, month, year, time, "GMT"] = parts.as_slice() else { return false };
    let below = |text: &str, length: usize, end: u32| {
        text.len() == length
            && has_digits(text, length)
            && text.parse().is_ok_and(|it: u32| it < end)
    };
    let clock: Vec<&str> = time.split(':').collect();
    let [hour, minute, second] = clock.as_slice() else { return false };
    day.strip_suffix(',').is_some_and(|day| DAYS.contains(&day))
        && below(date, 2, 32)
        && MONTHS.contains(month)
        && below(year, 4, 2200)
        && below(hour, 2, 24)
        && below(minute, 2, 60)
        && below(second, 2, 61)
}

/// One range of bytes: `bytes=0-99`, `bytes=100-`, `bytes=-100`.
fn is_range(value: &str) -> bool {
    let ends = value.strip_prefix("bytes=").and_then(|range| range.split_once('-'));
    let is_place = |text: &str| text.is_empty() || has_digits(text, PLACE_DIGITS_MAX);
    ends.is_some_and(|(first, last)| {
        is_place(first) && is_place(last) && !(first.is_empty() && last.is_empty())
    })
}

fn has_digits(text: &str, length_max: usize) -> bool {
    (1..=length_max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::super::head::RequestHead;
    use super::*;

    fn sent(lines: &str) -> String {
        let text = format!("GET /x HTTP/1.1\r\nHost: x\r\n{lines}\r\n\r\n");
        let head = RequestHead::parse(text.as_bytes()).unwrap();
        let kept = reading_headers(&head.headers);
        kept.iter().skip(1).map(|(name, value)| format!("{name}: {value}")).collect()
    }

    #[test]
    fn what_clients_of_registries_send_is_passed_on() {
        for line in [
            "If-None-Match: \"5f3b1c0a9d8e7f6a5b4c3d2e1f0a9b8c\"",
            "If-None-Match: W/\"4e5-5a\"",
            "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT",
            "Range: bytes=0-99",
            "Range: bytes=-1024",
            "Range: bytes=4096-",
            "Accept-Encoding: gzip, br;q=0.5",
        ] {
            assert_eq!(sent(line), line);
        }
    }

    #[test]
    fn free_text_is_not() {
        for line in [
            "If-None-Match: \"my-token-s3cr3t\"",
            "If-None-Match: 5f3b",
            "If-None-Match: \"5f3b\", \"aabb\"",
            "If-None-Match: *",
            "If-Modified-Since: token",
            "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT token",
            "If-Modified-Since: Sun, 99 Nov 1994 08:49:37 GMT",
            "If-Modified-Since: Sun, 06 Nov +994 08:49:37 GMT",
            "Range: bytes=-",
            "Range: bytes=0-1, 2-3",
            "Range: token=0-1",
            "Range: bytes=0-1234567890123",
            "Accept-Encoding: gzip;q=0.31415",
            "Accept-Encoding: token",
            "X-Token: token",
            "Referer: https://x.example/token",
        ] {
            assert_eq!(sent(line), "");
        }
    }

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
