//! Git's index (gitformat-index(5)). Git looks at names when it writes one and believes
//! what it reads: an entry `.git/hooks/pre-commit` or `../x` in a forged index becomes a
//! file with the next `git restore`. So what a command wrote is read here.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};

use super::runs;
use crate::git_config::settings;

/// Larger ones can't be looked at.
const BYTES_MAX: u64 = 512 * 1024 * 1024;

const HEADER_BYTES: usize = 12;
/// Before the object's name: times, device, inode, mode, owner, size.
const STAT_BYTES: usize = 40;
const MODE_AT: usize = 24;
/// Of SHA-1 and SHA-256; only the repository's configuration says which.
const NAME_BYTES: [usize; 2] = [20, 32];
const EXTENDED: u16 = 0x4000;
const LENGTH: u16 = 0x0fff;
/// A folder's entry in a sparse index.
const FOLDER_MODE: u32 = 0o040_000;

/// Whether the file is an index, read either way, and none of its names leads into git's
/// own folder or out of the project.
pub(super) fn is_sound(folder: &OwnedFd, name: &[u8]) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = rustix::fs::openat(folder, name, flags, Mode::empty()) else { return false };
    let mut bytes = Vec::new();
    let read = File::from(file).take(BYTES_MAX + 1).read_to_end(&mut bytes);
    let kinds = kinds_of_names(folder);
    read.is_ok_and(|read| read as u64 <= BYTES_MAX) && says_nothing_bad(&bytes, kinds)
}

/// As the repository's configuration says, which a worktree's own folder has not.
fn kinds_of_names(folder: &OwnedFd) -> &'static [usize] {
    let Some(text) = runs::small_text(folder, b"config") else { return &NAME_BYTES };
    let is_long = settings(&text)
        .iter()
        .any(|it| it.section == "extensions" && it.name == "objectformat" && it.value == "sha256");
    &NAME_BYTES[usize::from(is_long)..][..1]
}

fn says_nothing_bad(bytes: &[u8], kinds: &[usize]) -> bool {
    // Git leaves an empty one alone.
    if bytes.is_empty() {
        return true;
    }
    let readings: Vec<bool> =
        kinds.iter().filter_map(|&name_bytes| Reading::whole(bytes, name_bytes)).collect();
    !readings.is_empty() && readings.iter().all(|sound| *sound)
}

struct Reading<'a> {
    bytes: &'a [u8],
    name_bytes: usize,
    version: u32,
    at: usize,
    /// Where entries begin, and in version 4 whether each has its name whole.
    entries: Vec<usize>,
    anew: Vec<bool>,
    path: Vec<u8>,
    /// Whether entries without a name stand for another file's.
    is_split: bool,
    sound: bool,
}

impl<'a> Reading<'a> {
    /// Whether all names are sound; `None` when the file can't be read this way.
    fn whole(bytes: &'a [u8], name_bytes: usize) -> Option<bool> {
        if bytes.get(..4)? != b"DIRC" {
            return None;
        }
        let version = number(bytes, 4)?;
        let count = number(bytes, 8)? as usize;
        if !(2..=4).contains(&version) || count > bytes.len() / STAT_BYTES {
            return None;
        }
        let (at, entries) = (HEADER_BYTES, Vec::with_capacity(count));
        let (path, is_split, sound) = (Vec::new(), false, true);
        let anew = Vec::new();
        let mut reading =
            Self { bytes, name_bytes, version, at, entries, anew, path, is_split, sound };
        let mut nameless = false;
        for _ in 0..count {
            let is_folder = reading.entry()?;
            nameless |= reading.path.is_empty();
            reading.sound &= reading.path.is_empty() || is_inside(&reading.path, is_folder);
        }
        reading.extensions()?;
        Some(reading.sound && (!nameless || reading.is_split))
    }

    /// Reads one entry's path; whether it is a folder's.
    fn entry(&mut self) -> Option<bool> {
        let begin = self.at;
        self.entries.push(begin);
        let mode = number(self.bytes, begin + MODE_AT)?;
        let flags_at = begin + STAT_BYTES + self.name_bytes;
        let flags = u16::from_be_bytes(self.bytes.get(flags_at..flags_at + 2)?.try_into().ok()?);
        let is_extended = flags & EXTENDED != 0;
        // Not written in version 2, though read.
        (self.version > 2 || !is_extended).then_some(())?;
        self.at = flags_at + if is_extended { 4 } else { 2 };
        if self.version == 4 {
            let kept = self.path.len().checked_sub(self.variable_number()?)?;
            self.path.truncate(kept);
            let rest = self.text()?;
            self.path.extend_from_slice(rest);
            self.at += rest.len() + 1;
            // Git goes by the length, not by the end.
            let length = self.path.len().min(usize::from(LENGTH));
            (usize::from(flags & LENGTH) == length).then_some(())?;
            // Where threads may begin, git knows no name before.
            self.anew.push(kept == 0);
        } else {
            let text = self.text()?;
            let length = match usize::from(flags & LENGTH) {
                length if length == usize::from(LENGTH) => text.len(),
                length => length,
            };
            // A name with an end in the middle is none that git wrote.
            self.path = text.get(..length)?.to_vec();
            (text.len() == length).then_some(())?;
            // One to eight zeros up to a multiple of eight.
            self.at = begin + (self.at - begin + length + 8) / 8 * 8;
        }
        (self.at <= self.bytes.len()).then_some(mode == FOLDER_MODE)
    }

