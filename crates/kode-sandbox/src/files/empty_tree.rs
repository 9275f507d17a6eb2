//! Takes away a folder that holds nothing but empty folders. It deletes no file, link
//! or pipe, follows no link, and leaves everything where anything else is found first.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};

/// Folders within folders; deeper ones stay.
const DEPTH_MAX: usize = 200;
/// Folders looked at; of more all stay.
const FOLDERS_MAX: usize = 4096;

/// Removes the folder `name` of `parent` with all folders in it, if there is nothing
/// else. Whether it is gone.
pub(super) fn remove_empty_tree(parent: &OwnedFd, name: &[u8]) -> bool {
    let Ok(name) = CString::new(name) else { return false };
    let mut left = FOLDERS_MAX;
    holds_only_folders(parent, &name, DEPTH_MAX, &mut left).is_some()
        && remove_folders(parent, &name, DEPTH_MAX).is_some()
}

fn open_folder(parent: impl AsFd, name: &CStr) -> Option<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::empty()).ok()
}

/// The names of the folders in `folder`; none where it holds anything else, or git's.
fn folders_in(folder: &OwnedFd) -> Option<Vec<CString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder).ok()? {
        let entry = entry.ok()?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        let is_folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        if !is_folder || name.to_bytes().eq_ignore_ascii_case(b".git") || names.len() >= FOLDERS_MAX
        {
            return None;
        }
        names.push(name.to_owned());
    }
    Some(names)
}

fn holds_only_folders(parent: &OwnedFd, name: &CStr, depth: usize, left: &mut usize) -> Option<()> {
    *left = left.checked_sub(1)?;
    let depth = depth.checked_sub(1)?;
    let folder = open_folder(parent, name)?;
    folders_in(&folder)?
        .iter()
        .try_for_each(|inner| holds_only_folders(&folder, inner, depth, left))
}

/// A folder that got something meanwhile refuses to go, and all around it stay.
fn remove_folders(parent: &OwnedFd, name: &CStr, depth: usize) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    let folder = open_folder(parent, name)?;
    let inner = folders_in(&folder)?;
    inner.iter().try_for_each(|inner| remove_folders(&folder, inner, depth))?;
    rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR).ok()
}
