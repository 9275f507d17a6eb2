//! Git's index (gitformat-index(5)). Git looks at names when it writes one and believes
//! what it reads: an entry `.git/hooks/pre-commit` or `../x` in a forged index becomes a
//! file with the next `git restore`. So what a command wrote is read here.

use crate::git_config::settings;

const HEADER_BYTES: usize = 12;
/// Before the object's name: times, device, inode, mode, owner, size.
const STAT_BYTES: usize = 40;
const MODE_AT: usize = 24;
/// Of SHA-1, which git takes unless the repository's configuration says else, and SHA-256.
const NAME_BYTES: [usize; 2] = [20, 32];
const EXTENDED: u16 = 0x4000;
/// Whether the file is taken for unchanged, and of the extended flags whether it is skipped.
const ASSUMED: u16 = 0x8000;
const SKIPPED: u16 = 0x4000;
/// More names of such files are not looked at.
const OVERLOOKED_MAX: usize = 10_000;
const LENGTH: u16 = 0x0fff;
/// A folder's entry in a sparse index.
const FOLDER_MODE: u32 = 0o040_000;
/// Links and other repositories.
const OTHER_MODES: [u32; 2] = [0o120_000, 0o160_000];
/// Files; of the rest of the mode only the rights to read, write and run.
const FILE_MODE: u32 = 0o100_000;
/// Of the extended flags git writes two: skipped in the work tree, meant to be added.
const EXTENDED_KNOWN: u16 = 0x6000;

/// How git reads an index: by the names of objects that it takes the repository for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Short,
    Long,
    /// The configuration that says it may be another one tomorrow.
    Either,
}

impl Format {
    /// What a configuration says that was there before.
    pub(super) fn of(config: &[u8]) -> Self {
        let is_long = settings(&String::from_utf8_lossy(config)).iter().any(|it| {
            it.section == "extensions" && it.name == "objectformat" && it.value == "sha256"
        });
        if is_long { Self::Long } else { Self::Short }
    }

    fn name_bytes(self) -> &'static [usize] {
        match self {
            Self::Short => &NAME_BYTES[..1],
            Self::Long => &NAME_BYTES[1..],
            Self::Either => &NAME_BYTES,
        }
    }
}

/// Whether a configuration says anything about that.
pub(super) fn names_a_format(config: &[u8]) -> bool {
    const NAME: &[u8] = b"objectformat";
    config.windows(NAME.len()).any(|part| part.eq_ignore_ascii_case(NAME))
}

/// The names in an index that git is to overlook in the work tree; `None` where this is
/// none, read as git reads it, or a name leads into git's own folder or out of the project.
pub(super) fn overlooked(bytes: &[u8], format: Format) -> Option<Vec<Vec<u8>>> {
    // Git leaves an empty one alone.
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let mut read = format.name_bytes().iter().map(|length| Reading::whole(bytes, *length));
    read.try_fold(Vec::new(), |_, one| one)
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
    overlooked: Vec<Vec<u8>>,
}

impl<'a> Reading<'a> {
    /// The names to overlook, where all names are sound; `None` when the file can't be read
    /// this way.
    fn whole(bytes: &'a [u8], name_bytes: usize) -> Option<Vec<Vec<u8>>> {
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
        let (anew, overlooked) = (Vec::new(), Vec::new());
        let mut reading = Self {
            bytes,
            name_bytes,
            version,
            at,
            entries,
            anew,
            path,
            is_split,
            sound,
            overlooked,
        };
        let mut nameless = false;
        for _ in 0..count {
            let is_folder = reading.entry()?;
            nameless |= reading.path.is_empty();
            reading.sound &= reading.path.is_empty() || is_inside(&reading.path, is_folder);
        }
        reading.extensions()?;
        let is_sound = reading.sound && (!nameless || reading.is_split);
        is_sound.then_some(reading.overlooked)
    }

