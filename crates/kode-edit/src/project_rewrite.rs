//! Structural search and replace over many files.

use kode_base::ProjectPath;
use kode_syntax::Language;

use crate::operation::{FileChange, Project};
use crate::refusal::{EditRefusal, refuse};
use crate::rewrite::{Rewrite, Rewriter, language_named};

/// Rewrites every match in the files at or below `paths` (all files when empty).
pub(crate) fn rewrite(
    project: &dyn Project,
    paths: &[ProjectPath],
    request: &Rewrite<'_>,
    max_files: Option<usize>,
) -> Result<Vec<FileChange>, EditRefusal> {
    let Some(name) = request.language else {
        return refuse!("name the language in `lang` when rewriting several files");
    };
    let language = language_named(name)?;
    let rewriter = Rewriter::for_language(language, request)?;
    let mut changes = Vec::new();
    for path in project.files()? {
        if Language::of(&path) != Some(language) || !is_below(&path, paths) {
            continue;
        }
        let Some(before) = project.read(&path)? else { continue };
        if let Some(after) = rewriter.rewrite(&path, &before)? {
            changes.push(FileChange { path, before: Some(before), after: Some(after) });
        }
    }
    if changes.is_empty() {
        return refuse!("nothing matches the pattern in the {} files there", language.name());
    }
    if let Some(limit) = max_files
        && changes.len() > limit
    {
        return refuse!("{} files would change, more than `max_files` {limit}", changes.len());
    }
    Ok(changes)
}

fn is_below(path: &ProjectPath, folders: &[ProjectPath]) -> bool {
    folders.is_empty()
        || folders.iter().any(|folder| {
            folder.is_root()
                || path == folder
                || path
                    .as_str()
                    .strip_prefix(folder.as_str())
                    .is_some_and(|rest| rest.starts_with('/'))
        })
}
