//! Characters nobody sees: kept where a script or an emoji needs them, shown as
//! escapes elsewhere, reported where they can only be there to hide something.
//! Sources: Unicode 16 (UAX #9, UTS #39, UTS #51, chapter 23).

use std::borrow::Cow;
use std::fmt::Write as _;

use super::look_alike::Letters;
use super::sequences::{Sequence, sequence};
use super::{Found, HiddenKind};

/// Longer runs of invisible characters are named, not written out.
const RUN_SHOWN_MAX: usize = 8;

/// The text made visible, and what else was noticed on the way.
pub(super) struct Seen<'t> {
    pub(super) text: Cow<'t, str>,
    /// Letters that can look like Latin ones.
    pub(super) letters: Letters,
    /// Something moves the cursor, goes back or erases.
    pub(super) edits_screen: bool,
}

/// Makes `text` visible; borrows when there is nothing to do.
pub(super) fn reveal<'t>(text: &'t str, found: &mut Found<'_>) -> Seen<'t> {
    let mut pass = Pass { text, out: String::new(), copied: 0, edits_screen: false };
    let mut letters = Letters::default();
    let (mut sequences, mut bidi_line) = (super::sequences::Colours::default(), None);
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if is_plain(byte) {
            at += 1 + plain_blocks(&bytes[at + 1..]);
            continue;
        }
        if byte >= 0x80 && !may_be_special(byte) {
            letters.note(bytes, at);
            at += utf8_length(byte);
            continue;
        }
        let Some(character) = text[at..].chars().next() else { break };
        if let Some(Sequence { length, shown, kind }) = sequence(&text[at..], &mut sequences) {
            pass.edits_screen |= shown;
            if let Some(kind) = kind {
                found.add(kind, at, &text[at..at + length]);
            }
            pass.replace(at, length, if shown { Shown::Escaped } else { Shown::Nothing });
            at += length;
        } else if is_control(character) {
            if character == '\r' && bytes.get(at + 1) == Some(&b'\n') {
                at += 1;
                continue;
            }
            if let Some(before) = overstruck(text, at) {
                pass.replace(at - before, before + 1, Shown::Nothing);
                at += 1;
                continue;
            }
            pass.edits_screen |= matches!(character, '\r' | '\u{8}');
            pass.replace(at, character.len_utf8(), Shown::Escaped);
            at += character.len_utf8();
        } else if is_invisible(character) {
            let length = run_length(&text[at..]);
            let run = Run::new(text, at, length);
            if run.text.chars().any(is_bidi) {
                let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
                if bidi_line != Some(start) {
                    bidi_line = Some(start);
                    inspect_direction(text, start, found);
                }
            }
            let judged = run.judge(text);
            if let Some(kind) = judged.kind {
                found.add(kind, at, &named(run.text));
            }
            letters.note_invisible();
            if !judged.keep {
                pass.replace(at, length, Shown::Escaped);
            }
            at += length;
        } else {
            letters.note(bytes, at);
            at += character.len_utf8();
        }
    }
    pass.finish(letters)
}

/// The bytes of the character that a backspace at `at` takes back where a pager
/// shows the next in bold or underlined instead: the same one, or a line under it.
fn overstruck(text: &str, at: usize) -> Option<usize> {
    let after = text[at..].strip_prefix('\u{8}')?.chars().next()?;
    let before = text[..at].chars().next_back()?;
    let drawn = !after.is_control() && !is_invisible(after);
    (drawn && (before == after || before == '_')).then(|| before.len_utf8())
}

enum Shown {
    Nothing,
    Escaped,
}

struct Pass<'t> {
    text: &'t str,
    out: String,
    copied: usize,
    edits_screen: bool,
}

impl<'t> Pass<'t> {
    fn replace(&mut self, at: usize, length: usize, shown: Shown) {
        self.out.push_str(&self.text[self.copied..at]);
        if let Shown::Escaped = shown {
            self.out.push_str(&written(&self.text[at..at + length]));
        }
        self.copied = at + length;
    }

