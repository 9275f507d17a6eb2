//! Letters that look like Latin ones: words that mix scripts, and whole phrases
//! written in full-width, mathematical, circled or spaced letters. Source: the
//! rows of Unicode's confusables (UTS #39) whose glyphs are the same in common
//! fonts.

use std::sync::LazyLock;

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
            // Punctuation in full width is how whole languages are written.
            (0xef, Some(0xbc)) => {
                self.styled |= matches!(bytes.get(at + 2), Some(0x90..=0x99 | 0xa1..=0xba));
            }
            (0xef, Some(0xbd)) => {
                self.styled |= matches!(bytes.get(at + 2), Some(0x81..=0x9a));
            }
            (0xf0, Some(0x9d | 0x9f))
            | (0xe2, Some(0x83 | 0x92 | 0x93 | 0xa0..=0xa3))
            | (0xe1, Some(0xaa | 0xab | 0xb4 | 0xb5 | 0xb7))
            | (0xc9 | 0xca | 0xcc, _) => self.styled = true,
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
        if !line.is_ascii() && may_disguise(line) {
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

/// A quick look at what the slow one can find: a word of Latin letters and their
/// twins, a long one or two of twins alone, letters in a row that stand alone, or a
/// styled letter.
fn may_disguise(line: &str) -> bool {
    let (mut word, mut twins, mut alone) = (Word::default(), 0, 0);
    // The gap at the end closes the last word.
    for character in line.chars().chain(['\n']) {
        match Class::of(character) {
            Class::Latin => word.latin += 1,
            Class::Twin => word.twins += 1,
            Class::Other => word.others += 1,
            Class::Styled => return true,
            Class::Gap => {
                twins += usize::from(word.is_twins(2));
                alone = if word.length() == 1 { alone + 1 } else { alone };
                alone = if word.length() > 1 { 0 } else { alone };
                if word.is_twins(4) || twins > 1 || alone > 3 {
                    return true;
                }
                word = Word::default();
            }
        }
        if word.latin > 0 && word.twins > 0 {
            return true;
        }
    }
    false
}

/// Letters of a word, counted.
#[derive(Default)]
struct Word {
    latin: usize,
    twins: usize,
    others: usize,
}

impl Word {
    const fn length(&self) -> usize {
        self.latin + self.twins + self.others
    }

    const fn is_twins(&self, least: usize) -> bool {
        self.twins >= least && self.twins == self.length()
    }
}

/// What a character is to a disguise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Latin,
    /// Looks like a Latin letter.
    Twin,
    /// A letter, or what stands inside words.
    Other,
    /// A Latin letter in another form, or something invisible.
    Styled,
    /// Ends a word.
    Gap,
}

impl Class {
    fn of(character: char) -> Self {
        match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => Self::Latin,
            '\0'..='\u{7f}' | '\u{2010}'..='\u{2049}' | '\u{3000}'..='\u{303f}' => Self::Gap,
            '\u{370}'..='\u{58f}' | '\u{13a0}'..='\u{13f5}' if latin(character).is_some() => {
                Self::Twin
            }
            '\u{ff00}'..='\u{ffef}' => {
                let letter = unstyled(character).is_some_and(|it| it.is_ascii_alphanumeric());
                if letter { Self::Styled } else { Self::Gap }
            }
            _ if is_invisible(character) || unstyled(character).is_some() => Self::Styled,
            _ => Self::Other,
        }
    }
}

