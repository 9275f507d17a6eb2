//! Visiting every file of the project, in byte order of path.
//!
//! Links are reported, never followed; `.git` is not entered; other file
//! systems and ignored folders are left out (the latter unless asked for).
//! Entries, depth and time are bounded.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::ops::ControlFlow;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use kode_base::raw_name::{bytes_of, text_of};
use kode_base::{ProjectPath, Untrusted};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, Stat};

use super::confined::{Links, file_type, is_mounted, open_beneath, stat_of};
use super::ignore_rules::{IGNORE_FILE_BYTES_MAX, IGNORE_FILES, IgnoreStack};
use super::leftover::{Leftover, judge, remove};
use super::{FileError, ProjectFiles, RuleSource};

/// Entries one walk visits at most.
const ENTRIES_MAX: u64 = 1_000_000;
/// Folders inside folders.
const DEPTH_MAX: usize = 128;
/// Wall-clock time of one walk.
const TIME_MAX: Duration = Duration::from_secs(60);

/// One entry met by a walk. Folders themselves are not reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalkEntry {
    /// Where it is.
    pub path: ProjectPath,
    /// What it is.
    pub kind: EntryKind,
    /// Size in bytes.
    pub size: u64,
    /// Permission and set-id bits.
    pub mode: u32,
    /// Last change of the content, nanoseconds since 1970.
    pub modified_ns: i128,
    /// Last change of the inode, nanoseconds since 1970; can't be set back.
    pub changed_ns: i128,
    /// Inode number.
    pub inode: u64,
    /// Whether an ignore file names it.
    pub ignored: bool,
}

/// What a walk can meet besides folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A symbolic link; not followed.
    Symlink {
        /// The link's text.
        target: Untrusted<Vec<u8>>,
    },
    /// A device, pipe or socket; or a folder of another file system.
    Special,
}

/// How a walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalkEnd {
    /// Everything was visited, or the visitor had enough.
    Complete,
    /// A cap on entries, depth or time was hit, or a folder or name could not
    /// be read: the walk is not the whole truth.
    Truncated,
}

/// Which of the files that ignore files name a walk visits.
#[derive(Clone, Copy)]
pub enum Reach<'a> {
    /// None.
    Unignored,
    /// All.
    All,
    /// All but those in ignored folders that this leaves out.
    Into(&'a dyn Fn(&ProjectPath) -> bool),
}

struct Walk<'a> {
    files: &'a ProjectFiles,
    rules: RuleSource<'a>,
    reach: Reach<'a>,
    visit: &'a mut dyn FnMut(WalkEntry) -> ControlFlow<()>,
    device: u64,
    entries_left: u64,
    deadline: Instant,
    ignore: IgnoreStack,
    end: WalkEnd,
}

impl ProjectFiles {
    /// Visits files below `from`: those that ignore files name only with
    /// `all`. Hidden files are visited, `.git` is not.
    ///
    /// # Errors
    /// When `from` can't be opened as a folder; trouble further down makes the
    /// walk [`WalkEnd::Truncated`].
    pub fn walk(
        &self,
        from: &ProjectPath,
        all: bool,
        visit: &mut dyn FnMut(WalkEntry) -> ControlFlow<()>,
    ) -> Result<WalkEnd, FileError> {
        let reach = if all { Reach::All } else { Reach::Unignored };
        self.walk_with(from, reach, RuleSource::Disk, visit)
    }

    /// Like [`ProjectFiles::walk`], of what `reach` says, with ignore rules from
    /// `rules`.
    ///
    /// # Errors
    /// As [`ProjectFiles::walk`].
    pub fn walk_with(
        &self,
        from: &ProjectPath,
        reach: Reach<'_>,
        rules: RuleSource<'_>,
        visit: &mut dyn FnMut(WalkEntry) -> ControlFlow<()>,
    ) -> Result<WalkEnd, FileError> {
        let folder = open_folder(&self.root, from)?;
        let mut walk = Walk {
            files: self,
            rules,
            reach,
            visit,
            device: stat_of(&self.root, from)?.st_dev,
            entries_left: ENTRIES_MAX,
            deadline: Instant::now() + TIME_MAX,
            ignore: IgnoreStack::default(),
            end: WalkEnd::Complete,
        };
        let ignored = walk.enter_above(from);
        let _ = walk.folder(&folder, from, ignored, 0);
        Ok(walk.end)
    }
}

