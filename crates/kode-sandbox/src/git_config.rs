//! Git's configuration read as text (git-config(1), "Syntax"): no git runs for it,
//! since what it says may be a stranger's. What is unclear is left out.

use std::iter::Peekable;
use std::str::Chars;

/// Longer configuration is not read.
pub(crate) const CONFIG_BYTES_MAX: u64 = 256 * 1024;

/// One setting: `section.subsection.name` and what it is set to. Sections and
/// names are in small letters, as git compares them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) section: String,
    pub(crate) subsection: String,
    pub(crate) name: String,
    pub(crate) value: String,
}

impl Setting {
    /// The key as a person writes it.
    pub(crate) fn key(&self) -> String {
        match self.subsection.is_empty() {
            true => format!("{}.{}", self.section, self.name),
            false => format!("{}.{}.{}", self.section, self.subsection, self.name),
        }
    }
}

/// The settings of one file in their order.
pub(crate) fn settings(text: &str) -> Vec<Setting> {
    let mut reader = Reader { rest: text.chars().peekable() };
    let (mut section, mut subsection) = (String::new(), String::new());
    let mut found = Vec::new();
    while let Some(first) = reader.rest.peek().copied() {
        match first {
            '[' => (section, subsection) = reader.section(),
            '#' | ';' => reader.skip_line(),
            first if first.is_ascii_alphabetic() => {
                let (name, value) = reader.setting();
                let (section, subsection) = (section.clone(), subsection.clone());
                found.push(Setting { section, subsection, name, value });
            }
            _ => drop(reader.rest.next()),
        }
    }
    found
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Reader<'_> {
    fn skip_line(&mut self) {
        self.rest.by_ref().find(|&letter| letter == '\n');
    }

    /// `[section "subsection"]` or, from older times, `[section.subsection]`.
    fn section(&mut self) -> (String, String) {
        self.rest.next();
        let mut name = String::new();
        let mut subsection = None;
        while let Some(letter) = self.rest.next() {
            match letter {
                ']' | '\n' => break,
                '"' => subsection = Some(self.quoted()),
                letter if !letter.is_whitespace() => name.push(letter.to_ascii_lowercase()),
                _ => {}
            }
        }
        let subsection = subsection.or_else(|| {
            let (section, subsection) = name.split_once('.')?;
            let subsection = subsection.to_owned();
            name = section.to_owned();
            Some(subsection)
        });
        (name, subsection.unwrap_or_default())
    }

    /// What stands up to the closing quote, or the end of the line.
    fn quoted(&mut self) -> String {
        let mut text = String::new();
        while let Some(letter) = self.rest.next_if(|&letter| letter != '\n') {
            match letter {
                '"' => break,
                '\\' => text.extend(self.rest.next()),
                letter => text.push(letter),
            }
        }
        text
    }

    /// `name = value`; without a value it is true.
    fn setting(&mut self) -> (String, String) {
        let mut name = String::new();
        while let Some(&letter) = self.rest.peek() {
            match letter {
                '=' => {
                    self.rest.next();
                    return (name, self.value());
                }
                '\n' => break,
                '#' | ';' => {
                    self.skip_line();
                    break;
                }
                letter if !letter.is_whitespace() => name.push(letter.to_ascii_lowercase()),
                _ => {}
            }
            self.rest.next();
        }
        (name, "true".to_owned())
    }

    fn value(&mut self) -> String {
        let (mut value, mut spaces, mut in_quotes) = (String::new(), String::new(), false);
        while let Some(letter) = self.rest.next() {
            let letter = match letter {
                '\n' => break,
                '"' => {
                    in_quotes = !in_quotes;
                    continue;
                }
                '#' | ';' if !in_quotes => {
                    self.skip_line();
                    break;
                }
                '\r' if self.rest.peek() == Some(&'\n') => continue,
                letter if letter.is_whitespace() && !in_quotes => {
                    // Those at the ends don't count.
                    if !value.is_empty() {
                        spaces.push(letter);
                    }
                    continue;
                }
                '\\' => match self.rest.next() {
                    // The value goes on in the next line.
                    Some('\n') | None => continue,
                    Some('n') => '\n',
                    Some('t') => '\t',
                    Some(letter) => letter,
                },
                letter => letter,
            };
            value.push_str(&std::mem::take(&mut spaces));
            value.push(letter);
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        let settings = settings(text).into_iter();
        settings.map(|setting| (setting.key(), setting.value)).collect()
    }

    #[test]
    fn settings_are_read_as_git_reads_them() {
        let text = "# a comment\n[core]\n\tBare = false ; no\n\thooksPath = \" .hooks \"\r\n\
                    [Filter \"A b\"] clean = \"sh \\\"x y\\\"\"  -c\\\n d\n[a.B]c\n[include]\npath=x";
        let expected = [
            ("core.bare", "false"),
            ("core.hookspath", " .hooks "),
            ("filter.A b.clean", "sh \"x y\"  -c d"),
            ("a.b.c", "true"),
            ("include.path", "x"),
        ];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(read(text), expected);
    }

    #[test]
    fn what_is_broken_ends_and_hides_nothing_after_it() {
        assert_eq!(read("[a \"b\n[c]\nd = \"e\n[f]\ng=h\n").len(), 2);
        assert_eq!(read("[core\nx = 1"), [("core.x".to_owned(), "1".to_owned())]);
        assert!(read("=\n]\n\"\\").is_empty());
    }
}
