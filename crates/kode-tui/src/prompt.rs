//! The line a person types: several lines, history, pastes kept apart. What
//! was pasted is never the person's own words, so it stands in the text as a
//! named place and travels beside it.

mod search;

use kode_base::{ProjectPath, Untrusted};

use self::search::Search;
use crate::exchange::UserMessage;

/// Characters of one message; more is not taken.
const CHARACTERS_MAX: usize = 64 * 1024;
/// Bytes of one paste; the rest is cut off, visibly.
const PASTE_BYTES_MAX: usize = 1024 * 1024;
/// Messages remembered.
const HISTORY_MAX: usize = 500;

/// A move of the cursor, or a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Edit {
    Insert(char),
    Paste(String),
    Backspace,
    Delete,
    DeleteWord,
    DeleteToStart,
    DeleteToEnd,
    Left,
    Right,
    WordLeft,
    WordRight,
    Start,
    End,
    Up,
    Down,
}

/// The prompt.
#[derive(Debug, Default)]
pub(crate) struct Prompt {
    text: Vec<char>,
    cursor: usize,
    pasted: Vec<(String, String)>,
    history: Vec<String>,
    /// Which remembered message is shown; the draft is kept meanwhile.
    recalled: Option<(usize, Vec<char>)>,
    /// Earlier messages are looked through.
    search: Option<Search>,
}

impl Prompt {
    pub(crate) fn text(&self) -> String {
        self.text.iter().collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Line and column of the cursor, in characters.
    pub(crate) fn cursor(&self) -> (usize, usize) {
        let before = &self.text[..self.cursor];
        let line = before.iter().filter(|c| **c == '\n').count();
        let start = before.iter().rposition(|c| *c == '\n').map_or(0, |at| at + 1);
        (line, self.cursor - start)
    }

    pub(crate) fn edit(&mut self, edit: Edit) {
        match edit {
            Edit::Insert(character) => self.insert(character),
            Edit::Paste(text) => self.paste(text),
            Edit::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.text.remove(self.cursor);
            }
            Edit::Delete if self.cursor < self.text.len() => drop(self.text.remove(self.cursor)),
            Edit::DeleteWord => self.delete_to(self.word_start()),
            Edit::DeleteToStart => self.delete_to(self.line_start()),
            Edit::DeleteToEnd => drop(self.text.drain(self.cursor..self.line_end())),
            Edit::WordLeft => self.cursor = self.word_start(),
            Edit::WordRight => self.cursor = self.word_end(),
            Edit::Left => self.cursor = self.cursor.saturating_sub(1),
            Edit::Right => self.cursor = (self.cursor + 1).min(self.text.len()),
            Edit::Start => self.cursor = self.line_start(),
            Edit::End => self.cursor = self.line_end(),
            Edit::Up => self.up(),
            Edit::Down => self.down(),
            Edit::Backspace | Edit::Delete => {}
        }
    }

    /// Takes the message out, if there is one.
    pub(crate) fn take(&mut self) -> Option<UserMessage> {
        let text = self.text();
        if text.trim().is_empty() {
            return None;
        }
        let pasted = std::mem::take(&mut self.pasted);
        let pasted = pasted.into_iter().filter(|(name, _)| text.contains(&format!("[{name}]")));
        let pasted = pasted.map(|(name, text)| (name, Untrusted::new(text))).collect();
        let files = named_files(&text);
        self.remember(&text);
        (self.text, self.cursor, self.recalled) = (Vec::new(), 0, None);
        Some(UserMessage { text, pasted, files })
    }

    /// Clears the line; what stood in it can be recalled.
    pub(crate) fn clear(&mut self) {
        let text = self.text();
        if !text.trim().is_empty() {
            self.remember(&text);
        }
        (self.text, self.cursor, self.recalled) = (Vec::new(), 0, None);
        self.pasted.clear();
    }

    fn insert(&mut self, character: char) {
        if self.text.len() < CHARACTERS_MAX {
            self.text.insert(self.cursor, character);
            self.cursor += 1;
        }
    }

