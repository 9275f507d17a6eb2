//! Which files are sensitive, and when one counts as changed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Mode, OFlags, RawDir};
use rustix::io::Errno;

use super::beneath;
use super::modes;
use super::reftable;
use super::runs::{Named, Role};
use super::tree::{Folder, RepositoryParts, Tree, join};
use crate::git_config::settings;

/// Where more objects are read from.
const OBJECT_FILES: &[&str] = &["alternates", "http-alternates"];

/// Files of a git folder that make git run or read something elsewhere, by the folder
/// in it that they stand in.
const GIT_FILES: &[(&str, &[&str])] = &[
    ("", &["config", "config.worktree", "commondir", "hooks", "remotes", "branches"]),
    ("info", &["attributes", "grafts"]),
    ("objects/info", OBJECT_FILES),
    // Shows other objects than those that are asked for.
    ("refs", &["replace"]),
];

/// Files that lead git somewhere by what they say, by their folders. Where an interrupted
/// rebase or cherry-pick keeps what it still has to do: with
/// `--continue` git runs the `exec` lines of the first file, and a program that the name
/// of a strategy in the others leads to (sequencer.c). And which tables hold references.
const UNFINISHED: &[(&[u8], &[u8])] = &[
    (b"rebase-merge", TODO_LIST),
    (b"rebase-merge", STRATEGY),
    (b"sequencer", OPTIONS),
    (b"rebase-apply", PATCH_OPTIONS),
    (b".", CONFLICTS),
    (b"reftable", reftable::LIST),
];
const TODO_LIST: &[u8] = b"git-rebase-todo";
const STRATEGY: &[u8] = b"strategy";
const OPTIONS: &[u8] = b"opts";
const PATCH_OPTIONS: &[u8] = b"apply-opt";
/// Conflicts whose solutions git remembers: it reads and writes whatever files it names,
/// anywhere (rerere.c).
const CONFLICTS: &[u8] = b"MERGE_RR";

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

/// Longer files count as ones that run something.
const TODO_BYTES_MAX: u64 = 1024 * 1024;

/// Git folders inside a git folder: those of submodules and worktrees.
const GIT_FOLDERS: &[&str] = &["modules", "worktrees"];

/// Submodules may be named `a/b/c`, and have submodules again.
const MODULE_DEPTH_MAX: usize = 16;
const MODULE_FOLDERS_MAX: usize = 20_000;

/// A file as it was. Folders change with every commit, so only being the same
/// folder counts for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    kind: FileType,
    /// Names of a file; a second one may stand where commands write.
    links: u64,
    inode: u64,
    size: i64,
    changed_ns: i128,
}

impl Stamp {
    pub(super) const fn changed_ns(&self) -> i128 {
        self.changed_ns
    }

    /// Whether a file may have changed since a command began though it looks the same:
    /// its file system counts whole seconds, and it is of the same one.
    pub(super) fn is_unclear(&self, since_ns: i128) -> bool {
        self.kind == FileType::RegularFile
            && *self != HEAD_STAMP
            && modes::is_unclear(self.changed_ns, since_ns)
    }

    /// Whether it stands for a repository, of which only that it is there counts.
    pub(super) fn is_repository(&self) -> bool {
        *self == HEAD_STAMP || self.kind == FileType::Directory
    }

    pub(super) fn is_file(&self) -> bool {
        self.kind == FileType::RegularFile
    }

    /// Whether it can be written by this name only.
    pub(super) fn has_one_name(&self) -> bool {
        self.kind != FileType::RegularFile || self.links == 1
    }
}

/// The repository that `path` stands for, itself or by its `HEAD`, and the folder's inode
/// and when that changed.
pub(super) fn repository(
    root: &OwnedFd,
    path: &[u8],
    stamp: Stamp,
) -> Option<((Vec<u8>, u64), i128)> {
    let folder = match stamp == HEAD_STAMP {
        true => path.iter().rposition(|byte| *byte == b'/').map_or(&b"."[..], |at| &path[..at]),
        false => path,
    };
    let location = beneath::location(root, folder).ok()?;
    let stat = rustix::fs::fstat(location).ok()?;
    Some(((folder.to_vec(), stat.st_ino), modes::changed_ns(&stat)))
}

/// That a folder is a repository itself. Its `HEAD` changes with every switch
/// of branches, so only that it is there counts.
const HEAD_STAMP: Stamp =
    Stamp { kind: FileType::RegularFile, links: 1, inode: 0, size: 0, changed_ns: 0 };

/// A reference's name or an object's in hexadecimal begins well before this.
const HEAD_BYTES: usize = 40;

/// Every sensitive file that stands in the project now, and whether those are all. Of a
/// folder that was no repository in `before`, the `HEAD` stands for all: without it
/// nothing is read.
pub(super) fn find(
    root: &OwnedFd,
    tree: &Tree,
    before: Option<&BTreeMap<Vec<u8>, Stamp>>,
) -> (BTreeMap<Vec<u8>, Stamp>, bool) {
    let mut found = Found {
        all: BTreeMap::new(),
        after: before.is_some(),
        complete: true,
        folders_left: MODULE_FOLDERS_MAX,
    };
    let interesting = |folder: &Folder| !folder.names.is_empty() || folder.head.is_some();
    for (path, folder) in tree.folders.iter().filter(|(_, folder)| interesting(folder)) {
        match beneath::folder(root, path) {
            Ok(open) => found.in_folder(&open, path, folder, before),
            // Gone with all that was in it.
            Err(Errno::NOENT) => {}
            Err(_) => found.complete = false,
        }
    }
    (found.all, found.complete)
}

