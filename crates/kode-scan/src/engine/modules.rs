//! Which scanned file an import names. Files are indexed once, so that an import
//! costs the same however many files there are.

use std::collections::HashMap;

use kode_syntax::Language;

use super::aliases::Aliases;
use super::{Unit, folder_of};
use crate::ir::{ClassId, FunctionId, Kind, Program, VariableId};
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
    /// What Go's packages declare at their top level.
    declared: HashMap<(&'a str, &'a str), (usize, VariableId)>,
    /// Go's folders by their last part.
    folders: HashMap<&'a str, Vec<&'a str>>,
    /// Java's classes by their simple names.
    java_classes: HashMap<&'a str, Vec<(usize, ClassId)>>,
    /// JavaScript files by the last part of their stem.
    lasts: HashMap<&'a str, Vec<(&'a str, usize)>>,
    /// Go's methods by their names.
    methods: HashMap<&'a str, Vec<GoMethod<'a>>>,
    /// Classes by the simple name of what they extend or implement.
    implementers: HashMap<&'a str, Vec<(usize, ClassId)>>,
}

/// A Go method: where it is, and the package and name of its receiver's type.
#[derive(Debug, Clone, Copy)]
pub(super) struct GoMethod<'a> {
    pub(super) at: (usize, FunctionId),
    pub(super) owner: (&'a str, &'a str),
}