    fn paste(&mut self, mut text: String) {
        if text.is_empty() {
            return;
        }
        if text.len() > PASTE_BYTES_MAX {
            let end =
                (0..=PASTE_BYTES_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(end);
            text.push_str("\n[the rest of the paste was cut off]");
        }
        // Terminals send a carriage return for a line end.
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let lines = text.lines().count();
        let number = self.pasted.len() + 1;
        let name =
            format!("pasted text {number}, {lines} line{}", if lines == 1 { "" } else { "s" });
        for character in format!("[{name}]").chars() {
            self.insert(character);
        }
        self.pasted.push((name, text));
    }

    fn delete_to(&mut self, start: usize) {
        self.text.drain(start..self.cursor);
        self.cursor = start;
    }

    fn word_start(&self) -> usize {
        let before = &self.text[..self.cursor];
        let word_end = before.iter().rposition(|c| !c.is_whitespace()).map_or(0, |at| at + 1);
        before[..word_end].iter().rposition(|c| c.is_whitespace()).map_or(0, |at| at + 1)
    }

    fn word_end(&self) -> usize {
        let rest = &self.text[self.cursor..];
        let start = rest.iter().position(|c| !c.is_whitespace()).unwrap_or(rest.len());
        let length = rest[start..].iter().position(|c| c.is_whitespace());
        self.cursor + start + length.unwrap_or(rest.len() - start)
    }

    /// The word that ends at the cursor.
    pub(crate) fn word(&self) -> String {
        let before = &self.text[..self.cursor];
        let start = before.iter().rposition(|c| c.is_whitespace()).map_or(0, |at| at + 1);
        before[start..].iter().collect()
    }

    /// Whether the cursor stands in the first word of the message.
    pub(crate) fn is_in_first_word(&self) -> bool {
        !self.text[..self.cursor].iter().any(|c| c.is_whitespace())
    }

    /// Puts `text` in place of the word that ends at the cursor.
    pub(crate) fn replace_word(&mut self, text: &str) {
        let length = self.word().chars().count();
        self.text.drain(self.cursor - length..self.cursor);
        self.cursor -= length;
        text.chars().for_each(|character| self.insert(character));
    }

    /// Adds an earlier message to what can be recalled.
    pub(crate) fn remember(&mut self, text: &str) {
        if self.history.last().is_none_or(|last| last != text) {
            self.history.push(text.to_owned());
        }
        if self.history.len() > HISTORY_MAX {
            self.history.remove(0);
        }
    }

    fn line_start(&self) -> usize {
        self.text[..self.cursor].iter().rposition(|c| *c == '\n').map_or(0, |at| at + 1)
    }

    fn line_end(&self) -> usize {
        let rest = self.text[self.cursor..].iter().position(|c| *c == '\n');
        rest.map_or(self.text.len(), |at| self.cursor + at)
    }

    /// Up a line; on the first one, back in history.
    fn up(&mut self) {
        let (line, column) = self.cursor();
        if line > 0 {
            let end = self.line_start() - 1;
            self.cursor = end;
            self.cursor = (self.line_start() + column).min(end);
            return;
        }
        let shown = self.recalled.as_ref().map_or(self.history.len(), |(shown, _)| *shown);
        if let Some(before) = shown.checked_sub(1) {
            let draft = self.recalled.take().map_or_else(|| self.text.clone(), |(_, draft)| draft);
            self.show(self.history[before].chars().collect());
            self.recalled = Some((before, draft));
        }
    }

    fn down(&mut self) {
        let end = self.line_end();
        if end < self.text.len() {
            let (_, column) = self.cursor();
            self.cursor = end + 1;
            self.cursor = (self.cursor + column).min(self.line_end());
            return;
        }
        if let Some((shown, draft)) = self.recalled.take() {
            match self.history.get(shown + 1) {
                Some(next) => {
                    self.show(next.chars().collect());
                    self.recalled = Some((shown + 1, draft));
                }
                None => self.show(draft),
            }
        }
    }

    fn show(&mut self, text: Vec<char>) {
        self.cursor = text.len();
        self.text = text;
    }
}

/// The project files that a message names with `@`, at most once each.
fn named_files(text: &str) -> Vec<ProjectPath> {
    let mut files = Vec::new();
    for (at, _) in text.match_indices('@') {
        let is_word_start = text[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
        let rest = &text[at + 1..];
        let name = match rest.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let word = rest.split(char::is_whitespace).next().unwrap_or_default();
                word.trim_end_matches(|c| ".,;:!?)]}'\"".contains(c)).to_owned()
            }
        };
        if let (true, Ok(path)) = (is_word_start && !name.is_empty(), ProjectPath::new(&name))
            && !files.contains(&path)
        {
            files.push(path);
        }
    }
    files
}

