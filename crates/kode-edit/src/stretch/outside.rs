//! Whether the end of a text lies outside of every string and comment, told by reading
//! it once: much sooner than by parsing it. Any doubt is a no; nothing is guessed.

use std::ops::Range;

use kode_syntax::Language;
use memchr::{memchr, memmem};

/// Words after which JavaScript has a regular expression, not a division.
const BEFORE_EXPRESSION: [&[u8]; 13] = [
    b"return",
    b"typeof",
    b"case",
    b"in",
    b"of",
    b"instanceof",
    b"new",
    b"delete",
    b"void",
    b"throw",
    b"else",
    b"do",
    b"yield",
];

/// How many brackets are open where `text` ends, when that is surely outside of strings
/// and comments. `None` for languages whose strings need a parser: PHP, Ruby, and
/// everything with JSX in it.
pub(super) fn open_brackets(language: Language, text: &[u8]) -> Option<usize> {
    if matches!(language, Language::Php | Language::Ruby | Language::Tsx) {
        return None;
    }
    let mut reader = Reader { language, text, at: 0, templates: Vec::new(), open: 0 };
    while reader.at < text.len() {
        reader.step()?;
    }
    reader.templates.is_empty().then_some(reader.open)
}

/// Where the last line begins before which a member of a class ended, or the class
/// began, with nothing but classes and namespaces open: of Java and C#. `None` also in
/// doubt.
pub(super) fn member_begin(language: Language, text: &[u8]) -> Option<usize> {
    let mut reader = Reader { language, text, at: 0, templates: Vec::new(), open: 0 };
    let mut bodies = ClassBodies::default();
    while reader.at < text.len() {
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
        _ => &[b"class", b"interface", b"enum"],
    };
    let ends = |word: &[u8]| text.get(at + word.len()).is_some_and(u8::is_ascii_whitespace);
    let is_word = |word: &&[u8]| text[at..].starts_with(word) && ends(word);
    // `A.class` is a value, `where T : class` a condition, `@class` a name.
    let before = text[..at].trim_ascii_end().last();
    let apart = text[..at].last().is_none_or(|byte| !is_word_byte(*byte) && *byte != b'@');
    apart && !matches!(before, Some(b'.' | b':' | b',')) && words.iter().any(is_word)
}

struct Reader<'a> {
    language: Language,
    text: &'a [u8],
    at: usize,
    /// Of each template string around: how many braces are open inside its `${`.
    templates: Vec<usize>,
    /// How many brackets of all kinds are open, those in template strings left out.
    open: usize,
}

