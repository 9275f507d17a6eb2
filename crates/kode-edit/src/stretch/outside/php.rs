//! What PHP has around its code: tags, strings with code in them, here-documents. Text
//! outside of `<?php` is not read: such a file is in doubt.

use memchr::{memchr, memmem};

use super::Reader;

/// Behind the opening tag; `None` without one at the begin, or where code may end early.
pub(super) fn begin(text: &[u8]) -> Option<usize> {
    let opened = text.starts_with(b"<?php") && text.get(5).is_some_and(u8::is_ascii_whitespace);
    let halt = b"__halt_compiler";
    let halts = |at: usize| {
        let word = text[at..].get(..halt.len());
        word.is_some_and(|word| word.eq_ignore_ascii_case(halt))
    };
    let ends_early =
        memmem::find(text, b"?>").is_some() || memmem::find_iter(text, b"__").any(halts);
    (opened && !ends_early).then_some(6)
}

impl Reader<'_> {
    pub(super) fn php_step(&mut self) -> Option<()> {
        match self.text[self.at] {
            b'#' if !self.starts(b"#[") => self.skip_line(),
            b'/' if self.starts(b"//") => self.skip_line(),
            b'/' if self.starts(b"/*") => return self.skip_past(2, b"*/"),
            b'\'' => return self.string(b'\'', true),
            b'"' => return self.php_string(),
            b'`' => return None,
            b'<' if self.starts(b"<<<") => return self.php_heredoc(),
            _ => return self.plain(),
        }
        Some(())
    }

    /// A string in double quotes; one with quotes in the code in it is in doubt.
    fn php_string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            match *self.text.get(self.at)? {
                b'\\' => self.at += 2,
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'{' if self.starts(b"{$") => self.php_interpolation(b"\"")?,
                b'$' if self.starts(b"${") => self.php_interpolation(b"\"")?,
                _ => self.at += 1,
            }
        }
    }

    /// Past `{$…}` with nothing in it that could end what stands around, or nest.
    fn php_interpolation(&mut self, not: &[u8]) -> Option<()> {
        let rest = &self.text[self.at + 2..];
        let end = memchr(b'}', rest)?;
        let plain = !rest[..end].iter().any(|byte| not.contains(byte) || b"{\\`".contains(byte));
        self.at += end + 3;
        plain.then_some(())
    }

    fn php_heredoc(&mut self) -> Option<()> {
        let line_end = self.at + memchr(b'\n', &self.text[self.at..])?;
        let mark = self.text[self.at + 3..line_end].trim_ascii();
        let bare = [&b"'"[..], b"\""]
            .into_iter()
            .find_map(|quote| mark.strip_prefix(quote).and_then(|mark| mark.strip_suffix(quote)));
        let (name, is_literal) = (bare.unwrap_or(mark), mark.starts_with(b"'"));
        let starts = name.first().is_some_and(|byte| !byte.is_ascii_digit());
        if !starts || !name.iter().all(|byte| is_name_byte(*byte)) {
            return None;
        }
        self.at = line_end + 1;
        loop {
            let rest = self.text.get(self.at..)?;
            let line = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
            let indentation = line.len() - line.trim_ascii_start().len();
            let behind = line[indentation..].strip_prefix(name);
            if behind.is_some_and(|rest| rest.first().is_none_or(|byte| !is_name_byte(*byte))) {
                self.at += indentation + name.len();
                return Some(());
            }
            if !is_literal && !is_plain_text(line) {
                return None;
            }
            if line.len() == rest.len() {
                return None;
            }
            self.at += line.len() + 1;
        }
    }
}

/// Whether all code in a line of a here-document ends in it.
fn is_plain_text(line: &[u8]) -> bool {
    [&b"{$"[..], b"${"].into_iter().all(|opening| {
        memmem::find_iter(line, opening).all(|at| {
            let rest = &line[at + 2..];
            memchr(b'}', rest).is_some_and(|end| !rest[..end].contains(&b'{'))
        })
    })
}

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}
