//! References that stand for others (`ref: refs/heads/main`, gitrepository-layout(5)).
//! Git writes through them, to whatever file of its own they name: one that says
//! `ref: commondir` has the next push make another folder the repository. So they may
//! name references only.

/// What such a file begins with.
const SYMBOLIC: &[u8] = b"ref:";

/// Longer ones git never wrote.
pub(super) const BYTES_MAX: usize = 4096;

/// Where there are tables of references, `HEAD` says this for older versions of git.
const NONE: &[u8] = b"refs/heads/.invalid";

/// What git notes in place of a reference where a rebase began without one.
const DETACHED: &str = "detached HEAD";

/// Whether a reference, of which these are the first bytes, stands for no other file of
/// git's than another reference.
pub(super) fn is_sound(begin: &[u8]) -> bool {
    let target = begin.strip_prefix(SYMBOLIC);
    target.is_none_or(|target| begin.len() <= BYTES_MAX && is_reference(target.trim_ascii()))
}

/// Whether all that a rebase will write at its end are references: their names, and
/// those of commits.
pub(super) fn are_all_sound(list: &str) -> bool {
    let is_commit = |line: &str| line.bytes().all(|byte| byte.is_ascii_hexdigit());
    list.lines().all(|line| {
        is_commit(line) || line == DETACHED || is_reference(line.trim_ascii().as_bytes())
    })
}

/// Whether git keeps a reference under this name, which is none that shows other objects
/// and none that makes a repository of a folder (git-check-ref-format(1)).
fn is_reference(name: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(b"refs/") else { return false };
    let is_plain = |part: &[u8]| {
        !part.is_empty() && !part.starts_with(b".") && !part.eq_ignore_ascii_case(b"HEAD")
    };
    let mut parts = rest.split(|byte| *byte == b'/');
    let replaces = parts.clone().next().is_some_and(|it| it.eq_ignore_ascii_case(b"replace"));
    let is_clean = rest.iter().all(|byte| *byte > b' ' && *byte != 0x7f && *byte != b'\\');
    name == NONE || is_clean && !replaces && parts.all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_stand_for_references_and_nothing_else() {
        let hash = b"0123456789012345678901234567890123456789\n";
        let sound: [&[u8]; 8] = [
            hash,
            b"",
            b"ref: refs/heads/main\n",
            b"ref:refs/remotes/origin/x-1.y\n",
            b"ref: refs/heads/.invalid\n",
            b"ref: refs/heads/umlaut-\xc3\xa4\n",
            b"this repository uses the reftable format\n",
            b"0123 not-for-merge\tbranch 'ref: x' of y\n",
        ];
        for text in sound {
            assert!(is_sound(text), "{}", text.escape_ascii());
        }
        let forged: [&[u8]; 13] = [
            b"ref: commondir",
            b"ref: objects/info/alternates\n",
            b"ref:\t\n config",
            b"ref: refs/../commondir\n",
            b"ref: refs/heads/../../commondir\n",
            b"ref: refs//x\n",
            b"ref: refs/heads/x/HEAD\n",
            b"ref: refs/x/head/y\n",
            b"ref: refs/Replace/0123\n",
            b"ref: refs/\n",
            b"ref: Refs/heads/x\n",
            b"ref: refs/heads/a b\n",
            b"ref:",
        ];
        for text in forged {
            assert!(!is_sound(text), "{}", text.escape_ascii());
        }
        let long = [b"ref: refs/heads/", &[b'x'; BYTES_MAX][..]].concat();
        assert!(!is_sound(&long));
    }

    #[test]
    fn what_a_rebase_will_write_is_references() {
        let hash = "0123456789012345678901234567890123456789";
        assert!(are_all_sound(&format!("refs/heads/x\n{hash}\n{hash}\nrefs/heads/y\n{hash}\n")));
        assert!(are_all_sound("detached HEAD\n") && are_all_sound("refs/heads/x\n"));
        assert!(are_all_sound(""));
        for name in ["commondir", "refs/replace/x", "../x", "HEAD"] {
            assert!(!are_all_sound(&format!("refs/heads/x\n{hash}\n{hash}\n{name}\n")), "{name}");
        }
    }
}
