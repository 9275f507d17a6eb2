//! Closes a command's hosts at once when something it could read becomes a credential
//! while it runs: one that is saved anew, for a mask goes with the file it lies on; a
//! new one; or what a command of another session writes that opened one. The kernel
//! queues an event before whoever caused it goes on (inotify(7)), and the queue is
//! looked into between reading bytes from the command and sending them on, so nothing
//! that was read after the event leaves.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

use super::Refusal;
use super::masks::shut;
use crate::credentials::{Seen, Stamp, is_of_tools};
use crate::{ProjectRoot, SandboxError};

/// Folders watched at most.
const FOLDERS_MAX: usize = 65_536;
/// Files watched for what is written into them next.
const SUSPECTS_MAX: usize = 64;
const BLOCK_BYTES: usize = 16 * 1024;

/// One command's.
pub(crate) struct Tripwire(Mutex<State>);

struct State {
    root: PathBuf,
    seen: Arc<Seen>,
    events: OwnedFd,
    folders: HashMap<i32, PathBuf>,
    /// Files under masks, as they were.
    masked: HashMap<PathBuf, Option<Stamp>>,
    /// New files with a credential's name and none in them yet.
    suspects: Vec<PathBuf>,
    /// What other sessions had run before.
    others: u64,
    /// And those of them that knew a credential.
    exposed_others: u64,
    closed: Option<Refusal>,
}

impl Tripwire {
    /// Watches the project from now on; before its secrets are looked for.
    ///
    /// # Errors
    /// When it can't be watched, or another session's command runs that may have
    /// opened a credential already.
    pub(crate) fn new(root: &ProjectRoot, seen: &Arc<Seen>) -> Result<Self, SandboxError> {
        let exposed_others = seen.exposed_others();
        let others = seen.others_rest().map_err(|why| shut(&why))?;
        let flags = CreateFlags::CLOEXEC | CreateFlags::NONBLOCK;
        let events = inotify::init(flags).map_err(std::io::Error::from)?;
        let mut state = State {
            root: root.path().to_owned(),
            seen: Arc::clone(seen),
            events,
            folders: HashMap::new(),
            masked: HashMap::new(),
            suspects: Vec::new(),
            others,
            exposed_others,
            closed: None,
        };
        state.enter(root.path().to_owned(), false).map_err(|why| shut(&why))?;
        Ok(Self(Mutex::new(state)))
    }

    /// Tells what is masked: changes of these files themselves stay under the mask.
    /// Who opens one is of interest.
    pub(crate) fn masks<'p>(&self, paths: impl Iterator<Item = &'p str>) {
        let mut state = self.state();
        for path in paths {
            // A file that is gone, or can't be watched, is not opened by anybody either.
            let _ = inotify::add_watch(&state.events, path, WatchFlags::OPEN);
            state.masked.insert(PathBuf::from(path), Stamp::of(Path::new(path)));
        }
        if state.seen.others() != state.others {
            let why = "what another session's command wrote that began meanwhile".to_owned();
            state.closed = Some(Refusal::CredentialAppeared(why));
        }
    }

    /// Right before bytes of the command leave.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let mut state = self.state();
        if state.closed.is_none()
            && let Err(why) = state.look()
        {
            state.closed = Some(Refusal::CredentialAppeared(why));
        }
        state.closed.clone().map_or(Ok(()), Err)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Tripwire {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Tripwire")
    }
}

impl State {
    /// # Errors
    /// Why nothing may leave any more.
    fn look(&mut self) -> Result<(), String> {
        let (fresh, opened) = self.take_events()?;
        for (path, is_folder) in fresh {
            if is_folder { self.enter(path, true)? } else { self.meet(path)? }
        }
        for suspect in std::mem::take(&mut self.suspects) {
            self.meet(suspect)?;
        }
        // After the events: who runs announces it before anything is written or opened.
        if self.seen.exposed_others() != self.exposed_others {
            let why = "what another session's command may write that knows a credential";
            return Err(why.to_owned());
        }
        if opened && self.seen.others() != self.others {
            return Err("what another session's command wrote that opened a credential".to_owned());
        }
        Ok(())
    }

    /// What is new, with whether it is a folder, and whether a masked file was opened.
    fn take_events(&self) -> Result<(Vec<(PathBuf, bool)>, bool), String> {
        let mut block = [MaybeUninit::uninit(); BLOCK_BYTES];
        let mut reader = inotify::Reader::new(&self.events, &mut block);
        let (mut fresh, mut opened) = (Vec::new(), false);
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::AGAIN) => return Ok((fresh, opened)),
                Err(Errno::INTR) => continue,
                Err(error) => return Err(format!("the project can't be watched ({error})")),
            };
            let flags = event.events();
            if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
                fresh.push((self.root.clone(), true));
                // That a masked file was opened may be among what was lost.
                opened = true;
            }
            match (self.folders.get(&event.wd()), event.file_name()) {
                (Some(folder), Some(name)) => {
                    let path = folder.join(std::ffi::OsStr::from_bytes(name.to_bytes()));
                    fresh.push((path, flags.contains(ReadFlags::ISDIR)));
                }
                _ => opened |= flags.contains(ReadFlags::OPEN),
            }
        }
    }

    /// Watches a folder and those below it; with `meets`, what stands there is new.
    fn enter(&mut self, folder: PathBuf, meets: bool) -> Result<(), String> {
        let mut todo = vec![folder];
        while let Some(folder) = todo.pop() {
            if is_of_tools(&folder, &self.root) {
                continue;
            }
            let flags = WatchFlags::CREATE
                | WatchFlags::MOVED_TO
                | WatchFlags::CLOSE_WRITE
                | WatchFlags::ONLYDIR
                | WatchFlags::DONT_FOLLOW;
            let watch = match inotify::add_watch(&self.events, &folder, flags) {
                Ok(watch) if self.folders.len() < FOLDERS_MAX => watch,
                Ok(_) | Err(Errno::NOSPC) => {
                    return Err(
                        "it has too many folders to watch (fs.inotify.max_user_watches)".to_owned()
                    );
                }
                // Gone, or closed to commands as well.
                Err(_) => continue,
            };
            self.folders.insert(watch, folder.clone());
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => todo.push(entry.path()),
                    _ if meets => self.meet(entry.path())?,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn meet(&mut self, path: PathBuf) -> Result<(), String> {
        let covered = self.masked.get(&path).copied().flatten();
        let now = Stamp::of(&path);
        if covered.zip(now).is_some_and(|(covered, now)| covered.identity == now.identity) {
            return Ok(());
        }
        let below = path.strip_prefix(&self.root).unwrap_or(&path);
        match self.seen.judge(&path) {
            None => Ok(()),
            Some(false) if self.suspects.contains(&path) => Ok(()),
            Some(false) if self.suspects.len() < SUSPECTS_MAX => {
                self.suspects.push(path);
                Ok(())
            }
            Some(_) => Err(kode_base::escape::escape_line(&below.to_string_lossy())),
        }
    }
}
