//! Pending.
use crate::operation::{FileChange, Project};
use crate::refusal::EditRefusal;
use crate::rename::{Place, rename_in_file};
use kode_base::ProjectPath;
pub(crate) fn rename(
    project: &dyn Project,
    path: &ProjectPath,
    place: &Place<'_>,
    new: &str,
) -> Result<Vec<FileChange>, EditRefusal> {
    let before = project.read(path)?.unwrap_or_default();
    let after = rename_in_file(path, &before, place, new)?;
    Ok(vec![FileChange { path: path.clone(), before: Some(before), after: Some(after) }])
}
