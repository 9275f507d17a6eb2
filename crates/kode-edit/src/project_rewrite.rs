//! Structural search and replace over many files.

use std::sync::atomic::{AtomicUsize, Ordering};

use kode_base::ProjectPath;
use kode_syntax::Language;

use crate::operation::{FileChange, Project};
use crate::refusal::{EditRefusal, refuse};
use crate::rewrite::{Rewrite, Rewriter, language_named};

/// How many files are held in memory at a time.
const BATCH_FILES: usize = 512;
/// How many threads rewrite at most.
const MAX_WORKERS: usize = 16;

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
    let mut batch = Vec::new();
    for path in project.files()? {
        if Language::of(&path) != Some(language) || !is_below(&path, paths) {
            continue;
        }
        let Some(before) = project.read(&path)? else { continue };
        if rewriter.may_match(&before) {
            batch.push((path, before));
        }
        if batch.len() == BATCH_FILES {
            changes.extend(rewrite_batch(&rewriter, std::mem::take(&mut batch))?);
        }
    }
    changes.extend(rewrite_batch(&rewriter, batch)?);
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

/// The new bytes of one file; `None` when nothing in it matches.
type Rewritten = Result<Option<Vec<u8>>, EditRefusal>;

/// Rewrites files on every core; the order of the changes is that of the files.
fn rewrite_batch(
    rewriter: &Rewriter<'_>,
    batch: Vec<(ProjectPath, Vec<u8>)>,
) -> Result<Vec<FileChange>, EditRefusal> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some((path, before)) = batch.get(index) else { return done };
            done.push((index, rewriter.rewrite(path, before)));
        }
    };
    let mut results: Vec<(usize, Rewritten)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
        let mut results = work();
        for other in others {
            match other.join() {
                Ok(more) => results.extend(more),
                Err(_) => results.push((0, refuse!("a rewriting thread stopped"))),
            }
        }
        results
    });
    results.sort_by_key(|(index, _)| *index);
    let mut rewritten: Vec<Option<Vec<u8>>> = Vec::with_capacity(batch.len());
    for (_, result) in results {
        rewritten.push(result?);
    }
    let changed = batch.into_iter().zip(rewritten).filter_map(|((path, before), after)| {
        Some(FileChange { path, before: Some(before), after: Some(after?) })
    });
    Ok(changed.collect())
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