impl<'a> ModuleIndex<'a> {
    pub(super) fn new(units: &'a [Option<Unit<'_>>]) -> Self {
        let mut index = Self::default();
        for (file, unit) in units.iter().enumerate() {
            let Some(unit) = unit else { continue };
            let (family, stem) = (family(unit.language), stem(unit.path));
            index.paths.entry((family, unit.path)).or_insert(file);
            index.stems.entry((family, stem)).or_insert(file);
            index.add_bases(file, &unit.program);
            match unit.language {
                Language::Python => index.tails.entry(tail(stem)).or_default().push((stem, file)),
                Language::Go => {
                    let folder = folder_of(unit.path);
                    let files = index.packages.entry(folder).or_default();
                    if files.is_empty() {
                        index.folders.entry(last(folder)).or_default().push(folder);
                    }
                    files.push(file);
                    for (name, variable) in &unit.program.exports {
                        index.declared.entry((folder, name)).or_insert((file, *variable));
                    }
                    index.add_methods(file, folder, &unit.program);
                }
                Language::Java => index.add_java(file, &unit.program),
                _ => index.lasts.entry(last(stem)).or_default().push((stem, file)),
            }
        }
        index
    }

    fn add_java(&mut self, file: usize, program: &'a Program) {
        for (at, class) in program.classes.iter().enumerate() {
            if let Some(name) = &class.name {
                self.java_classes.entry(name).or_default().push((file, ClassId(at as u32)));
            }
        }
    }

    fn add_bases(&mut self, file: usize, program: &'a Program) {
        for (at, class) in program.classes.iter().enumerate() {
            for base in &class.bases {
                let name: &str = match &program.expression(*base).kind {
                    Kind::Global(name) | Kind::Field(_, name) => name,
                    Kind::Variable(id) => &program.variables[id.0 as usize],
                    _ => continue,
                };
                let simple = name.rsplit(['.', ' ']).next().unwrap_or(name);
                self.implementers.entry(simple).or_default().push((file, ClassId(at as u32)));
            }
        }
    }

    fn add_methods(&mut self, file: usize, folder: &'a str, program: &'a Program) {
        for (at, function) in program.functions.iter().enumerate() {
            let class = function.class.map(|class| &program.classes[class.0 as usize]);
            let owner = class.and_then(|class| class.name.as_deref());
            let owner = owner.or(function.receiver.as_deref());
            if let (Some(name), Some(owner)) = (function.name.as_deref(), owner) {
                let at = (file, FunctionId(at as u32));
                let method = GoMethod { at, owner: (folder, owner) };
                self.methods.entry(name).or_default().push(method);
            }
        }
    }

    /// Go's methods of a name.
    pub(super) fn methods(&self, name: &str) -> &[GoMethod<'a>] {
        self.methods.get(name).map_or(&[], Vec::as_slice)
    }

    /// Java's classes of a simple name.
    pub(super) fn java_classes(&self, simple: &str) -> &[(usize, ClassId)] {
        self.java_classes.get(simple).map_or(&[], Vec::as_slice)
    }

    /// The classes that extend or implement what has this simple name.
    pub(super) fn implementers(&self, simple: &str) -> &[(usize, ClassId)] {
        self.implementers.get(simple).map_or(&[], Vec::as_slice)
    }

    /// The file and variable that declare a name in a Go package.
    pub(super) fn in_package(&self, folder: &str, name: &str) -> Option<(usize, VariableId)> {
        self.declared.get(&(folder, name)).copied()
    }

    /// The files of a Go package.
    pub(super) fn package(&self, folder: &str) -> &[usize] {
        self.packages.get(folder).map_or(&[], Vec::as_slice)
    }

    /// The file that `specifier` means in a file at `path`.
    pub(super) fn find(
        &self,
        language: Language,
        path: &str,
        specifier: &str,
        aliases: &Aliases,
    ) -> Option<usize> {
        let folder = folder_of(path);
        match language {
            Language::Python if specifier.starts_with('.') => {
                self.at("python", &python_path(folder, specifier))
            }
            Language::Python => self.python(folder, &specifier.replace('.', "/")),
            Language::Go => self.go(folder, specifier, aliases),
            Language::Java => None,
            _ if specifier.starts_with('.') => {
                self.javascript(&normal(&format!("{folder}/{specifier}")))
            }
            _ => {
                let targets = aliases.targets(path, specifier);
                let named = targets.iter().find_map(|target| self.javascript(target));
                named.or_else(|| self.guessed(path, specifier))
            }
        }
    }

    fn at(&self, family: &'static str, wanted: &str) -> Option<usize> {
        self.stems.get(&(family, wanted)).or_else(|| self.paths.get(&(family, wanted))).copied()
    }

    /// A JavaScript file by its path; `x.js` may mean `x.ts`, a folder its index.
    fn javascript(&self, wanted: &str) -> Option<usize> {
        if let Some(found) = self.at("javascript", wanted) {
            return Some(found);
        }
        let plain = [".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".tsx"];
        let plain = plain.iter().find_map(|end| wanted.strip_suffix(end)).unwrap_or(wanted);
        let plain = if plain.is_empty() { "index" } else { plain.trim_end_matches("/index") };
        self.stems.get(&("javascript", plain)).copied()
    }

    /// The file that an alias of settings that are not here most likely means: `@/x`,
    /// `~/x`, `#x`, `$lib/x`, `@x/y`, or a path of two parts below some root.
    fn guessed(&self, path: &str, specifier: &str) -> Option<usize> {
        let marks = ['@', '~', '#', '$'];
        let body = specifier.trim_start_matches(marks).trim_start_matches('/');
        let is_marked = body.len() < specifier.len();
        let is_scope = specifier.starts_with('@') && !specifier.starts_with("@/");
        let whole = is_marked || body.contains('/');
        if let Some(found) = self.below_some_root(path, body).filter(|_| whole) {
            return Some(found);
        }
        // `@app/services/ping`: below what `@app` stands for.
        let (_, rest) = body.split_once('/').filter(|(_, rest)| is_scope && rest.contains('/'))?;
        self.below_some_root(path, rest)
    }

    /// The file whose path ends with `wanted`, nearest to the importer.
    fn below_some_root(&self, path: &str, wanted: &str) -> Option<usize> {
        let plain = [".js", ".mjs", ".ts"];
        let wanted = plain.iter().find_map(|end| wanted.strip_suffix(end)).unwrap_or(wanted);
        let wanted = wanted.trim_end_matches("/index");
        let candidates = self.lasts.get(last(wanted)).filter(|_| !wanted.is_empty())?;
        let fitting = candidates.iter().filter(|(stem, _)| ends_with_part(stem, wanted));
        let shared = |stem: &str| {
            stem.bytes().zip(path.bytes()).take_while(|(one, other)| one == other).count()
        };
        let nearest = fitting.max_by_key(|(stem, _)| (shared(stem), std::cmp::Reverse(stem.len())));
        nearest.map(|(_, file)| *file)
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
    fn go(&self, own: &str, path: &str, aliases: &Aliases) -> Option<usize> {
        if let Some(folder) = aliases.go_folder(path) {
            return self.package(&folder).first().copied().filter(|_| folder != own);
        }
        let end = tail(path);
        let fits = |folder: &&&str| {
            !folder.is_empty()
                && **folder != own
                && (ends_with_part(path, folder)
                    || end.contains('/') && ends_with_part(folder, end))
        };
        let named = self.folders.get(last(path)).map_or(&[][..], Vec::as_slice);
        let mut folders: Vec<&&str> = named.iter().filter(fits).collect();
        // The longest is the nearest; equal ones in a fixed order.
        folders.sort_by_key(|folder| (std::cmp::Reverse(folder.len()), **folder));
        let found = match (folders.first(), named) {
            (Some(nearest), _) => nearest,
            // A module in a folder of its own: `shop/store` is its `store`.
            (None, [only]) if *only != own && is_foreign(path) => only,
            _ => return None,
        };
        self.package(found).first().copied()
    }
}

/// Whether an import path of several parts is none of Go's own library.
fn is_foreign(path: &str) -> bool {
    const OWN: [&str; 22] = [
        "archive",
        "compress",
        "container",
        "crypto",
        "database",
        "debug",
        "encoding",
        "go",
        "hash",
        "html",
        "image",
        "index",
        "internal",
        "io",
        "log",
        "math",
        "mime",
        "net",
        "os",
        "runtime",
        "testing",
        "text",
    ];
    path.split_once('/').is_some_and(|(first, _)| !OWN.contains(&first))
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

pub(super) fn normal(path: &str) -> String {
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
        let aliases = Aliases::default();
        let js = |name| index.find(Language::JavaScript, "src/routes/a.js", name, &aliases);
        assert_eq!((js("../db"), js("express")), (Some(0), None));
        let python = |name| index.find(Language::Python, "tests/a.py", name, &aliases);
        assert_eq!(python("core.db"), Some(1));
        assert_eq!(python("app.core.db"), Some(1));
        assert_eq!(python("json"), None);
        assert_eq!(index.find(Language::Python, "lib/a.py", "app.views", &aliases), Some(3));
        let go = |name| index.find(Language::Go, "cmd/main.go", name, &aliases);
        assert_eq!(go("example.org/shop/internal/store"), Some(4));
        assert_eq!((go("store"), go("database/sql")), (None, None));
    }
}
