//! What of a repository stays read-only or must be shown besides: git's files
//! are code that runs on the host (hooks, configuration), and so are kode's.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Access, Bind, Step, bind, canonical_bind};
use crate::ProjectRoot;

/// Parts of `.git` that make git on the host run something.
const GIT_READ_ONLY: &[&str] = &["hooks", "config", "config.worktree", "info"];

/// Parts of a worktree's own git folder that say where everything is.
const WORKTREE_READ_ONLY: &[&str] = &["commondir", "gitdir", "config.worktree"];

/// Parts of the common folder that a worktree writes to, and only reads.
const COMMON_WRITABLE: &[&str] = &["objects", "refs", "logs"];
const COMMON_READ_ONLY: &[&str] = &["HEAD", "config", "info", "hooks", "packed-refs"];

/// kode's own files in a project.
const KODE_FILES: &[&str] = &["kode.json", ".kode"];

/// Gitfiles are one short line.
const GITFILE_BYTES_MAX: u64 = 8 * 1024;

/// The mounts on top of the project's.
pub(super) fn protections(
    root: &ProjectRoot,
    read_only: bool,
    owner: Option<(u32, u32)>,
) -> Vec<Step> {
    let mut steps = Vec::new();
    let git = root.path().join(".git");
    let access = if read_only { Access::ReadOnly } else { Access::ReadWrite };
    if is_folder(&git) {
        // Bound onto itself, so that the folder as a whole can't be renamed.
        steps.extend(over_itself(&git, access, owner));
        for name in GIT_READ_ONLY {
            steps.extend(over_itself(&git.join(name), Access::ReadOnly, owner));
        }
    } else if is_file(&git) {
        steps.extend(over_itself(&git, Access::ReadOnly, owner));
        steps.extend(worktree(root, &git, access, owner).unwrap_or_default());
    }
    for name in KODE_FILES {
        steps.extend(over_itself(&root.path().join(name), Access::ReadOnly, owner));
    }
    steps
}

/// A bind of a project path onto itself; links are left alone, they are
/// checked after each command instead.
fn over_itself(path: &Path, access: Access, owner: Option<(u32, u32)>) -> Option<Step> {
    if !is_folder(path) && !is_file(path) {
        return None;
    }
    match canonical_bind(path, path.to_str()?, access, owner)? {
        Step::Bind(bind) => Some(Step::Bind(Bind { in_project: true, ..bind })),
        _ => None,
    }
}

/// A linked worktree: its own git folder and the common one, when the folder
/// points back at this project and owners agree. Else git just doesn't work.
fn worktree(
    root: &ProjectRoot,
    gitfile: &Path,
    access: Access,
    owner: Option<(u32, u32)>,
) -> Option<Vec<Step>> {
    let own = pointed_at(gitfile, "gitdir: ", root.path())?;
    let back = pointed_at(&own.join("gitdir"), "", &own)?;
    let common = pointed_at(&own.join("commondir"), "", &own)?;
    let user = fs::metadata(root.path()).ok()?.uid();
    let owned = |path: &Path| fs::metadata(path).is_ok_and(|metadata| metadata.uid() == user);
    let in_common = own.parent() == Some(&common.join("worktrees"));
    let is_repository = common.file_name().is_some_and(|name| name == ".git");
    if back != fs::canonicalize(gitfile).ok()? || !in_common || !is_repository {
        return None;
    }
    if !owned(&own) || !owned(&common) {
        return None;
    }
    let shown = |path: PathBuf, access: Access| {
        let target = path.to_str()?.to_owned();
        (is_folder(&path) || is_file(&path)).then(|| bind(&path, &target, access, owner))?
    };
    let mut steps: Vec<Step> = Vec::new();
    for name in COMMON_WRITABLE {
        steps.extend(shown(common.join(name), access));
    }
    for name in COMMON_READ_ONLY {
        steps.extend(shown(common.join(name), Access::ReadOnly));
    }
    steps.extend(shown(own.clone(), access));
    for name in WORKTREE_READ_ONLY {
        steps.extend(over_itself(&own.join(name), Access::ReadOnly, owner));
    }
    Some(steps)
}

/// The path a one-line file points at, canonical.
fn pointed_at(file: &Path, prefix: &str, relative_to: &Path) -> Option<PathBuf> {
    let metadata = fs::symlink_metadata(file).ok()?;
    if !metadata.is_file() || metadata.len() > GITFILE_BYTES_MAX {
        return None;
    }
    let text = fs::read_to_string(file).ok()?;
    let place = text.strip_prefix(prefix)?.trim_end_matches(['\n', '\r']);
    fs::canonicalize(relative_to.join(place)).ok()
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// A `~/.gitconfig` with the user's name and address and nothing else of the
/// host's: the rest of such files holds helpers, includes and credentials.
pub(super) fn git_identity(home: &Path) -> String {
    let places = [home.join(".gitconfig"), home.join(".config/git/config")];
    // An unknown home must not become a name relative to the project.
    let known = places.iter().filter(|place| place.is_absolute());
    let text = known.filter_map(|place| fs::read_to_string(place).ok()).next().unwrap_or_default();
    let mut identity = String::from("[user]\n");
    let mut in_user = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            in_user = line.eq_ignore_ascii_case("[user]");
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let key = key.trim().to_ascii_lowercase();
        if in_user && matches!(key.as_str(), "name" | "email") {
            let value: String =
                value.trim().trim_matches('"').chars().filter(|c| !"\"\\#;".contains(*c)).collect();
            identity.push_str(&format!("\t{key} = \"{value}\"\n"));
        }
    }
    identity
}
