//! Splits a command's words into flags, values and operands by its entry.
//! What the entry does not name is reported as unknown, never skipped.

use super::table::{Spec, Style, Value};
use crate::evaluate::{Field, Text};

/// A command's words, sorted.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    /// Flags by their full names, with values.
    pub(crate) flags: Vec<(String, Option<Field>)>,
    /// Everything else, in order.
    pub(crate) operands: Vec<Field>,
    /// Flags the entry does not name.
    pub(crate) unknown: Vec<String>,
    /// A word that begins like a flag and ends unknown.
    pub(crate) open_flag: bool,
}

impl Arguments {
    /// Whether any of `names` was given.
    pub(crate) fn has(&self, names: &[&str]) -> bool {
        self.flags.iter().any(|(flag, _)| names.contains(&flag.as_str()))
    }

    /// The last value of any of `names`.
    pub(crate) fn value(&self, names: &[&str]) -> Option<&Field> {
        let found = self.flags.iter().rev().find(|(flag, _)| names.contains(&flag.as_str()));
        found.and_then(|(_, value)| value.as_ref())
    }
}

/// Reads flags one by one.
struct Reader<'a> {
    spec: &'a Spec,
    words: &'a [Field],
    at: usize,
    found: Arguments,
}

/// Sorts `words` (without the command word).
pub(crate) fn sort(spec: &Spec, words: &[Field]) -> Arguments {
    let mut reader = Reader { spec, words, at: 0, found: Arguments::default() };
    while reader.at < words.len() {
        let word = &words[reader.at];
        let text = word.text.known.as_str();
        let is_flag =
            text.starts_with('-') && (text.len() > 1 || word.text.open) && word.stream.is_none();
        reader.at += 1;
        if text == "--" && !word.text.open {
            reader.found.operands.extend_from_slice(&words[reader.at..]);
            break;
        }
        if !is_flag {
            reader.found.operands.push(word.clone());
            if spec.stop_at_operand {
                reader.found.operands.extend_from_slice(&words[reader.at..]);
                break;
            }
            continue;
        }
        reader.flag(word);
    }
    reader.found
}

impl Reader<'_> {
    fn flag(&mut self, word: &Field) {
        let text = word.text.known.clone();
        if self.spec.style == Style::Single {
            return self.whole(word, &text);
        }
        if text.starts_with("--") {
            return self.long(word, &text);
        }
        if self.spec.flags.contains_key(&text) && text.len() > 2 {
            return self.whole(word, &text);
        }
        self.cluster(word, &text);
    }

    /// A flag that is one word: `-name`, `-std=c11`, or a known beginning.
    fn whole(&mut self, word: &Field, text: &str) {
        let (name, attached) = match text.split_once('=') {
            Some((name, _)) => (name, Some(rest(word, name.len() + 1))),
            None => (text, None),
        };
        let exact = self.spec.flags.get(text).map(|value| (text, *value, None));
        let named = self.spec.flags.get(name).map(|value| (name, *value, attached));
        if let Some((name, value, attached)) =
            exact.or(named).filter(|_| !word.text.open || text.contains('='))
        {
            return self.take(name.to_owned(), value, attached);
        }
        if let Some((start, value)) =
            self.spec.prefixes.iter().find(|(start, _)| text.starts_with(start.as_str()))
        {
            let attached = Some(rest(word, start.len()));
            return self.take(start.clone(), *value, attached);
        }
        self.unknown(word, text);
    }

    fn long(&mut self, word: &Field, text: &str) {
        let (name, attached) = match text.split_once('=') {
            Some((name, _)) => (name, Some(rest(word, name.len() + 1))),
            None if word.text.open => return self.unknown(word, text),
            None => (text, None),
        };
        if let Some(value) = self.spec.flags.get(name) {
            return self.take(name.to_owned(), *value, attached);
        }
        // GNU getopt takes any beginning that stands for one flag only.
        let mut longer = self.spec.flags.iter().filter(|(flag, _)| flag.starts_with(name));
        match (longer.next(), longer.next()) {
            (Some((flag, value)), None) if name.len() > 2 => {
                self.take(flag.clone(), *value, attached)
            }
            _ => {
                match self.spec.prefixes.iter().find(|(start, _)| text.starts_with(start.as_str()))
                {
                    Some((start, value)) => {
                        self.take(start.clone(), *value, Some(rest(word, start.len())))
                    }
                    None => self.unknown(word, text),
                }
            }
        }
    }

    /// `-abcVALUE`: letters until one takes the rest as its value.
    fn cluster(&mut self, word: &Field, text: &str) {
        let digits = text[1..].starts_with(|first: char| first.is_ascii_digit());
        if self.spec.digits && (digits || word.text.open && text == "-") {
            return;
        }
        for (at, letter) in text.char_indices().skip(1) {
            let name = format!("-{letter}");
            let Some(value) = self.spec.flags.get(&name).copied() else {
                return match self
                    .spec
                    .prefixes
                    .iter()
                    .find(|(start, _)| text.starts_with(start.as_str()))
                {
                    Some((start, value)) => {
                        self.take(start.clone(), *value, Some(rest(word, start.len())))
                    }
                    None => self.unknown(word, text),
                };
            };
            let after = at + letter.len_utf8();
            let attached = (after < text.len() || word.text.open).then(|| rest(word, after));
            match value {
                Value::None => self.found.flags.push((name, None)),
                Value::Optional => return self.found.flags.push((name, attached)),
                _ => return self.take(name, value, attached),
            }
        }
        self.found.open_flag |= word.text.open;
    }

    fn take(&mut self, name: String, value: Value, attached: Option<Field>) {
        let value = match (value, attached) {
            (Value::None, None) | (Value::Optional, None) => None,
            (_, Some(attached)) => Some(attached),
            (_, None) => {
                let next = self.words.get(self.at).cloned();
                self.at += 1;
                next
            }
        };
        self.found.flags.push((name, value));
    }

    fn unknown(&mut self, word: &Field, text: &str) {
        if word.text.open {
            self.found.open_flag = true;
        } else {
            self.found.unknown.push(text.to_owned());
        }
        if let Some((_, value)) = text.split_once('=') {
            // A value of an unknown flag may be a path.
            let text = Text { known: value.to_owned(), ..word.text.clone() };
            self.found.flags.push((String::new(), Some(Field { text, ..Field::default() })));
        }
    }
}

/// `word` without its first `from` bytes.
fn rest(word: &Field, from: usize) -> Field {
    let known = word.text.known.get(from..).unwrap_or_default().to_owned();
    Field { text: Text { known, ..word.text.clone() }, ..word.clone() }
}
