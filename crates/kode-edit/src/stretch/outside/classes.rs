//! Where members of classes begin, told by reading the text before: in languages where
//! code stands in classes.

use std::ops::Range;

use kode_syntax::Language;

use super::{Reader, is_word_byte};

/// Where the last line up to `until` begins before which a member of a class ended, or the class
/// began, with nothing but classes and namespaces open: of Java and C#. `None` also in
/// doubt.
pub(in super::super) fn member_begin(
    language: Language,
    text: &[u8],
    until: usize,
) -> Option<usize> {
    let mut reader = Reader::new(language, text)?;
    let mut bodies = ClassBodies::default();
    while reader.at < until {
        let at = reader.at;
        reader.step()?;
        bodies.pass(language, text, at..reader.at)?;
    }
    bodies.last
}

/// Which of the open brackets are those of classes.
#[derive(Default)]
struct ClassBodies {
    open: Vec<bool>,
    /// A class is spoken of since the last statement or block.
    header: bool,
    /// A member, or what opens a class, ended last.
    ended: bool,
    last: Option<usize>,
}

impl ClassBodies {
    /// Takes note of the token at `token`.
    fn pass(&mut self, language: Language, text: &[u8], token: Range<usize>) -> Option<()> {
        let token_text = &text[token.clone()];
        match token_text {
            b"\n"
                if self.ended && !self.open.is_empty() && self.open.iter().all(|class| *class) =>
            {
                self.last = Some(token.end);
            }
            [byte] if byte.is_ascii_whitespace() => {}
            [b'/', b'/' | b'*', ..] => {}
            [b'#', _, ..] if language == Language::Php => {}
            [b'#', ..] if language == Language::CSharp => {
                // What is left out on a condition may open and close anything.
                let directive = token_text[1..].trim_ascii_start();
                if [b"if".as_slice(), b"el"].iter().any(|word| directive.starts_with(word)) {
                    return None;
                }
            }
            b"{" => {
                self.open.push(self.header);
                (self.ended, self.header) = (self.header, false);
            }
            b"(" | b"[" => {
                self.open.push(false);
                self.ended = false;
                // `f(class : 1) {`, `new class(1) {`
                self.header &= language != Language::Php;
            }
            b"}" => {
                self.open.pop()?;
                (self.ended, self.header) = (true, false);
            }
            b")" | b"]" => {
                self.open.pop()?;
                self.ended = false;
            }
            b";" => (self.ended, self.header) = (true, false),
            _ => {
                self.ended = false;
                self.header |= names_a_class(language, text, token.start);
            }
        }
        Some(())
    }
}

/// Whether a word begins at `at` after which a class or a namespace is named.
fn names_a_class(language: Language, text: &[u8], at: usize) -> bool {
    let words: &[&[u8]] = match language {
        Language::CSharp => &[b"class", b"struct", b"interface", b"namespace"],
        Language::Php => &[b"class", b"interface", b"trait"],
        _ => &[b"class", b"interface", b"enum"],
    };
    let ends = |word: &[u8]| text.get(at + word.len()).is_some_and(u8::is_ascii_whitespace);
    let is_word = |word: &&[u8]| text[at..].starts_with(word) && ends(word);
    // `A.class` is a value, `where T : class` a condition, `@class` a name.
    let before = text[..at].trim_ascii_end().last();
    let apart = text[..at].last().is_none_or(|byte| !is_word_byte(*byte) && *byte != b'@');
    apart && !matches!(before, Some(b'.' | b':' | b',' | b'>' | b'(')) && words.iter().any(is_word)
}
