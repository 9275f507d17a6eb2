//! Which scanned file an import names. Files are indexed once, so that an import
//! costs the same however many files there are.

use std::collections::HashMap;

use kode_syntax::Language;

use super::{Unit, folder_of};
use crate::model::family;

/// Files by the names imports use.
#[derive(Debug, Default)]
pub(super) struct ModuleIndex<'a> {
    /// By family and path without extension, `/index` and `/__init__`.
    stems: HashMap<(&'static str, &'a str), usize>,
    /// By family and whole path.
    paths: HashMap<(&'static str, &'a str), usize>,
    /// Python files by the last two parts of their stem.
    tails: HashMap<&'a str, Vec<(&'a str, usize)>>,
    /// Go files by their folder: each folder is a package.
    packages: HashMap<&'a str, Vec<usize>>,
    /// Go's folders by their last part.
    folders: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> ModuleIndex<'a> {
    pub(super) fn new(units: &'a [Option<Unit<'_>>]) -> Self {
        let mut index = Self::default();
        for (file, unit) in units.iter().enumerate() {
            let Some(unit) = unit else { continue };
            let (family, stem) = (family(unit.language), stem(unit.path));
            index.paths.entry((family, unit.path)).or_insert(file);
            index.stems.entry((family, stem)).or_insert(file);
            match unit.language {
                Language::Python => index.tails.entry(tail(stem)).or_default().push((stem, file)),
                Language::Go => {
                    let folder = folder_of(unit.path);
                    let files = index.packages.entry(folder).or_default();
                    if files.is_empty() {
                        index.folders.entry(last(folder)).or_default().push(folder);
                    }
                    files.push(file);
                }
                _ => {}
            }
        }
        index
    }

    /// The files of a Go package.
    pub(super) fn package(&self, folder: &str) -> &[usize] {
        self.packages.get(folder).map_or(&[], Vec::as_slice)
    }

    /// The file that `specifier` means in a file at `path`.
    pub(super) fn find(&self, language: Language, path: &str, specifier: &str) -> Option<usize> {
        let folder = folder_of(path);
        match language {
            Language::Python if specifier.starts_with('.') => {
                self.at("python", &python_path(folder, specifier))
            }
            Language::Python => self.python(folder, &specifier.replace('.', "/")),
            Language::Go => self.go(folder, specifier),
            Language::Java => None,
            _ if specifier.starts_with('.') => {
                self.at("javascript", &normal(&format!("{folder}/{specifier}")))
            }
            _ => None,
        }
    }

    fn at(&self, family: &'static str, wanted: &str) -> Option<usize> {
        self.stems.get(&(family, wanted)).or_else(|| self.paths.get(&(family, wanted))).copied()
    }

    /// An absolute import: below a folder around the importer; of a module in a
    /// package also below any other. `json` alone is not some package's `json`.
    fn python(&self, folder: &str, wanted: &str) -> Option<usize> {
        let mut around = Some(folder);
        while let Some(folder) = around {
            let path =
                if folder.is_empty() { wanted.to_owned() } else { format!("{folder}/{wanted}") };
            if let Some(found) = self.at("python", &path) {
                return Some(found);
            }
            around = (!folder.is_empty()).then(|| folder_of(folder));
        }
        if !wanted.contains('/') {
            return None;
        }
        let mut candidates = self.tails.get(tail(wanted))?.iter();
        candidates.find(|(stem, _)| ends_with_part(stem, wanted)).map(|(_, file)| *file)
    }

    /// The first file of the package that an import path names: the path ends
    /// with the package's folder, or the folder with the path's last two parts.
    fn go(&self, own: &str, path: &str) -> Option<usize> {
        let end = tail(path);
        let fits = |folder: &&&str| {
            !folder.is_empty()
                && **folder != own
                && (ends_with_part(path, folder)
                    || end.contains('/') && ends_with_part(folder, end))
        };
        let mut folders: Vec<&&str> = self.folders.get(last(path))?.iter().filter(fits).collect();
        // The longest is the nearest; equal ones in a fixed order.
        folders.sort_by_key(|folder| (std::cmp::Reverse(folder.len()), **folder));
        self.package(folders.first()?).first().copied()
    }
}

/// Whether a path is `end` or ends with `/` and it.
fn ends_with_part(path: &str, end: &str) -> bool {
    path.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The last two parts of a path.
fn tail(path: &str) -> &str {
    let slash = path.rfind('/').and_then(|last| path[..last].rfind('/'));
    slash.map_or(path, |at| &path[at + 1..])
}

fn stem(path: &str) -> &str {
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    stem.trim_end_matches("/index").trim_end_matches("/__init__")
}

fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// `.helpers` below the importer's folder.
fn python_path(folder: &str, module: &str) -> String {
    let dots = module.chars().take_while(|c| *c == '.').count();
    let rest = module[dots..].replace('.', "/");
    let ups = "../".repeat(dots.saturating_sub(1));
    normal(&format!("{folder}/{ups}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Program;

    fn units(paths: &[&'static str]) -> Vec<Option<Unit<'static>>> {
        let language = |path: &str| match path.rsplit('.').next() {
            Some("py") => Language::Python,
            Some("go") => Language::Go,
            _ => Language::JavaScript,
        };
        let unit = |path: &&'static str| {
            let (language, program) = (language(path), Program::default());
            Some(Unit { path, language, source: b"", program: program.into(), outputs: Vec::new() })
        };
        paths.iter().map(unit).collect()
    }

    #[test]
    fn specifiers_become_paths() {
        assert_eq!(normal("src/routes/../db"), "src/db");
        assert_eq!(python_path("app/views", "..models"), "app/models");
        assert_eq!(python_path("app", ".helpers"), "app/helpers");
    }

    #[test]
    fn imports_find_their_files() {
        let units = units(&[
            "src/db/index.js",
            "lib/app/core/db.py",
            "lib/flask/json/__init__.py",
            "lib/app/views.py",
            "internal/store/store.go",
            "cmd/main.go",
        ]);
        let index = ModuleIndex::new(&units);
        let js = |name| index.find(Language::JavaScript, "src/routes/a.js", name);
        assert_eq!((js("../db"), js("express")), (Some(0), None));
        let python = |name| index.find(Language::Python, "tests/a.py", name);
        assert_eq!(python("core.db"), Some(1));
        assert_eq!(python("app.core.db"), Some(1));
        assert_eq!(python("json"), None);
        assert_eq!(index.find(Language::Python, "lib/a.py", "app.views"), Some(3));
        let go = |name| index.find(Language::Go, "cmd/main.go", name);
        assert_eq!(go("example.org/shop/internal/store"), Some(4));
        assert_eq!((go("store"), go("database/sql")), (None, None));
    }
}
