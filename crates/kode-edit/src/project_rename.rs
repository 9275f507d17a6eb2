//! Rename of names that other files can see: followed through imports where
//! they say which file they mean, refused wherever that is not certain.

use std::collections::BTreeMap;

use kode_base::ProjectPath;
use kode_base::escape::escape_line;
use kode_syntax::{Binding, BindingKind, ImportOrigin, Language};

use crate::doubts;
use crate::guard::{Change, Declared, check};
use crate::included_macros;
use crate::module_path::{Family, Resolution, resolve};
use crate::operation::{FileChange, Project};
use crate::passed_by_name::Parameter;
use crate::refusal::{EditRefusal, refuse};
use crate::rename::{Place, ScopedFile};

/// How many files one rename may touch.
const MAX_TOUCHED_FILES: usize = 500;

/// Files with JavaScript in a language kode does not parse, and what they then have.
const PAGES: [(&str, &str); 6] = [
    ("vue", ""),
    ("svelte", ""),
    ("astro", ""),
    ("mdx", "import"),
    ("html", "<script"),
    ("htm", "<script"),
];

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
    let (name, visible) = (binding.name.clone(), binding.visible_outside);
    doubts::settle(Some(project), &file, binding, new_name)?;
    included_macros::check(project, &file, &name, new_name)?;
    let after = file.rename(index, new_name, false)?;
    let mut changes = vec![FileChange::of(path, Some(before.clone()), Some(after))];
    if let Some(function) = &binding.passed_to {
        let parameter = Parameter { name: &name, function, new_name };
        changes.extend(parameter.follow(project, &file)?);
    }
    if !visible {
        return Ok(changes);
    }
    match Family::of(file.language) {
        Some(family) => {
            let rename = CrossFile { project, family, name: &name, new_name };
            changes.extend(rename.follow(path)?);
        }
        None => refuse_if_mentioned(project, &file, &name)?,
    }
    Ok(changes)
}

/// A rename on its way through the files that import the name.
struct CrossFile<'a> {
    project: &'a dyn Project,
    family: Family,
    name: &'a str,
    new_name: &'a str,
}

