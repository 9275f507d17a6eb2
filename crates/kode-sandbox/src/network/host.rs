//! Host names and ports as they come from untrusted clients, made plain or
//! refused. No address in any spelling passes as a name.

use std::fmt;

use super::Refusal;

/// RFC 1035, 2.3.4.
const NAME_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// A host's name: lower case, ASCII (`xn--…` for others), no dot at the end,
/// and no spelling of an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostName(String);

impl HostName {
    /// Makes `text` plain.
    ///
    /// # Errors
    /// When it is an address, or no name.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if text.contains(':') || text.starts_with('[') {
            return Err(Refusal::AddressLiteral);
        }
        if !text.is_ascii() {
            return Err(Refusal::BadName("names beyond ASCII are written xn--…"));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return Err(Refusal::BadName("its length"));
        }
        if !name.split('.').all(is_label) {
            return Err(Refusal::BadName("a label of it"));
        }
        // Resolvers and URL parsers take a name whose last label is a number,
        // in whatever base, for an IPv4 address (WHATWG URL, 3.5).
        if name.rsplit('.').next().is_some_and(is_number) {
            return Err(Refusal::AddressLiteral);
        }
        Ok(Self(name))
    }

    /// The same from bytes.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub(crate) fn parse_bytes(bytes: &[u8]) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| Refusal::BadName("names beyond ASCII are written xn--…"))?;
        Self::parse(text)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn is_label(label: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    (1..=LABEL_BYTES_MAX).contains(&label.len())
        && label.bytes().all(plain)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_number(label: &str) -> bool {
    let hexadecimal = label
        .strip_prefix("0x")
        .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    hexadecimal || label.bytes().all(|byte| byte.is_ascii_digit())
}

/// A port in plain decimal: no sign, no leading zero, no blank.
///
/// # Errors
/// When it is anything else.
pub(crate) fn parse_port(text: &str) -> Result<u16, Refusal> {
    let plain = (1..=5).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && !text.starts_with('0');
    if !plain {
        return Err(Refusal::BadPort);
    }
    text.parse().map_err(|_| Refusal::BadPort)
}

/// `host:port`, or `host` alone where a port is implied.
///
/// # Errors
/// When either is not plain, or the port is missing with none implied.
pub(crate) fn parse_authority(
    text: &str,
    implied: Option<u16>,
) -> Result<(HostName, u16), Refusal> {
    if text.contains('@') {
        return Err(Refusal::Malformed("a user name before the host"));
    }
    if text.starts_with('[') || text.matches(':').count() > 1 {
        return Err(Refusal::AddressLiteral);
    }
    match text.split_once(':') {
        Some((host, port)) => Ok((HostName::parse(host)?, parse_port(port)?)),
        None => {
            let host = HostName::parse(text)?;
            implied.map(|port| (host, port)).ok_or(Refusal::BadPort)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_made_plain() {
        for (text, plain) in [
            ("Registry.NPMjs.org", "registry.npmjs.org"),
            ("example.org.", "example.org"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("a_b.example", "a_b.example"),
            ("1.2.3.4.example", "1.2.3.4.example"),
            ("0xdead.beef", "0xdead.beef"),
        ] {
            assert_eq!(HostName::parse(text).map(|host| host.0), Ok(plain.to_owned()), "{text}");
        }
    }

    #[test]
    fn no_spelling_of_an_address_is_a_name() {
        for text in [
            "127.0.0.1",
            "127.0.0.1.",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "017700000001",
            "127.0.0.0x1",
            "0x",
            "1.2.3.4",
            "[::1]",
            "::1",
            "::ffff:127.0.0.1",
            "[::ffff:7f00:1]",
            "fe80::1%eth0",
            "example.org.5",
            "169.254.169.254",
        ] {
            assert_eq!(HostName::parse(text), Err(Refusal::AddressLiteral), "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = format!("{}.org", "a".repeat(64));
        let very_long = "a.".repeat(130);
        for text in [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "a b",
            "a\0b",
            "a\r\nb",
            "a%2eb",
            "127%2e0%2e0%2e1",
            "a/b",
            "a@b",
            "a#b",
            "a?b",
            "-a.org",
            "a-.org",
            "exämple.org",
            "ⓔxample.org",
            "１２７.0.0.1",
            "example。org",
            "example.org..",
            &long,
            &very_long,
            "*.org",
            "a\tb",
            "user:pass@host",
        ] {
            assert!(HostName::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn ports_are_plain_decimal() {
        assert_eq!(parse_port("443"), Ok(443));
        for text in
            ["", "0", "0443", "+443", " 443", "443 ", "65536", "4 43", "0x1bb", "99999", "４４３"]
        {
            assert_eq!(parse_port(text), Err(Refusal::BadPort), "{text:?}");
        }
    }

    #[test]
    fn an_authority_holds_one_host_and_one_port() {
        let host = HostName::parse("a.org").unwrap();
        assert_eq!(parse_authority("A.org:443", None), Ok((host.clone(), 443)));
        assert_eq!(parse_authority("a.org", Some(80)), Ok((host, 80)));
        for text in [
            "a.org",
            "a.org:",
            ":443",
            "a.org:443:443",
            "u@a.org:443",
            "u:p@a.org:443",
            "[::1]:443",
        ] {
            assert!(parse_authority(text, None).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_passes_is_no_address_and_stays_the_same(text in "[ -~]{0,40}") {
            if let Ok(host) = HostName::parse(&text) {
                prop_assert!(host.as_str().parse::<std::net::IpAddr>().is_err());
                prop_assert_eq!(HostName::parse(host.as_str()), Ok(host));
            }
        }

        #[test]
        fn addresses_never_pass(bits: u32, high: u128) {
            let v4 = std::net::Ipv4Addr::from(bits).to_string();
            let v6 = std::net::Ipv6Addr::from(high).to_string();
            for text in [v4, v6.clone(), format!("[{v6}]"), bits.to_string(), format!("{bits:#x}"), format!("0{bits:o}")] {
                prop_assert!(HostName::parse(&text).is_err(), "{}", text);
            }
        }
    }
}
