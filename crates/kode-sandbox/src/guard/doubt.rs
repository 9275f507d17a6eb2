//! What stood in a place before a command and may yet be the doing of another sandbox's,
//! which runs and can write there: it does not count as there before.

use std::collections::{BTreeMap, HashSet};
use std::os::fd::OwnedFd;

use super::ground::Ground;
use super::inner::{Found, Odd};
use super::others::{self, Known, Other, Reach};
use super::sensitive::{self, Stamp};
use super::{beneath, modes};

/// One place, open as `root`, and those who share it.
pub(super) struct Doubt<'a> {
    root: &'a OwnedFd,
    ground: &'a Ground,
    others: Vec<(&'a Other, Reach)>,
}

impl<'a> Doubt<'a> {
    pub(super) fn new(
        root: &'a OwnedFd,
        ground: &'a Ground,
        others: impl Iterator<Item = &'a Other>,
    ) -> Self {
        Self { root, ground, others: others.map(|other| (other, other.reach(ground))).collect() }
    }

    /// Takes what is in doubt out of what stood there before, and nothing there for judged
    /// that changed since; the paths of that.
    pub(super) fn sift(
        &self,
        before: &mut BTreeMap<Vec<u8>, Stamp>,
        inside: &mut Found,
    ) -> Vec<Vec<u8>> {
        let gone = self.take_out(before, &mut inside.odd);
        self.others.iter().for_each(|(other, _)| inside.doubt(other.since_ns));
        inside.doubt_replaced();
        gone
    }

    /// The paths alone.
    pub(super) fn of(&self, before: &BTreeMap<Vec<u8>, Stamp>, odd: &Odd) -> Vec<Vec<u8>> {
        match self.others.is_empty() {
            true => Vec::new(),
            false => self.take_out(&mut before.clone(), &mut odd.clone()),
        }
    }

    fn take_out(&self, before: &mut BTreeMap<Vec<u8>, Stamp>, odd: &mut Odd) -> Vec<Vec<u8>> {
        let mut gone = Vec::new();
        if self.others.is_empty() {
            return gone;
        }
        let mut sift = |path: &Vec<u8>, is_doubted: bool| {
            gone.extend(is_doubted.then(|| path.clone()));
            !is_doubted
        };
        before.retain(|path, stamp| {
            let is_doubted = match stamp.is_repository() {
                true => self.doubts_repository(path, *stamp),
                false => self.doubts(path, stamp.inode(), stamp.changed_ns()),
            };
            sift(path, is_doubted)
        });
        odd.retain(|(path, inode, known_ns)| {
            let found = beneath::parent(self.root, path);
            let stat = found.and_then(|(folder, name)| beneath::stat(folder, name));
            let changed_ns = stat.map_or(i128::MIN, |stat| modes::changed_ns(&stat));
            let knew = |other: &Other| other.knew(self.ground, path, *inode, *known_ns);
            sift(path, self.any(path, |other| other.may_have_changed(changed_ns) && !knew(other)))
        });
        gone
    }

    /// Whether one of them may have changed the file at `path` when it changed last.
    pub(super) fn doubts(&self, path: &[u8], inode: u64, changed_ns: i128) -> bool {
        self.any(path, |other| {
            other.may_have_changed(changed_ns) && !other.knew(self.ground, path, inode, changed_ns)
        })
    }

    /// Commits change a repository: that another one knew it is enough.
    fn doubts_repository(&self, path: &[u8], stamp: Stamp) -> bool {
        let repository = sensitive::repository(self.root, path, stamp);
        self.any(path, |other| {
            repository.as_ref().is_none_or(|((folder, inode), changed_ns)| {
                other.may_have_changed(*changed_ns) && !other.knew(self.ground, folder, *inode, 0)
            })
        })
    }

    /// Whether it is so of any that can write to `path`.
    fn any(&self, path: &[u8], is_so: impl Fn(&Other) -> bool) -> bool {
        self.others.iter().any(|(other, reach)| reach.has(path) && is_so(other))
    }
}

/// What others are told was there before.
pub(super) fn known(
    root: &OwnedFd,
    ground: &Ground,
    before: &BTreeMap<Vec<u8>, Stamp>,
    odd: &Odd,
) -> HashSet<Known> {
    let of_stamp = |(path, stamp): (&Vec<u8>, &Stamp)| {
        if !stamp.is_repository() {
            return Some(others::known(ground, path, stamp.inode(), stamp.changed_ns()));
        }
        let ((folder, inode), _) = sensitive::repository(root, path, *stamp)?;
        Some(others::known(ground, &folder, inode, 0))
    };
    let of_odd = |(path, inode, known_ns): &(Vec<u8>, u64, i128)| {
        others::known(ground, path, *inode, *known_ns)
    };
    before.iter().filter_map(of_stamp).chain(odd.iter().map(of_odd)).collect()
}