    /// Reads one entry's path; whether it is a folder's.
    fn entry(&mut self) -> Option<bool> {
        let begin = self.at;
        self.entries.push(begin);
        let mode = number(self.bytes, begin + MODE_AT)?;
        let is_file = mode & !0o777 == FILE_MODE;
        (is_file || mode == FOLDER_MODE || OTHER_MODES.contains(&mode)).then_some(())?;
        let flags_at = begin + STAT_BYTES + self.name_bytes;
        let flags = u16::from_be_bytes(self.bytes.get(flags_at..flags_at + 2)?.try_into().ok()?);
        let is_extended = flags & EXTENDED != 0;
        // Not written in version 2, though read.
        (self.version > 2 || !is_extended).then_some(())?;
        self.at = flags_at + 2;
        let mut is_overlooked = flags & ASSUMED != 0;
        if is_extended {
            let more = self.bytes.get(self.at..self.at + 2)?.try_into().ok()?;
            let more = u16::from_be_bytes(more);
            (more & !EXTENDED_KNOWN == 0).then_some(())?;
            is_overlooked |= more & SKIPPED != 0;
            self.at += 2;
        }
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
            let (name_end, end) =
                (self.at + length, begin + (self.at - begin + length + 8) / 8 * 8);
            self.bytes.get(name_end..end)?.iter().all(|byte| *byte == 0).then_some(())?;
            self.at = end;
        }
        if is_overlooked && self.overlooked.len() < OVERLOOKED_MAX {
            self.overlooked.push(self.path.clone());
        }
        (self.at <= self.bytes.len()).then_some(mode == FOLDER_MODE)
    }

    /// What stands up to the next zero.
    fn text(&self) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..)?;
        Some(&rest[..rest.iter().position(|byte| *byte == 0)?])
    }

    /// As offsets in packs are written (varint.c): one that overflows git takes for zero.
    fn variable_number(&mut self) -> Option<usize> {
        let mut value: usize = 0;
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            value = value.checked_mul(128)?.checked_add(usize::from(byte & 0x7f))?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
            value = value.checked_add(1).filter(|value| *value <= self.path.len())?;
        }
    }

    /// What follows the entries, up to the checksum. Two of the extensions tell threads
    /// of git's where entries are; they must say the same. One of those git finds by its
    /// distance from the end, wherever the others end.
    fn extensions(&mut self) -> Option<()> {
        let end = self.at;
        let last = self.bytes.len().checked_sub(self.name_bytes)?;
        let from_end = last.checked_sub(12 + self.name_bytes);
        let mut ends_at = None;
        while self.at < last {
            let kind = self.bytes.get(self.at..self.at + 4)?;
            let length = number(self.bytes, self.at + 4)? as usize;
            let content = self.bytes.get(self.at + 8..(self.at + 8).checked_add(length)?)?;
            let begin = self.at;
            self.at += 8 + length;
            match kind {
                b"link" => self.is_split = true,
                b"EOIE" => {
                    self.sound &= number(content, 0)? as usize == end && ends_at.is_none();
                    ends_at = Some(begin);
                }
                b"IEOT" => self.sound &= self.blocks_agree(content)?,
                b"TREE" | b"REUC" | b"UNTR" | b"FSMN" | b"sdir" => {}
                // Others could hide what git finds by its distance from the end.
                _ => return None,
            }
        }
        let found = from_end.filter(|at| self.bytes.get(*at..*at + 4) == Some(b"EOIE"));
        self.sound &= ends_at == found;
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
pub(super) fn is_inside(path: &[u8], is_folder: bool) -> bool {
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

    fn is_sound(bytes: &[u8], format: Format) -> bool {
        overlooked(bytes, format).is_some()
    }

    #[test]
    fn files_that_git_is_to_overlook_are_known() {
        let folder = tempfile::tempdir().unwrap();
        git(folder.path(), &["init", "-q", "."]);
        for name in ["a", "b", "c"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        git(folder.path(), &["add", "."]);
        git(folder.path(), &["update-index", "--assume-unchanged", "a"]);
        git(folder.path(), &["update-index", "--skip-worktree", "c"]);
        for version in ["3", "4"] {
            git(folder.path(), &["update-index", "--index-version", version]);
            let index = std::fs::read(folder.path().join(".git/index")).unwrap();
            assert_eq!(overlooked(&index, Format::Short).unwrap(), [b"a", b"c"], "{version}");
        }
    }

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

    const FORMATS: [Format; 2] = [Format::Short, Format::Long];

    #[test]
    fn a_configuration_says_how_long_names_are() {
        let long = b"[extensions]\n\tobjectFormat = sha256\n";
        assert_eq!(Format::of(long), Format::Long);
        assert!(names_a_format(long) && !names_a_format(b"[core]\nbare = false\n"));
        for short in [&b""[..], b"[core]\nbare = false\n", b"[extensions]\nobjectformat = sha1\n"] {
            assert_eq!(Format::of(short), Format::Short);
        }
    }

    #[test]
    fn what_can_be_read_one_way_only_is_not_sound_where_both_may_be() {
        for (name, format) in ["sha1", "sha256"].into_iter().zip(FORMATS) {
            let index = written(name, "2");
            assert!(is_sound(&index, format) && !is_sound(&index, Format::Either), "{name}");
        }
        assert!(is_sound(b"", Format::Either));
    }

    #[test]
    fn what_git_writes_is_sound_and_forged_names_are_not() {
        for (name, format) in ["sha1", "sha256"].into_iter().zip(FORMATS) {
            for version in ["2", "4"] {
                let index = written(name, version);
                assert!(is_sound(&index, format), "{name} {version}");
                for (old, new) in [(&b"x git/y"[..], &b"x/.git/"[..]), (b"x git/y", b"../ab/y")] {
                    let at = index.windows(old.len()).position(|part| part == old).unwrap();
                    let mut forged = index.clone();
                    forged[at..at + new.len()].copy_from_slice(new);
                    assert!(!is_sound(&forged, format), "{name} {version}");
                }
                assert!(!is_sound(&index[..index.len() / 2], format), "{name} {version}");
            }
        }
        assert!(is_sound(b"", Format::Short));
        assert!(!is_sound(b"DIRC", Format::Short));
    }

    #[test]
    fn what_git_would_find_and_nobody_else_is_not_sound() {
        let index = written("sha1", "4");
        let mut longer = index.clone();
        longer[HEADER_BYTES + STAT_BYTES + 20 + 1] += 1;
        assert!(!is_sound(&longer, Format::Short));
        let mut unknown = index.clone();
        let last = unknown.len() - 20;
        unknown.splice(last..last, *b"XXXX\0\0\0\0");
        assert!(!is_sound(&unknown, Format::Short));
        // What git pads with, and what kinds of files there are.
        let plain = written("sha1", "2");
        let padding = plain.windows(6).position(|it| it == b"ab/d\0\0").unwrap() + 5;
        let mode = HEADER_BYTES + MODE_AT + 1;
        assert_eq!((plain[padding], plain[mode]), (0, 0));
        for at in [padding, mode] {
            let mut forged = plain.clone();
            forged[at] = 1;
            assert!(!is_sound(&forged, Format::Short), "{at}");
        }
        let mut extended = written("sha1", "2");
        extended[HEADER_BYTES + STAT_BYTES + 20] |= 0x40;
        assert!(!is_sound(&extended, Format::Short));
    }

    #[test]
    fn a_length_that_overflows_is_not_sound() {
        let index = written("sha1", "4");
        let second = index.windows(2).skip(HEADER_BYTES + STAT_BYTES).position(|it| it == b"a\0");
        let at = HEADER_BYTES + STAT_BYTES + second.unwrap() + 2 + STAT_BYTES + 22;
        for length in
            [&[0xff; 9][..], &[0x80, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0x7f]]
        {
            let mut forged = index.clone();
            forged.splice(at..=at, length.iter().copied());
            assert!(!is_sound(&forged, Format::Short));
        }
    }

    #[test]
    fn what_stands_where_git_looks_for_the_end_of_entries_must_be_it() {
        let index = written("sha1", "2");
        let last = index.len() - 20;
        let hidden = |kind: &[u8; 4], end: &[u8; 4]| {
            let content = [&end[..], &24_u32.to_be_bytes(), &[0; 24]].concat();
            let length = u32::try_from(content.len()).unwrap().to_be_bytes();
            let mut forged = index.clone();
            forged.splice(last..last, [&kind[..], &length, &content].concat());
            forged
        };
        assert!(is_sound(&hidden(b"FSMN", b"zzzz"), Format::Short));
        assert!(!is_sound(&hidden(b"FSMN", b"EOIE"), Format::Short));
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
