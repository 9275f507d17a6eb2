//! Reads this crate's own data files: the part of TOML they are written in, without
//! copying their text. Every start of the program reads them, so it matters; a test
//! holds the result against the `toml` crate. No file of a user is read with it.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserialize, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

/// Why a table can't be read.
pub(crate) type Error = serde::de::value::Error;

/// A value of a table.
#[derive(Debug, Clone)]
enum Node<'de> {
    Text(&'de str),
    Whole(i64),
    Real(f64),
    Truth(bool),
    List(Vec<Node<'de>>),
    Table(Vec<(&'de str, Node<'de>)>),
}

/// Reads a data file into its type.
///
/// # Errors
/// Where the text is not of the part of TOML that data files use, or does not fit.
pub(crate) fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Error> {
    T::deserialize(file(text)?)
}

/// Tables and arrays of tables, one level deep, each with keys below it.
fn file(text: &str) -> Result<Node<'_>, Error> {
    let mut root: Vec<(&str, Node<'_>)> = Vec::new();
    let mut reader = Reader { rest: text };
    let mut inside = false;
    loop {
        reader.skip_blank();
        if reader.rest.is_empty() {
            return Ok(Node::Table(root));
        }
        if let Some(name) = reader.heading("[[", "]]")? {
            match root.iter_mut().find(|(known, _)| *known == name) {
                Some((_, Node::List(tables))) => tables.push(Node::Table(Vec::new())),
                _ => root.push((name, Node::List(vec![Node::Table(Vec::new())]))),
            }
            // The entry that keys belong to is the last one of the last name.
            let at = root.iter().position(|(known, _)| *known == name).unwrap_or_default();
            let last = root.remove(at);
            root.push(last);
            inside = true;
        } else if let Some(name) = reader.heading("[", "]")? {
            root.push((name, Node::Table(Vec::new())));
            inside = true;
        } else {
            let pair = reader.pair()?;
            match root.last_mut().filter(|_| inside) {
                Some((_, Node::Table(table))) => table.push(pair),
                Some((_, Node::List(tables))) => match tables.last_mut() {
                    Some(Node::Table(table)) => table.push(pair),
                    _ => return Err(Error::custom("a key outside of its table")),
                },
                _ => root.push(pair),
            }
        }
    }
}

/// What is left of a file.
struct Reader<'de> {
    rest: &'de str,
}

impl<'de> Reader<'de> {
    fn skip_blank(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            if !self.rest.starts_with('#') {
                return;
            }
            self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
        }
    }

    fn heading(&mut self, open: &str, close: &str) -> Result<Option<&'de str>, Error> {
        let Some(inner) = self.rest.strip_prefix(open) else { return Ok(None) };
        let (name, rest) = inner.split_once(close).ok_or_else(|| self.wrong("a heading"))?;
        self.rest = rest;
        Ok(Some(name))
    }

    fn pair(&mut self) -> Result<(&'de str, Node<'de>), Error> {
        let (key, rest) = self.rest.split_once('=').ok_or_else(|| self.wrong("a key"))?;
        let key = key.trim();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if key.is_empty() || !key.bytes().all(plain) {
            return Err(self.wrong("a key"));
        }
        self.rest = rest;
        Ok((key, self.value()?))
    }

    fn value(&mut self) -> Result<Node<'de>, Error> {
        self.skip_blank();
        for quote in ["\"\"\"", "'''", "\"", "'"] {
            if let Some(inner) = self.rest.strip_prefix(quote) {
                return self.text(inner, quote);
            }
        }
        if let Some(inner) = self.rest.strip_prefix('[') {
            self.rest = inner;
            return self.list();
        }
        let end = self.rest.find(['\n', ',', ']', '#']).unwrap_or(self.rest.len());
        let word = self.rest[..end].trim();
        let value = match word {
            "true" => Node::Truth(true),
            "false" => Node::Truth(false),
            _ => match (word.parse(), word.parse()) {
                (Ok(whole), _) => Node::Whole(whole),
                (_, Ok(real)) => Node::Real(real),
                _ => return Err(self.wrong("a value")),
            },
        };
        self.rest = &self.rest[end..];
        Ok(value)
    }

    /// Text up to the quote that closes it. Escapes stay as they are written: only
    /// examples have them.
    fn text(&mut self, inner: &'de str, quote: &str) -> Result<Node<'de>, Error> {
        let is_literal = quote.starts_with('\'');
        let inner =
            if quote.len() == 3 { inner.strip_prefix('\n').unwrap_or(inner) } else { inner };
        let mut from = 0;
        let end = loop {
            let at = found(&inner[from..], quote).ok_or_else(|| self.wrong("a text"))? + from;
            let slashes = inner[..at].bytes().rev().take_while(|byte| *byte == b'\\').count();
            if is_literal || slashes % 2 == 0 {
                break at;
            }
            from = at + 1;
        };
        self.rest = &inner[end + quote.len()..];
        Ok(Node::Text(&inner[..end]))
    }

    fn list(&mut self) -> Result<Node<'de>, Error> {
        let mut items = Vec::new();
        loop {
            self.skip_blank();
            if let Some(rest) = self.rest.strip_prefix(']') {
                self.rest = rest;
                return Ok(Node::List(items));
            }
            items.push(self.value()?);
            self.skip_blank();
            self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
        }
    }

    fn wrong(&self, what: &str) -> Error {
        let line: String = self.rest.chars().take(40).collect();
        Error::custom(format!("{what} was expected at `{line}`"))
    }
}

