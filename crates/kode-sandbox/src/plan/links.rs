//! Links on the way to a folder: what they lead to is decided by whoever may write where
//! they lie.

use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// As many as the kernel follows (`MAXSYMLINKS`, path_resolution(7)).
const LINKS_MAX: usize = 40;

/// The links that are followed on the way to an absolute path, each where it really
/// lies; `None` when there are too many.
pub(crate) fn on_the_way(path: &Path) -> Option<Vec<PathBuf>> {
    let (mut at, mut links) = (PathBuf::from("/"), Vec::new());
    let mut todo: Vec<OsString> = parts(path);
    while let Some(part) = todo.pop() {
        if part == ".." {
            at.pop();
            continue;
        }
        let next = at.join(part);
        let Ok(target) = fs::read_link(&next) else {
            at = next;
            continue;
        };
        links.push(next);
        if links.len() > LINKS_MAX {
            return None;
        }
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        todo.extend(parts(&target));
    }
    Some(links)
}

/// The last one first.
fn parts(path: &Path) -> Vec<OsString> {
    let is_step =
        |part: &Component<'_>| matches!(part, Component::Normal(_) | Component::ParentDir);
    path.components().rev().filter(is_step).map(|part| part.as_os_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use rustix::fs::symlink;

    use super::*;

    #[test]
    fn every_link_is_found_where_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| fs::canonicalize(folder.path()).unwrap().join(name);
        for name in ["a/b", "c/d"] {
            fs::DirBuilder::new().recursive(true).create(at(name)).unwrap();
        }
        symlink("../c/e", at("a/l")).unwrap();
        symlink(at("c/d"), at("c/e")).unwrap();
        assert_eq!(on_the_way(&at("a/b")), Some(Vec::new()));
        assert_eq!(on_the_way(&at("a/l/x")), Some(vec![at("a/l"), at("c/e")]));
        symlink("round", at("round")).unwrap();
        assert_eq!(on_the_way(&at("round")), None);
    }
}
