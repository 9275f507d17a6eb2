//! The security scan: pure, no I/O.

#![allow(missing_docs, clippy::todo, reason = "interface sketch, being built")]

use kode_base::{Finding, ProjectPath};

/// One file to scan: current bytes, and the bytes before the task (`None` when new).
#[derive(Debug, Clone, Copy)]
pub struct ScanFile<'a> {
    pub path: &'a ProjectPath,
    pub content: &'a [u8],
    pub base: Option<&'a [u8]>,
}
/// What the scan found in all the files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScanReport {
    /// Introduced by the task: on added or changed lines, or with a flow through them.
    pub introduced: Vec<Finding>,
    /// There before.
    pub older: Vec<Finding>,
    /// Code files no rule covers, unparsable, oversized, binary or incomplete, with why.
    pub unscanned: Vec<(ProjectPath, String)>,
}
/// Scans files together. With `base: None` everything counts as introduced.
pub fn scan(files: &[ScanFile<'_>]) -> ScanReport {
    let _ = files;
    todo!()
}
