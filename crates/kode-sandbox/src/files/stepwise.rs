//! Finding a path beneath a folder where `openat2` is missing: inside a sandbox
//! that hides the call (kode's own does), and on kernels before 5.6.
//!
//! Every component is opened by itself and never followed by the kernel; links
//! are read from the descriptor that was opened and taken apart here. `..` goes
//! back to the descriptor the walk came through, so a folder that is moved
//! meanwhile leads nowhere else. Absolute links are refused, and with them the
//! magic ones of `/proc`.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::{Errno, Result};

use super::confined::Links;

/// Links followed in one lookup, as the kernel has it (`MAXSYMLINKS`).
const LINKS_MAX: usize = 40;

/// Components looked at in one lookup; 40 links of a page of text each can name
/// more.
const COMPONENTS_MAX: usize = 8192;

/// Opens `path` beneath `root` as a location only, as `openat2` does with
/// `RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS` and the same errors.
pub(super) fn open(root: &OwnedFd, path: &[u8], links: Links) -> Result<OwnedFd> {
    let mut walk = Walk { root, entered: Vec::new(), todo: Vec::new() };
    walk.push(path)?;
    let mut links_left = LINKS_MAX;
    for _ in 0..COMPONENTS_MAX {
        let Some(name) = walk.todo.pop() else { return walk.arrived() };
        if let Some(link) = walk.step(&name)? {
            let is_last = walk.todo.is_empty();
            match links {
                // As a location the last one may be had; nobody follows it.
                Links::Refuse | Links::FollowFolders if is_last => return Ok(link),
                Links::Refuse => return Err(Errno::LOOP),
                _ => {}
            }
            links_left = links_left.checked_sub(1).ok_or(Errno::LOOP)?;
            let target = rustix::fs::readlinkat(&link, c"", Vec::new())?;
            walk.push(target.as_bytes())?;
        }
    }
    Err(Errno::NAMETOOLONG)
}

struct Walk<'a> {
    root: &'a OwnedFd,
    /// Folders between the root and here; the last one is here.
    entered: Vec<OwnedFd>,
    /// Components still to come, the next one last.
    todo: Vec<Vec<u8>>,
}

