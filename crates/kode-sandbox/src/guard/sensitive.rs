//! Which files are sensitive, and when one counts as changed.

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir};
use rustix::io::Errno;

use super::tree::{Tree, join};

/// Files of a git folder that make git run or read something elsewhere.
const GIT_FILES: &[&str] =
    &["config", "config.worktree", "commondir", "hooks", "info/attributes", "info/grafts"];

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
    /// Whether it can be written by this name only.
    pub(super) fn has_one_name(&self) -> bool {
        self.kind != FileType::RegularFile || self.links == 1
    }
}

/// That a folder is a repository itself. Its `HEAD` changes with every switch
/// of branches, so only that it is there counts.
const HEAD_STAMP: Stamp =
    Stamp { kind: FileType::RegularFile, links: 1, inode: 0, size: 0, changed_ns: 0 };

/// A reference's name or an object's in hexadecimal begins well before this.
const HEAD_BYTES: usize = 40;

/// Every sensitive file that stands in the project now. Of a folder that was no
/// repository in `before`, the `HEAD` stands for all: without it nothing is read.
pub(super) fn find(
    root: &OwnedFd,
    tree: &Tree,
    before: Option<&BTreeMap<Vec<u8>, Stamp>>,
) -> BTreeMap<Vec<u8>, Stamp> {
    let mut found = Found { root, all: BTreeMap::new(), folders_left: MODULE_FOLDERS_MAX };
    for (path, folder) in &tree.folders {
        let is_git = |name: &&Vec<u8>| name.eq_ignore_ascii_case(b".git");
        // kode's own files count where a project can begin.
        let begins = path.is_empty() || folder.names.iter().any(|name| is_git(&name));
        for name in folder.names.iter().filter(|name| begins || is_git(name)) {
            let place = join(path, name);
            if found.take(&place) == Some(FileType::Directory) && is_git(&name) {
                found.git_folder(&place, 0);
            }
        }
        if let Some(head) = folder.head.as_ref().map(|head| join(path, head))
            && found.is_head(&head)
        {
            if before.is_none_or(|before| before.contains_key(&head)) {
                found.git_folder(path, 0);
            }
            found.all.insert(head, HEAD_STAMP);
        }
    }
    found.all
}

struct Found<'a> {
    root: &'a OwnedFd,
    all: BTreeMap<Vec<u8>, Stamp>,
    folders_left: usize,
}

impl Found<'_> {
    /// Notes a file, if there is one.
    fn take(&mut self, path: &[u8]) -> Option<FileType> {
        let stat = rustix::fs::statat(self.root, path, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        let changed_ns = i128::from(stat.st_ctime) * 1_000_000_000 + i128::from(stat.st_ctime_nsec);
        #[allow(clippy::useless_conversion, reason = "the field's width differs between targets")]
        let links = u64::from(stat.st_nlink);
        let (links, size, changed_ns) = match kind {
            FileType::Directory => (0, 0, 0),
            _ => (links, stat.st_size, changed_ns),
        };
        let stamp = Stamp { kind, links, inode: stat.st_ino, size, changed_ns };
        self.all.insert(path.to_vec(), stamp);
        Some(kind)
    }

    /// Whether git would read this as a repository's `HEAD`; what can't be read
    /// counts.
    fn is_head(&self, path: &[u8]) -> bool {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Ok(file) = rustix::fs::openat(self.root, path, flags, Mode::empty()) else {
            return rustix::fs::statat(self.root, path, AtFlags::SYMLINK_NOFOLLOW).is_ok();
        };
        let mut start = [0; HEAD_BYTES];
        match rustix::io::read(&file, &mut start) {
            Err(error) => error != Errno::ISDIR,
            Ok(length) => {
                let start = &start[..length];
                start.starts_with(b"ref:")
                    || length == HEAD_BYTES && start.iter().all(u8::is_ascii_hexdigit)
            }
        }
    }

    fn git_folder(&mut self, git: &[u8], depth: usize) {
        for name in GIT_FILES {
            let place = join(git, name.as_bytes());
            if self.take(&place) == Some(FileType::Directory) {
                self.hooks(&place);
            }
        }
        for name in GIT_FOLDERS {
            self.modules(&join(git, name.as_bytes()), depth + 1);
        }
    }

    fn hooks(&mut self, hooks: &[u8]) {
        for (name, _) in self.entries(hooks) {
            // Samples are inert under that name.
            if !name.ends_with(b".sample") {
                self.take(&join(hooks, &name));
            }
        }
    }

    /// Any folder with a `HEAD` below is a git folder again.
    fn modules(&mut self, folder: &[u8], depth: usize) {
        if depth > MODULE_DEPTH_MAX {
            return;
        }
        for (name, kind) in self.entries(folder) {
            if kind != FileType::Directory || self.folders_left == 0 {
                continue;
            }
            self.folders_left -= 1;
            let place = join(folder, &name);
            let head = join(&place, b"HEAD");
            if rustix::fs::statat(self.root, head, AtFlags::SYMLINK_NOFOLLOW).is_ok() {
                self.git_folder(&place, depth);
            } else {
                self.modules(&place, depth + 1);
            }
        }
    }

    fn entries(&self, folder: &[u8]) -> Vec<(Vec<u8>, FileType)> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut entries = Vec::new();
        let Ok(open) = rustix::fs::openat(self.root, folder, flags, Mode::empty()) else {
            return entries;
        };
        let mut space = [MaybeUninit::uninit(); 8 * 1024];
        let mut listing = RawDir::new(&open, &mut space);
        while let Some(Ok(entry)) = listing.next() {
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                entries.push((name.to_vec(), entry.file_type()));
            }
        }
        entries
    }
}
