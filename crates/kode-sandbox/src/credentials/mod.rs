//! Which files of a project were ever seen under a credential's name, or with a
//! credential in them: whatever a command calls them later, no command with hosts
//! open may read them. Keeps who a file is and a salted hash of what it held,
//! never the content. What can't be kept keeps hosts shut.

mod aftermath;
mod copies;
mod identity;
mod register;
#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests lay out projects")]
mod tests;
mod watch;
mod worth;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kode_base::ProjectPath;
use kode_gate::{FolderNames, NameKind};

use crate::{CredentialTest, ProjectRoot, SandboxSettings};
pub(crate) use copies::is_of_tools;
pub(crate) use identity::{Identity, Stamp};
use register::{Line, Register, Running};
pub use watch::Exposure;
use watch::Watch;

/// Larger credentials are known by who they are alone.
const CONTENT_BYTES_MAX: u64 = 1024 * 1024;
/// Shorter ones say too little: many files hold the same.
const CONTENT_BYTES_MIN: u64 = 8;
/// Larger files that only perhaps hold a credential are not looked into.
const TESTED_BYTES_MAX: u64 = 256 * 1024;
/// Folders with other people's files, where a usual name says nothing.
const FOREIGN_FOLDERS: [&str; 6] =
    ["node_modules", "vendor", "site-packages", "target", ".venv", "venv"];

/// Files that are watched and not masked, of all commands.
const COPIES_MAX: usize = 8_192;
/// So long a session takes what another could not mask for its own.
const EXPOSED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// SHA-256 over the register's salt and the content.
pub(crate) type Digest = [u8; 32];

/// A file of the project with a name that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// Absolute.
    pub(crate) path: PathBuf,
    pub(crate) kind: NameKind,
}

/// What is known of a project's credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) salt: Vec<u8>,
    pub(crate) identities: HashSet<Identity>,
    /// Digests by the content's size in bytes.
    pub(crate) contents: HashMap<u64, HashSet<Digest>>,
    /// Those of the identities and contents whose opening says something.
    counted: HashSet<Identity>,
    counted_contents: HashSet<Digest>,
    /// What may hold a credential in another form and is not masked.
    copies: HashSet<Identity>,
    /// When a command last opened a credential, seconds since 1970.
    exposed_at_s: u64,
    /// Why not all there ever was is known.
    lost: Option<String>,
}

/// The credentials seen in one project, in this session and before.
#[derive(Debug)]
pub(crate) struct Seen {
    root: PathBuf,
    register: Register,
    test: Option<CredentialTest>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// `None` until it is first needed.
    known: Option<Known>,
    /// Bytes of the register when it was last read.
    read_bytes: u64,
    /// Those of everything known when it was last read.
    inodes: Arc<HashSet<u64>>,
    /// Files looked at in this process, and whether each holds a credential.
    looked_at: HashMap<Stamp, bool>,
    /// Of those that do, under a name that says so or perhaps, whether it says anything
    /// that one is opened.
    counted: HashMap<(Stamp, bool), bool>,
    watch: Watch,
    /// A command runs that may open one, which other sessions are told.
    running: Option<Running>,
    /// What may hold a credential in the session's private folders.
    private: HashSet<Identity>,
    /// Why not all of that is known: no host opens in this session any more.
    private_lost: Option<String>,
    /// The session knows a credential, maybe: whatever it has commands write may hold it.
    is_exposed: bool,
    /// The look after a command: what it meets that was not watched may have been opened.
    is_after: bool,
    /// What was noticed before that look.
    noticed: Option<Exposure>,
    /// It met such a file.
    has_appeared: bool,
    /// Files were compared with what credentials held.
    is_compared: bool,
    is_watched: bool,
    is_offline: bool,
    /// When the command began that is watched, nanoseconds since 1970.
    watched_since_ns: i64,
    /// Why not all that was seen is kept.
    lost: Option<String>,
}

impl Seen {
    /// Those of the project at `root`. Nothing is read yet.
    pub(crate) fn of(root: &ProjectRoot, settings: &SandboxSettings) -> Self {
        Self {
            root: root.path().to_owned(),
            register: Register::of(root, &settings.host.kode_home),
            test: settings.credential_test.clone(),
            state: Mutex::default(),
        }
    }

    /// Inodes of everything known, to be looked for under ordinary names.
    pub(crate) fn inodes(&self) -> Arc<HashSet<u64>> {
        let mut state = self.state();
        if state.known.is_some() || self.register.size() > 0 {
            // What can't be read is told where hosts are to be opened.
            let _ = self.refresh(&mut state);
        }
        Arc::clone(&state.inodes)
    }

