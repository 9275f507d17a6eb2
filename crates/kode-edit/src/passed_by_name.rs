//! Callers in other files that pass a renamed parameter by its name. In Python they
//! follow where an import says which function they call; everywhere else, and where
//! that is not certain, the rename is refused. What goes by other names is `reach`'s.

use kode_base::ProjectPath;
use kode_base::escape::escape_line;
use kode_syntax::{Language, NamedArgument};

use crate::guard::{Change, Declared, check};
use crate::module_path::{Family, Resolution, resolve};
use crate::operation::{FileChange, Project};
use crate::project_rename::{mentions, refuse_if_mentioned, same_language};
use crate::refusal::{EditRefusal, refuse};
use crate::rename::ScopedFile;

mod reach;

use reach::Reach;

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
        match origin.language {
            Language::Python => return self.follow_in_python(project, origin),
            Language::CSharp | Language::Php => {}
            _ => return Ok(Vec::new()),
        }
        let files = project.files()?;
        let mut changes = Vec::new();
        for path in files.iter().filter(|path| same_language(path, origin.language)) {
            if path == origin.path {
                continue;
            }
            let Some(source) = project.read(path)? else { continue };
            // PHP's functions are called in any case.
            let php = origin.language == Language::Php;
            let lower = if php { source.to_ascii_lowercase() } else { Vec::new() };
            let function_in = if php { &lower } else { &source };
            if !mentions(&source, self.name) || !mentions(function_in, self.function) {
                continue;
            }
            let file = ScopedFile::open(path, &source)?;
            if let Some(after) = self.follow_in(&file, origin.path, &files, None)? {
                changes.push(FileChange::of(path, Some(source), Some(after)));
            }
        }
        Ok(changes)
    }

    fn follow_in_python(
        &self,
        project: &dyn Project,
        origin: &ScopedFile<'_>,
    ) -> Result<Vec<FileChange>, EditRefusal> {
        let files = project.files()?;
        let mut reach = Reach::of(self.function, &origin.scopes);
        let mut sources = Vec::new();
        for path in files.iter().filter(|path| same_language(path, Language::Python)) {
            let other = if path == origin.path { None } else { project.read(path)? };
            let Some(source) = other else { continue };
            if mentions(&source, self.function) || reach::may_pass(&source, self.name) {
                sources.push((path, source));
            }
        }
        let mut opened: Vec<Option<ScopedFile<'_>>> = sources.iter().map(|_| None).collect();
        loop {
            let mut learned = false;
            for ((path, source), file) in sources.iter().zip(&mut opened) {
                if file.is_none() && (reach.is_passed() || reach.is_mentioned(source)) {
                    *file = Some(ScopedFile::open(path, source)?);
                }
                learned |= file.as_ref().is_some_and(|file| reach.learn(&file.scopes));
            }
            if !learned {
                break;
            }
        }
        reach.check(self, origin, None, |argument| argument.callee == self.function)?;
        let mut changes = Vec::new();
        for file in opened.iter().flatten() {
            if let Some(after) = self.follow_in(file, origin.path, &files, Some(&reach))? {
                let before = file.source.to_vec();
                changes.push(FileChange::of(file.path, Some(before), Some(after)));
            }
        }
        Ok(changes)
    }

    fn follow_in(
        &self,
        file: &ScopedFile<'_>,
        origin: &ProjectPath,
        files: &[ProjectPath],
        reach: Option<&Reach>,
    ) -> Result<Option<Vec<u8>>, EditRefusal> {
        let (path, source) = (file.path, file.source);
        let imported = self.imported_as(file, origin, files);
        let calls_it = |argument: &&NamedArgument| {
            argument.plain && Some(argument.callee.as_str()) == imported
        };
        let arguments = &file.scopes.named_arguments;
        if arguments.iter().filter(calls_it).any(|argument| argument.name == self.new_name) {
            return self.refuse_unclear(path, "passes the new name as well");
        }
        let (ours, others): (Vec<&NamedArgument>, Vec<&NamedArgument>) =
            arguments.iter().filter(|argument| argument.name == self.name).partition(calls_it);
        let may_mean_it = |argument: &&&NamedArgument| {
            argument.callee == self.function
                || argument.callee.is_empty() && file.language == Language::Php
        };
        if others.iter().any(|argument| may_mean_it(&argument)) && !self.is_another(file, &others) {
            return self.refuse_unclear(path, "passes it by its name");
        }
        if let Some(reach) = reach {
            let settled = |argument: &NamedArgument| {
                calls_it(&argument)
                    || argument.callee == self.function
                    || argument.plain && is_from_outside(file, &argument.callee, files)
            };
            reach.check(self, file, imported, settled)?;
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

    /// Refuses for a call at a byte of a file that may mean the function.
    fn refuse_call<T>(
        &self,
        file: &ScopedFile<'_>,
        at: usize,
        callee: &str,
    ) -> Result<T, EditRefusal> {
        let line = file.source[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        refuse!(
            "`{}` is a parameter of `{}`, and line {line} of {} passes that name to `{}`, which \
             may be the same: rename it there by hand first",
            escape_line(self.name),
            escape_line(self.function),
            file.path,
            escape_line(callee)
        )
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

/// Whether the file imports the name from another project than this.
fn is_from_outside(file: &ScopedFile<'_>, name: &str, files: &[ProjectPath]) -> bool {
    let Some(family) = Family::of(file.language) else { return false };
    let mut named = file.scopes.bindings.iter().filter(|binding| binding.name == name);
    let import = named.next().and_then(|binding| binding.imported.as_ref());
    named.next().is_none()
        && import.is_some_and(|import| {
            resolve(family, file.path, &import.module, files) == Resolution::Outside
        })
}

#[cfg(test)]
mod tests;