impl Walk<'_> {
    /// Reads the ignore files above `from`; says whether it is ignored itself.
    fn enter_above(&mut self, from: &ProjectPath) -> bool {
        let mut above = ProjectPath::root();
        let mut ignored = false;
        for name in from.components() {
            self.push_rules(&above);
            let Ok(next) = above.join(name) else { return ignored };
            above = next;
            ignored |= self.ignore.ignores(above.as_str(), true);
        }
        ignored
    }

    fn push_rules(&mut self, folder: &ProjectPath) {
        let texts = self.rules.texts(folder, || ignore_texts(self.files, folder));
        let folder = if folder.is_root() { "" } else { folder.as_str() };
        self.ignore.push(folder, &texts);
    }

    fn folder(
        &mut self,
        folder: &OwnedFd,
        path: &ProjectPath,
        ignored: bool,
        depth: usize,
    ) -> ControlFlow<()> {
        self.push_rules(path);
        let entries = self.entries(folder);
        for (name, stat) in entries {
            let Ok(child) = path.join(&name) else {
                self.end = WalkEnd::Truncated;
                continue;
            };
            self.spend()?;
            self.entry(folder, &name, &child, &stat, ignored, depth)?;
        }
        self.ignore.pop();
        ControlFlow::Continue(())
    }

    fn spend(&mut self) -> ControlFlow<()> {
        if self.entries_left == 0 || Instant::now() > self.deadline {
            self.end = WalkEnd::Truncated;
            return ControlFlow::Break(());
        }
        self.entries_left -= 1;
        ControlFlow::Continue(())
    }

    fn entry(
        &mut self,
        folder: &OwnedFd,
        name: &str,
        path: &ProjectPath,
        stat: &Stat,
        inside_ignored: bool,
        depth: usize,
    ) -> ControlFlow<()> {
        if name == ".git" || self.is_beside(folder, name, stat) {
            return ControlFlow::Continue(());
        }
        let is_folder = file_type(stat) == FileType::Directory;
        let ignored = inside_ignored || self.ignore.ignores(path.as_str(), is_folder);
        let left_out = ignored
            && match self.reach {
                Reach::Unignored => true,
                Reach::All => false,
                Reach::Into(enters) => is_folder && !enters(path),
            };
        if left_out {
            return ControlFlow::Continue(());
        }
        let is_here = || stat.st_dev == self.device || !is_mounted(folder, &bytes_of(name));
        if is_folder && is_here() {
            return self.subfolder(folder, name, path, ignored, depth);
        }
        match entry_of(folder, name, path, stat, ignored) {
            Some(entry) => (self.visit)(entry),
            // Gone or replaced meanwhile.
            None => ControlFlow::Continue(()),
        }
    }

    /// Whether the entry is what kode lays beside a place. A snapshot takes what a dead
    /// writer left away, so that nothing stays unseen behind such a name; other walks only
    /// read, and report it like any file.
    fn is_beside(&self, folder: &OwnedFd, name: &str, stat: &Stat) -> bool {
        if matches!(self.rules, RuleSource::Disk | RuleSource::Past(_)) {
            return false;
        }
        match judge(folder, name, stat) {
            Leftover::Foreign => false,
            Leftover::InUse => true,
            Leftover::Dead => remove(folder, name),
        }
    }

    fn subfolder(
        &mut self,
        folder: &OwnedFd,
        name: &str,
        path: &ProjectPath,
        ignored: bool,
        depth: usize,
    ) -> ControlFlow<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(folder, &*bytes_of(name), flags, Mode::empty()) {
            Ok(inner) if depth < DEPTH_MAX => self.folder(&inner, path, ignored, depth + 1),
            Err(rustix::io::Errno::NOENT) => ControlFlow::Continue(()),
            _ => {
                self.end = WalkEnd::Truncated;
                ControlFlow::Continue(())
            }
        }
    }

    /// The entries of one folder, sorted so that the walk as a whole comes in
    /// byte order of path: a folder counts as its name with a `/`.
    fn entries(&mut self, folder: &OwnedFd) -> Vec<(String, Stat)> {
        let mut entries = Vec::new();
        let mut space = [MaybeUninit::uninit(); 16 * 1024];
        let mut listing = RawDir::new(folder, &mut space);
        while let Some(entry) = listing.next() {
            let Ok(entry) = entry else {
                self.end = WalkEnd::Truncated;
                break;
            };
            let name: &CStr = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            if entries.len() as u64 > self.entries_left {
                break;
            }
            let Ok(stat) = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            entries.push((text_of(name.to_bytes()), stat));
        }
        entries.sort_by_cached_key(|(name, stat)| {
            let is_folder = file_type(stat) == FileType::Directory;
            format!("{name}{}", if is_folder { "/" } else { "" }).into_bytes()
        });
        entries
    }
}

/// What stands under `name` in `folder`; `None` when a link vanished.
pub(super) fn entry_of(
    folder: &OwnedFd,
    name: &str,
    path: &ProjectPath,
    stat: &Stat,
    ignored: bool,
) -> Option<WalkEntry> {
    let kind = match file_type(stat) {
        FileType::RegularFile => EntryKind::File,
        FileType::Symlink => {
            let target = rustix::fs::readlinkat(folder, &*bytes_of(name), Vec::new()).ok()?;
            EntryKind::Symlink { target: Untrusted::new(target.into_bytes()) }
        }
        _ => EntryKind::Special,
    };
    Some(WalkEntry {
        path: path.clone(),
        kind,
        size: u64::try_from(stat.st_size).unwrap_or_default(),
        mode: stat.st_mode & 0o7777,
        modified_ns: nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
        changed_ns: nanoseconds(stat.st_ctime, stat.st_ctime_nsec),
        inode: stat.st_ino,
        ignored,
    })
}

fn ignore_texts(files: &ProjectFiles, folder: &ProjectPath) -> Vec<String> {
    let read = |name: &&str| {
        let path = folder.join(name).ok()?;
        let bytes = files.read_bytes(&path, IGNORE_FILE_BYTES_MAX, Links::Refuse).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    IGNORE_FILES.iter().filter_map(read).collect()
}

fn open_folder(root: &OwnedFd, path: &ProjectPath) -> Result<OwnedFd, FileError> {
    let found = open_beneath(root, path, Links::Follow)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(&found, ".", flags, Mode::empty())
        .map_err(|error| FileError::io(path, error))
}

fn nanoseconds(seconds: i64, nanoseconds: impl Into<i128>) -> i128 {
    i128::from(seconds) * 1_000_000_000 + nanoseconds.into()
}
