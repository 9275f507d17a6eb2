//! Words: quotes, parameters, substitutions, here-documents. Part of the
//! parser; nothing is expanded here.

use std::cell::OnceCell;
use std::rc::Rc;

use super::parser::{CONTINUATION, Parse, Parser, PendingHereDocument, SyntaxError, parse_nested};
use super::syntax::{Parameter, Piece, Script, Target, Word};

/// Collects pieces, joining neighbouring literals of the same quoting.
#[derive(Default)]
struct Builder {
    pieces: Vec<Piece>,
}

impl Builder {
    fn text(&mut self, more: &str, more_quoted: bool) {
        match self.pieces.last_mut() {
            Some(Piece::Literal { text, quoted }) if *quoted == more_quoted => text.push_str(more),
            _ => self.pieces.push(Piece::Literal { text: more.to_owned(), quoted: more_quoted }),
        }
    }

    fn done(self) -> Word {
        Word { pieces: self.pieces }
    }
}

/// Where an arithmetic expression that starts at `from` ends: the byte of its
/// `))`. `None` when the parentheses are those of commands.
pub(super) fn arithmetic_end(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut open = 0_usize;
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'(' => open += 1,
            b')' if open > 0 => open -= 1,
            b')' => return (bytes.get(at + 1) == Some(&b')')).then_some(at),
            b'\\' => at += 1,
            _ => {}
        }
        at += 1;
    }
    None
}

