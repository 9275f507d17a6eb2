//! Tells a key that a person pressed from everything else a terminal sends:
//! pasted text, escape sequences, bytes typed faster than fingers move. Pure;
//! the bytes come in bursts that the reader has told apart by silence.

/// Ctrl-C.
pub(crate) const INTERRUPT: u8 = 0x03;
/// Ctrl-D.
pub(crate) const END_OF_FILE: u8 = 0x04;
/// The Escape key.
pub(crate) const ESCAPE: u8 = 0x1b;

/// Most parameter bytes of a control sequence that are remembered; the two
/// that matter have three.
const PARAMETERS_MAX: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// Between keys and sequences.
    #[default]
    Ground,
    /// After an escape byte.
    Escape,
    /// In a control sequence (ECMA-48, 5.4), up to its final byte.
    Control,
    /// One more byte belongs to a single shift.
    Shift,
    /// In a command or status string, up to BEL or ST.
    Text,
    /// After an escape byte in such a string.
    TextEscape,
}

/// What the terminal has sent so far, as far as it still matters.
#[derive(Debug, Default)]
pub(crate) struct KeyFilter {
    state: State,
    parameters: Vec<u8>,
    pasting: bool,
}

impl KeyFilter {
    /// Takes the bytes that came together. A single byte is a key press, unless
    /// it belongs to a paste or a sequence that began earlier. Ctrl-C always
    /// counts, so that nobody is locked out.
    pub(crate) fn feed(&mut self, burst: &[u8]) -> Option<u8> {
        if burst == [INTERRUPT] {
            return Some(INTERRUPT);
        }
        if let &[byte] = burst
            && self.state == State::Ground
            && !self.pasting
        {
            return byte.is_ascii().then_some(byte);
        }
        for byte in burst {
            self.step(*byte);
        }
        None
    }

    /// A second of silence: a sequence that was left unfinished is over. A
    /// paste is not, its end has a mark.
    pub(crate) fn settle(&mut self) {
        self.state = State::Ground;
    }

    fn step(&mut self, byte: u8) {
        self.state = match (self.state, byte) {
            (State::Text, 0x07) => State::Ground,
            (State::Text, ESCAPE) => State::TextEscape,
            (State::TextEscape, b'\\') | (State::Shift, _) => State::Ground,
            (State::Text | State::TextEscape, _) => State::Text,
            (_, ESCAPE) => State::Escape,
            (State::Ground, _) => State::Ground,
            (State::Escape, b'[') => {
                self.parameters.clear();
                State::Control
            }
            (State::Escape, b'O' | b'N') => State::Shift,
            (State::Escape, b']' | b'P' | b'_' | b'^' | b'X') => State::Text,
            (State::Escape, _) => State::Ground,
            (State::Control, 0x40..=0x7e) => {
                self.finish(byte);
                State::Ground
            }
            (State::Control, _) => {
                if self.parameters.len() < PARAMETERS_MAX {
                    self.parameters.push(byte);
                }
                State::Control
            }
        };
    }

    fn finish(&mut self, last: u8) {
        match (self.parameters.as_slice(), last) {
            (b"200", b'~') => self.pasting = true,
            (b"201", b'~') => self.pasting = false,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(bursts: &[&[u8]]) -> Vec<u8> {
        let mut filter = KeyFilter::default();
        bursts.iter().filter_map(|burst| filter.feed(burst)).collect()
    }

    #[test]
    fn a_lone_byte_is_a_key() {
        assert_eq!(keys(&[b"a", b"?", b"\x1b", b"\x03"]), b"a?\x1b\x03");
    }

    #[test]
    fn several_bytes_at_once_are_no_key() {
        assert_eq!(keys(&[b"aa", b"a\r", "ä".as_bytes(), b"y\n"]), b"");
    }

    #[test]
    fn sequences_torn_apart_are_no_key() {
        // Arrow up, F1, a mouse report and a colour answer, with pauses inside.
        assert_eq!(keys(&[b"\x1b[", b"A", b"\x1bO", b"a", b"\x1b[<0;1", b"a"]), b"");
        assert_eq!(keys(&[b"\x1b]11;rgb:", b"a", b"a\x1b\\", b"d"]), b"d");
    }

    #[test]
    fn a_paste_torn_apart_is_no_key_until_its_end_mark() {
        assert_eq!(keys(&[b"\x1b[200~", b"a", b"t", b"\x1b[201~", b"d"]), b"d");
        assert_eq!(keys(&[b"\x1b[200~x", b"a", b"\x03"]), b"\x03");
    }

    #[test]
    fn parts_of_other_alphabets_are_no_key() {
        assert_eq!(keys(&[b"\xd0", b"\xb0"]), b"");
    }

    #[test]
    fn silence_ends_a_sequence_but_not_a_paste() {
        let mut filter = KeyFilter::default();
        filter.feed(b"\x1b]");
        filter.settle();
        assert_eq!(filter.feed(b"a"), Some(b'a'));
        filter.feed(b"\x1b[200~");
        filter.settle();
        assert_eq!(filter.feed(b"a"), None);
    }

    proptest! {
        #[test]
        fn nothing_inside_a_paste_is_a_key(chunks in prop::collection::vec("[a-zA-Z?\r\n]{1,3}", 0..20)) {
            let mut filter = KeyFilter::default();
            filter.feed(b"\x1b[200~");
            for chunk in &chunks {
                prop_assert_eq!(filter.feed(chunk.as_bytes()), None);
            }
        }

        #[test]
        fn two_bytes_at_once_are_never_a_key(burst in prop::collection::vec(any::<u8>(), 2..40)) {
            prop_assert_eq!(KeyFilter::default().feed(&burst), None);
        }
    }
}
