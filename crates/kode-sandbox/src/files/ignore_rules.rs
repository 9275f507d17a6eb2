//! Which paths the project's ignore files name. They are read confined like
//! any other file; a broken pattern is skipped, never a reason to hide more.

use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// The names of ignore files, later ones winning over earlier ones.
pub(super) const IGNORE_FILES: &[&str] = &[".gitignore", ".ignore"];

/// Ignore files larger than this many bytes are not read.
pub(super) const IGNORE_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The rules of a folder and of every folder above it.
#[derive(Debug, Default)]
pub(super) struct IgnoreStack {
    levels: Vec<Option<Gitignore>>,
}

impl IgnoreStack {
    /// Enters a folder whose ignore files hold `texts`.
    pub(super) fn push(&mut self, folder: &str, texts: &[String]) {
        self.levels.push(matcher(folder, texts));
    }

    pub(super) fn pop(&mut self) {
        self.levels.pop();
    }

    /// Whether `path` (relative to the project root) is ignored; the deepest
    /// folder with an opinion decides.
    pub(super) fn ignores(&self, path: &str, is_folder: bool) -> bool {
        for level in self.levels.iter().rev().flatten() {
            match level.matched(Path::new(path), is_folder) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => {}
            }
        }
        false
    }
}

fn matcher(folder: &str, texts: &[String]) -> Option<Gitignore> {
    if texts.is_empty() {
        return None;
    }
    let mut builder = GitignoreBuilder::new(folder);
    for line in texts.iter().flat_map(|text| text.lines()) {
        // A pattern that can't be parsed ignores nothing.
        let _ = builder.add_line(None, line);
    }
    builder.build().ok()
}
