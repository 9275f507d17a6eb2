//! What goes into a scan and what comes out.

use kode_base::{Finding, ProjectPath};

use crate::Suppressed;

/// One file to scan: current bytes, and the bytes before the task.
#[derive(Debug, Clone, Copy)]
pub struct ScanFile<'a> {
    /// The file's path; its extension decides the language.
    pub path: &'a ProjectPath,
    /// The bytes now.
    pub content: &'a [u8],
    /// The bytes before the task; `None` when the file is new.
    pub base: Option<&'a [u8]>,
}

/// What the scan found in all the files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScanReport {
    /// Introduced by the task: on added or changed lines, with a flow through
    /// them, or not found in the base.
    pub introduced: Vec<Finding>,
    /// There before.
    pub older: Vec<Finding>,
    /// Silenced by a comment that counts.
    pub suppressed: Vec<Suppressed>,
    /// Code files no rule covers, unparsable, oversized, binary or incomplete, with why.
    pub unscanned: Vec<(ProjectPath, String)>,
}
