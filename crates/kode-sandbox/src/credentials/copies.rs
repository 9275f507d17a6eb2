//! What a command wrote that had opened a credential: it may hold that in a form
//! nobody recognises. Such files are credentials from then on, but for those in
//! folders that tools keep for themselves, which would not work with masks in them;
//! of these, and of more than can be masked, it is kept that there are some.

use std::fs;
use std::path::{Path, PathBuf};

use super::Stamp;

/// Files of one command that become credentials.
const MASKED_MAX: usize = 64;
/// Files of one command that are watched.
const WATCHED_MAX: usize = 512;
/// Names looked at, and folders inside each other.
const NAMES_MAX: usize = 400_000;
const DEPTH_MAX: usize = 128;
/// Where tools keep what they need.
const TOOL_FOLDERS: [&str; 8] =
    [".git", "node_modules", "target", ".venv", "venv", "site-packages", "vendor", ".gradle"];

/// Whether a folder of the project below `root` is one that tools fill: git's
/// objects, packages, what a build makes.
pub(crate) fn is_of_tools(folder: &Path, root: &Path) -> bool {
    let below = folder.strip_prefix(root).unwrap_or(folder);
    below == Path::new(".git/objects")
        || below.iter().any(|part| part != ".git" && TOOL_FOLDERS.iter().any(|it| part == *it))
}

/// What was written since.
#[derive(Debug, Default)]
pub(super) struct Copies {
    /// To be masked.
    pub(super) masked: Vec<(PathBuf, Stamp)>,
    /// Left readable.
    pub(super) open: Vec<(PathBuf, Stamp)>,
    /// Whether that is all.
    pub(super) complete: bool,
}

/// Files below `root` that were changed at `since_ns` or later.
pub(super) fn since(root: &Path, since_ns: i64) -> Copies {
    let mut copies = Copies { complete: true, ..Copies::default() };
    let mut names_left = NAMES_MAX;
    let mut todo = vec![(root.to_owned(), 0, false)];
    while let Some((folder, depth, is_tools)) = todo.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            if names_left == 0 || depth > DEPTH_MAX {
                copies.complete = false;
                return copies;
            }
            names_left -= 1;
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let is_tools = is_tools || TOOL_FOLDERS.iter().any(|it| entry.file_name() == *it);
                todo.push((path, depth + 1, is_tools));
            } else if let Some(stamp) = Stamp::of(&path).filter(|it| it.changed_ns >= since_ns) {
                copies.add(path, stamp, is_tools);
            }
        }
    }
    copies
}

impl Copies {
    fn add(&mut self, path: PathBuf, stamp: Stamp, is_tools: bool) {
        if stamp.size == 0 {
            // Its name may still say something, and its time: nothing masks those.
        } else if !is_tools && self.masked.len() < MASKED_MAX {
            self.masked.push((path, stamp));
        } else if self.open.len() < WATCHED_MAX {
            self.open.push((path, stamp));
        } else {
            self.complete = false;
        }
    }
}