/// What of `named` is configuration, besides.
pub(super) fn find_named(root: &OwnedFd, named: &[Named], all: &mut BTreeMap<Vec<u8>, Stamp>) {
    let files = named.iter().filter(|named| named.role == Role::Configuration);
    for Named { path, .. } in files {
        let found = beneath::parent(root, path).ok();
        if let Some(stamp) = found.and_then(|(folder, name)| stamp(&folder, name)) {
            all.insert(path.clone(), stamp);
        }
    }
}

/// What of a linked worktree's repository commands may write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The worktree's own folder, which says where everything is.
    Own,
    /// The repository's objects.
    Objects,
    /// Its branches, or what became of them.
    Names,
}

/// The sensitive files of `part`, which is `folder`, as [`find`] has them.
pub(super) fn find_in(
    folder: &OwnedFd,
    part: Part,
    after: bool,
) -> (BTreeMap<Vec<u8>, Stamp>, bool) {
    let folders_left = MODULE_FOLDERS_MAX;
    let mut found = Found { all: BTreeMap::new(), after, complete: true, folders_left };
    match part {
        Part::Own => {
            found.git_folder(folder, b"", 0);
            found.take(folder, b"", b"gitdir");
        }
        Part::Names => {}
        Part::Objects => {
            if let Some(info) = found.enter(folder, b"info") {
                for name in OBJECT_FILES {
                    found.take(&info, b"info", name.as_bytes());
                }
            }
        }
    }
    (found.all, found.complete)
}

struct Found {
    all: BTreeMap<Vec<u8>, Stamp>,
    /// Whether a command ran that may have closed folders.
    after: bool,
    complete: bool,
    folders_left: usize,
}

impl Found {
    fn in_folder(
        &mut self,
        open: &OwnedFd,
        path: &[u8],
        folder: &Folder,
        before: Option<&BTreeMap<Vec<u8>, Stamp>>,
    ) {
        let is_git = |name: &&Vec<u8>| name.eq_ignore_ascii_case(b".git");
        // kode's own files count where a project can begin.
        let begins = path.is_empty() || folder.names.iter().any(|name| is_git(&name));
        for name in folder.names.iter().filter(|name| begins || is_git(name)) {
            if self.take(open, path, name) == Some(FileType::Directory)
                && is_git(&name)
                && let Some(git) = self.enter(open, name)
            {
                self.git_folder(&git, &join(path, name), 0);
            }
        }
        let Some(head) = folder.head.as_ref().filter(|head| is_head(open, head)) else { return };
        let head = join(path, head);
        if before.is_none_or(|before| before.contains_key(&head)) {
            self.git_folder(open, path, 0);
        }
        self.all.insert(head, HEAD_STAMP);
    }

    /// Notes the file `name` of `folder`, which is at `path`, if there is one.
    fn take(&mut self, folder: &OwnedFd, path: &[u8], name: &[u8]) -> Option<FileType> {
        let stamp = stamp(folder, name)?;
        self.all.insert(join(path, name), stamp);
        Some(stamp.kind)
    }

    fn enter(&mut self, folder: &OwnedFd, name: &[u8]) -> Option<OwnedFd> {
        let entered = beneath::enter(folder, name, self.after);
        self.complete &= entered.is_ok();
        entered.ok().flatten()
    }

    fn git_folder(&mut self, git: &OwnedFd, path: &[u8], depth: usize) {
        for (inner, names) in GIT_FILES {
            let inners = inner.split('/').filter(|inner| !inner.is_empty());
            let mut at = Some((None, path.to_vec()));
            for inner in inners {
                at = at.and_then(|(open, path)| {
                    let open = self.enter(open.as_ref().unwrap_or(git), inner.as_bytes())?;
                    Some((Some(open), join(&path, inner.as_bytes())))
                });
            }
            let Some((open, path)) = at else { continue };
            let open = open.as_ref().unwrap_or(git);
            for name in *names {
                if self.take(open, &path, name.as_bytes()) == Some(FileType::Directory) {
                    self.hooks(open, &path, name.as_bytes());
                }
            }
        }
        for (folder, name) in UNFINISHED {
            if let Some(open) = self.enter(git, folder)
                && runs_something(&open, name)
            {
                let place = if *folder == b"." { path.to_vec() } else { join(path, folder) };
                self.take(&open, &place, name);
            }
        }
        for name in GIT_FOLDERS {
            if let Some(open) = self.enter(git, name.as_bytes()) {
                self.modules(&open, &join(path, name.as_bytes()), depth + 1);
                if self.folders_left == 0 {
                    // More than anybody looks through goes as a whole.
                    self.take(git, path, name.as_bytes());
                }
            }
        }
    }

