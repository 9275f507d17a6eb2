//! Folders that a sandbox's commands can write to, and which of two lies within which:
//! told by device and inode of each folder above, so that another path to the same place
//! makes no difference.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// One such folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ground {
    /// Absolute.
    path: String,
    /// Device and inode of itself and of each folder above it.
    line: Vec<(u64, u64)>,
}

impl Ground {
    /// `None` for what commands are not shown: a path that is no text, or is not there.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let identity = |folder: &Path| {
            let found = fs::metadata(folder).ok()?;
            Some((found.dev(), found.ino()))
        };
        let line: Vec<_> = path.ancestors().map_while(identity).collect();
        (!line.is_empty()).then_some(Self { path: path.to_str()?.to_owned(), line })
    }

    pub(super) fn is_there(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok()
    }

    /// The folder's device and inode.
    pub(super) fn identity(&self) -> Option<(u64, u64)> {
        self.line.first().copied()
    }

    /// `path` below it, from the root of the file system.
    pub(super) fn absolute(&self, path: &[u8]) -> Vec<u8> {
        match path {
            b"." => self.path.clone().into_bytes(),
            path => [self.path.as_bytes(), b"/", path].concat(),
        }
    }

    /// Whether all of it lies in `other`, or is that.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        other.identity().is_some_and(|other| self.line.contains(&other))
    }

    /// The part of it that is `other`'s as well: a path below it, empty for all of it.
    pub(super) fn shared_with(&self, other: &Self) -> Option<Vec<u8>> {
        if self.is_within(other) {
            return Some(Vec::new());
        }
        let own = self.identity()?;
        let depth = other.line.iter().position(|folder| *folder == own)?;
        let names: Vec<&str> = other.path.rsplit('/').take(depth).collect();
        Some(names.into_iter().rev().collect::<Vec<_>>().join("/").into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_share_what_lies_in_both_whatever_their_paths() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["p/sub/in", "q"] {
            fs::DirBuilder::new().recursive(true).create(folder.path().join(name)).unwrap();
        }
        rustix::fs::symlink("p", folder.path().join("also")).unwrap();
        let at = |path: &str| Ground::of(&folder.path().join(path)).unwrap();
        let shared = |one: &str, other: &str| at(one).shared_with(&at(other));
        assert_eq!(shared("p", "p"), Some(Vec::new()));
        assert_eq!(shared("p/sub", "p"), Some(Vec::new()));
        assert_eq!(shared("p", "p/sub/in"), Some(b"sub/in".to_vec()));
        assert_eq!(shared("p", "also/sub"), Some(b"sub".to_vec()));
        assert_eq!(shared("p", "q"), None);
        assert_eq!(Ground::of(&folder.path().join("gone")), None);
        assert!(at("p/sub").is_within(&at("p")) && !at("p").is_within(&at("p/sub")));
    }
}
