//! Expansion of words into fields: quotes, tilde, parameters, substitutions,
//! splitting. Order and rules follow the bash manual, "Shell Expansions".

use super::parameters::stand_in;
use super::text::{Field, Stream, Text};
use super::{Evaluator, KNOWN_MAX, Taint, braces};
use crate::shell::syntax::{Piece, Script, Word};

/// Fields kept for one command.
const FIELDS_MAX: usize = 512;

/// Fields under construction.
#[derive(Default)]
struct Fields {
    done: Vec<Field>,
    open: Option<Field>,
}

impl Fields {
    fn current(&mut self) -> &mut Field {
        self.open.get_or_insert_with(Field::default)
    }

    fn close(&mut self) {
        if let Some(field) = self.open.take()
            && self.done.len() < FIELDS_MAX
        {
            self.done.push(field);
        }
    }

    /// Appends the result of an unquoted expansion, split at `separators`.
    fn split(&mut self, text: &Text, separators: &str) {
        let is_separator = |character: char| separators.contains(character);
        let mut rest = text.known.as_str();
        while let Some(at) = rest.find(is_separator) {
            let piece = &rest[..at];
            if !piece.is_empty() {
                self.append(piece, text.taint);
            }
            self.close();
            rest = rest[at..].trim_start_matches(is_separator);
        }
        if !rest.is_empty() {
            self.append(rest, text.taint);
        }
        if text.open {
            let field = self.current();
            field.text.append(&Text::unknown(text.taint));
            field.text.push(text.after.rsplit(is_separator).next().unwrap_or_default());
            field.many = !separators.is_empty();
            field.glob = true;
        }
    }

    fn append(&mut self, piece: &str, taint: Taint) {
        let field = self.current();
        field.glob |= has_glob(piece);
        field.text.append(&Text::known(piece.to_owned(), taint));
    }
}

/// Whether a variable may be called so.
fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|each| each.is_ascii_alphanumeric() || each == '_')
}

