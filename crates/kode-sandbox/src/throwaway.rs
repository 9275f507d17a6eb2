//! A copy of the project for the project's own checks: what they build or
//! overwrite goes with the copy. Links are copied as links and never followed;
//! `.git` and special files are left out.

use std::ffi::{CStr, OsStr};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};

use crate::ProjectRoot;

/// Larger projects are not copied.
const BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// More files and folders are not copied.
const ENTRIES_MAX: u64 = 400_000;
/// Folders within folders; each holds a descriptor while it is copied.
const DEPTH_MAX: usize = 128;

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
        let project = root.open(OFlags::RDONLY)?;
        Budget { bytes: BYTES_MAX, entries: ENTRIES_MAX }.copy(&project, &target, 0)?;
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
    /// Copies what is in the folder `from`, by descriptors: a command of another sandbox
    /// of the same project may exchange anything for a link meanwhile.
    #[expect(clippy::disallowed_methods, reason = "writes into the copy's own folder only")]
    fn copy(&mut self, from: &OwnedFd, to: &Path, depth: usize) -> io::Result<()> {
        if depth > DEPTH_MAX {
            return Err(io::Error::other("the project has too many folders within folders"));
        }
        fs::create_dir(to)?;
        for entry in Dir::read_from(from)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            self.entries = self.entries.checked_sub(1).ok_or_else(too_large)?;
            if depth == 0 && name == c".git" {
                continue;
            }
            let target = to.join(OsStr::from_bytes(name.to_bytes()));
            self.copy_entry(from, name, &target, depth)
                .map_err(|error| io::Error::new(error.kind(), format!("{target:?}: {error}")))?;
        }
        let mode = rustix::fs::fstat(from)?.st_mode & 0o777 | 0o700;
        fs::set_permissions(to, fs::Permissions::from_mode(mode))
    }

    #[expect(clippy::disallowed_methods, reason = "writes into the copy's own folder only")]
    fn copy_entry(
        &mut self,
        from: &OwnedFd,
        name: &CStr,
        target: &Path,
        depth: usize,
    ) -> io::Result<()> {
        let stat = rustix::fs::statat(from, name, AtFlags::SYMLINK_NOFOLLOW)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let folder = rustix::fs::openat(from, name, flags, Mode::empty())?;
                self.copy(&folder, target, depth + 1)
            }
            FileType::Symlink => {
                let text = rustix::fs::readlinkat(from, name, Vec::new())?;
                std::os::unix::fs::symlink(OsStr::from_bytes(text.to_bytes()), target)
            }
            FileType::RegularFile => self.copy_file(from, name, target),
            _ => Ok(()),
        }
    }

    fn copy_file(&mut self, from: &OwnedFd, name: &CStr, target: &Path) -> io::Result<()> {
        // A pipe in the file's place must not be waited for.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let source = File::from(rustix::fs::openat(from, name, flags, Mode::empty())?);
        let stat = rustix::fs::fstat(&source)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(io::Error::other("it was exchanged while it was copied"));
        }
        let made = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let copy = rustix::fs::open(target, made, Mode::from_raw_mode(0o600))?;
        let mut copy = File::from(copy);
        // One that grows meanwhile is no way around the limit.
        let bytes_left = self.bytes;
        let copied = io::copy(&mut source.take(bytes_left.saturating_add(1)), &mut copy)?;
        self.bytes = bytes_left.checked_sub(copied).ok_or_else(too_large)?;
        Ok(rustix::fs::fchmod(&copy, Mode::from_raw_mode(stat.st_mode & 0o777))?)
    }
}

fn too_large() -> io::Error {
    io::Error::other("the project is too large to be copied (4 GiB, 400,000 entries)")
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

    #[test]
    fn what_is_exchanged_while_it_is_copied_is_never_followed_nor_waited_for() {
        use std::sync::atomic::{AtomicBool, Ordering};
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        let outside = folder.path().join("outside");
        for (place, text) in [(&project, "plain"), (&outside, "canary")] {
            fs::create_dir_all(place.join("dir")).unwrap();
            fs::write(place.join("dir/file"), text).unwrap();
            fs::write(place.join("file"), text).unwrap();
            fs::write(place.join("other"), text).unwrap();
        }
        // Beside what they are exchanged for, in the folder that is left out.
        fs::create_dir(project.join(".git")).unwrap();
        std::os::unix::fs::symlink(outside.join("dir"), project.join(".git/dir")).unwrap();
        std::os::unix::fs::symlink(outside.join("file"), project.join(".git/file")).unwrap();
        let pipe = project.join(".git/other");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, 0o600.into(), 0).unwrap();
        let done = AtomicBool::new(false);
        let until = std::time::Instant::now() + std::time::Duration::from_secs(3);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) && std::time::Instant::now() < until {
                    for name in ["dir", "file", "other"] {
                        let (one, other) = (project.join(name), project.join(".git").join(name));
                        let (at, flags) = (rustix::fs::CWD, rustix::fs::RenameFlags::EXCHANGE);
                        rustix::fs::renameat_with(at, one, at, other, flags).unwrap();
                    }
                }
            });
            let root = ProjectRoot::throwaway(project.clone());
            let mut copied = 0;
            for round in 0..2_000 {
                let Ok(copy) = ThrowawayCopy::of(&root, folder.path()) else { continue };
                copied += 1;
                for name in ["dir/file", "file"] {
                    let path = copy.root().path().join(name);
                    let is_link =
                        |path: &Path| fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink());
                    if !is_link(&path) && !is_link(path.parent().unwrap()) {
                        assert_eq!(fs::read_to_string(&path).unwrap(), "plain", "round {round}");
                    }
                }
                if std::time::Instant::now() > until {
                    break;
                }
            }
            done.store(true, Ordering::Relaxed);
            assert!(copied > 10, "{copied}");
        });
    }
}
