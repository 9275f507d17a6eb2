//! Other sandboxes that can write to the same places: of the same project, of one within
//! the other, of a linked worktree and its repository. What one command planted must not
//! count as there before another one, whose sandbox could hide it while the first one's
//! guard looks and put it back for its own. So each says in a file in kode's home, which
//! commands can't see, where it can write, since when it runs, and what it knew before;
//! the file is locked for as long. One that nobody locks was left by a kode that was
//! killed.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{DirBuilder, File};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use kode_base::raw_name::text_of;
use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::ground::Ground;
use super::kept::Before;
use super::sensitive::entries;
use super::{is_inside, modes};

/// The folder below kode's home, one for all that run.
const FOLDER: &str = "running-sandboxes";
/// Of one file.
const BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Files and repositories that one tells of.
const KNOWN_MAX: usize = 20_000;

/// A file by its absolute path, its inode and when it changed; a repository, which changes
/// with every commit, by the first two.
pub(super) type Known = (String, u64, i128);

/// What a command's sandbox says.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Other {
    /// What changed since then, in nanoseconds since 1970, may be its doing, or that of
    /// one that ran when it began.
    pub(super) since_ns: i128,
    /// Where its commands can write.
    pub(super) grounds: Vec<Ground>,
    /// What was there before and is not in doubt.
    pub(super) known: HashSet<Known>,
    /// What stood before in protected files, by their absolute paths.
    pub(super) kept: BTreeMap<String, Before>,
    /// Whether its kode is gone: nobody looked at what it left.
    #[serde(skip)]
    pub(super) killed: bool,
}

impl Other {
    /// The parts of `ground` that its commands can write to.
    pub(super) fn reach(&self, ground: &Ground) -> Reach {
        Reach(self.grounds.iter().filter_map(|other| ground.shared_with(other)).collect())
    }

    fn meets(&self, grounds: &[Ground]) -> bool {
        grounds.iter().any(|ground| !self.reach(ground).0.is_empty())
    }

    /// Whether it could write nowhere else.
    fn is_within(&self, grounds: &[Ground]) -> bool {
        let is_in = |ground: &Ground| grounds.iter().any(|own| ground.is_within(own));
        self.grounds.iter().all(is_in)
    }

    /// Whether what changed at that time may be its doing.
    pub(super) fn may_have_changed(&self, changed_ns: i128) -> bool {
        modes::may_be_since(changed_ns, self.since_ns)
    }

    /// Whether what stands at `path` of `ground` did so before, as it is.
    pub(super) fn knew(&self, ground: &Ground, path: &[u8], inode: u64, changed_ns: i128) -> bool {
        self.known.contains(&known(ground, path, inode, changed_ns))
    }
}

/// How others are told of what stands at `path` of `ground`.
pub(super) fn known(ground: &Ground, path: &[u8], inode: u64, changed_ns: i128) -> Known {
    (text_of(&ground.absolute(path)), inode, changed_ns)
}

/// Parts of a ground.
#[derive(Debug)]
pub(super) struct Reach(Vec<Vec<u8>>);

impl Reach {
    pub(super) fn has(&self, path: &[u8]) -> bool {
        self.0.iter().any(|part| part.is_empty() || is_inside(path, part))
    }
}

/// Who else runs, as far as it was read.
#[derive(Debug, Default)]
struct Seen {
    names: BTreeSet<Vec<u8>>,
    /// When the folder's entries changed.
    changed_ns: i128,
}

/// Where all of them say so.
#[derive(Debug)]
pub(super) struct Others {
    /// `None` where kode has no home.
    place: Option<PathBuf>,
    folder: Option<OwnedFd>,
    own: Option<(String, File)>,
    seen: Seen,
    read: BTreeSet<Vec<u8>>,
    /// Those that share a ground, in the order they were read in.
    met: Vec<Other>,
    /// Files of those that were killed, until that is told.
    left: Vec<(Vec<u8>, Leave)>,
}

/// What becomes of such a file.
#[derive(Debug)]
enum Leave {
    Gone,
    /// Others that share a ground are to be told as well; here nobody is again.
    Noted(String),
}

impl Others {
    pub(super) fn of(kode_home: &Path) -> Self {
        let place = kode_home.is_absolute().then(|| kode_home.join(FOLDER));
        let (seen, read) = (Seen::default(), BTreeSet::new());
        Self { place, folder: None, own: None, seen, read, met: Vec::new(), left: Vec::new() }
    }

    /// To ask later whether any runs that shares one of `grounds`.
    pub(super) fn around(&self, grounds: Vec<Ground>) -> Around {
        Around { place: self.place.clone(), grounds }
    }

    /// A command will begin, of which nobody was told so far; false when nobody can be.
    pub(super) fn begin(&mut self) -> bool {
        self.end();
        (self.seen, self.read) = (Seen::default(), BTreeSet::new());
        self.met.clear();
        if self.folder.is_none() {
            self.folder = self.place.as_deref().and_then(open);
        }
        self.place.is_none() || self.folder.is_some()
    }