fn has_glob(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

impl Evaluator<'_> {
    /// Expands words into the fields a command would get.
    pub(crate) fn expand_words(&mut self, words: &[Word]) -> Vec<Field> {
        let mut fields = Vec::new();
        for word in words {
            fields.extend(self.expand_word(word));
            fields.truncate(FIELDS_MAX);
        }
        fields
    }

    /// Expands one word, braces included.
    pub(crate) fn expand_word(&mut self, word: &Word) -> Vec<Field> {
        if let [Piece::Literal { text, quoted }] = word.pieces.as_slice()
            && (*quoted || !text.contains(['{', '~', '*', '?', '[']))
        {
            return vec![Field { text: Text::exact(text), quoted: *quoted, ..Field::default() }];
        }
        match braces::expand(word) {
            Some(words) => words.iter().flat_map(|each| self.expand_plain(each)).collect(),
            None => {
                let mut field = self.expand_plain(word).into_iter().next().unwrap_or_default();
                field.text = Text { open: true, ..Text::unknown(field.text.taint) };
                field.many = true;
                vec![field]
            }
        }
    }

    fn expand_plain(&mut self, word: &Word) -> Vec<Field> {
        let mut fields = Fields::default();
        for (at, piece) in word.pieces.iter().enumerate() {
            if self.is_filler(&word.pieces, at) {
                continue;
            }
            self.expand_piece(piece, at == 0, word.pieces.len() == 1, &mut fields);
        }
        fields.close();
        fields.done
    }

    /// Whether an unset variable stands within a name, where it is nothing but a
    /// disguise: `n${x}c`, `who$u`.
    fn is_filler(&self, pieces: &[Piece], at: usize) -> bool {
        if !self.unset_is_named || at == 0 {
            return false;
        }
        let Piece::Parameter { parameter, .. } = &pieces[at] else { return false };
        let literal = |at: usize| match pieces.get(at) {
            Some(Piece::Literal { text, .. }) => text.as_str(),
            Some(_) => "/",
            None => "",
        };
        let name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let (before, after) = (literal(at - 1), literal(at + 1));
        let within = !before.is_empty()
            && name(before)
            && after.bytes().next().is_none_or(|byte| byte.is_ascii_alphanumeric());
        let unset = Text::exact(&stand_in(&parameter.name));
        within
            && parameter.operator.is_empty()
            && self.value_of(&parameter.name).is_some_and(|values| values == [unset])
    }

    fn expand_piece(&mut self, piece: &Piece, first: bool, alone: bool, fields: &mut Fields) {
        match piece {
            Piece::Literal { text, quoted: true } => {
                let field = fields.current();
                field.quoted = true;
                field.text.push(text);
            }
            Piece::Literal { text, quoted: false } => {
                let text = if first { self.tilde(text, alone) } else { text.clone() };
                let field = fields.current();
                field.glob |= has_glob(&text);
                field.text.push(&text);
            }
            Piece::Parameter { parameter, quoted } => {
                let values = self.parameter(parameter);
                self.splice(values, *quoted, &parameter.name, fields);
            }
            Piece::Command { script, source, quoted } => {
                let text = self.substitute(script, source.as_deref());
                if *quoted {
                    fields.current().quoted = true;
                    fields.current().text.append(&text);
                } else {
                    let separators = self.separators();
                    fields.split(&text, &separators);
                }
            }
            Piece::Arithmetic(word) => {
                let text = self.arithmetic(word);
                fields.current().text.append(&text);
            }
            Piece::Process { script, written } => {
                let stdin = if *written { self.flowing() } else { Stream::default() };
                let stream = self.subshell(script, stdin);
                let field = fields.current();
                field.text.push("/dev/fd/63");
                if !*written {
                    // A variable may carry the name to where it is read.
                    self.files.insert("/dev/fd/63".to_owned(), stream.clone());
                }
                field.stream = Some(stream);
            }
            Piece::Array(words) => {
                for word in words {
                    fields.close();
                    fields.done.extend(self.expand_word(word));
                }
            }
        }
    }

    /// Puts a parameter's values in: quoted `"$@"` and arrays stay apart.
    fn splice(&mut self, values: Vec<Text>, quoted: bool, name: &str, fields: &mut Fields) {
        let separators = self.separators();
        let many = values.len() > 1 || name == "@";
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                fields.close();
            }
            if quoted {
                let field = fields.current();
                field.quoted = true;
                field.text.append(value);
                field.many |= many && value.open;
            } else {
                fields.split(value, &separators);
            }
        }
    }

    /// What is being written into the command's `>(…)`: its input, at worst.
    fn flowing(&self) -> Stream {
        if self.stdin.present { self.stdin.clone() } else { Stream::unknown(Taint::FILE) }
    }

    /// `~`, `~user`, `~+` at the start of a word, and behind the `=` of a word that
    /// reads as an assignment: `dd of=~/x`.
    fn tilde(&self, text: &str, alone: bool) -> String {
        let Some(rest) = text.strip_prefix('~') else {
            return match text.split_once("=~") {
                Some((name, rest)) if is_name(name) => {
                    format!("{name}={}", self.tilde(&format!("~{rest}"), alone))
                }
                _ => text.to_owned(),
            };
        };
        let end = rest.find('/').unwrap_or(rest.len());
        if end == rest.len() && !alone {
            return text.to_owned();
        }
        let home = match &rest[..end] {
            "" => self.session.home.clone(),
            "+" => self.state.directory.clone().unwrap_or_default(),
            "root" => "/root".to_owned(),
            "-" => return text.to_owned(),
            user => format!("/home/{user}"),
        };
        format!("{home}{}", &rest[end..])
    }

    /// The characters unquoted expansions are split at.
    pub(crate) fn separators(&self) -> String {
        let set = self.state.variables.get("IFS").and_then(|variable| variable.values.first());
        set.and_then(Text::as_exact).unwrap_or(" \t\n").to_owned()
    }

    /// Expands without splitting: assignments, redirection targets.
    pub(crate) fn expand_joined(&mut self, word: &Word) -> Text {
        let mut joined = Text::default();
        let mut first = true;
        for piece in &word.pieces {
            match piece {
                Piece::Parameter { parameter, .. } => {
                    for (at, value) in self.parameter(parameter).iter().enumerate() {
                        if at > 0 {
                            joined.push(" ");
                        }
                        joined.append(value);
                    }
                }
                Piece::Command { script, source, .. } => {
                    let text = self.substitute(script, source.as_deref());
                    joined.append(&text);
                }
                Piece::Literal { text, quoted: false } if first => {
                    joined.push(&self.tilde(text, word.pieces.len() == 1));
                }
                Piece::Literal { text, .. } => joined.push(text),
                other => {
                    let mut fields = Fields::default();
                    self.expand_piece(other, false, false, &mut fields);
                    fields.close();
                    for field in fields.done {
                        joined.append(&field.text);
                    }
                }
            }
            first = false;
        }
        if joined.known.len() > KNOWN_MAX {
            joined = Text::unknown(joined.taint);
        }
        joined
    }

    /// The standard output of a command substitution, trailing newlines gone.
    pub(crate) fn substitute(&mut self, script: &Script, source: Option<&str>) -> Text {
        let outer = source.map(|inner| std::mem::replace(&mut self.state.source, inner.into()));
        let input = self.stdin.clone();
        let stream = self.subshell(script, input);
        let mut text = stream.names.stand_in(&stream.text).unwrap_or(stream.text);
        if let Some(outer) = outer {
            self.state.source = outer;
        }
        let end = if text.open { &mut text.after } else { &mut text.known };
        end.truncate(end.trim_end_matches('\n').len());
        text
    }
}
