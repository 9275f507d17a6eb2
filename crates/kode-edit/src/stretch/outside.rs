//! Whether the end of a text lies outside of every string and comment, told by reading
//! it once: much sooner than by parsing it. Any doubt is a no; nothing is guessed.

use kode_syntax::Language;
use memchr::{memchr, memmem};

pub(super) mod classes;
mod php;
mod ruby;
mod script;

/// How many brackets are open where `text` ends, when that is surely outside of strings
/// and comments; `None` in doubt.
pub(super) fn open_brackets(language: Language, text: &[u8]) -> Option<usize> {
    let mut reader = Reader::new(language, text)?;
    while reader.at < text.len() {
        reader.step()?;
    }
    reader.is_outside().then_some(reader.open)
}

/// Where a comment begins that never ends, when all before it is surely read right.
/// Grammars take `/*` for a division by what it points to, or for a regular expression.
pub(crate) fn open_comment(language: Language, text: &[u8]) -> Option<usize> {
    if matches!(language, Language::Python | Language::Ruby) {
        return None;
    }
    let mut reader = Reader::new(language, text)?;
    while reader.at < text.len() {
        let at = reader.at;
        if reader.step().is_none() {
            return text[at..].starts_with(b"/*").then_some(at);
        }
    }
    None
}

pub(super) struct Reader<'a> {
    language: Language,
    text: &'a [u8],
    pub(super) at: usize,
    /// The code inside of strings and elements, `${…}` and the like, the outermost first.
    holes: Vec<Hole>,
    /// How many brackets of all kinds are open, those around holes left out.
    pub(super) open: usize,
    /// What ends the here-documents that begin behind the next line's end (Ruby).
    heredocs: Vec<ruby::Heredoc>,
    /// Where the last token that is no space and no comment ended.
    pub(super) token_end: usize,
}

/// Code inside of a string or an element.
struct Hole {
    /// How many braces are open in it.
    braces: usize,
    around: Around,
}

/// What code in a string or an element goes back to.
#[derive(Clone, Copy)]
enum Around {
    Template,
    /// An element's content, with so many elements open.
    Children(usize),
    /// An element's opening tag, with so many elements open around it.
    Tag(usize),
    /// A Ruby literal from its opening to its closing byte, with so many of them nested.
    Literal(u8, u8, usize),
}

impl<'a> Reader<'a> {
    /// At the begin of `text`, or behind PHP's opening tag there.
    pub(super) fn new(language: Language, text: &'a [u8]) -> Option<Self> {
        let at = if language == Language::Php { php::begin(text)? } else { 0 };
        let (holes, heredocs) = (Vec::new(), Vec::new());
        Some(Self { language, text, at, holes, open: 0, heredocs, token_end: 0 })
    }

    pub(super) fn is_outside(&self) -> bool {
        self.holes.is_empty() && self.heredocs.is_empty()
    }

    fn is_script(&self) -> bool {
        matches!(self.language, Language::JavaScript | Language::TypeScript | Language::Tsx)
    }

    fn has_elements(&self) -> bool {
        matches!(self.language, Language::JavaScript | Language::Tsx)
    }

    fn starts(&self, with: &[u8]) -> bool {
        self.text[self.at..].starts_with(with)
    }

    /// Past the next token; `None` in doubt.
    pub(super) fn step(&mut self) -> Option<()> {
        match self.language {
            Language::Ruby => return self.ruby_step(),
            Language::Php => return self.php_step(),
            _ => {}
        }
        let start = self.at;
        self.token()?;
        let token = &self.text[start..self.at.min(self.text.len())];
        let comment = token.starts_with(b"//") || token.starts_with(b"/*");
        if !comment && !token.trim_ascii().is_empty() {
            self.token_end = start + token.len();
        }
        Some(())
    }

    fn token(&mut self) -> Option<()> {
        match self.text[self.at] {
            b'#' if self.language == Language::Python => self.skip_line(),
            b'#' if self.language == Language::CSharp => self.skip_line(),
            b'#' if matches!(self.language, Language::C | Language::Cpp) => {
                self.at += 1;
                return self.conditional();
            }
            b'/' if self.language != Language::Python => return self.slash(),
            b'<' if self.is_script() => return self.less_than(),
            b'"' => return self.double_quote(),
            b'\'' => return self.single_quote(),
            b'`' if self.language == Language::Go => return self.skip_past(1, b"`"),
            b'`' if self.is_script() => {
                self.at += 1;
                return self.template();
            }
            _ => return self.plain(),
        }
        Some(())
    }

