//! The files kode lays beside a place before it renames them into it: how they are
//! named, and how one whose writer is dead is told from one in use. A writer holds a
//! lock on its file for as long as it lives; the kernel lets go of it with the process.

use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kode_base::ProjectPath;
use kode_base::raw_name::bytes_of;
use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags, RawDir, Stat, flock};
use rustix::io::Errno;

use super::FileError;
use super::confined::{file_type, same_file};

/// A link can't be locked. It stands for as long as two calls take; this is plenty.
const LINK_AGE_MAX: Duration = Duration::from_secs(2);
/// Entries of one folder that are looked at after a write.
const SWEPT_ENTRIES_MAX: usize = 5_000;
/// Digits of the random number in a name.
const DIGITS: usize = 16;

/// What an entry with such a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leftover {
    /// None of kode's, as far as one can tell.
    Foreign,
    /// Some kode is about to rename it.
    InUse,
    /// Its writer is dead.
    Dead,
}

/// A name nobody can guess, so that nothing can be laid in its way.
pub(super) fn beside_name(path: &ProjectPath) -> Result<String, FileError> {
    let number = getrandom::u64().map_err(|error| {
        FileError::io(path, std::io::Error::other(format!("no random numbers: {error}")))
    })?;
    Ok(format!(".kode-{number:016x}.tmp"))
}

fn is_beside_name(name: &str) -> bool {
    let number = name.strip_prefix(".kode-").and_then(|rest| rest.strip_suffix(".tmp"));
    number.is_some_and(|digits| {
        digits.len() == DIGITS && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Marks a file that was just made as in use. `false`: another kode took it for a dead
/// writer's before this, and it is gone. A file system without locks marks nothing.
pub(super) fn hold(file: &File) -> bool {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => false,
        _ => rustix::fs::fstat(file).is_ok_and(|stat| stat.st_nlink > 0),
    }
}

/// What stands under `name`. Only what this user made, and nobody linked elsewhere, is
/// ever taken for kode's; root leaves what it writes to who owns the folder.
pub(super) fn judge(folder: &OwnedFd, name: &str, stat: &Stat) -> Leftover {
    if !is_beside_name(name) || stat.st_nlink != 1 {
        return Leftover::Foreign;
    }
    let user = rustix::process::geteuid();
    if stat.st_uid != user.as_raw() && !user.is_root() {
        return Leftover::Foreign;
    }
    match file_type(stat) {
        FileType::RegularFile => judge_file(folder, name, stat),
        FileType::Symlink if age(stat) > LINK_AGE_MAX => Leftover::Dead,
        FileType::Symlink => Leftover::InUse,
        _ => Leftover::Foreign,
    }
}

/// Takes a dead writer's file away; says whether it is gone.
pub(super) fn remove(folder: &OwnedFd, name: &str) -> bool {
    let gone = rustix::fs::unlinkat(folder, &*bytes_of(name), AtFlags::empty());
    matches!(gone, Ok(()) | Err(Errno::NOENT))
}

/// Takes away what dead writers left in `folder`. One with very many entries is looked
/// through in part only: the next snapshot of the project sees the rest.
pub(super) fn sweep(folder: &OwnedFd) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(listed) = rustix::fs::openat(folder, ".", flags, Mode::empty()) else { return };
    let mut space = [MaybeUninit::uninit(); 16 * 1024];
    let mut listing = RawDir::new(&listed, &mut space);
    let mut left = SWEPT_ENTRIES_MAX;
    while let Some(Ok(entry)) = listing.next() {
        let Ok(name) = entry.file_name().to_str() else { continue };
        if is_beside_name(name)
            && let Ok(stat) = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
            && judge(folder, name, &stat) == Leftover::Dead
        {
            remove(folder, name);
        }
        left -= 1;
        if left == 0 {
            return;
        }
    }
}

fn judge_file(folder: &OwnedFd, name: &str, stat: &Stat) -> Leftover {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = rustix::fs::openat(folder, &*bytes_of(name), flags, Mode::empty()) else {
        return Leftover::Foreign;
    };
    if !rustix::fs::fstat(&file).is_ok_and(|opened| same_file(&opened, stat)) {
        return Leftover::InUse;
    }
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Leftover::Dead,
        Err(Errno::WOULDBLOCK) => Leftover::InUse,
        Err(_) => Leftover::Foreign,
    }
}

fn age(stat: &Stat) -> Duration {
    let changed = Duration::from_secs(u64::try_from(stat.st_ctime).unwrap_or_default());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.saturating_sub(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_pattern_is_kodes() {
        let path = ProjectPath::new("a").unwrap();
        assert!(is_beside_name(&beside_name(&path).unwrap()));
        for other in [
            ".kode-0123456789abcde.tmp",
            ".kode-0123456789ABCDEF.tmp",
            "kode-0123456789abcdef.tmp",
            ".kode-0123456789abcdef.tmp.py",
            ".kode-0123456789abcdef0.tmp",
            ".kode-.tmp",
        ] {
            assert!(!is_beside_name(other), "{other}");
        }
    }
}
