//! Checked, syntax-aware edits and diffs. Pure: source and operation in, new
//! bytes out; nothing is read or written here.

#![allow(missing_docs, clippy::todo, reason = "interface sketch, being built")]

use kode_base::ProjectPath;

/// One exact replacement.
#[derive(Debug, Clone)]
pub struct ExactEdit {
    pub old: String,
    pub new: String,
    pub all: bool,
    pub expect_count: Option<usize>,
}
/// Why an edit was not made; a sentence the model can act on (may quote file text: show escaped).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EditRefusal(pub String);
/// Applies an exact edit with every guard; returns the new bytes.
pub fn edit(path: &ProjectPath, before: &[u8], edit: &ExactEdit) -> Result<Vec<u8>, EditRefusal> {
    let _ = (path, before, edit);
    todo!()
}
/// Checks a whole-file write; returns the bytes to write.
pub fn write(
    path: &ProjectPath,
    before: Option<&[u8]>,
    content: &str,
    allow_shrink: bool,
) -> Result<Vec<u8>, EditRefusal> {
    let _ = (path, before, content, allow_shrink);
    todo!()
}
/// Lines added and removed, and a unified diff (3 lines of context, `a/`/`b/` headers); `None` diff when binary.
pub fn diff(path: &ProjectPath, before: Option<&[u8]>, after: Option<&[u8]>) -> FileDiff {
    let _ = (path, before, after);
    todo!()
}
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDiff {
    pub added: usize,
    pub removed: usize,
    pub binary: bool,
    /** Raw text of the file: show escaped. */
    pub unified: kode_base::Untrusted<String>,
}