impl CrossFile<'_> {
    /// The changes in every file that imports the name from `origin`, and in those
    /// that import it from them in turn.
    fn follow(&self, origin: &ProjectPath) -> Result<Vec<FileChange>, EditRefusal> {
        let listed = self.project.files()?;
        self.check_pages(&listed)?;
        let files: Vec<ProjectPath> = listed
            .into_iter()
            .filter(|path| Language::of(path).and_then(Family::of) == Some(self.family))
            .collect();
        let mut mentioning: BTreeMap<ProjectPath, Vec<u8>> = BTreeMap::new();
        let mut silent: BTreeMap<ProjectPath, Vec<u8>> = BTreeMap::new();
        for path in files.iter().filter(|path| *path != origin) {
            let Some(source) = self.project.read(path)? else { continue };
            if mentions(&source, self.name) {
                mentioning.insert(path.clone(), source);
            } else if may_pass_all_on(self.family, &source) {
                silent.insert(path.clone(), source);
            }
        }
        let mut changes: Vec<FileChange> = Vec::new();
        let mut pending = vec![origin.clone()];
        while let Some(target) = pending.pop() {
            if !mentioning.is_empty() {
                pending.extend(self.pass_on_silently(&mut silent, &target, &files)?);
            }
            for (path, source) in &mentioning {
                if changes.iter().any(|change| change.path == *path) {
                    continue;
                }
                let Some((after, passes_on)) = self.rename_import(path, source, &target, &files)?
                else {
                    continue;
                };
                changes.push(FileChange::of(path, Some(source.clone()), Some(after)));
                if changes.len() > MAX_TOUCHED_FILES {
                    return refuse!("the rename would touch over {MAX_TOUCHED_FILES} files");
                }
                if passes_on {
                    pending.push(path.clone());
                }
            }
        }
        Ok(changes)
    }

    /// The file with its import of the name from `target` renamed, and whether
    /// others can import the name from it; `None` when it takes nothing from there.
    fn rename_import(
        &self,
        path: &ProjectPath,
        source: &[u8],
        target: &ProjectPath,
        files: &[ProjectPath],
    ) -> Result<Option<(Vec<u8>, bool)>, EditRefusal> {
        let means = |module: &str| resolve(self.family, path, module, files);
        let file = ScopedFile::open(path, source)?;
        for module in &file.scopes.wholesale {
            if means(module).may_be(target) {
                return self.refuse_unclear(path, "passes names of that file on as a whole");
            }
        }
        if self.family == Family::EcmaScript && reaches_by_string(&file, target) {
            return self.refuse_unclear(path, "reaches the file by a string, not in an import");
        }
        if let Some(passed_on) = self.rename_passed_on(&file, &means, target)? {
            let file = ScopedFile::open(path, &passed_on)?;
            let imported = self.rename_imported(&file, &means, target)?;
            return Ok(imported.or(Some((passed_on.clone(), false))));
        }
        match self.rename_imported(&file, &means, target)? {
            None if self.mentions_module(&file, target) => {
                self.refuse_unclear(path, "mentions the name and the file, but not in an import")
            }
            renamed => Ok(renamed),
        }
    }

    /// The file with `export { name } from` the target renamed there; importers still
    /// see the old name. `None` where nothing is so.
    fn rename_passed_on(
        &self,
        file: &ScopedFile<'_>,
        means: &dyn Fn(&str) -> Resolution,
        target: &ProjectPath,
    ) -> Result<Option<Vec<u8>>, EditRefusal> {
        let mut after = None;
        // From the last to the first, so that places stay what they are.
        for passed in file.scopes.passed_on.iter().rev() {
            match self.what_import_takes(&passed.origin, means, target) {
                Takes::Nothing => {}
                Takes::Name => {
                    let Some(range) = passed.origin.name_range.clone() else { continue };
                    let text = format!("{}{}", self.new_name, passed.after);
                    let bytes = after.get_or_insert_with(|| file.source.to_vec());
                    bytes.splice(range, text.into_bytes());
                }
                Takes::Module => {
                    return self.refuse_unclear(file.path, "passes that file on as a namespace");
                }
                Takes::Unclear => {
                    return self.refuse_unclear(
                        file.path,
                        "passes the name on from a place kode can't resolve",
                    );
                }
            }
        }
        if let Some(after) = &after {
            let (path, before) = (file.path, Some(file.source));
            let change = Change { path, before, after, written: self.new_name };
            check(&change, &Declared::default())?;
        }
        Ok(after)
    }

    /// Files that pass all names of the target on without mentioning this one: it is
    /// taken from them as well. They are taken out of `silent`.
    fn pass_on_silently(
        &self,
        silent: &mut BTreeMap<ProjectPath, Vec<u8>>,
        target: &ProjectPath,
        files: &[ProjectPath],
    ) -> Result<Vec<ProjectPath>, EditRefusal> {
        let mut passing = Vec::new();
        for (path, source) in silent.iter() {
            let file = ScopedFile::open(path, source)?;
            let means = |module: &str| resolve(self.family, path, module, files);
            let whole = |origin: &ImportOrigin| {
                matches!(self.what_import_takes(origin, &means, target), Takes::Module)
            };
            let as_member = file.scopes.passed_on.iter().any(|passed| whole(&passed.origin))
                || file.scopes.bindings.iter().any(|binding| {
                    binding.imported.as_ref().is_some_and(whole) && is_handed_on(binding, source)
                });
            if as_member {
                return self.refuse_unclear(path, "passes that file on as a namespace");
            }
            if !file.scopes.wholesale.iter().any(|module| means(module).may_be(target)) {
                continue;
            }
            let hidden = self.name.starts_with('_') != self.new_name.starts_with('_');
            if mentions(source, self.new_name) || self.family == Family::Python && hidden {
                return self.refuse_unclear(path, "passes names of that file on as a whole");
            }
            passing.push(path.clone());
        }
        silent.retain(|path, _| !passing.contains(path));
        Ok(passing)
    }

    fn rename_imported(
        &self,
        file: &ScopedFile<'_>,
        means: &dyn Fn(&str) -> Resolution,
        target: &ProjectPath,
    ) -> Result<Option<(Vec<u8>, bool)>, EditRefusal> {
        let path = file.path;
        let mut found = None;
        for (index, binding) in file.scopes.bindings.iter().enumerate() {
            let Some(origin) = &binding.imported else { continue };
            match self.what_import_takes(origin, means, target) {
                Takes::Nothing => {}
                Takes::Name if found.is_some() => {
                    return self.refuse_unclear(path, "imports it twice");
                }
                Takes::Name => found = Some(index),
                Takes::Module => {
                    return self.refuse_unclear(path, "reaches it as a member of the module");
                }
                Takes::Unclear => {
                    return self
                        .refuse_unclear(path, "imports the name from a place kode can't resolve");
                }
            }
        }
        match found {
            Some(index) => self.rename_binding(file, index).map(Some),
            None => Ok(None),
        }
    }

    fn what_import_takes(
        &self,
        origin: &ImportOrigin,
        means: &dyn Fn(&str) -> Resolution,
        target: &ProjectPath,
    ) -> Takes {
        let whole = match self.family {
            // `import a.b` and `from a import b`, where `b` is the module itself.
            Family::Python => {
                let module = match origin.module.as_str() {
                    "" => origin.name.clone(),
                    module if module.ends_with('.') => format!("{module}{}", origin.name),
                    module => format!("{module}.{}", origin.name),
                };
                means(&module).may_be(target)
            }
            Family::EcmaScript => origin.name == "*" && means(&origin.module).may_be(target),
        };
        if whole {
            return Takes::Module;
        }
        if origin.name != self.name {
            return Takes::Nothing;
        }
        match means(&origin.module) {
            Resolution::File(file) if file == *target => Takes::Name,
            Resolution::File(_) | Resolution::Outside => Takes::Nothing,
            Resolution::Unclear => Takes::Unclear,
        }
    }

    fn rename_binding(
        &self,
        file: &ScopedFile<'_>,
        index: usize,
    ) -> Result<(Vec<u8>, bool), EditRefusal> {
        let binding: &Binding = &file.scopes.bindings[index];
        if let Some(range) = binding.imported.as_ref().and_then(|origin| origin.name_range.clone())
        {
            // Imported under another name: only the import itself changes.
            let mut after = file.source[..range.start].to_vec();
            after.extend_from_slice(self.new_name.as_bytes());
            after.extend_from_slice(&file.source[range.end..]);
            let change = Change {
                path: file.path,
                before: Some(file.source),
                after: &after,
                written: self.new_name,
            };
            check(&change, &Declared::default())?;
            return Ok((after, false));
        }
        if let Some(why) = &binding.blocked {
            return self.refuse_unclear(file.path, why);
        }
        let passes_on = binding.visible_outside && binding.kind == BindingKind::Import;
        Ok((file.rename(index, self.new_name, true)?, passes_on))
    }

    /// Whether code or a string may reach the file other than by an import statement.
    fn mentions_module(&self, file: &ScopedFile<'_>, target: &ProjectPath) -> bool {
        let stem = target.file_name().split('.').next().unwrap_or_default();
        let has = |text: &str| memchr::memmem::find(file.source, text.as_bytes()).is_some();
        let by_string = || {
            let loads = has("import_module(") || has("__import__(") || has("run_module(");
            let ends = ['"', '\''].map(|quote| format!("{stem}{quote}"));
            loads && ends.iter().any(|end| has(end))
        };
        self.family == Family::Python && (has(&format!("{stem}.{}", self.name)) || by_string())
    }

    /// Refuses where a page or component names it: kode does not read their imports.
    fn check_pages(&self, listed: &[ProjectPath]) -> Result<(), EditRefusal> {
        for path in listed.iter().filter(|_| self.family == Family::EcmaScript) {
            let Some((_, must_have)) =
                PAGES.iter().find(|(end, _)| path.extension().is_some_and(|is| is == *end))
            else {
                continue;
            };
            let Some(source) = self.project.read(path)? else { continue };
            let runs_code = memchr::memmem::find(&source, must_have.as_bytes()).is_some();
            if runs_code && mentions(&source, self.name) {
                return self.refuse_unclear(path, "names it where kode can't follow imports");
            }
        }
        Ok(())
    }

    fn refuse_unclear<T>(&self, path: &ProjectPath, why: &str) -> Result<T, EditRefusal> {
        refuse!(
            "`{}` can be seen from other files and {path} {why}: rename it there by hand first",
            escape_line(self.name)
        )
    }
}

