//! Reads the host out of a TLS ClientHello (RFC 8446, 4.1.2; RFC 6066, 3),
//! however its records are cut. A hello without a readable host is refused.

use super::{HostName, Refusal};

/// Bytes a whole hello may have, record headers included.
pub(crate) const HELLO_BYTES_MAX: usize = 32 * 1024;

const RECORD_HANDSHAKE: u8 = 22;
/// RFC 8446, 5.1.
const RECORD_BYTES_MAX: usize = 1 << 14;
const CLIENT_HELLO: u8 = 1;
const EXTENSION_SERVER_NAME: u16 = 0;
const NAME_TYPE_HOST: u8 = 0;
/// `encrypted_client_hello`, and its draft `encrypted_server_name`.
const EXTENSIONS_HIDING: [u16; 2] = [0xfe0d, 0xffce];

/// What the bytes so far tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hello {
    /// More bytes are needed.
    Partial,
    /// A whole hello for this host.
    For(HostName),
}

/// Looks at the first bytes of a connection.
///
/// # Errors
/// When they can't become a hello that names one host openly.
pub(crate) fn read(bytes: &[u8]) -> Result<Hello, Refusal> {
    let mut message = Vec::new();
    let mut rest = bytes;
    loop {
        if let Some(body) = whole_message(&message)? {
            return server_name(body).map(Hello::For);
        }
        if bytes.len() > HELLO_BYTES_MAX {
            return Err(Refusal::NotTls("it is too long"));
        }
        let Some((fragment, after)) = record(rest)? else { return Ok(Hello::Partial) };
        message.extend_from_slice(fragment);
        rest = after;
    }
}

/// A part, and what follows it.
type Split<'a> = (&'a [u8], &'a [u8]);

/// The next record's fragment, and what follows; `None` when it is not whole.
fn record(bytes: &[u8]) -> Result<Option<Split<'_>>, Refusal> {
    // What is there already must fit: garbage is not waited on.
    if bytes.first().is_some_and(|kind| *kind != RECORD_HANDSHAKE) {
        return Err(Refusal::NotTls("its first record is no handshake"));
    }
    if bytes.get(1).is_some_and(|major| *major != 3) {
        return Err(Refusal::NotTls("its version"));
    }
    let [_, _, _, high, low, rest @ ..] = bytes else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if length == 0 || length > RECORD_BYTES_MAX {
        return Err(Refusal::NotTls("a record's length"));
    }
    Ok(rest.split_at_checked(length))
}

/// The hello's body once the handshake message is whole.
fn whole_message(message: &[u8]) -> Result<Option<&[u8]>, Refusal> {
    if message.first().is_some_and(|kind| *kind != CLIENT_HELLO) {
        return Err(Refusal::NotTls("its first message is no ClientHello"));
    }
    let [_, high, middle, low, body @ ..] = message else { return Ok(None) };
    let length = usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low);
    if length > HELLO_BYTES_MAX {
        return Err(Refusal::NotTls("it is too long"));
    }
    if body.len() > length {
        return Err(Refusal::NotTls("more than a hello in its records"));
    }
    Ok((body.len() == length).then_some(body))
}

fn server_name(body: &[u8]) -> Result<HostName, Refusal> {
    let mut fields = Fields(body);
    fields.skip(2 + 32)?;
    let session = usize::from(fields.byte()?);
    fields.skip(session)?;
    let ciphers = fields.length()?;
    fields.skip(ciphers)?;
    let compressions = usize::from(fields.byte()?);
    fields.skip(compressions)?;
    if fields.0.is_empty() {
        return Err(Refusal::NoServerName);
    }
    let length = fields.length()?;
    let mut extensions = Fields(fields.take(length)?);
    if !fields.0.is_empty() {
        return Err(Refusal::NotTls("bytes after its extensions"));
    }
    let mut name = None;
    while !extensions.0.is_empty() {
        let kind = extensions.number()?;
        let length = extensions.length()?;
        let value = extensions.take(length)?;
        if EXTENSIONS_HIDING.contains(&kind) {
            return Err(Refusal::HiddenServerName);
        }
        if kind == EXTENSION_SERVER_NAME && name.replace(only_host(value)?).is_some() {
            return Err(Refusal::NotTls("two server names"));
        }
    }
    name.ok_or(Refusal::NoServerName)
}

/// The one entry of a server name list.
fn only_host(value: &[u8]) -> Result<HostName, Refusal> {
    let mut list = Fields(value);
    if list.length()? != list.0.len() || list.byte()? != NAME_TYPE_HOST {
        return Err(Refusal::NotTls("its server name"));
    }
    let length = list.length()?;
    let name = list.take(length)?;
    if !list.0.is_empty() {
        return Err(Refusal::NotTls("two server names"));
    }
    HostName::parse_bytes(name)
}