    fn finish(mut self, letters: Letters) -> Seen<'t> {
        let text = if self.copied == 0 {
            Cow::Borrowed(self.text)
        } else {
            self.out.push_str(&self.text[self.copied..]);
            Cow::Owned(self.out)
        };
        Seen { text, letters, edits_screen: self.edits_screen }
    }
}

/// Every character as an escape; many invisible ones by their number.
fn written(text: &str) -> String {
    let count = text.chars().count();
    if count > RUN_SHOWN_MAX && text.chars().all(is_invisible) {
        return format!("[{count} invisible characters]");
    }
    let mut shown = String::new();
    for character in text.chars() {
        match character {
            '\u{1b}' => shown.push_str("\\e"),
            '\r' => shown.push_str("\\r"),
            '\u{8}' => shown.push_str("\\b"),
            '\u{7}' => shown.push_str("\\a"),
            other if is_control(other) || is_invisible(other) => {
                // Writing to a String can't fail.
                let _ = write!(shown, "\\u{{{:x}}}", other as u32);
            }
            other => shown.push(other),
        }
    }
    shown
}

/// What an invisible run says, where that can be told.
fn named(run: &str) -> String {
    let tags: String = run
        .chars()
        .filter_map(|tag| char::from_u32((tag as u32).checked_sub(0xe0000)?))
        .filter(|character| (' '..='~').contains(character))
        .collect();
    let count = run.chars().count();
    if tags.is_empty() { written(run) } else { format!("{count} tag characters: {tags}") }
}

/// Bytes of whole blocks at the begin in which every byte is plain. Without an
/// early end inside a block the compiler compares many bytes at once.
fn plain_blocks(bytes: &[u8]) -> usize {
    const BLOCK: usize = 32;
    let plain = |block: &&[u8]| block.iter().fold(true, |all, byte| all & is_plain(*byte));
    BLOCK * bytes.chunks_exact(BLOCK).take_while(plain).count()
}

const fn is_plain(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\t' | 0x20..=0x7e)
}

/// Whether a character that begins with this byte can be a control or
/// invisible; the others are skipped unread.
const fn may_be_special(byte: u8) -> bool {
    matches!(byte, 0xc2 | 0xcd | 0xd8 | 0xe1 | 0xe2 | 0xe3 | 0xef | 0xf3)
}

const fn utf8_length(byte: u8) -> usize {
    match byte {
        0xf0.. => 4,
        0xe0.. => 3,
        _ => 2,
    }
}

