//! The state of a folder from outside: path, kind and content hash of every
//! entry, so that two moments can be compared.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// Most entries looked at in one folder.
const ENTRIES_MAX: usize = 20_000;

/// What stood where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Forest(BTreeMap<PathBuf, String>);

impl Forest {
    /// Looks at everything below `folder`, links not followed.
    pub(crate) fn of(folder: &Path) -> Self {
        let mut forest = Self::default();
        let mut open = vec![folder.to_owned()];
        while let Some(next) = open.pop() {
            let Ok(entries) = std::fs::read_dir(&next) else { continue };
            for entry in entries.flatten() {
                if forest.0.len() >= ENTRIES_MAX {
                    return forest;
                }
                let path = entry.path();
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    open.push(path.clone());
                }
                let below = path.strip_prefix(folder).unwrap_or(&path).to_owned();
                forest.0.insert(below, fingerprint(&path));
            }
        }
        forest
    }

    /// Entries that are new, gone or other than in `before`.
    pub(crate) fn changed_since(&self, before: &Self) -> Vec<PathBuf> {
        let gone = before.0.keys().filter(|path| !self.0.contains_key(*path));
        let changed = self.0.iter().filter(|(path, state)| before.0.get(*path) != Some(*state));
        gone.chain(changed.map(|(path, _)| path)).cloned().collect()
    }

    /// Only the entries that `wanted` picks.
    pub(crate) fn only(mut self, wanted: impl Fn(&Path) -> bool) -> Self {
        self.0.retain(|path, _| wanted(path));
        self
    }
}

fn fingerprint(path: &Path) -> String {
    let Ok(metadata) = std::fs::symlink_metadata(path) else { return "gone".to_owned() };
    let mode = metadata.mode();
    if metadata.is_symlink() {
        return format!("{mode:o} {:?}", std::fs::read_link(path).ok());
    }
    if !metadata.is_file() {
        return format!("{mode:o}");
    }
    let bytes = std::fs::read(path).unwrap_or_default();
    format!("{mode:o} {:x?}", Sha256::digest(&bytes).as_slice())
}
