//! Unix sockets in the project on which programs outside listen: spoken to, some of
//! them run what they are told (a container engine's, a database's). The kernel asks
//! only for the right to write such a file, so each is masked. What the system does
//! not tell, sockets of other network namespaces, stays reachable.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::socket_list;
use crate::ProjectRoot;

/// The system's list (proc(5)): eight columns, the last is the path as it was bound.
const LIST: &str = "/proc/net/unix";
const COLUMNS_BEFORE_PATH: usize = 7;
/// Bytes of the list: some 100,000 sockets.
const LIST_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Paths outside the project that may lead into it by a link.
const LINKED_MAX: usize = 256;
/// Where the system's own sockets are, which lead nowhere else.
const SYSTEM_FOLDERS: [&str; 4] = ["/run/", "/var/run/", "/dev/", "/sys/"];

/// Canonical paths of the sockets below `root` that programs have bound: by the path it
/// was done with, and of those that `stand` there, paths below it, by their inodes.
pub(crate) fn bound_below(root: &ProjectRoot, stand: &[Vec<u8>]) -> Vec<String> {
    let mut found = bound_by_path(root);
    if !stand.is_empty() {
        found.extend(bound_by_inode(root, stand));
    }
    found.sort();
    found.dedup();
    found
}

/// A command may have renamed a folder since a program outside bound a socket in it.
fn bound_by_inode(root: &ProjectRoot, stand: &[Vec<u8>]) -> Vec<String> {
    let bound = socket_list::bound_inodes().ok();
    let path = |below: &Vec<u8>| {
        let path = root.path().join(OsStr::from_bytes(below));
        let metadata = fs::symlink_metadata(&path).ok()?;
        #[expect(clippy::cast_possible_truncation, reason = "the kernel tells no more of it")]
        let inode = metadata.ino() as u32;
        // Where the system does not tell, each may be.
        let is_bound = bound.as_ref().is_none_or(|bound| bound.contains(&inode));
        (metadata.file_type().is_socket() && is_bound).then(|| path.to_str().map(str::to_owned))?
    };
    stand.iter().filter_map(path).collect()
}

fn bound_by_path(root: &ProjectRoot) -> Vec<String> {
    use std::io::Read as _;
    let mut list = String::new();
    // Without the list nothing is known: the documentation says so.
    let read =
        fs::File::open(LIST).and_then(|file| file.take(LIST_BYTES_MAX).read_to_string(&mut list));
    if read.is_err() {
        return Vec::new();
    }
    let mut linked_left = LINKED_MAX;
    let candidates = list.lines().skip(1).filter_map(path_of).filter_map(|path| {
        let path = if path.starts_with('/') {
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
        socket_below(root.path(), &path)
    });
    candidates.collect()
}

/// The path in a line of the list; none for sockets without one.
fn path_of(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    for _ in 0..COLUMNS_BEFORE_PATH {
        rest = rest.split_once(' ')?.1.trim_start();
    }
    (!rest.is_empty() && !rest.starts_with('@')).then_some(rest)
}

fn socket_below(root: &Path, path: &Path) -> Option<String> {
    let real = fs::canonicalize(path).ok().filter(|real| real.starts_with(root))?;
    let is_socket = fs::symlink_metadata(&real).is_ok_and(|found| found.file_type().is_socket());
    is_socket.then(|| real.into_os_string().into_string().ok()).flatten()
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
