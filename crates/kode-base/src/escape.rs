//! Makes hostile text harmless on a terminal: what could move the cursor,
//! change colours, reorder or hide text is shown as visible escapes.

use std::fmt::Write as _;

use crate::Untrusted;

/// Renders untrusted text for a terminal; newlines and tabs stay.
#[expect(clippy::disallowed_methods, reason = "this is the escaping renderer")]
pub fn escape_for_terminal(text: &Untrusted<String>) -> String {
    escape_block(text.expose())
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
    for character in text.chars() {
        if keep(character) || !is_deceptive(character) {
            shown.push(character);
            continue;
        }
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            '\u{1b}' => shown.push_str("\\e"),
            other => {
                // Writing to a String can't fail.
                let _ = write!(shown, "\\u{{{:x}}}", other as u32);
            }
        }
    }
    shown
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
            | '\u{f0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_become_text() {
        assert_eq!(escape_line("a\u{1b}[2Jb\r\n"), "a\\e[2Jb\\r\\n");
        assert_eq!(escape_block("a\tb\nc"), "a\tb\nc");
    }

    #[test]
    fn bidi_and_zero_width_become_visible() {
        assert_eq!(escape_line("x\u{202e}y\u{200b}"), "x\\u{202e}y\\u{200b}");
    }

    #[test]
    fn ordinary_scripts_and_emoji_joiners_pass() {
        for text in ["שלום", "日本語", "नमस्ते", "👩\u{200d}💻", "naïve"] {
            assert_eq!(escape_line(text), text);
        }
    }
}