enum Takes {
    Nothing,
    Name,
    Module,
    Unclear,
}

/// Whether a file may pass on all that another exports; a quick look.
fn may_pass_all_on(family: Family, source: &[u8]) -> bool {
    let word: &[u8] = match family {
        Family::EcmaScript => b"export",
        Family::Python => b"import",
    };
    let star_follows = |at: usize| source[at + word.len()..].trim_ascii_start().starts_with(b"*");
    let mut places = memchr::memmem::find_iter(source, word);
    let is_namespace =
        family == Family::EcmaScript && memchr::memmem::find(source, b"* as ").is_some();
    places.any(|at| is_namespace || star_follows(at))
}

/// Whether the file exports what an import binds, under whatever name.
fn is_handed_on(binding: &Binding, source: &[u8]) -> bool {
    let default = format!("export default {}", binding.name);
    binding.visible_outside
        || binding.occurrences.iter().any(|place| place.after.starts_with(" as "))
        || memchr::memmem::find(source, default.as_bytes()).is_some()
}

/// Whether a relative path in quotes, outside of import statements, may name the file.
fn reaches_by_string(file: &ScopedFile<'_>, target: &ProjectPath) -> bool {
    let mut start = 0;
    let mut parts = file.source.split(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    parts.any(|text| {
        let at = start;
        start += text.len() + 1;
        let stated = file.scopes.import_sources.iter().any(|range| range.contains(&at));
        // `jest.mock('./a')` without a second argument names nothing of it.
        let mocked = file.source[..at.saturating_sub(1)].ends_with(b"mock(")
            && file.source.get(start..).is_some_and(|after| after.starts_with(b")"));
        if stated || mocked || !text.starts_with(b".") || text.len() >= 1024 {
            return false;
        }
        std::str::from_utf8(text).is_ok_and(|text| {
            let files = std::slice::from_ref(target);
            resolve(Family::EcmaScript, file.path, text, files).may_be(target)
        })
    })
}

/// Refuses when another file of the same language family mentions the name: there
/// is no import to say whether it means this one.
pub(crate) fn refuse_if_mentioned(
    project: &dyn Project,
    file: &ScopedFile<'_>,
    name: &str,
) -> Result<(), EditRefusal> {
    for other in project.files()? {
        if other == *file.path || !same_language(&other, file.language) {
            continue;
        }
        let Some(source) = project.read(&other)? else { continue };
        if mentions(&source, name) {
            return refuse!(
                "`{}` can be seen outside {}, and {other} mentions it in a way kode can't resolve",
                escape_line(name),
                file.path
            );
        }
    }
    Ok(())
}

pub(crate) fn same_language(path: &ProjectPath, language: Language) -> bool {
    let is_c = |language| matches!(language, Language::C | Language::Cpp);
    Language::of(path).is_some_and(|other| other == language || is_c(other) && is_c(language))
}

/// Whether `name` is a word of the text.
pub(crate) fn mentions(source: &[u8], name: &str) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
    memchr::memmem::find_iter(source, name.as_bytes()).any(|at| {
        let before = at.checked_sub(1).and_then(|index| source.get(index));
        !before.is_some_and(is_word) && !source.get(at + name.len()).is_some_and(is_word)
    })
}

#[cfg(test)]
pub(crate) mod tests;
