//! What a command wrote that had opened a credential: it may hold that in a form
//! nobody recognises. Such files are credentials from then on, but for those in
//! folders that tools keep for themselves, which would not work with masks in them;
//! of these, and of more than can be masked, it is kept that there are some.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{Digest, Stamp};

/// Files of one command that become credentials.
const MASKED_MAX: usize = 64;
/// Files in one private folder of the session's that do.
const PRIVATE_MASKED_MAX: usize = 1024;
/// Files of one command that are watched.
const WATCHED_MAX: usize = 512;
/// Files compared with what credentials held.
const COMPARED_MAX: usize = 4_096;
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

/// Where tools keep what they need in a home.
const HOME_TOOL_FOLDERS: [&str; 7] =
    [".cargo", ".rustup", ".npm", ".cache", ".m2", ".gradle", "pkg"];

/// What was written since.
#[derive(Debug, Default)]
pub(super) struct Copies {
    /// To be masked.
    pub(super) masked: Vec<(PathBuf, Stamp)>,
    /// Left readable.
    pub(super) open: Vec<(PathBuf, Stamp)>,
    /// Whether all that is to be masked is there.
    pub(super) complete: bool,
}

/// Files below the project's `root` that were changed at `since_ns` or later.
pub(super) fn since(root: &Path, since_ns: i64) -> Copies {
    find(root, since_ns, &TOOL_FOLDERS, |copies, is_tools, file| {
        if !is_tools && copies.masked.len() < MASKED_MAX {
            copies.masked.push(file);
        } else {
            copies.watch(file);
        }
    })
}

/// The same for a private folder of the session's.
pub(super) fn in_private(root: &Path, since_ns: i64) -> Copies {
    find(root, since_ns, &HOME_TOOL_FOLDERS, |copies, is_tools, file| {
        if is_tools {
            copies.watch(file);
        } else if copies.masked.len() < PRIVATE_MASKED_MAX {
            copies.masked.push(file);
        } else {
            copies.complete = false;
        }
    })
}

/// Files below `root` that are `wanted`, as far as it can be looked through.
pub(super) fn files(root: &Path, wanted: &mut dyn FnMut(&Stamp) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(root, &[], &|_| true, &mut |path, stamp, _| {
        if wanted(&stamp) {
            found.push(path);
        }
    });
    found
}

/// Files below the project's `root` as large as one of the contents, outside of tools'
/// folders.
pub(super) fn of_sizes(
    root: &Path,
    contents: &HashMap<u64, HashSet<Digest>>,
) -> Vec<(PathBuf, Stamp)> {
    let mut found = Vec::new();
    if contents.is_empty() {
        return found;
    }
    walk(root, &[], &|folder| !is_of_tools(folder, root), &mut |path, stamp, _| {
        if contents.contains_key(&stamp.size) && found.len() < COMPARED_MAX {
            found.push((path, stamp));
        }
    });
    found
}

fn find(
    root: &Path,
    since_ns: i64,
    tool_folders: &[&str],
    mut add: impl FnMut(&mut Copies, bool, (PathBuf, Stamp)),
) -> Copies {
    let mut copies = Copies { complete: true, ..Copies::default() };
    let complete = walk(root, tool_folders, &|_| true, &mut |path, stamp, is_tools| {
        // Of an empty one the name may still say something, and the time: no mask hides those.
        if stamp.changed_ns >= since_ns && stamp.size > 0 {
            add(&mut copies, is_tools, (path, stamp));
        }
    });
    copies.complete &= complete;
    copies
}

/// Hands out every file below `root`, and whether it is in one of `tool_folders`;
/// false when that is not all.
fn walk(
    root: &Path,
    tool_folders: &[&str],
    enters: &dyn Fn(&Path) -> bool,
    take: &mut dyn FnMut(PathBuf, Stamp, bool),
) -> bool {
    let mut names_left = NAMES_MAX;
    let mut todo = vec![(root.to_owned(), 0, false)];
    let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
    // In a private folder toolchains are mounted, which nobody writes to.
    let own = root.starts_with("/proc").then(|| device(root)).flatten();
    while let Some((folder, depth, is_tools)) = todo.pop() {
        if own.is_some() && device(&folder) != own {
            continue;
        }
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            if names_left == 0 || depth > DEPTH_MAX {
                return false;
            }
            names_left -= 1;
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let is_tools = is_tools || tool_folders.iter().any(|it| entry.file_name() == *it);
                if enters(&path) {
                    todo.push((path, depth + 1, is_tools));
                }
            } else if let Some(stamp) = Stamp::of(&path) {
                take(path, stamp, is_tools);
            }
        }
    }
    true
}

impl Copies {
    /// With masks in them tools don't work. As many as can be watched: that one was opened
    /// is kept anyway.
    fn watch(&mut self, file: (PathBuf, Stamp)) {
        if self.open.len() < WATCHED_MAX {
            self.open.push(file);
        }
    }
}