impl Parser<'_> {
    /// One word; the position must be at its first character.
    pub(super) fn word(&mut self) -> Parse<Word> {
        self.word_until(|byte| {
            matches!(byte, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')')
        })
    }

    /// A word of `[[ … =~ … ]]`: parentheses and bars belong to the pattern.
    pub(super) fn regex_word(&mut self) -> Parse<Word> {
        self.word_until(|byte| matches!(byte, b' ' | b'\t' | b'\n'))
    }

    /// Text up to an unquoted `close`, which is consumed.
    pub(super) fn braced_until(&mut self, close: u8) -> Parse<Word> {
        let word = self.word_until(|byte| byte == close)?;
        if self.peek() != Some(close) {
            return Err(SyntaxError::Unclosed("`[` or `{`"));
        }
        self.advance(1);
        Ok(word)
    }

    fn word_until(&mut self, ends: impl Fn(u8) -> bool + Copy) -> Parse<Word> {
        let start = self.position();
        let mut builder = Builder::default();
        while let Some(byte) = self.peek() {
            let process = self.starts("<(") || self.starts(">(");
            if byte == b'(' && self.extended_pattern(start, &mut builder) {
                continue;
            }
            if ends(byte) && !process {
                break;
            }
            match byte {
                b'\'' if !self.in_double_quotes => {
                    let text = self.single_quoted()?;
                    builder.text(text, true);
                }
                b'"' => self.double_quoted(&mut builder)?,
                b'\\' => self.escaped(&mut builder),
                b'$' | b'`' => self.expansion(&mut builder, false)?,
                b'<' | b'>' if process => {
                    let script = self.process()?;
                    builder.pieces.push(Piece::Process { script, written: byte == b'>' });
                }
                _ => self.character(&mut builder, false),
            }
        }
        if self.position() == start && builder.pieces.is_empty() && !self.peek().is_some_and(ends) {
            return self.unexpected();
        }
        if self.position() == start
            && self.peek().is_some_and(|byte| byte != b'}' && byte != b']' && byte != b'/')
        {
            return self.unexpected();
        }
        Ok(builder.done())
    }

    /// `@(a|b)`, `!(x)` and their kin, as `extglob` reads them: whatever they
    /// match, `*` matches as well. Groups that expand something are left alone.
    fn extended_pattern(&mut self, start: usize, builder: &mut Builder) -> bool {
        let before = self.since(start).bytes().next_back();
        if !before.is_some_and(|before| b"?*+@!".contains(&before)) {
            return false;
        }
        let rest = self.rest();
        let mut open = 0_usize;
        for (at, byte) in rest.bytes().enumerate() {
            match byte {
                b'(' => open += 1,
                b')' if open == 1 => {
                    self.advance(at + 1);
                    if let Some(Piece::Literal { text, quoted: false }) = builder.pieces.last_mut()
                    {
                        text.pop();
                    }
                    builder.text("*", false);
                    return true;
                }
                b')' => open -= 1,
                b'$' | b'`' | b'\'' | b'"' | b'\\' | b'\n' | b'<' | b'>' | b';' | b'&' => {
                    return false;
                }
                _ => {}
            }
        }
        false
    }

    /// One character of plain text, whatever its length in bytes.
    fn character(&mut self, builder: &mut Builder, quoted: bool) {
        let start = self.position();
        self.take_character();
        builder.text(self.since(start), quoted);
    }

    fn escaped(&mut self, builder: &mut Builder) {
        self.advance(1);
        if self.take("\n") {
            return;
        }
        if self.peek().is_none() {
            builder.text("\\", true);
        } else {
            self.character(builder, true);
        }
    }

    fn single_quoted(&mut self) -> Parse<&str> {
        let rest = &self.rest()[1..];
        let length = rest.find('\'').ok_or(SyntaxError::Unclosed("`'`"))?;
        self.advance(length + 2);
        Ok(&rest[..length])
    }

    fn double_quoted(&mut self, builder: &mut Builder) -> Parse<()> {
        self.advance(1);
        builder.text("", true);
        self.quoted_until(builder, |parser| parser.peek() == Some(b'"'))?;
        self.advance(1);
        Ok(())
    }

    /// Text under double-quote rules until `ends` holds.
    fn quoted_until(&mut self, builder: &mut Builder, ends: impl Fn(&Self) -> bool) -> Parse<()> {
        while !ends(self) {
            match self.peek() {
                None => return Err(SyntaxError::Unclosed("`\"`")),
                Some(b'\\') => {
                    self.advance(1);
                    match self.peek() {
                        Some(b'\n') => self.advance(1),
                        Some(b'$' | b'`' | b'"' | b'\\') => self.character(builder, true),
                        _ => builder.text("\\", true),
                    }
                }
                Some(b'$' | b'`') => self.expansion(builder, true)?,
                Some(_) => self.character(builder, true),
            }
        }
        Ok(())
    }

    /// `$…` or `` `…` ``.
    fn expansion(&mut self, builder: &mut Builder, quoted: bool) -> Parse<()> {
        if self.peek() == Some(b'`') {
            let piece = self.deeper(|parser| parser.backticks(quoted))?;
            builder.pieces.push(piece);
            return Ok(());
        }
        if self.rest()[1..].starts_with(CONTINUATION) {
            return Err(SyntaxError::Parted(self.position() + 1));
        }
        let after = self.peek_after(1);
        match after {
            Some(b'\'') if !quoted => {
                self.advance(1);
                let text = self.ansi_c()?;
                builder.text(&text, true);
            }
            Some(b'"') if !quoted => {
                self.advance(1);
                self.double_quoted(builder)?;
            }
            Some(b'(') => {
                let piece = self.deeper(|parser| parser.substitution(quoted))?;
                builder.pieces.push(piece);
            }
            Some(b'[') => {
                self.advance(2);
                let word = self.deeper(|parser| parser.arithmetic("]"))?;
                builder.pieces.push(Piece::Arithmetic(Box::new(word)));
            }
            Some(b'{') => {
                let piece = self.deeper(|parser| parser.parameter(quoted))?;
                builder.pieces.push(piece);
            }
            Some(byte) if byte.is_ascii_alphanumeric() || b"_@*#?-$!".contains(&byte) => {
                self.advance(1);
                let name = self.parameter_name();
                let parameter = Box::new(Parameter { name, ..Parameter::default() });
                builder.pieces.push(Piece::Parameter { parameter, quoted });
            }
            _ => {
                self.advance(1);
                builder.text("$", quoted);
            }
        }
        Ok(())
    }

    /// A name, one digit or one special character.
    fn parameter_name(&mut self) -> String {
        let name = self.name();
        if !name.is_empty() {
            return name;
        }
        self.take_character().map_or_else(|| "?".to_owned(), String::from)
    }

    fn substitution(&mut self, quoted: bool) -> Parse<Piece> {
        if self.starts("$((") && arithmetic_end(self.text(), self.position() + 3).is_some() {
            self.advance(3);
            return Ok(Piece::Arithmetic(Box::new(self.arithmetic("))")?)));
        }
        self.advance(2);
        let outer = std::mem::take(&mut self.in_double_quotes);
        let script = self.list(&[])?;
        self.in_double_quotes = outer;
        if !self.take(")") {
            return Err(SyntaxError::Unclosed("`$(`"));
        }
        Ok(Piece::Command { script, source: None, quoted })
    }

    fn process(&mut self) -> Parse<Script> {
        self.deeper(|parser| {
            parser.advance(2);
            let script = parser.list(&[])?;
            if parser.take(")") { Ok(script) } else { Err(SyntaxError::Unclosed("`<(`")) }
        })
    }

    /// Backticks: `\` before `` ` ``, `\` and `$` is removed, and `\"` too
    /// within double quotes; the rest is a script of its own.
    fn backticks(&mut self, quoted: bool) -> Parse<Piece> {
        self.advance(1);
        let mut inner = String::new();
        loop {
            let rest = self.rest();
            let stop = rest.find(['`', '\\']).ok_or(SyntaxError::Unclosed("`` ` ``"))?;
            inner.push_str(&rest[..stop]);
            self.advance(stop + 1);
            if rest.as_bytes()[stop] == b'`' {
                break;
            }
            let Some(next) = self.rest().chars().next() else {
                return Err(SyntaxError::Unclosed("`` ` ``"));
            };
            if !(matches!(next, '`' | '\\' | '$') || (quoted && next == '"')) {
                inner.push('\\');
            }
            inner.push(next);
            self.advance(next.len_utf8());
        }
        let parsed = parse_nested(&inner, self.depth);
        match parsed.error {
            Some(error) => Err(error),
            None => {
                Ok(Piece::Command { script: parsed.script, source: Some(inner.into()), quoted })
            }
        }
    }

    /// Arithmetic text up to `close` at its own nesting level, consumed.
    pub(super) fn arithmetic(&mut self, close: &str) -> Parse<Word> {
        let mut builder = Builder::default();
        let mut open = 0_usize;
        let (opens, closes) = if close == "]" { (b'[', b']') } else { (b'(', b')') };
        loop {
            match self.peek() {
                None => return Err(SyntaxError::Unclosed("`((`")),
                Some(byte) if byte == closes && open == 0 => {
                    if self.take(close) {
                        return Ok(builder.done());
                    }
                    return self.unexpected();
                }
                Some(byte) => {
                    if byte == opens {
                        open += 1;
                    } else if byte == closes {
                        open -= 1;
                    }
                    match byte {
                        b'$' | b'`' => self.expansion(&mut builder, true)?,
                        b'"' => self.advance(1),
                        b'\\' => self.escaped(&mut builder),
                        _ => self.character(&mut builder, true),
                    }
                }
            }
        }
    }

    /// `${…}`.
    fn parameter(&mut self, quoted: bool) -> Parse<Piece> {
        self.advance(2);
        if matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'|')) {
            self.take("|");
            let script = self.list(&["}"])?;
            self.blanks();
            if !self.take("}") {
                return Err(SyntaxError::Unclosed("`${`"));
            }
            return Ok(Piece::Command { script, source: None, quoted });
        }
        let mut parameter = Parameter::default();
        let next = self.peek_after(1);
        if self.peek() == Some(b'#')
            && !matches!(next, Some(b'}' | b':' | b'-' | b'=' | b'+' | b'%' | b'/'))
        {
            parameter.length = true;
            self.advance(1);
        } else if self.peek() == Some(b'!') && !matches!(next, Some(b'}' | b':' | b'-')) {
            parameter.indirect = true;
            self.advance(1);
        }
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            parameter.name = self.rest()[..digits].to_owned();
            self.advance(digits);
        } else if self
            .peek()
            .is_some_and(|byte| byte.is_ascii_alphabetic() || b"_@*#?-$!".contains(&byte))
        {
            parameter.name = self.parameter_name();
        } else {
            return self.unexpected();
        }
        if self.take("[") {
            parameter.index = Some(self.braced_until(b']')?);
        }
        let outer = std::mem::replace(&mut self.in_double_quotes, quoted);
        let operator = self.operator(&mut parameter);
        self.in_double_quotes = outer;
        operator?;
        Ok(Piece::Parameter { parameter: Box::new(parameter), quoted })
    }

    fn operator(&mut self, parameter: &mut Parameter) -> Parse<()> {
        const OPERATORS: [&str; 24] = [
            ":-", ":=", ":?", ":+", "-", "=", "?", "+", "##", "#", "%%", "%", "//", "/#", "/%",
            "/", "^^", "^", ",,", ",", "~~", "~", ":", "@",
        ];
        if self.take("}") {
            return Ok(());
        }
        // `${!prefix*}` and `${!prefix@}` list names.
        if parameter.indirect && (self.take("*}") || self.take("@}")) {
            parameter.operator = "names".to_owned();
            return Ok(());
        }
        let Some(operator) = OPERATORS.into_iter().find(|operator| self.starts(operator)) else {
            return self.unexpected();
        };
        self.advance(operator.len());
        parameter.operator = operator.to_owned();
        if operator == "@" {
            // One letter; at the end of the text there is none.
            parameter.operator.extend(self.take_character());
            return if self.take("}") { Ok(()) } else { self.unexpected() };
        }
        if operator.starts_with('/') {
            let pattern = self.word_until(|byte| byte == b'/' || byte == b'}')?;
            parameter.arguments.push(pattern);
            if self.take("}") {
                return Ok(());
            }
            self.take("/");
        }
        parameter.arguments.push(self.braced_until(b'}')?);
        Ok(())
    }

    /// `$'…'`, from the quote on.
    fn ansi_c(&mut self) -> Parse<String> {
        let rest = &self.rest()[1..];
        let bytes = rest.as_bytes();
        let mut end = 0;
        while bytes.get(end).is_some_and(|byte| *byte != b'\'') {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        if end >= bytes.len() {
            return Err(SyntaxError::Unclosed("`$'`"));
        }
        self.advance(end + 2);
        Ok(super::escapes::decode(&rest[..end], super::escapes::Dialect::AnsiC))
    }

    /// Reads a here-document's delimiter and queues its body.
    pub(super) fn here_document(&mut self, strip_tabs: bool) -> Parse<Target> {
        let start = self.position();
        let word = self.word()?;
        let source = self.since(start);
        let literal = source.contains(['\'', '"', '\\']);
        let delimiter = if literal {
            let text = |piece: &Piece| match piece {
                Piece::Literal { text, .. } => text.clone(),
                _ => String::new(),
            };
            word.pieces.iter().map(text).collect()
        } else {
            source.to_owned()
        };
        let body = Rc::new(OnceCell::new());
        let queued = PendingHereDocument { delimiter, literal, strip_tabs, body: Rc::clone(&body) };
        self.pending.push(queued);
        Ok(Target::Body(body))
    }

    /// Reads the bodies of all queued here-documents from the position on.
    pub(super) fn read_bodies(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            let mut body = String::new();
            while !self.rest().is_empty() {
                let rest = self.rest();
                let length = rest.find('\n').map_or(rest.len(), |end| end + 1);
                let mut line = &rest[..length];
                self.advance(length);
                if pending.strip_tabs {
                    line = line.trim_start_matches('\t');
                }
                if line.trim_end_matches('\n') == pending.delimiter {
                    break;
                }
                body.push_str(line);
            }
            // A cell is queued once, so it is still empty.
            let _ = pending.body.set(self.body_word(&body, pending.literal));
        }
    }

    /// The body as a word: literal, or expanded under double-quote rules. What
    /// can't be parsed becomes an unknown parameter: never silently nothing.
    fn body_word(&mut self, body: &str, literal: bool) -> Word {
        let mut builder = Builder::default();
        if literal {
            builder.text(body, true);
            return builder.done();
        }
        let mut inner = Parser::new(body, self.depth);
        // A `"` is an ordinary character here; the end is the body's end.
        let parsed = inner.quoted_until(&mut builder, |parser| parser.rest().is_empty());
        if let Err(SyntaxError::Parted(at)) = parsed {
            let joined = [&body[..at], &body[at + CONTINUATION.len()..]].concat();
            if let Ok(word) = self.deeper(|parser| Ok(parser.body_word(&joined, false))) {
                return word;
            }
        }
        if parsed.is_err() {
            let name = "unparsable".to_owned();
            let parameter = Box::new(Parameter { name, ..Parameter::default() });
            builder.pieces.push(Piece::Parameter { parameter, quoted: true });
        }
        builder.done()
    }
}
