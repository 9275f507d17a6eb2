//! What the types of a project say about a name that may mean one of their members:
//! fields a local class inherits, keys of literals. Never guesses: a class that is
//! nowhere in the project and not known to have no such field makes a refusal.

use std::collections::{BTreeMap, BTreeSet};

use kode_base::ProjectPath;
use kode_base::escape::escape_line;
use kode_syntax::{Binding, Doubt, Language, Supertype, TypeShape};

use crate::operation::Project;
use crate::project_rename::{mentions, same_language};
use crate::refusal::{EditRefusal, refuse};
use crate::rename::{ScopedFile, analyse};

/// How many types are looked at for one rename.
const MAX_TYPES: usize = 256;

/// Types of the JDK that show their heirs no field with a name a variable would have.
/// Read off the JDK's public documentation; interfaces have constants at most.
const FIELDLESS: &str = include_str!("java_supertypes.txt");

/// Packages of the JDK all of whose types are so.
const FIELDLESS_PACKAGES: [&str; 11] = [
    "java.awt.event",
    "java.beans",
    "java.lang.reflect",
    "java.nio.file",
    "java.security",
    "java.sql",
    "java.util.concurrent",
    "java.util.function",
    "java.util.stream",
    "javax.net.ssl",
    "javax.sql",
];

/// Refuses where a place of the binding means a member, or would under the new name.
/// Without a project only the file's own types are known.
pub(crate) fn settle(
    project: Option<&dyn Project>,
    file: &ScopedFile<'_>,
    binding: &Binding,
    new_name: &str,
) -> Result<(), EditRefusal> {
    if binding.doubts.is_empty() {
        return Ok(());
    }
    let mut types = Types { project, file, others: BTreeMap::new(), listed: None };
    for doubt in &binding.doubts {
        match doubt {
            Doubt::KeyOf(name) => types.check_key(binding, name)?,
            Doubt::Inherited(class) => types.check_inherited(binding, class, new_name)?,
        }
    }
    Ok(())
}

/// The types of the project, read as far as they are asked for.
struct Types<'a> {
    project: Option<&'a dyn Project>,
    file: &'a ScopedFile<'a>,
    others: BTreeMap<ProjectPath, Vec<TypeShape>>,
    listed: Option<Vec<ProjectPath>>,
}

impl Types<'_> {
    fn check_key(&mut self, binding: &Binding, type_name: &str) -> Result<(), EditRefusal> {
        let mut pending = vec![type_name.to_owned()];
        let mut seen = BTreeSet::new();
        while let Some(name) = pending.pop() {
            if !seen.insert(name.clone()) {
                continue;
            }
            for shape in self.of_name(&name)? {
                if shape.keyed_by_expression {
                    return refuse!(
                        "`{}` is a key in a literal of `{}`, which another file declares and \
                         whose keys are expressions: rename it by hand",
                        escape_line(&binding.name),
                        escape_line(type_name)
                    );
                }
                pending.extend(shape.supertypes.into_iter().map(|inner| inner.name));
            }
        }
        Ok(())
    }

    fn check_inherited(
        &mut self,
        binding: &Binding,
        class: &Supertype,
        new_name: &str,
    ) -> Result<(), EditRefusal> {
        let mut pending = vec![class.clone()];
        let mut seen = BTreeSet::new();
        while let Some(class) = pending.pop() {
            if !seen.insert(class.name.clone()) {
                continue;
            }
            let shapes = self.of_name(&class.name)?;
            if shapes.is_empty() && !class.interface && !self.is_fieldless(&class.name) {
                return refuse!(
                    "`{}` is used in a class that inherits from `{}`, which is nowhere in the \
                     project: a member of that name there would be meant instead",
                    escape_line(&binding.name),
                    escape_line(&class.name)
                );
            }
            for shape in shapes {
                let has = |name: &str| shape.members.iter().any(|member| member == name);
                let taken = [binding.name.as_str(), new_name].into_iter().find(|name| has(name));
                if let Some(taken) = taken {
                    return refuse!(
                        "`{}` is used in a class that inherits `{}` from `{}`, so that kode can't \
                         rename it alone",
                        escape_line(&binding.name),
                        escape_line(taken),
                        escape_line(&shape.name)
                    );
                }
                pending.extend(shape.supertypes);
            }
        }
        Ok(())
    }

    fn is_fieldless(&self, class: &str) -> bool {
        let imported = || {
            FIELDLESS_PACKAGES.iter().any(|package| {
                let import = format!("import {package}.{class};");
                memchr::memmem::find(self.file.source, import.as_bytes()).is_some()
            })
        };
        // By the JavaBeans specification (6.4) listeners are interfaces.
        self.file.language == Language::Java
            && (class.ends_with("Listener")
                || FIELDLESS.split_whitespace().any(|known| known == class)
                || imported())
    }

    /// Every type of that name: the file's own, or those of other files.
    fn of_name(&mut self, name: &str) -> Result<Vec<TypeShape>, EditRefusal> {
        let named = |shape: &&TypeShape| shape.name == name;
        let own: Vec<TypeShape> = self.file.scopes.types.iter().filter(named).cloned().collect();
        if !own.is_empty() {
            return Ok(own);
        }
        let Some(project) = self.project else { return Ok(own) };
        let paths = match self.listed.take() {
            Some(paths) => paths,
            None => project.files()?,
        };
        let mut found = Vec::new();
        for path in &paths {
            if path != self.file.path && same_language(path, self.file.language) {
                found.extend(self.read(project, path, name)?.iter().filter(named).cloned());
            }
            if found.len() > MAX_TYPES {
                return refuse!("more than {MAX_TYPES} types go by `{}`", escape_line(name));
            }
        }
        self.listed = Some(paths);
        Ok(found)
    }

    fn read(
        &mut self,
        project: &dyn Project,
        path: &ProjectPath,
        name: &str,
    ) -> Result<&[TypeShape], EditRefusal> {
        if !self.others.contains_key(path) {
            let Some(source) = project.read(path)?.filter(|source| mentions(source, name)) else {
                return Ok(&[]);
            };
            let language = Language::detect(path, &source).unwrap_or(self.file.language);
            self.others.insert(path.clone(), analyse(language, &source)?.types);
        }
        Ok(self.others.get(path).map_or(&[], Vec::as_slice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_types_are_plain_names_each_once() {
        let names: Vec<&str> = FIELDLESS.split_whitespace().collect();
        let once: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(once.len(), names.len());
        assert!(names.iter().all(|name| name.starts_with(char::is_uppercase)), "{names:?}");
    }
}
