//! Structural search and replace over many files.

use kode_base::ProjectPath;
use kode_syntax::Language;

use crate::operation::{FileChange, Project};
use crate::parallel::in_parallel;
use crate::refusal::{EditRefusal, refuse};
use crate::rewrite::{Rewrite, Rewriter, language_named};

/// Rewrites every match in the files at or below `paths` (all files when empty).
pub(crate) fn rewrite(
    project: &dyn Project,
    paths: &[ProjectPath],
    request: &Rewrite<'_>,
    max_files: Option<usize>,
) -> Result<Vec<FileChange>, EditRefusal> {
    let language = match request.language {
        Some(name) => language_named(name)?,
        None => the_language_of(paths)?,
    };
    let rewriter = Rewriter::for_language(language, request)?;
    let mut paths_there = project.files()?;
    paths_there.retain(|path| Language::of(path) == Some(language) && is_below(path, paths));
    let mut changes = Vec::new();
    for change in in_parallel(&paths_there, |path| rewrite_file(project, &rewriter, path)) {
        changes.extend(change?);
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

/// The language all the named files are in.
fn the_language_of(paths: &[ProjectPath]) -> Result<Language, EditRefusal> {
    let mut languages = paths.iter().map(Language::of);
    match languages.next().flatten() {
        Some(first) if languages.all(|other| other == Some(first)) => Ok(first),
        _ => refuse!("name the language in `lang` when rewriting several files"),
    }
}

/// `None` when nothing in the file matches.
fn rewrite_file(
    project: &dyn Project,
    rewriter: &Rewriter<'_>,
    path: &ProjectPath,
) -> Result<Option<FileChange>, EditRefusal> {
    let Some(before) = project.read(path)? else { return Ok(None) };
    if !rewriter.may_match(&before) {
        return Ok(None);
    }
    let after = rewriter.rewrite(path, &before)?;
    Ok(after.map(|after| FileChange::of(path, Some(before), Some(after))))
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
