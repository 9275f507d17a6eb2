//! Finds base64 and hexadecimal of known secrets whatever stands between the
//! letters: wrapped lines, blanks, commas, `0x`. Pieces of fixed length are
//! compared, so a part of a secret is found as well. Other encodings are not.

use std::collections::HashSet;
use std::ops::Range;

use super::secret_forms::aligned_base64;

/// Letters of base64 in a piece: 60 bits, a chance hit is out of the question.
const LETTERS: usize = 10;
const LETTERS_MASK: u64 = (1 << 60) - 1;
/// The quick look knows shorter pieces of 48 bits: it looks at every third byte
/// only, and each run of ten letters holds three of them.
const QUICK_LETTERS: usize = 8;
const QUICK_MASK: u64 = (1 << 48) - 1;
const QUICK_MARK: u64 = 1 << 62;
const QUICK_STRIDE: usize = 3;
/// Digits of a piece in hexadecimal: 6 bytes; a dump's line of 16 bytes holds
/// such a piece of any secret of 11 bytes.
const DIGITS: usize = 12;
const DIGITS_BYTES: usize = DIGITS / 2;
const DIGITS_MASK: u64 = (1 << 48) - 1;
/// Tells pieces of hexadecimal from those of base64.
const DIGITS_MARK: u64 = 1 << 63;
/// Pieces at most: what a filter of 128 KB tells apart.
const PIECES_MAX: usize = 1 << 16;
/// The filter has so many bits for each piece.
const FILTER_BITS_EACH: usize = 64;
const FILTER_BITS_MIN: usize = 1 << 12;
const FILTER_BITS_MAX: usize = 1 << 20;
/// 2^64 divided by the golden ratio: spreads pieces over the filter.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// What a byte adds to the letters and the digits seen: a separator nothing,
/// at a shift of nothing.
#[derive(Clone, Copy)]
struct Code {
    letter_shift: u8,
    letter: u8,
    digit_shift: u8,
    digit: u8,
}

static CODES: [Code; 256] = codes();

#[expect(clippy::cast_possible_truncation, reason = "an index of 256 fits a byte")]
const fn codes() -> [Code; 256] {
    let mut codes = [Code { letter_shift: 0, letter: 0, digit_shift: 0, digit: 0 }; 256];
    let mut at = 0;
    while at < 256 {
        let byte = at as u8;
        let letter = match byte {
            b'A'..=b'Z' => Some(byte - b'A'),
            b'a'..=b'z' => Some(byte - b'a' + 26),
            b'0'..=b'9' => Some(byte - b'0' + 52),
            b'+' | b'-' => Some(62),
            b'/' | b'_' => Some(63),
            _ => None,
        };
        if let Some(letter) = letter {
            codes[at].letter = letter;
            codes[at].letter_shift = 6;
        }
        if byte.is_ascii_hexdigit() {
            let digit = if byte <= b'9' { byte - b'0' } else { (byte | 0x20) - b'a' + 10 };
            codes[at].digit = digit;
            codes[at].digit_shift = 4;
        }
        at += 1;
    }
    codes
}

/// The pieces of some secrets.
#[derive(Debug, Default)]
pub(super) struct BrokenForms {
    pieces: HashSet<u64>,
    /// A bit for each piece, by its spread value; a power of two of bits.
    filter: Vec<u64>,
    shift: u32,
}

impl BrokenForms {
    /// Pieces of `secrets`, as they are and backwards.
    pub(super) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut pieces = HashSet::new();
        for secret in secrets {
            if pieces.len() < PIECES_MAX {
                add_pieces(secret.as_bytes(), &mut pieces);
            }
        }
        if pieces.is_empty() {
            return Self::default();
        }
        let bits = (pieces.len() * FILTER_BITS_EACH).next_power_of_two();
        let bits = bits.clamp(FILTER_BITS_MIN, FILTER_BITS_MAX);
        let mut forms = Self {
            filter: vec![0; bits / 64],
            shift: 64 - bits.trailing_zeros(),
            pieces: HashSet::new(),
        };
        for piece in &pieces {
            let bit = forms.bit(*piece);
            forms.filter[bit / 64] |= 1 << (bit % 64);
        }
        forms.pieces = pieces;
        forms
    }

    #[expect(clippy::cast_possible_truncation, reason = "at most 20 bits are left")]
    fn bit(&self, piece: u64) -> usize {
        (piece.wrapping_mul(SPREAD) >> self.shift) as usize
    }

    fn may_hold(&self, piece: u64) -> bool {
        let bit = self.bit(piece);
        self.filter.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }

    /// Whether some piece stands in `text`.
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        !self.regions(text).is_empty()
    }

    /// Where pieces stand, what overlaps as one: from code byte to code byte.
    pub(super) fn regions(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut regions: Vec<Range<usize>> = Vec::new();
        if self.pieces.is_empty() || !self.may_be_in(text) {
            return regions;
        }
        let mut codes = Codes::default();
        for (at, byte) in text.iter().enumerate() {
            let (letter, digit) = codes.take(*byte);
            let base64 = codes.letters & LETTERS_MASK;
            for (piece, at_its_end) in [(base64, letter), (codes.hexadecimal(), digit)] {
                if at_its_end && self.pieces.contains(&piece) {
                    let start = start_of(&text[..=at], piece & DIGITS_MARK != 0);
                    join(&mut regions, start.map(|start| start..at + 1));
                }
            }
        }
        regions
    }

    /// The quick look: false for nearly every text, never for one with a piece.
    fn may_be_in(&self, text: &[u8]) -> bool {
        let mut codes = Codes::default();
        let mut holds = |bytes: &[u8]| {
            // Letters of other scripts are no codes.
            if bytes.iter().all(|byte| !byte.is_ascii()) {
                codes.before = 0;
                return false;
            }
            for byte in bytes {
                codes.take(*byte);
            }
            let base64 = (codes.letters & QUICK_MASK) | QUICK_MARK;
            let hexadecimal = codes.hexadecimal();
            (self.may_hold(base64) | self.may_hold(hexadecimal))
                && (self.pieces.contains(&base64) || self.pieces.contains(&hexadecimal))
        };
        let chunks = text.chunks_exact(QUICK_STRIDE);
        let rest = chunks.remainder();
        for chunk in chunks {
            if holds(chunk) {
                return true;
            }
        }
        rest.iter().any(|byte| holds(std::slice::from_ref(byte)))
    }
}