impl Walk<'_> {
    /// Puts the components of `text` before those still to come.
    fn push(&mut self, text: &[u8]) -> Result<()> {
        if text.starts_with(b"/") {
            return Err(Errno::XDEV);
        }
        if text.is_empty() {
            return Err(Errno::NOENT);
        }
        // After the last `/` comes the empty name: there must be a folder.
        let names = text.split(|byte| *byte == b'/').rev();
        self.todo.extend(names.map(|name| if name.is_empty() { b"." } else { name }.to_vec()));
        Ok(())
    }

    fn here(&self) -> BorrowedFd<'_> {
        self.entered.last().unwrap_or(self.root).as_fd()
    }

    /// One component further; a link is returned, and not entered.
    fn step(&mut self, name: &[u8]) -> Result<Option<OwnedFd>> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        if name == b"." || name == b".." {
            // Only from a folder, and one that may be searched.
            rustix::fs::openat(self.here(), c".", flags | OFlags::DIRECTORY, Mode::empty())?;
            if name == b".." {
                self.entered.pop().ok_or(Errno::XDEV)?;
            }
            return Ok(None);
        }
        let found = rustix::fs::openat(self.here(), name, flags, Mode::empty())?;
        let kind = FileType::from_raw_mode(rustix::fs::fstat(&found)?.st_mode);
        if kind == FileType::Symlink {
            return Ok(Some(found));
        }
        self.entered.push(found);
        Ok(None)
    }

    fn arrived(mut self) -> Result<OwnedFd> {
        match self.entered.pop() {
            Some(found) => Ok(found),
            None => {
                let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
                rustix::fs::openat(self.root, c".", flags, Mode::empty())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests lay out files and links")]

    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    use proptest::prelude::*;
    use rustix::fs::ResolveFlags;

    use super::*;

    fn by_the_kernel(root: &OwnedFd, path: &[u8], links: Links) -> Result<OwnedFd> {
        let mut flags = OFlags::PATH | OFlags::CLOEXEC;
        let mut resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        if links != Links::Follow {
            flags |= OFlags::NOFOLLOW;
        }
        if links == Links::Refuse {
            resolve |= ResolveFlags::NO_SYMLINKS;
        }
        rustix::fs::openat2(root, path, flags, Mode::empty(), resolve)
    }

    fn open_root(folder: &std::path::Path) -> OwnedFd {
        fs::File::open(folder).unwrap().into()
    }

    fn place(found: Result<OwnedFd>) -> Result<(u64, u64)> {
        let stat = rustix::fs::fstat(found?).unwrap();
        Ok((stat.st_dev, stat.st_ino))
    }

    const NAMES: &[&str] = &["a", "b", "c", "file"];

    /// A path of a few names, climbing and doubled slashes included.
    fn some_path() -> impl Strategy<Value = String> {
        let parts: Vec<&str> = NAMES.iter().copied().chain(["..", ".", "", "/proc/self"]).collect();
        prop::collection::vec(prop::sample::select(parts), 1..6).prop_map(|parts| parts.join("/"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn it_finds_what_the_kernel_finds(
            made in prop::collection::vec((some_path(), some_path(), 0..3), 0..12),
            asked in prop::collection::vec(some_path(), 1..8),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let project = folder.path().join("project");
            fs::create_dir_all(project.join("a/b/c")).unwrap();
            fs::write(project.join("file"), "").unwrap();
            fs::write(folder.path().join("c"), "outside").unwrap();
            let root = open_root(&project);
            for (at, target, kind) in &made {
                // Only beneath the project: the kernel itself opens the parent.
                let (parent, name) = at.rsplit_once('/').unwrap_or((".", at));
                let Ok(parent) = by_the_kernel(&root, parent.as_bytes(), Links::Follow) else {
                    continue;
                };
                let parent = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&parent));
                let place = std::path::Path::new(&parent).join(name);
                if name.is_empty() || name.starts_with('.') {
                    continue;
                }
                match kind {
                    0 => drop(fs::create_dir(place)),
                    _ => drop(symlink(target, place)),
                }
            }
            for path in asked.iter().filter(|path| !path.is_empty()) {
                for links in [Links::Follow, Links::FollowFolders, Links::Refuse] {
                    let ours = place(open(&root, path.as_bytes(), links));
                    let kernels = place(by_the_kernel(&root, path.as_bytes(), links));
                    match (ours, kernels) {
                        // With NOFOLLOW the kernel follows a link before a final slash.
                        (Ok(_), Err(_)) => prop_assert!(false, "{path} {links:?}: {kernels:?}"),
                        (ours, kernels) => prop_assert_eq!(ours.ok(), kernels.ok(), "{} {:?}", path, links),
                    }
                }
            }
        }
    }

    #[test]
    fn loops_and_links_out_are_errors_as_the_kernel_gives_them() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        fs::create_dir_all(project.join("a")).unwrap();
        for (target, name) in
            [("loop", "loop"), ("..", "up"), ("/etc", "absolute"), ("a/../..", "a/far")]
        {
            symlink(target, project.join(name)).unwrap();
        }
        let root = open_root(&project);
        for path in ["loop", "up", "absolute/passwd", "a/far", "a/../..", "none", "a/none/x"] {
            let ours = place(open(&root, path.as_bytes(), Links::Follow)).unwrap_err();
            let kernels = place(by_the_kernel(&root, path.as_bytes(), Links::Follow)).unwrap_err();
            assert_eq!(ours, kernels, "{path}");
        }
    }

    #[test]
    fn a_folder_moved_out_while_it_is_walked_leads_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        fs::create_dir_all(project.join("a/b")).unwrap();
        fs::write(folder.path().join("secret"), "canary").unwrap();
        let root = open_root(&project);
        let mut walk = Walk { root: &root, entered: Vec::new(), todo: Vec::new() };
        walk.step(b"a").unwrap();
        walk.step(b"b").unwrap();
        fs::rename(project.join("a/b"), folder.path().join("b")).unwrap();
        // The kernel's own `..` would now be the folder with the secret.
        walk.step(b"..").unwrap();
        let here = rustix::fs::fstat(walk.here()).unwrap().st_ino;
        assert_eq!(here, fs::metadata(project.join("a")).unwrap().ino());
        assert_eq!(walk.step(b"secret").unwrap_err(), Errno::NOENT);
    }
}
