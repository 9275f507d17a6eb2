//! Values that stand where samples and fixtures stand: in files that are to be copied, in
//! folders of tests and examples, beside a user of the same name. They are warned of. What
//! has a provider's own form is as grave there as anywhere.

use kode_base::ProjectPath;

use super::generic::is_test_path;
use super::is_told_by_its_name;
use crate::raw::RawFinding;

/// Lines around a password in which its user may stand.
const USER_LINES: usize = 2;

/// Whether a finding is of a value that is evidently a sample.
pub(super) fn is_sample(path: &ProjectPath, content: &[u8], found: &RawFinding) -> bool {
    let by_name = is_told_by_its_name(&found.rule);
    let is_chosen = by_name && found.rule != "secret.generic-key";
    // Nobody tells a key made for a test from another.
    let is_key_file = found.rule == "secret.private-key";
    if !by_name && !is_key_file {
        return false;
    }
    let in_tests = is_test_path(path) || is_test_folder(path);
    let in_samples = is_in(path, &["example", "examples", "sample", "samples"]);
    let (start, end) = (found.start.min(content.len()), found.end.min(content.len()));
    in_tests
        || in_samples && found.rule != "secret.generic-key"
        || by_name && is_to_be_copied(path)
        || is_chosen && is_users_name(content, (start, end))
}

fn is_in(path: &ProjectPath, folders: &[&str]) -> bool {
    let mut parts: Vec<&str> = path.components().collect();
    parts.pop();
    parts.iter().any(|part| folders.contains(&part.to_ascii_lowercase().as_str()))
}

/// `functionTests`, `integration-tests`, `testing`: folders whose name ends in the word.
fn is_test_folder(path: &ProjectPath) -> bool {
    let mut parts: Vec<&str> = path.components().collect();
    parts.pop();
    parts.iter().any(|part| {
        let ends = |word: &str| {
            let before = part.len().checked_sub(word.len()).and_then(|at| part.get(..at));
            let last = before.and_then(|before| part.get(before.len()..));
            // `functionTests`, `api-tests`; no `contest` and no `latest`.
            let is_word = last.is_some_and(|last| last.eq_ignore_ascii_case(word));
            let begins = last.is_some_and(|last| last.starts_with(|c: char| c.is_uppercase()));
            is_word
                && before.is_some_and(|before| {
                    begins && before.ends_with(|c: char| c.is_ascii_lowercase())
                        || before.is_empty()
                        || before.ends_with(['-', '_', '.'])
                })
        };
        ["test", "tests", "testing"].into_iter().any(ends)
    })
}

/// Files that are to be copied and filled in.
fn is_to_be_copied(path: &ProjectPath) -> bool {
    let name = path.file_name();
    [".sample", ".example", ".template", ".tmpl", ".dist"].iter().any(|end| name.ends_with(end))
}

/// Whether a password is the name of its user beside it: an account of a test or of a
/// program just unpacked, which the password keeps from nobody.
fn is_users_name(content: &[u8], (start, end): (usize, usize)) -> bool {
    let value = &content[start..end];
    let mut from = start;
    for _ in 0..=USER_LINES {
        from = memchr::memrchr(b'\n', &content[..from]).unwrap_or(0);
    }
    let mut to = end;
    for _ in 0..=USER_LINES {
        to += memchr::memchr(b'\n', &content[to..]).map_or(content.len() - to, |at| at + 1);
    }
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.@".contains(byte);
    memchr::memmem::find_iter(&content[from..to], value).any(|at| {
        let (place, after) = (from + at, from + at + value.len());
        let alone = !content[..place].last().is_some_and(is_word)
            && !content.get(after).is_some_and(is_word);
        let line = content[from..place].rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        place != start && alone && names_a_user(line)
    })
}

/// Whether the last name before a value is that of a user: `user=`, `<jdbc.user>`.
fn names_a_user(before: &[u8]) -> bool {
    let ends = before.iter().rposition(u8::is_ascii_alphanumeric).map_or(0, |at| at + 1);
    let name = before[..ends].rsplit(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_').next();
    let name = name.unwrap_or_default().to_ascii_lowercase();
    [&b"user"[..], b"username", b"userid", b"login", b"account"]
        .iter()
        .any(|word| name.ends_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(path: &str) -> bool {
        is_test_folder(&ProjectPath::new(path).unwrap())
    }

    #[test]
    fn folders_of_tests_end_in_the_word() {
        for path in ["functionTests/a.out", "x/api-tests/a.py", "acmeTesting/a.java", "testing/a"] {
            assert!(folder(path), "{path}");
        }
        for path in ["latest/a.py", "contest/a.py", "testcases/a.py", "a/tests", "test-app/a.py"] {
            assert!(!folder(path), "{path}");
        }
    }

    #[test]
    fn a_password_that_is_its_users_name_is_told() {
        let told = |text: &str| {
            let start = text.rfind("sco77").unwrap();
            is_users_name(text.as_bytes(), (start, start + 5))
        };
        assert!(told("<jdbc.user>sco77</jdbc.user>\n<jdbc.pass>sco77</jdbc.pass>"));
        assert!(told("connect(user='sco77', password='sco77')"));
        assert!(!told("<jdbc.user>app</jdbc.user>\n<jdbc.pass>sco77</jdbc.pass>"));
        assert!(!told("old_password=sco77\nnew_password=sco77"));
        assert!(!told("user=sco777\npassword=sco77"));
    }
}