    /// Takes in what stands under names that say something, or is known by its
    /// inode, and watches it. Not all of it, if not `complete`.
    pub(crate) fn take(&self, named: &[Named], complete: bool) {
        let mut state = self.state();
        let why = "not all of the project's folders could be looked through";
        state.lost = (!complete).then(|| why.to_owned());
        state.watch.look_begins();
        for named in named {
            if let Some((real, stamp)) = self.holds_credential(&mut state, named) {
                if self.counts(&mut state, named, &real, &stamp) {
                    state.meet(real, &stamp);
                }
                continue;
            }
            let Ok(real) = fs::canonicalize(&named.path) else { continue };
            for path in linked_files(named, &real) {
                let named = Named { path, kind: NameKind::Secret };
                if let Some((real, stamp)) = self.holds_credential(&mut state, &named) {
                    state.meet(real, &stamp);
                }
            }
        }
        if let Some(why) = state.lost.clone() {
            state.watch.fails(&why);
        }
    }

    /// A command begins. What a look missed that was not complete stays unknown then.
    pub(crate) fn command_begins(&self, offline: bool) {
        let mut state = self.state();
        state.is_offline = offline;
        if let Some(why) = state.lost.clone().filter(|_| offline) {
            let is_kept = self.refresh(&mut state).is_ok_and(|known| known.lost.is_some());
            // Where it can't be kept the register can't be read either.
            let _ = is_kept || self.note(&mut state, Line::Lost(why)).is_err();
        }
        let may_write_one = state.is_exposed || !state.private.is_empty();
        if offline && (may_write_one || !state.watch.is_empty()) {
            match self.register.runs(may_write_one) {
                Ok(running) => state.running = running,
                Err(why) => state.watch.fails(&why),
            }
        }
    }

    /// It has ended, and nobody watches.
    pub(crate) fn command_ends(&self) {
        let mut state = self.state();
        if !state.is_watched {
            state.running = None;
        }
    }

    /// Right before a command.
    pub(crate) fn watch_begins(&self) {
        let mut state = self.state();
        // The clock that file systems take their times from.
        let now = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
        state.watched_since_ns = now.tv_sec.saturating_mul(1_000_000_000) + now.tv_nsec;
        state.is_watched = true;
        state.watch.begin();
    }

    /// Waits until no other session runs a command that may open a credential;
    /// returns what [`Self::others`] is then.
    ///
    /// # Errors
    /// When one goes on.
    pub(crate) fn others_rest(&self) -> Result<u64, String> {
        self.register.others_rest()
    }

    /// Changes whenever such a command begins.
    pub(crate) fn others(&self) -> u64 {
        self.register.begun()
    }

    /// Changes whenever one begins of a session that knows a credential already: it
    /// needs to open none to write it.
    pub(crate) fn exposed_others(&self) -> u64 {
        self.register.exposed_begun()
    }

    /// Whether what appeared at `path` is a credential; `None` when it has nothing
    /// to do with one, false when its name says so and nothing counts in it yet.
    pub(crate) fn judge(&self, path: &Path) -> Option<bool> {
        let mut state = self.state();
        let below = path.strip_prefix(&self.root).ok()?;
        let folder = below.parent().unwrap_or(below).to_string_lossy();
        let name = below.file_name()?.to_string_lossy();
        let kind = FolderNames::below(&folder).kind(&name);
        if kind == NameKind::Ordinary {
            let stamp = Stamp::of(path)?;
            let is_known = self.refresh(&mut state).map_or(true, |known| known.has(path, &stamp));
            return is_known.then_some(true);
        }
        let named = Named { path: path.to_owned(), kind };
        let (real, stamp) = self.holds_credential(&mut state, &named)?;
        // What can be read in the middle of a command is masked before any other: it
        // does not matter what stands in it.
        let below = real.strip_prefix(&self.root).unwrap_or(&real);
        Some(stamp.size > 0 && !worth::is_test_key(below, || fs::read(&real).ok()))
    }

    /// Whether there is anything to watch, as of the last look.
    pub(crate) fn watches(&self) -> bool {
        !self.state().watch.is_empty()
    }