    /// Reads what those say that were not read yet and share one of `grounds`, and whether
    /// any came or went since the last time; `None` when not all can be read.
    pub(super) fn look(&mut self, grounds: &[Ground]) -> Option<bool> {
        let Some(folder) = &self.folder else { return Some(false) };
        let open = super::beneath::subfolder(folder, b".").ok()?;
        let changed_ns = modes::written_ns(&rustix::fs::fstat(&open).ok()?);
        let visible = |(name, kind): &(Vec<u8>, FileType)| {
            !name.starts_with(b".") && *kind != FileType::Directory
        };
        let names: BTreeSet<Vec<u8>> =
            entries(&open).into_iter().filter(visible).map(|(name, _)| name).collect();
        for name in names.difference(&self.read.clone()) {
            self.met.extend(read((&open, name), grounds, &mut self.left)?);
            self.read.insert(name.clone());
        }
        let is_as_before = self.seen.names == names && self.seen.changed_ns == changed_ns;
        self.seen = Seen { names, changed_ns };
        Some(!is_as_before)
    }

    /// Those that were read since [`Self::begin`].
    pub(super) fn take(&mut self) -> Vec<Other> {
        std::mem::take(&mut self.met)
    }

    /// Tells the others of a command that is about to begin; false when that fails.
    pub(super) fn say(&mut self, mut own: Other) -> bool {
        let Some(folder) = &self.folder else { return self.place.is_none() };
        own.known = own.known.into_iter().take(KNOWN_MAX).collect();
        self.own = publish(folder, &own);
        self.own.is_some()
    }

    /// The command ended, and what it and others left was looked at and told.
    pub(super) fn end(&mut self) {
        let Some(folder) = &self.folder else { return };
        for (name, leave) in self.left.drain(..) {
            match leave {
                Leave::Gone => remove(folder, &name),
                Leave::Noted(place) => note(folder, &name, &place),
            }
        }
        if let Some((name, _locked)) = self.own.take() {
            remove(folder, name.as_bytes());
        }
    }
}

/// Those around one project, before it has a command of its own.
#[derive(Debug, Default)]
pub(super) struct Around {
    place: Option<PathBuf>,
    grounds: Vec<Ground>,
}

impl Around {
    /// Whether any runs; what can't be read may be one.
    pub(super) fn run(&self) -> bool {
        let Some(home) = self.place.as_deref().filter(|place| place.exists()) else {
            return false;
        };
        let mut others = Others::of(home.parent().unwrap_or(home));
        let looked = others.begin() && others.look(&self.grounds).is_some();
        !looked || others.take().iter().any(|other| !other.killed)
    }
}

fn open(place: &Path) -> Option<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::open(place, flags, Mode::empty()) {
        Err(Errno::NOENT) => {
            DirBuilder::new().recursive(true).mode(0o700).create(place).ok()?;
            rustix::fs::open(place, flags, Mode::empty()).ok()
        }
        folder => folder.ok(),
    }
}

/// Others find the file when it is locked and whole.
fn publish(folder: &OwnedFd, own: &Other) -> Option<(String, File)> {
    let name = format!("{}-{:08x}", std::process::id(), getrandom::u32().ok()?);
    let hidden = format!(".{name}");
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, &hidden, flags, Mode::from_raw_mode(0o600)).ok()?;
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
    let mut file = File::from(file);
    file.write_all(serde_json::to_string(own).ok()?.as_bytes()).ok()?;
    rustix::fs::renameat(folder, &hidden, folder, &name).ok()?;
    Some((name, file))
}

/// What the file says, if that is of interest for `grounds`; `None` when it is unreadable.
/// What becomes of it when its kode was killed is `left` for when that is told.
fn read(
    (folder, name): (&OwnedFd, &[u8]),
    grounds: &[Ground],
    left: &mut Vec<(Vec<u8>, Leave)>,
) -> Option<Option<Other>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = match rustix::fs::openat(folder, name, flags, Mode::empty()) {
        // It ended.
        Err(Errno::NOENT) => return Some(None),
        file => File::from(file.ok()?),
    };
    let mut text = String::new();
    (&mut file).take(BYTES_MAX).read_to_string(&mut text).ok()?;
    let state = state(&file);
    let (said, told) = text.split_once('\n').unwrap_or((&text, ""));
    let Ok(mut other) = serde_json::from_str::<Other>(said) else {
        // After a power cut; or another version of kode says it.
        return (state != State::Runs).then(|| remove(folder, name)).map(|()| None);
    };
    other.killed = state == State::Killed;
    if !other.meets(grounds) || state == State::Ended {
        if other.killed && !other.grounds.first().is_some_and(Ground::is_there) {
            remove(folder, name);
        }
        return Some(None);
    }
    if other.killed {
        let here = format!("{:?}", grounds.first().and_then(Ground::identity));
        if told.lines().any(|line| line == here) {
            return Some(None);
        }
        let leave = if other.is_within(grounds) { Leave::Gone } else { Leave::Noted(here) };
        left.push((name.to_vec(), leave));
    }
    Some(Some(other))
}

