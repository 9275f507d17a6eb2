//! Words as far as they are known without running anything: exact text, or a
//! known beginning, with where the text came from.

use std::ops::{BitOr, BitOrAssign};

/// Where text came from; a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Taint(u16);

impl Taint {
    /// Written in the command itself.
    pub(crate) const LITERAL: Self = Self(0);
    /// Came over the network.
    pub(crate) const REMOTE: Self = Self(1);
    /// Came out of a decoder such as `base64 -d`.
    pub(crate) const DECODED: Self = Self(2);
    /// Read from something that looks like a credential.
    pub(crate) const SECRET: Self = Self(4);
    /// Read from a file or another program.
    pub(crate) const FILE: Self = Self(8);

    /// Names of files in a tree that holds credentials.
    pub(crate) const TREE: Self = Self(32);

    /// The names of all files of a system tree or home.
    pub(crate) const ALL: Self = Self(64);

    /// What an interactive shell prints.
    pub(crate) const SHELL: Self = Self(16);

    /// Never ends by itself: `yes`, `/dev/zero`.
    pub(crate) const ENDLESS: Self = Self(128);

    /// Names of the project's files, perhaps all of them.
    pub(crate) const LISTED: Self = Self(256);

    /// The set without those of `other`.
    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether any of `other` is in the set.
    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for Taint {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Taint {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// Bytes of a known ending that are kept.
const ENDING_MAX: usize = 4 * 1024;

/// Text with its known beginning, ending and origin.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Text {
    /// What is known, from the start.
    pub(crate) known: String,
    /// Whether unknown text may follow or stand in between.
    pub(crate) open: bool,
    /// Behind the last unknown part: how an open text is known to end.
    pub(crate) after: String,
    /// Where it came from.
    pub(crate) taint: Taint,
}

impl Text {
    /// Exactly `text`.
    pub(crate) fn exact(text: &str) -> Self {
        Self::known(text.to_owned(), Taint::LITERAL)
    }

    /// Exactly `known`, from `taint`.
    pub(crate) fn known(known: String, taint: Taint) -> Self {
        Self { known, taint, ..Self::default() }
    }

    /// A text that begins with `known`.
    pub(crate) fn beginning(known: String, taint: Taint) -> Self {
        Self { known, open: true, taint, ..Self::default() }
    }

    /// Nothing is known but where it came from.
    pub(crate) fn unknown(taint: Taint) -> Self {
        Self::beginning(String::new(), taint)
    }

    /// The whole text, if known.
    pub(crate) fn as_exact(&self) -> Option<&str> {
        (!self.open).then_some(self.known.as_str())
    }

    /// Appends; of what follows an unknown part only the ending is kept.
    pub(crate) fn append(&mut self, more: &Self) {
        self.push(&more.known);
        if more.open {
            self.open = true;
            self.after.clone_from(&more.after);
        }
        self.taint |= more.taint;
    }

    /// Appends literal text.
    pub(crate) fn push(&mut self, more: &str) {
        if !self.open {
            self.known.push_str(more);
        } else if self.after.len() < ENDING_MAX {
            self.after.push_str(more);
        }
    }

    /// The known beginning and ending, apart; for looking for words in them.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &str> {
        [self.known.as_str(), self.after.as_str()].into_iter().filter(|part| !part.is_empty())
    }
}

/// What flows through a pipe, a file or a substitution.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Stream {
    /// The bytes, as far as known.
    pub(crate) text: Text,
    /// Whether anything is connected at all.
    pub(crate) present: bool,
    /// Known text that follows somewhere behind an unknown part.
    pub(crate) later: Vec<String>,
    /// What its lines are, where that is known.
    pub(crate) names: Names,
}

/// Whether every line is the name of a file below the working directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Names {
    /// Anything may stand there.
    #[default]
    Unknown,
    /// Names of files of the project, perhaps all of them.
    Local,
    /// Names of files of the project that were chosen by name or age.
    Chosen,
}

impl Names {
    /// What stands for such a name: a path below the working directory, of which
    /// only that is known. `None` when it may be anything.
    pub(crate) fn stand_in(self, text: &Text) -> Option<Text> {
        let taint = match self {
            Self::Unknown => return None,
            Self::Local => text.taint | Taint::LISTED,
            Self::Chosen => text.taint,
        };
        let name = Text::beginning("./{}".to_owned(), taint);
        let unknown = text.open && text.known.is_empty();
        unknown.then(|| Text { after: text.after.clone(), ..name })
    }
}

impl Stream {
    /// A stream of exactly `text`.
    pub(crate) fn literal(text: Text) -> Self {
        Self { text, present: true, ..Self::default() }
    }

    /// The same bytes as names of files.
    pub(crate) fn of_names(self, names: Names) -> Self {
        Self { names, ..self }
    }

    /// A stream of unknown bytes from `taint`.
    pub(crate) fn unknown(taint: Taint) -> Self {
        Self { text: Text::unknown(taint), present: true, ..Self::default() }
    }
}

/// One word after expansion.
#[derive(Debug, Clone, Default)]
pub(crate) struct Field {
    /// Its text; glob characters are kept as they are.
    pub(crate) text: Text,
    /// Unquoted glob characters are in it.
    pub(crate) glob: bool,
    /// It may be any number of words.
    pub(crate) many: bool,
    /// Any part was quoted, so an empty word stays a word.
    pub(crate) quoted: bool,
    /// What reading it as a file yields: a process substitution.
    pub(crate) stream: Option<Stream>,
}

impl Field {
    /// A field of exactly `text`.
    pub(crate) fn exact(text: &str) -> Self {
        Self { text: Text::exact(text), ..Self::default() }
    }

    /// The whole text, if known and a single word.
    pub(crate) fn as_exact(&self) -> Option<&str> {
        if self.many { None } else { self.text.as_exact() }
    }
}