    /// Past one byte of code, with account of brackets.
    fn plain(&mut self) -> Option<()> {
        let byte = self.text[self.at];
        self.at += 1;
        match (byte, self.holes.last_mut()) {
            (b'{', Some(hole)) => hole.braces += 1,
            (b'}', Some(hole)) if hole.braces > 0 => hole.braces -= 1,
            (b'}', Some(_)) => {
                let around = self.holes.pop()?.around;
                return self.resume(around);
            }
            (b'{' | b'(' | b'[', _) => self.open += 1,
            (b'}' | b')' | b']', _) => self.open = self.open.checked_sub(1)?,
            _ => {}
        }
        Some(())
    }

    fn resume(&mut self, around: Around) -> Option<()> {
        match around {
            Around::Template => self.template(),
            Around::Children(depth) => self.children(depth),
            Around::Tag(depth) => self.tag(depth),
            Around::Literal(open, close, depth) => self.literal(open, close, depth),
        }
    }

    /// Into the code that begins `length` bytes ahead.
    fn enter(&mut self, length: usize, around: Around) {
        self.at += length;
        self.holes.push(Hole { braces: 0, around });
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

pub(super) const fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_that_is_open_or_in_doubt_is_not_outside() {
        check(&[
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
                Language::Tsx,
                &[
                    "return <p a='\"' b={c(`}`)}>don't {/* ' */ x && <br/>} </p>\n",
                    "x = a < b ? f<T>(c) : <><Some.One {...p}/>`</>\n",
                    "return (\n  <A>\n    <B c={<D/>}>`</B>{\"}\"}\n  </A>\n);\n",
                ],
                &[
                    "return <p>don't",
                    "return <p>{",
                    "const f = <T>(a: T) => '</T>';\n",
                    "const f = <T extends U>(a: T) => '';\n",
                    "const f = <T,>(a: T) => '';\n",
                    "if (a) <p>'</p>",
                    "return <p>}</p>",
                    "return <p a=b>x</p>",
                ],
            ),
        ]);
    }

    #[test]
    fn php_and_ruby_that_are_open_or_in_doubt_are_not_outside() {
        check(&[
            (
                Language::Php,
                &[
                    "<?php\n# don't\n#[A('x')]\nf(\"{$a['b']} \\\" \", 'it\\'s');\n",
                    "<?php\n$a = <<<EOT\n  EOTA \"\n  EOT . 'x';\n",
                    "<?php\n$a = <<<'X'\n{$\nX;\n",
                    "<?php /* ' */ // \"\n",
                ],
                &[
                    "x = 1\n",
                    "<?php\n\"{$a[\"b\"]}\"\n",
                    "<?php\n?>\n",
                    "<?php\n`a`\n",
                    "<?php\n$a = <<<EOT\n",
                    "<?php\n__HALT_COMPILER();\n",
                    "<?php\n'\n",
                ],
            ),
            (
                Language::Ruby,
                &[
                    "x = \"a #{b(\"c\", {})} d\" # don't\n",
                    "y = %w[a' b] + [?a, :\"s'\"]\n",
                    "f(<<~SQL, 1)\n  don't )\n  SQL\nz = a / b\n",
                    "return /'#{a}/ if x =~ /[\"]/\n",
                    "\n=begin\n'\n=end\n",
                    "puts /a(b)/, $', $1 % 2\n",
                    "class << self\na << 1\n",
                ],
                &[
                    "\"",
                    "%w[a",
                    "f(<<~SQL)\n",
                    "x ?'a':'b'\n",
                    "puts /'/\n",
                    "\n=begin\n",
                    "puts %w['a]\n",
                ],
            ),
        ]);
    }

    #[test]
    fn what_is_open_or_in_doubt_is_not_outside() {
        check(&[
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
        ]);
    }

    /// What surely ends outside of strings and comments, and what does not.
    type Cases<'a> = (Language, &'a [&'a str], &'a [&'a str]);

    fn check(cases: &[Cases<'_>]) {
        for (language, outside, not) in cases {
            for text in *outside {
                let open = open_brackets(*language, text.as_bytes());
                assert_eq!(open, Some(0), "{language:?} {text}");
            }
            for text in *not {
                assert_eq!(open_brackets(*language, text.as_bytes()), None, "{language:?} {text}");
            }
        }
    }
}
