//! Recursive descent over bash's command grammar. It never executes or expands
//! anything and stops at fixed limits of size and depth; what was complete
//! before an error is kept, because bash runs it too.

use std::cell::OnceCell;
use std::rc::Rc;

use thiserror::Error;

mod cursor;

use super::syntax::{
    AndOr, Assignment, Command, CommandKind, Piece, Pipeline, RedirectOperator, Redirection,
    Script, Target, Word,
};

/// Longer scripts are not parsed, in bytes.
pub(crate) const SIZE_MAX: usize = 64 * 1024;
/// Deeper nesting is not parsed.
pub(crate) const DEPTH_MAX: u32 = 40;

/// Why a text is not a script kode understands.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SyntaxError {
    /// Past [`SIZE_MAX`].
    #[error("the command is longer than 64 KiB")]
    TooLong,
    /// Past [`DEPTH_MAX`].
    #[error("the command is nested too deeply")]
    TooDeep,
    /// A quote, bracket or here-document is never closed.
    #[error("{0} is never closed")]
    Unclosed(&'static str),
    /// Something stands where the grammar has no place for it.
    #[error("unexpected text at byte {0}")]
    Unexpected(usize),
    /// A line continuation at this byte parts a `$` from what it expands.
    #[error("a line continuation within an expansion at byte {0}")]
    Parted(usize),
}

/// What was understood, and what stopped it.
#[derive(Debug, Clone)]
pub(crate) struct Parsed {
    /// Every complete command before the error.
    pub(crate) script: Script,
    /// `None` when all of the text was understood.
    pub(crate) error: Option<SyntaxError>,
}

/// Continuations between a `$` and its expansion that are joined in one text.
const PARTED_MAX: usize = 16;

/// Parses a script that stands `depth` levels inside another.
pub(crate) fn parse_nested(text: &str, depth: u32) -> Parsed {
    let mut parsed = parse_as_written(text, depth);
    let mut joined = String::new();
    for _ in 0..PARTED_MAX {
        let Some(SyntaxError::Parted(at)) = parsed.error else { break };
        if joined.is_empty() {
            text.clone_into(&mut joined);
        }
        joined.replace_range(at..at + CONTINUATION.len(), "");
        parsed = parse_as_written(&joined, depth);
    }
    parsed
}

/// What bash removes before it reads on.
pub(super) const CONTINUATION: &str = "\\\n";

fn parse_as_written(text: &str, depth: u32) -> Parsed {
    if text.len() > SIZE_MAX {
        return Parsed { script: Script::default(), error: Some(SyntaxError::TooLong) };
    }
    let mut parser = Parser::new(text, depth);
    let mut script = Script::default();
    let error = parser.list_into(&mut script, &[]).and_then(|()| parser.end()).err();
    Parsed { script, error }
}

/// A here-document whose body comes after the next newline.
pub(super) struct PendingHereDocument {
    pub(super) delimiter: String,
    pub(super) literal: bool,
    pub(super) strip_tabs: bool,
    pub(super) body: Rc<OnceCell<Word>>,
}

/// The parser's state.
pub(super) struct Parser<'a> {
    text: &'a str,
    /// Moved by `cursor` alone.
    at: usize,
    /// A step led out of the text: it is not understood.
    strayed: bool,
    pub(super) depth: u32,
    pub(super) pending: Vec<PendingHereDocument>,
    /// In a parameter expansion within double quotes `'` is an ordinary
    /// character.
    pub(super) in_double_quotes: bool,
}

pub(super) type Parse<T> = Result<T, SyntaxError>;

