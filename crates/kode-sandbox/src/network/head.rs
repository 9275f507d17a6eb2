//! The head of an HTTP/1.1 request or response, read strictly: what two
//! parsers could read in two ways is refused.

use super::Refusal;

/// Bytes of a request's head.
pub(crate) const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a response's head; registries send long ones.
pub(crate) const RESPONSE_HEAD_BYTES_MAX: usize = 64 * 1024;
/// Header lines of either.
const HEADERS_MAX: usize = 128;
/// Bytes of a request's target.
const TARGET_BYTES_MAX: usize = 8 * 1024;

/// Headers in order, names in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Headers(Vec<(String, String)>);

impl Headers {
    /// All values of `name`, which is in lower case.
    pub(crate) fn all<'a, 'b>(
        &'a self,
        name: &'b str,
    ) -> impl Iterator<Item = &'a str> + use<'a, 'b> {
        self.0.iter().filter(move |(each, _)| each == name).map(|(_, value)| value.as_str())
    }

    /// The value of a header that may stand once.
    pub(crate) fn only<'a>(&'a self, name: &str) -> Result<Option<&'a str>, Refusal> {
        let mut values = self.all(name);
        let first = values.next();
        match values.next() {
            Some(_) => Err(Refusal::Malformed("a header stands twice")),
            None => Ok(first),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// `METHOD TARGET HTTP/1.x` and its headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestHead {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Headers,
}

/// `HTTP/1.x STATUS …` and its headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResponseHead {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
}

/// Where the head ends (after the blank line), once it is whole.
pub(crate) fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

/// How a request's body is told apart from what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestBody {
    None,
    Bytes(u64),
}

impl RequestHead {
    /// Reads a whole head, blank line included.
    ///
    /// # Errors
    /// When anything in it is not plain HTTP/1.1.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let (line, headers) = parse(bytes)?;
        let mut words = line.split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(Refusal::Malformed("its first line"));
        };
        if !matches!(version, "HTTP/1.1" | "HTTP/1.0") {
            return Err(Refusal::Malformed("its version"));
        }
        if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(Refusal::Malformed("its method"));
        }
        let plain = target.bytes().all(|byte| byte.is_ascii_graphic());
        if target.is_empty() || target.len() > TARGET_BYTES_MAX || !plain {
            return Err(Refusal::Malformed("its target"));
        }
        Ok(Self { method: method.to_owned(), target: target.to_owned(), headers })
    }

    /// Whether a body follows. Only a plain length is taken: what says its
    /// length twice is how requests are smuggled.
    ///
    /// # Errors
    /// When the length is unclear.
    pub(crate) fn body(&self) -> Result<RequestBody, Refusal> {
        if self.headers.all("transfer-encoding").next().is_some() {
            return Err(Refusal::Malformed("a transfer encoding; send a Content-Length"));
        }
        match self.headers.only("content-length")? {
            None => Ok(RequestBody::None),
            Some(length) => match plain_length(length) {
                Some(0) => Ok(RequestBody::None),
                Some(length) => Ok(RequestBody::Bytes(length)),
                None => Err(Refusal::Malformed("its Content-Length")),
            },
        }
    }
}

impl ResponseHead {
    /// Reads a whole head, blank line included.
    ///
    /// # Errors
    /// When anything in it is not plain HTTP/1.1.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let (line, headers) = parse(bytes)?;
        let rest = line.strip_prefix("HTTP/1.1 ").or_else(|| line.strip_prefix("HTTP/1.0 "));
        let status = rest.and_then(|rest| rest.get(..3)).and_then(|digits| digits.parse().ok());
        match status {
            Some(status @ 100..=599) => Ok(Self { status, headers }),
            _ => Err(Refusal::Malformed("the answer's first line")),
        }
    }
}

