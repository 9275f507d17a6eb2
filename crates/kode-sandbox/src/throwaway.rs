//! A copy of the project for the project's own checks: what they build or
//! overwrite goes with the copy. Links are copied as links and never followed;
//! `.git` and special files are left out.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::ProjectRoot;

/// Larger projects are not copied.
const BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// More files and folders are not copied.
const ENTRIES_MAX: u64 = 400_000;

/// A copy that is removed when dropped.
#[derive(Debug)]
pub struct ThrowawayCopy {
    folder: PathBuf,
    root: ProjectRoot,
}

impl ThrowawayCopy {
    /// Copies the project at `root` below `parent`, in a folder only this user
    /// may enter.
    ///
    /// # Errors
    /// When something can't be copied, or the project is larger than 4 GiB or
    /// 400,000 entries; nothing is left behind then.
    pub fn of(root: &ProjectRoot, parent: &Path) -> io::Result<Self> {
        let folder = private_folder(parent)?;
        let name = root.path().file_name().unwrap_or_default();
        let target = folder.join(name);
        let copy = Self { root: root.copied_to(target.clone()), folder };
        Budget { bytes: BYTES_MAX, entries: ENTRIES_MAX }.copy(root.path(), &target, true)?;
        Ok(copy)
    }

    /// The copy's root.
    pub fn root(&self) -> &ProjectRoot {
        &self.root
    }
}

impl Drop for ThrowawayCopy {
    #[expect(clippy::disallowed_methods, reason = "the copy's own folder")]
    fn drop(&mut self) {
        // A folder that can't be removed stays in the temporary folder.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn private_folder(parent: &Path) -> io::Result<PathBuf> {
    let stamp = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let nanoseconds = stamp.map(|since| since.as_nanos()).unwrap_or_default();
    let folder = parent.join(format!("kode-checks-{}-{nanoseconds}", std::process::id()));
    // Fails when it is there already, so a prepared folder is never used.
    fs::DirBuilder::new().mode(0o700).create(&folder)?;
    Ok(folder)
}

/// What may still be copied.
struct Budget {
    bytes: u64,
    entries: u64,
}

impl Budget {
    #[expect(clippy::disallowed_methods, reason = "writes into the copy's own folder only")]
    fn copy(&mut self, from: &Path, to: &Path, is_root: bool) -> io::Result<()> {
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let (source, target) = (entry.path(), to.join(entry.file_name()));
            let kind = entry.file_type()?;
            self.spend(if kind.is_file() { entry.metadata()?.len() } else { 0 })?;
            if is_root && entry.file_name() == ".git" {
                continue;
            }
            if kind.is_dir() {
                self.copy(&source, &target, false)?;
            } else if kind.is_symlink() {
                std::os::unix::fs::symlink(fs::read_link(&source)?, &target)?;
            } else if kind.is_file() {
                fs::copy(&source, &target)?;
            }
        }
        let mode = fs::metadata(from)?.permissions().mode() & 0o777 | 0o700;
        fs::set_permissions(to, fs::Permissions::from_mode(mode))
    }

    fn spend(&mut self, bytes: u64) -> io::Result<()> {
        let left = self.entries.checked_sub(1).zip(self.bytes.checked_sub(bytes));
        let (entries, bytes) = left.ok_or_else(|| {
            io::Error::other("the project is too large to be copied (4 GiB, 400,000 entries)")
        })?;
        (self.entries, self.bytes) = (entries, bytes);
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests prepare folders")]
mod tests {
    use super::*;

    #[test]
    fn the_copy_holds_files_links_and_modes_and_goes_when_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        fs::create_dir_all(project.join("a/b")).unwrap();
        fs::create_dir_all(project.join(".git")).unwrap();
        fs::write(project.join("a/b/run.sh"), "x").unwrap();
        fs::set_permissions(project.join("a/b/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink("/etc", project.join("link")).unwrap();
        let root = ProjectRoot::throwaway(project.clone());
        let copy = ThrowawayCopy::of(&root, folder.path()).unwrap();
        let path = copy.root().path().to_owned();
        let script = fs::metadata(path.join("a/b/run.sh")).unwrap();
        assert_eq!(script.permissions().mode() & 0o777, 0o755);
        assert!(fs::symlink_metadata(path.join("link")).unwrap().is_symlink());
        assert!(!path.join(".git").exists());
        drop(copy);
        assert!(!path.exists() && project.join("a/b/run.sh").exists());
    }
}
