//! What of a repository stays read-only or must be shown besides: git's files
//! are code that runs on the host (hooks, configuration), and so are kode's.

use std::fs;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Stat, Uid};

use super::{Access, Bind, Step};
use crate::files::confined::{Links, locate};
use crate::{ProjectRoot, SandboxError};

/// Parts of `.git` that make git on the host run something.
const GIT_READ_ONLY: &[&str] = &["hooks", "config", "config.worktree", "info"];

/// Those of them that are folders.
const GIT_FOLDERS: &[&str] = &["hooks", "info"];

/// Parts of a worktree's own git folder that say where everything is.
const WORKTREE_READ_ONLY: &[&str] = &["commondir", "gitdir", "config.worktree", "hooks", "info"];

/// Parts of the common folder that a worktree writes to, and only reads.
const COMMON_WRITABLE: &[&str] = &["objects", "refs", "logs"];
const COMMON_READ_ONLY: &[&str] = &["HEAD", "config", "info", "hooks", "packed-refs"];

/// kode's own files in a project.
const KODE_FILES: &[&str] = &["kode.json", ".kode"];

/// Files of one project that are mounted read-only one by one.
const PROTECTED_MAX: usize = 500;

/// Gitfiles are one short line.
const GITFILE_BYTES_MAX: u64 = 8 * 1024;

/// The mounts on top of the project's, those at `protect` among them; the folders `fixed` stay
/// where they are.
pub(super) fn protections(
    root: &ProjectRoot,
    read_only: bool,
    owner: Option<(u32, u32)>,
    (fixed, protect): (&[Vec<u8>], &[Vec<u8>]),
) -> Result<Vec<Step>, SandboxError> {
    let project = Base { folder: root.open(OFlags::PATH)?, path: root.path(), owner };
    if protect.len() > PROTECTED_MAX {
        let cause = format!("more than {PROTECTED_MAX} programs of the project have set-id bits");
        return Err(SandboxError::unavailable(cause, "take the bits away with chmod ug-s"));
    }
    let mut steps = Vec::new();
    let access = if read_only { Access::ReadOnly } else { Access::ReadWrite };
    match project.kind(".git") {
        Some(FileType::Directory) => {
            if !read_only {
                project.make_missing();
            }
            // Bound onto itself, so that the folder as a whole can't be renamed.
            steps.extend(project.over_itself(".git", access));
            let parts = GIT_READ_ONLY.iter().map(|name| format!(".git/{name}"));
            steps.extend(parts.filter_map(|part| project.over_itself(&part, Access::ReadOnly)));
        }
        Some(FileType::RegularFile) => {
            steps.extend(project.over_itself(".git", Access::ReadOnly));
            steps.extend(
                linked(root).map(|linked| worktree(&linked, access, owner)).into_iter().flatten(),
            );
        }
        _ => {}
    }
    steps.extend(KODE_FILES.iter().filter_map(|name| project.over_itself(name, Access::ReadOnly)));
    // Bound onto themselves as `.git` is.
    let fixed = fixed.iter().filter_map(|path| std::str::from_utf8(path).ok());
    steps.extend(fixed.filter_map(|path| project.over_itself(path, access)));
    for path in protect {
        let Ok(path) = std::str::from_utf8(path) else {
            let cause = format!(
                "{}, which is to stay as it is, has a name that is not UTF-8",
                kode_base::escape::escape_line(&String::from_utf8_lossy(path))
            );
            return Err(SandboxError::unavailable(cause, "rename it, or the folder it is in"));
        };
        steps.extend(project.over_itself(path, Access::ReadOnly));
    }
    Ok(steps)
}

/// A folder of the host's, from which paths are found without following a link: a
/// command of another sandbox may exchange what lies in it meanwhile.
struct Base<'a> {
    folder: OwnedFd,
    path: &'a Path,
    owner: Option<(u32, u32)>,
}

impl<'a> Base<'a> {
    fn open(path: &'a Path, owner: Option<(u32, u32)>) -> Option<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path, flags, Mode::empty()).ok()?;
        Some(Self { folder, path, owner })
    }

    fn stat(&self, relative: &str) -> Option<Stat> {
        let found = locate(&self.folder, relative.as_bytes(), Links::Refuse).ok()?;
        rustix::fs::fstat(found).ok()
    }

    fn kind(&self, relative: &str) -> Option<FileType> {
        self.stat(relative).map(|stat| FileType::from_raw_mode(stat.st_mode))
    }

