//! The only crate that spawns processes or writes project files.
//!
//! Everything that has an effect consumes a [`kode_gate::Permit`] and does
//! exactly what the permit holds.

#![allow(missing_docs, clippy::todo, reason = "interface sketch, being built")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use kode_base::{FileRead, FileWrite, Interrupt, ProjectPath, ShellCommand, Untrusted};
use kode_gate::Permit;

/// A project root that passed the checks of design §3 (nearest ancestor with
/// `.git`, same owner and file system; refused roots).
#[derive(Debug, Clone)]
pub struct ProjectRoot {
    path: PathBuf,
}
impl ProjectRoot {
    /// Finds the root for `start`. `home` and `kode_home` are refused roots.
    pub fn find(start: &Path, home: &Path, kode_home: &Path) -> Result<Self, RootError> {
        let _ = (start, home, kode_home);
        todo!()
    }
    pub fn path(&self) -> &Path {
        &self.path
    }
}
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    #[error("{0} is not a folder")]
    NotAFolder(PathBuf),
    #[error("{0} can't be a project root: {1}")]
    Refused(PathBuf, String),
    #[error("{0}: {1}")]
    Io(PathBuf, std::io::Error),
}

/// Which wall holds commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backend {
    Native,
    /** `--no-sandbox`, from flag or the user's own configuration only. */
    BareHost,
}

#[derive(Debug, Clone)]
pub struct SandboxSettings {
    pub backend: Backend,
    pub read_only: bool,
    pub memory_bytes_max: Option<u64>,
    pub processes_max: Option<u64>,
}

/// One session's sandbox. Dropping it ends every process it started.
#[derive(Debug)]
pub struct Sandbox {}
impl Sandbox {
    /// Sets up and self-tests. Fails closed (exit 7) with the remedy.
    pub fn start(root: &ProjectRoot, settings: SandboxSettings) -> Result<Self, SandboxError> {
        let _ = (root, settings);
        todo!()
    }
    /// `native`, `none`, …
    pub fn name(&self) -> &'static str {
        todo!()
    }
    /// Runs one permitted command; output is capped in memory (head and tail kept) while streaming to `on_output`.
    pub fn run(
        &self,
        permit: Permit<ShellCommand>,
        interrupt: &Interrupt,
        on_output: &mut dyn FnMut(&[u8]),
    ) -> Result<CommandOutput, SandboxError> {
        let _ = (permit, interrupt, on_output);
        todo!()
    }
    /// Ends every process still alive in the sandbox (before the completion gate's snapshot).
    pub fn end_processes(&self) -> Result<(), SandboxError> {
        todo!()
    }
}

#[derive(Debug, Clone)]
pub struct CommandOutput {
    /// Standard output and error interleaved, head and tail kept past the cap.
    pub output: Untrusted<Vec<u8>>,
    /// Bytes produced in all.
    pub bytes_total: u64,
    pub end: CommandEnd,
    pub elapsed: Duration,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandEnd {
    Exited(i32),
    Signalled(i32),
    TimedOut,
    Interrupted,
}

#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("the sandbox can't be set up: {cause}; {remedy}")]
    Unavailable { cause: String, remedy: String },
    #[error("running a command in the sandbox failed: {0}")]
    Io(#[from] std::io::Error),
}

/// Confined file access below the root: symlink races closed, special files refused.
#[derive(Debug)]
pub struct ProjectFiles {}
impl ProjectFiles {
    pub fn open(root: &ProjectRoot) -> Result<Self, FileError> {
        let _ = root;
        todo!()
    }
    /// Reads a whole regular file of at most `bytes_max`.
    pub fn read(
        &self,
        permit: Permit<FileRead>,
        bytes_max: u64,
    ) -> Result<Untrusted<Vec<u8>>, FileError> {
        let _ = (permit, bytes_max);
        todo!()
    }
    /// Writes beside, fsyncs, renames on the symlink's target; keeps mode. Checks `expected` hash.
    pub fn write(&self, permit: Permit<FileWrite>) -> Result<(), FileError> {
        let _ = permit;
        todo!()
    }
    /// Reads kode's own way (snapshots, review): no permit, never shown raw.
    pub fn snapshot_read(
        &self,
        path: &ProjectPath,
        bytes_max: u64,
    ) -> Result<Untrusted<Vec<u8>>, FileError> {
        let _ = (path, bytes_max);
        todo!()
    }
    /// Walks files below `from`, ignore files respected unless `all`; entries in byte order of path. Never follows links, never leaves the root or file system; bounded.
    pub fn walk(
        &self,
        from: &ProjectPath,
        all: bool,
        visit: &mut dyn FnMut(WalkEntry) -> std::ops::ControlFlow<()>,
    ) -> Result<WalkEnd, FileError> {
        let _ = (from, all, visit);
        todo!()
    }
}
/// One entry met by a walk.
#[derive(Debug, Clone)]
pub struct WalkEntry {
    pub path: ProjectPath,
    pub kind: EntryKind,
    pub size: u64,
    pub mode: u32,
    pub modified_ns: i128,
    pub changed_ns: i128,
    pub inode: u64,
    pub ignored: bool,
}
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    File,
    Symlink { target: Untrusted<Vec<u8>> },
    Special,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalkEnd {
    Complete,
    /** An entry or time cap was hit; the walk is not the whole truth. */
    Truncated,
}

#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("{0} does not exist")]
    NotFound(ProjectPath),
    #[error("{0} leads outside the project through a link")]
    Outside(ProjectPath),
    #[error("{0} is not a regular file")]
    NotRegular(ProjectPath),
    #[error("{path} is {size} bytes; the limit is {limit}")]
    TooLarge { path: ProjectPath, size: u64, limit: u64 },
    #[error("{0} changed since it was read; read it again")]
    Changed(ProjectPath),
    #[error("{path}: {source}")]
    Io { path: ProjectPath, source: std::io::Error },
}
