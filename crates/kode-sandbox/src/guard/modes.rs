//! Permission bits that a command must not leave on the host: set-user-id and
//! set-group-id programs, and anything everybody may write. They are taken
//! away from what the command made or changed, and only from that. And one that
//! it must not take: the owner's own to read a file, or nobody could look at the
//! change and put it back.

use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, Stat};
use rustix::io::Errno;

use super::beneath::{self, Seen};
use super::doubles::{Doubles, Shared};
use super::sensitive::entries;
use super::tree::{Tree, join};

/// Files looked at after a command; further ones are reported as unchecked.
const FILES_MAX: usize = 400_000;

const SET_ID: u32 = 0o6000;
const WORLD_WRITABLE: u32 = 0o002;
const OWNER_READS: u32 = 0o400;
const EXECUTABLE: u32 = 0o111;

/// A file whose bits the command should not have left.
#[derive(Debug)]
pub(super) struct Loose {
    pub(super) path: Vec<u8>,
    /// The bits that go.
    pub(super) bits: u32,
    /// The bits that come back.
    missing: u32,
    /// Whether it has capabilities, which go as well.
    pub(super) capable: bool,
    seen: Seen,
}

/// What has such bits anyway, the user's own doing.
#[derive(Debug)]
pub(super) struct Modes {
    /// By the time of their change.
    known: HashMap<Vec<u8>, i128>,
    /// Of them, programs with set-id bits.
    set_id: Vec<Vec<u8>>,
    /// Names of files that have several.
    shared: Shared,
    /// When the command began, in nanoseconds since 1970.
    pub(super) since_ns: i128,
    /// What changed since then may be another command's.
    pub(super) doubt_ns: i128,
}

impl Modes {
    /// Until a command begins, nothing is a command's doing.
    pub(super) fn new() -> Self {
        let (known, set_id, shared) = (HashMap::new(), Vec::new(), Shared::default());
        Self { known, set_id, shared, since_ns: i128::MAX, doubt_ns: i128::MAX }
    }

    /// Programs with set-id bits of the user's, as of the last look.
    pub(super) fn with_set_id(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.set_id.iter()
    }

    /// What changes from now on is a command's doing.
    pub(super) fn begin(&mut self) {
        // The clock that file systems take their times from.
        let now = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
        self.since_ns = i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec);
        self.doubt_ns = self.since_ns;
    }

    /// What changed since `doubt_ns` may be another command's.
    pub(super) fn doubt(&mut self, doubt_ns: i128) {
        if doubt_ns < self.since_ns {
            self.doubt_ns = doubt_ns;
            self.known.retain(|_, changed_ns| !may_be_since(*changed_ns, doubt_ns));
        }
    }

    /// Looks at every file once; false when there are too many, or a folder was exchanged.
    pub(super) fn look(
        &mut self,
        root: &OwnedFd,
        tree: &Tree,
        found: &mut Vec<Loose>,
        doubles: &mut Doubles,
    ) -> bool {
        let mut files_left = FILES_MAX;
        let (mut known, mut set_id, mut shared) = (HashMap::new(), Vec::new(), Shared::default());
        let mut complete = true;
        let mut take = |path: Vec<u8>, stat: &Stat, folder: Option<(&OwnedFd, &[u8])>| {
            let (loose, missing) = (loose_bits(stat), missing_bits(stat));
            let is_known = self.known.contains_key(&path);
            if loose | missing != 0 && (is_known || !self.is_touched(stat)) {
                known.insert(path.clone(), changed_ns(stat));
                if loose & SET_ID != 0 {
                    set_id.push(path.clone());
                }
            }
            shared.note(&path, stat);
            if !self.is_touched(stat) {
                return;
            }
            if is_since(stat, self.since_ns) {
                doubles.take(&path, stat);
            }
            let Some(mut it) = Loose::of(&path, stat, folder) else { return };
            if is_known {
                // A program's rights go with any change of it, whosever they were.
                (it.bits, it.missing) = (it.bits & !loose | loose & SET_ID, 0);
            }
            if it.bits | it.missing != 0 || it.capable {
                found.push(it);
            }
        };
        if let Ok(stat) = rustix::fs::fstat(root) {
            take(b".".to_vec(), &stat, Some((root, b".")));
        }
        'all: for path in tree.folders.keys() {
            let folder = match beneath::folder(root, path) {
                Ok(folder) => folder,
                Err(error) => {
                    complete &= error == Errno::NOENT;
                    continue;
                }
            };
            let mut space = [MaybeUninit::uninit(); 16 * 1024];
            let mut listing = RawDir::new(&folder, &mut space);
            while let Some(Ok(entry)) = listing.next() {
                let name = entry.file_name();
                if matches!(name.to_bytes(), b"." | b"..") || entry.file_type() == FileType::Symlink
                {
                    continue;
                }
                if files_left == 0 {
                    // What was found counts all the same.
                    complete = false;
                    break 'all;
                }
                files_left -= 1;
                let stat = rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW);
                if let Ok(stat) = stat {
                    take(join(path, name.to_bytes()), &stat, Some((&folder, name.to_bytes())));
                }
            }
        }
        (self.known, self.set_id, self.shared) = (known, set_id, shared);
        complete
    }

    /// The same of second names only, in folders that a person changed since the last look.
    pub(super) fn note_shared(&mut self, root: &OwnedFd, folders: &[Vec<u8>]) {
        for path in folders {
            let Ok(folder) = beneath::folder(root, path) else { continue };
            for (name, kind) in entries(&folder) {
                let is_other = matches!(kind, FileType::Directory | FileType::Symlink);
                if let Some(stat) = beneath::stat(&folder, &name).ok().filter(|_| !is_other) {
                    self.shared.note(&join(path, &name), &stat);
                }
            }
        }
    }

    /// What had second names before.
    pub(super) fn take_shared(&mut self) -> Shared {
        std::mem::take(&mut self.shared)
    }

    /// What of the project that changed since then has such bits.
    pub(super) fn loose_since(&self, root: &OwnedFd, tree: &Tree, since_ns: i128) -> Vec<Vec<u8>> {
        let mut then = Self { doubt_ns: since_ns, ..Self::new() };
        let (mut found, mut doubles) = (Vec::new(), Doubles::default());
        then.look(root, tree, &mut found, &mut doubles);
        found.into_iter().filter(|it| it.bits != 0).map(|it| it.path).collect()
    }

    /// Whether the file was made, changed or named while the command ran. Writing
    /// through a shared mapping counts, though it leaves set-id bits as they are.
    fn is_touched(&self, stat: &Stat) -> bool {
        is_since(stat, self.doubt_ns)
    }
}

