//! Paths below the project root, valid by construction.
//!
//! A [`ProjectPath`] is relative, `/`-separated, without `.`/`..`/NUL. It says
//! nothing of what is on disk: the sandbox crate resolves it and refuses links
//! that lead out. Names that are not UTF-8 are text too ([`crate::raw_name`]).

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::raw_name::{bytes_of, text_of};

/// Why a string is not a path inside the project.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum PathError {
    /// The path was empty.
    #[error("the path is empty")]
    Empty,
    /// `..` climbs above the project root.
    #[error("the path leads outside the project")]
    Outside,
    /// An absolute path that is not below the project root.
    #[error("the path is absolute and not below the project root")]
    Absolute,
    /// NUL bytes can't be in a path.
    #[error("the path contains a NUL byte")]
    Nul,
    /// Longer than 4096 bytes (Linux `PATH_MAX`).
    #[error("the path is longer than 4096 bytes")]
    TooLong,
}

/// A normalised path relative to the project root; the root itself is `.`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProjectPath(String);

impl ProjectPath {
    /// The project root.
    pub fn root() -> Self {
        Self(".".to_owned())
    }

    /// Normalises `text` (relative to the project root) lexically.
    ///
    /// # Errors
    /// When it is empty, absolute, holds a NUL, or climbs above the root.
    pub fn new(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.len() > 4096 {
            return Err(PathError::TooLong);
        }
        if text.contains('\0') {
            return Err(PathError::Nul);
        }
        if text.starts_with('/') {
            return Err(PathError::Absolute);
        }
        let mut parts: Vec<&str> = Vec::new();
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop().ok_or(PathError::Outside)?;
                }
                name => parts.push(name),
            }
        }
        if parts.is_empty() {
            return Ok(Self::root());
        }
        let joined = parts.join("/");
        // One text for one name: stand-ins for bytes that make characters are those.
        let respelled = match bytes_of(&joined) {
            Cow::Borrowed(_) => None,
            Cow::Owned(bytes) => Some(text_of(&bytes)),
        };
        Ok(Self(respelled.unwrap_or(joined)))
    }

    /// Like [`ProjectPath::new`], from the bytes of a name on the disk.
    ///
    /// # Errors
    /// As [`ProjectPath::new`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PathError> {
        Self::new(&text_of(bytes))
    }

    /// The name on the disk.
    pub fn to_bytes(&self) -> Cow<'_, [u8]> {
        bytes_of(&self.0)
    }

    /// Whether [`ProjectPath::as_str`] is the name on the disk, and not a text that
    /// stands for bytes that are not UTF-8.
    pub fn is_utf8(&self) -> bool {
        matches!(self.to_bytes(), Cow::Borrowed(_))
    }

    /// Like [`ProjectPath::new`], but also takes an absolute path below `root`.
    ///
    /// # Errors
    /// As [`ProjectPath::new`]; [`PathError::Absolute`] when not below `root`.
    pub fn below(root: &str, text: &str) -> Result<Self, PathError> {
        let Some(rest) = text.strip_prefix(root.trim_end_matches('/')) else {
            return Self::new(text);
        };
        match rest {
            "" | "/" => Ok(Self::root()),
            _ if rest.starts_with('/') => Self::new(rest.trim_start_matches('/')),
            _ => Self::new(text),
        }
    }

    /// The path as text, `.` for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the project root itself.
    pub fn is_root(&self) -> bool {
        self.0 == "."
    }

    /// The last component; `.` for the root.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The part after the last dot of the file name, if any.
    pub fn extension(&self) -> Option<&str> {
        let (stem, extension) = self.file_name().rsplit_once('.')?;
        (!stem.is_empty()).then_some(extension)
    }

    /// The components from the root down; none for the root.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|part| *part != ".")
    }

    /// `self` joined with one more relative path.
    ///
    /// # Errors
    /// As [`ProjectPath::new`].
    pub fn join(&self, more: &str) -> Result<Self, PathError> {
        if more.starts_with('/') {
            return Err(PathError::Absolute);
        }
        Self::new(&format!("{}/{more}", self.0))
    }
}

impl fmt::Display for ProjectPath {
    /// What acts on a terminal or deceives the eye is shown escaped, see
    /// [`crate::escape::escape_name`].
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&crate::escape::escape_name(&self.0))
    }
}

impl TryFrom<String> for ProjectPath {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, PathError> {
        Self::new(&text)
    }
}

impl From<ProjectPath> for String {
    fn from(path: ProjectPath) -> Self {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises_lexically() {
        assert_eq!(ProjectPath::new("./a//b/../c").unwrap().as_str(), "a/c");
        assert_eq!(ProjectPath::new("a/..").unwrap(), ProjectPath::root());
    }

    #[test]
    fn climbing_out_is_refused() {
        assert_eq!(ProjectPath::new("../x"), Err(PathError::Outside));
        assert_eq!(ProjectPath::new("a/../../x"), Err(PathError::Outside));
        assert_eq!(ProjectPath::new("/etc/passwd"), Err(PathError::Absolute));
        assert_eq!(ProjectPath::new("a\0b"), Err(PathError::Nul));
        assert_eq!(ProjectPath::root().join("/etc"), Err(PathError::Absolute));
    }

    #[test]
    fn absolute_paths_below_the_root_become_relative() {
        let path = ProjectPath::below("/work/app", "/work/app/src/a.rs").unwrap();
        assert_eq!(path.as_str(), "src/a.rs");
        assert_eq!(
            ProjectPath::below("/work/app", "/work/application/x"),
            Err(PathError::Absolute)
        );
    }

    #[test]
    fn a_name_that_is_not_utf_8_has_one_text_and_is_shown_escaped() {
        let path = ProjectPath::from_bytes(b"src/a\xff.js").unwrap();
        assert_eq!((path.to_string().as_str(), path.extension()), ("src/a\\xff.js", Some("js")));
        assert_eq!(&*path.to_bytes(), b"src/a\xff.js");
        assert!(!path.is_utf8());
        // The bytes of `é`, each by its stand-in: another text for the same name.
        let stand_ins: String = [0xc3_u32, 0xa9]
            .map(|byte| char::from_u32(0x10_F700 + byte).unwrap())
            .into_iter()
            .collect();
        assert_eq!(ProjectPath::new(&stand_ins), ProjectPath::new("é"));
    }

    #[test]
    fn a_hidden_file_has_no_extension() {
        assert_eq!(ProjectPath::new(".env").unwrap().extension(), None);
        assert_eq!(ProjectPath::new("a/b.rs").unwrap().extension(), Some("rs"));
    }
}
