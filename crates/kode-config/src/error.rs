//! The one error of this crate: what is wrong, where, and what to do.
//! It never quotes the value of a key, and escapes what it quotes.

use std::fmt;
use std::path::{Path, PathBuf};

use kode_base::escape::escape_line;

/// Most characters of a message that are shown: it may quote a stranger's file.
const MESSAGE_CHARACTERS_MAX: usize = 400;

/// Bad configuration: names file, line, column and remedy. Exit 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The file; for a flag or environment variable, its name.
    pub path: PathBuf,
    /// Line, from 1; 0 when the whole file or no file is meant.
    pub line: usize,
    /// Column in characters, from 1; 0 when the whole file or no file is meant.
    pub column: usize,
    /// What is wrong and what to do about it.
    pub message: String,
}

impl ConfigError {
    /// An error about a whole file, a flag or an environment variable.
    pub(crate) fn whole(path: impl AsRef<Path>, message: impl Into<String>) -> Self {
        Self { path: path.as_ref().to_owned(), line: 0, column: 0, message: message.into() }
    }

    /// An error at a byte offset of `text`.
    pub(crate) fn at(
        path: &Path,
        text: &str,
        offset: usize,
        message: impl Into<String>,
    ) -> ConfigError {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: message.into(),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&escape_line(&self.path.to_string_lossy()))?;
        if self.line > 0 {
            write!(formatter, ":{}:{}", self.line, self.column)?;
        }
        let message = escape_line(&self.message);
        match message.char_indices().nth(MESSAGE_CHARACTERS_MAX) {
            Some((end, _)) => write!(formatter, ": {}…", &message[..end]),
            None => write!(formatter, ": {message}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_becomes_line_and_column_in_characters() {
        let error = ConfigError::at(Path::new("kode.json"), "{\n  \"ü\": x", 9, "bad");
        assert_eq!(error.to_string(), "kode.json:2:7: bad");
    }

    #[test]
    fn hostile_text_in_a_message_is_escaped() {
        let error = ConfigError::whole("a\u{1b}b", "c\nd");
        assert_eq!(error.to_string(), "a\\eb: c\\nd");
        let long = ConfigError::whole("a", "ü".repeat(100_000)).to_string();
        assert_eq!(long.chars().count(), "a: ".len() + MESSAGE_CHARACTERS_MAX + 1);
    }
}