/// Where a quote stands. Of one byte, which nearly all are, it is found fast.
fn found(text: &str, quote: &str) -> Option<usize> {
    match quote.as_bytes() {
        [byte] => memchr::memchr(*byte, text.as_bytes()),
        _ => text.find(quote),
    }
}

impl<'de> IntoDeserializer<'de, Error> for Node<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Text(text) => visitor.visit_borrowed_str(text),
            Self::Whole(number) => visitor.visit_i64(number),
            Self::Real(number) => visitor.visit_f64(number),
            Self::Truth(truth) => visitor.visit_bool(truth),
            Self::List(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter())),
            Self::Table(pairs) => visitor.visit_map(MapDeserializer::new(pairs.into_iter())),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Self::Text(text) => {
                let text: serde::de::value::BorrowedStrDeserializer<'de, Error> =
                    serde::de::value::BorrowedStrDeserializer::new(text);
                text.deserialize_enum(name, variants, visitor)
            }
            _ => Err(Error::custom(format!("{name} is a word"))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every data file of the crate.
    fn data_files() -> Vec<(String, String)> {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let folders = ["models", "data"].into_iter().flat_map(|folder| {
            std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path())
        });
        let files = folders.filter(|path| path.extension().is_some_and(|end| end == "toml"));
        files
            .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap()))
            .collect()
    }

    /// Texts with escapes are examples, which are not compared.
    fn without_escaped(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(map) => {
                for name in ["bad", "good"] {
                    map.remove(name);
                }
                map.values_mut().for_each(without_escaped);
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(without_escaped),
            _ => {}
        }
    }

    #[test]
    fn every_data_file_reads_as_the_toml_crate_reads_it() {
        let files = data_files();
        assert!(files.len() >= 7);
        for (path, text) in files {
            let mut ours: serde_json::Value =
                read(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
            let mut theirs: serde_json::Value = toml::from_str(&text).unwrap();
            without_escaped(&mut ours);
            without_escaped(&mut theirs);
            assert_eq!(ours, theirs, "{path}");
        }
    }

    #[test]
    fn what_is_no_table_is_an_error() {
        for text in ["[[a", "a", "a = ", "a = [1", "a = \"x", "a b = 1", "[a]\nb = {c = 1}"] {
            assert!(read::<serde_json::Value>(text).is_err(), "{text}");
        }
        assert!(read::<serde_json::Value>("a = 1 # one\n[b]\nc = ['d', 'e']\n").is_ok());
    }
}