    /// What stands up to the next zero.
    fn text(&self) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..)?;
        Some(&rest[..rest.iter().position(|byte| *byte == 0)?])
    }

    /// As offsets in packs are written (varint.c).
    fn variable_number(&mut self) -> Option<usize> {
        let mut value: usize = 0;
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            value = value.checked_mul(128)?.checked_add(usize::from(byte & 0x7f))?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
            value += 1;
        }
    }

    /// What follows the entries, up to the checksum. Two of the extensions tell threads
    /// of git's where entries are; they must say the same.
    fn extensions(&mut self) -> Option<()> {
        let end = self.at;
        let last = self.bytes.len().checked_sub(self.name_bytes)?;
        while self.at < last {
            let kind = self.bytes.get(self.at..self.at + 4)?;
            let length = number(self.bytes, self.at + 4)? as usize;
            let content = self.bytes.get(self.at + 8..(self.at + 8).checked_add(length)?)?;
            self.at += 8 + length;
            match kind {
                b"link" => self.is_split = true,
                b"EOIE" => self.sound &= number(content, 0)? as usize == end,
                b"IEOT" => self.sound &= self.blocks_agree(content)?,
                b"TREE" | b"REUC" | b"UNTR" | b"FSMN" | b"sdir" => {}
                // Others could hide what git finds by its distance from the end.
                _ => return None,
            }
        }
        (self.at == last).then_some(())
    }

    fn blocks_agree(&self, content: &[u8]) -> Option<bool> {
        let mut number_of_entries = 0_usize;
        let mut agree = true;
        for block in content.get(4..)?.chunks(8) {
            let begin = self.entries.get(number_of_entries);
            agree &= begin == Some(&(number(block, 0)? as usize));
            agree &= self.anew.get(number_of_entries).is_none_or(|anew| *anew);
            number_of_entries += number(block, 4)? as usize;
        }
        Some(agree && number_of_entries == self.entries.len())
    }
}

/// Whether git would have let this path into an index (`verify_path` in read-cache.c).
fn is_inside(path: &[u8], is_folder: bool) -> bool {
    let path = if is_folder { path.strip_suffix(b"/").unwrap_or(path) } else { path };
    path.split(|byte| *byte == b'/')
        .all(|part| !matches!(part, b"" | b"." | b"..") && !part.eq_ignore_ascii_case(b".git"))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests have git write indexes")]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;

    fn git(folder: &Path, arguments: &[&str]) {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(folder)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }

    /// An index as git itself writes it.
    fn written(format: &str, version: &str) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        git(folder.path(), &["init", "-q", "--object-format", format, "."]);
        let names = ["a", "ab/c.git", "ab/d", "long/name/.gitignore", "x git/y"];
        for name in names {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        }
        git(folder.path(), &["add", "."]);
        git(folder.path(), &["update-index", "--index-version", version]);
        std::fs::read(folder.path().join(".git/index")).unwrap()
    }

    #[test]
    fn what_git_writes_is_sound_and_forged_names_are_not() {
        for format in ["sha1", "sha256"] {
            for version in ["2", "4"] {
                let index = written(format, version);
                assert!(says_nothing_bad(&index, &NAME_BYTES), "{format} {version}");
                for (old, new) in [(&b"x git/y"[..], &b"x/.git/"[..]), (b"x git/y", b"../ab/y")] {
                    let at = index.windows(old.len()).position(|part| part == old).unwrap();
                    let mut forged = index.clone();
                    forged[at..at + new.len()].copy_from_slice(new);
                    assert!(!says_nothing_bad(&forged, &NAME_BYTES), "{format} {version}");
                }
                assert!(
                    !says_nothing_bad(&index[..index.len() / 2], &NAME_BYTES),
                    "{format} {version}"
                );
            }
        }
        assert!(says_nothing_bad(b"", &NAME_BYTES));
        assert!(!says_nothing_bad(b"DIRC", &NAME_BYTES));
    }

    #[test]
    fn what_git_would_find_and_nobody_else_is_not_sound() {
        let index = written("sha1", "4");
        let mut longer = index.clone();
        longer[HEADER_BYTES + STAT_BYTES + 20 + 1] += 1;
        assert!(!says_nothing_bad(&longer, &[20]));
        let mut unknown = index.clone();
        let last = unknown.len() - 20;
        unknown.splice(last..last, *b"XXXX\0\0\0\0");
        assert!(!says_nothing_bad(&unknown, &[20]));
        let mut extended = written("sha1", "2");
        extended[HEADER_BYTES + STAT_BYTES + 20] |= 0x40;
        assert!(!says_nothing_bad(&extended, &[20]));
    }

    #[test]
    fn names_are_judged_as_git_does() {
        for bad in ["", "/a", "a//b", "../a", "a/..", ".GIT/x", "a/.git", "./a", "a/"] {
            assert!(!is_inside(bad.as_bytes(), false), "{bad}");
        }
        for good in ["a", ".github/x", "a.git/b", ".gitignore", "...", "a/.gitmodules"] {
            assert!(is_inside(good.as_bytes(), false), "{good}");
        }
        assert!(is_inside(b"a/b/", true));
    }
}