fn is_control(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

fn is_tag(character: char) -> bool {
    matches!(character, '\u{e0000}'..='\u{e007f}')
}

fn is_selector(character: char) -> bool {
    matches!(character, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

fn is_bidi(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_mark(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{61c}')
}

fn is_invisible(character: char) -> bool {
    is_tag(character)
        || is_selector(character)
        || is_bidi(character)
        || is_mark(character)
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}'
            | '\u{206a}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{e0080}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}')
}

fn run_length(text: &str) -> usize {
    text.char_indices().find(|(_, each)| !is_invisible(*each)).map_or(text.len(), |(at, _)| at)
}

/// Letters that Latin words are made of, and those that are mistaken for them.
fn is_western(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || character.is_alphabetic() && matches!(character, '\u{c0}'..='\u{52f}')
}

/// Scripts that join letters, or need joiners between them.
fn joins(character: char) -> bool {
    matches!(character,
        '\u{600}'..='\u{8ff}' | '\u{900}'..='\u{109f}' | '\u{1780}'..='\u{18af}'
        | '\u{1900}'..='\u{1cff}' | '\u{a800}'..='\u{abff}' | '\u{fb50}'..='\u{fdff}'
        | '\u{fe70}'..='\u{fefe}' | '\u{10a00}'..='\u{11fff}' | '\u{1e900}'..='\u{1e95f}')
}

/// Scripts written without spaces, where a zero-width space ends a word.
fn is_unspaced(character: char) -> bool {
    matches!(character,
        '\u{e00}'..='\u{fff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{1950}'..='\u{1aaf}' | '\u{2e80}'..='\u{9fff}' | '\u{a9e0}'..='\u{a9ff}'
        | '\u{aa60}'..='\u{aadf}' | '\u{ac00}'..='\u{d7ff}' | '\u{ff00}'..='\u{ffef}')
}

fn is_pictographic(character: char) -> bool {
    matches!(character,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
        | '\u{2190}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}'
        | '\u{1f000}'..='\u{1faff}')
}

fn is_right_to_left(character: char) -> bool {
    matches!(character, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
        && !is_mark(character)
}

/// Invisible characters in a row, and what stands beside them.
struct Run<'t> {
    text: &'t str,
    at: usize,
    before: Option<char>,
    after: Option<char>,
}

/// What becomes of a run.
struct Judged {
    keep: bool,
    kind: Option<HiddenKind>,
}

const KEPT: Judged = Judged { keep: true, kind: None };
const SHOWN: Judged = Judged { keep: false, kind: None };

const fn reported(kind: HiddenKind) -> Judged {
    Judged { keep: false, kind: Some(kind) }
}

impl<'t> Run<'t> {
    fn new(text: &'t str, at: usize, length: usize) -> Self {
        Self {
            text: &text[at..at + length],
            at,
            before: text[..at].chars().next_back(),
            after: text[at + length..].chars().next(),
        }
    }

    fn judge(&self, whole: &str) -> Judged {
        let mut characters = self.text.chars();
        let (first, second, third) = (characters.next(), characters.next(), characters.next());
        if self.text.chars().any(is_tag) {
            let flag = self.before == Some('\u{1f3f4}') && is_flag(self.text);
            return if flag { KEPT } else { reported(HiddenKind::TagCharacters) };
        }
        match (first, second, third) {
            (Some(only), None, _) => self.judge_one(only, whole),
            // An emoji's selector before its joiner.
            (Some('\u{fe0f}'), Some('\u{200d}'), None) if self.is_between(is_pictographic) => KEPT,
            _ if self.text.chars().all(|each| is_mark(each) || is_bidi(each)) => {
                let many = self.text.chars().filter(|each| is_mark(*each)).count() > 2;
                if many { reported(HiddenKind::ZeroWidth) } else { SHOWN }
            }
            _ if self.text.chars().all(|each| each == '\u{2800}') && self.is_braille() => KEPT,
            _ if self.text.chars().any(is_selector) => reported(HiddenKind::VariationSelectors),
            _ => reported(HiddenKind::ZeroWidth),
        }
    }

    fn judge_one(&self, only: char, whole: &str) -> Judged {
        let western = self.is_between(is_western);
        let suspect = if western { reported(HiddenKind::ZeroWidth) } else { SHOWN };
        let needed = match only {
            each if is_selector(each) => return self.judge_selector(each),
            each if is_bidi(each) => return SHOWN,
            each if is_mark(each) => whole.chars().any(is_right_to_left),
            '\u{200d}' => self.is_between(is_pictographic_part) || self.touches(joins),
            '\u{200c}' => self.touches(joins),
            '\u{200b}' => self.touches(is_unspaced) || self.touches(joins),
            '\u{ad}' => self.is_hyphenation(whole),
            '\u{feff}' if self.at == 0 => true,
            // `10⁠km`: a number stays with its unit.
            '\u{2060}' if self.before.is_some_and(|before| before.is_ascii_digit()) => true,
            '\u{2060}' | '\u{feff}' => !self.touches(char::is_alphabetic),
            '\u{34f}' => self.before.is_some_and(|before| !is_western(before)),
            '\u{17b4}' | '\u{17b5}' => self.touches(joins),
            '\u{180b}'..='\u{180f}' => self.touches(joins),
            '\u{2061}'..='\u{2064}' => return SHOWN,
            '\u{2800}' => self.is_braille(),
            '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => {
                let hangul = |each: char| matches!(each, '\u{1100}'..='\u{11ff}' | '\u{3131}'..='\u{318e}' | '\u{ac00}'..='\u{d7ff}');
                return if self.touches(hangul) { KEPT } else { reported(HiddenKind::ZeroWidth) };
            }
            _ => return reported(HiddenKind::ZeroWidth),
        };
        if needed { KEPT } else { suspect }
    }

    fn judge_selector(&self, selector: char) -> Judged {
        let selects = self.before.is_some_and(|before| match selector {
            '\u{e0100}'..='\u{e01ef}' => {
                matches!(before, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
            }
            '\u{fe0e}' | '\u{fe0f}' => {
                is_pictographic(before) || before.is_ascii_digit() || matches!(before, '#' | '*')
            }
            _ => !before.is_ascii() && !is_pictographic_only(before),
        });
        if selects { KEPT } else { reported(HiddenKind::VariationSelectors) }
    }

    /// A soft hyphen inside a long word, where a hyphen could stand.
    fn is_hyphenation(&self, whole: &str) -> bool {
        let letter = |each: &char| each.is_alphabetic() || *each == '\u{ad}';
        let left = whole[..self.at].chars().rev().take_while(letter);
        let right = whole[self.at..].chars().take_while(letter);
        let near = |characters: &mut dyn Iterator<Item = char>| {
            characters.filter(|each| *each != '\u{ad}').take(40).count()
        };
        let (left, right) = (near(&mut left.into_iter()), near(&mut right.into_iter()));
        left >= 2 && right >= 2 && left + right >= 6
    }

    fn is_braille(&self) -> bool {
        self.touches(|each| matches!(each, '\u{2801}'..='\u{28ff}'))
    }

    fn touches(&self, is: impl Fn(char) -> bool) -> bool {
        self.before.is_some_and(&is) || self.after.is_some_and(&is)
    }

    fn is_between(&self, is: impl Fn(char) -> bool) -> bool {
        self.before.is_some_and(&is) && self.after.is_some_and(&is)
    }
}

fn is_pictographic_part(character: char) -> bool {
    is_pictographic(character) || is_selector(character) || is_tag(character)
}

fn is_pictographic_only(character: char) -> bool {
    matches!(character, '\u{1f000}'..='\u{1faff}')
}

/// England, Scotland, Wales, and the states of the USA: what follows a black
/// flag, ended by the cancel tag.
fn is_flag(tags: &str) -> bool {
    let text: Option<String> =
        tags.chars().map(|tag| char::from_u32((tag as u32).checked_sub(0xe0000)?)).collect();
    text.as_deref().and_then(|text| text.strip_suffix('\u{7f}')).is_some_and(|region| {
        let state = region.strip_prefix("us");
        matches!(region, "gbeng" | "gbsct" | "gbwls" | "gbnir")
            || state.is_some_and(|it| it.len() == 2 && it.bytes().all(|b| b.is_ascii_lowercase()))
    })
}

/// Explicit direction that stays open at a line's end, overrides, or turns
/// text around that has nothing to turn (Trojan Source, CVE-2021-42574).
fn inspect_direction(text: &str, start: usize, found: &mut Found<'_>) {
    let line = text[start..].split('\n').next().unwrap_or_default();
    let mut open: Vec<char> = Vec::new();
    let mut wrong = false;
    for character in line.chars() {
        match character {
            '\u{202d}' | '\u{202e}' => wrong = true,
            '\u{202a}' | '\u{202b}' | '\u{2066}'..='\u{2068}' => open.push(character),
            '\u{202c}' => wrong |= !matches!(open.pop(), Some('\u{202a}' | '\u{202b}')),
            '\u{2069}' => wrong |= !matches!(open.pop(), Some('\u{2066}'..='\u{2068}')),
            _ => {}
        }
        wrong |= open.len() > 16;
    }
    let turns = line.contains(['\u{202b}', '\u{2067}']);
    let nothing_to_turn = turns && !line.chars().any(is_right_to_left);
    if wrong || !open.is_empty() || nothing_to_turn {
        found.add(HiddenKind::Bidi, start, line);
    }
}
