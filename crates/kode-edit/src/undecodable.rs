//! Bytes that are not UTF-8, for tools that need text: each such byte becomes a
//! private-use character and comes back as it was.

use std::borrow::Cow;

/// The first of the 256 stand-ins, at the end of the basic private use area.
const FIRST_STAND_IN: u32 = 0xf700;

/// A file as text, undecodable bytes replaced by stand-ins.
pub(crate) struct Decoded<'a> {
    text: Cow<'a, str>,
    has_stand_ins: bool,
}

impl<'a> Decoded<'a> {
    /// `None` when the file has undecodable bytes and stand-in characters of its own.
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Self> {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Some(Self { text: Cow::Borrowed(text), has_stand_ins: false });
        }
        let mut text = String::with_capacity(bytes.len() + bytes.len() / 4);
        for chunk in bytes.utf8_chunks() {
            if chunk.valid().chars().any(|character| stood_for(character).is_some()) {
                return None;
            }
            text.push_str(chunk.valid());
            text.extend(
                chunk
                    .invalid()
                    .iter()
                    .filter_map(|&byte| char::from_u32(FIRST_STAND_IN + u32::from(byte))),
            );
        }
        Some(Self { text: Cow::Owned(text), has_stand_ins: true })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether the text is the file's bytes as they are.
    pub(crate) fn is_exact(&self) -> bool {
        !self.has_stand_ins
    }

    /// The bytes of edited text.
    pub(crate) fn encode(&self, edited: Vec<u8>) -> Vec<u8> {
        if !self.has_stand_ins {
            return edited;
        }
        let mut bytes = Vec::with_capacity(edited.len());
        for character in String::from_utf8_lossy(&edited).chars() {
            match stood_for(character) {
                Some(byte) => bytes.push(byte),
                None => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        bytes
    }
}

fn stood_for(character: char) -> Option<u8> {
    u8::try_from((character as u32).checked_sub(FIRST_STAND_IN)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        let bytes: Vec<u8> = (0..=255).chain("é".bytes()).collect();
        let decoded = Decoded::new(&bytes).unwrap();
        assert_eq!(decoded.encode(decoded.text().as_bytes().to_vec()), bytes);
    }

    #[test]
    fn stand_ins_of_the_file_itself_are_not_mistaken() {
        let mut bytes = "\u{f7e9}".as_bytes().to_vec();
        assert!(Decoded::new(&bytes).is_some());
        bytes.push(0xff);
        assert!(Decoded::new(&bytes).is_none());
    }
}
