//! Scope-aware rename (pending).
use crate::refusal::{EditRefusal, refuse};
use kode_base::ProjectPath;
pub(crate) struct Place<'a> {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) name: Option<&'a str>,
}
pub(crate) fn rename_in_file(
    path: &ProjectPath,
    _b: &[u8],
    p: &Place<'_>,
    _n: &str,
) -> Result<Vec<u8>, EditRefusal> {
    refuse!("{path} line {} column {}: renaming {:?} is not built yet", p.line, p.column, p.name)
}
