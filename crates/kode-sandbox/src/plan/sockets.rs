//! Unix sockets in the project on which programs outside listen: spoken to, some of
//! them run what they are told (a container engine's, a database's). The kernel asks
//! only for the right to write such a file, so each is masked. What the system does
//! not tell, sockets of other network namespaces, stays reachable.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::{kernel_list, socket_list};
use crate::guard::InProject;
use crate::{ProjectRoot, SandboxError};

/// The system's list (proc(5)): eight columns, the last is the path as it was bound.
const LIST: &str = "/proc/net/unix";
const COLUMNS_BEFORE_PATH: usize = 7;
/// Bytes of the list: some 100,000 sockets.
const LIST_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Paths outside the project that may lead into it by a link.
const LINKED_MAX: usize = 256;
/// Where the system's own sockets are, which lead nowhere else.
const SYSTEM_FOLDERS: [&str; 4] = ["/run/", "/var/run/", "/dev/", "/sys/"];

const MOVED: &str = "wait until other commands in this project have ended, or stop the program \
                     that listens in it";

/// Canonical paths and inodes of the sockets below `root` that programs have bound: by the
/// path it was done with, and of those that were `found` there by their inodes.
///
/// # Errors
/// When one can't be masked: its name is no text, or it is somewhere nobody knows while
/// another command may move it.
pub(crate) fn bound_below(
    root: &ProjectRoot,
    found: &InProject,
) -> Result<Vec<(String, u64)>, SandboxError> {
    let (mut bound, mut missing) = bound_by_path(root);
    if !found.sockets.is_empty() {
        let by_inode = bound_by_inode(root, found)?;
        let is_new = |it: &&(String, u64)| !bound.iter().any(|known| known.1 == it.1);
        missing = missing.saturating_sub(by_inode.iter().filter(is_new).count());
        bound.extend(by_inode);
    }
    if missing > 0 && (!found.complete || found.is_shared()) {
        let cause = "a socket of a program outside was in the project and is not found there";
        return Err(SandboxError::unavailable(cause, MOVED));
    }
    bound.sort();
    bound.dedup();
    Ok(bound)
}

/// A command may have renamed a folder since a program outside bound a socket in it.
fn bound_by_inode(
    root: &ProjectRoot,
    found: &InProject,
) -> Result<Vec<(String, u64)>, SandboxError> {
    let bound = socket_list::bound_inodes().ok();
    let mut sockets = Vec::new();
    for below in &found.sockets {
        let path = root.path().join(OsStr::from_bytes(below));
        let metadata = fs::symlink_metadata(&path).ok();
        let Some(metadata) = metadata.filter(|it| it.file_type().is_socket()) else {
            if !found.is_shared() {
                continue;
            }
            let cause = format!("{} was moved or removed just now", on_one_line(&path));
            return Err(SandboxError::unavailable(cause, MOVED));
        };
        #[expect(clippy::cast_possible_truncation, reason = "the kernel tells no more of it")]
        let inode = metadata.ino() as u32;
        // Where the system does not tell, each may be.
        let is_bound = bound.as_ref().is_none_or(|bound| bound.contains(&inode));
        if !is_bound {
            continue;
        }
        let Some(text) = path.to_str() else {
            let cause = format!(
                "a program outside listens on {}, whose name is not UTF-8",
                on_one_line(&path)
            );
            return Err(SandboxError::unavailable(cause, "rename it, or the folder it is in"));
        };
        sockets.push((text.to_owned(), metadata.ino()));
    }
    Ok(sockets)
}

/// The path as a person is told it: a command may have given it any name.
fn on_one_line(path: &Path) -> String {
    kode_base::escape::escape_line(&path.to_string_lossy())
}

/// Those whose paths still lead to them, and the number of paths in the project that
/// don't.
fn bound_by_path(root: &ProjectRoot) -> (Vec<(String, u64)>, usize) {
    // Without the list nothing is known: the documentation says so.
    let Ok(list) = kernel_list(LIST, LIST_BYTES_MAX) else { return (Vec::new(), 0) };
    let mut missing = 0;
    let mut linked_left = LINKED_MAX;
    let candidates = list.lines().skip(1).filter_map(path_of).filter_map(|path| {
        let is_absolute = path.starts_with('/');
        let path = if is_absolute {
            PathBuf::from(path)
        } else {
            // Relative to a folder nobody knows; if there is such a socket it is masked.
            root.path().join(path)
        };
        let is_systems = || SYSTEM_FOLDERS.iter().any(|folder| path.starts_with(folder));
        if !path.starts_with(root.path()) {
            if linked_left == 0 || is_systems() {
                return None;
            }
            linked_left -= 1;
        }
        let is_here = is_absolute && path.starts_with(root.path());
        let socket = socket_below(root.path(), &path);
        missing += usize::from(is_here && socket.is_none());
        socket
    });
    let found = candidates.collect();
    (found, missing)
}

/// The path in a line of the list; none for sockets without one.
fn path_of(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    for _ in 0..COLUMNS_BEFORE_PATH {
        rest = rest.split_once(' ')?.1.trim_start();
    }
    (!rest.is_empty() && !rest.starts_with('@')).then_some(rest)
}

fn socket_below(root: &Path, path: &Path) -> Option<(String, u64)> {
    let real = fs::canonicalize(path).ok().filter(|real| real.starts_with(root))?;
    let found = fs::symlink_metadata(&real).ok().filter(|it| it.file_type().is_socket())?;
    Some((real.into_os_string().into_string().ok()?, found.ino()))
}

#[cfg(test)]
mod tests {
    use super::path_of;

    #[test]
    fn paths_are_read_from_the_list() {
        let line = "ffff9c40: 00000002 00000000 00010000 0001 01 12345 /srv/my app/a.sock";
        assert_eq!(path_of(line), Some("/srv/my app/a.sock"));
        assert_eq!(path_of("ffff9c40: 00000003 00000000 00000000 0001 03 12345"), None);
        assert_eq!(path_of("ffff: 00000002 00000000 00010000 0001 01 12345 @hidden"), None);
        assert_eq!(
            path_of("ffff: 00000002 00000000 00010000 0001 01 12345 a.sock"),
            Some("a.sock")
        );
    }
}
