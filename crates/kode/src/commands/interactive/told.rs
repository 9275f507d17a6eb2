//! What the model is told of a change that the person made.

use kode_base::ProjectPath;
use kode_tui::Change;

/// Names at most; a run can touch thousands of files.
const NAMES_MAX: usize = 40;

/// A sentence for the model; none when nothing was written.
pub(super) fn told(change: &Change, paths: &[ProjectPath]) -> Option<String> {
    if paths.is_empty() {
        return None;
    }
    let mut files: Vec<&str> = paths.iter().take(NAMES_MAX).map(|path| path.as_str()).collect();
    let more = format!("{} more", paths.len().saturating_sub(NAMES_MAX));
    if paths.len() > NAMES_MAX {
        files.push(&more);
    }
    let files = files.join(", ");
    let text = match change {
        Change::RejectFile(_) | Change::RejectRun => {
            format!("The user rejected your changes in: {files}. They are not there any more.")
        }
        Change::RejectTurn { .. } => format!(
            "The user rejected what you did in one turn in: {files}. It is not there any more."
        ),
        Change::RejectHunk { hunk, .. } => format!(
            "The user rejected your change number {} in {files}. It is not there any more.",
            hunk + 1
        ),
        Change::UndoReject(_) | Change::UndoNewestReject => {
            format!("The user brought your rejected changes back in: {files}.")
        }
        Change::Undo => format!("The user took your newest step back in: {files}."),
        Change::Redo => format!("The user brought your newest step back in: {files}."),
    };
    Some(text + " Do not repeat or revert this unless the user asks for it.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_of_names_are_cut() {
        let paths: Vec<_> = (0..50).map(|n| ProjectPath::new(&format!("f{n}")).unwrap()).collect();
        let text = told(&Change::RejectRun, &paths).unwrap();
        assert!(text.contains("f39, 10 more. They are not there"), "{text}");
        assert_eq!(told(&Change::RejectRun, &[]), None);
    }
}