/// Whether the file changed since a command began.
pub(super) fn is_since(stat: &Stat, since_ns: i128) -> bool {
    may_be_since(changed_ns(stat), since_ns)
}

/// The same of the time of a change.
pub(super) const fn may_be_since(changed_ns: i128, since_ns: i128) -> bool {
    changed_ns >= since_ns || is_unclear(changed_ns, since_ns)
}

/// Whether that can't be told of a time because its file system counts whole seconds.
pub(super) const fn is_unclear(changed_ns: i128, since_ns: i128) -> bool {
    const SECOND_NS: i128 = 1_000_000_000;
    changed_ns % SECOND_NS == 0
        && changed_ns < since_ns
        && changed_ns / SECOND_NS == since_ns / SECOND_NS
}

pub(super) fn changed_ns(stat: &Stat) -> i128 {
    i128::from(stat.st_ctime) * 1_000_000_000 + i128::from(stat.st_ctime_nsec)
}

pub(super) fn written_ns(stat: &Stat) -> i128 {
    i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec)
}

/// Whether a program has capabilities of its own, which are as good as a set-id bit.
fn is_capable(folder: &OwnedFd, name: &[u8], stat: &Stat) -> bool {
    let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    if !is_file || stat.st_mode & EXECUTABLE == 0 {
        return false;
    }
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let found = rustix::fs::openat(folder, name, flags, Mode::empty());
    found.is_ok_and(|found| beneath::is_capable(&found))
}

/// Whether a folder's default access list lets everybody write what is made in it.
fn hands_on(folder: &OwnedFd, name: &[u8], stat: &Stat) -> bool {
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return false;
    }
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let found = rustix::fs::openat(folder, name, flags, Mode::empty());
    found.is_ok_and(|found| beneath::hands_on_to_everybody(&found))
}

/// Folders may inherit a group from the one above: harmless, and the user's.
fn loose_bits(stat: &Stat) -> u32 {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Symlink => 0,
        FileType::RegularFile => stat.st_mode & (SET_ID | WORLD_WRITABLE),
        _ => stat.st_mode & WORLD_WRITABLE,
    }
}

/// A file of the owner's that they can't read; root can read any.
fn missing_bits(stat: &Stat) -> u32 {
    let user = rustix::process::geteuid();
    let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    let is_ours = is_file && stat.st_uid == user.as_raw() && !user.is_root();
    if is_ours { !stat.st_mode & OWNER_READS } else { 0 }
}

impl Loose {
    /// What a command must not have left of this on a file or folder, which is `place`
    /// if that can be named.
    pub(super) fn of(path: &[u8], stat: &Stat, place: Option<(&OwnedFd, &[u8])>) -> Option<Self> {
        let (loose, missing) = (loose_bits(stat), missing_bits(stat));
        let capable = place.is_some_and(|(folder, name)| is_capable(folder, name, stat));
        let inherited = place.is_some_and(|(folder, name)| hands_on(folder, name, stat));
        let bits = if inherited { loose | WORLD_WRITABLE } else { loose };
        (bits | missing != 0 || capable).then(|| {
            let (path, seen) = (path.to_vec(), Seen::new(stat));
            Self { path, bits, missing, capable, seen }
        })
    }

    /// Takes the bits away, and gives the missing ones back, if the file is still the
    /// one that was looked at.
    pub(super) fn strip(&self, root: &OwnedFd) -> io::Result<()> {
        beneath::tighten(root, &self.path, self.seen, self.capable, |mode| {
            mode & !self.bits | self.missing
        })
    }
}