    /// A bind of a file or folder to its own path. What stands there must be it when it
    /// is mounted. Links are left alone, they are checked after each command instead.
    fn shown(&self, relative: &str, access: Access) -> Option<Bind> {
        let stat = self.stat(relative)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        if !matches!(kind, FileType::Directory | FileType::RegularFile) {
            return None;
        }
        let path = self.path.join(relative).to_str()?.to_owned();
        Some(Bind {
            source: path.clone(),
            target: path,
            access,
            device_and_inode: (stat.st_dev, stat.st_ino),
            owner: self.owner,
            in_project: false,
            layered: false,
        })
    }

    /// Makes the folders of git's that it would obey as soon as a command made them: they
    /// can be read-only only where they stand. Empty ones say nothing. Who can't make
    /// one in their own repository has other worries.
    fn make_missing(&self) {
        let Ok(git) = locate(&self.folder, b".git", Links::Refuse) else { return };
        let Ok(owner) = rustix::fs::fstat(&git) else { return };
        for name in GIT_FOLDERS {
            let mode = Mode::from_raw_mode(owner.st_mode & 0o755);
            let is_made = rustix::fs::mkdirat(&git, *name, mode).is_ok();
            if is_made && rustix::process::geteuid().is_root() {
                let (user, group) = (Uid::from_raw(owner.st_uid), Gid::from_raw(owner.st_gid));
                let flags = AtFlags::SYMLINK_NOFOLLOW;
                let _ = rustix::fs::chownat(&git, *name, Some(user), Some(group), flags);
            }
        }
    }

    /// The same on top of a mount that shows it already.
    fn over_itself(&self, relative: &str, access: Access) -> Option<Step> {
        self.shown(relative, access).map(|bind| Step::Bind(Bind { in_project: true, ..bind }))
    }
}

/// The folders of git's that a linked worktree is worked with through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Linked {
    /// That of the repository; canonical.
    pub(crate) common: PathBuf,
    /// The worktree's own, below the common one's path.
    pub(crate) own: String,
}

/// Those of a project that is a linked worktree, when its own folder points back at
/// this project and owners agree. Else git just doesn't work.
pub(crate) fn linked(root: &ProjectRoot) -> Option<Linked> {
    let gitfile = root.path().join(".git");
    let own = pointed_at(&gitfile, "gitdir: ", root.path())?;
    let back = pointed_at(&own.join("gitdir"), "", &own)?;
    let common = pointed_at(&own.join("commondir"), "", &own)?;
    let user = fs::metadata(root.path()).ok()?.uid();
    let in_common = own.parent() == Some(&common.join("worktrees"));
    let is_repository = common.file_name().is_some_and(|name| name == ".git");
    if back != fs::canonicalize(gitfile).ok()? || !in_common || !is_repository {
        return None;
    }
    let own = own.strip_prefix(&common).ok()?.to_str()?.to_owned();
    let base = Base::open(&common, None)?;
    let owned = |relative: &str| base.stat(relative).is_some_and(|stat| stat.st_uid == user);
    (owned(&own) && owned(".")).then_some(Linked { common, own })
}

fn worktree(linked: &Linked, access: Access, owner: Option<(u32, u32)>) -> Vec<Step> {
    let Some(common) = Base::open(&linked.common, owner) else { return Vec::new() };
    let mut steps: Vec<Step> = Vec::new();
    let show = |name: &str, access| common.shown(name, access).map(Step::Bind);
    steps.extend(COMMON_WRITABLE.iter().filter_map(|name| show(name, access)));
    steps.extend(COMMON_READ_ONLY.iter().filter_map(|name| show(name, Access::ReadOnly)));
    steps.extend(show(&linked.own, access));
    let parts = WORKTREE_READ_ONLY.iter().map(|name| format!("{}/{name}", linked.own));
    steps.extend(parts.filter_map(|part| common.over_itself(&part, Access::ReadOnly)));
    steps
}

/// The path a one-line file points at, canonical.
fn pointed_at(file: &Path, prefix: &str, relative_to: &Path) -> Option<PathBuf> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = fs::File::from(rustix::fs::open(file, flags, Mode::empty()).ok()?);
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || metadata.len() > GITFILE_BYTES_MAX {
        return None;
    }
    let mut text = String::new();
    file.take(GITFILE_BYTES_MAX).read_to_string(&mut text).ok()?;
    let place = text.strip_prefix(prefix)?.trim_end_matches(['\n', '\r']);
    fs::canonicalize(relative_to.join(place)).ok()
}