const RESERVED: [&str; 15] = [
    "then", "do", "done", "fi", "elif", "else", "esac", "}", "if", "while", "until", "for", "case",
    "function", "in",
];

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, depth: u32) -> Self {
        Self { text, at: 0, strayed: false, depth, pending: Vec::new(), in_double_quotes: false }
    }

    /// Runs `parse` one level deeper.
    pub(super) fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.depth >= DEPTH_MAX {
            return Err(SyntaxError::TooDeep);
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    fn end(&mut self) -> Parse<()> {
        // Bash warns about a here-document cut off by the end, and uses it.
        self.read_bodies();
        if self.rest().is_empty() && !self.strayed { Ok(()) } else { self.unexpected() }
    }

    /// Skips blanks, line continuations and a comment.
    pub(super) fn blanks(&mut self) {
        let start = self.position();
        loop {
            match self.peek() {
                Some(b' ' | b'\t') => self.advance(1),
                Some(b'\\') if self.starts("\\\n") => self.advance(2),
                Some(b'#') if self.position() == start || self.after_blank() => {
                    let rest = self.rest();
                    self.advance(rest.find('\n').unwrap_or(rest.len()));
                }
                _ => return,
            }
        }
    }

    fn after_blank(&self) -> bool {
        let before = self.text()[..self.position()].chars().next_back();
        before.is_none_or(|before| " \t\n;&|()".contains(before))
    }

    /// Skips blanks, comments and newlines; bodies of here-documents are read.
    fn newlines(&mut self) {
        loop {
            self.blanks();
            if self.peek() != Some(b'\n') {
                return;
            }
            self.advance(1);
            self.read_bodies();
        }
    }

    /// The plain word at the position, without consuming it. A line
    /// continuation right behind it, with nothing joined to it, ends it.
    fn plain_word(&self) -> &'a str {
        let ends = |character: char| " \t\n;&|<>()".contains(character);
        let rest = self.rest();
        let end = rest.find(ends).unwrap_or(rest.len());
        // `}<(a)` is one word: a process substitution joins what is before it.
        if end > 0 && (rest[end..].starts_with("<(") || rest[end..].starts_with(">(")) {
            return &rest[..end + 2];
        }
        let word = &rest[..end];
        match word.strip_suffix('\\') {
            Some(before) if rest[word.len()..].starts_with('\n') => {
                let after = &rest[word.len() + 1..];
                if after.is_empty() || after.starts_with(ends) { before } else { word }
            }
            _ => word,
        }
    }

    fn at_reserved(&self, stops: &[&str]) -> bool {
        let word = self.plain_word();
        stops.contains(&word)
    }

    fn keyword(&mut self, word: &str) -> Parse<()> {
        self.newlines();
        if self.plain_word() != word {
            return self.unexpected();
        }
        self.advance(word.len());
        Ok(())
    }

    pub(super) fn list(&mut self, stops: &[&str]) -> Parse<Script> {
        let mut script = Script::default();
        self.list_into(&mut script, stops)?;
        Ok(script)
    }

    /// Parses commands into `script` until the end, `)`, `;;` or a word of
    /// `stops` in command position.
    fn list_into(&mut self, script: &mut Script, stops: &[&str]) -> Parse<()> {
        loop {
            self.newlines();
            let stop = self.peek().is_none()
                || self.peek() == Some(b')')
                || self.starts(";;")
                || self.starts(";&")
                || self.at_reserved(stops);
            if stop {
                return Ok(());
            }
            let mut list = self.and_or()?;
            self.blanks();
            match self.peek() {
                Some(b'&') if !self.starts("&&") => {
                    self.advance(1);
                    list.background = true;
                }
                Some(b';') if !self.starts(";;") && !self.starts(";&") => self.advance(1),
                Some(b'\n' | b')' | b';') | None => {}
                Some(_) if self.at_reserved(stops) => {}
                Some(_) => return self.unexpected(),
            }
            script.lists.push(list);
        }
    }

    fn and_or(&mut self) -> Parse<AndOr> {
        let mut pipelines = vec![self.pipeline(false)?];
        loop {
            self.blanks();
            let after_failure = self.starts("||");
            if !self.take("&&") && !self.take("||") {
                return Ok(AndOr { pipelines, background: false });
            }
            self.newlines();
            pipelines.push(self.pipeline(after_failure)?);
        }
    }

    fn pipeline(&mut self, after_failure: bool) -> Parse<Pipeline> {
        let mut prefixed = false;
        loop {
            self.blanks();
            match self.plain_word() {
                "!" => {
                    prefixed = true;
                    self.advance(1);
                }
                // `time -f FORMAT COMMAND` is meant for the program.
                "time" if self.starts("time -") && !self.starts("time -p") => break,
                "time" => {
                    prefixed = true;
                    self.advance(4);
                    self.blanks();
                    if self.plain_word() == "-p" {
                        self.advance(2);
                    }
                }
                _ => break,
            }
        }
        let mut commands = Vec::new();
        // `!` and `time` alone are complete.
        if prefixed && matches!(self.peek(), None | Some(b'\n' | b';')) {
            let kind = CommandKind::Simple { assignments: Vec::new(), words: Vec::new() };
            commands.push(Command {
                kind,
                redirections: Vec::new(),
                span: self.position()..self.position(),
            });
            return Ok(Pipeline { after_failure, commands });
        }
        loop {
            commands.push(self.deeper(Self::command)?);
            self.blanks();
            if self.starts("||") || !(self.take("|&") || self.take("|")) {
                return Ok(Pipeline { after_failure, commands });
            }
            self.newlines();
        }
    }

    fn command(&mut self) -> Parse<Command> {
        self.blanks();
        let start = self.position();
        let kind = self.command_kind()?;
        let (kind, mut redirections) = match kind {
            Some(kind) => (kind, Vec::new()),
            None => self.simple()?,
        };
        if !matches!(kind, CommandKind::Simple { .. } | CommandKind::Function { .. }) {
            self.blanks();
            while let Some(redirection) = self.redirection()? {
                redirections.push(redirection);
                self.blanks();
            }
        }
        Ok(Command { kind, redirections, span: start..self.position() })
    }

    /// A compound command, if one stands here.
    fn command_kind(&mut self) -> Parse<Option<CommandKind>> {
        if self.starts("((")
            && super::words::arithmetic_end(self.text(), self.position() + 2).is_some()
        {
            self.advance(2);
            return Ok(Some(CommandKind::Arithmetic(self.arithmetic("))")?)));
        }
        if self.take("(") {
            let script = self.list(&[])?;
            if !self.take(")") {
                return Err(SyntaxError::Unclosed("`(`"));
            }
            return Ok(Some(CommandKind::Subshell(script)));
        }
        let word = self.plain_word();
        let kind = match word {
            "{" => {
                self.advance(1);
                let script = self.list(&["}"])?;
                self.keyword("}").map_err(|_| SyntaxError::Unclosed("`{`"))?;
                CommandKind::Group(script)
            }
            "if" => self.conditional()?,
            "while" | "until" => {
                self.advance(5);
                let condition = self.list(&["do"])?;
                CommandKind::Loop { until: word == "until", condition, body: self.body()? }
            }
            "for" | "select" => self.iteration(word.len())?,
            "case" => self.case()?,
            "function" => {
                self.advance(8);
                self.blanks();
                let name = self.plain_word().to_owned();
                self.advance(name.len());
                self.blanks();
                if self.take("(") {
                    self.blanks();
                    if !self.take(")") {
                        return self.unexpected();
                    }
                }
                self.function(name)?
            }
            "[[" => self.test()?,
            "coproc" => {
                self.advance(6);
                return self.coprocess().map(Some);
            }
            _ if RESERVED.contains(&word) && word != "in" => return self.unexpected(),
            _ => return self.function_definition(word),
        };
        Ok(Some(kind))
    }

    /// `name () body`, if that is what stands here.
    fn function_definition(&mut self, name: &str) -> Parse<Option<CommandKind>> {
        let start = self.position();
        let plain = !name.is_empty() && !name.contains(['<', '>', '$', '\'', '"', '`', '\\', '=']);
        if plain {
            self.advance(name.len());
            self.blanks();
            if self.take("(") {
                self.blanks();
                if self.take(")") {
                    return self.function(name.to_owned()).map(Some);
                }
            }
        }
        self.back_to(start);
        Ok(None)
    }

    fn function(&mut self, name: String) -> Parse<CommandKind> {
        self.newlines();
        let body = self.deeper(Self::command)?;
        Ok(CommandKind::Function { name, body: Rc::new(body) })
    }

    /// `coproc [NAME] command`: NAME holds the descriptors it is reached by.
    fn coprocess(&mut self) -> Parse<CommandKind> {
        self.blanks();
        let word = self.plain_word();
        if word == "PATH" {
            return self.unexpected();
        }
        let after = self.rest()[word.len()..].trim_start_matches([' ', '\t']);
        let named = !word.is_empty()
            && (after.starts_with('{') || after.starts_with('('))
            && !self.starts("{");
        if named {
            self.advance(word.len());
        }
        let name = if named { word } else { "COPROC" }.to_owned();
        let command = self.deeper(Self::command)?;
        let pipeline = Pipeline { after_failure: false, commands: vec![command] };
        let list = AndOr { pipelines: vec![pipeline], background: true };
        Ok(CommandKind::Coprocess { name, body: Script { lists: vec![list] } })
    }

    fn conditional(&mut self) -> Parse<CommandKind> {
        self.advance(2);
        let mut branches = Vec::new();
        let mut otherwise = None;
        loop {
            let condition = self.list(&["then"])?;
            self.keyword("then")?;
            let body = self.list(&["elif", "else", "fi"])?;
            branches.push((condition, body));
            match self.plain_word() {
                "elif" => self.advance(4),
                "else" => {
                    self.advance(4);
                    otherwise = Some(self.list(&["fi"])?);
                    break;
                }
                _ => break,
            }
        }
        self.keyword("fi").map_err(|_| SyntaxError::Unclosed("`if`"))?;
        Ok(CommandKind::If { branches, otherwise })
    }

    fn body(&mut self) -> Parse<Script> {
        self.newlines();
        if self.plain_word() == "{" {
            self.advance(1);
            let script = self.list(&["}"])?;
            self.keyword("}")?;
            return Ok(script);
        }
        self.keyword("do").map_err(|_| SyntaxError::Unclosed("a loop"))?;
        let script = self.list(&["done"])?;
        self.keyword("done").map_err(|_| SyntaxError::Unclosed("a loop"))?;
        Ok(script)
    }

    fn iteration(&mut self, keyword: usize) -> Parse<CommandKind> {
        self.advance(keyword);
        self.blanks();
        if self.take("((") {
            let expressions = self.arithmetic("))")?;
            self.blanks();
            self.take(";");
            return Ok(CommandKind::ArithmeticFor { expressions, body: self.body()? });
        }
        let variable = self.plain_word().to_owned();
        if variable.is_empty() {
            return self.unexpected();
        }
        self.advance(variable.len());
        self.newlines();
        let mut words = None;
        if self.plain_word() == "in" {
            self.advance(2);
            let mut list = Vec::new();
            loop {
                self.blanks();
                if matches!(self.peek(), None | Some(b';' | b'\n')) {
                    break;
                }
                list.push(self.word()?);
            }
            words = Some(list);
        }
        self.blanks();
        self.take(";");
        Ok(CommandKind::For { variable, words, body: self.body()? })
    }

    fn case(&mut self) -> Parse<CommandKind> {
        self.advance(4);
        self.blanks();
        let subject = self.word()?;
        self.keyword("in")?;
        let mut arms = Vec::new();
        loop {
            self.newlines();
            if self.plain_word() == "esac" {
                self.advance(4);
                return Ok(CommandKind::Case { subject, arms });
            }
            self.take("(");
            let mut patterns = Vec::new();
            loop {
                self.blanks();
                patterns.push(self.word()?);
                self.blanks();
                if !self.take("|") {
                    break;
                }
            }
            if !self.take(")") {
                return Err(SyntaxError::Unclosed("`case`"));
            }
            arms.push((patterns, self.list(&["esac"])?));
            let _ = self.take(";;&") || self.take(";;") || self.take(";&");
        }
    }

    fn test(&mut self) -> Parse<CommandKind> {
        self.advance(2);
        let mut words = Vec::new();
        loop {
            self.newlines();
            if self.peek().is_none() {
                return Err(SyntaxError::Unclosed("`[[`"));
            }
            if self.plain_word() == "]]" {
                self.advance(2);
                return Ok(CommandKind::Test(words));
            }
            let regex = words.last().and_then(Word::as_plain) == Some("=~");
            let operator = ["&&", "||", "(", ")", "<", ">"].into_iter().find(|op| self.starts(op));
            match operator {
                Some(operator) if !regex => self.advance(operator.len()),
                _ if regex => words.push(self.regex_word()?),
                _ => words.push(self.word()?),
            }
        }
    }

    fn simple(&mut self) -> Parse<(CommandKind, Vec<Redirection>)> {
        let mut assignments = Vec::new();
        let mut words: Vec<Word> = Vec::new();
        let mut redirections = Vec::new();
        loop {
            self.blanks();
            if let Some(redirection) = self.redirection()? {
                redirections.push(redirection);
                continue;
            }
            match self.peek() {
                None | Some(b'\n' | b';' | b'&' | b'|' | b')') => break,
                Some(b'(') => return self.unexpected(),
                _ => {}
            }
            if words.is_empty()
                && let Some(assignment) = self.assignment()?
            {
                assignments.push(assignment);
                continue;
            }
            words.push(self.argument()?);
        }
        if assignments.is_empty() && words.is_empty() && redirections.is_empty() {
            return self.unexpected();
        }
        Ok((CommandKind::Simple { assignments, words }, redirections))
    }

    /// `name=…` in front of a command word.
    fn assignment(&mut self) -> Parse<Option<Assignment>> {
        let start = self.position();
        let name = self.name();
        if name.is_empty() {
            return Ok(None);
        }
        let mut index = None;
        if self.take("[") {
            match self.braced_until(b']') {
                Ok(word) => index = Some(word),
                Err(_) => {
                    self.back_to(start);
                    return Ok(None);
                }
            }
        }
        let append = self.take("+=");
        if !append && !self.take("=") {
            self.back_to(start);
            return Ok(None);
        }
        let value = self.assigned()?;
        Ok(Some(Assignment { name, index, append, value }))
    }

    /// The value after `=`: a word, an array or nothing.
    fn assigned(&mut self) -> Parse<Word> {
        if self.take("(") {
            // `a=(b=(c=(…` nests as deep as the text is long.
            return self.deeper(Self::array);
        }
        match self.peek() {
            None | Some(b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b')') => Ok(Word::default()),
            Some(b'<' | b'>') if !self.starts("<(") && !self.starts(">(") => Ok(Word::default()),
            _ => self.word(),
        }
    }

    /// The words of an array, from behind its `(`.
    fn array(&mut self) -> Parse<Word> {
        let mut words = Vec::new();
        loop {
            self.newlines();
            if self.take(")") {
                // Joined to the array it is no comment, but more of its word.
                if self.peek() == Some(b'#') {
                    words.push(self.word()?);
                }
                return Ok(Word { pieces: vec![Piece::Array(words)] });
            }
            if self.peek().is_none() {
                return Err(SyntaxError::Unclosed("`(`"));
            }
            words.push(self.argument()?);
        }
    }

    /// An argument word; `name=(…)` is an array argument of `declare`.
    fn argument(&mut self) -> Parse<Word> {
        let mut word = self.word()?;
        let assigns = matches!(word.pieces.last(),
            Some(Piece::Literal { text, quoted: false }) if text.ends_with('='));
        if assigns && self.peek() == Some(b'(') {
            word.pieces.extend(self.assigned()?.pieces);
        }
        Ok(word)
    }

    /// A variable name at the position, consumed; empty if none stands here.
    /// A line continuation within it joins its halves.
    pub(super) fn name(&mut self) -> String {
        let mut name = String::new();
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if self.peek().is_some_and(|first| first.is_ascii_digit()) {
            return name;
        }
        loop {
            let rest = self.rest();
            let length = rest.bytes().take_while(|byte| is_part(*byte)).count();
            name.push_str(&rest[..length]);
            self.advance(length);
            let joined = rest[length..].strip_prefix("\\\n").and_then(|rest| rest.bytes().next());
            if name.is_empty() || !joined.is_some_and(is_part) {
                return name;
            }
            self.advance(2);
        }
    }

    fn redirection(&mut self) -> Parse<Option<Redirection>> {
        let start = self.position();
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let mut descriptor = self.rest()[..digits].parse().ok();
        let mut variable = None;
        self.advance(digits);
        if digits == 0 && self.take("{") {
            // `{name}>file` picks a free descriptor; 10 is the first bash takes.
            let name = self.name();
            if name == "PATH" {
                // The number becomes the folder where programs are searched.
                return self.unexpected();
            }
            let named = !name.is_empty() && self.take("}");
            if !named || !matches!(self.peek(), Some(b'<' | b'>')) {
                self.back_to(start);
                return Ok(None);
            }
            descriptor = Some(10);
            variable = Some(name);
        }
        let Some(operator) = self.redirect_operator(digits == 0) else {
            self.back_to(start);
            return Ok(None);
        };
        let strip_tabs = operator == RedirectOperator::HereDocument && self.take("-");
        self.blanks();
        if matches!(self.peek(), None | Some(b'\n' | b';' | b'|' | b'&' | b')')) {
            return self.unexpected();
        }
        let target = if operator == RedirectOperator::HereDocument {
            self.here_document(strip_tabs)?
        } else {
            Target::Word(self.word()?)
        };
        Ok(Some(Redirection { descriptor, variable, operator, target }))
    }

    fn redirect_operator(&mut self, may_be_both: bool) -> Option<RedirectOperator> {
        use RedirectOperator as Op;
        if self.starts("<(") || self.starts(">(") {
            return None;
        }
        const OPERATORS: [(&str, Op); 10] = [
            ("<<<", Op::HereString),
            ("<<", Op::HereDocument),
            ("<&", Op::DuplicateRead),
            ("<>", Op::ReadWrite),
            ("<", Op::Read),
            (">>", Op::Append),
            (">&", Op::DuplicateWrite),
            (">|", Op::Write),
            (">", Op::Write),
            ("&>", Op::WriteBoth),
        ];
        if may_be_both && self.take("&>>") {
            return Some(Op::WriteBoth);
        }
        let found = OPERATORS.into_iter().find(|(text, _)| self.starts(text))?;
        if found.1 == Op::WriteBoth && !may_be_both {
            return None;
        }
        self.advance(found.0.len());
        Some(found.1)
    }
}
