//! Rename of names that other files can see.

use kode_base::ProjectPath;
use kode_base::escape::escape_line;
use kode_syntax::Language;

use crate::operation::{FileChange, Project};
use crate::refusal::{EditRefusal, refuse};
use crate::rename::{Place, ScopedFile};

/// Renames the binding at `place`, in other files too where imports say so.
pub(crate) fn rename(
    project: &dyn Project,
    path: &ProjectPath,
    place: &Place<'_>,
    new_name: &str,
) -> Result<Vec<FileChange>, EditRefusal> {
    let Some(before) = project.read(path)? else {
        return refuse!("there is no file {path}");
    };
    let file = ScopedFile::open(path, &before)?;
    let new_name = file.checked_name(new_name)?;
    let index = file.binding_at(place)?;
    let binding = &file.scopes.bindings[index];
    if binding.visible_outside {
        refuse_if_mentioned(project, &file, &binding.name)?;
    }
    let after = file.rename(index, new_name)?;
    Ok(vec![FileChange { path: path.clone(), before: Some(before), after: Some(after) }])
}

/// Refuses when another file of the same language family mentions the name.
fn refuse_if_mentioned(
    project: &dyn Project,
    file: &ScopedFile<'_>,
    name: &str,
) -> Result<(), EditRefusal> {
    for other in project.files()? {
        if other == *file.path || !same_family(&other, file.language) {
            continue;
        }
        let Some(source) = project.read(&other)? else { continue };
        if mentions(&source, name) {
            return refuse!(
                "`{}` is visible outside {}, and {other} mentions it in a way kode can't resolve",
                escape_line(name),
                file.path
            );
        }
    }
    Ok(())
}

fn same_family(path: &ProjectPath, language: Language) -> bool {
    let family = |language| match language {
        Language::JavaScript | Language::TypeScript | Language::Tsx => 0,
        Language::C | Language::Cpp => 1,
        other => 2 + other as usize,
    };
    Language::of(path).is_some_and(|other| family(other) == family(language))
}

/// Whether `name` is a word of the text.
pub(crate) fn mentions(source: &[u8], name: &str) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
    memchr::memmem::find_iter(source, name.as_bytes()).any(|at| {
        let before = at.checked_sub(1).and_then(|index| source.get(index));
        !before.is_some_and(is_word) && !source.get(at + name.len()).is_some_and(is_word)
    })
}
