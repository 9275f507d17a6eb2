//! A folder that was put aside must be no repository any more, and hold none: a link
//! could make a person work in it.

use std::os::fd::OwnedFd;

use rustix::fs::{FileType, RenameFlags};
use rustix::io::Errno;

use super::beneath;
use super::sensitive::entries;
use super::tree::RepositoryParts;

/// Folders looked through, and their depth.
const FOLDERS_MAX: usize = 50_000;
const DEPTH_MAX: usize = 128;

/// What a `HEAD` is called where git is not to find it.
const DISARMED_HEAD: &[u8] = b"HEAD.kode-quarantine";

/// Renames each `HEAD` of each repository in the folder `name` of `parent`, and of that
/// folder itself; another kind of file has none.
pub(super) fn disarm(parent: &OwnedFd, name: &[u8]) -> rustix::io::Result<()> {
    in_folder(parent, name, &mut FOLDERS_MAX.clone(), 0)
}

fn in_folder(
    parent: &OwnedFd,
    name: &[u8],
    folders_left: &mut usize,
    depth: usize,
) -> rustix::io::Result<()> {
    let Some(folder) = beneath::enter(parent, name, true)? else { return Ok(()) };
    *folders_left = folders_left.checked_sub(1).ok_or(Errno::TOOBIG)?;
    let entries = entries(&folder);
    let mut parts = RepositoryParts::default();
    entries.iter().for_each(|(name, kind)| parts.take(name, *kind));
    for head in parts.heads() {
        let rename = |new: &[u8]| {
            rustix::fs::renameat_with(&folder, &*head, &folder, new, RenameFlags::NOREPLACE)
        };
        match rename(DISARMED_HEAD) {
            // There are several, or somebody thought of it.
            Err(Errno::EXIST) => {
                let number = getrandom::u32().map_err(|_| Errno::IO)?;
                rename(&[DISARMED_HEAD, format!("-{number:08x}").as_bytes()].concat())?;
            }
            renamed => renamed?,
        }
    }
    for (name, kind) in &entries {
        if matches!(kind, FileType::Directory | FileType::Unknown) {
            if depth >= DEPTH_MAX {
                return Err(Errno::LOOP);
            }
            in_folder(&folder, name, folders_left, depth + 1)?;
        }
    }
    Ok(())
}