    /// Whether a command of some session opened a credential of late: not all that it
    /// left can be masked. What can't be told counts.
    pub(crate) fn is_exposed(&self) -> bool {
        let mut state = self.state();
        // What that command wrote nobody kept.
        if self.register.was_killed() && self.note_exposed(&mut state).is_err() {
            return true;
        }
        if self.register.size() > 0 && self.refresh(&mut state).is_err() {
            return true;
        }
        let at_s = state.known.as_ref().map_or(0, |known| known.exposed_at_s);
        at_s > 0 && now_s().saturating_sub(at_s) < EXPOSED_FOR.as_secs()
    }

    /// What a person removes to have kode forget what it saw in the project.
    pub(crate) fn register_file(&self) -> Option<&Path> {
        self.register.file()
    }

    /// Whether the file is to be masked; if so it is known from now on.
    pub(crate) fn is_credential(&self, named: &Named) -> bool {
        self.holds_credential(&mut self.state(), named).is_some()
    }

    /// Everything known, from other sessions too.
    ///
    /// # Errors
    /// Why that is not all of it.
    pub(crate) fn known(&self) -> Result<Known, String> {
        let mut state = self.state();
        if let Some(why) = state.lost.as_ref().or(state.private_lost.as_ref()) {
            return Err(why.clone());
        }
        let known = self.refresh(&mut state)?;
        match &known.lost {
            Some(why) => Err(self.register.remedy(&format!("{why} when a command ran"))),
            None => Ok(known.clone()),
        }
    }

