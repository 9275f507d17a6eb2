//! UTF-16 files with a byte order mark: edited as text and written back in the
//! same byte order. What does not survive the way there and back is refused, and
//! so is binary content.

use std::borrow::Cow;

use kode_base::ProjectPath;

use crate::refusal::{EditRefusal, refuse};

/// A NUL byte this far into a file marks it as binary, as git has it.
const BINARY_PROBE_BYTES: usize = 8000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

/// A UTF-16 file as UTF-8 text without its mark.
pub(crate) struct Wide {
    pub(crate) text: String,
    order: Order,
}

impl Wide {
    /// `None` for a file that is not UTF-16 and may be edited as it is.
    ///
    /// # Errors
    /// When it is binary, or UTF-16 that is not well formed.
    pub(crate) fn of(path: &ProjectPath, bytes: &[u8]) -> Result<Option<Self>, EditRefusal> {
        match decode(bytes) {
            Some(Some(wide)) => Ok(Some(wide)),
            Some(None) => refuse!(
                "{path} begins like UTF-16 and is not well formed: kode does not edit it, since \
                 bytes could get lost"
            ),
            None if memchr::memchr(0, bytes).is_some() => {
                refuse!("{path} is a binary file (it holds NUL bytes): kode does not edit it")
            }
            None => Ok(None),
        }
    }

    /// UTF-8 text in the file's own encoding, its mark in front.
    pub(crate) fn encode(&self, text: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(text);
        std::iter::once('\u{feff}')
            .chain(text.chars())
            .flat_map(|character| {
                let mut units = [0; 2];
                character.encode_utf16(&mut units).to_vec()
            })
            .flat_map(|unit| match self.order {
                Order::Little => unit.to_le_bytes(),
                Order::Big => unit.to_be_bytes(),
            })
            .collect()
    }
}

/// A file's bytes as UTF-8 where they are UTF-16, to be shown.
pub(crate) fn shown(bytes: &[u8]) -> Cow<'_, [u8]> {
    match decode(bytes) {
        Some(Some(wide)) => Cow::Owned(wide.text.into_bytes()),
        _ => Cow::Borrowed(bytes),
    }
}

/// Whether there is a NUL byte near the begin, as git has it.
pub fn is_binary(bytes: &[u8]) -> bool {
    memchr::memchr(0, &bytes[..bytes.len().min(BINARY_PROBE_BYTES)]).is_some()
}

/// `None` without a UTF-16 mark, `Some(None)` when what follows it is malformed.
fn decode(bytes: &[u8]) -> Option<Option<Wide>> {
    let (order, rest) = match bytes {
        // FF FE 00 00 begins UTF-32.
        [0xff, 0xfe, 0, 0, ..] => return Some(None),
        [0xff, 0xfe, rest @ ..] => (Order::Little, rest),
        [0xfe, 0xff, rest @ ..] => (Order::Big, rest),
        _ => return None,
    };
    if !rest.len().is_multiple_of(2) {
        return Some(None);
    }
    let units: Vec<u16> = rest
        .chunks_exact(2)
        .map(|pair| match order {
            Order::Little => u16::from_le_bytes([pair[0], pair[1]]),
            Order::Big => u16::from_be_bytes([pair[0], pair[1]]),
        })
        .collect();
    Some(String::from_utf16(&units).ok().map(|text| Wide { text, order }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> ProjectPath {
        ProjectPath::new("a.txt").unwrap()
    }

    #[test]
    fn both_byte_orders_come_back_as_they_were() {
        for bytes in [&b"\xff\xfea\0\x3d\xd8\x00\xde"[..], b"\xfe\xff\0a\xd8\x3d\xde\x00"] {
            let wide = Wide::of(&at(), bytes).unwrap().unwrap();
            assert_eq!(wide.text, "a\u{1f600}");
            assert_eq!(wide.encode(wide.text.as_bytes()), bytes);
        }
    }

    #[test]
    fn what_is_malformed_or_binary_is_refused() {
        for bytes in [&b"\xff\xfea"[..], b"\xff\xfe\x00\xd8a\0", b"a\0b", b"\xff\xfe\0\0a\0\0\0"] {
            assert!(Wide::of(&at(), bytes).is_err(), "{bytes:?}");
        }
        assert!(Wide::of(&at(), b"plain \xe9").unwrap().is_none());
    }
}