/// A length in plain decimal.
pub(crate) fn plain_length(text: &str) -> Option<u64> {
    let plain = (1..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

fn parse(bytes: &[u8]) -> Result<(String, Headers), Refusal> {
    let text = bytes.strip_suffix(b"\r\n\r\n").ok_or(Refusal::Malformed("its end"))?;
    // Header values beyond ASCII are taken byte by byte, as HTTP says.
    let text: String = text.iter().map(|byte| char::from(*byte)).collect();
    let mut lines = text.split("\r\n");
    let first = lines.next().unwrap_or_default().to_owned();
    if first.chars().any(char::is_control) {
        return Err(Refusal::Malformed("its first line"));
    }
    let mut headers = Vec::new();
    for line in lines {
        headers.push(header(line)?);
        if headers.len() > HEADERS_MAX {
            return Err(Refusal::Malformed("too many headers"));
        }
    }
    Ok((first, Headers(headers)))
}

fn header(line: &str) -> Result<(String, String), Refusal> {
    let (name, value) =
        line.split_once(':').ok_or(Refusal::Malformed("a header without a colon"))?;
    if name.is_empty() || !name.bytes().all(is_token) {
        // A space before the colon, or a folded line.
        return Err(Refusal::Malformed("a header's name"));
    }
    let value = value.trim_matches([' ', '\t']);
    if value.chars().any(|character| character.is_ascii_control() && character != '\t') {
        return Err(Refusal::Malformed("a header's value"));
    }
    Ok((name.to_ascii_lowercase(), value.to_owned()))
}

/// RFC 9110, 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(text: &str) -> Result<RequestHead, Refusal> {
        RequestHead::parse(text.as_bytes())
    }

    #[test]
    fn a_plain_head_is_read() {
        let head = request("GET http://a.org/x HTTP/1.1\r\nHost: a.org\r\nX:\t1 \r\n\r\n").unwrap();
        assert_eq!((head.method.as_str(), head.target.as_str()), ("GET", "http://a.org/x"));
        assert_eq!(head.headers.only("host"), Ok(Some("a.org")));
        assert_eq!(head.headers.only("x"), Ok(Some("1")));
        assert_eq!(head.body(), Ok(RequestBody::None));
    }

    #[test]
    fn what_two_parsers_read_differently_is_refused() {
        for text in [
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n",
            "GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n",
            "GET / HTTP/1.1\r\nA: b\0\r\n\r\n",
            "GET  / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1 \r\n\r\n",
            "GET /\t HTTP/1.1\r\n\r\n",
            "GET / HTTP/2\r\n\r\n",
            "GET /\r\n\r\n",
            "get / HTTP/1.1\r\n\r\n",
            "GET /é HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nnocolon\r\n\r\n",
            "GET / HTTP/1.1\r\n: empty\r\n\r\n",
            "\r\n\r\n",
        ] {
            assert!(request(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_body_has_one_plain_length() {
        let body =
            |headers: &str| request(&format!("POST / HTTP/1.1\r\n{headers}\r\n\r\n"))?.body();
        assert_eq!(body("Content-Length: 5"), Ok(RequestBody::Bytes(5)));
        for headers in [
            "Content-Length: 5\r\nContent-Length: 5",
            "Content-Length: 5\r\nContent-Length: 6",
            "Content-Length: +5",
            "Content-Length: 5, 5",
            "Content-Length: 0x5",
            "Content-Length: -1",
            "Content-Length:",
            "Content-Length: 99999999999999999999",
            "Transfer-Encoding: chunked",
            "Transfer-Encoding: identity",
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
        ] {
            assert!(body(headers).is_err(), "{headers}");
        }
    }

    #[test]
    fn too_many_headers_are_refused() {
        let text = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(200));
        assert!(request(&text).is_err());
    }

    #[test]
    fn answers_have_a_plain_status() {
        let status = |line: &str| ResponseHead::parse(format!("{line}\r\nA: b\r\n\r\n").as_bytes());
        assert_eq!(status("HTTP/1.1 404 Not Found").unwrap().status, 404);
        assert_eq!(status("HTTP/1.1 204").unwrap().status, 204);
        for line in ["HTTP/1.1 99 x", "HTTP/2 200", "ICY 200 OK", "HTTP/1.1 +20 x", "HTTP/1.1 "] {
            assert!(status(line).is_err(), "{line}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = RequestHead::parse(&bytes);
            let _ = ResponseHead::parse(&bytes);
        }
    }
}
