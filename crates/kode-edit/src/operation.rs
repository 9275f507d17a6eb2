//! One operation as a model or a script states it, and where it is carried out.
//!
//! The names follow `kode edit --json`; the tool names are accepted as well.

use kode_base::ProjectPath;
use serde::{Deserialize, Serialize};

use crate::exact::ExactEdit;
use crate::insertion::{self, Where};
use crate::refusal::{EditRefusal, refuse};
use crate::rename::{self, Place};
use crate::wide::Wide;
use crate::{exact, patch, project_rename, project_rewrite, rewrite, symbol_edit, whole};

/// One edit operation. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Operation {
    /// Exact replacement.
    Edit {
        /// The file.
        path: ProjectPath,
        /// The text to find.
        old: String,
        /// The text to put there.
        new: String,
        /// Replace every occurrence.
        #[serde(default)]
        all: bool,
        /// How many occurrences there must be.
        #[serde(default)]
        expect_count: Option<usize>,
    },
    /// A whole file.
    #[serde(alias = "write_file")]
    Write {
        /// The file.
        path: ProjectPath,
        /// Its new text.
        content: String,
        /// Losing most of an existing file is meant.
        #[serde(default)]
        allow_shrink: bool,
    },
    /// Renames the binding at a place.
    #[serde(alias = "ast_rename")]
    Rename {
        /// The file.
        path: ProjectPath,
        /// Line of the name.
        line: usize,
        /// Column of the name.
        column: usize,
        /// The name expected there.
        #[serde(default)]
        name: Option<String>,
        /// The name it gets.
        new_name: String,
    },
    /// Replaces the body of the one function of that name.
    ReplaceBody {
        /// The file.
        path: ProjectPath,
        /// The function: a name or a path such as `Class.method`.
        symbol: String,
        /// The new body: with its braces, or without `def` and `end`.
        body: String,
    },
    /// Replaces a symbol's body or its whole definition.
    AstReplace {
        /// The file.
        path: ProjectPath,
        /// The symbol: a name or a path such as `Class.method`.
        symbol: String,
        /// The new body; exactly one of `body` and `definition` is given.
        #[serde(default)]
        body: Option<String>,
        /// The new definition.
        #[serde(default)]
        definition: Option<String>,
    },
    /// Puts code after the one function of that name.
    InsertAfter {
        /// The file.
        path: ProjectPath,
        /// The function.
        symbol: String,
        /// The code, without the indentation of the place.
        code: String,
    },
    /// Puts code next to or into a symbol.
    AstInsert {
        /// The file.
        path: ProjectPath,
        /// The symbol.
        symbol: String,
        /// Where.
        #[serde(rename = "where")]
        place: Where,
        /// The code, without the indentation of the place.
        code: String,
    },
    /// Structural search and replace.
    #[serde(alias = "ast_rewrite")]
    Rewrite {
        /// The file; or `paths`.
        #[serde(default)]
        path: Option<ProjectPath>,
        /// Several files or folders.
        #[serde(default)]
        paths: Vec<ProjectPath>,
        /// `$X` stands for one node, `$$$X` for any number.
        pattern: String,
        /// What a match becomes.
        template: String,
        /// The language by its name or extension, where the path does not tell.
        #[serde(default)]
        lang: Option<String>,
        /// Refuse when more files would change.
        #[serde(default)]
        max_files: Option<usize>,
        /// Say what would change and change nothing: the caller's to heed.
        #[serde(default)]
        dry_run: bool,
    },
    /// A V4A patch or a unified diff over several files, all or nothing.
    ApplyPatch {
        /// The patch text.
        patch: String,
    },
}

/// What becomes of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// The file.
    pub path: ProjectPath,
    /// Its bytes as read; `None` when it is created.
    pub before: Option<Vec<u8>>,
    /// Its new bytes; `None` when it is deleted.
    pub after: Option<Vec<u8>>,
    /// The permission bits it gets when it is new.
    pub new_mode: NewMode,
}

/// The permission bits of a new file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum NewMode {
    /// Those of any file.
    #[default]
    Usual,
    /// Those of any program: the patch says so.
    Executable,
    /// Those of the file it was moved or copied from.
    Of(ProjectPath),
}

impl FileChange {
    /// A change of an existing file's bytes.
    pub(crate) fn of(path: &ProjectPath, before: Option<Vec<u8>>, after: Option<Vec<u8>>) -> Self {
        Self { path: path.clone(), before, after, new_mode: NewMode::Usual }
    }
}

/// What an operation sees of the project. The caller answers for what is
/// readable: nothing outside the root, no links that lead out. Files are read
/// from several threads at once.
pub trait Project: Sync {
    /// The bytes of a regular file; `None` when there is none.
    ///
    /// # Errors
    /// When it is there and can't be read or may not be touched.
    fn read(&self, path: &ProjectPath) -> Result<Option<Vec<u8>>, EditRefusal>;