    fn hooks(&mut self, git: &OwnedFd, path: &[u8], name: &[u8]) {
        let Some(hooks) = self.enter(git, name) else { return };
        for (hook, _) in entries(&hooks) {
            // Samples are inert under that name.
            if !hook.ends_with(b".sample") {
                self.take(&hooks, &join(path, name), &hook);
            }
        }
    }

    /// Any folder with a `HEAD` below is a git folder again.
    fn modules(&mut self, folder: &OwnedFd, path: &[u8], depth: usize) {
        if depth > MODULE_DEPTH_MAX {
            self.complete = false;
            return;
        }
        for (name, kind) in entries(folder) {
            if !matches!(kind, FileType::Directory | FileType::Unknown) {
                continue;
            }
            if self.folders_left == 0 {
                self.complete = false;
                return;
            }
            self.folders_left -= 1;
            let Some(inner) = self.enter(folder, &name) else { continue };
            let path = join(path, &name);
            if beneath::stat(&inner, b"HEAD").is_ok() {
                self.git_folder(&inner, &path, depth);
            } else {
                self.modules(&inner, &path, depth + 1);
            }
        }
    }
}

/// What the file `name` of `folder` is like now.
pub(super) fn stamp(folder: &OwnedFd, name: &[u8]) -> Option<Stamp> {
    let stat = beneath::stat(folder, name).ok()?;
    let kind = FileType::from_raw_mode(stat.st_mode);
    let changed_ns = i128::from(stat.st_ctime) * 1_000_000_000 + i128::from(stat.st_ctime_nsec);
    #[allow(clippy::useless_conversion, reason = "the field's width differs between targets")]
    let links = u64::from(stat.st_nlink);
    let (links, size, changed_ns) = match kind {
        FileType::Directory => (0, 0, 0),
        _ => (links, stat.st_size, changed_ns),
    };
    Some(Stamp { kind, links, inode: stat.st_ino, size, changed_ns })
}

/// Whether one of these files has git run a command, or read or write one elsewhere; what
/// can't be read counts.
fn runs_something(folder: &OwnedFd, name: &[u8]) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = rustix::fs::openat(folder, name, flags, Mode::empty()) else {
        return beneath::stat(folder, name).is_ok();
    };
    let mut bytes = Vec::new();
    let read = File::from(file).take(TODO_BYTES_MAX + 1).read_to_end(&mut bytes);
    if read.is_err() || bytes.len() as u64 > TODO_BYTES_MAX {
        return true;
    }
    let text = String::from_utf8_lossy(&bytes);
    let is_foreign = |strategy: &str| !strategy.is_empty() && !STRATEGIES.contains(&strategy);
    match name {
        TODO_LIST => text
            .lines()
            .any(|line| matches!(line.split_ascii_whitespace().next(), Some("exec" | "x"))),
        STRATEGY => is_foreign(text.trim()),
        CONFLICTS => !text.is_empty(),
        reftable::LIST => !reftable::is_sound(&text),
        PATCH_OPTIONS => text.split_ascii_whitespace().any(|word| {
            let word = word.trim_matches('\'');
            !HARMLESS_OPTIONS.iter().any(|harmless| word.starts_with(harmless))
        }),
        _ => settings(&text).iter().any(|it| it.name == "strategy" && is_foreign(&it.value)),
    }
}

/// The name of the `HEAD` of a folder with entries of these names, if git may take it
/// for a repository.
pub(super) fn is_repository<'a>(names: impl Iterator<Item = &'a [u8]>) -> Option<&'a [u8]> {
    let mut parts = RepositoryParts::default();
    let mut head = None;
    for name in names {
        parts.take(name);
        head = head.or_else(|| name.eq_ignore_ascii_case(b"HEAD").then_some(name));
    }
    parts.head().and(head)
}

/// Whether git would read this as a repository's `HEAD`; what can't be read counts.
pub(super) fn is_head(folder: &OwnedFd, name: &[u8]) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = rustix::fs::openat(folder, name, flags, Mode::empty()) else {
        return beneath::stat(folder, name).is_ok();
    };
    let mut start = [0; HEAD_BYTES];
    let kind = rustix::fs::fstat(&file).map(|stat| FileType::from_raw_mode(stat.st_mode));
    if kind == Ok(FileType::Fifo) {
        // Git would wait for it for ever.
        return true;
    }
    match rustix::io::read(&file, &mut start) {
        Err(error) => error != Errno::ISDIR,
        Ok(length) => {
            let start = &start[..length];
            start.starts_with(b"ref:")
                || length == HEAD_BYTES && start.iter().all(u8::is_ascii_hexdigit)
        }
    }
}

pub(super) fn entries(folder: &OwnedFd) -> Vec<(Vec<u8>, FileType)> {
    let mut entries = Vec::new();
    let mut space = [MaybeUninit::uninit(); 8 * 1024];
    let mut listing = RawDir::new(folder, &mut space);
    while let Some(Ok(entry)) = listing.next() {
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            entries.push((name.to_vec(), entry.file_type()));
        }
    }
    entries
}
