//! Ignored programs that a person's next command finds first, in projects with
//! so many ignored files that those are not walked: looked up by their folders.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use kode_base::ProjectPath;
use kode_gate::is_watched;
use kode_sandbox::{FileError, ProjectFiles, RuleSource, WalkEntry};

use crate::SessionError;

/// Folders of such programs, beside a package's own file.
const FOLDERS: [&str; 4] = ["node_modules/.bin", "venv/bin", ".venv/bin", "vendor/bin"];
/// Files that say that a package begins here.
const PACKAGE_FILES: [&str; 5] =
    ["package.json", "pyproject.toml", "setup.py", "requirements.txt", "composer.json"];
/// Packages of one project that are looked at.
const PACKAGES_MAX: usize = 200;

/// Adds the watched files of every package among `entries`, in byte order of
/// path.
pub(crate) fn add_watched(
    files: &ProjectFiles,
    entries: &mut Vec<WalkEntry>,
) -> Result<(), SessionError> {
    let mut packages = BTreeSet::from([ProjectPath::root()]);
    for entry in entries.iter().filter(|entry| PACKAGE_FILES.contains(&entry.path.file_name())) {
        if packages.len() < PACKAGES_MAX
            && let Some((folder, _)) = entry.path.as_str().rsplit_once('/')
            && let Ok(folder) = ProjectPath::new(folder)
        {
            packages.insert(folder);
        }
    }
    for package in packages {
        for folder in FOLDERS {
            let Ok(folder) = package.join(folder) else { continue };
            let mut visit = |entry: WalkEntry| {
                if is_watched(&entry.path) {
                    entries.push(entry);
                }
                ControlFlow::Continue(())
            };
            match files.walk_with(&folder, true, RuleSource::Disk, &mut visit) {
                Ok(_) | Err(FileError::NotFound(_) | FileError::NotRegular(_)) => {}
                // A link in the folder's place is an entry of its own.
                Err(_) if files.snapshot_entry(&folder)?.is_some() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    entries.dedup_by(|one, other| one.path == other.path);
    Ok(())
}