    /// Reads the register where another session added to it.
    fn refresh<'a>(&self, state: &'a mut State) -> Result<&'a Known, String> {
        let size = self.register.size();
        let known = match state.known.take() {
            Some(known) if size == state.read_bytes => known,
            before => {
                let mut known = self.register.read(before.as_ref())?;
                known.join(before);
                state.read_bytes = size;
                let inodes: HashSet<u64> =
                    known.identities.union(&known.copies).map(|it| it.inode()).collect();
                if *state.inodes != inodes {
                    state.inodes = Arc::new(inodes);
                }
                known
            }
        };
        Ok(state.known.insert(known))
    }

    /// Whether the file has an ordinary name and was seen as a credential under
    /// another. What can't be told counts.
    pub(crate) fn remembers(&self, path: &ProjectPath) -> bool {
        let (folder, name) = path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()));
        if FolderNames::below(folder).kind(name) != NameKind::Ordinary {
            return false;
        }
        let Ok(real) = fs::canonicalize(self.root.join(path.as_str())) else { return false };
        let Some(stamp) = Stamp::of(&real) else { return false };
        let is_known = |known: &Known| known.knows(&stamp.identity);
        self.refresh(&mut self.state()).map_or(true, is_known)
    }

    /// The file itself, if it holds a credential.
    fn holds_credential(&self, state: &mut State, named: &Named) -> Option<(PathBuf, Stamp)> {
        // A link's name says what it leads to.
        let real = fs::canonicalize(&named.path).ok()?;
        let below = real.strip_prefix(&self.root).ok()?;
        let stamp = Stamp::of(&real)?;
        let is_secret = named.kind == NameKind::Secret && !worth::is_published(below);
        if named.kind == NameKind::Ordinary || named.kind == NameKind::Secret && !is_secret {
            let knows = self.refresh(state).is_ok_and(|known| known.knows(&stamp.identity));
            return knows.then_some((real, stamp));
        }
        // What was found harmless under a name that only perhaps says something is not
        // so under one that does.
        match state.looked_at.get(&stamp) {
            Some(true) => return Some((real, stamp)),
            Some(false) if !is_secret => return None,
            _ => {}
        }
        let holds = is_secret || self.passes_test(&real, stamp.size);
        let counts = holds && self.counts(state, named, &real, &stamp);
        match if holds { self.keep(state, &real, &stamp, counts) } else { Ok(()) } {
            Ok(()) => drop(state.looked_at.insert(stamp, holds)),
            Err(why) => state.lost = Some(why),
        }
        holds.then_some((real, stamp))
    }

    /// Whether it says anything that a program opens it.
    fn counts(&self, state: &mut State, named: &Named, real: &Path, stamp: &Stamp) -> bool {
        let is_named = named.kind == NameKind::Secret;
        if let Some(counts) = state.counted.get(&(*stamp, is_named)) {
            return *counts;
        }
        let below = real.strip_prefix(&self.root).unwrap_or(real);
        let content = || fs::read(real).ok();
        let counts = named.kind == NameKind::Ordinary
            || self.refresh(state).map_or(true, |known| known.has_counted(real, stamp))
            || worth::counts(below, is_named, stamp.size, content);
        state.counted.insert((*stamp, is_named), counts);
        counts
    }

    /// Whether a file that perhaps holds a credential does. What can't be judged
    /// counts as holding one.
    fn passes_test(&self, path: &Path, size: u64) -> bool {
        let Ok(below) = path.strip_prefix(&self.root) else { return true };
        let foreign = |part: &std::ffi::OsStr| FOREIGN_FOLDERS.iter().any(|each| part == *each);
        if size == 0 || size > TESTED_BYTES_MAX || below.iter().any(foreign) {
            return false;
        }
        let Some(test) = &self.test else { return true };
        let Ok(below) = ProjectPath::new(&below.to_string_lossy()) else { return true };
        fs::read(path).map_or(true, |content| test.passes(&below, &content))
    }

    /// Makes the file known, and whether it `counts` when it is opened.
    fn keep(
        &self,
        state: &mut State,
        path: &Path,
        stamp: &Stamp,
        counts: bool,
    ) -> Result<(), String> {
        let known = self.refresh(state)?;
        let content = known.digest(path, stamp);
        let has_content =
            |digest| known.contents.get(&stamp.size).is_some_and(|it| it.contains(&digest));
        let is_counted = !counts
            || known.counted.contains(&stamp.identity)
                && content.is_none_or(|digest| known.counted_contents.contains(&digest));
        if known.identities.contains(&stamp.identity)
            && content.is_none_or(has_content)
            && is_counted
        {
            return Ok(());
        }
        self.note(state, Line::credential(stamp, content, counts))
    }

    /// Into the register, and so known.
    fn note(&self, state: &mut State, line: Line) -> Result<(), String> {
        self.refresh(state)?;
        state.read_bytes += self.register.add(&line)?;
        match &mut state.known {
            Some(known) => known.take(line),
            None => Ok(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Watches a credential.
    fn meet(&mut self, path: PathBuf, stamp: &Stamp) {
        self.has_appeared |= self.is_after && !self.watch.has(&stamp.identity);
        self.watch.add(path, stamp);
    }
}

impl Known {
    /// What is in either. Digests of another salt say nothing.
    fn join(&mut self, other: Option<Self>) {
        let Some(other) = other else { return };
        self.identities.extend(other.identities);
        self.copies.extend(other.copies);
        self.counted.extend(other.counted);
        if other.salt == self.salt {
            self.counted_contents.extend(other.counted_contents);
            for (size, digests) in other.contents {
                self.contents.entry(size).or_default().extend(digests);
            }
        }
    }

    /// Whether the file at `path`, whatever its name, is or holds what once was
    /// seen as a credential. What can't be compared counts.
    pub(crate) fn has(&self, path: &Path, stamp: &Stamp) -> bool {
        if self.identities.contains(&stamp.identity) {
            return true;
        }
        let Some(digests) = self.contents.get(&stamp.size) else { return false };
        !digests.is_empty()
            && identity::digest(&self.salt, path, stamp.size)
                .is_none_or(|digest| digests.contains(&digest))
    }

    /// The salted hash of what the file holds, if that says enough.
    fn digest(&self, path: &Path, stamp: &Stamp) -> Option<Digest> {
        let says = (CONTENT_BYTES_MIN..=CONTENT_BYTES_MAX).contains(&stamp.size);
        if says { identity::digest(&self.salt, path, stamp.size) } else { None }
    }

    /// Whether it is, or holds, what once counted: it does so wherever it is moved.
    fn has_counted(&self, path: &Path, stamp: &Stamp) -> bool {
        self.counted.contains(&stamp.identity)
            || self.contents.contains_key(&stamp.size)
                && self.digest(path, stamp).is_some_and(|it| self.counted_contents.contains(&it))
    }

    /// Whether it was a credential, or may hold one in another form.
    fn knows(&self, identity: &Identity) -> bool {
        self.identities.contains(identity) || self.copies.contains(identity)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.identities.is_empty() && self.contents.is_empty()
    }
}

/// Every file of the folder that a link leads to whose name says what is in it
/// (`.aws -> aws`).
pub(crate) fn linked_files(named: &Named, real: &Path) -> Vec<PathBuf> {
    if named.kind != NameKind::Secret || !real.is_dir() {
        return Vec::new();
    }
    copies::files(real, &mut |_| true)
}

/// Seconds since 1970.
fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The path below the root as bytes, for a name of the register.
fn bytes_of(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}
