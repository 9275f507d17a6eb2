//! Makes hostile text harmless on a terminal: what could move the cursor,
//! change colours, reorder or hide text is shown as visible escapes.

use std::fmt::Write as _;

use crate::Untrusted;
use crate::raw_name::byte_of;

/// Renders untrusted text for a terminal; newlines and tabs stay.
#[expect(clippy::disallowed_methods, reason = "this is the escaping renderer")]
pub fn escape_for_terminal(text: &Untrusted<String>) -> String {
    escape_block(text.expose())
}

/// Renders a command that a person is asked about: beside what [`escape_for_terminal`]
/// escapes, whatever the eye takes for something else in it. Those are blanks
/// that are no ASCII blanks, joiners and variation selectors, and letters of
/// other alphabets within a word of Latin ones. Newlines and tabs stay.
#[expect(clippy::disallowed_methods, reason = "this is the escaping renderer")]
pub fn escape_command(text: &Untrusted<String>) -> String {
    let mut shown = String::with_capacity(text.expose().len());
    for (character, alike) in with_likeness(text.expose()) {
        if alike || is_lost_in_a_command(character) {
            shown.push_str(&code_point(character));
        } else {
            shown.push_str(&escape_block(character.encode_utf8(&mut [0; 4])));
        }
    }
    shown
}

/// Renders a file name on one line: beside what [`escape_line`] escapes, blanks that are
/// no single ASCII blank within it, letters of other alphabets within a word of Latin
/// ones, Latin letters of another form, marks that stand apart from their letter, what
/// joins or changes pictures (terminals disagree on their width), and what looks like the
/// stroke or dot of a path and is none.
pub fn escape_name(name: &str) -> String {
    name_pieces(name).into_iter().map(|(piece, _)| piece).collect()
}

/// The same in pieces; `true` are the escapes.
pub fn name_pieces(name: &str) -> Vec<(String, bool)> {
    let mut pieces: Vec<(String, bool)> = Vec::new();
    // Where the name begins and ends nobody sees a blank.
    let (mut before, last) = (' ', name.chars().count().saturating_sub(1));
    for (at, (character, alike)) in with_likeness(name).into_iter().enumerate() {
        let blank = character == ' ' && (before == ' ' || before == '/' || at == last);
        let lost = is_lost_after(before, character);
        let foreign = character.is_whitespace() && !character.is_ascii();
        let (piece, is_escape) = match () {
            () if alike || blank || foreign || lost || is_path_alike(character) => {
                (code_point(character), true)
            }
            () if is_decomposed(character)
                || joins_pictures(before, character)
                || changes_pictures(character) =>
            {
                (code_point(character), true)
            }
            () if is_deceptive(character) => {
                (escape_line(character.encode_utf8(&mut [0; 4])), true)
            }
            () => (character.to_string(), false),
        };
        before = if is_escape { '}' } else { character };
        match pieces.last_mut() {
            Some((text, known)) if *known == is_escape => text.push_str(&piece),
            _ => pieces.push((piece, is_escape)),
        }
    }
    pieces
}

fn code_point(character: char) -> String {
    format!("\\u{{{:x}}}", character as u32)
}

/// Every character, and whether it passes for a Latin letter where it stands.
fn with_likeness(text: &str) -> Vec<(char, bool)> {
    let mut characters = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|each: char| !each.is_alphanumeric()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end.max(first.len_utf8()));
        let latin = word.chars().any(|each| each.is_ascii_alphabetic());
        let alike = |each: char| is_latin_alike(each) || latin && is_letter_alike(each);
        characters.extend(word.chars().map(|each| (each, alike(each))));
        rest = after;
    }
    characters
}

/// Strokes and dots of other forms: in a name they pass for a path's own.
fn is_path_alike(character: char) -> bool {
    matches!(
        character,
        '\u{2024}' | '\u{2044}' | '\u{2215}' | '\u{29f8}' | '\u{fe52}' | '\u{ff0e}' | '\u{ff0f}'
    )
}

/// Latin letters of another form: full-width, mathematical, in ligatures, Roman numerals
/// and other characters that UAX #15 takes for ASCII letters (NFKC); and small capitals.
fn is_latin_alike(character: char) -> bool {
    let circled = matches!(character, '\u{249c}'..='\u{24e9}' | '\u{1f110}'..='\u{1f14f}');
    let unit = matches!(character, '\u{3371}'..='\u{33df}');
    let form = matches!(character, '\u{ff01}'..='\u{ff5e}' | '\u{1d400}'..='\u{1d7ff}' | '\u{fb00}'..='\u{fb06}'
        | '\u{aa}' | '\u{ba}' | '\u{132}' | '\u{133}' | '\u{17f}' | '\u{1c4}'..='\u{1cc}' | '\u{1f1}'..='\u{1f3}'
        | '\u{2b0}'..='\u{2b8}' | '\u{2e1}'..='\u{2e3}' | '\u{2071}' | '\u{207f}' | '\u{2090}'..='\u{209c}'
        | '\u{2100}'..='\u{214f}' | '\u{2160}'..='\u{2188}' | '\u{2c7c}' | '\u{2c7d}' | '\u{a7f2}'..='\u{a7f9}'
        | '\u{ab5c}'..='\u{ab69}' | '\u{10780}'..='\u{107ba}' | '\u{1d00}'..='\u{1dbf}');
    let small_capital = matches!(
        character,
        '\u{251}'
            | '\u{261}'
            | '\u{262}'
            | '\u{26a}'
            | '\u{274}'
            | '\u{280}'
            | '\u{28f}'
            | '\u{299}'
            | '\u{29c}'
            | '\u{29f}'
            | '\u{a730}'
            | '\u{a731}'
    );
    circled || unit || small_capital || form && character.is_alphanumeric()
}

