//! Letters that look like Latin ones: words that mix scripts, and whole phrases
//! written in full-width, mathematical, circled or spaced letters. Source: the
//! rows of Unicode's confusables (UTS #39) whose glyphs are the same in common
//! fonts.

use super::suspicious::{Zone, is_suspicious};
use super::{Found, HiddenKind};

/// Lines looked at in one text.
const LINES_MAX: usize = 20_000;

/// Which letters of other scripts a text holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Letters {
    /// Greek, Cyrillic, Armenian, Cherokee.
    other_scripts: bool,
    /// Full-width, mathematical, circled, small capitals, invisible.
    styled: bool,
}

impl Letters {
    /// Notes the character at byte `at`, from its first bytes alone.
    pub(super) fn note(&mut self, bytes: &[u8], at: usize) {
        match (bytes[at], bytes.get(at + 1)) {
            (0xcd..=0xd6, _) | (0xe1, Some(0x8e | 0x8f)) => self.other_scripts = true,
            (0xef, Some(0xbc | 0xbd))
            | (0xf0, Some(0x9d | 0x9f))
            | (0xe2, Some(0x92 | 0x93))
            | (0xe1, Some(0xb4 | 0xb5))
            | (0xc9 | 0xca, _) => self.styled = true,
            _ => {}
        }
    }

    /// Notes that something invisible was kept, such as a soft hyphen.
    pub(super) fn note_invisible(&mut self) {
        self.styled = true;
    }
}

/// Looks at lines with such letters.
pub(super) fn inspect(text: &str, letters: Letters, found: &mut Found<'_>) {
    let mut at = 0;
    for line in text.split_inclusive('\n').take(LINES_MAX) {
        if !line.is_ascii() {
            if letters.other_scripts {
                words(line, at, found);
            }
            let plain = plain(line);
            if plain != line
                && is_suspicious(&plain, Zone::Hidden)
                && !is_suspicious(line, Zone::Hidden)
            {
                found.add(HiddenKind::Disguised, at, line);
            }
        }
        at += line.len();
    }
}

/// Words of Latin letters and others that look like them; whole words of
/// look-alikes in an otherwise Latin line.
fn words(line: &str, at: usize, found: &mut Found<'_>) {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let other_text = line.chars().any(|each| is_other(each) && twin(each).is_none());
    for word in line.split(|character| !is_word(character)).filter(|word| !word.is_ascii()) {
        let latin = word.chars().filter(char::is_ascii_alphabetic).count();
        let others = word.chars().filter(|each| is_other(*each)).count();
        let twins = word.chars().filter(|each| is_other(*each) && twin(*each).is_some()).count();
        let all_twins = others > 0 && twins == others;
        let mixed = latin >= 2 && all_twins && word.chars().count() >= 3;
        let whole = latin == 0 && all_twins && twins >= 4 && !other_text && has_latin_word(line);
        if mixed || whole {
            let from = word.as_ptr() as usize - line.as_ptr() as usize;
            found.add(HiddenKind::MixedScript, at + from, word);
        }
    }
}

fn has_latin_word(line: &str) -> bool {
    line.split(|each: char| !each.is_ascii_alphabetic()).any(|word| word.len() >= 3)
}

/// Greek, Cyrillic, Armenian or Cherokee.
fn is_other(character: char) -> bool {
    character.is_alphabetic()
        && matches!(character, '\u{370}'..='\u{58f}' | '\u{13a0}'..='\u{13ff}' | '\u{1f00}'..='\u{1fff}')
}

