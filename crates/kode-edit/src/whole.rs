//! Whole-file writes: a new file is free, an existing one is not gutted by accident.

use kode_base::ProjectPath;

use crate::exact::check_size;
use crate::guard::{Change, Declared, check};
use crate::newline::{BOM, to_lf, with_ending};
use crate::refusal::{EditRefusal, refuse};

/// Checks a whole-file write; returns the bytes to write: the file's own byte
/// order mark and line ending stay.
///
/// # Errors
/// When an existing file would lose most of its lines or named definitions
/// without `allow_shrink`, when it is not UTF-8 text, and when a guard objects.
pub fn write(
    path: &ProjectPath,
    before: Option<&[u8]>,
    content: &str,
    allow_shrink: bool,
) -> Result<Vec<u8>, EditRefusal> {
    check_size(path, content.len())?;
    let after = match before {
        Some(before) if !before.is_empty() => keep_conventions(path, before, content)?,
        _ => content.as_bytes().to_vec(),
    };
    let change = Change { path, before, after: &after, written: content };
    check(&change, &Declared { shrink: allow_shrink, ..Declared::default() })?;
    Ok(after)
}

/// `content` with the byte order mark and, where the file has only one kind, the
/// line ending of `before`.
fn keep_conventions(
    path: &ProjectPath,
    before: &[u8],
    content: &str,
) -> Result<Vec<u8>, EditRefusal> {
    if std::str::from_utf8(before).is_err() {
        return refuse!(
            "{path} is not UTF-8: writing it whole would lose its encoding; use exact edits"
        );
    }
    let mut after = Vec::with_capacity(content.len() + BOM.len());
    if before.starts_with(BOM) && !content.as_bytes().starts_with(BOM) {
        after.extend_from_slice(BOM);
    }
    let newlines = memchr::memchr_iter(b'\n', before).count();
    let crlf = memchr::memmem::find_iter(before, b"\r\n").count();
    if newlines > 0 && crlf == newlines {
        after.extend_from_slice(with_ending(&to_lf(content), "\r\n").as_bytes());
    } else {
        after.extend_from_slice(content.as_bytes());
    }
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(name: &str) -> ProjectPath {
        ProjectPath::new(name).unwrap()
    }

    #[test]
    fn a_new_file_is_written_as_given() {
        assert_eq!(write(&at("a.txt"), None, "x\n", false).unwrap(), b"x\n");
    }

    #[test]
    fn an_overwrite_keeps_bom_and_crlf() {
        let after = write(&at("a.txt"), Some(b"\xef\xbb\xbfa\r\nb\r\n"), "c\nd\n", false);
        assert_eq!(after.unwrap(), b"\xef\xbb\xbfc\r\nd\r\n");
    }

    #[test]
    fn dropping_a_function_must_be_declared() {
        let before = b"def a():\n    return 1\n\n\ndef b():\n    return 2\n";
        let short = "def a():\n    return 1\n";
        let refusal = write(&at("a.py"), Some(before), short, false).unwrap_err();
        assert!(refusal.0.contains("allow_shrink"), "{refusal}");
        assert!(write(&at("a.py"), Some(before), short, true).is_ok());
    }

    #[test]
    fn renaming_a_function_is_no_loss() {
        let before = b"def a():\n    return 1\n";
        assert!(write(&at("a.py"), Some(before), "def b():\n    return 1\n", false).is_ok());
    }

    #[test]
    fn a_placeholder_is_refused_even_when_shrinking_is_allowed() {
        let before = b"def a():\n    return 1\n";
        let after = "def a():\n    return 1\n# ... rest of the code unchanged ...\n";
        assert!(write(&at("a.py"), Some(before), after, true).is_err());
    }

    #[test]
    fn a_new_file_with_a_syntax_error_is_refused() {
        assert!(write(&at("a.py"), None, "def f(:\n", false).is_err());
    }
}