/// Characters that [`plain`] leaves out.
const fn is_invisible(character: char) -> bool {
    is_combining(character)
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{34f}')
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

/// Cherokee letters that are drawn as Latin ones.
const CHEROKEE: [(char, char); 25] = [
    ('Ꭺ', 'A'),
    ('Ᏼ', 'B'),
    ('Ꮯ', 'C'),
    ('Ꭰ', 'D'),
    ('Ꭼ', 'E'),
    ('Ꮐ', 'G'),
    ('Ꮋ', 'H'),
    ('Ꭵ', 'i'),
    ('Ꭻ', 'J'),
    ('Ꮶ', 'K'),
    ('Ꮮ', 'L'),
    ('Ꮇ', 'M'),
    ('Ꮲ', 'P'),
    ('Ꭾ', 'P'),
    ('Ꭱ', 'R'),
    ('Ꮢ', 'R'),
    ('Ꮪ', 'S'),
    ('Ꭲ', 'T'),
    ('Ꮩ', 'V'),
    ('Ꮃ', 'W'),
    ('Ꮓ', 'Z'),
    ('Ꮟ', 'b'),
    ('Ꮒ', 'h'),
    ('Ꭹ', 'y'),
    ('Ꮎ', 'o'),
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

/// The first and the last letter of the scripts in [`TWINS`].
const TWINS_BEGIN: u32 = 0x370;
const TWINS_END: u32 = 0x590;

/// [`TWINS`] by the letter; zero for none. Whole texts go through it.
static BY_LETTER: LazyLock<[u8; (TWINS_END - TWINS_BEGIN) as usize]> = LazyLock::new(|| {
    let mut table = [0; (TWINS_END - TWINS_BEGIN) as usize];
    for (alike, latin) in TWINS {
        for character in alike.chars() {
            let index = (character as u32).wrapping_sub(TWINS_BEGIN) as usize;
            if let (Some(entry), Ok(latin)) = (table.get_mut(index), u8::try_from(latin)) {
                *entry = latin;
            }
        }
    }
    table
});

fn latin(character: char) -> Option<char> {
    if matches!(character, '\u{13a0}'..='\u{13f5}') {
        return CHEROKEE.iter().find(|(alike, _)| *alike == character).map(|(_, latin)| *latin);
    }
    let index = (character as u32).wrapping_sub(TWINS_BEGIN) as usize;
    BY_LETTER.get(index).filter(|latin| **latin != 0).map(|latin| char::from(*latin))
}

/// The text in plain letters: styled and look-alike letters replaced, invisible
/// ones left out, letters spaced out drawn together.
pub(super) fn plain(text: &str) -> String {
    let replaced: String = text
        .chars()
        .filter(|each| !is_invisible(*each))
        .map(|each| unstyled(each).or_else(|| latin(each)).unwrap_or(each))
        .collect();
    drawn_together(&replaced)
}

/// Strokes, dots and enclosures drawn over the letter before them.
const fn is_combining(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}')
}

/// The letter of a Braille cell (uncontracted English), whose dots are the bits.
fn braille(code: u32) -> Option<char> {
    const CELLS: [u8; 26] = [
        0x01, 0x03, 0x09, 0x19, 0x11, 0x0b, 0x1b, 0x13, 0x0a, 0x1a, 0x05, 0x07, 0x0d, 0x1d, 0x15,
        0x0f, 0x1f, 0x17, 0x0e, 0x1e, 0x25, 0x27, 0x3a, 0x2d, 0x3d, 0x35,
    ];
    let cell = u8::try_from(code.checked_sub(0x2800)?).ok()?;
    if cell == 0 {
        return Some(' ');
    }
    let index = CELLS.iter().position(|each| *each == cell)?;
    Some((b'a' + u8::try_from(index).ok()?) as char)
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
        0x2800..=0x28ff => braille(code),
        0x249c..=0x24b5 => letter(b'a', code - 0x249c),
        0x1f1e6..=0x1f1ff => letter(b'A', code - 0x1f1e6),
        0x1f130..=0x1f149 => letter(b'A', code - 0x1f130),
        0x1f150..=0x1f169 => letter(b'A', code - 0x1f150),
        0x1f170..=0x1f189 => letter(b'A', code - 0x1f170),
        0x2b0..=0x2e3 | 0x1d2c..=0x1d6a | 0x1d9c..=0x1dbf | 0x2071 | 0x207f | 0x2c7d => {
            const SMALL: &str = "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖ\u{0}ʳˢᵗᵘᵛʷˣʸᶻ";
            const LARGE: &str = "ᴬᴮ\u{0}ᴰᴱ\u{0}ᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾ\u{0}ᴿ\u{0}ᵀᵁⱽᵂ";
            let index = |letters: &str| letters.chars().position(|each| each == character);
            let index = index(SMALL).or_else(|| index(LARGE))?;
            letter(b'a', u32::try_from(index).ok()?)
        }
        0x250..=0x2af | 0x1d00..=0x1d7f | 0xa720..=0xa7ff => {
            const SMALL_CAPITALS: &str = "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡ\u{0}ʏᴢ";
            let index = SMALL_CAPITALS.chars().position(|each| each == character && code != 0)?;
            letter(b'a', u32::try_from(index).ok()?)
        }
        _ => None,
    }
}

/// `i g n o r e` becomes `ignore`; two spaces or more end a word.
pub(super) fn drawn_together(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    // What is no ASCII can stay a letter: only ASCII ones make words here.
    let letter = |each: &char| each.is_ascii_alphanumeric() || !each.is_ascii();
    let spaced = |at: usize| {
        characters.get(at).is_some_and(letter)
            && characters.get(at + 1).is_some_and(|each| matches!(each, ' ' | '.' | '-' | '_'))
            && characters.get(at + 2).is_some_and(letter)
            && characters.get(at + 3).is_none_or(|each| !letter(each))
    };
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let begins = at == 0 || !letter(&characters[at - 1]);
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