impl Reader<'_> {
    fn is_script(&self) -> bool {
        matches!(self.language, Language::JavaScript | Language::TypeScript)
    }

    fn starts(&self, with: &[u8]) -> bool {
        self.text[self.at..].starts_with(with)
    }

    /// Past the next token; `None` in doubt.
    fn step(&mut self) -> Option<()> {
        match self.text[self.at] {
            b'#' if self.language == Language::Python => self.skip_line(),
            b'#' if self.language == Language::CSharp => self.skip_line(),
            b'#' if matches!(self.language, Language::C | Language::Cpp) => {
                self.at += 1;
                return self.conditional();
            }
            b'/' if self.language != Language::Python => return self.slash(),
            b'<' if self.is_script() && (self.starts(b"</") || self.starts(b"<!--")) => {
                return None;
            }
            b'"' => return self.double_quote(),
            b'\'' => return self.single_quote(),
            b'`' if self.language == Language::Go => return self.skip_past(1, b"`"),
            b'`' if self.is_script() => {
                self.at += 1;
                return self.template();
            }
            b'{' if !self.templates.is_empty() => {
                *self.templates.last_mut()? += 1;
                self.at += 1;
            }
            b'}' if !self.templates.is_empty() => {
                self.at += 1;
                return match self.templates.last_mut()? {
                    0 => {
                        self.templates.pop();
                        self.template()
                    }
                    open => {
                        *open -= 1;
                        Some(())
                    }
                };
            }
            byte => {
                match byte {
                    b'{' | b'(' | b'[' => self.open += 1,
                    b'}' | b')' | b']' => self.open = self.open.checked_sub(1)?,
                    _ => {}
                }
                self.at += 1;
            }
        }
        Some(())
    }

    /// What stands between `#if` and `#endif` counts as in brackets.
    fn conditional(&mut self) -> Option<()> {
        let word = self.text[self.at..].trim_ascii_start();
        if word.starts_with(b"if") {
            self.open += 1;
        } else if word.starts_with(b"endif") {
            self.open = self.open.checked_sub(1)?;
        }
        Some(())
    }

    fn skip_line(&mut self) {
        let rest = &self.text[self.at..];
        self.at += memchr(b'\n', rest).unwrap_or(rest.len());
    }

    /// Past the next `end`, sought `from` bytes ahead.
    fn skip_past(&mut self, from: usize, end: &[u8]) -> Option<()> {
        let start = self.at + from;
        self.at = start + memmem::find(self.text.get(start..)?, end)? + end.len();
        Some(())
    }

    fn slash(&mut self) -> Option<()> {
        match self.text.get(self.at + 1) {
            Some(b'/') => self.skip_line(),
            Some(b'*') if self.language == Language::Rust => return self.nested_comment(),
            Some(b'*') => return self.skip_past(2, b"*/"),
            Some(b'>') if self.is_script() => return None,
            _ if self.is_script() => return self.regex_or_division(),
            _ => self.at += 1,
        }
        Some(())
    }

    fn nested_comment(&mut self) -> Option<()> {
        let mut depth = 0usize;
        loop {
            if self.starts(b"/*") {
                depth += 1;
                self.at += 2;
            } else if self.starts(b"*/") {
                depth -= 1;
                self.at += 2;
            } else {
                self.at += 1;
            }
            if depth == 0 {
                return Some(());
            }
            if self.at >= self.text.len() {
                return None;
            }
        }
    }

    fn regex_or_division(&mut self) -> Option<()> {
        let before = self.text[..self.at].trim_ascii_end();
        let word = before.iter().rev().take_while(|byte| is_word_byte(**byte)).count();
        let (start, word) = (before.len() - word, &before[before.len() - word..]);
        let member = before[..start].trim_ascii_end().ends_with(b".");
        let ends_value = match before.last() {
            Some(byte) if is_word_byte(*byte) => member || !BEFORE_EXPRESSION.contains(&word),
            Some(b')' | b']' | b'}' | b'"' | b'\'' | b'`') => true,
            _ => before.ends_with(b"++") || before.ends_with(b"--"),
        };
        let rest = &self.text[self.at + 1..];
        let line = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
        if ends_value {
            // `if (x) /'/.test(y)`: what could be a regular expression after all.
            let harmless = !line.iter().any(|byte| b"\"'`/*".contains(byte));
            let plain_value = before.last().is_some_and(|byte| is_word_byte(*byte));
            self.at += 1;
            return (harmless || plain_value).then_some(());
        }
        let (mut in_class, mut index) = (false, 0);
        while let Some(byte) = line.get(index) {
            match byte {
                b'\\' => index += 1,
                b'[' => in_class = true,
                b']' => in_class = false,
                b'/' if !in_class => {
                    self.at += index + 2;
                    return Some(());
                }
                _ => {}
            }
            index += 1;
        }
        None
    }

    /// The text of a template string, up to its end or the code in it.
    fn template(&mut self) -> Option<()> {
        loop {
            match self.text.get(self.at)? {
                b'\\' => self.at += 2,
                b'`' => {
                    self.at += 1;
                    return Some(());
                }
                b'$' if self.starts(b"${") => {
                    self.at += 2;
                    self.templates.push(0);
                    return Some(());
                }
                _ => self.at += 1,
            }
        }
    }

    fn double_quote(&mut self) -> Option<()> {
        let before = &self.text[..self.at];
        match self.language {
            Language::Python | Language::Java if self.starts(b"\"\"\"") => {
                return self.long_string(b"\"\"\"");
            }
            Language::CSharp if self.starts(b"\"\"\"") => return None,
            Language::CSharp if before.ends_with(b"@") || before.ends_with(b"@$") => {
                return if before.ends_with(b"$@") || before.ends_with(b"@$") {
                    None
                } else {
                    self.verbatim_string()
                };
            }
            Language::Cpp if before.ends_with(b"R") => return None,
            Language::Rust => {
                let hashes = before.iter().rev().take_while(|byte| **byte == b'#').count();
                if before[..before.len() - hashes].ends_with(b"r") {
                    let end: Vec<u8> = [b'"'].into_iter().chain(vec![b'#'; hashes]).collect();
                    return self.skip_past(1, &end);
                }
            }
            _ => {}
        }
        self.string(b'"', self.language == Language::Rust)
    }

    fn single_quote(&mut self) -> Option<()> {
        match self.language {
            Language::Python if self.starts(b"'''") => self.long_string(b"'''"),
            Language::Rust => {
                self.lifetime_or_character();
                Some(())
            }
            // Digits may be set apart: 1'000'000.
            Language::C | Language::Cpp if self.is_in_number() => {
                self.at += 1;
                Some(())
            }
            _ => self.string(b'\'', false),
        }
    }

    fn is_in_number(&self) -> bool {
        let word = self.text[..self.at].iter().rev();
        let word = word.take_while(|byte| is_word_byte(**byte) || **byte == b'\'').last();
        word.is_some_and(u8::is_ascii_digit)
    }

    fn lifetime_or_character(&mut self) {
        let rest = &self.text[self.at + 1..];
        let length = match rest.first() {
            Some(b'\\') => rest.get(2..).and_then(|rest| memchr(b'\'', rest)).map(|end| end + 2),
            Some(_) => {
                let next = 1 + rest[1..].iter().take_while(|byte| **byte & 0xc0 == 0x80).count();
                (rest.get(next) == Some(&b'\'')).then_some(next)
            }
            None => None,
        };
        self.at += length.map_or(1, |length| length + 2);
    }

    /// A string that escapes with a backslash.
    fn string(&mut self, quote: u8, over_lines: bool) -> Option<()> {
        self.at += 1;
        loop {
            match self.text.get(self.at)? {
                b'\\' => self.at += if self.text[self.at..].starts_with(b"\\\r\n") { 3 } else { 2 },
                b'\n' if !over_lines => return None,
                byte if *byte == quote => {
                    self.at += 1;
                    return Some(());
                }
                _ => self.at += 1,
            }
        }
    }

    fn long_string(&mut self, quotes: &[u8]) -> Option<()> {
        self.at += quotes.len();
        while !self.starts(quotes) {
            self.at += if *self.text.get(self.at)? == b'\\' { 2 } else { 1 };
            if self.at >= self.text.len() {
                return None;
            }
        }
        self.at += quotes.len();
        Some(())
    }

    /// C#'s `@"…"`: a doubled quote stands for one.
    fn verbatim_string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            self.skip_past(0, b"\"")?;
            if self.text.get(self.at) != Some(&b'"') {
                return Some(());
            }
            self.at += 1;
        }
    }
}

const fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_or_in_doubt_is_not_outside() {
        let cases: &[(Language, &[&str], &[&str])] = &[
            (
                Language::TypeScript,
                &[
                    "f('`', \"/*\")\n",
                    "a = `x ${b({}, `c`)} d`\n",
                    "/* ' */ x = 1 / 2\n",
                    "/[`/*]/.test(a)\n",
                    "return /'/\n",
                    "(a + b) / 2\n",
                ],
                &[
                    "`",
                    "/*",
                    "'",
                    "`${",
                    "`${{}",
                    "if (a) /'/.test(b)",
                    "<p>don't</p>",
                    "<!-- x",
                    "a = <br/>\n",
                ],
            ),
            (
                Language::Python,
                &["# don't\n", "x = '''a'b\n'''\n", "r'\\''\n", "\"\\\n\"\n"],
                &["'''", "\"\"\" \\\"\"\"", "'a\n", "\"\"\"''' "],
            ),
            (Language::Go, &["'\"' + `\n/*`\n", "// don't\n"], &["`", "/*", "'"]),
            (
                Language::Rust,
                &[
                    "fn f<'a>(x: &'a str, c: char) { c == '\"' || c == '\\'' }\n",
                    "r#\"\"/*\"#\n",
                    "\"\n\"\n",
                    "/* /* */ */\n",
                    "'é' \n",
                ],
                &["/* /* */", "r#\"\"", "\"\n", "r##\"\"#"],
            ),
            (
                Language::Java,
                &["'\"' + \"'\" + \"\"\"\n\"a\n\"\"\"\n"],
                &["\"\"\"\n\"", "\"a\n", "/*"],
            ),
            (
                Language::CSharp,
                &["@\"a\"\"\n\" + $\"{x}\"\n#region don't\n"],
                &["@\"\"\"", "$@\"", "\"\"\""],
            ),
            (Language::Cpp, &["1'000 + L'\"'\n", "\"a\\\nb\"\n"], &["R\"(", "'", "#error don't\n"]),
            (Language::Ruby, &[], &["x = 1\n"]),
        ];
        for (language, outside, not) in cases {
            for text in *outside {
                assert_eq!(
                    open_brackets(*language, text.as_bytes()),
                    Some(0),
                    "{language:?} {text}"
                );
            }
            for text in *not {
                assert_eq!(open_brackets(*language, text.as_bytes()), None, "{language:?} {text}");
            }
        }
    }
}