/// Up to the closing quote; a backslash stands before a quote or itself.
fn unquoted(text: &str) -> String {
    let mut name = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => name.extend(characters.next()),
            other => name.push(other),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Prompt {
        let mut prompt = Prompt::default();
        text.chars().for_each(|c| prompt.edit(Edit::Insert(c)));
        prompt
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test looks at the text")]
    fn pasted_text_travels_beside_the_message() {
        let mut prompt = typed("explain ");
        prompt.edit(Edit::Paste("rm -rf x\rsecond".to_owned()));
        let message = prompt.take().unwrap();
        assert_eq!(message.text, "explain [pasted text 1, 2 lines]");
        assert_eq!(message.pasted[0].1.expose(), "rm -rf x\nsecond");
    }

    #[test]
    fn a_paste_whose_place_was_deleted_is_not_sent() {
        let mut prompt = typed("a");
        prompt.edit(Edit::Paste("b".to_owned()));
        prompt.edit(Edit::Backspace);
        assert!(prompt.take().unwrap().pasted.is_empty());
    }

    #[test]
    fn files_named_with_an_at_sign_are_found_and_addresses_are_not() {
        let named = |text: &str| -> Vec<String> {
            named_files(text).iter().map(ToString::to_string).collect()
        };
        assert_eq!(named("see @src/a.rs, and (@b.py). me@example.org"), ["src/a.rs", "b.py"]);
        assert_eq!(named(r#"@"a \"b\" \\ c.txt" @"x"#), [r#"a "b" \ c.txt"#, "x"]);
        assert_eq!(named("@\"two words.txt\" @b @b @ @/etc/passwd @../x"), ["two words.txt", "b"]);
    }

    #[test]
    fn the_word_before_the_cursor_is_replaced() {
        let mut prompt = typed("look at @sr now");
        (0..4).for_each(|_| prompt.edit(Edit::Left));
        assert_eq!((prompt.word().as_str(), prompt.is_in_first_word()), ("@sr", false));
        prompt.replace_word("@src/a.rs");
        assert_eq!(prompt.text(), "look at @src/a.rs now");
        prompt.edit(Edit::WordRight);
        prompt.edit(Edit::WordLeft);
        prompt.edit(Edit::DeleteToEnd);
        assert_eq!(prompt.text(), "look at @src/a.rs ");
    }

    #[test]
    fn history_comes_back_and_the_draft_is_kept() {
        let mut prompt = typed("first");
        prompt.take();
        "second".chars().for_each(|c| prompt.edit(Edit::Insert(c)));
        prompt.take();
        "draft".chars().for_each(|c| prompt.edit(Edit::Insert(c)));
        for (edit, expected) in [
            (Edit::Up, "second"),
            (Edit::Up, "first"),
            (Edit::Up, "first"),
            (Edit::Down, "second"),
            (Edit::Down, "draft"),
        ] {
            prompt.edit(edit);
            assert_eq!(prompt.text(), expected);
        }
    }

    #[test]
    fn lines_and_words_can_be_moved_over_and_deleted() {
        let mut prompt = typed("one two\nthree");
        prompt.edit(Edit::Up);
        assert_eq!(prompt.cursor(), (0, 5));
        prompt.edit(Edit::End);
        prompt.edit(Edit::DeleteWord);
        assert_eq!(prompt.text(), "one \nthree");
        prompt.edit(Edit::DeleteToStart);
        assert_eq!(prompt.text(), "\nthree");
    }
}
