//! File names that are not UTF-8, as text and back without loss: a byte that
//! belongs to no character is written as one of 128 private characters. A name
//! that holds such a character itself has its bytes written that way too, so that
//! two names never become one text.

use std::borrow::Cow;

/// Stands for the byte 0x80; the 127 after it for the others.
const FIRST: u32 = 0x10_F780;

/// The byte that a character stands for, if it is one of the 128.
pub fn byte_of(character: char) -> Option<u8> {
    let offset = (character as u32).checked_sub(FIRST)?;
    u8::try_from(offset).ok().filter(|offset| *offset < 0x80).map(|offset| offset | 0x80)
}

fn stand_in(byte: u8) -> char {
    char::from_u32(FIRST + u32::from(byte & 0x7f)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// A file name as text.
pub fn text_of(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            match byte_of(character) {
                None => text.push(character),
                Some(_) => {
                    let bytes = character.encode_utf8(&mut [0; 4]).to_owned();
                    text.extend(bytes.bytes().map(stand_in));
                }
            }
        }
        text.extend(chunk.invalid().iter().map(|byte| stand_in(*byte)));
    }
    text
}

/// The file name that a text of [`text_of`] stands for.
pub fn bytes_of(text: &str) -> Cow<'_, [u8]> {
    if !text.chars().any(|character| byte_of(character).is_some()) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut name = Vec::with_capacity(text.len());
    for character in text.chars() {
        match byte_of(character) {
            Some(byte) => name.push(byte),
            None => name.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_in_utf_8_is_itself() {
        assert_eq!(text_of("ä日".as_bytes()), "ä日");
        assert_eq!(text_of(b"a\xff.js").chars().count(), 5);
    }

    proptest! {
        #[test]
        fn every_name_comes_back(
            parts in proptest::collection::vec(prop_oneof![
                any::<[u8; 2]>().prop_map(|bytes| bytes.to_vec()),
                (0x10_F77F_u32..0x10_F801).prop_map(|code| {
                    char::from_u32(code).unwrap().to_string().into_bytes()
                }),
            ], 0..8),
        ) {
            let name = parts.concat();
            let text = text_of(&name);
            prop_assert_eq!(bytes_of(&text), name.as_slice());
            prop_assert_eq!(text_of(&bytes_of(&text)), text);
        }
    }
}
