//! Reads what git would believe, for what it must not say. All of it together has one
//! bound of bytes and time; what goes beyond is suspicious, not skipped.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::index::Format;
use super::names::Check;
use super::{beneath, index, reference, reftable};
use crate::git_config::settings;

/// What is read after one command: an index of two million files.
const BYTES_MAX: u64 = 256 * 1024 * 1024;
const TIME_MAX: Duration = Duration::from_secs(20);

/// Longer files of instructions count as ones that run something.
const TODO_BYTES_MAX: u64 = 1024 * 1024;

/// Options for patches that name no file to write (git-am(1)).
const HARMLESS_OPTIONS: &[&str] = &[
    "-p",
    "-C",
    "--whitespace=",
    "--directory=",
    "--include=",
    "--exclude=",
    "--reject",
    "--ignore-",
];

/// Git's own (git-merge(1)).
const STRATEGIES: &[&str] = &["ort", "recursive", "resolve", "octopus", "ours", "subtree"];

/// Objects that stand for others, in the list of packed names.
const REPLACED: &str = "refs/replace/";

/// What may still be read.
#[derive(Debug)]
pub(super) struct Budget {
    bytes_left: u64,
    until: Option<Instant>,
}

impl Budget {
    pub(super) const fn new() -> Self {
        Self { bytes_left: BYTES_MAX, until: None }
    }

    /// The file `name` of `folder`; `None` when it can't be read or is too much.
    pub(super) fn read(&mut self, folder: &OwnedFd, name: &[u8], most: u64) -> Option<Vec<u8>> {
        let until = *self.until.get_or_insert_with(|| Instant::now() + TIME_MAX);
        let (file, size) = open(folder, name)?;
        let most = most.min(self.bytes_left);
        if size > most || Instant::now() > until {
            return None;
        }
        let mut bytes = Vec::new();
        let read = file.take(most + 1).read_to_end(&mut bytes).ok()? as u64;
        self.bytes_left = self.bytes_left.saturating_sub(read);
        (read <= most).then_some(bytes)
    }

    /// The first bytes of it.
    fn begin(&mut self, folder: &OwnedFd, name: &[u8], most: usize) -> Option<Vec<u8>> {
        let until = *self.until.get_or_insert_with(|| Instant::now() + TIME_MAX);
        let most = self.bytes_left.min(most as u64);
        let (file, _) = open(folder, name)?;
        let mut bytes = Vec::new();
        let read = file.take(most).read_to_end(&mut bytes).ok()? as u64;
        self.bytes_left -= read.min(self.bytes_left);
        (self.bytes_left > 0 && Instant::now() <= until).then_some(bytes)
    }

    /// What the index `name` of `folder` has git overlook; `None` where git must not find
    /// it, reading it so.
    pub(super) fn index(
        &mut self,
        folder: &OwnedFd,
        name: &[u8],
        format: Format,
    ) -> Option<Vec<Vec<u8>>> {
        index::overlooked(&self.read(folder, name, BYTES_MAX)?, format)
    }

    /// Whether git must not find the file `name` of `folder` as it is.
    pub(super) fn is_bad(&mut self, check: Check, folder: &OwnedFd, name: &[u8]) -> bool {
        match check {
            // What of it is new, others say, and how it is read.
            Check::PackedNames | Check::Index => false,
            Check::Reference => {
                let begin = self.begin(folder, name, reference::BYTES_MAX + 1);
                begin.is_none_or(|begin| !reference::is_sound(&begin))
            }
            Check::Conflicts => {
                let bytes = self.read(folder, name, TODO_BYTES_MAX);
                bytes.is_none_or(|bytes| leads_away(folder, &bytes))
            }
            check => {
                let bytes = self.read(folder, name, TODO_BYTES_MAX);
                bytes.is_none_or(|bytes| runs_something(check, &String::from_utf8_lossy(&bytes)))
            }
        }
    }

    /// Lines of a list of packed names that have git show other objects than those that
    /// are asked for; `None` when it can't be read.
    pub(super) fn replaced(
        &mut self,
        folder: &OwnedFd,
        name: &[u8],
        most: Option<u64>,
    ) -> Option<Vec<String>> {
        let bytes = self.read(folder, name, most.unwrap_or(BYTES_MAX))?;
        if !bytes.windows(REPLACED.len()).any(|part| part == REPLACED.as_bytes()) {
            return Some(Vec::new());
        }
        let text = String::from_utf8_lossy(&bytes);
        Some(text.lines().filter(|line| line.contains(REPLACED)).map(str::to_owned).collect())
    }
}

/// The ordinary file `name` of `folder`, and its size.
fn open(folder: &OwnedFd, name: &[u8]) -> Option<(File, u64)> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags, Mode::empty()).ok()?;
    let stat = rustix::fs::fstat(&file).ok()?;
    let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    is_file.then_some((File::from(file), u64::try_from(stat.st_size).ok()?))
}

/// Whether a list of conflicts names others than files beside the git folder: each entry
/// has a number, a tabulator and a path, and git reads and writes through links.
fn leads_away(folder: &OwnedFd, list: &[u8]) -> bool {
    let Ok(project) = beneath::subfolder(folder, b"..") else { return true };
    let is_file = |path: &[u8]| match beneath::location(&project, path).map(rustix::fs::fstat) {
        Ok(Ok(stat)) => FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile,
        Ok(Err(_)) => false,
        Err(error) => error == Errno::NOENT,
    };
    let is_sound = |entry: &[u8]| {
        let tab = entry.iter().position(|byte| *byte == b'\t');
        tab.is_some_and(|at| {
            let (number, path) = (&entry[..at], &entry[at + 1..]);
            let is_number = number.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'.');
            is_number && index::is_inside(path, false) && is_file(path)
        })
    };
    list.split(|byte| *byte == 0).any(|entry| !entry.is_empty() && !is_sound(entry))
}

/// Whether what a command left unfinished has git run something, or read and write files
/// anywhere (sequencer.c, builtin/am.c).
fn runs_something(check: Check, text: &str) -> bool {
    let is_foreign = |strategy: &str| !strategy.is_empty() && !STRATEGIES.contains(&strategy);
    match check {
        Check::TodoList => text
            .lines()
            .any(|line| matches!(line.split_ascii_whitespace().next(), Some("exec" | "x"))),
        Check::Strategy => is_foreign(text.trim()),
        Check::Tables => !reftable::is_sound(text),
        Check::PatchOptions => text.split_ascii_whitespace().any(|word| {
            let word = word.trim_matches('\'');
            !HARMLESS_OPTIONS.iter().any(|harmless| word.starts_with(harmless))
        }),
        Check::Options => {
            settings(text).iter().any(|it| it.name == "strategy" && is_foreign(&it.value))
        }
        Check::References => !reference::are_all_sound(text),
        Check::Index | Check::PackedNames | Check::Conflicts | Check::Reference => false,
    }
}
