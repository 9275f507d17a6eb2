//! Files with second names (hard links). A package manager's store and the repository
//! that a clone was made of share their files with a project: what a command writes there
//! changes them as well, and nothing undoes that. So it is told of.

use std::collections::HashMap;

use rustix::fs::{FileType, Stat};

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
        #[allow(clippy::useless_conversion, reason = "the field's width differs between targets")]
        let names = u64::from(stat.st_nlink);
        let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        if is_file && names > 1 {
            let new = || Double { path: path.to_vec(), names, names_here: 0 };
            self.0.entry((stat.st_dev, stat.st_ino)).or_insert_with(new).names_here += 1;
        }
    }

    /// Those that have a name which was not found in the project, in their order.
    pub(super) fn outside(self) -> Vec<Vec<u8>> {
        let outside = self.0.into_values().filter(|it| it.names > it.names_here);
        let mut paths: Vec<_> = outside.map(|it| it.path).collect();
        paths.sort();
        paths
    }
}