/// Bytes taken from the front; running out is an error.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Refusal> {
        let (taken, rest) =
            self.0.split_at_checked(count).ok_or(Refusal::NotTls("a length inside it"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn skip(&mut self, count: usize) -> Result<(), Refusal> {
        self.take(count).map(|_| ())
    }

    fn byte(&mut self) -> Result<u8, Refusal> {
        self.take(1).map(|byte| byte[0])
    }

    fn number(&mut self) -> Result<u16, Refusal> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn length(&mut self) -> Result<usize, Refusal> {
        self.number().map(usize::from)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn extension(kind: u16, value: &[u8]) -> Vec<u8> {
        let mut bytes = kind.to_be_bytes().to_vec();
        bytes.extend((value.len() as u16).to_be_bytes());
        bytes.extend(value);
        bytes
    }

    fn name(host: &[u8]) -> Vec<u8> {
        let mut list = vec![0];
        list.extend((host.len() as u16).to_be_bytes());
        list.extend(host);
        let mut value = (list.len() as u16).to_be_bytes().to_vec();
        value.extend(list);
        extension(0, &value)
    }

    fn message(extensions: &[Vec<u8>]) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
        let extensions = extensions.concat();
        body.extend((extensions.len() as u16).to_be_bytes());
        body.extend(extensions);
        let mut message = vec![1, 0];
        message.extend((body.len() as u16).to_be_bytes());
        message.extend(body);
        message
    }

    fn records(message: &[u8], size: usize) -> Vec<u8> {
        let record = |fragment: &[u8]| {
            let mut bytes = vec![22, 3, 1];
            bytes.extend((fragment.len() as u16).to_be_bytes());
            bytes.extend(fragment);
            bytes
        };
        message.chunks(size).flat_map(record).collect()
    }

    fn hello(extensions: &[Vec<u8>]) -> Result<Hello, Refusal> {
        read(&records(&message(extensions), 4096))
    }

    #[test]
    fn the_host_is_found_however_records_are_cut() {
        let message = message(&[extension(43, &[2, 3, 4]), name(b"Example.org")]);
        for size in [1, 2, 3, 5, 50, 4096] {
            let bytes = records(&message, size);
            assert_eq!(read(&bytes), Ok(Hello::For(HostName::parse("example.org").unwrap())));
            for end in 0..bytes.len() {
                assert_eq!(read(&bytes[..end]), Ok(Hello::Partial), "{size} {end}");
            }
        }
    }

    #[test]
    fn what_follows_the_hello_is_not_looked_at() {
        let mut bytes = records(&message(&[name(b"a.org")]), 4096);
        bytes.extend([20, 3, 3, 0, 1, 1]);
        assert!(matches!(read(&bytes), Ok(Hello::For(_))));
    }

    #[test]
    fn a_hello_without_an_open_host_is_refused() {
        assert_eq!(hello(&[]), Err(Refusal::NoServerName));
        assert_eq!(hello(&[extension(43, &[2, 3, 4])]), Err(Refusal::NoServerName));
        assert_eq!(
            hello(&[name(b"a.org"), extension(0xfe0d, &[0])]),
            Err(Refusal::HiddenServerName)
        );
        assert_eq!(
            hello(&[extension(0xffce, &[]), name(b"a.org")]),
            Err(Refusal::HiddenServerName)
        );
        assert_eq!(hello(&[name(b"127.0.0.1")]), Err(Refusal::AddressLiteral));
        assert!(hello(&[name(b"a.org\0.evil.org")]).is_err());
        assert!(hello(&[name(b"")]).is_err());
    }

    #[test]
    fn a_second_name_is_refused() {
        assert!(hello(&[name(b"a.org"), name(b"b.org")]).is_err());
        let two =
            [0, 16, 0, 0, 5, b'a', b'.', b'o', b'r', b'g', 0, 0, 5, b'b', b'.', b'o', b'r', b'g'];
        assert!(hello(&[extension(0, &two)]).is_err());
    }

    #[test]
    fn what_is_no_hello_is_refused_at_once() {
        for bytes in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"SSH-2.0-x",
            &[22, 2],
            &[22, 3, 1, 0, 0],
            &[22, 3, 1, 0x40, 1],
            &[22, 3, 1, 0, 1, 2],
            &[0x80, 0x2e, 1],
        ] {
            assert!(matches!(read(bytes), Err(Refusal::NotTls(_))), "{bytes:?}");
        }
        let endless = records(
            &[1, 0, 0xff, 0xff].into_iter().chain(vec![0; 60_000]).collect::<Vec<_>>(),
            100,
        );
        assert!(read(&endless).is_err());
    }

    proptest! {
        #[test]
        fn nothing_makes_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
        }

        #[test]
        fn a_changed_byte_never_yields_another_host(at in 0_usize..90, to: u8) {
            let mut bytes = records(&message(&[name(b"example.org")]), 4096);
            let at = at % bytes.len();
            let in_name = bytes.len() - 11..bytes.len();
            if !in_name.contains(&at) {
                bytes[at] = to;
                if let Ok(Hello::For(host)) = read(&bytes) {
                    prop_assert!("example.org".contains(host.as_str()) || host.as_str() == "example.org");
                }
            }
        }
    }
}
