//! Ignored folders: which are full of other people's files, and into which a walk
//! through a large project goes nevertheless, for programs and for places that run
//! later. Judges names; what stands on the disk is asked of the caller.

use kode_base::ProjectPath;
use serde::Deserialize;

/// Folders entered one below the other from one whose name begins with a dot: the
/// places in them lie near its top, caches lie deep.
const DOT_DEPTH_MAX: usize = 3;

/// See `data/sensitive.toml`. All in lower case, `*` for anything within a name.
#[derive(Deserialize)]
pub(super) struct IgnoredFolders {
    /// Other people's files: no places are looked for below.
    foreign: Vec<String>,
    /// What is entered below them, from their own name on.
    programs: Vec<String>,
    /// The same below a virtual environment, from below its folder on.
    environment: Vec<String>,
    /// A file that tells a virtual environment, whatever its folder's name.
    environment_file: String,
}

impl IgnoredFolders {
    /// `path` in lower case, beginning with `/`.
    pub(super) fn is_below_foreign(&self, path: &str) -> bool {
        let mut folders = path.split('/');
        folders.next_back();
        folders.any(|name| self.is_foreign(name))
    }

    fn is_foreign(&self, name: &str) -> bool {
        self.foreign.iter().any(|each| fits(each, name))
    }

    /// Whether a walk enters `folder`, whose `path` is in lower case.
    pub(super) fn enters(
        &self,
        folder: &ProjectPath,
        path: &str,
        is_there: &dyn Fn(&ProjectPath) -> bool,
    ) -> bool {
        let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
        if let Some(at) = names.iter().position(|name| self.is_foreign(name)) {
            let tail = &names[at..];
            return self.programs.iter().any(|each| leads_to(each, tail))
                || self.is_in_environment(folder, &names, is_there);
        }
        let dot = names.iter().position(|name| name.starts_with('.'));
        dot.is_some_and(|at| names.len() - at <= DOT_DEPTH_MAX)
            || self.is_in_environment(folder, &names, is_there)
    }

    /// Whether `folder` is a virtual environment, or leads to its programs.
    fn is_in_environment(
        &self,
        folder: &ProjectPath,
        names: &[&str],
        is_there: &dyn Fn(&ProjectPath) -> bool,
    ) -> bool {
        let tells = |above: &ProjectPath| {
            above.join(&self.environment_file).is_ok_and(|file| is_there(&file))
        };
        let mut above = folder.clone();
        for below in 0..names.len() {
            let tail = &names[names.len() - below..];
            let leads = below == 0 || self.environment.iter().any(|each| leads_to(each, tail));
            if leads && tells(&above) {
                return true;
            }
            let Some((parent, _)) = above.as_str().rsplit_once('/') else { return false };
            let Ok(parent) = ProjectPath::new(parent) else { return false };
            above = parent;
        }
        false
    }
}

/// Whether the folders `names` are on the way to `pattern`, or it itself.
fn leads_to(pattern: &str, names: &[&str]) -> bool {
    let mut parts = pattern.split('/');
    names.iter().all(|name| parts.next().is_some_and(|part| fits(part, name)))
}

fn fits(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(name) = name.strip_prefix(start) else { return false };
    (0..=name.len()).filter(|at| name.is_char_boundary(*at)).any(|at| fits(rest, &name[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensitive::TABLE;

    fn enters(path: &str) -> bool {
        let there = |file: &ProjectPath| file.as_str() == "data/tools/py/pyvenv.cfg";
        crate::enters_ignored(&ProjectPath::new(path).unwrap(), &there)
    }

    #[test]
    fn programs_and_places_are_entered_in_large_projects() {
        for path in [
            ".vscode",
            ".husky",
            ".husky/_",
            ".claude",
            ".claude/commands",
            "web/.idea",
            "node_modules",
            "node_modules/.bin",
            "a/node_modules/.bin",
            "vendor/bin",
            ".venv",
            ".venv/bin",
            ".venv/lib/python3.12/site-packages",
            "myenv/bin",
            ".tox",
            ".tox/py312",
            ".tox/py312/bin",
            ".nox/tests/bin",
            "data/tools/py",
            "data/tools/py/bin",
            "data/tools/py/lib/python3.12/site-packages",
        ] {
            assert!(enters(path), "{path}");
        }
    }

    #[test]
    fn folders_of_other_peoples_files_are_not() {
        for path in [
            "node_modules/left-pad",
            "node_modules/a/node_modules",
            "target",
            "target/debug",
            ".venv/share",
            ".venv/lib/python3.12/site-packages/x",
            "data",
            "data/images",
            "data/tools/py/share",
            ".pixi/envs/default/lib",
            ".tox/py312/log",
        ] {
            assert!(!enters(path), "{path}");
        }
    }

    #[test]
    fn what_lies_in_them_is_no_place() {
        let folders = &TABLE.as_ref().unwrap().ignored_folders;
        assert!(folders.is_below_foreign("/node_modules/x/makefile"));
        assert!(folders.is_below_foreign("/a/.venv/lib/conftest.py"));
        assert!(!folders.is_below_foreign("/.vscode/tasks.json"));
        assert!(!folders.is_below_foreign("/web/build"));
    }
}
