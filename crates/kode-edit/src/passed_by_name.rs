//! Callers in other files that pass a renamed parameter by its name. In Python they
//! follow where an import says which function they call; everywhere else, and where
//! that is not certain, the rename is refused.

use kode_base::ProjectPath;
use kode_base::escape::escape_line;
use kode_syntax::{Language, NamedArgument};

use crate::guard::{Change, Declared, check};
use crate::module_path::{Family, Resolution, resolve};
use crate::operation::{FileChange, Project};
use crate::project_rename::{mentions, refuse_if_mentioned, same_language};
use crate::refusal::{EditRefusal, refuse};
use crate::rename::ScopedFile;

/// A parameter that gets another name.
pub(crate) struct Parameter<'a> {
    pub(crate) name: &'a str,
    /// What callers call: the function, or its class.
    pub(crate) function: &'a str,
    pub(crate) new_name: &'a str,
}

impl Parameter<'_> {
    /// What changes in the files that pass it by name.
    pub(crate) fn follow(
        &self,
        project: &dyn Project,
        origin: &ScopedFile<'_>,
    ) -> Result<Vec<FileChange>, EditRefusal> {
        // A method of Ruby's may be called in any way there is.
        if origin.language == Language::Ruby {
            refuse_if_mentioned(project, origin, self.function)?;
            return Ok(Vec::new());
        }
        if !matches!(origin.language, Language::Python | Language::CSharp | Language::Php) {
            return Ok(Vec::new());
        }
        let files = project.files()?;
        let mut changes = Vec::new();
        for path in files.iter().filter(|path| same_language(path, origin.language)) {
            if path == origin.path {
                continue;
            }
            let Some(source) = project.read(path)? else { continue };
            if !mentions(&source, self.name) || !mentions(&source, self.function) {
                continue;
            }
            if let Some(after) = self.follow_in(path, &source, origin.path, &files)? {
                changes.push(FileChange::of(path, Some(source), Some(after)));
            }
        }
        Ok(changes)
    }

    fn follow_in(
        &self,
        path: &ProjectPath,
        source: &[u8],
        origin: &ProjectPath,
        files: &[ProjectPath],
    ) -> Result<Option<Vec<u8>>, EditRefusal> {
        let file = ScopedFile::open(path, source)?;
        let imported = self.imported_as(&file, origin, files);
        let calls_it = |argument: &&NamedArgument| {
            argument.plain && Some(argument.callee.as_str()) == imported
        };
        let arguments = &file.scopes.named_arguments;
        if arguments.iter().filter(calls_it).any(|argument| argument.name == self.new_name) {
            return self.refuse_unclear(path, "passes the new name as well");
        }
        let (ours, others): (Vec<&NamedArgument>, Vec<&NamedArgument>) =
            arguments.iter().filter(|argument| argument.name == self.name).partition(calls_it);
        let may_mean_it = |argument: &&&NamedArgument| argument.callee == self.function;
        if others.iter().any(|argument| may_mean_it(&argument)) && !self.is_another(&file, &others)
        {
            return self.refuse_unclear(path, "passes it by its name");
        }
        if ours.is_empty() {
            return Ok(None);
        }
        let mut after = source.to_vec();
        for argument in ours.iter().rev() {
            after.splice(argument.range.clone(), self.new_name.bytes());
        }
        let change = Change { path, before: Some(source), after: &after, written: self.new_name };
        check(&change, &Declared::default())?;
        Ok(Some(after))
    }

    /// The name under which the file imports the function from `origin`.
    fn imported_as<'f>(
        &self,
        file: &'f ScopedFile<'_>,
        origin: &ProjectPath,
        files: &[ProjectPath],
    ) -> Option<&'f str> {
        let family = Family::of(file.language)?;
        let binding = file.scopes.bindings.iter().find(|binding| {
            binding.imported.as_ref().is_some_and(|import| {
                let from = || resolve(family, file.path, &import.module, files);
                import.name == self.function
                    && matches!(from(), Resolution::File(target) if target == *origin)
            })
        })?;
        Some(&binding.name)
    }

    /// Whether the file passes it to a function of its own that goes by that name.
    fn is_another(&self, file: &ScopedFile<'_>, arguments: &[&NamedArgument]) -> bool {
        let own = file.scopes.bindings.iter().any(|binding| {
            binding.name == self.name && binding.passed_to.as_deref() == Some(self.function)
        });
        let named = |argument: &&&NamedArgument| argument.callee == self.function;
        own && arguments.iter().filter(named).all(|argument| argument.plain)
    }

    fn refuse_unclear<T>(&self, path: &ProjectPath, why: &str) -> Result<T, EditRefusal> {
        refuse!(
            "`{}` is a parameter of `{}`, and {path} {why}, where kode can't tell which function \
             is called: rename it there by hand first",
            escape_line(self.name),
            escape_line(self.function)
        )
    }
}
