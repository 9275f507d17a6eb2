//! The parser's position in its text. It moves only here, by whole characters,
//! and never past the end, whatever the text holds.

use super::{Parse, Parser, SyntaxError};

impl<'a> Parser<'a> {
    /// The position, in bytes: at most the text's length, and never within a
    /// character.
    pub(in crate::shell) fn position(&self) -> usize {
        self.at
    }

    /// The whole text.
    pub(in crate::shell) fn text(&self) -> &'a str {
        self.text
    }

    /// The text from the position on.
    pub(in crate::shell) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The text from `start`, an earlier position, to this one.
    pub(in crate::shell) fn since(&self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    /// The byte at the position.
    pub(in crate::shell) fn peek(&self) -> Option<u8> {
        self.peek_after(0)
    }

    /// The byte `distance` bytes behind the position.
    pub(in crate::shell) fn peek_after(&self, distance: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + distance).copied()
    }

    /// Whether `prefix` stands at the position.
    pub(in crate::shell) fn starts(&self, prefix: &str) -> bool {
        self.rest().as_bytes().starts_with(prefix.as_bytes())
    }

    /// Consumes `prefix` if it stands at the position.
    pub(in crate::shell) fn take(&mut self, prefix: &str) -> bool {
        let found = self.starts(prefix);
        if found {
            self.advance(prefix.len());
        }
        found
    }

    /// Consumes one character, whatever its length in bytes.
    pub(in crate::shell) fn take_character(&mut self) -> Option<char> {
        let character = self.rest().chars().next()?;
        self.advance(character.len_utf8());
        Some(character)
    }

    /// Moves on by `bytes`, which the caller has looked at. A step that would
    /// end outside the text or within a character is a mistake of this parser:
    /// tests and fuzzing stop at it, a release goes on behind the character and
    /// never counts the text as understood.
    pub(in crate::shell) fn advance(&mut self, bytes: usize) {
        let mut to = self.at + bytes;
        let lands = self.text.is_char_boundary(to);
        debug_assert!(lands, "a step of {bytes} bytes from byte {} leaves the text", self.at);
        self.strayed |= !lands;
        while to < self.text.len() && !self.text.is_char_boundary(to) {
            to += 1;
        }
        self.at = to.min(self.text.len());
    }

    /// Goes back to an earlier position.
    pub(in crate::shell) fn back_to(&mut self, start: usize) {
        debug_assert!(start <= self.at, "byte {start} is ahead of byte {}", self.at);
        self.at = start;
    }

    /// The error of a text that has no meaning at the position.
    pub(in crate::shell) fn unexpected<T>(&self) -> Parse<T> {
        Err(SyntaxError::Unexpected(self.at))
    }
}