/// Marks that stand apart from the letter they change, where a name usually has both in
/// one (UAX #15, NFC), strokes through a letter, and characters that the normal form
/// replaces. Marks of scripts that have no such letters are none of these.
fn is_decomposed(character: char) -> bool {
    matches!(character,
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20e2}'
        | '\u{20e4}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}' | '\u{3099}' | '\u{309a}'
        | '\u{1161}'..='\u{11ff}' | '\u{37e}' | '\u{387}' | '\u{1fef}' | '\u{2329}' | '\u{232a}'
        | '\u{f900}'..='\u{faff}' | '\u{2f800}'..='\u{2fa1f}')
}

/// A joiner that does not follow a letter of a script that joins (Arabic to Sinhala,
/// Mongolian).
fn joins_pictures(before: char, character: char) -> bool {
    character == '\u{200d}' && !matches!(before, '\u{600}'..='\u{dff}' | '\u{1800}'..='\u{18af}')
}

/// Variation selectors, skin tones, the key cap, and the letters of which flags are made.
fn changes_pictures(character: char) -> bool {
    matches!(character,
        '\u{fe00}'..='\u{fe0f}' | '\u{20e3}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{1f1e6}'..='\u{1f1ff}')
}

/// Letters of alphabets that share shapes with the Latin one: Greek, Cyrillic,
/// Armenian, Cherokee, Coptic, Lisu.
fn is_letter_alike(character: char) -> bool {
    matches!(character, '\u{370}'..='\u{58f}' | '\u{2c80}'..='\u{2cff}' | '\u{a4d0}'..='\u{a4ff}' | '\u{13a0}'..='\u{13ff}' | '\u{1c80}'..='\u{1c8f}'
        | '\u{1f00}'..='\u{1fff}' | '\u{2de0}'..='\u{2dff}' | '\u{a640}'..='\u{a69f}')
}

