//! What the agent may ask for, after parsing. One struct per kind, so that a
//! permit can hold exactly one of them; [`Action`] is any of them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{ProjectPath, Untrusted};

/// One shell command line, run by `bash -c` inside the sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShellCommand {
    /// The exact bytes that run.
    pub command: Untrusted<String>,
    /// The model's own words on why.
    pub description: Option<Untrusted<String>>,
    /// Working directory.
    pub directory: ProjectPath,
    /// Wall-clock limit.
    pub timeout: Duration,
}

/// Reading one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRead {
    /// The file.
    pub path: ProjectPath,
}

/// Listing a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The folder.
    pub path: ProjectPath,
    /// Only paths that match.
    pub glob: Option<Untrusted<String>>,
}

/// Searching file contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    /// A regular expression.
    pub pattern: Untrusted<String>,
    /// Folder or file to search.
    pub path: ProjectPath,
    /// Only paths that match.
    pub glob: Option<Untrusted<String>>,
}

/// What a file write leaves behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum WriteMode {
    /// The file has these bytes afterwards; an existing file keeps its mode, a
    /// symlink its target.
    Content(Untrusted<Vec<u8>>),
    /// The file is gone afterwards (undo and reject of a new file).
    Delete,
    /// Content and permission bits are put back (undo and reject).
    Restore {
        /// The bytes.
        content: Untrusted<Vec<u8>>,
        /// Permission bits, such as 0o755; set-id bits are dropped.
        mode: u32,
    },
    /// A symbolic link is put back (undo and reject).
    RestoreLink {
        /// The link's text.
        target: Untrusted<Vec<u8>>,
    },
}

/// Changing one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileWrite {
    /// The file.
    pub path: ProjectPath,
    /// The SHA-256 the file must still have, `None` when it must not exist.
    pub expected: Option<[u8; 32]>,
    /// What is written.
    pub mode: WriteMode,
}

/// Reading one page of the web.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebFetch {
    /// The host, in lower case.
    pub host: String,
    /// Path and query, beginning with `/`.
    pub target: Untrusted<String>,
}

/// Anything the gate can be asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    /// A shell command.
    Shell(ShellCommand),
    /// Reading a file.
    Read(FileRead),
    /// Listing a folder.
    List(Listing),
    /// Searching contents.
    Search(Search),
    /// Changing a file.
    Write(FileWrite),
    /// Reading a page of the web.
    Fetch(WebFetch),
}

impl From<ShellCommand> for Action {
    fn from(command: ShellCommand) -> Self {
        Self::Shell(command)
    }
}

impl From<FileRead> for Action {
    fn from(read: FileRead) -> Self {
        Self::Read(read)
    }
}

impl From<Listing> for Action {
    fn from(listing: Listing) -> Self {
        Self::List(listing)
    }
}

impl From<Search> for Action {
    fn from(search: Search) -> Self {
        Self::Search(search)
    }
}

impl From<WebFetch> for Action {
    fn from(fetch: WebFetch) -> Self {
        Self::Fetch(fetch)
    }
}

impl From<FileWrite> for Action {
    fn from(write: FileWrite) -> Self {
        Self::Write(write)
    }
}
