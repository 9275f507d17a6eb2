//! Which files are scanned, and their bytes. Named files are read even where
//! ignored; folders are walked as the agent walks them.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use kode_base::{ExitStatus, ProjectPath};
use kode_sandbox::{EntryKind, FileError, ProjectFiles, Reach, RuleSource, WalkEnd, WalkEntry};

use super::base::Base;
use crate::failure::Failure;
use crate::places::Places;

/// Larger files are named as not scanned, by the scan itself.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// One file to scan.
pub(super) struct Target {
    pub(super) path: ProjectPath,
    pub(super) content: Vec<u8>,
}

/// What the arguments mean.
pub(super) struct Collected {
    pub(super) targets: Vec<Target>,
    /// The arguments themselves, but the folder that everything is in.
    pub(super) named: Vec<ProjectPath>,
}

/// Reads every file the arguments mean; without arguments the working folder. Beside a
/// base its ignore rules count, and the files it has are scanned though they are ignored.
pub(super) fn collect(
    places: &Places,
    arguments: &[PathBuf],
    base: Option<&Base>,
) -> Result<Collected, Failure> {
    let mut places_to_look = Vec::new();
    for argument in arguments {
        let path = fs::canonicalize(places.working.join(argument)).map_err(|error| {
            Failure::new(ExitStatus::Usage, format!("{}: {error}", argument.display()))
        })?;
        places_to_look.push(path);
    }
    if places_to_look.is_empty() {
        places_to_look.push(places.working.clone());
    }
    let root = common_root(&places.working, &places_to_look);
    let files = ProjectFiles::open_to_read(&root)?;
    let (mut paths, mut named) = (Vec::new(), Vec::new());
    for place in &places_to_look {
        let relative = place.strip_prefix(&root).ok().and_then(Path::to_str).map(|text| {
            if text.is_empty() { Ok(ProjectPath::root()) } else { ProjectPath::new(text) }
        });
        let Some(Ok(relative)) = relative else {
            return Err(Failure::error(format!("{}: not a usable path", place.display())));
        };
        if place.is_dir() {
            walk(&files, &relative, base, &mut paths)?;
        } else {
            paths.push(relative.clone());
        }
        named.push(relative);
    }
    named.retain(|path| !path.is_root());
    paths.sort_unstable();
    paths.dedup();
    let read = paths.into_iter().map(|path| read(&files, path)).filter_map(Result::transpose);
    Ok(Collected { targets: read.collect::<Result<_, _>>()?, named })
}

/// The working folder where it holds everything, else the deepest folder that
/// does.
fn common_root(working: &Path, places: &[PathBuf]) -> PathBuf {
    if places.iter().all(|place| place.starts_with(working)) {
        return working.to_owned();
    }
    let first = &places[0];
    let folder = if first.is_dir() { first.as_path() } else { first.parent().unwrap_or(first) };
    let common = folder.ancestors().find(|ancestor| places.iter().all(|p| p.starts_with(ancestor)));
    common.unwrap_or(Path::new("/")).to_owned()
}

fn walk(
    files: &ProjectFiles,
    folder: &ProjectPath,
    base: Option<&Base>,
    paths: &mut Vec<ProjectPath>,
) -> Result<(), Failure> {
    let held = |path: &ProjectPath| base.is_some_and(|base| base.holds(path));
    let mut visit = |entry: WalkEntry| {
        if entry.kind == EntryKind::File && (!entry.ignored || held(&entry.path)) {
            paths.push(entry.path);
        }
        ControlFlow::Continue(())
    };
    let end = match base {
        Some(base) => {
            let rules = RuleSource::Past(&base.rules);
            files.walk_with(folder, Reach::Into(&held), rules, &mut visit)?
        }
        None => files.walk(folder, false, &mut visit)?,
    };
    match end {
        WalkEnd::Complete => Ok(()),
        WalkEnd::Truncated => Err(Failure::error(format!(
            "{folder} holds more files than kode walks; nothing was scanned"
        ))
        .hint("scan its folders one by one")),
    }
}

/// A file that is gone since the walk is no target any more.
#[expect(clippy::disallowed_methods, reason = "the scan is pure analysis")]
fn read(files: &ProjectFiles, path: ProjectPath) -> Result<Option<Target>, Failure> {
    match files.snapshot_read(&path, FILE_BYTES_MAX) {
        Ok(content) => Ok(Some(Target { path, content: content.expose().clone() })),
        Err(FileError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
