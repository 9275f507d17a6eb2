//! Projects with so many ignored files that those are not walked whole: only the
//! folders of programs that a person's next command finds first, virtual
//! environments of any name, and folders whose names begin with a dot.

use std::ops::ControlFlow;

use kode_base::ProjectPath;
use kode_gate::enters_ignored;
use kode_sandbox::{ProjectFiles, Reach, RuleSource, WalkEnd, WalkEntry};

use crate::SessionError;

/// Visits what is not ignored, and of what is, what may matter.
pub(crate) fn walk_large(
    files: &ProjectFiles,
    rules: RuleSource<'_>,
    visit: &mut dyn FnMut(WalkEntry),
) -> Result<WalkEnd, SessionError> {
    let is_there = |path: &ProjectPath| matches!(files.snapshot_entry(path), Ok(Some(_)));
    let enters = |folder: &ProjectPath| enters_ignored(folder, &is_there);
    let end = files.walk_with(&ProjectPath::root(), Reach::Into(&enters), rules, &mut |entry| {
        visit(entry);
        ControlFlow::Continue(())
    })?;
    Ok(end)
}
