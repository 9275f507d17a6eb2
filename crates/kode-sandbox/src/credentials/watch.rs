//! Notices when the project's credentials are opened, by whatever program and under
//! whatever name: the kernel is asked (inotify(7)) to report on the files themselves.
//! It says that one was opened, never by whom or what for.

use std::collections::HashSet;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

use super::{Identity, Stamp};

/// One block of events; each is small, for files have no names in them.
const BLOCK_BYTES: usize = 4096;
/// Events read at once; more opens say nothing new.
const EVENTS_MAX: usize = 65_536;
/// Files watched at most: a system gives 8,192 watches to a user at least.
const WATCHED_MAX: usize = 4096;

/// What was noticed of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exposure {
    /// A credential was opened while it ran.
    Opened,
    /// It could not be watched, which counts as much. Why.
    Unwatched(String),
}

/// A watch over files, which stay watched under any name until it ends.
#[derive(Debug, Default)]
pub(super) struct Watch {
    events: Option<OwnedFd>,
    watched: HashSet<Identity>,
    /// Where they stand now.
    places: Vec<(PathBuf, Identity)>,
    failed: Option<String>,
}

impl Watch {
    /// Before a look at what there is.
    pub(super) fn look_begins(&mut self) {
        self.places.clear();
        self.failed = None;
    }

    /// Watches the file as well.
    pub(super) fn add(&mut self, path: PathBuf, stamp: &Stamp) {
        if !self.watched.contains(&stamp.identity) {
            match self.watch(&path) {
                // Gone, or another by now: the next look meets it.
                Ok(()) | Err(Errno::NOENT) => {
                    self.watched.extend(Stamp::of(&path).map(|it| it.identity));
                }
                Err(error) => return self.fails(&error.to_string()),
            }
        }
        self.places.push((path, stamp.identity));
    }

    fn watch(&mut self, path: &PathBuf) -> Result<(), Errno> {
        if self.watched.len() >= WATCHED_MAX {
            return Err(Errno::NOSPC);
        }
        let events = match self.events.take() {
            Some(events) => events,
            None => inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?,
        };
        let events = self.events.insert(events);
        inotify::add_watch(events, path, WatchFlags::OPEN | WatchFlags::DONT_FOLLOW).map(drop)
    }

    /// Whether it is watched, under whatever name.
    pub(super) fn has(&self, identity: &Identity) -> bool {
        self.watched.contains(identity)
    }

    /// Why not all there is could be watched, as of the last look.
    pub(super) fn failure(&self) -> Option<Exposure> {
        self.failed.clone().map(Exposure::Unwatched)
    }

    pub(super) fn fails(&mut self, why: &str) {
        self.failed = Some(why.to_owned());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty() && self.failed.is_none()
    }

    /// What was opened before is not the next command's doing.
    pub(super) fn begin(&self) {
        self.opened();
    }

    /// What was noticed since then. A credential that stands where another did was
    /// not watched, and may have been opened.
    pub(super) fn end(&self) -> Option<Exposure> {
        let is_other = |(path, identity): &(PathBuf, Identity)| {
            Stamp::of(path).is_some_and(|stamp| stamp.identity != *identity)
        };
        if self.opened() || self.places.iter().any(is_other) {
            return Some(Exposure::Opened);
        }
        self.failure()
    }

    /// Whether any was opened since the last time this was asked. What can't be
    /// told counts as opened.
    fn opened(&self) -> bool {
        let Some(events) = &self.events else { return false };
        let mut block = [MaybeUninit::uninit(); BLOCK_BYTES];
        let mut reader = inotify::Reader::new(events, &mut block);
        let mut any = false;
        for _ in 0..EVENTS_MAX {
            match reader.next() {
                // The end of a watch, with its file.
                Ok(event) if event.events() == ReadFlags::IGNORED => {}
                Ok(_) => any = true,
                Err(Errno::AGAIN) => return any,
                Err(Errno::INTR) => {}
                Err(_) => return true,
            }
        }
        true
    }
}
