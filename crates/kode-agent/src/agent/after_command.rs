//! What a command did to the project's files, held against the guard that the
//! edit tools pass beforehand: `sed -i`, `tee` or a checkout can gut a file too.

use kode_base::{ChangeKind, ProjectPath};
use kode_edit::harm_done;
use kode_session::Session;

/// More changed files than this are not looked into one by one.
const FILES_EXAMINED_MAX: usize = 200;
/// So many files are named at most.
const FILES_NAMED_MAX: usize = 8;
/// From so many deleted files on it is worth a word.
const DELETED_FILES_TOLD: usize = 5;

/// What a person would want to know of before going on.
pub(super) struct Harm {
    sentences: Vec<String>,
}

/// Looks at the files that a command changed; `None` when all is well.
pub(super) fn harm(session: &Session, changed: &[(ProjectPath, ChangeKind)]) -> Option<Harm> {
    let mut sentences = Vec::new();
    let deleted: Vec<&ProjectPath> =
        changed.iter().filter(|(_, kind)| *kind == ChangeKind::Deleted).map(|(p, _)| p).collect();
    if deleted.len() >= DELETED_FILES_TOLD {
        let names: Vec<&str> =
            deleted.iter().take(FILES_NAMED_MAX).map(|path| path.as_str()).collect();
        sentences.push(format!("{} files were deleted ({}, …)", deleted.len(), names.join(", ")));
    }
    let written = |kind: &ChangeKind| matches!(kind, ChangeKind::New | ChangeKind::Changed);
    let written: Vec<&ProjectPath> =
        changed.iter().filter(|(_, kind)| written(kind)).map(|(path, _)| path).collect();
    let harmed: Vec<String> =
        written.iter().take(FILES_EXAMINED_MAX).filter_map(|path| of_file(session, path)).collect();
    if harmed.len() > FILES_NAMED_MAX {
        sentences.push(format!("{} more files were harmed", harmed.len() - FILES_NAMED_MAX));
    }
    sentences.extend(harmed.into_iter().take(FILES_NAMED_MAX));
    (!sentences.is_empty()).then_some(Harm { sentences })
}

/// A file that was not kept (too large) is not judged.
#[expect(clippy::disallowed_methods, reason = "compared, and only names and counts come out")]
fn of_file(session: &Session, path: &ProjectPath) -> Option<String> {
    let before = session.content_before(path).ok()?;
    let after = session.last_content(path).ok()??;
    let before = before.as_ref().map(|bytes| bytes.expose().as_slice());
    let harm = harm_done(path, before, after.expose());
    (!harm.is_empty()).then(|| format!("{path} {}", harm.join(" and ")))
}

impl Harm {
    /// Stands below the command's output.
    pub(super) fn for_the_model(&self) -> String {
        format!(
            "\n[kode: the command changed files in a way the edit tools refuse: {}. If that was \
             not meant, put it right now; edit with the edit tools instead]",
            self.sentences.join("; ")
        )
    }

    /// For the screen.
    pub(super) fn for_the_person(&self) -> String {
        format!(
            "the command changed files in a way the edit tools refuse: {}; `kode undo` takes the \
             step back",
            self.sentences.join("; ")
        )
    }
}
