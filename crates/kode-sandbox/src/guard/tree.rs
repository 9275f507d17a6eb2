//! The folders of a project, kept up to date cheaply: only folders whose change
//! time moved are read again. Links are not followed, other file systems that are mounted
//! not entered; a subvolume is a folder like any.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use kode_gate::{FolderNames, NameKind};
use rustix::fs::{FileType, RawDir, Stat};
use rustix::io::Errno;

use super::beneath;
use crate::files::confined::is_mounted;

/// Folders looked at, and their depth.
const FOLDERS_MAX: usize = 200_000;
const DEPTH_MAX: usize = 128;

/// A folder changed this recently may change again within the same tick of
/// the file system's clock, so it is read again next time.
const FRESH_NS: i128 = 50_000_000;
/// The same where that clock counts whole seconds.
const FRESH_SECONDS_NS: i128 = 1_050_000_000;

/// What is remembered of a folder.
#[derive(Debug)]
pub(super) struct Folder {
    device: u64,
    inode: u64,
    changed_ns: i128,
    subfolders: Vec<Vec<u8>>,
    /// Names among the entries that matter, see [`matters`].
    pub(super) names: Vec<Vec<u8>>,
    /// Sockets among the entries.
    pub(super) sockets: Vec<Vec<u8>>,
    /// Names that credentials have, or perhaps, and ordinary ones of inodes that
    /// were seen as credentials.
    pub(super) named: Vec<(Vec<u8>, NameKind)>,
    /// Each entry that is a `HEAD` in any case, where git may take the folder itself
    /// for a repository.
    pub(super) heads: Vec<Vec<u8>>,
}

/// All folders by path relative to the project; the project itself is empty.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) device: u64,
    /// Whether names that credentials have are of interest.
    names: bool,
    /// Inodes that are of interest under any name.
    inodes: Arc<HashSet<u64>>,
    /// Whether this is a folder of git's or kode's own: everything in it but git's
    /// objects is looked through.
    own: bool,
    /// Folders the user closed even to himself, by the time of their change.
    closed: HashMap<Vec<u8>, i128>,
    pub(super) folders: HashMap<Vec<u8>, Folder>,
    /// Those that were read in the last look.
    pub(super) read: Vec<Vec<u8>>,
    /// Where other file systems are mounted, which are not looked through.
    pub(super) mounts: BTreeSet<Vec<u8>>,
}