/// What became of one whose file is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Runs,
    /// What it left was looked at, and it took its file away.
    Ended,
    Killed,
}

fn state(file: &File) -> State {
    if rustix::fs::flock(file, FlockOperation::NonBlockingLockShared).is_err() {
        return State::Runs;
    }
    match rustix::fs::fstat(file) {
        Ok(stat) if stat.st_nlink == 0 => State::Ended,
        _ => State::Killed,
    }
}

/// Without the note it is told again.
fn note(folder: &OwnedFd, name: &[u8], place: &str) {
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    if let Ok(file) = rustix::fs::openat(folder, name, flags, Mode::empty()) {
        let _ = File::from(file).write_all(format!("\n{place}").as_bytes());
    }
}

fn remove(folder: &OwnedFd, name: &[u8]) {
    let _ = rustix::fs::unlinkat(folder, name, AtFlags::empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A home of kode's and a project `p` with a folder `p/sub`.
    fn place() -> tempfile::TempDir {
        let place = tempfile::tempdir().unwrap();
        for folder in ["home", "p/sub", "q"] {
            DirBuilder::new().recursive(true).create(place.path().join(folder)).unwrap();
        }
        place
    }

    struct Sandbox {
        others: Others,
        grounds: Vec<Ground>,
    }

    impl Sandbox {
        fn of(place: &tempfile::TempDir, project: &str) -> Self {
            let grounds = vec![Ground::of(&place.path().join(project)).unwrap()];
            Self { others: Others::of(&place.path().join("home")), grounds }
        }

        /// Since when those ran that it met, and whether they were killed.
        fn runs(&mut self, since_ns: i128) -> Vec<(i128, bool)> {
            let around = self.others.around(self.grounds.clone()).run();
            assert!(self.others.begin());
            self.others.look(&self.grounds).unwrap();
            let met = self.others.take();
            let known = HashSet::from([("/a b".to_owned(), 7, 8)]);
            let grounds = self.grounds.clone();
            assert!(self.others.say(Other { since_ns, grounds, known, ..Other::default() }));
            assert!(met.iter().all(|other| other.known.contains(&("/a b".to_owned(), 7, 8))));
            let mut met: Vec<_> = met.iter().map(|other| (other.since_ns, other.killed)).collect();
            met.sort_unstable();
            assert_eq!(around, met.iter().any(|(_, killed)| !killed));
            met
        }

        /// As the system does with what a killed process had open.
        fn is_killed(&mut self) {
            self.others.own = None;
        }
    }

    #[test]
    fn those_that_share_a_place_know_of_each_other_until_they_end() {
        let place = place();
        let [mut outer, mut inner, mut apart] =
            ["p", "p/sub", "q"].map(|project| Sandbox::of(&place, project));
        assert_eq!(outer.runs(5), []);
        assert_eq!(inner.runs(6), [(5, false)]);
        assert_eq!(apart.runs(7), []);
        assert_eq!(outer.runs(8), [(6, false)]);
        inner.others.end();
        outer.others.end();
        assert_eq!(outer.runs(9), []);
    }

    #[test]
    fn one_that_comes_while_another_looks_is_noticed() {
        let place = place();
        let [mut one, mut other] = ["p", "p"].map(|project| Sandbox::of(&place, project));
        assert!(one.others.begin());
        one.others.look(&one.grounds).unwrap();
        other.runs(5);
        assert_eq!(one.others.look(&one.grounds), Some(true));
        other.others.end();
        assert_eq!(one.others.look(&one.grounds), Some(true));
        assert_eq!(one.others.take().len(), 1);
    }

    #[test]
    fn one_that_was_killed_is_told_of_once_in_each_place() {
        let place = place();
        let [mut outer, mut inner, mut apart] =
            ["p", "p/sub", "q"].map(|project| Sandbox::of(&place, project));
        outer.runs(5);
        outer.is_killed();
        assert_eq!(apart.runs(6), []);
        assert_eq!(inner.runs(6), [(5, true)]);
        // That is not forgotten when it is killed as well before it tells.
        inner.is_killed();
        inner.others.left.clear();
        assert_eq!(inner.runs(6), [(5, true), (6, true)]);
        inner.others.end();
        assert_eq!(inner.runs(7), []);
        inner.others.end();
        assert_eq!(outer.runs(8), [(5, true)]);
        outer.others.end();
        assert_eq!(outer.runs(9), []);
    }

    #[test]
    fn what_is_left_of_projects_that_are_gone_goes() {
        let place = place();
        let [mut one, mut other] = ["p", "q"].map(|project| Sandbox::of(&place, project));
        one.runs(5);
        one.is_killed();
        rustix::fs::rename(place.path().join("p"), place.path().join("away")).unwrap();
        other.runs(6);
        other.others.end();
        let left = std::fs::read_dir(place.path().join("home").join(FOLDER)).unwrap();
        assert_eq!(left.count(), 0);
    }
}