/// What looks like a blank or like nothing, and is neither to a shell.
fn is_lost_in_a_command(character: char) -> bool {
    let blank = character.is_whitespace() && !character.is_ascii();
    blank || matches!(character, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

/// Escapes everything that is not plainly visible but newline and tab.
pub fn escape_block(text: &str) -> String {
    escape(text, |character| matches!(character, '\n' | '\t'))
}

/// Escapes everything that is not plainly visible, newline and tab included:
/// the result is one line.
pub fn escape_line(text: &str) -> String {
    escape(text, |_| false)
}

fn escape(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut before = ' ';
    for character in text.chars() {
        let lost = is_lost_after(before, character);
        before = character;
        if !lost && (keep(character) || !is_deceptive(character)) {
            shown.push(character);
            continue;
        }
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            '\u{1b}' => shown.push_str("\\e"),
            other if byte_of(other).is_some() => {
                let byte = byte_of(other).unwrap_or_default();
                let _ = write!(shown, "\\x{byte:02x}");
            }
            other => {
                // Writing to a String can't fail.
                let _ = write!(shown, "\\u{{{:x}}}", other as u32);
            }
        }
    }
    shown
}

/// Joiners and variation selectors belong to emoji and to scripts that join; after
/// an ASCII character nobody sees them. `#️⃣` and its kin are digits with one.
fn is_lost_after(before: char, character: char) -> bool {
    let joins = matches!(character, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
    let keycap = matches!(character, '\u{fe0e}' | '\u{fe0f}')
        && (before.is_ascii_digit() || matches!(before, '#' | '*'));
    joins && before.is_ascii() && !keycap
}

/// Whether a character could act on a terminal or deceive the eye: C0/C1
/// controls, bidi controls (UAX #9), zero-width and tag characters, variation
/// selector supplements, line and paragraph separators, private use.
pub fn is_deceptive(character: char) -> bool {
    if matches!(character, ' '..='~') {
        return false;
    }
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{e0fff}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{f0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_hides_nothing_from_the_eye() {
        let shown = |text: &str| escape_command(&text.into());
        assert_eq!(
            shown("git\u{a0}push r\u{200d}m x\u{fe0f}"),
            "git\\u{a0}push r\\u{200d}m x\\u{fe0f}"
        );
        assert_eq!(shown("curl https://\u{435}xample.com"), "curl https://\\u{435}xample.com");
        assert_eq!(shown("\u{ff52}\u{ff4d} -rf x"), "\\u{ff52}\\u{ff4d} -rf x");
        assert_eq!(shown("ls\u{202e}\u{1b}[2K\r"), "ls\\u{202e}\\e[2K\\r");
        // Text of another alphabet stays text.
        for text in ["git commit -m 'Привет, мир — ok'", "echo 日本語 naïve Ünï", "a\tb\nc"]
        {
            assert_eq!(shown(text), text);
        }
    }

    #[test]
    fn a_name_hides_nothing_from_the_eye() {
        for (name, expected) in [
            (
                "a\u{a0}b\u{2003}c\u{202f}d\u{3000}e\tf",
                "a\\u{a0}b\\u{2003}c\\u{202f}d\\u{3000}e\\tf",
            ),
            (" a  b.txt ", "\\u{20}a \\u{20}b.txt\\u{20}"),
            ("src/ x", "src/\\u{20}x"),
            ("p\u{430}ypal.py", "p\\u{430}ypal.py"),
            ("src/\u{3c1}lain.rs", "src/\\u{3c1}lain.rs"),
            ("src\u{2215}lib.rs", "src\\u{2215}lib.rs"),
            ("\u{fb01}le.txt", "\\u{fb01}le.txt"),
            ("\u{217f}ain.rs", "\\u{217f}ain.rs"),
            (
                "m\u{1d00}\u{26a}n \u{29f}s \u{24d0} \u{33cf}",
                "m\\u{1d00}\\u{26a}n \\u{29f}s \\u{24d0} \\u{33cf}",
            ),
            ("e\u{301}.txt", "e\\u{301}.txt"),
            ("a\u{335}b \u{438}\u{306}", "a\\u{335}b \u{438}\\u{306}"),
            (
                "\u{304b}\u{3099} \u{1112}\u{1161}\u{11ab}",
                "\u{304b}\\u{3099} \u{1112}\\u{1161}\\u{11ab}",
            ),
            ("\u{212a}.md", "\\u{212a}.md"),
            ("👩\u{200d}💻.png", "👩\\u{200d}💻.png"),
            ("❤\u{fe0f} 1\u{fe0f}\u{20e3}.png", "❤\\u{fe0f} 1\\u{fe0f}\\u{20e3}.png"),
            ("👍\u{1f3fd}.png 🇩🇪", "👍\\u{1f3fd}.png \\u{1f1e9}\\u{1f1ea}"),
            ("a\u{1b}[2J\u{202e}\u{200d}x\n", "a\\e[2J\\u{202e}\\u{200d}x\\n"),
        ] {
            assert_eq!(escape_name(name), expected);
            let shown = escape_name(name);
            assert_eq!(escape_name(&shown), shown, "what is shown shows itself");
        }
        // Names of another alphabet stay names.
        for name in [
            "docs/Отчёт за май.txt",
            "日本語 メモ.md",
            "naïve Ünï.rs",
            "Ελλάδα_v2.txt",
            "שלום.txt",
            "a b c.txt",
            "नमस्ते.txt",
            "क्\u{200d}ष.txt",
            "Việt Nam №5 ½ x².txt",
            "한국어 がぎ.md",
            "👩 ❤ 1.png",
            "файл-2.rs",
        ] {
            assert_eq!(escape_name(name), name);
        }
        let pieces = name_pieces("a\u{a0}\u{a0}b");
        let flags: Vec<_> =
            pieces.iter().map(|(text, is_escape)| (text.as_str(), *is_escape)).collect();
        assert_eq!(flags, [("a", false), ("\\u{a0}\\u{a0}", true), ("b", false)]);
    }

    #[test]
    fn escape_sequences_become_text() {
        assert_eq!(escape_line("a\u{1b}[2Jb\r\n"), "a\\e[2Jb\\r\\n");
        assert_eq!(escape_block("a\tb\nc"), "a\tb\nc");
    }

    #[test]
    fn bidi_and_zero_width_become_visible() {
        assert_eq!(escape_line("x\u{202e}y\u{200b}"), "x\\u{202e}y\\u{200b}");
        assert_eq!(escape_line("n\u{200d}x a\u{fe0f}"), "n\\u{200d}x a\\u{fe0f}");
        assert_eq!(escape_line("\u{200d}x\u{1d173}"), "\\u{200d}x\\u{1d173}");
    }

    #[test]
    fn ordinary_scripts_and_emoji_joiners_pass() {
        for text in
            ["שלום", "日本語", "नमस्ते", "👩\u{200d}💻", "naïve", "1\u{fe0f}\u{20e3}", "❤\u{fe0f}"]
        {
            assert_eq!(escape_line(text), text);
        }
    }
}