/// Names that are sensitive wherever they stand, compared without case: some
/// file systems fold it.
pub(super) fn matters(name: &[u8]) -> bool {
    [&b".git"[..], b"kode.json", b".kode"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

impl Tree {
    pub(super) fn new(root: &OwnedFd, names: bool) -> rustix::io::Result<Self> {
        let device = rustix::fs::fstat(root)?.st_dev;
        let (inodes, closed) = (Arc::default(), HashMap::new());
        let (folders, read, mounts) = (HashMap::new(), Vec::new(), BTreeSet::new());
        Ok(Self { device, names, inodes, own: false, closed, folders, read, mounts })
    }

    pub(super) fn inodes(&self) -> Arc<HashSet<u64>> {
        Arc::clone(&self.inodes)
    }

    /// From now on these inodes are of interest: everything is read again.
    pub(super) fn look_for(&mut self, inodes: &Arc<HashSet<u64>>) {
        if !Arc::ptr_eq(&self.inodes, inodes) {
            self.inodes = Arc::clone(inodes);
            self.folders.clear();
        }
    }

    /// One that looks for credentials' names in a folder such as `.git`.
    pub(super) fn inside(own: &OwnedFd) -> rustix::io::Result<Self> {
        Ok(Self { own: true, ..Self::new(own, true)? })
    }

    /// Whether a folder could not be looked into because its owner closed it.
    pub(super) fn has_closed(&self) -> bool {
        !self.closed.is_empty()
    }

    /// Takes in what stands before a command; false when that is not complete.
    pub(super) fn look_before(&mut self, root: &OwnedFd) -> bool {
        self.closed.clear();
        self.look(root, false)
    }

    /// Brings the picture up to date after a command. Folders that it closed
    /// are opened to their owner again: something may hide there.
    pub(super) fn look_after(&mut self, root: &OwnedFd) -> bool {
        self.look(root, true)
    }

    fn look(&mut self, root: &OwnedFd, after: bool) -> bool {
        let mut before = std::mem::take(&mut self.folders);
        self.mounts.clear();
        self.read.clear();
        let mut todo: Vec<(Vec<u8>, usize)> = vec![(Vec::new(), 0)];
        let mut complete = true;
        while let Some((path, depth)) = todo.pop() {
            if self.folders.len() >= FOLDERS_MAX || depth > DEPTH_MAX {
                complete = false;
                continue;
            }
            let folder = match self.folder(root, &path, before.remove(&path), after) {
                Ok(Some(folder)) => folder,
                Ok(None) => continue,
                // Too long a name, for one: something may hide there.
                Err(_) => {
                    complete = false;
                    continue;
                }
            };
            for name in &folder.subfolders {
                let is_objects = self.own && path.is_empty() && name == b"objects";
                // Git's own names there say nothing, but a credential may have been put there.
                if !is_objects || !self.inodes.is_empty() {
                    todo.push((join(&path, name), depth + 1));
                }
            }
            self.folders.insert(path, folder);
        }
        complete
    }

    fn interest(&self) -> Interest {
        Interest { names: self.names, inodes: Arc::clone(&self.inodes), own: self.own }
    }

    /// The folder at `path`; `None` when none of this file system is there.
    fn folder(
        &mut self,
        root: &OwnedFd,
        path: &[u8],
        before: Option<Folder>,
        after: bool,
    ) -> rustix::io::Result<Option<Folder>> {
        if let Some(before) = before
            && self.is_unchanged(root, path, &before)
        {
            return Ok(Some(before));
        }
        let open = match beneath::folder(root, path) {
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::ACCESS) => Err(beneath::location(root, path)?),
            open => Ok(open?),
        };
        let (Ok(found) | Err(found)) = &open;
        let stat = rustix::fs::fstat(found)?;
        if stat.st_dev != self.device && is_mounted(found, b"") {
            self.mounts.insert(path.to_vec());
            return Ok(None);
        }
        let changed_ns = changed_ns(&stat);
        let open = match open {
            // One that can be listed and not entered hides what its entries are.
            Ok(open) if after && beneath::is_shut(&stat) => {
                beneath::open_up(&open)?;
                open
            }
            Ok(open) => open,
            // Closed to commands as well.
            Err(_) if stat.st_uid != rustix::process::geteuid().as_raw() => return Ok(None),
            Err(_) if !after => {
                self.closed.insert(path.to_vec(), changed_ns);
                return Ok(None);
            }
            Err(_) if self.closed.get(path) == Some(&changed_ns) => return Ok(None),
            Err(closed) => {
                beneath::open_up(&closed)?;
                beneath::subfolder(&closed, b".")?
            }
        };
        let fresh_ns = if stat.st_ctime_nsec == 0 { FRESH_SECONDS_NS } else { FRESH_NS };
        let fresh = now_ns() - changed_ns < fresh_ns;
        let mut folder = Folder {
            device: stat.st_dev,
            inode: stat.st_ino,
            changed_ns: if fresh { i128::MIN } else { changed_ns },
            subfolders: Vec::new(),
            names: Vec::new(),
            sockets: Vec::new(),
            named: Vec::new(),
            heads: Vec::new(),
        };
        read(&open, path, &self.interest(), &mut folder);
        self.read.push(path.to_vec());
        Ok(Some(folder))
    }

    /// Whether the same folder with the same entries is there. Led elsewhere by a link
    /// this could only find the same folder at another of its paths.
    fn is_unchanged(&self, root: &OwnedFd, path: &[u8], before: &Folder) -> bool {
        let place = if path.is_empty() { b"." } else { path };
        beneath::stat(root, place).is_ok_and(|stat| {
            stat.st_dev == before.device
                && stat.st_ino == before.inode
                && changed_ns(&stat) == before.changed_ns
        })
    }
}

/// What is taken note of in folders.
struct Interest {
    names: bool,
    inodes: Arc<HashSet<u64>>,
    own: bool,
}

fn read(open: &OwnedFd, path: &[u8], interest: &Interest, folder: &mut Folder) {
    let mut space = [MaybeUninit::uninit(); 16 * 1024];
    let mut listing = RawDir::new(open, &mut space);
    let mut parts = RepositoryParts::default();
    let folder_names = FolderNames::below(&String::from_utf8_lossy(path));
    while let Some(entry) = listing.next() {
        let Ok(entry) = entry else { break };
        let name = entry.file_name().to_bytes();
        if matches!(name, b"." | b"..") {
            continue;
        }
        parts.take(name, entry.file_type());
        if !interest.own && matters(name) {
            folder.names.push(name.to_vec());
        } else if is_folder(open, name, entry.file_type()) {
            folder.subfolders.push(name.to_vec());
        } else if entry.file_type() == FileType::Socket {
            folder.sockets.push(name.to_vec());
        } else if interest.names {
            match folder_names.kind(&String::from_utf8_lossy(name)) {
                NameKind::Ordinary if !interest.inodes.contains(&entry.ino()) => {}
                kind => folder.named.push((name.to_vec(), kind)),
            }
        }
    }
    folder.heads = parts.heads();
}

/// Some file systems don't say in a listing what an entry is.
fn is_folder(open: &OwnedFd, name: &[u8], listed: FileType) -> bool {
    let kind = match listed {
        FileType::Unknown => {
            beneath::stat(open, name).map_or(listed, |stat| FileType::from_raw_mode(stat.st_mode))
        }
        listed => listed,
    };
    kind == FileType::Directory
}

/// The entries by which git knows a repository without a `.git`, compared
/// without case (git's `is_git_directory` in setup.c). What its `HEAD` says does not
/// count: that can change, and nothing else looks like this.
#[derive(Debug, Default)]
pub(super) struct RepositoryParts {
    heads: Vec<Vec<u8>>,
    /// Names of what else makes one.
    folders: Vec<Vec<u8>>,
    objects: bool,
    refs: bool,
    commondir: bool,
}

impl RepositoryParts {
    pub(super) fn take(&mut self, name: &[u8], kind: FileType) {
        if name.eq_ignore_ascii_case(b"HEAD") && kind != FileType::Directory {
            self.heads.push(name.to_vec());
        }
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        self.objects |= is(b"objects");
        self.refs |= is(b"refs");
        self.commondir |= is(b"commondir");
        if is(b"objects") || is(b"commondir") {
            self.folders.push(name.to_vec());
        }
    }

    pub(super) const fn has_head(&self) -> bool {
        !self.heads.is_empty()
    }

    /// What makes a folder a repository, or will, once git writes a `HEAD` there: as a
    /// reference of that name.
    pub(super) fn making_one(self) -> Vec<Vec<u8>> {
        let is_prepared = self.heads.is_empty() && (self.commondir || self.objects && self.refs);
        match is_prepared {
            true => self.folders,
            false => self.heads(),
        }
    }

    /// Every `HEAD` of a repository; none where the folder is not one.
    pub(super) fn heads(self) -> Vec<Vec<u8>> {
        if self.objects && self.refs || self.commondir { self.heads } else { Vec::new() }
    }
}

pub(super) fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() {
        return name.to_vec();
    }
    [folder, b"/", name].concat()
}

fn changed_ns(stat: &Stat) -> i128 {
    i128::from(stat.st_ctime) * 1_000_000_000 + i128::from(stat.st_ctime_nsec)
}

fn now_ns() -> i128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i128::try_from(since.as_nanos()).unwrap_or(i128::MAX))
}
