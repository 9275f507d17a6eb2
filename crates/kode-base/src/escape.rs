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
    let text = text.expose();
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|each: char| !each.is_alphanumeric()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end.max(first.len_utf8()));
        let latin = word.chars().any(|each| each.is_ascii_alphabetic());
        for character in word.chars() {
            let alike = is_latin_alike(character) || latin && is_letter_alike(character);
            if alike || is_lost_in_a_command(character) {
                // Writing to a String can't fail.
                let _ = write!(shown, "\\u{{{:x}}}", character as u32);
            } else {
                shown.push_str(&escape_block(character.encode_utf8(&mut [0; 4])));
            }
        }
        rest = after;
    }
    shown
}

/// Latin letters of another form: full-width and mathematical.
fn is_latin_alike(character: char) -> bool {
    let letter = character.is_alphanumeric();
    letter && matches!(character, '\u{ff01}'..='\u{ff5e}' | '\u{1d400}'..='\u{1d7ff}')
}

/// Letters of alphabets that share shapes with the Latin one: Greek, Cyrillic,
/// Armenian, Cherokee.
fn is_letter_alike(character: char) -> bool {
    matches!(character, '\u{370}'..='\u{58f}' | '\u{13a0}'..='\u{13ff}' | '\u{1c80}'..='\u{1c8f}'
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
