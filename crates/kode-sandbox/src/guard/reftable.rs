//! The list of a repository's tables of references (`reftable/tables.list`, see git's
//! `Documentation/technical/reftable.adoc`). Git reads the tables that it names and, once
//! it has merged them, removes them: one elsewhere would be another repository's.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};

use super::kept::{self, Before};

/// The list's name.
pub(super) const LIST: &[u8] = b"tables.list";

const BYTES_MAX: u64 = 1024 * 1024;

/// Whether each line names a table beside the list.
pub(super) fn is_sound(text: &str) -> bool {
    text.split('\n').all(|line| line.is_empty() || is_table(line))
}

/// Git's own are `0x000000000001-0x000000000002-0badcafe.ref`, those of others look alike.
fn is_table(line: &str) -> bool {
    let name = line.strip_suffix(".ref").or_else(|| line.strip_suffix(".log"));
    name.is_some_and(|name| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

/// Without a list the repository has no references, and git would take all its objects for
/// waste: in place of `path`, which was renamed to `aside` in `folder`, makes one of the
/// tables beside it. Whether it is there.
pub(super) fn mend(folder: &OwnedFd, aside: &[u8], path: &[u8]) -> bool {
    path.ends_with(&[b"reftable/", LIST].concat()) && make(folder, aside, path).is_some()
}

fn make(folder: &OwnedFd, aside: &[u8], path: &[u8]) -> Option<()> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, aside, flags, Mode::empty()).ok()?;
    let mut stat = rustix::fs::fstat(&file).ok()?;
    let mut text = String::new();
    let read = File::from(file).take(BYTES_MAX + 1).read_to_string(&mut text).ok()?;
    let tables = text.split('\n').filter(|line| is_table(line));
    let list: String = tables.map(|line| format!("{line}\n")).collect();
    // Everybody was let write, perhaps.
    stat.st_mode &= !0o002;
    (read as u64 <= BYTES_MAX)
        .then(|| kept::write(folder, path, &Before::new(&stat, list.as_bytes())))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_beside_the_list_are_sound_and_others_are_not() {
        let own = "0x000000000001-0x00000000000a-bd2bf1c4.ref\n";
        for sound in ["", own, "00000001-00000002-0badcafe.ref", "0x1-0x2.log\n0x3-0x4.ref\n"] {
            assert!(is_sound(sound), "{sound}");
        }
        let elsewhere = ["../x.ref", "/x.ref", "a/b.ref", ".ref", "..", "x", "x.ref\r", "x\0.ref"];
        for line in elsewhere {
            assert!(!is_sound(&format!("{own}{line}\n")), "{line}");
        }
    }
}
