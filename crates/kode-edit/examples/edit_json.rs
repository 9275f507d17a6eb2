//! Applies one operation from standard input in the working directory: exit 0
//! and a JSON result, or exit 4 and the reason with every byte as before.
//!
//! For scoring the crate by itself; the `kode` binary does the same through the
//! sandbox's file access.

#![allow(clippy::disallowed_methods, reason = "an example without the sandbox crate")]
#![allow(clippy::print_stdout, reason = "it is a command")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kode_base::ProjectPath;
use kode_edit::{EditRefusal, FileChange, Operation, Project, apply_in_project, diff};
use serde_json::json;

/// How many files a listing holds at most.
const MAX_FILES: usize = 50_000;
/// Folders that hold no sources of the project itself.
const SKIPPED_FOLDERS: [&str; 4] = [".git", ".kode", "node_modules", "target"];

fn main() -> ExitCode {
    match run() {
        Ok(result) => {
            println!("{result}");
            ExitCode::SUCCESS
        }
        Err(refusal) => {
            println!("{}", json!({ "refused": refusal.0 }));
            ExitCode::from(4)
        }
    }
}

fn run() -> Result<serde_json::Value, EditRefusal> {
    let mut input = String::new();
    io::stdin().read_to_string(&mut input).map_err(|error| fault("standard input", &error))?;
    let operation: Operation = serde_json::from_str(&input)
        .map_err(|error| EditRefusal(format!("the operation can't be read: {error}")))?;
    let root = fs::canonicalize(".").map_err(|error| fault("the working directory", &error))?;
    let folder = Folder { root };
    let changes = apply_in_project(&operation, &folder)?;
    if matches!(operation, Operation::Rewrite { dry_run: true, .. }) {
        let paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
        return Ok(json!({ "applied": false, "would_change": paths }));
    }
    // Everything is staged beside its target first, so a full disk leaves all as it was.
    let staged: Vec<Staged> = changes
        .iter()
        .enumerate()
        .map(|(n, change)| folder.stage(change, n))
        .collect::<Result<_, _>>()?;
    for step in staged {
        step.commit()?;
    }
    let files: Vec<serde_json::Value> = changes
        .iter()
        .map(|change| {
            let shown = diff(&change.path, change.before.as_deref(), change.after.as_deref());
            json!({
                "path": change.path.as_str(),
                "added": shown.added,
                "removed": shown.removed,
                "diff": shown.unified,
            })
        })
        .collect();
    Ok(json!({ "applied": true, "files": files }))
}

fn fault(what: &str, error: &io::Error) -> EditRefusal {
    EditRefusal(format!("{what}: {error}"))
}

struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Where the bytes of `path` are: links followed, never out of the root.
    fn resolve(&self, path: &ProjectPath) -> Result<PathBuf, EditRefusal> {
        let joined = self.root.join(path.as_str());
        let real = match fs::canonicalize(&joined) {
            Ok(real) => real,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if fs::symlink_metadata(&joined).is_ok() {
                    return Err(EditRefusal(format!("{path} is a link to nothing")));
                }
                let parent = joined.parent().unwrap_or(&self.root);
                let name = joined.file_name().unwrap_or_default();
                match fs::canonicalize(parent) {
                    Ok(parent) => parent.join(name),
                    Err(_) => return Ok(joined),
                }
            }
            Err(error) => return Err(fault(path.as_str(), &error)),
        };
        if !real.starts_with(&self.root) {
            return Err(EditRefusal(format!("{path} leads outside the project")));
        }
        Ok(real)
    }

    fn stage(&self, change: &FileChange, number: usize) -> Result<Staged, EditRefusal> {
        let target = self.resolve(&change.path)?;
        let now = self.read(&change.path)?;
        if now != change.before {
            return Err(EditRefusal(format!("{} changed, read it again", change.path)));
        }
        let Some(after) = &change.after else {
            return Ok(Staged { target, beside: None });
        };
        let parent = target.parent().unwrap_or(&self.root).to_owned();
        fs::create_dir_all(&parent).map_err(|error| fault(change.path.as_str(), &error))?;
        let beside = parent.join(format!(".kode-edit-{}-{number}", std::process::id()));
        let written = write_beside(&beside, &target, after);
        if let Err(error) = written {
            let _ = fs::remove_file(&beside);
            return Err(fault(change.path.as_str(), &error));
        }
        Ok(Staged { target, beside: Some(beside) })
    }

    fn walk(&self, folder: &Path, files: &mut Vec<ProjectPath>) -> Result<(), EditRefusal> {
        let entries = fs::read_dir(folder).map_err(|error| fault("a folder", &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| fault("a folder", &error))?;
            let kind = entry.file_type().map_err(|error| fault("a file", &error))?;
            let name = entry.file_name();
            if kind.is_dir() && !SKIPPED_FOLDERS.iter().any(|skipped| name == *skipped) {
                self.walk(&entry.path(), files)?;
            } else if kind.is_file()
                && let Ok(relative) = entry.path().strip_prefix(&self.root)
                && let Some(path) = relative.to_str().and_then(|text| ProjectPath::new(text).ok())
            {
                files.push(path);
            }
            if files.len() > MAX_FILES {
                return Err(EditRefusal(format!("the project has over {MAX_FILES} files")));
            }
        }
        Ok(())
    }
}

impl Project for Folder {
    fn read(&self, path: &ProjectPath) -> Result<Option<Vec<u8>>, EditRefusal> {
        let real = self.resolve(path)?;
        let metadata = match fs::metadata(&real) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fault(path.as_str(), &error)),
        };
        if !metadata.is_file() {
            return Err(EditRefusal(format!("{path} is no regular file")));
        }
        if metadata.len() > kode_edit::MAX_FILE_BYTES as u64 {
            return Err(EditRefusal(format!("{path} is too large to edit")));
        }
        fs::read(&real).map(Some).map_err(|error| fault(path.as_str(), &error))
    }

    fn files(&self) -> Result<Vec<ProjectPath>, EditRefusal> {
        let mut files = Vec::new();
        self.walk(&self.root, &mut files)?;
        files.sort();
        Ok(files)
    }
}

struct Staged {
    target: PathBuf,
    beside: Option<PathBuf>,
}

impl Staged {
    fn commit(mut self) -> Result<(), EditRefusal> {
        let done = match self.beside.take() {
            Some(beside) => fs::rename(beside, &self.target),
            None => fs::remove_file(&self.target),
        };
        done.map_err(|error| fault("writing", &error))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            let _ = fs::remove_file(beside);
        }
    }
}

fn write_beside(beside: &Path, target: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file: File =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside)?;
    file.write_all(bytes)?;
    let mode = match fs::metadata(target) {
        Ok(metadata) if metadata.mode() & 0o222 == 0 => {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is read-only"));
        }
        Ok(metadata) => metadata.mode() & 0o7777,
        Err(_) => 0o644,
    };
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.sync_all()
}
