//! Files with second names (hard links). A package manager's store and the repository
//! that a clone was made of share their files with a project: what a command writes there
//! changes them as well, and nothing undoes that. So it is told of.

use std::collections::HashMap;
use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Stat};

use super::{beneath, modes};

/// Files that a command changed and that have more than one name, by device and inode.
#[derive(Debug, Default)]
pub(super) struct Doubles(HashMap<(u64, u64), Double>);

#[derive(Debug)]
struct Double {
    path: Vec<u8>,
    names: u64,
    names_here: u64,
}

impl Doubles {
    /// Takes note of a file that a command changed, once for each of its names.
    pub(super) fn take(&mut self, path: &[u8], stat: &Stat) {
        let names = names_of(stat);
        let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        if is_file && names > 1 {
            let new = || Double { path: path.to_vec(), names, names_here: 0 };
            self.0.entry((stat.st_dev, stat.st_ino)).or_insert_with(new).names_here += 1;
        }
    }

    fn has(&self, (device, inode): (u64, u64)) -> bool {
        self.0.contains_key(&(device, inode))
    }

    /// Those that have a name which was not found in the project, in their order.
    pub(super) fn outside(self) -> Vec<Vec<u8>> {
        let outside = self.0.into_values().filter(|it| it.names > it.names_here);
        let mut paths: Vec<_> = outside.map(|it| it.path).collect();
        paths.sort();
        paths
    }
}

/// Names of files that had several before a command: it may write through one and then
/// put a copy in its place.
#[derive(Debug, Default)]
pub(super) struct Shared(HashMap<Vec<u8>, ((u64, u64), u64)>);

impl Shared {
    /// Takes note of a file under one of its names.
    pub(super) fn note(&mut self, path: &[u8], stat: &Stat) {
        let names = names_of(stat);
        if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && names > 1 {
            self.0.insert(path.to_vec(), ((stat.st_dev, stat.st_ino), names));
        }
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Of those with a name that was not found here: which are gone from their places below
    /// `root` since `since_ns`, or have one name left, and can't be found in the look
    /// `after` the command. They are not told of again.
    pub(super) fn take_gone(
        &mut self,
        (root, since_ns): (&OwnedFd, i128),
        after: &Doubles,
    ) -> Vec<Vec<u8>> {
        let mut here: HashMap<(u64, u64), u64> = HashMap::new();
        self.0.values().for_each(|(file, _)| *here.entry(*file).or_default() += 1);
        let mut gone = Vec::new();
        self.0.retain(|path, (file, names)| {
            let is_here = *names <= here[file] || after.has(*file);
            let fate = if is_here { Fate::Stays } else { fate(root, path, *file, since_ns) };
            gone.extend((fate == Fate::Gone).then(|| path.clone()));
            fate == Fate::Stays
        });
        gone.sort();
        gone
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Stays,
    Gone,
    /// Not since the command began.
    GoneBefore,
}

fn fate(root: &OwnedFd, path: &[u8], file: (u64, u64), since_ns: i128) -> Fate {
    let found = beneath::parent(root, path);
    let stat = found.and_then(|(folder, name)| beneath::stat(folder, name)).ok();
    let changed = match stat.filter(|stat| (stat.st_dev, stat.st_ino) == file) {
        Some(stat) if names_of(&stat) > 1 => return Fate::Stays,
        Some(stat) if !modes::is_since(&stat, since_ns) => return Fate::Stays,
        Some(stat) => Some(stat),
        None => nearest_folder(root, path),
    };
    match changed {
        Some(stat) if !modes::is_since(&stat, since_ns) => Fate::GoneBefore,
        _ => Fate::Gone,
    }
}

/// The folder of those on the way to `path` that is still there, and last.
fn nearest_folder(root: &OwnedFd, path: &[u8]) -> Option<Stat> {
    let slashes = path.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/');
    let outer = slashes.map(|(at, _)| &path[..at]).chain([&b""[..]]);
    outer
        .filter_map(|folder| beneath::location(root, folder).ok())
        .find_map(|it| rustix::fs::fstat(it).ok())
}

#[allow(clippy::useless_conversion, reason = "the field's width differs between targets")]
fn names_of(stat: &Stat) -> u64 {
    u64::from(stat.st_nlink)
}
