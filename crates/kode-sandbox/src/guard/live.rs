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
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};

use super::names::{self, Meaning, Place};
use super::sensitive::entries;
use super::tree::join;
use super::{beneath, modes};

/// What it runs unwatched.
const BEGIN_AFTER: Duration = Duration::from_millis(20);

/// Events are read in blocks of so much, and so many at once.
const BLOCK_BYTES: usize = 4096;
const EVENTS_MAX: usize = 4096;

/// Folders below the project's that are watched: git writes in them by names known before.
const FOLDERS: &[&str] = &[GIT, ".git/logs", ".git/logs/refs/heads", ".git/refs/heads"];
const GIT: &str = ".git";

const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Names in the first one by which git finds other configuration, hooks and attributes:
/// the first makes another repository of this one.
const COMMON: &[u8] = b"commondir";
const OBEYED: &[&[u8]] = &[COMMON, b"config.worktree", b"hooks", b"info"];

/// The watch of one project.
#[derive(Debug, Default)]
pub(super) struct Live {
    project: PathBuf,
    from: Option<Instant>,
    since_ns: i128,
    events: Option<OwnedFd>,
    /// What stands for each folder in the kernel's reports.
    watched: Vec<(i32, &'static str)>,
    /// What stood there before.
    before: BTreeSet<Vec<u8>>,
    seen: BTreeSet<Vec<u8>>,
    /// Of those, what was a link.
    links: BTreeSet<Vec<u8>>,
    /// That the command must end was said already.
    is_told: bool,
}

impl Live {
    pub(super) fn of(project: &Path) -> Self {
        Self { project: project.to_owned(), ..Self::default() }
    }

    /// A command begins; what appeared before is not its doing.
    pub(super) fn begin(&mut self, since_ns: i128) {
        self.since_ns = since_ns;
        self.is_told = false;
        self.from = Some(Instant::now() + BEGIN_AFTER);
        self.seen.clear();
        self.before = self.standing();
        self.read();
        self.seen.clear();
        self.links.clear();
    }

    /// Whether git on the host is led elsewhere, so that the command must end: to another
    /// repository, or to write through a link. That is said once.
    pub(super) fn is_led_away(&mut self) -> bool {
        if self.from.is_some_and(|from| Instant::now() >= from) {
            self.from = None;
            FOLDERS.iter().for_each(|folder| self.watch(folder));
            // What came before that.
            self.seen.extend(self.standing().difference(&self.before).cloned());
        }
        self.read();
        let mut seen = self.seen.iter();
        let is_common = |path: &Vec<u8>| path.to_ascii_lowercase().ends_with(COMMON);
        let is_now = seen.any(|path| is_common(path) || self.links.contains(path));
        is_now && !std::mem::replace(&mut self.is_told, true)
    }

    /// What appeared since it began, whether it is still there or not.
    pub(super) fn end(&mut self) -> Vec<Vec<u8>> {
        self.read();
        self.from = None;
        std::mem::take(&mut self.seen).into_iter().collect()
    }

    fn standing(&self) -> BTreeSet<Vec<u8>> {
        let paths = OBEYED.iter().map(|name| join(GIT.as_bytes(), name));
        paths.filter(|path| self.stat(path).is_some()).collect()
    }

    fn stat(&self, path: &[u8]) -> Option<Stat> {
        let whole = join(self.project.as_os_str().as_bytes(), path);
        rustix::fs::statat(rustix::fs::CWD, whole, AtFlags::SYMLINK_NOFOLLOW).ok()
    }

    /// Takes note of a link that git would write through; one of a name that is not git's
    /// says nothing (an editor's lock).
    fn note_link(&mut self, folder: &str, name: &[u8]) {
        let path = join(folder.as_bytes(), name);
        let is_gits = match folder {
            GIT => names::meaning(Place::Git, name) != Meaning::Unknown,
            _ => !name.starts_with(b"."),
        };
        let stat = self.stat(&path).filter(|_| is_gits);
        let is_link = |stat: &Stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink;
        if stat.is_some_and(|stat| is_link(&stat) && modes::is_since(&stat, self.since_ns)) {
            self.links.insert(path.clone());
            self.seen.insert(path);
        }
    }

    /// Watches a folder, and looks at what came before that.
    fn watch(&mut self, folder: &'static str) {
        let events = match self.events.take() {
            Some(events) => events,
            None => match inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK) {
                Ok(events) => events,
                // Only what stays is told of then.
                Err(_) => return,
            },
        };
        let new = WatchFlags::CREATE | WatchFlags::MOVED_TO;
        let flags = new | WatchFlags::ONLYDIR | WatchFlags::DONT_FOLLOW;
        let place = self.project.join(folder);
        if let Ok(number) = inotify::add_watch(&events, &place, flags) {
            self.watched.retain(|(known, _)| *known != number);
            self.watched.push((number, folder));
        }
        self.events = Some(events);
        let open = rustix::fs::open(&self.project, FOLDER, Mode::empty());
        let open = open.and_then(|project| beneath::folder(&project, folder.as_bytes()));
        for (name, kind) in open.map(|open| entries(&open)).unwrap_or_default() {
            if matches!(kind, FileType::Symlink | FileType::Unknown) {
                self.note_link(folder, &name);
            }
        }
    }

    /// Takes in what the kernel reports.
    fn read(&mut self) {
        for (folder, name) in self.reported() {
            let path = join(folder.as_bytes(), &name);
            let is_obeyed = folder == GIT && OBEYED.iter().any(|it| name.eq_ignore_ascii_case(it));
            if is_obeyed && !self.before.contains(&path) {
                self.seen.insert(path.clone());
            }
            self.note_link(folder, &name);
            // Another one stands there by now.
            let again = FOLDERS.iter().filter(|it| it.as_bytes() == path);
            again.for_each(|folder| self.watch(folder));
        }
    }

    fn reported(&self) -> Vec<(&'static str, Vec<u8>)> {
        let Some(events) = &self.events else { return Vec::new() };
        let mut block = [MaybeUninit::uninit(); BLOCK_BYTES];
        let mut reader = inotify::Reader::new(events, &mut block);
        let mut reported = Vec::new();
        for _ in 0..EVENTS_MAX {
            let Ok(event) = reader.next() else { break };
            let folder = self.watched.iter().find(|(number, _)| *number == event.wd());
            let name = event.file_name().map(|name| name.to_bytes().to_vec());
            reported.extend(folder.and_then(|(_, folder)| Some((*folder, name?))));
        }
        reported
    }
}