/// Look-alikes, each followed by its Latin twin.
const TWINS: [(&str, char); 39] = [
    ("а", 'a'),
    ("АΑ", 'A'),
    ("ВΒ", 'B'),
    ("сϲ", 'c'),
    ("СϹ", 'C'),
    ("ԁ", 'd'),
    ("е", 'e'),
    ("ЕΕ", 'E'),
    ("ց", 'g'),
    ("һհ", 'h'),
    ("НΗ", 'H'),
    ("іι", 'i'),
    ("ІΙӀӏ", 'l'),
    ("јϳ", 'j'),
    ("Ј", 'J'),
    ("КΚ", 'K'),
    ("κ", 'k'),
    ("МΜ", 'M'),
    ("ո", 'n'),
    ("Ν", 'N'),
    ("оοօ", 'o'),
    ("ОΟՕ", 'O'),
    ("рρ", 'p'),
    ("РΡ", 'P'),
    ("ԛ", 'q'),
    ("ѕ", 's'),
    ("ЅՏ", 'S'),
    ("ТΤ", 'T'),
    ("τ", 't'),
    ("սυ", 'u'),
    ("Ս", 'U'),
    ("νѵ", 'v'),
    ("ԝѡ", 'w'),
    ("хχ", 'x'),
    ("ХΧ", 'X'),
    ("у", 'y'),
    ("УΥ", 'Y'),
    ("Ζ", 'Z'),
    ("г", 'r'),
];

/// Greek letters that stand in words of formulas and units (`hν`, `χ2`, `ρ0`)
/// are no disguise there, nor is the Cyrillic г, which only phrases need.
const WEAK: &str = "ικρτυνχг";

/// The Latin letter that looks the same.
fn twin(character: char) -> Option<char> {
    if WEAK.contains(character) {
        return None;
    }
    latin(character)
}

fn latin(character: char) -> Option<char> {
    TWINS.iter().find(|(alike, _)| alike.contains(character)).map(|(_, latin)| *latin)
}

/// The text in plain letters: styled and look-alike letters replaced, invisible
/// ones left out, letters spaced out drawn together.
pub(super) fn plain(text: &str) -> String {
    let replaced: String = text
        .chars()
        .filter(|each| !matches!(each, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{34f}'))
        .map(|each| unstyled(each).or_else(|| latin(each)).unwrap_or(each))
        .collect();
    drawn_together(&replaced)
}

/// The ASCII character of a styled one (Unicode compatibility forms).
fn unstyled(character: char) -> Option<char> {
    let code = character as u32;
    let letter = |first: u8, index: u32| Some((first + u8::try_from(index).ok()?) as char);
    match code {
        0xff01..=0xff5e => letter(b'!', code - 0xff01),
        0x1d400..=0x1d6a3 => {
            let index = (code - 0x1d400) % 52;
            if index < 26 { letter(b'A', index) } else { letter(b'a', index - 26) }
        }
        0x1d7ce..=0x1d7ff => letter(b'0', (code - 0x1d7ce) % 10),
        0x24b6..=0x24cf => letter(b'A', code - 0x24b6),
        0x24d0..=0x24e9 => letter(b'a', code - 0x24d0),
        0x249c..=0x24b5 => letter(b'a', code - 0x249c),
        0x1f130..=0x1f149 => letter(b'A', code - 0x1f130),
        0x1f150..=0x1f169 => letter(b'A', code - 0x1f150),
        0x1f170..=0x1f189 => letter(b'A', code - 0x1f170),
        _ => {
            const SMALL_CAPITALS: &str = "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡ\u{0}ʏᴢ";
            let index = SMALL_CAPITALS.chars().position(|each| each == character && code != 0)?;
            letter(b'a', u32::try_from(index).ok()?)
        }
    }
}

/// `i g n o r e` becomes `ignore`; two spaces or more end a word.
pub(super) fn drawn_together(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let spaced = |at: usize| {
        characters.get(at).is_some_and(|each| each.is_alphanumeric())
            && characters.get(at + 1).is_some_and(|each| matches!(each, ' ' | '.' | '-' | '_'))
            && characters.get(at + 2).is_some_and(|each| each.is_alphanumeric())
            && characters.get(at + 3).is_none_or(|each| !each.is_alphanumeric())
    };
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let begins = at == 0 || !characters[at - 1].is_alphanumeric();
        result.push(characters[at]);
        if begins && spaced(at) && spaced(at + 2) {
            // A run of at least three single letters.
            while spaced(at) {
                at += 2;
                result.push(characters[at]);
            }
        }
        at += 1;
    }
    result
}
