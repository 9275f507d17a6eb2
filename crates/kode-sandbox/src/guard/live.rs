//! What appears in the project's git folder while a command runs and may be gone again at
//! its end: git on the host obeys it meanwhile. Files that stand there are read-only
//! mounts; a name that nothing stands at can't be one, so the kernel is asked
//! (inotify(7)) to report on new names.
//!
//! The end of such a watch takes the kernel ten milliseconds, so a command that is done
//! at once has none.

use std::collections::BTreeSet;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::fs::{AtFlags, FileType};

use super::tree::join;

/// What it runs unwatched.
const BEGIN_AFTER: Duration = Duration::from_millis(20);

/// Events are read in blocks of so much, and so many at once.
const BLOCK_BYTES: usize = 4096;
const EVENTS_MAX: usize = 4096;

/// Folders below the project's where git's own are watched.
const FOLDERS: &[&str] = &[".git", ".git/logs"];

/// Names in the first one by which git finds other configuration, hooks and attributes:
/// the first makes another repository of this one.
const COMMON: &[u8] = b"commondir";
const OBEYED: &[&[u8]] = &[COMMON, b"config.worktree", b"hooks", b"info"];

/// The watch of one project.
#[derive(Debug, Default)]
pub(super) struct Live {
    project: PathBuf,
    from: Option<Instant>,
    events: Option<OwnedFd>,
    /// What stands for each folder in the kernel's reports.
    watched: Vec<(i32, &'static str)>,
    /// What stood there before.
    before: BTreeSet<Vec<u8>>,
    seen: BTreeSet<Vec<u8>>,
}

impl Live {
    pub(super) fn of(project: &Path) -> Self {
        Self { project: project.to_owned(), ..Self::default() }
    }

    /// A command begins; what appeared before is not its doing.
    pub(super) fn begin(&mut self) {
        self.from = Some(Instant::now() + BEGIN_AFTER);
        self.seen.clear();
        self.before = self.standing();
        self.read();
        self.seen.clear();
    }

    /// Whether the repository was made to be another one, so that the command must end.
    pub(super) fn is_led_away(&mut self) -> bool {
        if self.from.is_some_and(|from| Instant::now() >= from) {
            self.from = None;
            self.watch();
            // What came before that.
            self.seen.extend(self.standing().difference(&self.before).cloned());
        }
        self.read();
        self.seen.iter().any(|path| path.ends_with(COMMON))
    }

    /// What appeared since it began, whether it is still there or not.
    pub(super) fn end(&mut self) -> Vec<Vec<u8>> {
        self.read();
        self.from = None;
        std::mem::take(&mut self.seen).into_iter().collect()
    }

    fn standing(&self) -> BTreeSet<Vec<u8>> {
        let paths = OBEYED.iter().map(|name| join(FOLDERS[0].as_bytes(), name));
        paths.filter(|path| self.kind(path).is_some()).collect()
    }

    fn kind(&self, path: &[u8]) -> Option<FileType> {
        let whole = join(self.project.to_str()?.as_bytes(), path);
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        let stat = rustix::fs::statat(rustix::fs::CWD, whole, flags).ok()?;
        Some(FileType::from_raw_mode(stat.st_mode))
    }

    fn watch(&mut self) {
        if self.events.is_some() {
            return;
        }
        let flags = CreateFlags::CLOEXEC | CreateFlags::NONBLOCK;
        let Ok(events) = inotify::init(flags) else { return };
        let new = WatchFlags::CREATE | WatchFlags::MOVED_TO;
        let flags = new | WatchFlags::ONLYDIR | WatchFlags::DONT_FOLLOW;
        for folder in FOLDERS {
            // Without one, or where the system has no more, only what stays is told of.
            if let Ok(number) = inotify::add_watch(&events, self.project.join(folder), flags) {
                self.watched.push((number, *folder));
            }
        }
        self.events = Some(events);
    }

    /// Takes in what the kernel reports. A link in those folders is none of git's.
    fn read(&mut self) {
        let Some(events) = &self.events else { return };
        let mut block = [MaybeUninit::uninit(); BLOCK_BYTES];
        let mut reader = inotify::Reader::new(events, &mut block);
        let mut paths = Vec::new();
        for _ in 0..EVENTS_MAX {
            let Ok(event) = reader.next() else { break };
            let name = event.file_name().map(|name| name.to_bytes().to_ascii_lowercase());
            let folder = self.watched.iter().find(|(number, _)| *number == event.wd());
            let (Some(name), Some((_, folder))) = (name, folder) else { continue };
            let is_obeyed = *folder == FOLDERS[0] && OBEYED.contains(&&*name);
            let written = event.file_name().map(|name| name.to_bytes().to_vec());
            paths.extend(written.map(|name| (join(folder.as_bytes(), &name), is_obeyed)));
        }
        for (path, is_obeyed) in paths {
            let is_new = !self.before.contains(&path);
            if is_obeyed && is_new || self.kind(&path) == Some(FileType::Symlink) {
                self.seen.insert(path);
            }
        }
    }
}