/// The codes seen last, separators left out.
#[derive(Default)]
struct Codes {
    letters: u64,
    digits: u64,
    before: u8,
}

impl Codes {
    /// Takes in a byte; whether it is a letter and a digit.
    #[inline(always)]
    fn take(&mut self, byte: u8) -> (bool, bool) {
        let code = CODES[usize::from(byte)];
        self.letters = (self.letters << code.letter_shift) | u64::from(code.letter);
        self.digits = (self.digits << code.digit_shift) | u64::from(code.digit);
        // The nought of `0x` is none of the digits.
        if byte | 0x20 == b'x' && self.before == b'0' {
            self.digits >>= 4;
        }
        self.before = byte;
        (code.letter_shift != 0, code.digit_shift != 0)
    }

    fn hexadecimal(&self) -> u64 {
        (self.digits & DIGITS_MASK) | DIGITS_MARK
    }
}

/// Adds a region that ends behind all others.
fn join(regions: &mut Vec<Range<usize>>, found: Option<Range<usize>>) {
    let Some(mut found) = found else { return };
    while let Some(last) = regions.pop_if(|last| last.end >= found.start) {
        found.start = found.start.min(last.start);
    }
    regions.push(found);
}

/// Where the piece at the end of `text` begins; `None` when it has too few codes.
fn start_of(text: &[u8], hexadecimal: bool) -> Option<usize> {
    let mut left = if hexadecimal { DIGITS } else { LETTERS };
    let mut at = text.len();
    while left > 0 {
        at = at.checked_sub(1)?;
        let code = CODES[usize::from(text[at])];
        if hexadecimal && text[at] | 0x20 == b'x' && at > 0 && text[at - 1] == b'0' {
            at -= 1;
        } else if (if hexadecimal { code.digit_shift } else { code.letter_shift }) != 0 {
            left -= 1;
        }
    }
    Some(at)
}

fn add_pieces(secret: &[u8], pieces: &mut HashSet<u64>) {
    let backwards: Vec<u8> = secret.iter().rev().copied().collect();
    for spelled in [secret, &backwards] {
        for alignment in 0..3 {
            let mut letters = aligned_base64(spelled, alignment).into_bytes();
            add_base64(&letters, pieces);
            letters.reverse();
            add_base64(&letters, pieces);
        }
        add_hexadecimal(spelled, pieces);
        // Digits backwards: the bytes of the other direction with halves swapped.
        let turned: Vec<u8> = spelled.iter().map(|byte| byte.rotate_left(4)).collect();
        add_hexadecimal(&turned, pieces);
    }
    // Words of 16 bits, as `od -x` and `hexdump` show them.
    for skipped in 0..2 {
        let pairs = secret.get(skipped..).unwrap_or_default().chunks_exact(2);
        let words: Vec<u8> = pairs.flat_map(|pair| [pair[1], pair[0]]).collect();
        add_hexadecimal(&words, pieces);
    }
}

fn add_base64(letters: &[u8], pieces: &mut HashSet<u64>) {
    let piece = |window: &[u8]| {
        let codes = window.iter().map(|byte| u64::from(CODES[usize::from(*byte)].letter));
        codes.fold(0, |piece, code| piece << 6 | code)
    };
    for window in letters.windows(LETTERS) {
        // The same three bytes again and again stand in other texts as well.
        if window[..4] != window[4..8] {
            pieces.insert(piece(window));
        }
        let quick = window.windows(QUICK_LETTERS).map(|window| piece(window) | QUICK_MARK);
        pieces.extend(quick);
    }
}

/// Runs such as 31 32 33 34 35 36 are numbered lines as well, and are left out.
fn add_hexadecimal(bytes: &[u8], pieces: &mut HashSet<u64>) {
    for window in bytes.windows(DIGITS_BYTES) {
        if !is_run(window) {
            pieces.insert(number(window) | DIGITS_MARK);
        }
    }
    // The quick look meets pieces that begin within a byte.
    for window in bytes.windows(DIGITS_BYTES + 1) {
        if !is_run(&window[1..]) && !is_run(&window[..DIGITS_BYTES]) {
            pieces.insert(number(window) >> 4 & DIGITS_MASK | DIGITS_MARK);
        }
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Whether each byte follows the one before at the same distance.
pub(super) fn is_run(bytes: &[u8]) -> bool {
    let mut steps = bytes.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
    let first = steps.next();
    steps.all(|step| Some(step) == first)
}

#[cfg(test)]
mod tests;
