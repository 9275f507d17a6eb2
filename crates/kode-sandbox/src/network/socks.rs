//! SOCKS 5 (RFC 1928), only what `socks5h://` needs: no authentication,
//! CONNECT, a host name. Addresses, UDP and BIND are refused.

use std::net::IpAddr;

use super::host::HostName;
use super::{Refusal, Stream};

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const NOTHING_OFFERED: u8 = 0xff;
const COMMAND_CONNECT: u8 = 1;
const ADDRESS_V4: u8 = 1;
const ADDRESS_NAME: u8 = 3;
const ADDRESS_V6: u8 = 4;

const ANSWER_GRANTED: u8 = 0;
const ANSWER_NOT_ALLOWED: u8 = 2;
const ANSWER_UNREACHABLE: u8 = 4;
const ANSWER_NO_SUCH_COMMAND: u8 = 7;
const ANSWER_NO_SUCH_ADDRESS: u8 = 8;

/// What the client asks for; the first byte of the connection is still unread.
/// The second part is the port as it was sent. `note` is told of every place that
/// is asked for, also of one that can't be.
///
/// # Errors
/// When the request is not one for a named host; the answer is sent already
/// only by [`refuse`].
pub(crate) fn request(
    client: &mut Stream,
    note: &mut dyn FnMut(&str, u16),
) -> Result<(HostName, u16), Refusal> {
    let [version, methods] = exactly::<2>(client)?;
    if version != VERSION {
        return Err(Refusal::Socks("only version 5 is spoken"));
    }
    let mut offered = vec![0; usize::from(methods)];
    client.read_exactly(&mut offered)?;
    if !offered.contains(&NO_AUTHENTICATION) {
        let _ = client.write_all(&[VERSION, NOTHING_OFFERED]);
        return Err(Refusal::Socks("authentication is not offered"));
    }
    client.write_all(&[VERSION, NO_AUTHENTICATION])?;
    let [version, command, reserved, kind] = exactly::<4>(client)?;
    if version != VERSION || reserved != 0 {
        return Err(Refusal::Socks("a malformed request"));
    }
    if command != COMMAND_CONNECT {
        return Err(Refusal::Socks("only CONNECT is offered"));
    }
    let place = place(client, kind)?;
    let port = u16::from_be_bytes(exactly::<2>(client)?);
    match place {
        Place::Name(name) => {
            note(&String::from_utf8_lossy(&name), port);
            Ok((HostName::parse_bytes(&name)?, port))
        }
        Place::Address(address) => {
            note(&address.to_string(), port);
            Err(Refusal::AddressLiteral)
        }
    }
}

/// What a request names.
enum Place {
    Name(Vec<u8>),
    Address(IpAddr),
}

fn place(client: &mut Stream, kind: u8) -> Result<Place, Refusal> {
    match kind {
        ADDRESS_NAME => {
            let [length] = exactly::<1>(client)?;
            let mut name = vec![0; usize::from(length)];
            client.read_exactly(&mut name)?;
            Ok(Place::Name(name))
        }
        ADDRESS_V4 => Ok(Place::Address(IpAddr::from(exactly::<4>(client)?))),
        ADDRESS_V6 => Ok(Place::Address(IpAddr::from(exactly::<16>(client)?))),
        _ => Err(Refusal::Socks("an unknown kind of address")),
    }
}

fn exactly<const COUNT: usize>(client: &mut Stream) -> Result<[u8; COUNT], Refusal> {
    let mut bytes = [0; COUNT];
    client.read_exactly(&mut bytes)?;
    Ok(bytes)
}

/// Tells the client to go ahead.
pub(crate) fn grant(client: &mut Stream) -> Result<(), Refusal> {
    client.write_all(&answer(ANSWER_GRANTED))
}

/// Tells the client why not, as far as SOCKS can say it.
pub(crate) fn refuse(client: &mut Stream, refusal: &Refusal) {
    let code = match refusal {
        Refusal::Socks(_) => ANSWER_NO_SUCH_COMMAND,
        Refusal::AddressLiteral | Refusal::BadName(_) => ANSWER_NO_SUCH_ADDRESS,
        Refusal::NoAddress(_) | Refusal::Unreachable { .. } => ANSWER_UNREACHABLE,
        _ => ANSWER_NOT_ALLOWED,
    };
    let _ = client.write_all(&answer(code));
}

fn answer(code: u8) -> [u8; 10] {
    [VERSION, code, 0, ADDRESS_V4, 0, 0, 0, 0, 0, 0]
}
