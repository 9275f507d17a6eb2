//! What lies inside of git's and kode's own folders. Git makes no links there, but
//! follows those it finds: through `COMMIT_EDITMSG`, `logs/HEAD` or `refs/heads` it
//! would write to wherever they lead, and behind a link for `modules` nobody would look
//! for configuration. A repository inside of a git folder is none of git's doing either;
//! a link elsewhere may make it one to work in. And folders that everybody may write to
//! let others plant hooks.

use std::collections::HashSet;
use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Stat};

use super::sensitive::{entries, is_repository};
use super::tree::join;
use super::{beneath, index, modes};

/// Folders looked through in all, and their depth.
const FOLDERS_MAX: usize = 50_000;
const DEPTH_MAX: usize = 64;

/// What a folder is for git.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A git folder.
    Git,
    /// Where git folders of submodules and worktrees lie.
    Modules,
    /// The folder of objects, or one in it.
    Objects,
    /// Any other in a git folder.
    Inside,
    /// kode's own folder, where links lead nobody anywhere.
    Kode,
}

/// Links, pipes and repositories that git did not make: path, inode, and for files when
/// they changed.
pub(super) type Odd = HashSet<(Vec<u8>, u64, i128)>;

/// A look into such folders.
#[derive(Debug)]
pub(super) struct Look<'a> {
    /// What was odd before the command; `None` while that is being found out.
    before: Option<&'a Odd>,
    /// What changed since then may be the command's.
    since_ns: i128,
    /// Whether folders of objects are looked into though nothing touched them.
    thorough: bool,
    folders_left: usize,
    pub(super) odd: Odd,
    /// Paths of what is odd now and was not before; what lies deeper comes first.
    pub(super) new: Vec<Vec<u8>>,
    /// What everybody may write to since the command.
    pub(super) loose: Vec<(Vec<u8>, Stat)>,
    pub(super) sockets: Vec<Vec<u8>>,
    pub(super) complete: bool,
}

impl<'a> Look<'a> {
    /// What stands there before a command.
    pub(super) fn before() -> Self {
        Self::new(None, i128::MAX)
    }

    /// Sockets and all else that lies anywhere there.
    pub(super) fn thorough() -> Self {
        Self { thorough: true, ..Self::before() }
    }

    /// What a command made or changed since `since_ns`.
    pub(super) fn after(before: &'a Odd, since_ns: i128) -> Self {
        Self::new(Some(before), since_ns)
    }

    fn new(before: Option<&'a Odd>, since_ns: i128) -> Self {
        Self {
            before,
            since_ns,
            thorough: false,
            folders_left: FOLDERS_MAX,
            odd: HashSet::new(),
            new: Vec::new(),
            loose: Vec::new(),
            sockets: Vec::new(),
            complete: true,
        }
    }

    /// Looks through the folder `name` of `parent`, which is at `path`.
    pub(super) fn enter(
        &mut self,
        (parent, name): (&OwnedFd, &[u8]),
        path: &[u8],
        place: Place,
        depth: usize,
    ) {
        if self.folders_left == 0 || depth > DEPTH_MAX {
            self.complete = false;
            return;
        }
        self.folders_left -= 1;
        match beneath::enter(parent, name, self.before.is_some()) {
            Ok(Some(folder)) => self.folder(&folder, path, place, depth),
            Ok(None) => {}
            Err(_) => self.complete = false,
        }
    }

    /// Looks through `folder`, which is at `path`.
    pub(super) fn folder(&mut self, folder: &OwnedFd, path: &[u8], place: Place, depth: usize) {
        let Ok(stat) = rustix::fs::fstat(folder) else {
            self.complete = false;
            return;
        };
        self.note_loose(path, &stat);
        let entries = entries(folder);
        let head = is_repository(entries.iter().map(|(name, _)| &**name));
        let place = match place {
            Place::Modules if entries.iter().any(|(name, _)| name == b"HEAD") => Place::Git,
            place => place,
        };
        for (name, _) in &entries {
            self.entry((folder, name), &join(path, name), place, depth);
        }
        if let Some(head) = head.filter(|_| !matches!(place, Place::Git | Place::Modules)) {
            self.note_odd(join(path, head), stat.st_ino, 0);
        }
    }

    fn entry(
        &mut self,
        (folder, name): (&OwnedFd, &[u8]),
        path: &[u8],
        place: Place,
        depth: usize,
    ) {
        let is_git = name.eq_ignore_ascii_case(b".git");
        let Ok(stat) = beneath::stat(folder, name) else { return };
        let changed_ns = modes::changed_ns(&stat);
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                let inner = inner_place(place, name);
                // Objects by the begin of their names: what is not touched has none but them.
                let is_objects = place == Place::Objects && !is_git;
                if !is_objects || self.thorough || self.is_touched(&stat) {
                    self.enter((folder, name), path, inner, depth + 1);
                }
                if is_git {
                    let configured_ns = configured_ns(folder, name);
                    self.note_odd(path.to_vec(), stat.st_ino, configured_ns);
                }
            }
            FileType::RegularFile if is_git => {
                self.note_odd(path.to_vec(), stat.st_ino, changed_ns);
            }
            FileType::RegularFile => {
                let is_index = place == Place::Git && is_index(name) && self.is_touched(&stat);
                if is_index && !index::is_sound(folder, name) {
                    self.new.push(path.to_vec());
                }
                self.note_loose(path, &stat);
            }
            // They lead nowhere, and git's own programs make some.
            FileType::Socket => self.sockets.push(path.to_vec()),
            _ if place == Place::Kode => {}
            _ => self.note_odd(path.to_vec(), stat.st_ino, changed_ns),
        }
    }

    fn note_odd(&mut self, path: Vec<u8>, inode: u64, changed_ns: i128) {
        let odd = (path, inode, changed_ns);
        if self.before.is_some_and(|before| !before.contains(&odd)) {
            self.new.push(odd.0.clone());
        }
        self.odd.insert(odd);
    }

    fn note_loose(&mut self, path: &[u8], stat: &Stat) {
        if self.is_touched(stat) && modes::is_loose(stat) {
            self.loose.push((path.to_vec(), *stat));
        }
    }

    fn is_touched(&self, stat: &Stat) -> bool {
        self.before.is_some() && modes::is_since(stat, self.since_ns)
    }
}

/// Whether git reads a file of this name as its index, or a part of it.
fn is_index(name: &[u8]) -> bool {
    name == b"index" || name.starts_with(b"sharedindex.")
}

/// When the configuration of the git folder `name` changed.
fn configured_ns(folder: &OwnedFd, name: &[u8]) -> i128 {
    let inner = beneath::enter(folder, name, false).ok().flatten();
    let stat = inner.and_then(|inner| beneath::stat(&inner, b"config").ok());
    stat.map_or(0, |stat| modes::changed_ns(&stat))
}

fn inner_place(place: Place, name: &[u8]) -> Place {
    match (place, name) {
        (Place::Git, b"modules" | b"worktrees") | (Place::Modules, _) => Place::Modules,
        (Place::Git, b"objects") | (Place::Objects, _) => Place::Objects,
        (Place::Kode, _) => Place::Kode,
        _ => Place::Inside,
    }
}