    /// Every source file of the project, ignored files left out.
    ///
    /// # Errors
    /// When the tree can't be listed whole: then nothing is known of other files.
    fn files(&self) -> Result<Vec<ProjectPath>, EditRefusal>;
}

/// Carries out `operation` on the project; nothing is written. All changes
/// belong together: write all or none.
///
/// # Errors
/// When the operation can't be done exactly, or a guard objects.
pub fn apply_in_project(
    operation: &Operation,
    project: &dyn Project,
) -> Result<Vec<FileChange>, EditRefusal> {
    match operation {
        Operation::ApplyPatch { patch } => patch::apply(patch, project),
        Operation::Rename { path, line, column, name, new_name } => {
            let place = Place { line: *line, column: *column, name: name.as_deref() };
            project_rename::rename(project, path, &place, new_name)
        }
        Operation::Rewrite { path: None, paths, pattern, template, lang, max_files, .. } => {
            let request = rewrite::Rewrite { pattern, template, language: lang.as_deref() };
            project_rewrite::rewrite(project, paths, &request, *max_files)
        }
        single => {
            let path =
                single.path().ok_or_else(|| EditRefusal::new("the operation names no path"))?;
            let before = project.read(path)?;
            let after = apply(single, before.as_deref())?;
            Ok(vec![FileChange::of(path, before, Some(after))])
        }
    }
}

impl Operation {
    /// The one file it is about, if it is about one.
    pub const fn path(&self) -> Option<&ProjectPath> {
        match self {
            Self::Edit { path, .. }
            | Self::Write { path, .. }
            | Self::Rename { path, .. }
            | Self::ReplaceBody { path, .. }
            | Self::AstReplace { path, .. }
            | Self::InsertAfter { path, .. }
            | Self::AstInsert { path, .. } => Some(path),
            Self::Rewrite { path, .. } => path.as_ref(),
            Self::ApplyPatch { .. } => None,
        }
    }
}

/// Carries out an operation on one file whose bytes are `before`; a rename looks
/// at this file alone and refuses what other files may see.
///
/// # Errors
/// When the operation can't be done exactly, is about several files, or a guard
/// objects.
pub fn apply(operation: &Operation, before: Option<&[u8]>) -> Result<Vec<u8>, EditRefusal> {
    if let (Some(path), Some(bytes)) = (operation.path(), before)
        && let Some(wide) = Wide::of(path, bytes)?
    {
        return Ok(wide.encode(&apply_to_bytes(operation, Some(wide.text.as_bytes()))?));
    }
    apply_to_bytes(operation, before)
}

fn apply_to_bytes(operation: &Operation, before: Option<&[u8]>) -> Result<Vec<u8>, EditRefusal> {
    if let Operation::Write { path, content, allow_shrink } = operation {
        return whole::write(path, before, content, *allow_shrink);
    }
    let (Some(path), Some(before)) = (operation.path(), before) else {
        return match operation.path() {
            Some(path) => refuse!("there is no file {path}; write_file creates one"),
            None => refuse!("the operation is about several files and needs the project"),
        };
    };
    match operation {
        Operation::Edit { old, new, all, expect_count, .. } => {
            let edit = ExactEdit {
                old: old.clone(),
                new: new.clone(),
                all: *all,
                expect_count: *expect_count,
            };
            exact::edit(path, before, &edit)
        }
        Operation::Rename { line, column, name, new_name, .. } => {
            let place = Place { line: *line, column: *column, name: name.as_deref() };
            rename::rename_in_file(path, before, &place, new_name)
        }
        Operation::ReplaceBody { symbol, body, .. } => {
            symbol_edit::replace_body(path, before, symbol, body)
        }
        Operation::AstReplace { symbol, body, definition, .. } => match (body, definition) {
            (Some(body), None) => symbol_edit::replace_body(path, before, symbol, body),
            (None, Some(definition)) => {
                symbol_edit::replace_definition(path, before, symbol, definition)
            }
            _ => refuse!("give either `body` or `definition`"),
        },
        Operation::InsertAfter { symbol, code, .. } => {
            insertion::insert_after_function(path, before, symbol, code)
        }
        Operation::AstInsert { symbol, place, code, .. } => {
            insertion::insert(path, before, symbol, *place, code)
        }
        Operation::Rewrite { pattern, template, lang, .. } => {
            let request = rewrite::Rewrite { pattern, template, language: lang.as_deref() };
            rewrite::rewrite(path, before, &request)
        }
        Operation::Write { .. } | Operation::ApplyPatch { .. } => {
            refuse!("the operation is about several files and needs the project")
        }
    }
}
